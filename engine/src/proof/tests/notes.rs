//! Notes, verifier keys and checkpoints of the Go module database and of transparency-dev.
//!
//! The vectors are string literals of those projects' tests, found by file and line; what is
//! expected of each stands here.

use super::*;

const SUMDB: &str = "tlog/golang-sumdb-note-strings.jsonl";
const FORMATS: &str = "tlog/formats-strings.jsonl";

/// The literals at a line of a test file; several where one line has several.
fn literals(lines: &[Value], file: &str, line: u64) -> Vec<String> {
    let here = |case: &&Value| case["file"] == file && case["line"] == line;
    let value = |case: &Value| case["value"].as_str().unwrap().to_owned();
    lines.iter().filter(here).map(value).collect()
}

fn literal(lines: &[Value], file: &str, line: u64) -> String {
    let found = literals(lines, file, line);
    assert_eq!(found.len(), 1, "{file}:{line}: {found:?}");
    found[0].clone()
}

/// What is expected of each verifier key in the vectors, by its name and hash.
fn expected_key(start: &str) -> Option<Result<(), KeyError>> {
    Some(match start {
        "Log+2271c621" | "Known+451c786d" | "KnownAgain+4893b26c" | "Unknown+fdbb2e08" => Ok(()),
        "sum.golang.org+033de0ae" | "monkeys+db4d9f7e" | "bananas+cf639f13" => Ok(()),
        "witness+f13a86db" | "TEST+7997405c" | "logandmap+38581672" => Ok(()),
        "PeterNeumann+c74f20a3" | "EnochRoot+af0cfe78" => Ok(()),
        "Wit1+55ee4561" | "Wit2+85ecc407" | "Wit3+d3ed3be7" => Ok(()),
        // A signing key, a key of 36 bytes, no base64, no hash, no key at all.
        "PRIVATE+KEY" | "PeterNeumann+cc469956" => Err(KeyError::Syntax),
        "rekor.sigstore.dev+NOT_A_NUMBER" | "rekor.sigstore.dev+00000000" => Err(KeyError::Syntax),
        // Types: 'Z' for nothing, cosignature, ML-DSA, RFC 6962.
        "PeterNeumann+173116ae" => Err(KeyError::Algorithm(0x65)),
        "remora.n621.de+da77ade7" => Err(KeyError::Algorithm(4)),
        "test+5893dc2c" => Err(KeyError::Algorithm(6)),
        "ct.googleapis.com/logs/us1/argon2024+7deb49d0" => Err(KeyError::Algorithm(5)),
        "rome.ct.filippo.io/2024h1+78f4abae" => Err(KeyError::Algorithm(5)),
        _ => return None,
    })
}

#[test]
fn verifier_keys() {
    let Some(cases) = json_lines(SUMDB) else { return };
    let cases = [cases, json_lines(FORMATS).unwrap()].concat();
    let (mut valid, mut refused) = (0, 0);
    for case in &cases {
        let text = case["value"].as_str().unwrap();
        let parts: Vec<&str> = text.splitn(3, '+').collect();
        let [name, hash, material] = parts[..] else { continue };
        let test = case["test"].as_str().unwrap();
        // Sentences, bare signatures and notes have plus signs too.
        if text.contains([' ', '\n', '%']) || test.starts_with("TestCoSigV1Timestamp") {
            continue;
        }
        if text.starts_with("rwz+") || text.starts_with("2tiO") || text.starts_with("AjBZ") {
            continue;
        }
        let expected = match material {
            "THIS_IS_NOT_BASE64!" => Err(KeyError::Syntax),
            "AwEB" => Err(KeyError::Algorithm(3)),
            _ => expected_key(&format!("{name}+{hash}")).unwrap_or_else(|| panic!("{text}")),
        };
        let parsed = VerifierKey::parse(text);
        assert_eq!(parsed.as_ref().map(|_| ()), expected.as_ref().copied(), "{text}");
        match parsed {
            Ok(key) => {
                assert_eq!((key.to_string(), key.name()), (text.to_owned(), name));
                valid += 1;
            }
            Err(_) => refused += 1,
        }
    }
    assert_eq!((valid, refused), (26, 32));
}

