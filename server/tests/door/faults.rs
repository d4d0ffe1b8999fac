//! What is wrong with records: every fault at once, in the names that were sent.

use shoseki_engine::record::Prepared;
use shoseki_server::door::{
    DoorError, DoorRules, MEMBERS, Need, Shape, prepare_each, prepare_line, take_line,
};

use super::support::{NOW, SECOND, caller, faults, first, second, send, send_as, told};

#[test]
fn every_required_member_is_missed_alone() {
    let required: Vec<_> =
        MEMBERS.iter().filter(|m| m.need == Need::Always).map(|m| m.name).collect();
    let sample: Vec<_> = SECOND.iter().map(|(name, _)| *name).collect();
    assert_eq!(required, sample);
    for name in required {
        for value in ["", "null"] {
            let found = faults(&second(&[(name, value)]));
            assert_eq!(found.len(), 1, "{name}: {found:?}");
            assert_eq!(found[0].pointer, format!("/{name}"));
            assert_eq!(found[0].got, "nothing");
        }
    }
}

#[test]
fn a_failure_must_say_what_failed() {
    let names = ["errorMessage", "errorCode", "errorDetails", "exceptionClass", "cause"];
    for change in [("outcome", "\"FAILURE\""), ("httpStatus", "400"), ("httpStatus", "599")] {
        let pointers: Vec<_> = faults(&second(&[change])).into_iter().map(|f| f.pointer).collect();
        assert_eq!(pointers, names.map(|name| format!("/{name}")), "{change:?}");
    }
    assert!(send(&second(&[("httpStatus", "399")])).is_ok());
    assert!(send(&second(&[("httpStatus", "100")])).is_ok());
}

#[test]
fn every_wrong_type_is_told() {
    let values = ["\"x y\"", "1.5", "true", "[]", "{}", "\"\"", "99", "-1", "600"];
    for member in MEMBERS {
        for value in values {
            let fits = matches!(
                (member.shape, value),
                (Shape::Any, _)
                    | (Shape::Text | Shape::Id | Shape::FullText, "\"x y\"")
                    | (Shape::Text | Shape::Id, "\"\"")
                    | (Shape::Id, "99" | "-1" | "600")
                    | (Shape::Count, "99" | "600")
                    | (Shape::Bool, "true")
                    | (Shape::Object, "{}")
            );
            let sent = second(&[(member.name, value)]);
            let all = caller("app", &["*"]);
            let answer = send_as(sent.as_bytes(), &all, &DoorRules::default(), NOW);
            if fits {
                assert!(answer.is_ok(), "{} {value}: {answer:?}", member.name);
                continue;
            }
            let Err(DoorError::Invalid(found)) = answer else { panic!("{} {value}", member.name) };
            let own = format!("/{}", member.name);
            assert!(found.iter().any(|f| f.pointer == own), "{} {value}: {found:?}", member.name);
        }
    }
}

