//! Queries with an index over some parts of the log and none over others.

use std::sync::Arc;

use super::fixture::{Fixture, time_of};
use super::naive::{Known, NaiveShard, known};
use super::search::{expected, filters, seqs};
use crate::index::shard::SHARD_RECORDS;
use crate::log::indexes::Piece;
use crate::log::{Cancel, Entry, Query, ReadError, Reader};
use crate::query::{Filter, Order};

/// What is known of the files, one after the other: 0 nothing, 1 an index, 2 one with damage.
pub(super) const MODES: [&[u8]; 5] = [&[0], &[1], &[0, 1], &[2], &[1, 2, 0]];

/// An index over the files.
pub(super) fn index(reader: &Reader, fixture: &Fixture, modes: &[u8]) -> Vec<Piece> {
    let all: Vec<Known> = fixture.bodies.iter().map(|body| known(body)).collect();
    let mut pieces = Vec::new();
    for (info, mode) in reader.segments().iter().zip(modes.iter().cycle()) {
        let range = info.first_seq.0..info.first_seq.0 + info.count;
        assert!(range.end <= SHARD_RECORDS, "one window is enough here");
        let shard = || NaiveShard {
            first_seq: range.start,
            records: all[range.start as usize..range.end as usize].to_vec(),
            quantum: 7_000_000_000,
            bad_tile: (*mode == 2).then_some(1),
        };
        pieces.push(match mode {
            0 => Piece::Bare { range, times: None },
            _ => Piece::Shard { shard: Arc::new(shard()), range },
        });
    }
    pieces
}

fn pages(
    reader: &Reader,
    index: &dyn Fn() -> Vec<Piece>,
    filter: &Filter,
    order: Order,
    limit: usize,
) -> Vec<u64> {
    let mut query = Query { filter: filter.clone(), order, limit, ..Query::default() };
    let mut all = Vec::new();
    loop {
        let page = reader.search_in(&query, reader.view(), |_, _| index()).unwrap();
        assert!(page.entries.len() <= limit);
        assert!(page.next.is_none() || page.entries.len() == limit);
        all.extend(seqs(&page.entries));
        query.cursor = page.next;
        if query.cursor.is_none() {
            return all;
        }
    }
}

#[test]
fn pages_hold_each_match_once_in_order_whatever_is_indexed() {
    let fixture = super::mixed();
    let reader = fixture.open();
    for modes in MODES {
        let index = || index(&reader, &fixture, modes);
        for filter in filters() {
            for order in [Order::Ascending, Order::Descending] {
                let all = expected(&fixture, &filter, order);
                for limit in [1, 7, 300, 5000] {
                    if limit == 1 && all.len() > 100 {
                        continue;
                    }
                    let found = pages(&reader, &index, &filter, order, limit);
                    assert_eq!(found, all, "{filter:?} {order:?} {limit} {modes:?}");
                }
                let mut by_seq = all;
                by_seq.sort_unstable();
                if order == Order::Descending {
                    by_seq.reverse();
                }
                let selected: Vec<Entry> = reader
                    .select_in(&filter, order, reader.view(), index())
                    .collect::<Result<_, _>>()
                    .unwrap();
                assert_eq!(seqs(&selected), by_seq, "{filter:?} {order:?} {modes:?}");
            }
        }
    }
}

#[test]
fn an_indexed_search_reads_only_what_it_returns() {
    let fixture = super::mixed();
    let reader = fixture.open();
    let search = |query: &Query| {
        reader.search_in(query, reader.view(), |_, _| index(&reader, &fixture, &[1])).unwrap()
    };
    let filter = Filter { actor_id: vec!["user-3".to_owned()], ..Filter::default() };
    let query = Query { filter, limit: 9, ..Query::default() };
    let page = search(&query);
    // A few more share the coarse time of the last one, and one says whether anything follows.
    assert!(page.explain.matched <= 14, "{:?}", page.explain);
    assert!(page.explain.groups_read <= 14, "{:?}", page.explain);
    assert_eq!((page.explain.scanned, page.explain.segments), (0, 8));
    let again = search(&query);
    assert_eq!((again.explain.groups_read, again.entries), (0, page.entries));
}

#[test]
fn a_cancelled_search_stops() {
    let fixture = super::mixed();
    let reader = fixture.open();
    let cancel = Cancel::new();
    let query = Query { limit: 5, cancel: Some(cancel.clone()), ..Query::default() };
    assert_eq!(reader.search(&query).unwrap().entries.len(), 5);
    cancel.cancel();
    assert!(matches!(reader.search(&query), Err(ReadError::Cancelled)));
}

#[test]
fn unreadable_and_damaged_candidates_stand_in_their_places() {
    let mut fixture = Fixture::new();
    for _ in 0..3 {
        fixture.seal(256);
    }
    let name = "sealed/00000000000000000256-00000000000000000256.seg";
    let bytes = std::fs::read(fixture.path().join(name)).unwrap();
    let id = super::fixture::audit_id(300);
    fixture.flip(name, bytes.windows(16).position(|w| w == id.as_bytes()).unwrap() + 1);
    let reader = fixture.open();
    // An index from before the damage: only records of this actor are looked at.
    let before = || index(&reader, &fixture, &[1]);
    let filter = Filter { actor_id: vec!["user-3".to_owned()], ..Filter::default() };
    let bad: Vec<u64> = (288..304).filter(|seq| seq % 7 == 3).collect();
    for order in [Order::Ascending, Order::Descending] {
        let query = Query { filter: filter.clone(), order, limit: 999, ..Query::default() };
        let page = reader.search_in(&query, reader.view(), |_, _| before()).unwrap();
        assert_eq!(page.damaged, bad.len() as u64);
        assert_eq!(page.entries.len(), (0..768).filter(|seq| seq % 7 == 3).count());
        assert_eq!(pages(&reader, &before, &filter, order, 4), seqs(&page.entries));
    }
    let late = Filter { from: Some(time_of(700)), ..filter };
    assert_eq!(pages(&reader, &before, &late, Order::Descending, 99).len(), 9);
    // One that was made after it.
    let mut all: Vec<Known> = fixture.bodies.iter().map(|body| known(body)).collect();
    (288..304).for_each(|seq: usize| all[seq] = Known::Unreadable);
    let since = || {
        let shard = NaiveShard { first_seq: 0, records: all.clone(), quantum: 1, bad_tile: None };
        vec![Piece::Shard { range: 0..768, shard: Arc::new(shard) }]
    };
    let nobody = Filter { actor_id: vec!["nobody".to_owned()], ..Filter::default() };
    for order in [Order::Ascending, Order::Descending] {
        let mut found = pages(&reader, &since, &nobody, order, 3);
        found.sort_unstable();
        assert_eq!(found, (288..304).collect::<Vec<_>>());
    }
}
