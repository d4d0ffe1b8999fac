//! Indexes beside a real directory: whatever happens to them, the records that a question finds are
//! the same.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use super::Piece;
use crate::index::shard::{Keyword, RecordSet, SHARD_RECORDS, ShardError, ShardLookup};
use crate::log::tests::{DAY, by_hand, record, records};
use crate::log::{Entry, IndexState, Log, LogOptions, Reader};
use crate::query::Order;
use crate::record::{Body, Record};

mod windows;

/// Steps until there is nothing to do.
fn finish(log: &Log) {
    while log.step().unwrap() {}
}

fn actor_of(entry: &Entry) -> String {
    let body = entry.record().unwrap().body().to_vec();
    Body::parse(&body).unwrap().actor_id().into_owned()
}

/// Seqs whose record has this actor, read through.
fn scanned(reader: &Reader, seqs: std::ops::Range<u64>, actor: &str) -> BTreeSet<u64> {
    let entries = reader.scan(seqs, Order::Ascending).map(Result::unwrap);
    entries.filter(|e| e.is_damaged() || actor_of(e) == actor).map(|e| e.seq().0).collect()
}

fn in_shard(shard: &dyn ShardLookup, actor: &str) -> Result<BTreeSet<u64>, ShardError> {
    let mut set = RecordSet::new();
    shard.keyword(Keyword::ActorId, actor, &mut set)?;
    shard.unreadable(&mut set)?;
    let base = shard.first_seq() / SHARD_RECORDS * SHARD_RECORDS;
    Ok(set.iter().map(|place| base + u64::from(place)).collect())
}

/// The same by the pieces, as a query uses them; and what the pieces were: `F`ile, `S`hard,
/// `B`are, `f`ile that could not be opened, `x` for one that gave an error.
fn asked(reader: &Reader, actor: &str) -> (BTreeSet<u64>, String) {
    asked_from(reader, actor, 0)
}

/// The same for the pieces from a seq on.
fn asked_from(reader: &Reader, actor: &str, from: u64) -> (BTreeSet<u64>, String) {
    let (mut found, mut kinds) = (BTreeSet::new(), String::new());
    let (mut next, size) = (0, reader.size().0);
    for piece in reader.parts.indexes.pieces(&reader.view()) {
        let range = piece.range().clone();
        assert_eq!(range.start, next, "pieces leave nothing out");
        assert!(range.end > range.start);
        next = range.end;
        if range.start < from {
            continue;
        }
        let (kind, seqs) = match &piece {
            Piece::Bare { .. } => ('B', None),
            Piece::Shard { shard, .. } => ('S', Some(in_shard(&**shard, actor))),
            Piece::File { file, .. } => match file.open() {
                None => ('f', None),
                Some(open) => {
                    let shards: Result<Vec<_>, _> =
                        open.shards().map(|shard| in_shard(shard, actor)).collect();
                    if shards.is_err() {
                        file.report();
                    }
                    ('F', Some(shards.map(|sets| sets.into_iter().flatten().collect())))
                }
            },
        };
        kinds.push(if matches!(seqs, Some(Err(_))) { 'x' } else { kind });
        match seqs {
            Some(Ok(seqs)) => found.extend(seqs.into_iter().filter(|seq| range.contains(seq))),
            _ => found.extend(scanned(reader, range, actor)),
        }
    }
    assert!(next >= size, "pieces cover everything");
    (found, kinds)
}

/// As if nobody had looked at any index.
fn forget(reader: &Reader) {
    for piece in reader.parts.indexes.pieces(&reader.view()) {
        if let Piece::File { file, .. } = piece {
            file.report();
        }
    }
    reader.parts.indexes.look_again();
}

/// Asks for every actor and compares with reading everything; returns what the pieces were.
fn check(reader: &Reader) -> String {
    let mut kinds = String::new();
    for n in (0..7).rev() {
        let actor = format!("user-{n}");
        let (found, was) = asked(reader, &actor);
        let size = reader.size().0;
        assert_eq!(found, scanned(reader, 0..size, &actor), "{actor}, {was}");
        kinds = was;
    }
    kinds
}

