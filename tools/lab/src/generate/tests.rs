//! The generators keep their promises: same seed, valid records, the shapes that were asked for.

use std::collections::BTreeSet;

use shoseki_engine::record::{ActorType, Limits, Outcome, Record, Salt, Stamp, encode_body};

use super::*;

/// 2026-11-21 in days since 1970.
const DAY: i64 = 20_778;

fn lines(records: impl IntoIterator<Item = Record>) -> Vec<u8> {
    let mut out = Vec::new();
    for record in records {
        input_line(&record, &mut out);
        out.push(b'\n');
    }
    out
}

fn naughty() -> Vec<String> {
    ["\u{0}x", "Ω≈ç√", "`touch blns.fail`", "𐐜 𐐔𐐇𐐝", ""].map(ToOwned::to_owned).to_vec()
}

#[test]
fn the_same_seed_gives_the_same_records() {
    assert_eq!(clinic_day(1, DAY), clinic_day(1, DAY));
    assert_ne!(clinic_day(1, DAY), clinic_day(2, DAY));
    assert_ne!(clinic_day(1, DAY), clinic_day(1, DAY + 1));
    let work = |seed| lines(Workload::new(seed, 500).records());
    assert_eq!(work(1), work(1));
    assert_ne!(work(1), work(2));
    assert_eq!(lines(hostile(1, 300, &naughty())), lines(hostile(1, 300, &naughty())));
}

#[test]
fn every_record_is_valid_and_comes_back_from_its_input_line() {
    let limits = Limits::default();
    let records = clinic_day(7, DAY)
        .into_iter()
        .chain(Workload::new(7, 1_000).records())
        .chain(hostile(7, 3_000, &naughty()));
    for record in records {
        record.check(&limits).expect("valid");
        let mut line = Vec::new();
        input_line(&record, &mut line);
        let back = Record::from_json(&line, &limits);
        assert_eq!(back.as_ref(), Ok(&record), "{}", String::from_utf8_lossy(&line));
    }
}

#[test]
fn a_record_without_an_id_has_none_in_its_input_line() {
    let mut record = clinic_day(1, DAY).remove(0);
    record.audit_id = None;
    let mut line = Vec::new();
    input_line(&record, &mut line);
    assert!(line.starts_with(b"{\"timestamp\":"), "{}", String::from_utf8_lossy(&line));
    assert_eq!(Record::from_json(&line, &Limits::default()), Ok(record));
}

#[test]
fn a_clinic_day_is_a_day_with_people_devices_and_failures() {
    let day = clinic_day(42, DAY);
    assert!(day.len() > 800, "{}", day.len());
    assert!(day.windows(2).all(|pair| pair[0].timestamp <= pair[1].timestamp));
    let begin = DAY * 86_400 - 9 * 3_600;
    let inside = |record: &Record| {
        let second = record.timestamp.unix_nanos() / 1_000_000_000;
        (begin..begin + 86_400).contains(&second)
    };
    assert!(day.iter().all(inside));
    for kind in ActorType::ALL {
        assert!(day.iter().any(|record| record.actor_type == *kind), "{kind}");
    }
    for outcome in Outcome::ALL {
        assert!(day.iter().any(|record| record.result == *outcome), "{outcome}");
    }
    assert!(day.iter().all(|record| record.detail.is_some() && record.audit_id.is_some()));
    let text = String::from_utf8(lines(day)).expect("UTF-8");
    assert!(text.contains("AUTHZ_DENY") && text.contains("𠮷田") && text.contains("claimId"));
}

#[test]
fn a_workload_has_the_shape_that_was_asked_for() {
    let work = Workload { days: 2, actors: 50, actions: 120, ..Workload::new(3, 20_000) };
    let records: Vec<Record> = work.records().collect();
    assert_eq!(records.len(), 20_000);
    assert!(records.windows(2).all(|pair| pair[0].timestamp <= pair[1].timestamp));
    let span = records[19_999].timestamp.unix_day() - records[0].timestamp.unix_day();
    assert_eq!(span, 1);
    let actors: BTreeSet<_> = records.iter().map(|record| &record.actor_id).collect();
    let actions: BTreeSet<_> = records.iter().map(|record| &record.action).collect();
    let ids: BTreeSet<_> = records.iter().map(|record| record.audit_id).collect();
    assert!((45..=50).contains(&actors.len()), "{}", actors.len());
    assert!((100..=120).contains(&actions.len()), "{}", actions.len());
    assert_eq!(ids.len(), 20_000);
    let mut bodies = Vec::new();
    for record in &records {
        let stamp = Stamp {
            audit_id: record.audit_id.expect("an id"),
            received_at: record.timestamp,
            ingested_by: None,
            salt: Salt::from_bytes([0; 12]),
        };
        encode_body(record, &stamp, &mut bodies);
    }
    let mean = bodies.len() / records.len();
    assert!((450..=520).contains(&mean), "{mean} bytes");
}

#[test]
fn hostile_records_hold_what_they_promise() {
    let all: Vec<Record> = hostile(9, 4_000, &naughty()).collect();
    assert_eq!(all.len(), 4_000);
    let text = String::from_utf8(lines(all.iter().cloned())).expect("UTF-8");
    let number =
        ["1e400", "1E+2", ":-0", "12345678901234567", "1234567890123456789012345678901234567890"];
    let escape = [r"\ud800", r"\udfff", r"\/", r"\u000A", r"\b", r"\u0000", r"\u001f"];
    for part in number.iter().chain(&escape).chain(&["𠀋", "𐐜 𐐔𐐇𐐝", "{}"]) {
        assert!(text.contains(part), "{part}");
    }
    let deepest = |record: &Record| {
        let detail = record.detail.as_ref().map_or(&[][..], |detail| detail.as_bytes());
        detail.iter().take_while(|byte| b"{[\":d".contains(byte)).count()
    };
    assert!(all.iter().any(|record| deepest(record) > 64));
    let longest = all.iter().filter_map(|record| record.source_ip.as_ref()).map(String::len).max();
    assert_eq!(longest, Some(255));
}