#[test]
fn faults_say_what_was_expected_and_what_came() {
    let long = format!("\"{}\"", "x".repeat(40));
    for (name, value, expected) in [
        ("outcome", "\"success\"", "one of SUCCESS, FAILURE, PARTIAL | success"),
        ("actorType", "\"DEVICE\"", "one of USER, SYSTEM | DEVICE"),
        ("sourceSystem", "\"other\"", "one of server-modernized | other"),
        ("httpStatus", "\"200\"", "an integer from 100 to 599 | string"),
        ("httpStatus", "200.0", "an integer from 100 to 599 | 200.0"),
        ("httpStatus", "99", "an integer from 100 to 599 | 99"),
        ("recordsReturned", "-1", "an integer from 0 | -1"),
        ("cacheHit", "\"true\"", "true or false | string"),
        ("actorId", "\"\"", "a non-empty string | an empty string"),
        ("eventType", "\"\"", "a non-empty string | an empty string"),
        ("actorId", r#""\ud800""#, r"a string without lone surrogate escapes | \ud800"),
        ("patientId", "1.5", "a string or an integer | number"),
        ("detail", "[1]", "an object | array"),
        (
            "eventId",
            &long,
            &format!("a UUID such as 018f4e9a-7c3b-7d2e-9a51-3c6f0b8e2d14 | {}", "x".repeat(32)),
        ),
        ("cause", "\"disk\"", "one of internal, external, network | disk"),
        (
            "eventId",
            "\"taro.yamada-the-long@example.jp\"",
            "a UUID such as 018f4e9a-7c3b-7d2e-9a51-3c6f0b8e2d14 | [email]",
        ),
    ] {
        assert_eq!(told(&second(&[(name, value)])), [format!("0 /{name}: {expected}")]);
    }
}

#[test]
fn times_that_are_none_show_the_right_form() {
    let zone = "an RFC 3339 time with its zone, such as 2026-11-21T09:30:00Z";
    let form = "an RFC 3339 time such as 2026-11-21T09:30:00Z or 2026-11-21T18:30:00.123+09:00";
    let no_zone = "an RFC 3339 time with its zone: Z, or an offset such as +09:00, at the end";
    for (value, expected) in [
        ("1795253400", zone),
        ("[2026,11,21,9,30]", zone),
        ("\"2026-11-21T18:30:00+09:00[Asia/Tokyo]\"", form),
        ("\"2026-11-21T18:30:00\"", no_zone),
        ("\"2026-11-21 \"", form),
    ] {
        let found = faults(&second(&[("occurredAt", value)]));
        assert_eq!(found.len(), 1, "{found:?}");
        assert_eq!(
            (found[0].pointer.as_str(), found[0].expected.as_str()),
            ("/occurredAt", expected)
        );
        let own = first("").replacen("\"2026-11-21T09:30:00Z\"", value, 1);
        let found = faults(&own);
        assert_eq!(
            (found[0].pointer.as_str(), found[0].expected.as_str()),
            ("/timestamp", expected)
        );
    }
}

#[test]
fn names_given_twice_are_told_where_they_were_sent() {
    let twice = "each name once | a name that is given twice";
    let with = |more: &str| second(&[]).replacen('{', &format!("{{{more},"), 1);
    assert_eq!(told(&with(r#""action":"x""#)), [format!("0 /action: {twice}")]);
    assert_eq!(told(&with(r#""a/b":1,"a\/b":2"#)), [format!("0 /a~1b: {twice}")]);
    assert_eq!(told(&with(r#""o":{"a":{"x":1,"x":2}}"#)), [format!("0 /o/a/x: {twice}")]);
    let own = r#""detail":{"o":{"x":1,"x":2},"p":1,"p":2}"#;
    assert_eq!(
        told(&with(own)),
        [format!("0 /detail/o/x: {twice}"), format!("0 /detail/p: {twice}")]
    );
    // A member beside one of `detail`.
    let both = "0 /httpStatus: a name that `detail` does not have too | a name that is given twice";
    assert_eq!(told(&with(r#""detail":{"httpStatus":1}"#)), [both]);
    let lone = r"0 : names without lone surrogate escapes | \ud800";
    assert_eq!(told(&with(r#""\ud800":1"#)), [lone]);
}

#[test]
fn the_limits_of_detail_hold_for_what_goes_there() {
    let deep = format!("{}{}", "[".repeat(64), "]".repeat(64));
    assert_eq!(
        told(&second(&[("o", &deep)])),
        [format!("0 /o{}: at most 64 levels | a deeper one", "/0".repeat(63))]
    );
    assert!(send(&second(&[("o", &deep[1..127])])).is_ok());
    let bomb = "[".repeat(100_000) + &"]".repeat(100_000);
    assert_eq!(faults(&second(&[("o", &bomb)])).len(), 1);
    let many: Vec<String> = (0..10_000).map(|n| format!("\"m{n}\":0")).collect();
    let many = second(&[("o", &format!("{{{}}}", many.join(",")))]);
    assert_eq!(told(&many), ["0 : at most 10000 members in all levels | more"]);
    let number = "1".repeat(1001);
    let found = faults(&second(&[("o", &number)]));
    assert_eq!((found.len(), found[0].pointer.as_str()), (1, "/o"));
    let long = format!("\"{}\"", "x".repeat(262_144));
    assert_eq!(told(&second(&[("o", &long)])), ["0 : a record of at most 262144 bytes | more"]);
    let long = format!("\"{}\"", "x".repeat(262_144 - 400));
    let found = faults(&second(&[("o", &long)]));
    assert_eq!((found.len(), found[0].pointer.as_str()), (1, ""));
    assert!(found[0].got.ends_with(" bytes"), "{found:?}");
}

#[test]
fn a_record_of_both_dialects_is_one_fault() {
    let mixed = ["0 : members of one dialect | mixed dialects"];
    for name in ["timestamp", "result", "pii_flag", "salt", "seq", "facility_id", "source_ip"] {
        assert_eq!(told(&second(&[(name, "1")])), mixed, "{name}");
        assert!(send(&second(&[(name, "null")])).is_ok(), "{name}");
    }
    for name in ["eventId", "occurredAt", "outcome", "actorId", "actorType"] {
        assert_eq!(told(&first(&format!(",\"{name}\":1"))), mixed, "{name}");
    }
}

#[test]
fn all_faults_of_all_records_come_together() {
    let batch = format!(
        "[{},{},{},7,{}]",
        second(&[("outcome", "\"x\""), ("httpMethod", "")]),
        first(",\"what\":1"),
        first(""),
        first("").replacen("user", "USER", 1),
    );
    let list: Vec<_> = faults(&batch).into_iter().map(|f| (f.index, f.pointer)).collect();
    let expected = [(0, "/outcome"), (0, "/httpMethod"), (1, "/what"), (3, ""), (4, "/actor_type")];
    assert_eq!(list, expected.map(|(index, pointer)| (index, pointer.to_owned())));
    // More than 500 are there for the answer to be cut.
    let many = vec!["{}"; 200].join(",");
    assert!(faults(&format!("[{many}]")).len() > 501);
    assert_eq!(told("7"), ["0 : an object or an array of objects | number"]);
}

#[test]
fn syntax_count_and_nothing_come_before_validation() {
    let rules = DoorRules { records_max: 2, ..DoorRules::default() };
    let call = caller("app", &["F1"]);
    let send = |body: &str| send_as(body.as_bytes(), &call, &rules, NOW);
    assert!(matches!(send("[]"), Err(DoorError::Empty)));
    assert!(matches!(send("[{},{},{}]"), Err(DoorError::TooMany { max: 2 })));
    let three = [second(&[]), second(&[]), second(&[])].join(",");
    assert!(matches!(send(&format!("[{three}]")), Err(DoorError::TooMany { max: 2 })));
    for (bad, line, column) in [("{\n \"n\": NaN}", 2, 7), ("[Infinity]", 1, 2), ("", 1, 1)] {
        let Err(DoorError::NotJson { line: l, column: c, .. }) = send(bad) else { panic!("{bad}") };
        assert_eq!((l, c), (line, column), "{bad}");
    }
}

#[test]
fn a_line_is_one_record() {
    let call = caller("app", &["F1"]);
    let rules = DoorRules::default();
    let line = |line: &str| {
        let taken = take_line(line.as_bytes(), &call, &rules, NOW);
        // Beside another that was prepared before it comes to the same.
        let before = send(&first("")).unwrap();
        let mut batch = Prepared::of(&before, &rules.limits).unwrap();
        let prepared = prepare_line(line.as_bytes(), &call, &rules, NOW, &mut batch);
        assert_eq!(prepared, taken.as_ref().map(|_| ()).map_err(Clone::clone), "{line}");
        let all = [before, taken.clone().ok().into_iter().collect()].concat();
        assert_eq!(batch, Prepared::of(&all, &rules.limits).unwrap(), "{line}");
        taken
    };
    assert_eq!(line(&first("")).unwrap(), send(&first("")).unwrap().pop().unwrap());
    assert_eq!(line(&second(&[])).unwrap(), send(&second(&[])).unwrap().pop().unwrap());
    for bad in ["[]", "7", &format!("[{}]", second(&[])), &second(&[("outcome", "1")])] {
        assert!(matches!(line(bad), Err(DoorError::Invalid(f)) if f.len() == 1), "{bad}");
    }
    assert!(matches!(line("{"), Err(DoorError::NotJson { .. })));
}

#[test]
fn each_record_is_taken_for_itself_where_that_is_wanted() {
    let bad = second(&[("outcome", "1")]);
    let foreign = first(r#","facility_id":"F2""#);
    let reserved = first("").replacen("READ_CHART", "AUDIT_X", 1);
    let all = [first(""), bad, second(&[]), foreign, reserved, "7".to_owned()];
    let body = format!("[{}]", all.join(" , "));
    let call = caller("app", &["F1"]);
    let rules = DoorRules::default();
    let (batch, parts) = prepare_each(body.as_bytes(), &call, &rules, NOW).unwrap();
    let valid = [send(&all[0]).unwrap(), send(&all[2]).unwrap()].concat();
    assert_eq!(batch, Prepared::of(&valid, &rules.limits).unwrap());
    let sent: Vec<&str> = parts.iter().map(|part| part.sent).collect();
    assert_eq!(sent, all);
    let index = |part: usize| match &parts[part].refused {
        None => None,
        Some(DoorError::Invalid(faults)) => Some((faults[0].index, 422)),
        Some(DoorError::Facility { index } | DoorError::Reserved { index, .. }) => {
            Some((*index, 403))
        }
        Some(other) => panic!("{other:?}"),
    };
    let expected = [None, Some((1, 422)), None, Some((3, 403)), Some((4, 403)), Some((5, 422))];
    assert_eq!(std::array::from_fn(index), expected);
    let rules = DoorRules { records_max: 5, ..DoorRules::default() };
    let each = |body: &str| prepare_each(body.as_bytes(), &call, &rules, NOW).map(|_| ());
    assert_eq!(each(&body), Err(DoorError::TooMany { max: 5 }));
    assert_eq!(each("[]"), Err(DoorError::Empty));
    assert!(matches!(each("[1,"), Err(DoorError::NotJson { .. })));
}

#[test]
fn a_record_that_is_mostly_white_space_is_one_beside_others() {
    let blank = " ".repeat(2 << 20);
    let padded = first("").replacen('{', &format!("{{{blank}"), 1);
    assert_eq!(send(&format!("[{padded},{}]", second(&[]))).unwrap().len(), 2);
    let members: Vec<String> = (0..300_000).map(|n| format!("\"m{n}\":1")).collect();
    let wide = format!("{{{}}}", members.join(","));
    let found = faults(&format!("[{wide}]"));
    assert_eq!((found.len(), found[0].expected.as_str()), (1, "a record of at most 262144 bytes"));
    // A name that is too long for a pointer is told of at the record.
    let long = "x".repeat(2000);
    assert_eq!(
        faults(&second(&[("detail", &format!("{{\"{long}\":1}}")), (&long, "2")]))[0].pointer,
        ""
    );
}
