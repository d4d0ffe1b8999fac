//! The files of finished windows: they spare reading the active file, and whatever happens to them,
//! the answers are the same.

use std::path::{Path, PathBuf};

use super::{SHARD_RECORDS, asked_from, forget, index_bytes, many, replace, window_paths};
use crate::index::file::IndexFileWriter;
use crate::index::shard::{GrowingShard, Slot};
use crate::log::indexes::IndexFaultKind;
use crate::log::indexes::records::Records;
use crate::log::indexes::windows::{self, Window};
use crate::log::tests::{DAY, by_hand, records};
use crate::log::{BackupKey, Log, LogOptions, Reader};
use crate::verify::{NoticeKind, VerifyOptions, verify_path};

/// First seq of the active file: the window that it begins in has six records of it.
const FIRST: u64 = SHARD_RECORDS - 6;
const END: u64 = SHARD_RECORDS + 10;

fn options() -> LogOptions {
    LogOptions { compression_level: 1, ..by_hand().0 }
}

/// A log with a sealed segment up to [`FIRST`] and its index, and nothing else.
fn before_a_window(dir: &Path) -> Log {
    let log = Log::open(dir, options()).unwrap();
    many(&log, 0, FIRST);
    log.seal().unwrap();
    log.complete_indexes().unwrap();
    log
}

/// The same with an active file over the end of the window, and the file of that window.
fn over_a_window(dir: &Path) -> (Log, PathBuf, Vec<u8>) {
    let log = before_a_window(dir);
    log.append(None, records(FIRST..END)).unwrap();
    log.complete_indexes().unwrap();
    // Shows processes beside the writer what is durable.
    log.checkpoint().unwrap();
    let path = dir.join("active/00000000000000065530-00000000000000000006.idx");
    let bytes = std::fs::read(&path).unwrap();
    (log, path, bytes)
}

/// Asks the active file for an actor; what its pieces were.
fn asked(reader: &Reader) -> String {
    let (found, kinds) = asked_from(reader, "user-3", FIRST);
    let end = reader.size().0;
    assert_eq!(found, (FIRST..end).filter(|n| n % 7 == 3).collect(), "{kinds}");
    kinds
}

/// The file of the window with one of its records left out, and all checksums right.
fn forged(reader: &Reader) -> Vec<u8> {
    let view = reader.view();
    let shard = GrowingShard::new(FIRST);
    let mut seq = FIRST;
    let hide = |slot: &Slot<'_>| {
        shard.push(if seq % 7 == 3 { &Slot::Erased } else { slot });
        seq += 1;
    };
    Records::new().each(&reader.parts, &view, FIRST..SHARD_RECORDS, hide).unwrap();
    let active = std::sync::Arc::clone(view.actives.last().unwrap());
    let window = Window { active, seqs: FIRST..SHARD_RECORDS };
    let mut file = IndexFileWriter::new(Vec::new(), window.identity().unwrap().unwrap()).unwrap();
    file.push(&shard.encode()).unwrap();
    file.finish().unwrap()
}

#[test]
fn a_full_window_is_still_indexed_after_a_crash_and_for_processes_beside_the_writer() {
    let dir = tempfile::tempdir().unwrap();
    let log = before_a_window(dir.path());
    let beside = Reader::open(dir.path()).unwrap();
    log.append(None, records(FIRST..END)).unwrap();
    log.checkpoint().unwrap();
    beside.refresh().unwrap();
    assert_eq!(asked(&beside), "fB");
    log.complete_indexes().unwrap();
    assert_eq!(asked(&log.reader()), "SS");
    assert_eq!(asked(&beside), "B", "a reader looks again when it is told to");
    beside.refresh().unwrap();
    assert_eq!(asked(&beside), "FB");
    let info = beside.index_files().pop().unwrap();
    let path = window_paths(dir.path()).remove(0);
    let len = std::fs::metadata(&path).unwrap().len();
    assert_eq!((info.count, info.indexed, info.file_len), (16, 6, len));
    let info = log.reader().index_files().pop().unwrap();
    assert_eq!((info.count, info.indexed, info.file_len), (16, 16, len));
    drop(log);

    let log = Log::open(dir.path(), options()).unwrap();
    assert_eq!(asked(&log.reader()), "FB");
    log.complete_indexes().unwrap();
    assert_eq!(asked(&log.reader()), "SS");
}

