//! What every caller was promised, held against what a log says.
//!
//! Invariant: it learns only from answers that callers got and from checkpoints that anybody could
//! see; what it expects it makes from the seed again, never from the log.

use std::collections::BTreeMap;

use shoseki_engine::log::{Appended, Entry, Reader, StoredRecord};
use shoseki_engine::proof::{
    Checkpoint, CompactRange, Note, chain_genesis, chain_next, leaf_hash, record_hash,
};
use shoseki_engine::query::Order;
use shoseki_engine::record::{Body, Stamp, encode_body};
use shoseki_engine::types::{ChainHash, NodeHash, RecordHash};

use crate::content::{Content, Mark};
use crate::invariant::{Broken, Checked, Invariant, broken, keeps};

/// What the caller of a batch knows.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Fate {
    /// Sent; no answer, or one that leaves it open.
    Open,
    /// Nothing of it is in the log.
    Refused,
    Acknowledged,
}

#[derive(Clone, Copy)]
struct Batch {
    count: u64,
    ids: bool,
    fate: Fate,
    /// A time that it was sent ended without an answer: whatever comes later, it may be there.
    maybe: bool,
}

/// A record that a walk through the log saw.
#[derive(Clone, Debug)]
pub struct Seen {
    /// Its place in the log.
    pub seq: u64,
    /// Who did it.
    pub actor: String,
}

/// Everything that was promised.
#[derive(Clone)]
pub struct Model {
    content: Content,
    batches: BTreeMap<u64, Batch>,
    /// By seq.
    receipts: BTreeMap<u64, (RecordHash, ChainHash)>,
    /// By seq, of acknowledged records.
    marks: BTreeMap<u64, Mark>,
    /// Roots that were signed, by size.
    roots: BTreeMap<u64, NodeHash>,
}

impl Model {
    /// Nothing was promised yet.
    #[must_use]
    pub fn new(content: Content) -> Self {
        let (batches, receipts) = Default::default();
        let (marks, roots) = Default::default();
        Self { content, batches, receipts, marks, roots }
    }

    /// The records of the schedule.
    #[must_use]
    pub fn content(&self) -> &Content {
        &self.content
    }

    /// A new batch; returns its number.
    pub fn send(&mut self, count: u64, ids: bool) -> u64 {
        let number = self.batches.len() as u64;
        self.batches.insert(number, Batch { count, ids, fate: Fate::Open, maybe: false });
        number
    }

    /// Records and ids of a batch.
    #[must_use]
    pub fn batch(&self, number: u64) -> (u64, bool) {
        self.batches.get(&number).map_or((0, false), |batch| (batch.count, batch.ids))
    }

    /// Batches with ids, which may be sent again.
    #[must_use]
    pub fn repeatable(&self) -> Vec<u64> {
        self.batches.iter().filter(|(_, b)| b.ids).map(|(number, _)| *number).collect()
    }

    /// The caller got no answer, or one that leaves it open.
    pub fn leave_open(&mut self, number: u64) {
        if let Some(batch) = self.batches.get_mut(&number) {
            batch.maybe = true;
            if batch.fate == Fate::Refused {
                batch.fate = Fate::Open;
            }
        }
    }

    /// The caller was told that nothing of it is in the log.
    pub fn refuse(&mut self, number: u64) {
        if let Some(batch) = self.batches.get_mut(&number)
            && batch.fate == Fate::Open
            && !batch.maybe
        {
            batch.fate = Fate::Refused;
        }
    }

    /// The caller sends it once more: a refusal of the time before is forgotten if it ends open.
    pub fn send_again(&mut self, number: u64) -> bool {
        let Some(batch) = self.batches.get_mut(&number) else { return false };
        let refused = batch.fate == Fate::Refused;
        if refused {
            batch.fate = Fate::Open;
        }
        refused
    }

