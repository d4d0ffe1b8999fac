//! Files that are missing, doubled, foreign or half made; windows; a storage that fails.

use std::sync::Arc;

use super::*;
use crate::index::ids::merge::plan;
use crate::io::OsStorage;

#[test]
fn four_runs_become_one_and_each_level_keeps_three_at_most() {
    let storage = Arc::new(MemoryStorage::default());
    let index = open(&storage, 0);
    for run in 0..64 {
        add_run(&index, run * 8..run * 8 + 8, 1);
        settle(&index);
        assert!(index.snapshot().runs() <= 9, "after run {run}");
    }
    assert_eq!(storage.names(), ["ids/00000000000000000000-00000000000000000512.ids"]);
    for number in 0..512 {
        assert_eq!(find(&index, number), [number]);
    }
}

#[test]
fn a_merge_goes_on_in_steps_and_new_tables_come_first() {
    let storage = Arc::new(MemoryStorage::default());
    let index = open(&storage, 0);
    for run in 0..4 {
        add_run(&index, run * 10..run * 10 + 10, 1);
    }
    assert_eq!(index.maintain(&Window::EVERYTHING).unwrap(), Step::Merging(0..40));
    add_run(&index, 40..48, 1);
    assert_eq!(index.maintain(&Window::EVERYTHING).unwrap(), Step::Merged(0..40));
    assert_eq!(index.maintain(&Window::EVERYTHING).unwrap(), Step::Idle);
    assert_eq!(index.snapshot().covered(), 0..48);
}

#[test]
fn small_runs_behind_large_ones_and_gaps_are_planned_for() {
    let seqs = |ends: &[u64]| ends.windows(2).map(|w| w[0]..w[1]).collect::<Vec<_>>();
    assert_eq!(plan(&[], 8), None);
    assert_eq!(plan(&seqs(&[0, 8, 16, 24]), 8), None);
    assert_eq!(plan(&seqs(&[0, 8, 16, 24, 32]), 8), Some(0..4));
    assert_eq!(plan(&seqs(&[0, 128, 136, 144, 152, 160]), 8), Some(1..5));
    // Small runs older than a large one would else stay for ever.
    assert_eq!(plan(&seqs(&[0, 2, 4, 6, 134]), 8), Some(0..4));
    assert_eq!(plan(&[0..8, 8..16, 17..25, 25..33], 8), None);
    // Merging must neither exceed an eighth of a large index nor stop below 2^26.
    let big = 1 << 25;
    assert_eq!(plan(&seqs(&[0, big, 2 * big, 3 * big, 4 * big]), 131_072), Some(0..2));
    assert_eq!(plan(&seqs(&[0, 2 * big, 4 * big, 6 * big, 8 * big]), 131_072), None);
}

#[test]
fn an_id_at_several_seqs_is_found_at_all_of_them() {
    let storage = Arc::new(MemoryStorage::default());
    let index = open(&storage, 400);
    let entries = (0..400).map(|seq| Ok::<_, IdError>(entry(&index, seq % 3, seq)));
    index.add_range(0..400, entries).unwrap();
    assert_eq!(index.snapshot().runs(), 20);
    let want: Vec<u64> = (0..400).filter(|seq| seq % 3 == 1).collect();
    assert_eq!(find(&index, 1), want);
    settle(&index);
    assert_eq!(find(&index, 1), want);
    assert_eq!(find(&index, 3), Vec::<u64>::new());
}

#[test]
fn what_is_missing_is_named_and_can_be_added_again() {
    let storage = Arc::new(MemoryStorage::default());
    let index = open(&storage, 24);
    assert_eq!(index.snapshot().missing(3..24), [3..24]);
    for run in 0..3 {
        add_run(&index, run * 8..run * 8 + 8, 1);
    }
    storage.delete("ids/00000000000000000008-00000000000000000016.ids");
    let index = open(&storage, 30);
    assert_eq!(index.snapshot().covered(), 16..24);
    assert_eq!(index.snapshot().missing(0..30), [8..16, 24..30]);
    assert_eq!(index.snapshot().missing(10..12), [10..12]);
    assert_eq!(find(&index, 9), Vec::<u64>::new());
    let entries = || (8..16).map(|seq| Ok::<_, IdError>(entry(&index, seq, seq)));
    assert!(matches!(index.add_range(8..17, entries()), Err(IdError::Range(_))));
    assert!(matches!(index.add_range(9..16, entries()), Err(IdError::Order { seq: 8 })));
    index.add_range(8..16, entries()).unwrap();
    assert_eq!(index.snapshot().covered(), 0..24);
    assert_eq!(find(&index, 9), [9]);
}