#[test]
fn a_window_is_taken_from_its_file_and_a_forged_one_shows() {
    let dir = tempfile::tempdir().unwrap();
    let (log, path, bytes) = over_a_window(dir.path());
    let forged = forged(&log.reader());
    replace(&path, &forged);
    drop(log);
    let kinds = |rebuild| {
        let faults = Reader::open(dir.path()).unwrap().check_indexes(rebuild, |_| {}).unwrap();
        faults.into_iter().map(|fault| (fault.path, fault.kind)).collect::<Vec<_>>()
    };
    assert_eq!(kinds(false), []);
    assert!(
        matches!(&kinds(true)[..], [(at, IndexFaultKind::Differs { .. })] if path.ends_with(at))
    );
    let log = Log::open(dir.path(), options()).unwrap();
    log.complete_indexes().unwrap();
    // Nothing but the file says so: the record was not read again.
    let (found, kinds_now) = asked_from(&log.reader(), "user-3", FIRST);
    assert_eq!(kinds_now, "SS");
    assert!(!found.contains(&FIRST), "{found:?}");
    drop(log);
    replace(&path, &bytes);
    assert_eq!(kinds(true), []);
    replace(&path, &bytes[..bytes.len() - 1]);
    assert_eq!(kinds(false)[0].1, IndexFaultKind::Damaged);
}

#[test]
fn any_changed_byte_of_a_window_gives_the_same_answers() {
    let dir = tempfile::tempdir().unwrap();
    let (log, path, bytes) = over_a_window(dir.path());
    drop(log);
    let reader = Reader::open(dir.path()).unwrap();
    assert_eq!(asked(&reader), "FB");
    let mut kinds = std::collections::BTreeSet::new();
    for at in 0..bytes.len() {
        let mut bad = bytes.clone();
        bad[at] ^= 1 << (at % 8);
        replace(&path, &bad);
        forget(&reader);
        kinds.insert(asked(&reader));
    }
    // One page: found when it is opened.
    assert_eq!(kinds.into_iter().collect::<Vec<_>>(), ["fB"]);
    for len in (0..bytes.len()).step_by(7) {
        replace(&path, &bytes[..len]);
        forget(&reader);
        assert_eq!(asked(&reader), "fB");
    }
    let cut = &bytes[..bytes.len() / 2];
    let mut bad = bytes.clone();
    bad[200] ^= 4;
    for wrong in [&bad[..], cut, &[]] {
        replace(&path, wrong);
        let log = Log::open(dir.path(), options()).unwrap();
        assert_eq!(asked(&log.reader()), "fB");
        log.complete_indexes().unwrap();
        assert_eq!(asked(&log.reader()), "SS");
        assert!(std::fs::read(&path).unwrap() == bytes, "made anew");
    }
}

#[test]
fn a_window_of_other_records_with_the_same_seqs_is_not_taken_for_ours() {
    let (dir, other) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let (log, path, bytes) = over_a_window(dir.path());
    drop(log);
    // The same seqs and the same records, but another log; as after a tail that was cut and
    // written anew.
    let (_, _, foreign) = over_a_window(other.path());
    assert!(foreign != bytes);
    replace(&path, &foreign);
    let reader = Reader::open(dir.path()).unwrap();
    assert_eq!(asked(&reader), "fB");
    let faults = reader.check_indexes(false, |_| {}).unwrap();
    assert!(matches!(&faults[..], [fault] if fault.kind == IndexFaultKind::Stale), "{faults:?}");
    let log = Log::open(dir.path(), options()).unwrap();
    log.complete_indexes().unwrap();
    assert_eq!(asked(&log.reader()), "SS");
    assert!(std::fs::read(&path).unwrap() == bytes);
}

