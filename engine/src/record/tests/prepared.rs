//! Batches that were prepared: the same bytes as record by record, and the same limits.

use proptest::collection::vec;
use proptest::option;
use proptest::prelude::*;

use super::properties::{producer, record};
use super::*;

/// The bodies of a batch, each under an id of its own where the client gave none.
fn bodies(batch: &Prepared, producer: Option<&Producer>) -> Vec<Vec<u8>> {
    let of = stamp(producer);
    let writer = BodyWriter::new(batch, of.received_at, producer);
    let ids = batch.audit_ids().map(|id| id.unwrap_or(of.audit_id));
    let bodies: Vec<Vec<u8>> = ids
        .enumerate()
        .map(|(index, id)| {
            let mut out = Vec::new();
            writer.write(index, &id, &of.salt, &mut out);
            out
        })
        .collect();
    assert_eq!(writer.len(), bodies.iter().map(Vec::len).sum::<usize>());
    let mut none = Vec::new();
    writer.write(batch.len(), &of.audit_id, &of.salt, &mut none);
    assert!(none.is_empty() && writer.is_empty() == batch.is_empty());
    bodies
}

fn body(record: &Record, producer: Option<&Producer>) -> Vec<u8> {
    let of = stamp(producer);
    let stamp = Stamp { audit_id: record.audit_id.unwrap_or(of.audit_id), ..of };
    let mut out = Vec::new();
    encode_body(record, &stamp, &mut out);
    out
}

/// What `read_sent` makes of an input, all of it.
fn read(input: &str, limits: &Limits) -> Result<Prepared, InputError> {
    let mut batch = Prepared::new(limits, 0, 0);
    let all = read_sent(input.as_bytes(), limits, 10, |record, _| batch.push(&record).is_ok())?;
    assert!(all, "{input}");
    Ok(batch)
}

proptest! {
    #[test]
    fn a_batch_has_the_bodies_of_its_records(
        records in vec(record(), 0..5),
        producer in option::of(producer()),
        keep in any::<[bool; 5]>(),
    ) {
        let mut batch = Prepared::of(&records, &Limits::default()).unwrap();
        let expected: Vec<_> = records.iter().map(|r| body(r, producer.as_ref())).collect();
        prop_assert_eq!(&bodies(&batch, producer.as_ref()), &expected);
        let cut = records.len() / 2;
        let mut first = batch.clone();
        first.truncate(cut);
        prop_assert_eq!(bodies(&first, producer.as_ref()), &expected[..cut]);
        batch.retain(|index| keep[index]);
        let kept = expected.into_iter().zip(keep).filter(|(_, keep)| *keep).map(|(body, _)| body);
        prop_assert_eq!(bodies(&batch, producer.as_ref()), kept.collect::<Vec<_>>());
    }

    #[test]
    fn what_is_read_in_place_is_what_is_read_on_its_own(
        records in vec(record(), 0..4),
        blank in "[ \t\r\n]{0,2}",
    ) {
        // Bodies without what only the server may say, with white space wherever it may stand.
        let sent = records.iter().map(|record| {
            let body = String::from_utf8(body(record, None)).unwrap();
            let content = content_of(body.as_bytes()).unwrap().len();
            spaced(&body[..content], &blank) + "}"
        });
        let input = format!("{blank}[{}]", sent.collect::<Vec<_>>().join(&format!(",{blank}")));
        let limits = Limits::default();
        let on_its_own = parse_batch(input.as_bytes(), &limits, 10).unwrap();
        let batch = read(&input, &limits).unwrap();
        prop_assert_eq!(&batch, &Prepared::of(&on_its_own, &limits).unwrap());
        let expected: Vec<_> = records.iter().map(|record| body(record, None)).collect();
        prop_assert_eq!(bodies(&batch, None), expected);
    }
}

/// Puts white space behind every token that no string is part of.
fn spaced(json: &str, blank: &str) -> String {
    let (mut out, mut in_string, mut escaped) = (String::new(), false, false);
    for c in json.chars() {
        out.push(c);
        (in_string, escaped) = match (in_string, escaped, c) {
            (true, true, _) => (true, false),
            (true, false, '\\') => (true, true),
            (true, false, '"') | (false, _, _) if c == '"' => (!in_string, false),
            other => (other.0, false),
        };
        if !in_string && matches!(c, '{' | '}' | '[' | ']' | ',' | ':' | '"') {
            out.push_str(blank);
        }
    }
    out
}

