//! The reader of usual bodies beside the general one: what the first takes, the second reads the
//! same, and nothing else.

use proptest::prelude::*;

use super::properties::{encoded, producer, record};
use super::*;
use crate::record::plain;

/// Whether the bytes were read in one pass; what was read must be what the general reader reads.
fn is_plain(input: &str) -> bool {
    let Some(body) = plain::read(input) else { return false };
    assert_eq!(Body::general(input), Ok(Body { plain: false, ..body }), "{input}");
    true
}

fn with_detail(detail: &str) -> String {
    let mut record =
        parse(&with(r#","detail":{},"target_id":"t","source_ip":"10.0.0.1""#)).unwrap();
    record.actor_role = Some("nurse".to_owned());
    let body = String::from_utf8(body_of(&record)).unwrap();
    assert!(body.contains("\"detail\":{}"));
    body.replace("\"detail\":{}", &format!("\"detail\":{detail}"))
}

#[test]
fn usual_bodies_are_read_in_one_pass() {
    let producer = Producer::with_key("clinic", "k1").unwrap();
    let mut record = parse(&with("")).unwrap();
    let mut bytes = Vec::new();
    encode_body(&record, &stamp(Some(&producer)), &mut bytes);
    assert!(is_plain(std::str::from_utf8(&bytes).unwrap()));
    for text in ["", "看護師 é", "a/b"] {
        record.target_id = Some(text.to_owned());
        assert!(is_plain(&String::from_utf8(body_of(&record)).unwrap()), "{text}");
    }
    for detail in [
        "{}",
        r#"{"a":1,"b":-0,"c":0.10,"d":-1.5e+07,"e":1E5,"f":2e-1,"g":10}"#,
        r#"{"a":true,"b":false,"c":null,"d":"","e":"患者","":[]}"#,
        r#"{"a":{"a":{"b":[1,[2,{"a":[{}]}],"x"]},"b":{}},"b":[]}"#,
    ] {
        assert!(is_plain(&with_detail(detail)), "{detail}");
    }
}

#[test]
fn what_is_unusual_is_left_to_the_general_reader() {
    let deep = format!("{}1{}", "{\"a\":".repeat(40), "}".repeat(40));
    let wide: Vec<_> = (0..40).map(|n| format!("\"m{n}\":{n}")).collect();
    for detail in [&deep, &format!("{{{}}}", wide.join(",")), r#"{"a":"\n"}"#, r#"{"\n":1}"#] {
        let body = with_detail(detail);
        assert!(!is_plain(&body), "{detail}");
        assert!(Body::parse(body.as_bytes()).is_ok(), "{detail}");
    }
    for detail in [
        r#"{"a":1,"a":2}"#,
        r#"{"b":{"a":1,"a":2}}"#,
        r#"{"b":[{"a":1,"c":0,"a":2}]}"#,
        r#"{"a":01}"#,
        r#"{"a":-}"#,
        r#"{"a":1.}"#,
        r#"{"a":.5}"#,
        r#"{"a":1e}"#,
        r#"{"a":+1}"#,
        r#"{"a":00}"#,
        r#"{"a":-01}"#,
        r#"{"a":1e+}"#,
        r#"{"a":nul}"#,
        r#"{"a":truefalse}"#,
        r#"{"a":"\ud800\ud800"#,
        "{\"a\":\"\u{1}\"}",
        "{\"a\u{1f}\":1}",
        r#"{"a"}"#,
        r#"{"a":}"#,
        r#"{"a":1,}"#,
        r#"{,"a":1}"#,
        r#"{"a":[1,]}"#,
        r#"{"a":[,1]}"#,
        r#"{"a":[1 2]}"#,
        "[]",
        "1",
        r#"{"a": 1}"#,
        r#"{"a":1}}"#,
        r#"{"a":1"#,
        r#"{"a":[1}"#,
        r#"{"a":1]"#,
        r#"{a:1}"#,
        "",
    ] {
        let body = with_detail(detail);
        assert!(!is_plain(&body), "{detail}");
        assert!(Body::parse(body.as_bytes()).is_err(), "{detail}");
    }
}

proptest! {
    #[test]
    fn both_readers_read_the_same(
        record in record(), producer in proptest::option::of(producer()), seed in any::<[u8; 28]>(),
    ) {
        let bytes = encoded(&record, producer.as_ref(), seed);
        is_plain(std::str::from_utf8(&bytes).unwrap());
    }

    #[test]
    fn a_changed_body_is_read_the_same_or_not_at_all(
        at in any::<prop::sample::Index>(),
        with in prop_oneof!["[\"\\\\,:{}\\[\\]0-9eE+.TZ-]{0,2}", "[ -~]{0,3}"],
        len in 0..3_usize,
    ) {
        let detail = r#"{"a":1.5e3,"b":[true,{"c":"x","d":null}],"e":{}}"#;
        let mut body = with_detail(detail);
        let at = at.index(body.len());
        body.replace_range(at..(at + len).min(body.len()), &with);
        if !is_plain(&body) {
            // Nothing to compare: it is the general reader that reads it.
            return Ok(());
        }
        prop_assert!(Body::parse(body.as_bytes()).is_ok());
    }
}