#[test]
fn a_range_of_records_without_ids_is_covered_too() {
    let storage = Arc::new(MemoryStorage::default());
    let none = std::iter::empty::<Result<IdEntry, IdError>>();
    open(&storage, 50).add_range(0..50, none).unwrap();
    let index = open(&storage, 50);
    assert_eq!(index.snapshot().covered(), 0..50);
    assert_eq!(find(&index, 1), Vec::<u64>::new());
    assert_eq!(index.check_next().unwrap(), Checked::Intact(0..50));
    assert_eq!(index.check_next().unwrap(), Checked::RoundOver);
}

#[test]
fn files_that_cannot_be_used_are_removed_by_the_writer_and_only_by_it() {
    let storage = Arc::new(MemoryStorage::default());
    let index = open(&storage, 32);
    for run in 0..4 {
        add_run(&index, run * 8..run * 8 + 8, 1);
    }
    let name = |from: u64, to: u64| format!("ids/{from:020}-{to:020}.ids");
    let inputs: Vec<_> = storage.names().iter().map(|n| (n.clone(), storage.get(n))).collect();
    settle(&index);
    // Merge done, inputs not yet removed; a run cut short; a run under another's name.
    for (path, bytes) in &inputs {
        storage.put(path, bytes);
    }
    storage.put("ids/00000000000000000032-00000000000000000040.ids.tmp", b"half");
    storage.put(&name(40, 48), &inputs[0].1);
    storage.put("ids/README", b"not ours");
    // A run of another log and one under another key.
    let other = Arc::new(MemoryStorage::default());
    let foreign = IdIndex::open_with(Arc::clone(&other) as _, LogId([8; 16]), 0, KEY, SIZES);
    add_run(&foreign.unwrap(), 32..40, 1);
    storage.put(&name(32, 40), &other.get(&name(32, 40)));
    let keyed = Arc::new(MemoryStorage::default());
    let foreign = IdIndex::open_with(Arc::clone(&keyed) as _, LOG_ID, 0, [1; 16], SIZES);
    add_run(&foreign.unwrap(), 48..56, 1);
    storage.put(&name(48, 56), &keyed.get(&name(48, 56)));

    let before = storage.names();
    let seen = IdSnapshot::read(&*storage, &LOG_ID).unwrap().unwrap();
    assert_eq!((seen.covered(), seen.runs()), (0..32, 1));
    assert_eq!(storage.names(), before);

    let index = open(&storage, 1000);
    assert_eq!(index.snapshot().covered(), 0..32);
    assert_eq!(storage.names(), [name(0, 32), "ids/README".to_owned()]);

    // The log is shorter than the run: it speaks of records that were cut.
    let index = open(&storage, 31);
    assert_eq!(index.snapshot().covered(), 0..0);
    assert_eq!(storage.names(), ["ids/README"]);
}

#[test]
fn a_run_goes_when_it_is_outside_the_window_by_time_and_by_count() {
    let storage = Arc::new(MemoryStorage::default());
    let index = open(&storage, 24);
    for run in 0..3 {
        add_run(&index, run * 8..run * 8 + 8, 100);
    }
    let idle = [(100, 24), (101, 7), (i64::MIN, 24)];
    for (received_at_min, seq_min) in idle {
        let step = index.maintain(&Window { received_at_min, seq_min }).unwrap();
        assert_eq!(step, Step::Idle, "{received_at_min} {seq_min}");
    }
    let window = Window::new(131, 18, 30, 10);
    assert_eq!(window, Window { received_at_min: 101, seq_min: 8 });
    assert_eq!(index.maintain(&window).unwrap(), Step::Expired(0..8));
    assert_eq!(index.maintain(&window).unwrap(), Step::Idle);
    assert_eq!(open(&storage, 24).snapshot().covered(), 8..24);
}

