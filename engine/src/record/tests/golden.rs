//! Hand-written bodies: the encoding of CONTRACT 1.1 to the byte.

use super::*;

const SMALLEST: &str = concat!(
    r#"{"audit_id":"018f4e9a-7c3b-7d2e-9a51-3c6f0b8e2d14","timestamp":"2026-11-21T09:30:00Z","#,
    r#""actor_type":"user","actor_id":"a","action":"X","result":"success","#,
    r#""pii_flag":false,"sensitivity":"low","#,
    r#""received_at":"2026-11-21T09:30:01.000250Z","salt":"AAECAwQFBgcICfr_"}"#,
);

const LARGEST: &str = concat!(
    r#"{"audit_id":"018f4e9a-7c3b-7d2e-9a51-3c6f0b8e2d14","timestamp":"2026-11-21T00:30:00.120Z","#,
    r#""actor_type":"device","actor_id":"\"\\/\b\f\n\r\t\u0000\u001f"#,
    "\u{7f}\u{e9}\u{5c71}\u{20089}",
    r#"","actor_role":"","action":"WORK_EVENT_CREATE","target_type":"t","target_id":"i","#,
    r#""request_id":"r","trace_id":"0af7651916cd43dd8448eb211c80319c","facility_id":"f","#,
    r#""source_ip":"host.example","result":"warning","#,
    r#""detail":{"b":[1.10,-0,1E+2,1e400,{}],"a":"\u0041\ud800\/","":null},"#,
    r#""pii_flag":true,"sensitivity":"high","received_at":"2026-11-21T09:30:01.000250Z","#,
    r##""ingested_by":"clinic \"A\"#k1","salt":"AAECAwQFBgcICfr_"}"##,
);

const LARGEST_INPUT: &str = concat!(
    "\n{ \"sensitivity\" : \"high\", \"pii_flag\":true,\t\"result\":\"warning\",",
    r#""detail" : { "b" : [ 1.10 , -0, 1E+2,1e400, { } ] , "a":"\u0041\ud800\/", "":null },"#,
    r#""source_ip":"host.example","facility_id":"f","request_id":"r","target_id":"i","#,
    r#""trace_id":"0af7651916cd43dd8448eb211c80319c","target_type":"t","actor_role":"","#,
    r#""actor_id":"\u0022\u005C\/\u0008\u000c\u000A\u000D\u0009\u0000\u001F\u007f\u00e9"#,
    r#"\u5c71\ud840\uDC89","action":"WORK_EVENT_CREATE","actor_type":"device","#,
    r#""timestamp":"2026-11-21t09:30:00.12+09:00","#,
    r#""audit\u005fid":"018F4E9A-7C3B-7D2E-9A51-3C6F0B8E2D14"}"#,
    "\r\n",
);

#[test]
fn smallest_body() {
    let record = parse(&with("")).unwrap();
    assert_eq!(String::from_utf8(body_of(&record)).unwrap(), SMALLEST);
    assert_round_trip(SMALLEST.as_bytes());
}

#[test]
fn largest_body_has_every_member_and_every_escape() {
    let record = parse(LARGEST_INPUT).unwrap();
    assert_eq!(record.audit_id, Some(stamp(None).audit_id));
    let producer = Producer::with_key("clinic \"A\"", "k1").unwrap();
    let mut out = Vec::new();
    encode_body(&record, &stamp(Some(&producer)), &mut out);
    assert_eq!(String::from_utf8(out).unwrap(), LARGEST);
    assert_round_trip(LARGEST.as_bytes());
}

#[test]
fn body_length_is_known_before_encoding() {
    let record = parse(LARGEST_INPUT).unwrap();
    let producer = Producer::with_key("clinic \"A\"", "k1").unwrap();
    assert_eq!(check::body_len(&record, Some(&producer)), LARGEST.len());
    assert_eq!(check::body_len(&parse(&with("")).unwrap(), None), SMALLEST.len());
}

#[test]
fn received_at_is_stored_in_microseconds() {
    let received_at = Timestamp::parse("2026-11-21T09:30:01.000250999Z").unwrap();
    let mut out = Vec::new();
    let stamp = Stamp { received_at, ..stamp(None) };
    encode_body(&parse(&with("")).unwrap(), &stamp, &mut out);
    assert_eq!(String::from_utf8(out).unwrap(), SMALLEST);
}

