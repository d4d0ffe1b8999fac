//! Properties over random records, random JSON and random damage.

use proptest::collection::vec;
use proptest::option;
use proptest::prelude::*;

use super::*;

/// Any text, with escapes and what lies beyond U+FFFF more often than by chance.
fn text() -> impl Strategy<Value = String> {
    prop_oneof!["\\PC{0,12}", "[\\x00-\\x20\"\\\\/\u{7f}\u{2028}\u{20089}\u{ffff}a]{0,20}"]
}

/// Random JSON tokens: numbers of every form, strings with every escape, lone surrogates too.
fn json() -> impl Strategy<Value = String> {
    let leaf = prop_oneof![
        "-?(0|[1-9][0-9]{0,40})(\\.[0-9]{1,20})?([eE][+-]?[0-9]{1,5})?",
        Just("null".to_owned()),
        Just("true".to_owned()),
        Just("false".to_owned()),
        string_token(),
    ];
    leaf.prop_recursive(6, 64, 10, |inner| {
        prop_oneof![
            vec(inner.clone(), 0..10).prop_map(|items| format!("[{}]", items.join(","))),
            vec(inner, 0..12).prop_map(|values| object(&values)),
        ]
    })
}

fn string_token() -> impl Strategy<Value = String> {
    let piece = prop_oneof![
        Just(r"\\".to_owned()),
        Just(r#"\""#.to_owned()),
        "\\\\[/bfnrt]",
        "\\\\u[0-9a-fA-F]{4}",
        "\\\\u[dD][89aAbB][0-9a-fA-F]{2}\\\\u[dD][c-fC-F][0-9a-fA-F]{2}",
        "[^\\x00-\\x1f\"\\\\]{0,9}",
    ];
    vec(piece, 0..6).prop_map(|pieces| format!("\"{}\"", pieces.concat()))
}

/// An object whose names differ, some of them escaped.
fn object(values: &[String]) -> String {
    let member = |(at, value): (usize, &String)| match at % 3 {
        0 => format!(r#""n{at}":{value}"#),
        1 => format!(r#""\u006e{at}":{value}"#),
        _ => format!(r#""\ud83d\ude00{at}\/":{value}"#),
    };
    let members: Vec<_> = values.iter().enumerate().map(member).collect();
    format!("{{{}}}", members.join(","))
}

prop_compose! {
    fn texts()(
        actor_id in text().prop_map(|text| text + "a"),
        action in text().prop_map(|text| text + "A"),
        optional in vec(option::of(text()), 7),
    ) -> (String, String, Vec<Option<String>>) {
        (actor_id, action, optional)
    }
}

prop_compose! {
    pub(super) fn record()(
        (actor_id, action, optional) in texts(),
        nanos in 0..=Timestamp::MAX.unix_nanos(),
        step in 0_u32..=9,
        (actor_type, result, sensitivity) in (0_usize..3, 0_usize..3, 0_usize..3),
        pii_flag in any::<bool>(),
        detail in option::of(vec(json(), 0..8).prop_map(|values| object(&values))),
    ) -> Record {
        let unit = 10_i64.pow(step);
        let timestamp = Timestamp::from_unix_nanos(nanos - nanos % unit).unwrap();
        let (actor_type, result) = (ActorType::ALL[actor_type], Outcome::ALL[result]);
        let mut record = Record::new(timestamp, actor_type, actor_id, action, result);
        let mut optional = optional.into_iter();
        for slot in [
            &mut record.actor_role,
            &mut record.target_type,
            &mut record.target_id,
            &mut record.request_id,
            &mut record.trace_id,
            &mut record.facility_id,
            &mut record.source_ip,
        ] {
            *slot = optional.next().flatten();
        }
        record.sensitivity = Sensitivity::ALL[sensitivity];
        record.pii_flag = pii_flag;
        let parsed = |json: String| Detail::parse(json.as_bytes(), &Limits::default()).unwrap();
        record.detail = detail.map(parsed);
        record
    }
}

prop_compose! {
    pub(super) fn producer()(
        name in "[^#\\pC]{1,20}",
        key in option::of("[^#\\pC]{1,20}"),
    ) -> Producer {
        match key {
            Some(key) => Producer::with_key(&name, &key).unwrap(),
            None => Producer::new(&name).unwrap(),
        }
    }
}

pub(super) fn encoded(record: &Record, producer: Option<&Producer>, seed: [u8; 28]) -> Vec<u8> {
    let (id, rest) = seed.split_first_chunk::<16>().unwrap();
    let salt = rest.first_chunk::<12>().unwrap();
    let stamp = Stamp {
        audit_id: AuditId::from_bytes(*id),
        received_at: Timestamp::from_unix_micros(i64::from(u32::from_le_bytes(
            *salt.first_chunk().unwrap(),
        )))
        .unwrap(),
        ingested_by: producer,
        salt: Salt::from_bytes(*salt),
    };
    let mut out = Vec::new();
    encode_body(record, &stamp, &mut out);
    out
}

proptest! {
    #[test]
    fn what_is_encoded_reads_back(
        record in record(),
        producer in option::of(producer()),
        seed in any::<[u8; 28]>(),
    ) {
        let bytes = encoded(&record, producer.as_ref(), seed);
        let body = Body::parse(&bytes).unwrap();
        let expected = Record { audit_id: Some(body.audit_id()), ..record.clone() };
        assert_eq!(body.to_record(), expected);
        assert_eq!(body.audit_id().as_bytes(), &seed[..16]);
        assert_eq!(body.salt().as_bytes(), &seed[16..]);
        assert_eq!(body.ingested_by().as_deref(), producer.as_ref().map(Producer::as_str));
        assert_eq!(body.producer().as_deref(), producer.as_ref().map(Producer::name));
        let len = check::body_len(&record, producer.as_ref());
        assert!((len - 7..=len).contains(&bytes.len()), "{} {}", len, bytes.len());
        assert_round_trip(&bytes);
        // Another implementation reads the same strings.
        let plain = encoded(&Record { detail: None, ..record.clone() }, None, seed);
        let read: serde_json::Value = serde_json::from_slice(&plain).unwrap();
        assert_eq!(&read["actor_id"], &record.actor_id);
        assert_eq!(read["target_id"].as_str(), record.target_id.as_deref());
    }

    #[test]
    fn what_is_sent_is_what_was_meant(record in record(), seed in any::<[u8; 28]>()) {
        // A body without what the server gave is an input again, and means the same record.
        let bytes = encoded(&record, None, seed);
        let input = [content_of(&bytes).unwrap(), b"}"].concat();
        let expected = Body::parse(&bytes).unwrap().to_record();
        assert_eq!(Record::from_json(&input, &Limits::default()), Ok(expected));
    }

    #[test]
    fn a_changed_byte_is_refused_or_is_another_body(
        record in record(),
        producer in option::of(producer()),
        seed in any::<[u8; 28]>(),
        place in any::<proptest::sample::Index>(),
        byte in any::<u8>(),
    ) {
        let mut bytes = encoded(&record, producer.as_ref(), seed);
        let place = place.index(bytes.len());
        for value in [byte, bytes[place] ^ 0x20, bytes[place] ^ 1, b' ', b'"', b'\\', b'0', b'}'] {
            let before = std::mem::replace(&mut bytes[place], value);
            if Body::parse(&bytes).is_ok() {
                assert_round_trip(&bytes);
            }
            bytes[place] = before;
        }
        let cut = &bytes[..place];
        assert!(Body::parse(cut).is_err());
    }

    #[test]
    fn a_record_one_byte_too_long_is_always_refused(record in record()) {
        let len = check::body_len(&record, None);
        let limits = |record_len_max| Limits { record_len_max, ..Limits::default() };
        assert_eq!(record.check(&limits(len)), Ok(()));
        assert!(record.check(&limits(len - 1)).is_err());
    }

    #[test]
    fn random_json_is_kept_token_by_token(json in json(), blank in "[ \t\r\n]{0,3}") {
        let spaced = spread(&json, &blank);
        let input = format!("{blank}{{\"v\"{blank}:{spaced}}}{blank}");
        let detail = Detail::parse(input.as_bytes(), &Limits::default()).unwrap();
        assert_eq!(std::str::from_utf8(detail.as_bytes()).unwrap(), format!("{{\"v\":{json}}}"));
        let record = Record { detail: Some(detail), ..parse(&with("")).unwrap() };
        assert_eq!(record.check(&Limits::default()), Ok(()));
        let bytes = body_of(&record);
        assert_eq!(Body::parse(&bytes).unwrap().detail_member(&["v"]), Some(json.as_bytes()));
    }

    #[test]
    fn grammar_is_that_of_another_implementation(
        json in json(),
        place in any::<proptest::sample::Index>(),
        byte in any::<u8>(),
    ) {
        let mut bytes = json.into_bytes();
        if !bytes.is_empty() {
            let place = place.index(bytes.len());
            bytes[place] = byte;
        }
        let theirs = serde_json::from_slice::<&serde_json::value::RawValue>(&bytes);
        let input = [&b"{\"v\":"[..], &bytes, b"}"].concat();
        let ours = Detail::parse(&input, &Limits::default());
        let syntax = matches!(ours, Err(InputError::Syntax { .. }));
        assert_eq!(syntax, theirs.is_err(), "{ours:?} {theirs:?}");
    }

    #[test]
    fn no_input_makes_a_parser_panic(bytes in vec(any::<u8>(), 0..200)) {
        let _ = parse_batch(&bytes, &Limits::default(), 10);
        let _ = Detail::parse(&bytes, &Limits::default());
        assert!(Body::parse(&bytes).is_err());
        let _ = content_of(&bytes);
        assert!(parse_export_line(&bytes).is_err());
        let _ = string_value(&bytes);
    }

    #[test]
    fn strings_escape_and_unescape(text in text(), more in "\\PC{0,40}") {
        let text = text + &more;
        let mut token = Vec::new();
        write_json_string(&text, &mut token);
        assert_eq!(string_value(&token).as_deref(), Some(text.as_str()));
        assert_eq!(token.len(), text::json_string_len(&text));
        assert_eq!(serde_json::from_slice::<String>(&token).unwrap(), text.clone());
        let naive = text.bytes().position(|b| b < 0x20 || b == b'"' || b == b'\\');
        assert_eq!(text::plain_run(text.as_bytes()), naive.unwrap_or(text.len()));
    }
}

/// Puts white space around every bracket, comma and colon outside strings.
fn spread(json: &str, blank: &str) -> String {
    let (mut out, mut in_string, mut escaped) = (blank.to_owned(), false, false);
    for c in json.chars() {
        let structural = !in_string && "[]{},:".contains(c);
        if structural {
            out.push_str(blank);
        }
        out.push(c);
        if structural {
            out.push_str(blank);
        }
        if c == '"' && !escaped {
            in_string = !in_string;
        }
        escaped = in_string && c == '\\' && !escaped;
    }
    out + blank
}
