//! A log that reaches over the end of an index window of 65,536 records.

use shoseki_engine::log::{Entry, Query};
use shoseki_engine::query::{Order, StatsQuery};

use crate::filters::{division, filter};
use crate::naive;
use crate::numbers::Numbers;
use crate::world::World;

const RECORDS: usize = 66_000;

fn ask(world: &World, numbers: &mut Numbers, questions: u64) {
    let bodies = naive::parse(&world.bodies);
    for _ in 0..questions {
        let filter = filter(numbers, world);
        for order in [Order::Ascending, Order::Descending] {
            let all = naive::matches(&bodies, &filter, order);
            let mut query = Query { filter: filter.clone(), order, limit: 50, ..Query::default() };
            for expected in all.chunks(50).take(2) {
                let page = world.reader().search(&query).unwrap();
                let found: Vec<u64> = page.entries.iter().map(|entry| entry.seq().0).collect();
                let seqs: Vec<u64> = expected.iter().map(|(_, seq)| *seq).collect();
                assert_eq!(found, seqs, "{query:?}");
                query.cursor = page.next;
            }
        }
        let selected: Result<Vec<Entry>, _> =
            world.reader().select(&filter, Order::Ascending).collect();
        let mut all = naive::matches(&bodies, &filter, Order::Ascending);
        all.sort_unstable_by_key(|(_, seq)| *seq);
        assert_eq!(selected.unwrap().len(), all.len(), "{filter:?}");
        let query = StatsQuery { filter, buckets: division(numbers), top: 5 };
        let found = world.reader().stats(&query, None).unwrap();
        assert_eq!(found, naive::stats(&bodies, &query), "{query:?}");
    }
}

#[test]
fn answers_are_the_same_on_both_sides_of_a_window() {
    let numbers = &mut Numbers::new(65_536);
    let mut world = World::of_segments(numbers, 20 << 20);
    while world.bodies.len() < RECORDS {
        // Nearly every batch of a thousand repeats an id with another content, and is refused.
        world.append(numbers, 60);
    }
    assert!(world.reader().segments().len() > 1);
    // Without an index, then with one in memory and in files; and as a crash leaves it, whole and
    // with a part of it damaged.
    ask(&world, numbers, 1);
    world.settle();
    let deep = std::env::var_os("SHOSEKI_DEEP").is_some();
    ask(&world, numbers, if deep { 20 } else { 1 });
    world.kill();
    let window = |path: &String| path.starts_with("active/");
    assert_eq!(world.indexes().iter().filter(|path| window(path)).count(), 1);
    ask(&world, numbers, if deep { 20 } else { 2 });
    for _ in 0..if deep { 20 } else { 1 } {
        world.damage_an_index(numbers, window);
        world.kill();
        ask(&world, numbers, 1);
        world.settle();
    }
}
