//! The test data of others: JSONTestSuite, the naughty strings, the inputs of RFC 8785.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use super::*;

/// A folder of the test data. `None` (said so) where there is none on this machine.
fn test_data(folder: &str) -> Option<PathBuf> {
    let given = std::env::var_os("SHOSEKI_TESTDATA").map(PathBuf::from);
    let default = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../shared/testdata");
    let path = given.unwrap_or(default).join(folder);
    if path.exists() {
        return Some(path);
    }
    let required = std::env::var_os("SHOSEKI_REQUIRE_TESTDATA").is_some_and(|value| value == "1");
    assert!(!required, "no test data at {}", path.display());
    println!("skipped: no test data");
    None
}

fn files(folder: &Path) -> BTreeMap<String, Vec<u8>> {
    let entries = std::fs::read_dir(folder).unwrap().map(Result::unwrap);
    let read = |entry: std::fs::DirEntry| {
        (entry.file_name().into_string().unwrap(), std::fs::read(entry.path()).unwrap())
    };
    entries.map(read).collect()
}

/// What becomes of a file that is the value of a member of `detail`, and of a file that is the
/// whole input.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Verdict {
    /// In `detail`: accepted token by token. As the whole input: JSON, but not a record.
    Json,
    /// In both: JSON that breaks a rule of ours.
    Fault,
    /// In both: not JSON.
    Refused,
}

