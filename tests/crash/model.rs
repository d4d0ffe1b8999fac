//! What a test knows of a log beside the log: who was promised what.
//!
//! Invariant: a record that was acknowledged is looked for byte for byte; a batch that was not may
//! be there as a whole or not at all; every checkpoint that was ever seen must be consistent with
//! what is there.

use std::collections::HashMap;
use std::sync::Arc;

use shoseki_engine::io::Storage;
use shoseki_engine::log::{Appended, Entry, Reader};
use shoseki_engine::proof::{CompactRange, chain_genesis, chain_next, leaf_hash, record_hash};
use shoseki_engine::query::Order;
use shoseki_engine::record::{ActorType, AuditId, Body, Outcome, Record, Timestamp};
use shoseki_engine::types::{ChainHash, NodeHash, RecordHash, Seq};

/// Noon of 2026-11-21, UTC.
pub(crate) const NOON: i64 = 1_795_262_400_000_000;
pub(crate) const DAY: i64 = 86_400_000_000;

/// Record `n` of `count` of a batch; its name says so.
pub(crate) fn record(batch: u64, n: u64, count: u64) -> Record {
    let time = Timestamp::from_unix_micros(NOON - 1_000_000).unwrap();
    let actor = format!("user-{}", batch % 7);
    let mut record = Record::new(time, ActorType::User, actor, "READ_PATIENT", Outcome::Success);
    record.target_id = Some(format!("{batch}/{n}/{count}"));
    record
}

pub(crate) fn batch(number: u64, count: u64) -> Vec<Record> {
    (0..count).map(|n| record(number, n, count)).collect()
}

/// A batch whose records have ids of the client.
pub(crate) fn batch_with_ids(number: u64, count: u64) -> Vec<Record> {
    let mut records = batch(number, count);
    for (n, record) in records.iter_mut().enumerate() {
        let mut id = [0x40; 16];
        id[..8].copy_from_slice(&number.to_be_bytes());
        id[15] = u8::try_from(n).unwrap();
        record.audit_id = Some(AuditId::from_bytes(id));
    }
    records
}

/// What was promised.
#[derive(Clone, Default)]
pub(crate) struct Model {
    /// By seq: hash and chain hash of a receipt.
    receipts: HashMap<u64, (RecordHash, ChainHash)>,
    /// Acknowledged batches and their records.
    acknowledged: HashMap<u64, u64>,
    /// Roots by size.
    checkpoints: HashMap<u64, NodeHash>,
}

impl Model {
    pub(crate) fn acknowledge(&mut self, batch: u64, appended: &Appended) {
        self.acknowledged.insert(batch, appended.receipts.len() as u64);
        for receipt in &appended.receipts {
            let promised = (receipt.hash, receipt.chain_hash);
            let before = self.receipts.insert(receipt.seq.0, promised);
            assert!(before.is_none_or(|b| b == promised), "two receipts for seq {}", receipt.seq);
        }
    }

    pub(crate) fn is_acknowledged(&self, batch: u64) -> bool {
        self.acknowledged.contains_key(&batch)
    }

    /// Remembers the checkpoint that is stored.
    pub(crate) fn note_checkpoint(&mut self, reader: &Reader) {
        let Ok(Some(signed)) = reader.checkpoint() else { return };
        let (size, root) = (signed.checkpoint.size.0, signed.checkpoint.root);
        let before = self.checkpoints.insert(size, root);
        assert!(before.is_none_or(|b| b == root), "two roots were signed for size {size}");
    }

    /// Largest size that was signed.
    pub(crate) fn signed(&self) -> u64 {
        self.checkpoints.keys().copied().max().unwrap_or(0)
    }

    /// Checks everything that can be read against everything that was promised.
    pub(crate) fn check(&self, reader: &Reader) -> u64 {
        assert_eq!(reader.damage(), []);
        let mut chain = chain_genesis(reader.origin(), &reader.log_id());
        let mut tree = CompactRange::new(0);
        let mut found = Batches::default();
        let mut received_at = i64::MIN;
        self.check_root(0, &tree);
        for entry in reader.scan(0..u64::MAX, Order::Ascending) {
            let Entry::Record(stored) = entry.unwrap() else { panic!("not a record") };
            let seq = tree.end();
            assert_eq!(stored.seq, Seq(seq));
            assert_eq!(stored.hash, record_hash(stored.body()));
            chain = chain_next(&chain, &stored.hash);
            assert_eq!(stored.chain_hash, chain, "seq {seq}");
            if let Some(promised) = self.receipts.get(&seq) {
                assert_eq!(*promised, (stored.hash, stored.chain_hash), "seq {seq}");
            }
            let body = Body::parse(stored.body()).unwrap();
            let at = body.received_at().unix_micros();
            assert!(received_at <= at, "received_at falls at seq {seq}");
            received_at = at;
            found.add(&body.target_id().unwrap());
            tree.push(leaf_hash(&stored.hash)).unwrap();
            self.check_root(tree.end(), &tree);
        }
        let size = tree.end();
        assert!(self.signed() <= size, "{} were signed, {size} are there", self.signed());
        let promised = self.receipts.keys().copied().max().map_or(0, |last| last + 1);
        assert!(promised <= size, "{promised} were acknowledged, {size} are there");
        found.check(&self.acknowledged);
        size
    }

    fn check_root(&self, size: u64, tree: &CompactRange) {
        if let Some(root) = self.checkpoints.get(&size) {
            assert_eq!(tree.root().unwrap(), *root, "the root that was signed for size {size}");
        }
    }
}

/// The batches of a log, in order.
#[derive(Default)]
struct Batches {
    whole: HashMap<u64, u64>,
    /// Batch, next record, records.
    open: Option<(u64, u64, u64)>,
}

impl Batches {
    fn add(&mut self, name: &str) {
        let mut parts = name.split('/').map(|part| part.parse::<u64>().unwrap());
        let (batch, n, count) =
            (parts.next().unwrap(), parts.next().unwrap(), parts.next().unwrap());
        let (due, next) = self.open.map_or((batch, 0), |(batch, next, _)| (batch, next));
        assert_eq!((batch, n), (due, next), "a batch was torn");
        self.open = Some((batch, n + 1, count)).filter(|_| n + 1 < count);
        if self.open.is_none() {
            let before = self.whole.insert(batch, count);
            assert_eq!(before, None, "batch {batch} is there twice");
        }
    }

    fn check(&self, acknowledged: &HashMap<u64, u64>) {
        assert_eq!(self.open, None, "a batch was torn at the end");
        for batch in acknowledged.keys() {
            assert!(self.whole.contains_key(batch), "batch {batch} was acknowledged and is gone");
        }
    }
}

/// A reader of its own.
pub(crate) fn reader(storage: &Arc<dyn Storage>) -> Reader {
    Reader::open_storage(Arc::clone(storage)).unwrap()
}
