//! Validation: every fault is told, with its place, and nothing more of the value than allowed.

use super::*;

#[test]
fn every_fault_of_every_record_is_told_at_once() {
    let input = r#"[
        {"timestamp":"2026-11-21 09:30","actor_type":"User","actor_id":"","result":1,"extra":[],
         "seq":5,"pii_flag":"yes","detail":[1],"audit_id":"x","sensitivity":null,"action":null},
        7,
        {"timestamp":"2026-11-21T09:30:00Z","actor_type":"user","actor_id":"a","action":"X",
         "result":"success","detail":{"a":{"b":[{"c/d~":1,"c/d~":2}]},"\u0061":0},"actor_id":"b"}
    ]"#;
    let Err(InputError::Invalid(faults)) = parse_batch(input.as_bytes(), &Limits::default(), 500)
    else {
        panic!("accepted")
    };
    let shown: Vec<_> = faults
        .iter()
        .map(|f| format!("{} {}: {} | {}", f.index, f.pointer, f.expected, f.got))
        .collect();
    let expected = [
        "0 /timestamp: an RFC 3339 time such as 2026-11-21T09:30:00Z or \
         2026-11-21T18:30:00.123+09:00 | 2026-11-21 09:30",
        "0 /actor_type: one of user, device, system | User",
        "0 /actor_id: a non-empty string | an empty string",
        "0 /result: one of success, failure, warning | number",
        "0 /extra: no member of this name | array",
        "0 /seq: nothing: the server gives this member | number",
        "0 /pii_flag: true or false | string",
        "0 /detail: an object | array",
        "0 /audit_id: a UUID such as 018f4e9a-7c3b-7d2e-9a51-3c6f0b8e2d14 | x",
        "0 /action: a non-empty string | nothing",
        "1 : an object | number",
        "2 /detail/a/b/0/c~1d~0: each name once | a name that is given twice",
        "2 /detail/a: each name once | a name that is given twice",
        "2 /actor_id: each name once | a name that is given twice",
    ];
    assert_eq!(shown, expected);
}

#[test]
fn missing_members_are_each_named() {
    assert_eq!(
        faults("{}"),
        [
            "/timestamp: an RFC 3339 time with its zone, such as 2026-11-21T09:30:00Z | nothing",
            "/actor_type: one of user, device, system | nothing",
            "/actor_id: a non-empty string | nothing",
            "/action: a non-empty string | nothing",
            "/result: one of success, failure, warning | nothing",
        ]
    );
}