fn index_paths(dir: &Path) -> Vec<PathBuf> {
    let paths = std::fs::read_dir(dir.join("sealed")).unwrap().map(|e| e.unwrap().path());
    let mut paths: Vec<_> = paths.filter(|p| p.extension().is_some_and(|e| e == "idx")).collect();
    paths.sort();
    paths
}

fn index_bytes(dir: &Path) -> Vec<(PathBuf, Vec<u8>)> {
    let read = |path: PathBuf| (path.clone(), std::fs::read(path).unwrap());
    index_paths(dir).into_iter().map(read).collect()
}

fn states(reader: &Reader) -> Vec<IndexState> {
    reader.index_files().iter().map(|info| info.state).collect()
}

/// A log of two sealed segments and an active file, with all its indexes.
fn indexed(dir: &Path) -> Log {
    let log = Log::open(dir, by_hand().0).unwrap();
    log.append(None, records(0..50)).unwrap();
    log.seal().unwrap();
    log.append(None, records(50..90)).unwrap();
    log.seal().unwrap();
    log.append(None, records(90..100)).unwrap();
    finish(&log);
    log
}

fn replace(path: &Path, bytes: &[u8]) {
    std::fs::remove_file(path).unwrap();
    std::fs::write(path, bytes).unwrap();
}

#[test]
fn what_is_not_indexed_yet_is_bare_and_what_is_finished_has_a_file() {
    let dir = tempfile::tempdir().unwrap();
    let log = Log::open(dir.path(), by_hand().0).unwrap();
    let reader = log.reader();
    assert_eq!(check(&reader), "");
    log.append(None, records(0..20)).unwrap();
    assert_eq!(check(&reader), "B");
    finish(&log);
    assert_eq!(check(&reader), "S");
    log.append(None, records(20..21)).unwrap();
    assert_eq!(check(&reader), "SB");
    log.seal().unwrap();
    assert_eq!(check(&reader), "SB", "sealed before it was indexed");
    log.append(None, records(21..30)).unwrap();
    finish(&log);
    assert_eq!(check(&reader), "FS");
    assert_eq!(states(&reader), [IndexState::Ready, IndexState::Active]);
}

#[test]
fn a_file_that_is_rolled_has_its_index_before_it_is_sealed() {
    let dir = tempfile::tempdir().unwrap();
    let (options, clock) = by_hand();
    let log = Log::open(dir.path(), options).unwrap();
    log.append(None, records(0..20)).unwrap();
    clock.advance(DAY);
    log.append(None, records(20..25)).unwrap();
    log.complete_indexes().unwrap();
    assert_eq!(log.reader().segments().iter().filter(|s| s.sealed).count(), 0);
    log.checkpoint().unwrap();
    assert_eq!(check(&log.reader()), "FS");
    assert_eq!(states(&log.reader()), [IndexState::Ready, IndexState::Active]);
    assert_eq!(check(&Reader::open(dir.path()).unwrap()), "FB");
    let before = index_bytes(dir.path());
    finish(&log);
    assert_eq!(log.reader().segments().iter().filter(|s| s.sealed).count(), 1);
    assert_eq!(check(&log.reader()), "FS");
    assert_eq!(index_bytes(dir.path()), before);
}

#[test]
fn an_index_is_the_same_bytes_made_live_or_from_the_sealed_segment() {
    let dir = tempfile::tempdir().unwrap();
    let log = indexed(dir.path());
    let live = index_bytes(dir.path());
    assert_eq!(live.len(), 2);
    log.close().unwrap();
    index_paths(dir.path()).iter().for_each(|path| std::fs::remove_file(path).unwrap());
    let reader = Reader::open(dir.path()).unwrap();
    assert_eq!(check(&reader), "BBB");
    assert_eq!(states(&reader), [IndexState::Missing, IndexState::Missing, IndexState::Active]);
    let log = Log::open(dir.path(), by_hand().0).unwrap();
    assert_eq!(asked(&log.reader(), "user-1").1, "ffB");
    finish(&log);
    assert_eq!(index_bytes(dir.path()), live);
    assert_eq!(check(&log.reader()), "FFS");
    assert_eq!(check(&reader), "BBB", "a reader looks again when it is told to");
    reader.refresh().unwrap();
    assert_eq!(check(&reader), "FFB");
}

