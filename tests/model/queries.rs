//! Pages and statistics of small logs to which much happens.

use shoseki_engine::log::{Entry, Query};
use shoseki_engine::query::{Cursor, Order, SortBy, StatsQuery};
use shoseki_engine::record::Body;

use crate::filters::{division, filter};
use crate::naive::{self, parse};
use crate::numbers::Numbers;
use crate::world::World;

const CASES: u64 = 600;
const CASES_DEEP: u64 = 100_000;
const CASES_PER_LOG: u64 = 100;

fn seqs(entries: &[Entry]) -> Vec<u64> {
    entries.iter().map(|entry| entry.seq().0).collect()
}

/// One query with all its pages; between them things may happen.
fn page_through(world: &mut World, numbers: &mut Numbers, case: &str) {
    let filter = filter(numbers, world);
    let order = numbers.pick(&[Order::Ascending, Order::Descending]);
    let sort_by = numbers.pick(&[SortBy::Time, SortBy::Time, SortBy::Seq]);
    let limit = numbers.pick(&[1, 2, 3, 7, 20, 1_000]);
    let busy = numbers.once_in(3);
    let mut query = Query { filter, order, sort_by, limit, ..Query::default() };
    let (mut last, mut all, mut known) = (None, Vec::new(), 0);
    for _ in 0..12 {
        let page = world.reader().search(&query).unwrap();
        for seq in known..world.bodies.len() {
            let body = Body::parse(&world.bodies[seq]).unwrap();
            if naive::takes(&query.filter, seq as u64, &body) {
                // By seq the time does not matter.
                let time = if sort_by == SortBy::Seq { 0 } else { world.times[seq] };
                all.push((time, seq as u64));
            }
        }
        known = world.bodies.len();
        naive::sort(&mut all, order);
        let follows = |place: &(i64, u64)| match (last, order) {
            (None, _) => true,
            (Some(last), Order::Ascending) => last < *place,
            (Some(last), Order::Descending) => *place < last,
        };
        let mut expected = all.iter().copied().filter(follows);
        let best: Vec<(i64, u64)> = expected.by_ref().take(limit).collect();
        let best_seqs: Vec<u64> = best.iter().map(|(_, seq)| *seq).collect();
        assert_eq!(seqs(&page.entries), best_seqs, "{case} {query:?}");
        assert_eq!(page.next.is_some(), expected.next().is_some(), "{case} {query:?}");
        assert_eq!(page.damaged, 0, "{case} {query:?}");
        for entry in &page.entries {
            let body = entry.record().unwrap().body();
            assert_eq!(body, world.bodies[entry.seq().0 as usize], "{case} {query:?}");
        }
        let Some(next) = page.next else { break };
        // A cursor is text on its way to the next page.
        query.cursor = Some(next.to_string().parse::<Cursor>().unwrap());
        last = best.last().copied();
        if busy {
            world.happen(numbers);
        }
    }
}

fn select(world: &World, numbers: &mut Numbers, case: &str) {
    let filter = filter(numbers, world);
    let order = numbers.pick(&[Order::Ascending, Order::Descending]);
    let mut expected: Vec<u64> = naive::matches(&parse(&world.bodies), &filter, order)
        .into_iter()
        .map(|(_, seq)| seq)
        .collect();
    expected.sort_unstable();
    if order == Order::Descending {
        expected.reverse();
    }
    let found: Result<Vec<Entry>, _> = world.reader().select(&filter, order).collect();
    assert_eq!(seqs(&found.unwrap()), expected, "{case} {filter:?}");
}

fn find(world: &World, numbers: &mut Numbers, case: &str) {
    let id = |body: &Vec<u8>| Body::parse(body).unwrap().audit_id();
    let Some(body) = world.bodies.get(numbers.below(world.bodies.len() as u64 + 1) as usize) else {
        return;
    };
    let wanted = id(body);
    let all = world.bodies.iter().zip(0_u64..).filter(|(body, _)| id(body) == wanted);
    let mut expected: Vec<u64> = all.map(|(_, seq)| seq).collect();
    expected.reverse();
    let found = world.reader().find(wanted).unwrap();
    let found: Vec<u64> = found.into_iter().map(|seq| seq.0).collect();
    assert_eq!(found, expected, "{case} {wanted}");
}

fn stats(world: &World, numbers: &mut Numbers, case: &str) {
    let filter = filter(numbers, world);
    let top = numbers.pick(&[0, 1, 3, 100]);
    let query = StatsQuery { filter, buckets: division(numbers), top };
    let found = world.reader().stats(&query, None).unwrap();
    assert_eq!(found, naive::stats(&parse(&world.bodies), &query), "{case} {query:?}");
}

fn one_log(seed: u64) {
    let numbers = &mut Numbers::new(seed);
    let mut world = World::new(numbers);
    world.append(numbers, 60);
    for case in 0..CASES_PER_LOG {
        let case = format!("seed {seed}, case {case}:");
        match numbers.below(10) {
            0 => select(&world, numbers, &case),
            1 => find(&world, numbers, &case),
            2 | 3 => stats(&world, numbers, &case),
            _ => page_through(&mut world, numbers, &case),
        }
        if world.bodies.len() < 400 && numbers.once_in(4) {
            world.happen(numbers);
        }
    }
}

#[test]
fn answers_are_those_of_a_naive_filter() {
    let deep = std::env::var_os("SHOSEKI_DEEP").is_some();
    let cases = if deep { CASES_DEEP } else { CASES };
    for log in 0..cases / CASES_PER_LOG {
        one_log(0x5eed_0000 + log);
    }
}