#[test]
fn a_record_that_breaks_a_rule_is_not_added() {
    let limits = Limits { record_len_max: 400, ..Limits::default() };
    let base = check::body_len(&parse(&with(r#","target_id":"""#)).unwrap(), None);
    let target = |len: usize| {
        let mut record = parse(&with("")).unwrap();
        record.target_id = Some("x".repeat(len));
        record
    };
    let mut batch = Prepared::new(&limits, 1, 0);
    let before = batch.clone();
    let found = batch.push_record(&target(401 - base)).unwrap_err();
    assert_eq!(shown(&found), [": a record of at most 400 bytes | 401 bytes"]);
    let found = batch.push(&target(401 - base).as_sent()).unwrap_err();
    assert_eq!(shown(&found), [": a record of at most 400 bytes | 401 bytes"]);
    let mut nobody = target(0);
    nobody.actor_id = String::new();
    nobody.source_ip = Some("x".repeat(256));
    let found = batch.push(&nobody.as_sent()).unwrap_err();
    let pointers: Vec<_> = found.iter().map(|fault| fault.pointer.as_str()).collect();
    assert_eq!(pointers, ["/actor_id", "/source_ip", ""]);
    assert_eq!(batch, before);
    let Err(found) = Prepared::of(&[target(1), nobody, target(401)], &limits) else { panic!() };
    let indexes: Vec<_> = found.iter().map(|fault| fault.index).collect();
    assert_eq!(indexes, [1, 1, 1, 2]);
    assert_eq!(batch.push_record(&target(400 - base)), Ok(()));
    assert_eq!((batch.len(), bodies(&batch, None)[0].len()), (1, 400));
}

#[test]
fn ids_are_given_once() {
    let (a, b) = (AuditId::from_bytes([1; 16]), AuditId::from_bytes([2; 16]));
    let mut batch = Prepared::of(&[parse(&with("")).unwrap()], &Limits::default()).unwrap();
    batch.give_id(0, || a);
    batch.give_id(0, || b);
    batch.give_id(1, || b);
    assert_eq!(batch.audit_ids().collect::<Vec<_>>(), [Some(a)]);
}

#[test]
fn a_skew_is_noted_behind_what_was_sent() {
    let noted = |more: &str, limits: &Limits| {
        let mut batch = Prepared::new(limits, 1, 0);
        let input = with(more);
        read_sent(input.as_bytes(), limits, 1, |mut record, _| {
            record.note_skew(-90_000_000, limits);
            batch.push(&record).unwrap();
            true
        })
        .unwrap();
        let body = String::from_utf8(bodies(&batch, None).remove(0)).unwrap();
        Body::parse(body.as_bytes()).unwrap().detail().map(|d| String::from_utf8_lossy(d).into())
    };
    let usual = Limits::default();
    let said = |text: &str| Some(text.to_owned());
    for (sent, expected) in [
        ("", said(r#"{"_clock_skew_ms":-90000000}"#)),
        (r#","detail":null"#, said(r#"{"_clock_skew_ms":-90000000}"#)),
        (r#","detail":{ }"#, said(r#"{"_clock_skew_ms":-90000000}"#)),
        (r#","detail":{"a":[1]}"#, said(r#"{"a":[1],"_clock_skew_ms":-90000000}"#)),
        // Inside it is another member, and one that was sent stays.
        (
            r#","detail":{"a":{"_clock_skew_ms":1}}"#,
            said(r#"{"a":{"_clock_skew_ms":1},"_clock_skew_ms":-90000000}"#),
        ),
        (r#","detail":{"_clock_skew_\u006ds":1}"#, said(r#"{"_clock_skew_\u006ds":1}"#)),
    ] {
        assert_eq!(noted(sent, &usual), expected, "{sent}");
    }
    // Where there is no room, there is no note.
    let two = r#","detail":{"a":1,"b":2}"#;
    let room = |limits: Limits| noted(two, &limits).unwrap().contains("_clock_skew_ms");
    assert!(room(Limits { detail_members_max: 3, ..usual }));
    assert!(!room(Limits { detail_members_max: 2, ..usual }));
    assert!(room(Limits { number_len_max: 9, ..usual }));
    assert!(!room(Limits { number_len_max: 8, ..usual }));
    let len = check::body_len(&parse(&with(two)).unwrap(), None);
    let more = r#","_clock_skew_ms":-90000000"#.len();
    assert!(room(Limits { record_len_max: len + more, ..usual }));
    assert!(!room(Limits { record_len_max: len + more - 1, ..usual }));
    assert_eq!(noted("", &Limits { detail_members_max: 0, ..usual }), None);
}

#[test]
fn reading_ends_where_nothing_is_taken() {
    let input = format!("[{},{},not json", with(""), with(r#","detail":{"a":1,"\u0062":{"c":2}}"#));
    let (mut seen, limits) = (Vec::new(), Limits::default());
    let read = read_sent(input.as_bytes(), &limits, 10, |_, names| {
        seen.push(names.iter().map(ToString::to_string).collect::<Vec<_>>());
        seen.len() < 2
    });
    assert_eq!(read, Ok(false));
    // No name of the record before is left over, and none of a level below.
    assert_eq!(seen, [vec![], vec!["a".to_owned(), "b".to_owned()]]);
    assert!(read_sent(input.as_bytes(), &limits, 10, |_, _| true).is_err());
}