#[test]
fn malformed_verifier_keys() {
    let good = test_key(0).verifier().to_string();
    let (name, rest) = good.split_once('+').unwrap();
    let (hash, material) = rest.split_once('+').unwrap();
    let computed = test_key(0).verifier().id();
    let weak = base64_encode(&[&[1][..], &[1], &[0; 31]].concat());
    for (text, error) in [
        (String::new(), KeyError::Syntax),
        (name.to_owned(), KeyError::Syntax),
        (format!("{name}+{hash}"), KeyError::Syntax),
        (format!("{name}+{}+{material}", hash.to_uppercase()), KeyError::Syntax),
        (format!("{name}+0{hash}+{material}"), KeyError::Syntax),
        (format!("{name}+{hash}+{material}\n"), KeyError::Syntax),
        (format!("{name}+{hash}+{}", &material[..40]), KeyError::Syntax),
        (format!("+{hash}+{material}"), KeyError::Name),
        (format!("a b+{hash}+{material}"), KeyError::Name),
        (format!("a\u{2003}b+{hash}+{material}"), KeyError::Name),
        (format!("{name}+{hash}+{weak}"), KeyError::Point),
        (format!("{name}+00000000+{material}"), KeyError::Hash { found: [0; 4], computed }),
    ] {
        assert_eq!(VerifierKey::parse(&text), Err(error), "{text}");
    }
}

#[test]
fn notes_of_the_go_module_database() {
    let Some(cases) = json_lines(SUMDB) else { return };
    let file = "sumdb/note/note_test.go";
    let key = |line| VerifierKey::parse(&literal(&cases, file, line)).unwrap();
    let (peter, enoch) = (key(306), key(312));
    let text = literal(&cases, file, 318);
    let (by_peter, by_enoch) = (literal(&cases, file, 321), literal(&cases, file, 322));
    let both = format!("{text}\n{by_peter}{by_enoch}");
    let note = Note::parse(both.as_bytes()).unwrap();
    assert_eq!((note.text(), note.signatures().len()), (&*text, 2));
    assert_eq!(note.verify_by(&peter), Ok(()));
    assert_eq!(note.verify_by(&enoch), Ok(()));
    assert_eq!(note.verify_by_any([&enoch, &peter]), Ok(&peter), "first in the note");
    assert_eq!(note.verify_by(&test_key(0).verifier()), Err(NoteError::Unsigned));
    assert_eq!(note.verify_by_any([]), Err(NoteError::Unsigned));

    let one = format!("{text}\n{by_peter}");
    assert_eq!(one, literal(&cases, file, 203));
    let edited = one.replacen("think", "thunk", 1);
    let edited = Note::parse(edited.as_bytes()).unwrap();
    assert_eq!(edited.verify_by(&peter), Err(NoteError::Forged { number: 1 }));

    // The same name or the same id alone is another key's.
    let name_only = literal(&cases, file, 325);
    let renamed = format!("{text}\n— PeterNeumann {name_only}\n");
    let renamed = Note::parse(renamed.as_bytes()).unwrap();
    assert_eq!(renamed.verify_by(&peter), Err(NoteError::Unsigned));

    // A wrong signature beside a right one refuses the note; a repeated right one doesn't.
    let twice = format!("{text}\n{by_peter}{by_peter}");
    assert_eq!(Note::parse(twice.as_bytes()).unwrap().verify_by(&peter), Ok(()));
    let wrong = by_peter.replacen("ZJkuB", "ZJkuC", 1);
    let mixed = format!("{text}\n{by_peter}{wrong}");
    let mixed = Note::parse(mixed.as_bytes()).unwrap();
    assert_eq!(mixed.verify_by(&peter), Err(NoteError::Forged { number: 2 }));

    let bad_name = literal(&cases, file, 426);
    let bad = format!("{text}\n{bad_name}\n");
    assert_eq!(Note::parse(bad.as_bytes()), Err(NoteError::Signature { number: 1 }));
}

#[test]
fn malformed_notes() {
    let key = test_key(0);
    let (text, signed) = ("text\n", key.sign_note("text\n").unwrap());
    let line = signed.strip_prefix("text\n\n").unwrap();
    let name = key.verifier().name().to_owned();
    for (note, error) in [
        (String::new(), NoteError::Unterminated),
        (text.to_owned(), NoteError::NoSeparator),
        (format!("{text}\n"), NoteError::NoSignature),
        (format!("{text}{line}"), NoteError::NoSeparator),
        (format!("\n{line}"), NoteError::NoSeparator),
        (format!("{text}\n{}", line.trim_end()), NoteError::Unterminated),
        (format!("{text}\n{line}\n"), NoteError::NoSignature),
        (format!("{text}\n{line}more\n"), NoteError::Signature { number: 2 }),
        (format!("te\rxt\n\n{line}"), NoteError::Control { offset: 2 }),
        (format!("{text}\n{}\t\n", line.trim_end()), NoteError::Control { offset: 123 }),
        (format!("{text}\n{}", line.replace('—', "-")), NoteError::Signature { number: 1 }),
        (format!("{text}\n{}", line.replace("— ", "—")), NoteError::Signature { number: 1 }),
        (format!("{text}\n{}", line.replace(&name, "")), NoteError::Signature { number: 1 }),
        (format!("{text}\n{}", line.replace('=', "")), NoteError::Signature { number: 1 }),
        (format!("{text}\n{}", line.replace(&name, "a+b")), NoteError::Signature { number: 1 }),
        (format!("{text}\n— a AAAAAA==\n"), NoteError::Signature { number: 1 }),
        (format!("{text}\n{}", line.repeat(SIGNATURES_MAX + 1)), NoteError::TooMany),
    ] {
        assert_eq!(Note::parse(note.as_bytes()), Err(error), "{note:?}");
    }
    assert_eq!(Note::parse(b"\xff\n\n"), Err(NoteError::Encoding));
    assert_eq!(key.sign_note("text"), Err(NoteError::Unterminated));
    assert_eq!(key.sign_note("a\0\n"), Err(NoteError::Control { offset: 1 }));
    let most = format!("{text}\n{}", line.repeat(SIGNATURES_MAX));
    assert_eq!(Note::parse(most.as_bytes()).unwrap().verify_by(&key.verifier()), Ok(()));
    // The text may have blank lines: the last one separates.
    let blank = key.sign_note("a\n\n\nb\n\n").unwrap();
    let note = Note::parse(blank.as_bytes()).unwrap();
    assert_eq!((note.text(), note.verify_by(&key.verifier())), ("a\n\n\nb\n\n", Ok(())));
}

