//! A whole data directory as format version 0 wrote it: read as it lies there, continued as a copy.

use std::fs;
use std::path::Path;

use shoseki_engine::log::{Entry, Log, LogOptions, Reader};
use shoseki_engine::proof::{chain_next, record_hash};
use shoseki_engine::query::Order;
use shoseki_engine::record::{ActorType, Outcome, Record, Timestamp};
use shoseki_engine::types::Seq;

use crate::data;

/// Records of the directory: 300 sealed, 5 active.
const RECORDS: u64 = 305;
const LAST_CHAIN_HASH: &str = concat!(
    "a916157316595caa87dffed31b6f30630d7e343baf1ad1f8359654f768d532f4",
    "f0c029cbdf7b4135956535fb8af2ae227fb0ebfaec61a74ca868910cb7aad5c6",
);

/// The last chain hash, after every record was hashed and chained again.
fn read_all(reader: &Reader) -> String {
    assert_eq!(reader.damage(), []);
    let mut chain = shoseki_engine::proof::chain_genesis(reader.origin(), &reader.log_id());
    let mut next = 0;
    for entry in reader.scan(0..RECORDS, Order::Ascending) {
        let Entry::Record(record) = entry.unwrap() else { panic!("record {next} is damaged") };
        assert_eq!(record.seq, Seq(next));
        assert_eq!(record.hash, record_hash(record.body()));
        chain = chain_next(&chain, &record.hash);
        assert_eq!(record.chain_hash, chain);
        next += 1;
    }
    assert_eq!(next, RECORDS);
    chain.to_hex()
}

#[test]
fn a_directory_of_version_0_is_read() {
    let reader = Reader::open(&data().join("version-0")).unwrap();
    assert_eq!(reader.size().0, RECORDS);
    assert_eq!(read_all(&reader), LAST_CHAIN_HASH);
    let checkpoint = reader.checkpoint().unwrap().unwrap().checkpoint;
    assert_eq!(checkpoint.size.0, RECORDS);
    let sealed = reader.segments().iter().map(|s| (s.sealed, s.count)).collect::<Vec<_>>();
    assert_eq!(sealed, [(true, 300), (false, 5)]);
}

#[test]
fn a_directory_of_version_0_is_continued() {
    let copy = tempfile::tempdir().unwrap();
    copy_tree(&data().join("version-0"), copy.path());
    let options =
        LogOptions { background: false, free_space_reserve: Some(0), ..LogOptions::default() };
    let log = Log::open(copy.path(), options).unwrap();
    assert!(!log.report().created);
    let time = Timestamp::parse("2026-11-21T12:00:00Z").unwrap();
    let record = Record::new(time, ActorType::System, "golden", "CONTINUE", Outcome::Success);
    assert_eq!(log.append(None, vec![record]).unwrap().first_seq, Some(Seq(RECORDS)));
    assert_eq!(read_all(&log.reader()), LAST_CHAIN_HASH);
    log.close().unwrap();
    let reader = Reader::open(copy.path()).unwrap();
    assert_eq!(reader.checkpoint().unwrap().unwrap().checkpoint.size.0, RECORDS + 1);
}

fn copy_tree(from: &Path, to: &Path) {
    fs::create_dir_all(to).unwrap();
    for entry in fs::read_dir(from).unwrap() {
        let entry = entry.unwrap();
        let target = to.join(entry.file_name());
        if entry.file_type().unwrap().is_dir() {
            copy_tree(&entry.path(), &target);
        } else {
            // The content alone: a checkout's modes say nothing.
            fs::write(target, fs::read(entry.path()).unwrap()).unwrap();
        }
    }
}
