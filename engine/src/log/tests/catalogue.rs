//! The catalogue of another log: no reason to call this one damaged.

use std::fs;
use std::path::Path;

use super::{Log, by_hand, record};
use crate::log::Reader;

/// Two sealed segments of two records each, and one record that isn't sealed.
fn log_in(dir: &Path) {
    let (options, _) = by_hand();
    let log = Log::open(dir, options).unwrap();
    for part in 0..2 {
        log.append(None, vec![record(part), record(part + 10)]).unwrap();
        log.seal().unwrap();
    }
    log.append(None, vec![record(7)]).unwrap();
    log.close().unwrap();
}

/// Fuzzing `directory` found it: a catalogue whose checksums hold and whose segments have the same
/// names as ours, as one that a copy brings along from another log, made the chain look broken. The
/// log could only be read, while `verify` called it valid.
#[test]
fn a_catalogue_of_another_log_is_seen_through_and_made_anew() {
    let (ours, other) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    log_in(ours.path());
    log_in(other.path());
    let path = ours.path().join("segments.cat");
    let right = fs::read(&path).unwrap();
    fs::copy(other.path().join("segments.cat"), &path).unwrap();
    assert_ne!(fs::read(&path).unwrap(), right);

    let reader = Reader::open(ours.path()).unwrap();
    assert_eq!((reader.damage(), reader.size().0), (Vec::new(), 5));
    let (options, _) = by_hand();
    let log = Log::open(ours.path(), options).unwrap();
    log.append(None, vec![record(8)]).unwrap();
    assert_eq!(log.size().0, 6);
    log.close().unwrap();
    assert_eq!(fs::read(&path).unwrap(), right);
}