#[test]
fn windows_go_with_their_file_and_strays_when_the_log_is_opened() {
    let dir = tempfile::tempdir().unwrap();
    let (log, path, bytes) = over_a_window(dir.path());
    drop(log);
    let name = |first: u64, count: u64| dir.path().join(windows::path(&(first..first + count)));
    // Of a file that was sealed long ago, of a part that is no window, behind the end, unfinished.
    let strays = [name(7, 5), name(FIRST, 5), name(SHARD_RECORDS, SHARD_RECORDS)];
    strays.iter().for_each(|path| std::fs::write(path, &bytes).unwrap());
    std::fs::write(path.with_extension("idx.tmp"), b"half").unwrap();
    let log = Log::open(dir.path(), options()).unwrap();
    log.complete_indexes().unwrap();
    assert_eq!(window_paths(dir.path()), std::slice::from_ref(&path));
    log.seal().unwrap();
    assert_eq!(
        window_paths(dir.path()),
        std::slice::from_ref(&path),
        "needed until the index is made"
    );
    log.complete_indexes().unwrap();
    assert_eq!(window_paths(dir.path()), [""; 0].map(PathBuf::from));
    let made = index_bytes(dir.path());
    log.close().unwrap();

    // The crash came between the index of the file and the removal.
    std::fs::write(&path, &bytes).unwrap();
    let log = Log::open(dir.path(), options()).unwrap();
    log.complete_indexes().unwrap();
    assert_eq!(window_paths(dir.path()), [""; 0].map(PathBuf::from));
    log.close().unwrap();

    // By a window or by the records: the same index.
    for window in [Some(&bytes), None] {
        std::fs::remove_file(&made[1].0).unwrap();
        window.iter().for_each(|bytes| std::fs::write(&path, bytes).unwrap());
        let log = Log::open(dir.path(), options()).unwrap();
        log.complete_indexes().unwrap();
        assert!(index_bytes(dir.path()) == made);
        assert_eq!(window_paths(dir.path()), [""; 0].map(PathBuf::from));
        log.close().unwrap();
    }
}

#[test]
fn windows_are_no_evidence_and_in_no_backup() {
    let dir = tempfile::tempdir().unwrap();
    let (live, copy) = (dir.path().join("live"), dir.path().join("copy"));
    let (log, path, _) = over_a_window(&live);
    log.reader().backup(&copy, BackupKey::Without).unwrap();
    assert_eq!(window_paths(&copy), [""; 0].map(PathBuf::from));
    log.close().unwrap();
    for bytes in [&b""[..], b"anything"] {
        replace(&path, bytes);
        let report = verify_path(&live, &VerifyOptions::default(), &()).unwrap();
        assert_eq!(report.findings, []);
        let unknown = report.notices.iter().filter(|n| n.kind == NoticeKind::UnknownFile);
        assert_eq!(unknown.count(), 0, "{:?}", report.notices);
    }
}

#[test]
fn something_else_in_the_place_of_a_window_is_told_and_stops_nothing() {
    let dir = tempfile::tempdir().unwrap();
    let log = before_a_window(dir.path());
    let place = dir.path().join(windows::path(&(FIRST..SHARD_RECORDS)));
    std::fs::create_dir(&place).unwrap();
    log.append(None, records(FIRST..END)).unwrap();
    log.checkpoint().unwrap();
    assert!(log.complete_indexes().is_err());
    assert_eq!(asked(&Reader::open(dir.path()).unwrap()), "fB");
    log.complete_indexes().unwrap();
    assert_eq!(asked(&log.reader()), "SS");
    log.append(None, records(END..END + 1)).unwrap();
    drop(log);
    let log = Log::open(dir.path(), options()).unwrap();
    assert_eq!(asked(&log.reader()), "fB");
    assert!(log.complete_indexes().is_err());
    log.complete_indexes().unwrap();
    assert_eq!(asked(&log.reader()), "SS");
}

#[test]
fn windows_stand_in_for_the_index_of_a_file_that_waits_to_be_sealed() {
    let dir = tempfile::tempdir().unwrap();
    let (log, path, _) = over_a_window(dir.path());
    drop(log);
    let (options, clock) = by_hand();
    let log = Log::open(dir.path(), options).unwrap();
    clock.advance(DAY);
    log.append(None, records(END..END + 2)).unwrap();
    log.append(None, records(END + 2..END + 3)).unwrap();
    log.checkpoint().unwrap();
    assert_eq!(log.reader().segments().iter().filter(|file| !file.sealed).count(), 2);
    let reader = Reader::open(dir.path()).unwrap();
    assert_eq!(asked(&reader), "FBB");
    assert_eq!(asked(&log.reader()), "FBB");
    assert!(path.exists());
    log.complete_indexes().unwrap();
    assert_eq!(asked(&log.reader()), "FS");
    assert!(!path.exists());
    // What it holds open is still right; what it looks for anew is gone.
    assert_eq!(asked(&reader), "FBB");
    reader.refresh().unwrap();
    assert_eq!(asked(&reader), "FB");
}
