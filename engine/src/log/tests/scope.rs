//! Who may see what can't be read any more.

use std::path::Path;

use super::open;
use crate::log::{Entry, Reader};
use crate::query::{Filter, Order, StatsQuery};
use crate::record::Record;

const RECORDS: u64 = 400;

/// Records of two facilities in turn, every fourth of none.
fn facility(seq: u64) -> Option<String> {
    (seq % 4 != 3).then(|| format!("f{}", seq % 2))
}

fn scope(facilities: &[&str]) -> Filter {
    let scope = facilities.iter().map(|&name| name.to_owned()).collect();
    Filter { facility_scope: Some(scope), ..Filter::default() }
}

/// Seqs of the matches, those of damaged ones apart.
fn found(reader: &Reader, filter: &Filter) -> (Vec<u64>, Vec<u64>) {
    let seqs =
        |entries: Vec<Entry>| -> Vec<u64> { entries.iter().map(|entry| entry.seq().0).collect() };
    let split = |entries: Vec<Entry>| {
        let (bad, good): (Vec<_>, Vec<_>) = entries.into_iter().partition(Entry::is_damaged);
        (seqs(good), seqs(bad))
    };
    let page = reader.query(filter, Order::Ascending, 1_000).unwrap();
    let selected: Result<Vec<Entry>, _> = reader.select(filter, Order::Ascending).collect();
    let (mut good, mut bad) = split(page.entries);
    good.sort_unstable();
    bad.sort_unstable();
    assert_eq!((good.clone(), bad.clone()), split(selected.unwrap()), "{filter:?}");
    (good, bad)
}

fn flip_in_the_middle(dir: &Path) {
    let sealed = dir.join("sealed");
    let mut files = std::fs::read_dir(&sealed).unwrap().map(|entry| entry.unwrap().path());
    let path = files.find(|path| path.extension().is_some_and(|end| end == "seg")).unwrap();
    let mut bytes = std::fs::read(&path).unwrap();
    // Of the groups, not of what stands before and behind them.
    let place = bytes.len() / 2;
    bytes[place] ^= 1;
    std::fs::remove_file(&path).unwrap();
    std::fs::write(&path, bytes).unwrap();
}

#[test]
fn a_damaged_record_shows_only_in_the_scope_that_the_index_knows_it_in() {
    let dir = tempfile::tempdir().unwrap();
    let log = open(dir.path());
    let with_facility = |n| Record { facility_id: facility(n), ..super::record(n) };
    log.append(None, (0..RECORDS).map(with_facility).collect()).unwrap();
    log.seal().unwrap();
    log.complete_indexes().unwrap();
    log.close().unwrap();
    flip_in_the_middle(dir.path());
    let reader = Reader::open(dir.path()).unwrap();
    let all = reader.scan(0..u64::MAX, Order::Ascending).map(Result::unwrap);
    let damaged: Vec<u64> = all.filter(Entry::is_damaged).map(|entry| entry.seq().0).collect();
    assert!((8..100).contains(&damaged.len()), "{damaged:?}");
    let of = |names: &[&str], bad: bool| -> Vec<u64> {
        let in_scope = |seq: &u64| facility(*seq).is_some_and(|name| names.contains(&&*name));
        (0..RECORDS).filter(|seq| in_scope(seq) && damaged.contains(seq) == bad).collect()
    };
    for names in [&["f0"][..], &["f1"], &["f0", "f1"], &["f2"], &[]] {
        let filter = scope(names);
        assert_eq!(found(&reader, &filter), (of(names, false), of(names, true)), "{names:?}");
        let stats = reader.stats(&StatsQuery { filter, ..StatsQuery::default() }, None).unwrap();
        let counted = stats.total + stats.unreadable;
        assert_eq!(counted, (of(names, false).len() + of(names, true).len()) as u64, "{names:?}");
    }
    // Without an index nobody can say where they belong.
    for entry in std::fs::read_dir(dir.path().join("sealed")).unwrap() {
        let path = entry.unwrap().path();
        if path.extension().is_some_and(|end| end == "idx") {
            std::fs::remove_file(path).unwrap();
        }
    }
    let reader = Reader::open(dir.path()).unwrap();
    let filter = scope(&["f0", "f1"]);
    assert_eq!(found(&reader, &filter), (of(&["f0", "f1"], false), vec![]));
    let stats = reader.stats(&StatsQuery { filter, ..StatsQuery::default() }, None).unwrap();
    assert_eq!((stats.total, stats.unreadable), (of(&["f0", "f1"], false).len() as u64, 0));
    let facility_id = vec!["f0".to_owned()];
    let unscoped = Filter { facility_id, ..Filter::default() };
    assert_eq!(found(&reader, &unscoped), (of(&["f0"], false), damaged), "whoever may see all");
}