/// What RFC 8259 leaves open (`i_`), where we differ from it on purpose (`y_`), and every file of
/// `test_transform`. Everything else follows from its first letter.
const CHOICES: &[(&str, Verdict, &str)] = &[
    ("i_number_double_huge_neg_exp.json", Verdict::Json, "numbers are never evaluated"),
    ("i_number_huge_exp.json", Verdict::Json, "numbers are never evaluated"),
    ("i_number_neg_int_huge_exp.json", Verdict::Json, "numbers are never evaluated"),
    ("i_number_pos_double_huge_exp.json", Verdict::Json, "numbers are never evaluated"),
    ("i_number_real_neg_overflow.json", Verdict::Json, "numbers are never evaluated"),
    ("i_number_real_pos_overflow.json", Verdict::Json, "numbers are never evaluated"),
    ("i_number_real_underflow.json", Verdict::Json, "numbers are never evaluated"),
    ("i_number_too_big_neg_int.json", Verdict::Json, "numbers are never evaluated"),
    ("i_number_too_big_pos_int.json", Verdict::Json, "numbers are never evaluated"),
    ("i_number_very_big_negative_int.json", Verdict::Json, "numbers are never evaluated"),
    ("i_object_key_lone_2nd_surrogate.json", Verdict::Fault, "a name must be comparable"),
    ("i_string_1st_surrogate_but_2nd_missing.json", Verdict::Json, "tokens are kept as sent"),
    ("i_string_1st_valid_surrogate_2nd_invalid.json", Verdict::Json, "tokens are kept as sent"),
    ("i_string_UTF-16LE_with_BOM.json", Verdict::Refused, "not UTF-8"),
    ("i_string_UTF-8_invalid_sequence.json", Verdict::Refused, "not UTF-8"),
    ("i_string_UTF8_surrogate_U+D800.json", Verdict::Refused, "not UTF-8"),
    (
        "i_string_incomplete_surrogate_and_escape_valid.json",
        Verdict::Json,
        "tokens are kept as sent",
    ),
    ("i_string_incomplete_surrogate_pair.json", Verdict::Json, "tokens are kept as sent"),
    ("i_string_incomplete_surrogates_escape_valid.json", Verdict::Json, "tokens are kept as sent"),
    ("i_string_invalid_lonely_surrogate.json", Verdict::Json, "tokens are kept as sent"),
    ("i_string_invalid_surrogate.json", Verdict::Json, "tokens are kept as sent"),
    ("i_string_invalid_utf-8.json", Verdict::Refused, "not UTF-8"),
    ("i_string_inverted_surrogates_U+1D11E.json", Verdict::Json, "tokens are kept as sent"),
    ("i_string_iso_latin_1.json", Verdict::Refused, "not UTF-8"),
    ("i_string_lone_second_surrogate.json", Verdict::Json, "tokens are kept as sent"),
    ("i_string_lone_utf8_continuation_byte.json", Verdict::Refused, "not UTF-8"),
    ("i_string_not_in_unicode_range.json", Verdict::Refused, "not UTF-8"),
    ("i_string_overlong_sequence_2_bytes.json", Verdict::Refused, "not UTF-8"),
    ("i_string_overlong_sequence_6_bytes.json", Verdict::Refused, "not UTF-8"),
    ("i_string_overlong_sequence_6_bytes_null.json", Verdict::Refused, "not UTF-8"),
    ("i_string_truncated-utf-8.json", Verdict::Refused, "not UTF-8"),
    ("i_string_utf16BE_no_BOM.json", Verdict::Refused, "not UTF-8"),
    ("i_string_utf16LE_no_BOM.json", Verdict::Refused, "not UTF-8"),
    ("i_structure_500_nested_arrays.json", Verdict::Fault, "deeper than 64 levels"),
    ("i_structure_UTF-8_BOM_empty_object.json", Verdict::Refused, "byte-order marks are refused"),
    ("y_object_duplicated_key.json", Verdict::Fault, "a name given twice has no one meaning"),
    ("y_object_duplicated_key_and_value.json", Verdict::Fault, "a name given twice"),
    ("number_-9223372036854775808.json", Verdict::Json, "numbers are never evaluated"),
    ("number_-9223372036854775809.json", Verdict::Json, "numbers are never evaluated"),
    ("number_1.0.json", Verdict::Json, "numbers are never evaluated"),
    ("number_1.000000000000000005.json", Verdict::Json, "numbers are never evaluated"),
    ("number_1000000000000000.json", Verdict::Json, "numbers are never evaluated"),
    ("number_10000000000000000999.json", Verdict::Json, "numbers are never evaluated"),
    ("number_1e-999.json", Verdict::Json, "numbers are never evaluated"),
    ("number_1e6.json", Verdict::Json, "numbers are never evaluated"),
    ("number_9223372036854775807.json", Verdict::Json, "numbers are never evaluated"),
    ("number_9223372036854775808.json", Verdict::Json, "numbers are never evaluated"),
    ("object_key_nfc_nfd.json", Verdict::Json, "nothing is normalised, so the names differ"),
    ("object_key_nfd_nfc.json", Verdict::Json, "nothing is normalised, so the names differ"),
    ("object_same_key_different_values.json", Verdict::Fault, "a name given twice"),
    ("object_same_key_same_value.json", Verdict::Fault, "a name given twice"),
    ("object_same_key_unclear_values.json", Verdict::Fault, "a name given twice"),
    ("string_1_escaped_invalid_codepoint.json", Verdict::Json, "tokens are kept as sent"),
    ("string_1_invalid_codepoint.json", Verdict::Refused, "not UTF-8"),
    ("string_2_escaped_invalid_codepoints.json", Verdict::Json, "tokens are kept as sent"),
    ("string_2_invalid_codepoints.json", Verdict::Refused, "not UTF-8"),
    ("string_3_escaped_invalid_codepoints.json", Verdict::Json, "tokens are kept as sent"),
    ("string_3_invalid_codepoints.json", Verdict::Refused, "not UTF-8"),
    ("string_with_escaped_NULL.json", Verdict::Json, "tokens are kept as sent"),
];

fn expected(name: &str) -> Verdict {
    let choice = CHOICES.iter().find(|(file, ..)| *file == name);
    match (choice, name.get(..2)) {
        (Some((_, verdict, reason)), _) => {
            assert!(!reason.is_empty());
            *verdict
        }
        (None, Some("y_")) => Verdict::Json,
        (None, Some("n_")) => Verdict::Refused,
        _ => panic!("no expectation is written down for {name}"),
    }
}

