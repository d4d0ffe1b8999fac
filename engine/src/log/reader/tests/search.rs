//! Queries against a sort of everything, and look-ups by identifier.

use super::fixture::{Fixture, START, audit_id, time_of};
use crate::log::tests::{by_hand, record};
use crate::log::{Entry, Log, Query, Reader};
use crate::query::{ActionPattern, DetailFilter, Filter, Order};
use crate::record::{Body, Detail, Limits, Outcome, Record, Timestamp};
use crate::types::Seq;

pub(super) fn seqs(entries: &[Entry]) -> Vec<u64> {
    entries.iter().map(|entry| entry.seq().0).collect()
}

pub(super) fn expected(fixture: &Fixture, filter: &Filter, order: Order) -> Vec<u64> {
    let mut all: Vec<(i64, u64)> = (0..fixture.size())
        .filter(|seq| filter.matches(&Body::parse(&fixture.bodies[*seq as usize]).unwrap()))
        .map(|seq| (time_of(seq).unix_nanos(), seq))
        .collect();
    all.sort_unstable();
    if order == Order::Descending {
        all.reverse();
    }
    all.into_iter().map(|(_, seq)| seq).collect()
}

pub(super) fn filters() -> Vec<Filter> {
    let time = |seconds: i64| Timestamp::from_unix_nanos(START + seconds * 1_000_000_000);
    let base = Filter::default();
    vec![
        base.clone(),
        Filter { from: time(300), to: time(420), ..base.clone() },
        Filter { to: time(2), ..base.clone() },
        Filter { from: time(99_999), ..base.clone() },
        Filter { actor_id: vec!["user-3".to_owned(), "user-5".to_owned()], ..base.clone() },
        Filter {
            from: time(100),
            action: vec![ActionPattern::parse("ACTION_2")],
            result: vec![Outcome::Failure],
            ..base.clone()
        },
        Filter { detail: vec![DetailFilter::patient(vec!["p4".to_owned()])], ..base },
    ]
}

#[test]
fn queries_return_the_newest_or_oldest_by_time_and_seq() {
    let fixture = super::mixed();
    let reader = fixture.open();
    for filter in filters() {
        for order in [Order::Ascending, Order::Descending] {
            let all = expected(&fixture, &filter, order);
            for limit in [0, 1, 7, 100, 5000] {
                let found = reader.query(&filter, order, limit).unwrap();
                let best = &all[..limit.min(all.len())];
                assert_eq!(seqs(&found.entries), best, "{filter:?} {order:?} {limit}");
                assert_eq!(found.damaged, 0);
            }
            let mut by_seq = all.clone();
            by_seq.sort_unstable();
            if order == Order::Descending {
                by_seq.reverse();
            }
            let selected: Vec<Entry> =
                reader.select(&filter, order).collect::<Result<_, _>>().unwrap();
            assert_eq!(seqs(&selected), by_seq, "{filter:?} {order:?}");
        }
    }
}

#[test]
fn damaged_records_stand_in_results_and_are_counted() {
    let mut fixture = Fixture::new();
    for _ in 0..3 {
        fixture.seal(256);
    }
    let name = "sealed/00000000000000000256-00000000000000000256.seg";
    let bytes = std::fs::read(fixture.path().join(name)).unwrap();
    let id = audit_id(300);
    fixture.flip(name, bytes.windows(16).position(|w| w == id.as_bytes()).unwrap() + 1);
    let reader = fixture.open();
    let nobody = Filter { actor_id: vec!["nobody".to_owned()], ..Filter::default() };
    let found = reader.query(&nobody, Order::Descending, 99).unwrap();
    assert_eq!((found.damaged, found.entries.len()), (16, 16));
    let selected: Vec<Entry> =
        reader.select(&nobody, Order::Ascending).collect::<Result<_, _>>().unwrap();
    assert_eq!(seqs(&selected), (288..304).collect::<Vec<_>>());
    let late = Filter { from: Some(time_of(700)), ..nobody };
    assert_eq!(reader.query(&late, Order::Descending, 99).unwrap().damaged, 0, "ruled out by time");
    let all = reader.query(&Filter::default(), Order::Ascending, 5000).unwrap();
    assert_eq!((all.entries.len(), all.damaged), (768, 16));
}

#[test]
fn pages_of_long_records_end_early_and_go_on() {
    let long = |n| {
        let text = format!("{{\"x\":\"{}\"}}", "x".repeat(250_000));
        let detail = Detail::parse(text.as_bytes(), &Limits::default()).unwrap();
        Record { detail: Some(detail), ..record(n) }
    };
    let dir = tempfile::tempdir().unwrap();
    let log = Log::open(dir.path(), by_hand().0).unwrap();
    for part in 0..15 {
        log.append(None, (part * 20..part * 20 + 20).map(long).collect()).unwrap();
    }
    for (order, limit) in [(Order::Ascending, 1_000), (Order::Descending, 299)] {
        let mut query = Query { order, limit, ..Query::default() };
        let mut all = Vec::new();
        while all.len() < limit {
            let page = log.reader().search(&query).unwrap();
            assert!((100..140).contains(&page.entries.len()) || page.next.is_none());
            all.extend(seqs(&page.entries));
            query.cursor = page.next;
            if query.cursor.is_none() {
                break;
            }
        }
        let mut wanted: Vec<u64> = (0..300).collect();
        if order == Order::Descending {
            wanted.reverse();
        }
        assert_eq!(all, wanted);
    }
}

#[test]
fn identifiers_lead_to_their_records() {
    let fixture = super::mixed();
    let reader = fixture.open();
    for seq in (0..fixture.size()).step_by(53).chain([fixture.size() - 1]) {
        assert_eq!(reader.find(audit_id(seq)).unwrap(), [Seq(seq)]);
    }
    assert_eq!(reader.find(audit_id(1 << 40)).unwrap(), []);
}

#[test]
fn pages_of_a_query_hold_no_more_than_their_records() {
    let fixture = super::mixed();
    let reader: Reader = fixture.open();
    let found = reader.query(&Filter::default(), Order::Descending, 3).unwrap();
    drop(reader);
    let lines: Vec<String> = found
        .entries
        .iter()
        .map(|entry| {
            let mut line = Vec::new();
            entry.write_export_line(&mut line);
            String::from_utf8(line).unwrap()
        })
        .collect();
    assert!(lines.iter().all(|line| line.ends_with("\"integrity_status\":\"valid\"}")));
}