#[test]
fn indexes_that_vanish_under_a_writer_come_back() {
    let dir = tempfile::tempdir().unwrap();
    let log = indexed(dir.path());
    let live = index_bytes(dir.path());
    index_paths(dir.path()).iter().for_each(|path| std::fs::remove_file(path).unwrap());
    assert_eq!(check(&log.reader()), "BBS");
    finish(&log);
    assert_eq!(check(&log.reader()), "FFS");
    assert_eq!(index_bytes(dir.path()), live);
}

/// Asks for one actor of [`indexed`]; what the pieces were.
fn asked_of_indexed(reader: &Reader) -> String {
    let (found, kinds) = asked(reader, "user-3");
    assert_eq!(found, (0..100).filter(|n| n % 7 == 3).collect(), "{kinds}");
    kinds
}

#[test]
fn any_changed_byte_gives_the_same_answers_and_a_rebuild_at_most() {
    let dir = tempfile::tempdir().unwrap();
    indexed(dir.path()).close().unwrap();
    let (path, bytes) = index_bytes(dir.path()).remove(0);
    let reader = Reader::open(dir.path()).unwrap();
    let put = |reader: &Reader, bytes: &[u8]| {
        replace(&path, bytes);
        // As if nobody had looked at it.
        reader.parts.indexes.report(0);
        reader.parts.indexes.look_again();
    };
    let mut kinds = BTreeSet::new();
    for at in 0..bytes.len() {
        let mut bad = bytes.clone();
        bad[at] ^= 1 << (at % 8);
        put(&reader, &bad);
        kinds.insert(asked_of_indexed(&reader));
    }
    // Found when it is opened, when it is asked, or not needed for this question.
    assert!(kinds.contains("fFB"), "{kinds:?}");
    for len in (0..bytes.len()).step_by(7) {
        put(&reader, &bytes[..len]);
        assert_eq!(asked_of_indexed(&reader), "fFB");
    }
    let log = Log::open(dir.path(), by_hand().0).unwrap();
    finish(&log);
    for at in (0..bytes.len()).step_by(bytes.len() / 40 + 1) {
        let mut bad = bytes.clone();
        bad[at] ^= 0x5a;
        put(&log.reader(), &bad);
        let before = asked_of_indexed(&log.reader());
        finish(&log);
        assert_eq!(asked_of_indexed(&log.reader()), "FFS");
        if before != "FFS" {
            assert_eq!(std::fs::read(&path).unwrap(), bytes, "byte {at}, {before}");
        }
    }
}

#[test]
fn completing_makes_an_index_with_a_damaged_page_again() {
    let dir = tempfile::tempdir().unwrap();
    let log = Log::open(dir.path(), by_hand().0).unwrap();
    log.append(None, records(0..2_000)).unwrap();
    log.seal().unwrap();
    finish(&log);
    log.close().unwrap();
    let (path, bytes) = index_bytes(dir.path()).remove(0);
    let mut bad = bytes.clone();
    // In a page that opening does not look at.
    let middle = bad.len() / 2;
    bad[middle] ^= 1;
    replace(&path, &bad);
    let log = Log::open(dir.path(), by_hand().0).unwrap();
    finish(&log);
    assert_eq!(std::fs::read(&path).unwrap(), bad);
    log.complete_indexes().unwrap();
    assert_eq!(std::fs::read(&path).unwrap(), bytes);
}