#[test]
fn a_storage_error_leaves_the_snapshot_and_the_next_try_succeeds() {
    let mut failed = 0;
    for calls in 0.. {
        let storage = Arc::new(MemoryStorage::default());
        let index = open(&storage, 0);
        for run in 0..3 {
            add_run(&index, run * 8..run * 8 + 8, 1);
        }
        index.freeze(table(&index, 24..32, 1)).unwrap();
        storage.fail_after(calls);
        loop {
            match index.maintain(&Window::EVERYTHING) {
                Ok(Step::Idle) => break,
                Ok(_) => {}
                Err(IdError::Io { .. }) => failed += 1,
                Err(e) => panic!("{e}"),
            }
            assert_eq!(index.snapshot().covered(), 0..32, "call {calls}");
            assert!((0..32).all(|number| find(&index, number) == [number]));
        }
        assert_eq!(index.snapshot().runs(), 1);
        let all_done = !storage.mend();
        let index = open(&storage, 32);
        assert_eq!(index.snapshot().covered(), 0..32);
        assert_eq!(storage.names(), ["ids/00000000000000000000-00000000000000000032.ids"]);
        if all_done {
            break;
        }
    }
    assert!(failed >= 20, "{failed} errors seen");
}

#[test]
fn a_storage_error_at_opening_is_told() {
    let storage = Arc::new(MemoryStorage::default());
    add_run(&open(&storage, 8), 0..8, 1);
    storage.put("ids/left.tmp", b"");
    let mut errors = 0;
    for calls in 0.. {
        storage.fail_after(calls);
        let opened = open_sized(&storage, 8, SIZES);
        if !storage.mend() {
            assert_eq!(opened.unwrap().snapshot().covered(), 0..8);
            break;
        }
        assert!(matches!(opened, Err(IdError::Io { .. })), "call {calls}");
        errors += 1;
    }
    assert!(errors >= 4);
}

#[test]
fn tables_must_lie_where_nothing_is() {
    let storage = Arc::new(MemoryStorage::default());
    let index = open(&storage, 0);
    index.freeze(table(&index, 8..16, 1)).unwrap();
    for (from, to) in [(0, 9), (8, 16), (9, 10), (15, 20), (0, 40)] {
        let refused = index.freeze(table(&index, from..to, 1));
        assert!(matches!(refused, Err(IdError::Range(_))), "{from}..{to}");
    }
    assert!(matches!(index.freeze(table(&index, 20..20, 1)), Err(IdError::Range(_))));
    let mut recent = RecentIds::new();
    assert!(recent.insert(fingerprint(index.key(), &id(1)), 17));
    assert!(!recent.insert(fingerprint(index.key(), &id(2)), 17));
    let early = recent.freeze(18..20, 1);
    assert!(matches!(index.freeze(early), Err(IdError::Order { seq: 17 })));
    assert_eq!(index.snapshot().frozen_len(), 8);
}

#[test]
fn the_key_of_the_runs_is_kept() {
    let storage = Arc::new(MemoryStorage::default());
    add_run(&open(&storage, 8), 0..8, 1);
    let index = IdIndex::open(Arc::clone(&storage) as _, LOG_ID, 8, [0; 16]).unwrap();
    assert_eq!(*index.key(), IdKey::new(KEY));
    assert_ne!(fingerprint(index.key(), &id(1)), fingerprint(&IdKey::new([0; 16]), &id(1)));
}

#[test]
fn it_works_on_a_real_disk() {
    let dir = tempfile::tempdir().unwrap();
    let open = || {
        let storage = Arc::new(OsStorage::new(dir.path()));
        IdIndex::open(storage, LOG_ID, 40_000, KEY).unwrap()
    };
    let index = open();
    for run in 0..4 {
        add_run(&index, run * 10_000..run * 10_000 + 10_000, 1);
    }
    assert_eq!(settle(&index), [Step::Merged(0..40_000)]);
    let index = open();
    assert_eq!(index.snapshot().stored().0, 40_000);
    assert!((0..40_000).all(|number| find(&index, number) == [number]));
    assert_eq!(index.check_next().unwrap(), Checked::Intact(0..40_000));

    // Few strangers get past the filter: 0.4 % by the arithmetic of the layout.
    let snapshot = index.snapshot();
    let mut buckets = 0;
    for number in 0..100_000_u64 {
        let print = fingerprint(index.key(), &id(1 << 40 | number));
        let mut found = Vec::new();
        buckets += snapshot.lookup(print, &mut found).unwrap().buckets;
        assert_eq!(found, Vec::<u64>::new());
    }
    assert!((100..800).contains(&buckets), "{buckets}");
}
