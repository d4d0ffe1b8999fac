//! What clients were told, and whether a log keeps it.
//!
//! Invariant: hashes are computed here from the bytes that a reader gives out, with the
//! mathematics of the engine and nothing else of it; a receipt may be given once. Knows nothing
//! about how the log came to be as it is.

use std::collections::BTreeMap;
use std::path::Path;

use shoseki_engine::log::{Entry, Log, LogOptions, Reader};
use shoseki_engine::proof::{CompactRange, chain_genesis, chain_next, leaf_hash, record_hash};
use shoseki_engine::query::Order;
use shoseki_engine::record::{ActorType, Outcome, Record, Timestamp};
use shoseki_engine::types::to_hex;
use shoseki_engine::verify::{VerifyOptions, verify_path};

/// Receipts by seq: record hash and chain hash in hexadecimal.
#[derive(Clone, Default, Debug)]
pub(crate) struct Told(BTreeMap<u64, (String, String)>);

impl Told {
    pub(crate) fn receipt(&mut self, seq: u64, hash: &str, chain: &str) {
        let before = self.0.insert(seq, (hash.to_owned(), chain.to_owned()));
        assert_eq!(before, None, "two receipts for seq {seq}");
    }

    pub(crate) fn len(&self) -> usize {
        self.0.len()
    }

    /// Seq and record hash of each.
    pub(crate) fn hashes(&self) -> impl Iterator<Item = (u64, &str)> {
        self.0.iter().map(|(seq, (hash, _))| (*seq, hash.as_str()))
    }
}

/// The verifier, which shares no code with the writer's checks, finds nothing.
pub(crate) fn verify(dir: &Path) -> Result<(), String> {
    let report = verify_path(dir, &VerifyOptions::default(), &())
        .map_err(|error| format!("verify: {error}"))?;
    if report.findings.is_empty() {
        Ok(())
    } else {
        Err(format!("verify found {:?}", report.findings))
    }
}

/// Reads the whole log: chain, tree, checkpoint and every receipt. Returns its size.
pub(crate) fn walk(reader: &Reader, told: &Told) -> Result<u64, String> {
    if !reader.damage().is_empty() {
        return Err(format!("damage: {:?}", reader.damage()));
    }
    let checkpoint = reader.checkpoint().map_err(|error| format!("checkpoint: {error}"))?;
    let checkpoint = checkpoint.map(|signed| signed.checkpoint);
    let mut chain = chain_genesis(reader.origin(), &reader.log_id());
    let mut tree = CompactRange::new(0);
    let mut found = 0;
    for entry in reader.scan(0..u64::MAX, Order::Ascending) {
        let seq = tree.end();
        let record = match entry.map_err(|error| format!("seq {seq}: {error}"))? {
            Entry::Record(record) => record,
            _ => return Err(format!("seq {seq} is no record")),
        };
        let hash = record_hash(record.body());
        chain = chain_next(&chain, &hash);
        if let Some((told_hash, told_chain)) = told.0.get(&seq) {
            if (&to_hex(&hash.0), &to_hex(&chain.0)) != (told_hash, told_chain) {
                return Err(format!("seq {seq} is not what its receipt says"));
            }
            found += 1;
        }
        tree.push(leaf_hash(&hash)).unwrap();
        if let Some(checkpoint) = checkpoint.as_ref().filter(|c| c.size.0 == tree.end())
            && checkpoint.root != tree.root().unwrap()
        {
            return Err(format!("the checkpoint of {} has another root", tree.end()));
        }
    }
    if found != told.len() {
        return Err(format!("{} of {} receipts have no record", told.len() - found, told.len()));
    }
    Ok(tree.end())
}

/// Everything that was told is there, nothing is found, and appends go on.
pub(crate) fn keeps(dir: &Path, told: &Told) -> Result<(), String> {
    if dir.join("log.json").exists() {
        verify(dir).map_err(|why| format!("before opening: {why}"))?;
    }
    let log = Log::open(dir, options()).map_err(|error| format!("open: {error:?}"))?;
    let size = walk(&log.reader(), told)?;
    let signed = log.reader().checkpoint().map_err(|error| error.to_string())?;
    if let Some(signed) = signed.filter(|signed| signed.checkpoint.size.0 > size) {
        let signed = signed.checkpoint.size;
        return Err(format!("{signed:?} were signed, {size} are there"));
    }
    let appended = log.append(None, vec![record()]).map_err(|e| format!("append: {e}"))?;
    if appended.first_seq.map(|seq| seq.0) != Some(size) {
        return Err(format!("appended at {:?} behind {size}", appended.first_seq));
    }
    log.seal().map_err(|error| format!("seal: {error}"))?;
    let again = walk(&log.reader(), told)?;
    log.close().map_err(|error| format!("close: {error}"))?;
    if again != size + 1 {
        return Err(format!("{again} records where {size} and one more should be"));
    }
    verify(dir).map_err(|why| format!("after going on: {why}"))
}

fn record() -> Record {
    let time = Timestamp::from_unix_micros(1_795_262_400_000_000).unwrap();
    Record::new(time, ActorType::System, "tests".to_owned(), "GO_ON", Outcome::Success)
}

/// No index: nothing here asks one.
fn options() -> LogOptions {
    LogOptions { free_space_reserve: Some(0), index: false, ..LogOptions::default() }
}

/// The story: a log that rolled and sealed before its first checkpoint could be stored (the disk
/// was full for just that moment) was called tampered with, since whatever has sealed anything
/// should have a checkpoint. Sealing signs first now.
#[test]
fn a_log_that_could_not_sign_has_not_sealed() {
    let dir = tempfile::tempdir().unwrap();
    let log = Log::open(dir.path(), LogOptions { background: false, ..options() }).unwrap();
    log.append(None, vec![record()]).unwrap();
    let in_the_way = dir.path().join("checkpoint.tmp");
    std::fs::create_dir(&in_the_way).unwrap();
    log.seal().unwrap_err();
    std::fs::remove_dir(&in_the_way).unwrap();
    verify(dir.path()).unwrap();
    drop(log);
    keeps(dir.path(), &Told::default()).unwrap();
}