#[test]
fn an_index_of_other_records_is_stale_and_made_anew() {
    let dir = tempfile::tempdir().unwrap();
    indexed(dir.path()).close().unwrap();
    let files = index_bytes(dir.path());
    replace(&files[0].0, &files[1].1);
    assert_eq!(check(&Reader::open(dir.path()).unwrap()), "BFB");
    let reader = Reader::open(dir.path()).unwrap();
    assert_eq!(states(&reader), [IndexState::Stale, IndexState::Ready, IndexState::Active]);
    let log = Log::open(dir.path(), by_hand().0).unwrap();
    finish(&log);
    assert_eq!(index_bytes(dir.path()), files);
}

#[test]
fn leftovers_and_indexes_of_nothing_go() {
    let dir = tempfile::tempdir().unwrap();
    indexed(dir.path()).close().unwrap();
    let files = index_bytes(dir.path());
    let half = dir.path().join("sealed/00000000000000000000-00000000000000000050.idx.tmp");
    std::fs::write(&half, &files[0].1[..9]).unwrap();
    let nothing = dir.path().join("sealed/00000000000000000007-00000000000000000050.idx");
    std::fs::write(&nothing, &files[0].1).unwrap();
    std::fs::remove_file(&files[0].0).unwrap();
    assert_eq!(states(&Reader::open(dir.path()).unwrap())[0], IndexState::Building);
    let log = Log::open(dir.path(), by_hand().0).unwrap();
    assert_eq!(check(&log.reader()), "BFB");
    finish(&log);
    assert!(!half.exists() && !nothing.exists());
    assert_eq!(index_bytes(dir.path()), files);
}

#[test]
fn a_directory_in_an_indexes_place_is_no_index() {
    let dir = tempfile::tempdir().unwrap();
    indexed(dir.path()).close().unwrap();
    let (path, _) = index_bytes(dir.path()).remove(0);
    std::fs::remove_file(&path).unwrap();
    std::fs::create_dir(&path).unwrap();
    let log = Log::open(dir.path(), by_hand().0).unwrap();
    finish(&log);
    assert!(log.background_failure().is_some());
    assert_eq!(check(&log.reader()), "BFS");
    log.append(None, records(100..101)).unwrap();
    std::fs::remove_dir(&path).unwrap();
    finish(&log);
    assert!(log.background_failure().is_none());
    assert_eq!(check(&log.reader()), "FFS");
}

#[test]
fn records_that_cannot_be_read_stay_candidates() {
    let dir = tempfile::tempdir().unwrap();
    indexed(dir.path()).close().unwrap();
    index_paths(dir.path()).iter().for_each(|path| std::fs::remove_file(path).unwrap());
    let path = dir.path().join("sealed/00000000000000000000-00000000000000000050.seg");
    let mut bytes = std::fs::read(&path).unwrap();
    let middle = bytes.len() / 2;
    bytes[middle] ^= 1;
    replace(&path, &bytes);
    let log = Log::open(dir.path(), by_hand().0).unwrap();
    let entries = log.reader().scan(0..50, Order::Ascending).map(Result::unwrap);
    let damaged = entries.filter(Entry::is_damaged).count();
    assert!(damaged > 0);
    finish(&log);
    assert_eq!(check(&log.reader()), "FFS");
    assert!(asked(&log.reader(), "nobody").0.len() >= damaged);
}

#[test]
fn a_log_may_have_no_indexes() {
    let dir = tempfile::tempdir().unwrap();
    let log = Log::open(dir.path(), LogOptions { index: false, ..by_hand().0 }).unwrap();
    log.append(None, records(0..20)).unwrap();
    log.seal().unwrap();
    finish(&log);
    assert_eq!(index_paths(dir.path()), Vec::<PathBuf>::new());
    assert_eq!(check(&log.reader()), "B");
}

/// The index files of windows.
fn window_paths(dir: &Path) -> Vec<PathBuf> {
    let paths = std::fs::read_dir(dir.join("active")).unwrap().map(|e| e.unwrap().path());
    let mut paths: Vec<_> = paths.filter(|p| p.extension().is_none_or(|e| e != "log")).collect();
    paths.sort();
    paths
}

/// More than a window of short records.
fn many(log: &Log, from: u64, to: u64) {
    for first in (from..to).step_by(2048) {
        log.append(None, (first..to.min(first + 2048)).map(record).collect::<Vec<Record>>())
            .unwrap();
    }
}