fn in_detail(file: &[u8]) -> Vec<u8> {
    let (head, tail) = (with(r#","detail":{"v":"#), "}}");
    let head = head.strip_suffix('}').unwrap();
    [head.as_bytes(), file, tail.as_bytes()].concat()
}

/// White space between tokens removed, by a method that knows nothing of our scanner.
fn compacted(json: &[u8]) -> Vec<u8> {
    let (mut out, mut in_string, mut escaped) = (Vec::new(), false, false);
    for byte in json {
        if in_string || !matches!(byte, b' ' | b'\t' | b'\n' | b'\r') {
            out.push(*byte);
        }
        if *byte == b'"' && !escaped {
            in_string = !in_string;
        }
        escaped = in_string && *byte == b'\\' && !escaped;
    }
    out
}

fn assert_kept_in_detail(file: &[u8], name: &str) {
    let record = Record::from_json(&in_detail(file), &Limits::default())
        .unwrap_or_else(|error| panic!("{name}: {error}"));
    let detail = record.detail.clone().unwrap();
    let kept = [b"{\"v\":", compacted(file).as_slice(), b"}"].concat();
    assert_eq!(
        String::from_utf8_lossy(detail.as_bytes()),
        String::from_utf8_lossy(&kept),
        "{name}"
    );
    assert_round_trip(&body_of(&record));
}

#[test]
fn json_test_suite() {
    let Some(folder) = test_data("json") else { return };
    let mut all = files(&folder.join("test_parsing"));
    assert_eq!(all.len(), 318);
    all.extend(files(&folder.join("test_transform")));
    assert_eq!(all.len(), 340);
    for (name, file) in &all {
        let verdict = expected(name);
        let inside = Record::from_json(&in_detail(file), &Limits::default());
        match (verdict, inside) {
            (Verdict::Json, _) => assert_kept_in_detail(file, name),
            (Verdict::Fault, Err(InputError::Invalid(_)))
            | (Verdict::Refused, Err(InputError::Syntax { .. })) => {}
            (_, other) => panic!("{name}: {verdict:?} expected in detail, got {other:?}"),
        }
        let whole = parse_batch(file, &Limits::default(), 1_000);
        match (verdict, &whole) {
            (Verdict::Json | Verdict::Fault, Err(InputError::Invalid(_)))
            | (Verdict::Refused, Err(InputError::Syntax { .. })) => {}
            // An empty batch is valid and holds nothing.
            (Verdict::Json, Ok(records)) if compacted(file) == b"[]" => assert!(records.is_empty()),
            (_, other) => panic!("{name}: {verdict:?} expected as input, got {other:?}"),
        }
    }
    for (name, ..) in CHOICES {
        assert!(all.contains_key(*name), "a choice without its file: {name}");
    }
}

#[test]
fn naughty_strings_round_trip() {
    let Some(folder) = test_data("strings") else { return };
    let text = std::fs::read(folder.join("blns.json")).unwrap();
    let strings: Vec<String> = serde_json::from_slice(&text).unwrap();
    assert_eq!(strings.len(), 515);
    for naughty in &strings {
        let mut record = parse(&with("")).unwrap();
        record.target_id = Some(naughty.clone());
        record.actor_role = Some(naughty.clone());
        let token = serde_json::to_string(naughty).unwrap();
        let detail = format!("{{{token}:{token}}}");
        record.detail = Some(Detail::parse(detail.as_bytes(), &Limits::default()).unwrap());
        let bytes = body_of(&record);
        assert_round_trip(&bytes);
        let body = Body::parse(&bytes).unwrap();
        assert_eq!(body.target_id().unwrap(), naughty.as_str());
        assert_eq!(body.detail_member(&[naughty]), Some(token.as_bytes()));
        let read: serde_json::Value = serde_json::from_slice(&bytes).unwrap();
        assert_eq!(read["actor_role"], naughty.as_str());
        assert_eq!(
            parse(&with(&format!(r#","target_id":{token}"#))).unwrap().target_id.as_ref(),
            Some(naughty)
        );
    }
}

#[test]
fn inputs_of_rfc_8785_stay_as_they_are() {
    let Some(folder) = test_data("jcs/input") else { return };
    let all = files(&folder);
    assert_eq!(all.len(), 6);
    for (name, file) in &all {
        assert_kept_in_detail(file, name);
    }
}