    /// The caller holds receipts. `refused`: whether the log had refused it at every time before.
    ///
    /// # Errors
    /// What was promised before is not what is promised now.
    pub fn acknowledge(&mut self, number: u64, appended: &Appended, refused: bool) -> Checked {
        let Some(batch) = self.batches.get_mut(&number) else { return Ok(()) };
        let (count, known) = (batch.count, batch.fate == Fate::Acknowledged);
        batch.fate = Fate::Acknowledged;
        let told = appended.receipts.len() as u64;
        keeps(told == count, Invariant::Acknowledged, || {
            format!("{told} receipts for the {count} records of batch {number}")
        })?;
        keeps(appended.accepted == 0 || appended.accepted == count, Invariant::Whole, || {
            format!("{} of {count} records of batch {number} were new", appended.accepted)
        })?;
        keeps(!known || appended.accepted == 0, Invariant::Once, || {
            format!("batch {number} was acknowledged before and taken again")
        })?;
        keeps(!refused || appended.accepted == count, Invariant::Refused, || {
            format!("batch {number} was refused and is there")
        })?;
        let end = self.receipts.last_key_value().map_or(0, |(seq, _)| seq + 1);
        for (n, receipt) in (0..).zip(&appended.receipts) {
            let seq = receipt.seq.0;
            let promised = (receipt.hash, receipt.chain_hash);
            let before = self.receipts.insert(seq, promised);
            keeps(before.is_none_or(|b| b == promised), Invariant::Acknowledged, || {
                format!("two receipts for record {seq}")
            })?;
            keeps(appended.accepted == 0 || seq >= end, Invariant::Acknowledged, || {
                format!("the new record {seq} stands before record {end}, acknowledged earlier")
            })?;
            let mark = Mark { batch: number, n, count };
            let before = self.marks.insert(seq, mark);
            keeps(before.is_none_or(|b| b == mark), Invariant::Once, || {
                format!("record {seq} was promised to {before:?} and {mark:?}")
            })?;
        }
        Ok(())
    }

    /// One behind the last acknowledged record.
    #[must_use]
    pub fn promised(&self) -> u64 {
        self.receipts.last_key_value().map_or(0, |(seq, _)| seq + 1)
    }

    /// Seqs of acknowledged records.
    pub fn acknowledged(&self) -> impl Iterator<Item = u64> {
        self.receipts.keys().copied()
    }

    /// Whether bytes hold a record that was acknowledged, by its mark.
    #[must_use]
    pub fn acknowledged_in(&self, bytes: &[u8]) -> Option<Mark> {
        const KEY: &[u8] = b"\"request_id\":\"";
        let mut at = 0;
        while let Some(rest) = bytes.get(at..) {
            let found = rest.windows(KEY.len()).position(|w| w == KEY)?;
            at += found + KEY.len();
            let text = bytes.get(at..).unwrap_or_default();
            let len = text.iter().position(|b| *b == b'"').unwrap_or(0);
            let text = std::str::from_utf8(text.get(..len).unwrap_or_default()).unwrap_or("");
            let mark = Mark::parse(text);
            let told = |mark: &Mark| {
                self.batches.get(&mark.batch).is_some_and(|b| b.fate == Fate::Acknowledged)
            };
            if let Some(mark) = mark.filter(told) {
                return Some(mark);
            }
        }
        None
    }

    /// A checkpoint that somebody could see.
    ///
    /// # Errors
    /// Two roots of the same size.
    pub fn note_checkpoint(&mut self, note: &[u8]) -> Checked {
        let parsed = Note::parse(note).ok();
        let Some(checkpoint) = parsed.and_then(|note| Checkpoint::parse(note.text()).ok()) else {
            return broken(Invariant::OneHistory, "a checkpoint that is none was stored");
        };
        let (size, root) = (checkpoint.size.0, checkpoint.root);
        let before = self.roots.insert(size, root);
        keeps(before.is_none_or(|b| b == root), Invariant::OneHistory, || {
            format!("two roots were signed for size {size}")
        })
    }

    /// Whether a record that a read returned is one that was promised.
    ///
    /// # Errors
    /// Its bytes don't hash, or are not those that were acknowledged.
    pub fn check_read(&self, stored: &StoredRecord) -> Checked {
        let seq = stored.seq.0;
        keeps(record_hash(stored.body()) == stored.hash, Invariant::Reads, || {
            format!("record {seq} does not hash")
        })?;
        let promised = self.receipts.get(&seq);
        let same = promised.is_none_or(|p| *p == (stored.hash, stored.chain_hash));
        keeps(same, Invariant::Reads, || format!("record {seq} is not the one acknowledged"))
    }

    /// Checks everything that can be read against everything that was promised; returns what is
    /// there.
    ///
    /// # Errors
    /// The first promise that is broken.
    pub fn check(&self, reader: &Reader) -> Checked<Vec<Seen>> {
        let damage = reader.damage();
        keeps(damage.is_empty(), Invariant::NoFalseAlarm, || format!("{damage:?}"))?;
        let mut walk = Walk::new(self, reader);
        walk.root()?;
        for entry in reader.scan(0..u64::MAX, Order::Ascending) {
            match entry {
                Ok(Entry::Record(stored)) => walk.record(&stored)?,
                Ok(other) => return broken(Invariant::Acknowledged, format!("{other:?}")),
                Err(error) => return broken(Invariant::Reads, error.to_string()),
            }
        }
        walk.end()
    }
}