#[test]
fn windows_are_encoded_one_after_the_other_and_the_oldest_go_for_want_of_memory() {
    let dir = tempfile::tempdir().unwrap();
    let options = LogOptions { compression_level: 1, ..by_hand().0 };
    let log = Log::open(dir.path(), options.clone()).unwrap();
    many(&log, 0, 3);
    log.seal().unwrap();
    many(&log, 3, 2 * SHARD_RECORDS + 9);
    log.complete_indexes().unwrap();
    let ask = |log: &Log| asked(&log.reader(), "user-3");
    let (all, kinds) = ask(&log);
    assert_eq!(kinds, "FSSS");
    assert!(all == (0..2 * SHARD_RECORDS + 9).filter(|n| n % 7 == 3).collect());
    drop(log);

    let little = LogOptions { index_memory_max: 1, ..options };
    let log = Log::open(dir.path(), little).unwrap();
    log.complete_indexes().unwrap();
    let (found, kinds) = ask(&log);
    assert!(found == all);
    assert_eq!(kinds, "FFFS", "what memory has no room for stands in files");
    let mut windows = window_paths(dir.path());
    std::fs::remove_file(windows.remove(0)).unwrap();
    forget(&log.reader());
    let (found, kinds) = ask(&log);
    assert!(found == all);
    assert_eq!(kinds, "FfFS");
    log.seal().unwrap();
    log.complete_indexes().unwrap();
    let (found, kinds) = ask(&log);
    assert!(found == all);
    assert_eq!((kinds.as_str(), window_paths(dir.path()).len()), ("FF", 0));
    let streamed = index_bytes(dir.path());
    log.close().unwrap();

    index_paths(dir.path()).iter().for_each(|path| std::fs::remove_file(path).unwrap());
    let log = Log::open(dir.path(), by_hand().0).unwrap();
    log.complete_indexes().unwrap();
    assert_eq!(index_bytes(dir.path()), streamed);
}

#[test]
fn whoever_has_a_receipt_finds_the_record_whatever_goes_on() {
    let dir = tempfile::tempdir().unwrap();
    let options = LogOptions {
        segment_raw_len_max: 20_000,
        compression_level: 1,
        free_space_reserve: Some(0),
        ..LogOptions::default()
    };
    let log = Log::open(dir.path(), options).unwrap();
    std::thread::scope(|scope| {
        for thread in 0..3_u64 {
            let log = &log;
            scope.spawn(move || {
                for n in 0..120 {
                    let actor = format!("thread-{thread}-{n}");
                    let records = vec![Record { actor_id: actor.clone(), ..record(n) }; 3];
                    let appended = log.append(None, records).unwrap();
                    let expected: BTreeSet<u64> =
                        appended.receipts.iter().map(|receipt| receipt.seq.0).collect();
                    assert_eq!(asked(&log.reader(), &actor).0, expected);
                    if n % 40 == 39 {
                        log.seal().unwrap();
                    }
                }
            });
        }
    });
    log.seal().unwrap();
    log.complete_indexes().unwrap();
    let (found, kinds) = asked(&log.reader(), "thread-1-7");
    assert_eq!(found.len(), 3);
    assert!(kinds.chars().all(|kind| kind == 'F'), "{kinds}");
    log.close().unwrap();
}

#[test]
fn a_backup_has_the_indexes_and_answers_by_them() {
    let dir = tempfile::tempdir().unwrap();
    let (live, copy) = (dir.path().join("live"), dir.path().join("copy"));
    let log = indexed(&live);
    log.reader().backup(&copy, crate::log::BackupKey::Without).unwrap();
    let names = |dir: &Path| {
        index_paths(dir).iter().map(|p| p.file_name().unwrap().to_owned()).collect::<Vec<_>>()
    };
    assert_eq!(names(&copy), names(&live));
    let reader = Reader::open(&copy).unwrap();
    assert_eq!(check(&reader).get(..2), Some("FF"));
}