/// What is expected of a checkpoint text: (size, length of root, extensions), or the bad line.
type Expected = Result<(u64, usize, usize), usize>;

#[test]
fn checkpoints_of_other_logs() {
    let Some(cases) = json_lines(FORMATS) else { return };
    let file = "log/checkpoint_test.go";
    let expected: [(u64, Expected); 13] = [
        (39, Ok((123, 7, 0))),
        (46, Ok((9944, 37, 0))),
        (68, Ok((123, 7, 0))),
        (76, Ok((9944, 37, 0))),
        (84, Ok((9944, 37, 1))),
        (93, Ok((9944, 37, 3))),
        // Blank extension lines: that project takes them, the C2SP text doesn't.
        (102, Err(4)),
        (115, Err(1)),
        (119, Err(3)),
        (123, Err(2)),
        (127, Err(2)),
        (131, Err(2)),
        (135, Err(3)),
    ];
    for (line, expected) in expected {
        let text = literal(&cases, file, line);
        let parsed = ForeignCheckpoint::parse(&text);
        let found = parsed
            .map(|foreign| (foreign.size.0, foreign.root.len(), foreign.extensions.len()))
            .map_err(|error| error.line);
        assert_eq!(found, expected, "{text:?}");
        // None of these roots has 32 bytes.
        assert!(Checkpoint::parse(&text).is_err(), "{text:?}");
    }
    let moon = literal(&cases, file, 201);
    let moon = ForeignCheckpoint::parse(&moon).unwrap();
    assert_eq!(moon.origin, "Moon Log");
    assert_eq!(moon.extensions, ["6086d1a9", "Waxing gibbous"]);
}

#[test]
fn signed_checkpoints_of_other_logs() {
    let Some(cases) = json_lines(FORMATS) else { return };
    let file = "log/note_test.go";
    let key = |line| VerifierKey::parse(&literal(&cases, file, line)).unwrap();
    let base = literal(&cases, file, 260);
    assert_eq!(base, literal(&cases, file, 207));
    let lines: Vec<String> = (302..=306).map(|line| literal(&cases, file, line)).collect();
    let signed = format!("{base}{}\n", lines.join("\n"));
    let note = Note::parse(signed.as_bytes()).unwrap();
    assert_eq!(note.signatures().len(), 6);
    for line in [256, 277, 287, 288] {
        assert_eq!(note.verify_by(&key(line)), Ok(()), "{line}");
    }
    let foreign = ForeignCheckpoint::parse(note.text()).unwrap();
    assert_eq!((foreign.origin, foreign.size), ("go.sum database tree", TreeSize(6_476_701)));
    let not_ours = Err(TextError { line: 1, expected: "the origin" });
    assert_eq!(Checkpoint::parse(note.text()), not_ours);

    // Signatures of other kinds are carried: RFC 6962 and ECDSA.
    let rome = literal(&cases, "note/note_rfc6962_test.go", 30);
    let rome = Note::parse(rome.as_bytes()).unwrap();
    assert_eq!(rome.signatures()[0].key_id, [0x78, 0xf4, 0xab, 0xae]);
    assert_eq!(Checkpoint::parse(rome.text()).unwrap().size, TreeSize(115_474_666));
    for line in [150, 154, 158] {
        let ecdsa = literal(&cases, "note/note_verifier_test.go", line);
        let note = Note::parse(ecdsa.as_bytes()).unwrap();
        assert!(ForeignCheckpoint::parse(note.text()).is_ok(), "{ecdsa}");
        assert_eq!(note.verify_by(&key(256)), Err(NoteError::Unsigned), "{ecdsa}");
    }
}