/// On the way through a log.
struct Walk<'a> {
    model: &'a Model,
    chain: ChainHash,
    tree: CompactRange,
    received_at: i64,
    /// The mark that comes next, within a batch.
    due: Option<Mark>,
    whole: BTreeMap<u64, u64>,
    seen: Vec<Seen>,
    body: Vec<u8>,
}

impl<'a> Walk<'a> {
    fn new(model: &'a Model, reader: &Reader) -> Self {
        Self {
            model,
            chain: chain_genesis(reader.origin(), &reader.log_id()),
            tree: CompactRange::new(0),
            received_at: i64::MIN,
            due: None,
            whole: BTreeMap::new(),
            seen: Vec::new(),
            body: Vec::new(),
        }
    }

    fn record(&mut self, stored: &StoredRecord) -> Checked {
        let seq = self.tree.end();
        self.model.check_read(stored)?;
        self.chain = chain_next(&self.chain, &stored.hash);
        let fits = stored.seq.0 == seq && stored.chain_hash == self.chain;
        keeps(fits, Invariant::Chain, || format!("record {seq} does not follow in the chain"))?;
        let Ok(body) = Body::parse(stored.body()) else {
            return broken(Invariant::Chain, format!("record {seq} is no record"));
        };
        let at = body.received_at().unix_micros();
        keeps(self.received_at <= at, Invariant::Chain, || format!("time falls at record {seq}"))?;
        self.received_at = at;
        let Some(mark) = body.request_id().and_then(|text| Mark::parse(&text)) else {
            return broken(Invariant::Whole, format!("nobody sent record {seq}"));
        };
        self.mark(seq, mark)?;
        self.bytes(seq, mark, &body)?;
        self.seen.push(Seen { seq, actor: body.actor_id().into_owned() });
        self.tree
            .push(leaf_hash(&stored.hash))
            .map_err(|e| Broken { invariant: Invariant::Chain, detail: e.to_string() })?;
        self.root()
    }

    /// Batches stand as a whole and once.
    fn mark(&mut self, seq: u64, mark: Mark) -> Checked {
        let first = Mark { n: 0, ..mark };
        let due = self.due.unwrap_or(first);
        keeps(mark == due, Invariant::Whole, || {
            format!("record {seq} is {mark:?} where {due:?} is due")
        })?;
        self.due = (mark.n + 1 < mark.count).then_some(Mark { n: mark.n + 1, ..mark });
        if self.due.is_none() {
            let before = self.whole.insert(mark.batch, seq);
            keeps(before.is_none(), Invariant::Once, || {
                format!("batch {} is there twice, the second time at {seq}", mark.batch)
            })?;
        }
        Ok(())
    }

    /// The bytes are those that its caller's record becomes.
    fn bytes(&mut self, seq: u64, mark: Mark, body: &Body<'_>) -> Checked {
        let (count, ids) = self.model.batch(mark.batch);
        let record = self.model.content.record(mark, ids);
        let producer = Content::producer(ids);
        let stamp = Stamp {
            audit_id: body.audit_id(),
            received_at: body.received_at(),
            ingested_by: producer.as_ref(),
            salt: body.salt(),
        };
        self.body.clear();
        encode_body(&record, &stamp, &mut self.body);
        let same = count == mark.count
            && self.body == body.as_bytes()
            && record.audit_id.is_none_or(|id| id == body.audit_id());
        keeps(same, Invariant::Acknowledged, || {
            format!("record {seq} is not what its caller sent as {mark:?}")
        })
    }

    fn root(&self) -> Checked {
        let size = self.tree.end();
        let Some(signed) = self.model.roots.get(&size) else { return Ok(()) };
        keeps(self.tree.root().ok() == Some(*signed), Invariant::OneHistory, || {
            format!("another root was signed for size {size}")
        })
    }

    fn end(self) -> Checked<Vec<Seen>> {
        let (model, size) = (self.model, self.tree.end());
        let due = self.due;
        keeps(due.is_none(), Invariant::Whole, || format!("the log ends before {due:?}"))?;
        let signed = model.roots.last_key_value().map_or(0, |(size, _)| *size);
        keeps(signed <= size, Invariant::OneHistory, || {
            format!("{signed} records were signed, {size} are there")
        })?;
        let promised = model.promised();
        keeps(promised <= size, Invariant::Acknowledged, || {
            format!("{promised} records were acknowledged, {size} are there")
        })?;
        for (number, batch) in &model.batches {
            let there = self.whole.contains_key(number);
            let gone = batch.fate == Fate::Acknowledged && !there;
            keeps(!gone, Invariant::Acknowledged, || format!("batch {number} is gone"))?;
            let back = batch.fate == Fate::Refused && there;
            keeps(!back, Invariant::Refused, || format!("batch {number} was refused"))?;
        }
        Ok(self.seen)
    }
}