#[test]
fn null_is_absent_and_empty_is_kept() {
    let nulls = concat!(
        r#","audit_id":null,"actor_role":null,"target_type":"","detail":{},"pii_flag":null,"#,
        r#""sensitivity":null,"source_ip":null"#
    );
    let record = parse(&with(nulls)).unwrap();
    let mut expected = parse(&with("")).unwrap();
    expected.target_type = Some(String::new());
    expected.detail = Some(Detail::parse(b"{}", &Limits::default()).unwrap());
    assert_eq!(record, expected);
    assert_eq!(parse(&with(r#","detail":null"#)).unwrap().detail, None);
}

#[test]
fn accessors_read_the_largest_body() {
    let body = Body::parse(LARGEST.as_bytes()).unwrap();
    assert_eq!(body.actor_type(), ActorType::Device);
    assert_eq!(body.actor_id(), "\"\\/\u{8}\u{c}\n\r\t\0\u{1f}\u{7f}\u{e9}\u{5c71}\u{20089}");
    assert_eq!(body.actor_role().unwrap(), "");
    assert_eq!(body.action(), "WORK_EVENT_CREATE");
    assert_eq!(body.source_ip().unwrap(), "host.example");
    assert_eq!(body.result(), Outcome::Warning);
    assert!(body.pii_flag());
    assert_eq!(body.sensitivity(), Sensitivity::High);
    assert_eq!(body.ingested_by().unwrap(), "clinic \"A\"#k1");
    assert_eq!(body.producer().unwrap(), "clinic \"A\"");
    assert_eq!(body.salt(), stamp(None).salt);
    assert_eq!(body.timestamp().to_string(), "2026-11-21T00:30:00.120Z");
    assert_eq!(body.member(Member::ActorRole), Some(&b"\"\""[..]));
    assert_eq!(body.detail_member(&["b"]), Some(&b"[1.10,-0,1E+2,1e400,{}]"[..]));
    assert_eq!(body.detail_member(&["a"]), Some(&br#""\u0041\ud800\/""#[..]));
    assert_eq!(body.detail_member(&[""]), Some(&b"null"[..]));
    for absent in [&["c"][..], &["b", "0"], &["a", "x"], &["b", ""]] {
        assert_eq!(body.detail_member(absent), None, "{absent:?}");
    }
}

#[test]
fn detail_members_are_found_by_their_unescaped_name() {
    let detail = r#","detail":{"x":{"p\u0061th":7},"path":{"x":[{"y":1}],"y\u002f":{"z":"s"}}}"#;
    let bytes = body_of(&parse(&with(detail)).unwrap());
    let body = Body::parse(&bytes).unwrap();
    assert_eq!(body.detail_member(&["x", "path"]), Some(&b"7"[..]));
    assert_eq!(body.detail_member(&["path", "y/", "z"]), Some(&b"\"s\""[..]));
    assert_eq!(body.detail_member(&["path", "z"]), None);
    assert_eq!(body.detail_member(&["path", "y"]), None);
}

#[test]
fn content_ends_before_the_last_received_at() {
    let inner =
        r#","detail":{"a":",\"received_at\":\"","x":1,"received_at":"2026-01-01T00:00:00Z"}"#;
    let first = body_of(&parse(&with(inner)).unwrap());
    let producer = Producer::new(r#"p,"received_at":"x"#).unwrap();
    let other = Stamp {
        received_at: Timestamp::parse("2027-01-01T00:00:00Z").unwrap(),
        ingested_by: Some(&producer),
        salt: Salt::from_bytes([9; 12]),
        ..stamp(None)
    };
    let mut second = Vec::new();
    encode_body(&parse(&with(inner)).unwrap(), &other, &mut second);
    let content = content_of(&first).unwrap();
    assert!(content.ends_with(br#""sensitivity":"low""#));
    assert_eq!(Some(content), content_of(&second));
    assert_eq!(content_of(b"{}"), None);
    assert_eq!(content_of(b""), None);
}

#[test]
fn body_parser_takes_only_the_stored_form() {
    let wrong = [
        (r#""actor_id":"a""#, r#""actor_id": "a""#),
        (r#""actor_id":"a""#, r#""actor_id":"\u0061""#),
        (r#""actor_id":"a""#, r#""actor_id":"\/""#),
        (r#""actor_id":"a""#, r#""actor_id":"\u000a""#),
        (r#""actor_id":"a""#, r#""actor_id":"\u001F""#),
        (r#""actor_id":"a""#, r#""actor_id":"\ud800""#),
        (r#""actor_id":"a""#, r#""actor_id":"""#),
        (r#""actor_id":"a""#, r#""actor_id":null"#),
        (r#""actor_id":"a""#, r#""actor\u005fid":"a""#),
        (r#""actor_id":"a","#, ""),
        (r#""actor_id":"a","action":"X""#, r#""action":"X","actor_id":"a""#),
        (r#""action":"X""#, r#""action":"X","action":"X""#),
        (r#""action":"X""#, r#""action":"X","more":"X""#),
        (r#""result":"success""#, r#""result":"SUCCESS""#),
        (r#""result":"success","#, r#""result":"success","detail":[],"#),
        (r#""result":"success","#, r#""result":"success","detail":{"a":1,"\u0061":1},"#),
        (r#""result":"success","#, r#""result":"success","detail":{"\ud800":1},"#),
        (r#""result":"success","#, r#""result":"success","detail":{"a": 1},"#),
        (r#""result":"success","#, r#""result":"success","detail":{ },"#),
        (r#""pii_flag":false"#, r#""pii_flag":"false""#),
        (r#""pii_flag":false,"#, ""),
        (r#"30:00Z","#, r#"30:00.000Z","#),
        (r#"30:00Z","#, r#"30:00+00:00","#),
        (".000250Z", ".000250001Z"),
        (r#","salt":"#, r#","ingested_by":"","salt":"#),
        (r#","salt":"#, r#","ingested_by":"a##","salt":"#),
        ("AAECAwQFBgcICfr_", "AAECAwQFBgcICfr/"),
        ("AAECAwQFBgcICfr_", "AAECAwQFBgcICfr"),
        ("018f4e9a", "018F4E9A"),
        ("r_\"}", "r_\"} "),
        ("r_\"}", "r_\"},"),
        ("r_\"}", "r_\""),
        ("{\"audit", " {\"audit"),
    ];
    for (from, to) in wrong {
        assert!(SMALLEST.contains(from), "{from}");
        let body = SMALLEST.replacen(from, to, 1);
        assert!(Body::parse(body.as_bytes()).is_err(), "{body}");
    }
    for wrong in [&b""[..], b"[]", b"{}", b"null", b"\xff", b"\xef\xbb\xbf{}"] {
        assert!(Body::parse(wrong).is_err());
    }
}

#[test]
fn every_changed_byte_is_refused_or_is_another_body() {
    let (mut bytes, mut accepted) = (LARGEST.as_bytes().to_vec(), 0);
    for at in 0..bytes.len() {
        let before = bytes[at];
        for value in (0..=255).filter(|value| *value != before) {
            bytes[at] = value;
            if Body::parse(&bytes).is_ok() {
                accepted += 1;
                assert_round_trip(&bytes);
            }
        }
        bytes[at] = before;
        assert!(Body::parse(&bytes[..at]).is_err());
    }
    // Letters of free text, digits of times and identifiers: most of what is not structure.
    assert!(accepted > 10_000, "{accepted}");
}

#[test]
fn identifiers_have_one_form() {
    let id = AuditId::v7(0x0123_4567_89ab, [0xff; 10]);
    assert_eq!(id.to_string(), "01234567-89ab-7fff-bfff-ffffffffffff");
    let id = AuditId::v7(1, [0, 1, 2, 3, 4, 5, 6, 7, 8, 9]);
    assert_eq!(id.to_string(), "00000000-0001-7001-8203-040506070809");
    for wrong in [
        "",
        "018f4e9a7c3b7d2e9a513c6f0b8e2d14",
        "{018f4e9a-7c3b-7d2e-9a51-3c6f0b8e2d14}",
        "018f4e9a-7c3b-7d2e-9a51-3c6f0b8e2d1",
        "018f4e9a-7c3b-7d2e-9a51-3c6f0b8e2d1g",
        "018f4e9a-7c3b-7d2e-9a513-c6f0b8e2d14",
        "018f4e9a-7c3b-7d2e-9a51-3c6f0b8e2d1\u{e9}",
    ] {
        assert_eq!(AuditId::parse(wrong), None, "{wrong}");
    }
    let salt = Salt::parse("AAECAwQFBgcICfr_").unwrap();
    assert_eq!(salt, stamp(None).salt);
    assert_eq!(format!("{salt:?}"), "Salt(..)");
    let long = "p".repeat(257);
    for wrong in ["", "a#b#c", "#", "a#", "#k", "a\nb", "a\u{85}", &long] {
        assert_eq!(Producer::parse(wrong), Err(InvalidProducer), "{wrong:?}");
    }
    assert!(Producer::new("a#b").is_err());
    let longest = "\"".repeat(256);
    let producer = Producer::with_key(&longest, &longest).unwrap();
    assert_eq!(producer.name(), longest);
    let record = parse(&with("")).unwrap();
    let added = check::body_len(&record, Some(&producer)) - check::body_len(&record, None);
    assert!(added <= STAMP_LEN_MAX, "{added}");
}