#[test]
fn wrong_types_are_named_for_every_member() {
    let strings =
        ["actor_role", "target_type", "target_id", "request_id", "trace_id", "facility_id"];
    for (value, name) in [("1", "number"), ("{}", "object"), ("[[]]", "array"), ("true", "boolean")]
    {
        for member in strings {
            let found = faults(&with(&format!(r#","{member}":{value}"#)));
            assert_eq!(found, [format!("/{member}: a string | {name}")]);
        }
        let found = faults(&with(&format!(r#","sensitivity":{value}"#)));
        assert_eq!(found, [format!("/sensitivity: one of low, medium, high | {name}")]);
        let found = faults(&with(&format!(r#","audit_id":{value}"#)));
        assert_eq!(found.len(), 1, "{found:?}");
        let found = faults(&with(&format!(r#","source_ip":{value}"#)));
        assert_eq!(found, [format!("/source_ip: a string of at most 255 bytes | {name}")]);
    }
    for (value, name) in
        [("1", "number"), ("\"\"", "string"), ("[]", "array"), ("false", "boolean")]
    {
        let found = faults(&with(&format!(r#","detail":{value}"#)));
        assert_eq!(found, [format!("/detail: an object | {name}")]);
    }
}

#[test]
fn members_of_the_server_are_refused_and_null_is_absent() {
    let names =
        ["received_at", "ingested_by", "salt", "seq", "hash", "chain_hash", "integrity_status"];
    for name in names {
        let found = faults(&with(&format!(r#","{name}":"x""#)));
        assert_eq!(found, [format!("/{name}: nothing: the server gives this member | string")]);
        assert!(parse(&with(&format!(r#","{name}":null"#))).is_ok());
    }
    assert_eq!(faults(&with(r#","Action":null"#)), ["/Action: no member of this name | null"]);
}

#[test]
fn enums_are_lower_case_exactly() {
    for value in ["low ", "Low", "LOW", "", "lo"] {
        let found = faults(&with(&format!(r#","sensitivity":"{value}""#)));
        assert_eq!(found, [format!("/sensitivity: one of low, medium, high | {value}")]);
    }
    for value in Sensitivity::ALL {
        let record = parse(&with(&format!(r#","sensitivity":"{value}""#))).unwrap();
        assert_eq!(record.sensitivity, *value);
        assert_eq!(Sensitivity::parse(value.as_str()), Some(*value));
    }
}

#[test]
fn at_most_32_characters_of_a_value_are_shown() {
    let secret = "\u{5c71}".repeat(40);
    let found = faults(&with(&format!(r#","sensitivity":"{secret}""#)));
    assert_eq!(
        found,
        [format!("/sensitivity: one of low, medium, high | {}", "\u{5c71}".repeat(32))]
    );
}

#[test]
fn lone_surrogates_are_kept_in_detail_values_only() {
    let detail = r#"{"a":"\ud800","b":["\uDFAA\ud83d\ude00"]}"#;
    let record = parse(&with(&format!(r#","detail":{detail}"#))).unwrap();
    assert_eq!(record.detail.unwrap().as_bytes(), detail.as_bytes());
    assert_eq!(
        faults(&with(r#","target_id":"x\udFAA""#)),
        [r"/target_id: a string without lone surrogate escapes | \udFAA"]
    );
    assert_eq!(
        faults(&with(r#","a\ud800":1"#)),
        [r": names without lone surrogate escapes | \ud800"]
    );
    assert_eq!(
        faults(&with(r#","detail":{"x":[0,{"y\ud800\u0061":1}]}"#)),
        [r"/detail/x/1: names without lone surrogate escapes | \ud800"]
    );
    assert!(parse(&with(r#","detail":{"\ud83d\ude00":1}"#)).is_ok());
}

#[test]
fn equal_names_are_found_at_every_level_after_unescaping() {
    for (detail, pointer) in [
        (r#"{"a":1,"\u0061":2}"#, "/detail/a"),
        (r#"{"":1,"":2}"#, "/detail/"),
        ("{\"x\":[[{\"\\ud83d\\ude00\":1,\"\u{1f600}\":1}]]}", "/detail/x/0/0/\u{1f600}"),
        (r#"{"x":{"k":{"a":1},"a":2,"k":3}}"#, "/detail/x/k"),
        (r#"{"x":[1,{},[],{"n":0,"n":0}]}"#, "/detail/x/3/n"),
    ] {
        let found = faults(&with(&format!(r#","detail":{detail}"#)));
        assert_eq!(found, [format!("{pointer}: each name once | a name that is given twice")]);
    }
    // More members than are compared pair by pair.
    let many: Vec<_> = (0..40).map(|n| format!(r#""m{}":0"#, n % 39)).collect();
    let found = faults(&with(&format!(r#","detail":{{"o":{{{}}}}}"#, many.join(","))));
    assert_eq!(found, ["/detail/o/m0: each name once | a name that is given twice"]);
    let nfc_and_nfd = "{\"\u{e9}\":1,\"e\u{301}\":2,\"o\":{\"o\":{\"o\":1}}}";
    assert!(parse(&with(&format!(r#","detail":{nfc_and_nfd}"#))).is_ok());
    // One input without a required member twice, and with a name of the server twice.
    assert_eq!(faults(&with(r#","salt":null,"salt":null"#)).len(), 1);
}

#[test]
fn depth_members_and_numbers_have_exact_limits() {
    let nest = |levels: usize| {
        let (open, close) = ("{\"a\":".repeat(levels - 1), "}".repeat(levels - 1));
        with(&format!(r#","detail":{open}{{}}{close}"#))
    };
    assert!(parse(&nest(64)).is_ok());
    let pointer = format!("/detail{}", "/a".repeat(64));
    assert_eq!(faults(&nest(65)), [format!("{pointer}: at most 64 levels | a deeper one")]);
    let arrays = |levels| {
        with(&format!(r#","detail":{{"a":{}{}}}"#, "[".repeat(levels), "]".repeat(levels)))
    };
    assert!(parse(&arrays(63)).is_ok());
    assert_eq!(faults(&arrays(64)).len(), 1);
    assert_eq!(faults(&arrays(100_000)).len(), 1);
    let members = |count: usize| {
        let half: Vec<_> = (0..count / 2).map(|n| format!(r#""{n}":[{{"x":0}}]"#)).collect();
        with(&format!(r#","detail":{{{}}}"#, half.join(",")))
    };
    assert!(parse(&members(10_000)).is_ok());
    assert_eq!(faults(&members(10_002)), ["/detail: at most 10000 members in all levels | more"]);
    let number = |len: usize| with(&format!(r#","detail":{{"n":[0,-{}]}}"#, "9".repeat(len - 1)));
    assert!(parse(&number(1_000)).is_ok());
    assert_eq!(
        faults(&number(1_001)),
        ["/detail/n/1: a number of at most 1000 characters | 1001 characters"]
    );
}

#[test]
fn record_length_is_that_of_the_body() {
    let limits = Limits { record_len_max: 1_000, ..Limits::default() };
    let base = check::body_len(&parse(&with(r#","target_id":"""#)).unwrap(), None);
    let room = 1_000 - base;
    let json = |value: &str| with(&format!(r#","target_id":"{value}""#));
    let accepted = |json: &str| Record::from_json(json.as_bytes(), &limits).is_ok();
    assert!(accepted(&json(&"x".repeat(room))));
    assert!(!accepted(&json(&"x".repeat(room + 1))));
    // What counts is the stored form, not the sent one.
    assert!(accepted(&json(&r"\u0061".repeat(room))));
    assert!(!accepted(&json(&r"\u0001".repeat(room / 6 + 1))));
    assert!(accepted(&(json("") + &" ".repeat(5_000))));
    let mut record = Record::from_json(json(&"x".repeat(room)).as_bytes(), &limits).unwrap();
    assert_eq!(record.check(&limits), Ok(()));
    record.target_id = Some("x".repeat(room + 1));
    assert_eq!(
        shown(&record.check(&limits).unwrap_err()),
        [": a record of at most 1000 bytes | 1001 bytes"]
    );
    // Far too long values are told before they are copied.
    for huge in
        [json(&"x".repeat(10_000)), with(&format!(r#","detail":{{"a":"{}"}}"#, "x".repeat(10_000)))]
    {
        let Err(InputError::Invalid(faults)) = Record::from_json(huge.as_bytes(), &limits) else {
            panic!("accepted")
        };
        assert_eq!(shown(&faults), [": a record of at most 1000 bytes | more"]);
    }
    assert_eq!(
        faults(&with(&format!(r#","source_ip":"{}""#, "x".repeat(256)))),
        ["/source_ip: a string of at most 255 bytes | 256 bytes"]
    );
    assert!(parse(&with(&format!(r#","source_ip":"{}""#, "x".repeat(255)))).is_ok());
}

#[test]
fn records_built_in_code_are_checked_too() {
    let mut record = Record::new(Timestamp::MIN, ActorType::System, "", "", Outcome::Failure);
    record.source_ip = Some("x".repeat(256));
    let deep = format!("{{\"a\":{}{}}}", "[".repeat(70), "]".repeat(70));
    let loose = Limits { detail_depth_max: 100, ..Limits::default() };
    record.detail = Some(Detail::parse(deep.as_bytes(), &loose).unwrap());
    assert_eq!(
        shown(&record.check(&Limits::default()).unwrap_err()),
        [
            "/actor_id: a non-empty string | an empty string".to_owned(),
            "/action: a non-empty string | an empty string".to_owned(),
            "/source_ip: a string of at most 255 bytes | 256 bytes".to_owned(),
            format!("/detail/a{}: at most 64 levels | a deeper one", "/0".repeat(63)),
        ]
    );
}

#[test]
fn faults_are_bounded_and_the_cut_is_told() {
    let limits = Limits { faults_max: 3, ..Limits::default() };
    let Err(InputError::Invalid(faults)) = parse_batch(b"[1,2,3,4,5]", &limits, 10) else {
        panic!("accepted")
    };
    assert_eq!(faults.len(), 4);
    assert_eq!(faults[3].expected, "at most 3 faults in one input");
    assert_eq!(faults[3].index, 3);
    // A long name is no way to a long answer: the fault points at what encloses it.
    let name = "n".repeat(2_000);
    let found =
        self::faults(&with(&format!(r#","{name}":1,"detail":{{"{name}":{{"a":1,"a":2}}}}"#)));
    assert_eq!(found[0], ": no member of this name | number");
    assert!(found[1].starts_with("/detail: each name once"), "{}", found[1]);
}

#[test]
fn a_batch_is_an_object_or_an_array_of_objects() {
    let limits = Limits::default();
    let batch = |json: &str, max| parse_batch(json.as_bytes(), &limits, max);
    let one = with("");
    assert_eq!(batch(&one, 1).unwrap().len(), 1);
    assert_eq!(batch(&format!(" [{one} , {one}]\n"), 2).unwrap().len(), 2);
    assert_eq!(batch("[]", 0).unwrap(), []);
    assert_eq!(batch(&format!("[{one},{one}]"), 1), Err(InputError::TooMany { max: 1 }));
    assert_eq!(batch(&one, 0), Err(InputError::TooMany { max: 0 }));
    for (json, name) in
        [("1", "number"), ("\"x\"", "string"), ("null", "null"), ("true", "boolean")]
    {
        let Err(InputError::Invalid(found)) = batch(json, 5) else { panic!("{json}") };
        assert_eq!(shown(&found), [format!(": an object or an array of objects | {name}")]);
        assert_eq!(faults(json), [format!(": an object | {name}")]);
    }
    assert_eq!(faults(&format!("[{one}]")), [": an object | array"]);
}

#[test]
fn syntax_errors_have_their_place() {
    use SyntaxKind::*;
    for (input, place) in [
        (&b""[..], (0, 1, 1, UnexpectedEnd)),
        (b"  ", (2, 1, 3, UnexpectedEnd)),
        (b"\xef\xbb\xbf{}", (0, 1, 1, ByteOrderMark)),
        (b"{\n\"\xe5\xb1\xb1\":\xff}", (8, 2, 5, InvalidUtf8)),
        (b"\xff\xfe{\0}\0", (0, 1, 1, InvalidUtf8)),
        (b"{\n\"\xe5\xb1\xb1\":x}", (8, 2, 5, ExpectedValue)),
        (b"{} {}", (3, 1, 4, TrailingBytes)),
        (b"{},", (2, 1, 3, TrailingBytes)),
        (b"{\"a\" 1}", (5, 1, 6, ExpectedColon)),
        (b"{\"a\"", (4, 1, 5, UnexpectedEnd)),
        (b"{\"a\":1,}", (7, 1, 8, ExpectedName)),
        (b"[1,]", (3, 1, 4, ExpectedValue)),
        (b"[1}", (2, 1, 3, ExpectedCommaOrEnd)),
        (b"[1", (2, 1, 3, UnexpectedEnd)),
        (b"[01]", (2, 1, 3, InvalidNumber)),
        (b"[1.]", (3, 1, 4, InvalidNumber)),
        (b"[-", (2, 1, 3, UnexpectedEnd)),
        (b"[nul]", (4, 1, 5, ExpectedValue)),
        (b"[\"\\x\"]", (2, 1, 3, InvalidEscape)),
        (b"[\"\\u00g0\"]", (2, 1, 3, InvalidEscape)),
        (b"[\"\t\"]", (2, 1, 3, ControlCharacter)),
        (b"[\r\n\r\n\"", (6, 3, 2, UnexpectedEnd)),
        (b"{a:1}", (1, 1, 2, ExpectedName)),
    ] {
        let found = parse_batch(input, &Limits::default(), 10);
        let (offset, line, column, kind) = place;
        let expected = Err(InputError::Syntax { offset, line, column, kind });
        assert_eq!(found, expected, "{}", String::from_utf8_lossy(input));
    }
}

#[test]
fn a_million_brackets_neither_overflow_the_stack_nor_pass() {
    for bomb in ["[", "{\"a\":", "[{\"a\":"] {
        let input = bomb.repeat(1_000_000);
        let found = parse_batch(input.as_bytes(), &Limits::default(), usize::MAX);
        assert!(matches!(found, Err(InputError::Syntax { kind: SyntaxKind::UnexpectedEnd, .. })));
        assert!(Detail::parse(format!("{{\"a\":{input}").as_bytes(), &Limits::default()).is_err());
    }
    let whole = "[".repeat(1_000_000) + &"]".repeat(1_000_000);
    let found = parse_batch(whole.as_bytes(), &Limits::default(), 10);
    assert!(matches!(found, Err(InputError::Invalid(_))));
}
