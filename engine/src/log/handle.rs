//! The writer's handle.
//!
//! Invariant: [`Log::append`] returns receipts only for records that are durable; whatever happens,
//! a batch is in the log as a whole or not at all.

use std::path::Path;
use std::sync::Arc;
use std::thread::JoinHandle;

use parking_lot::Mutex;

use super::batch::{Batch, CheckedBatch, EncodedBatch, Encoding, Unhashed};
use super::commit;
use super::core::Core;
use super::dedup::{Early, Lookup};
use super::error::{AppendError, LogError, OpenError};
use super::framed::Answer;
use super::ids;
use super::intake::{Front, Signal, Slot};
use super::keeper;
use super::open;
use super::options::LogOptions;
use super::reader::Reader;
use super::room::{Bound, Room};
use super::rotate;
use super::stop_on_panic::StopOnPanic;
use crate::index::ids::IdError;
use crate::io::{LockGuard, OsStorage, Storage};
use crate::record::{AuditId, Producer, Record};
use crate::types::{ChainHash, Origin, RecordHash, Seq, TreeSize};

/// Proof of storage of one record.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Receipt {
    /// Its id, made here where the client gave none.
    pub audit_id: AuditId,
    /// Its place in the log.
    pub seq: Seq,
    /// SHA-512 of its body.
    pub hash: RecordHash,
    /// Chain hash after it.
    pub chain_hash: ChainHash,
    /// Whether the same record was in the log before; the receipt is that record's.
    pub duplicate: bool,
}

/// What an append did.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Appended {
    /// One per record of the batch, in its order.
    pub receipts: Vec<Receipt>,
    /// New records.
    pub accepted: u64,
    /// First new record.
    pub first_seq: Option<Seq>,
    /// Last new record.
    pub last_seq: Option<Seq>,
}

/// Bytes that recovery moved aside.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Quarantined {
    /// The active file, path in the data directory.
    pub from: String,
    /// Where in it they began.
    pub offset: u64,
    /// How many.
    pub len: u64,
    /// Where they are kept, path in the data directory.
    pub path: String,
}

/// What opening had to do.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct OpenReport {
    /// Whether the log was made now.
    pub created: bool,
    /// A torn end that was cut off; none of it was ever acknowledged.
    pub quarantined: Option<Quarantined>,
    /// Whether the stored checkpoint could not be read and is signed anew.
    pub checkpoint_rebuilt: bool,
    /// Whether `log.vkey` was not one of the keys of `log.vkeys` and was written anew from it.
    pub vkey_rebuilt: bool,
    /// Sealed files that were not whole and were moved to `quarantine/`; their records are sealed
    /// again.
    pub resealed: Vec<String>,
}

/// How often a batch of the log's own that met ordinary ones on a full disk is tried again.
const OWN_TRIES: usize = 16;

/// A log opened for writing. Holds the lock until it is closed or dropped.
pub struct Log {
    core: Arc<Core>,
    report: OpenReport,
    keeper: Option<JoinHandle<()>>,
    lock: Mutex<Option<Box<dyn LockGuard>>>,
}

impl Log {
    /// Opens the log in a directory; makes one where there is none.
    ///
    /// # Errors
    /// [`OpenError`]: in use by another writer, damaged (then it can still be read and forked), or
    /// what the operating system says.
    pub fn open(dir: &Path, options: LogOptions) -> Result<Self, OpenError> {
        let storage = OsStorage::new(dir);
        storage.create_root().map_err(OpenError::io("."))?;
        Self::open_storage(Arc::new(storage), options)
    }

    /// As [`Log::open`], on any storage.
    ///
    /// # Errors
    /// As [`Log::open`].
    pub fn open_storage(storage: Arc<dyn Storage>, options: LogOptions) -> Result<Self, OpenError> {
        let background = options.background;
        let (core, report, lock) = open::open(storage, options)?;
        let keeper = if background {
            Some(keeper::spawn(&core).map_err(OpenError::io("keeper"))?)
        } else {
            None
        };
        Ok(Self { core, report, keeper, lock: Mutex::new(Some(lock)) })
    }

    pub(super) fn core(&self) -> &Core {
        &self.core
    }

    /// What opening had to do.
    #[must_use]
    pub fn report(&self) -> &OpenReport {
        &self.report
    }

    /// The log's name.
    #[must_use]
    pub fn origin(&self) -> &Origin {
        &self.core.identity.origin
    }

    /// Durable records.
    #[must_use]
    pub fn size(&self) -> TreeSize {
        TreeSize(self.core.view.get().size())
    }

    /// Appends a batch; returns when it is durable. Waits while the queue is full.
    ///
    /// # Errors
    /// [`AppendError`]; nothing of the batch is then in the log. Only after
    /// [`AppendError::Poisoned`] it may turn out to be there when the log is opened again.
    pub fn append(
        &self,
        producer: Option<&Producer>,
        records: Vec<Record>,
    ) -> Result<Appended, AppendError> {
        self.append_batch(producer, records, true)
    }

    /// As [`Log::append`], but refuses with [`AppendError::Busy`] at once when the queue is full.
    ///
    /// # Errors
    /// As [`Log::append`].
    pub fn try_append(
        &self,
        producer: Option<&Producer>,
        records: Vec<Record>,
    ) -> Result<Appended, AppendError> {
        self.append_batch(producer, records, false)
    }

    /// Appends batches that go to the disk together, as those of many waiting callers do; one
    /// answer for each, in order. Each is in the log as a whole or not at all, whatever becomes of
    /// the others. Refuses with [`AppendError::Busy`] what the queue has no room for.
    pub fn append_all<B: Into<Batch>>(
        &self,
        batches: Vec<(Option<Producer>, B)>,
    ) -> Vec<Result<Appended, AppendError>> {
        self.append_batches(batches, Room::Ordinary, false)
    }

    /// As [`Log::append_all`], for what the log's owner says of itself: on a full disk it goes into
    /// the reserve, down to a quarter of it, where ordinary records are refused.
    pub fn append_own<B: Into<Batch>>(
        &self,
        batches: Vec<(Option<Producer>, B)>,
    ) -> Vec<Result<Appended, AppendError>> {
        let batches: Vec<(Option<Producer>, Batch)> =
            batches.into_iter().map(|(producer, batch)| (producer, batch.into())).collect();
        let kept = batches.clone();
        let mut answers = self.append_batches(batches, Room::Reserve, false);
        for _ in 0..OWN_TRIES {
            // One that shared its commit with ordinary batches was refused with them, by their
            // bound: those that come now are refused before they have a place.
            let again: Vec<usize> = (0..answers.len())
                .filter(|i| answers.get(*i).is_some_and(|a| self.was_held_back(a)))
                .collect();
            if again.is_empty() {
                break;
            }
            let batches: Vec<_> = again.iter().filter_map(|i| kept.get(*i).cloned()).collect();
            let second = self.append_batches(batches, Room::Reserve, false);
            for (i, answer) in again.into_iter().zip(second) {
                if let Some(place) = answers.get_mut(i) {
                    *place = answer;
                }
            }
        }
        answers
    }

    /// Whether a batch of the log's own was refused by the bound of ordinary ones.
    fn was_held_back(&self, answer: &Result<Appended, AppendError>) -> bool {
        let Err(AppendError::DiskFull { reserve, .. }) = answer else { return false };
        let Ok(space) = self.core.storage.space() else { return false };
        let wanted = self.core.options.free_space_reserve;
        *reserve > (Bound { wanted, room: Room::Reserve }).bytes(space)
    }

    fn append_batch(
        &self,
        producer: Option<&Producer>,
        records: Vec<Record>,
        wait: bool,
    ) -> Result<Appended, AppendError> {
        let answers = self.append_batches(vec![(producer.cloned(), records)], Room::Ordinary, wait);
        answers.into_iter().next().unwrap_or(Err(AppendError::Closed))
    }

    /// Where `wait` is true there may be one batch only: a second would wait for the first.
    fn append_batches<B: Into<Batch>>(
        &self,
        batches: Vec<(Option<Producer>, B)>,
        room: Room,
        wait: bool,
    ) -> Vec<Result<Appended, AppendError>> {
        let mut placed = Vec::with_capacity(batches.len());
        let mut unhashed = Vec::with_capacity(batches.len());
        for (producer, batch) in batches {
            placed.push(self.place(producer, batch.into(), room, wait).map(|place| {
                place.map(|(place, batch)| {
                    unhashed.push(batch);
                    place
                })
            }));
        }
        let places = placed.iter_mut().filter_map(|place| place.as_mut().ok()?.as_mut());
        for (place, batch) in places.zip(Unhashed::hash(unhashed)) {
            place.fill(batch);
        }
        self.sequence_and_lead();
        placed.into_iter().map(|place| place.and_then(|place| self.answer(place))).collect()
    }

    /// Gives a batch its place and encodes it; `None` for one without records.
    fn place(
        &self,
        producer: Option<Producer>,
        batch: Batch,
        room: Room,
        wait: bool,
    ) -> Result<Option<(Place<'_>, Unhashed)>, AppendError> {
        if batch.is_empty() {
            return Ok(None);
        }
        let core = &*self.core;
        let batch = CheckedBatch::check(producer, batch, room, &core.options.limits)?;
        core.admit(room, batch.len)?;
        let early = look_up(core, &batch)?;
        let environment = &*core.options.environment;
        let now = || environment.now_micros();
        let (slot, received_at) = core.intake.reserve(batch.len, wait, now)?;
        let place = Place { log: self, slot, early: Some(early) };
        let with = Encoding { environment, buffers: &core.buffers, key: core.ids.key() };
        Ok(Some((place, Unhashed::encode(batch, received_at, &with)?)))
    }

    fn sequence_and_lead(&self) {
        if sequence_ready(&self.core) {
            commit::lead(&self.core);
        }
    }

    fn answer(&self, place: Option<Place<'_>>) -> Result<Appended, AppendError> {
        place.map_or_else(|| Ok(Appended::default()), |place| answer(&self.core, &place.slot))
    }

    /// A reader of this log that always sees what is durable.
    #[must_use]
    pub fn reader(&self) -> Reader {
        self.core.reader.clone()
    }

    /// Seals what is active and waits until it is done.
    ///
    /// # Errors
    /// [`LogError`]: the log goes on, the records stay in their active file.
    pub fn seal(&self) -> Result<(), LogError> {
        keeper::seal_all(&self.core)
    }

    /// Signs a checkpoint over everything durable, stores it and returns it.
    ///
    /// # Errors
    /// [`LogError`].
    pub fn checkpoint(&self) -> Result<String, LogError> {
        keeper::checkpoint(&self.core)
    }

    /// Makes a new signing key that takes over now, signed by the current one.
    ///
    /// # Errors
    /// [`OpenError`]: the current key goes on.
    pub fn rotate_key(&self) -> Result<(), OpenError> {
        rotate::rotate_key(&self.core)
    }

    /// Makes every search index that is missing and waits until it is done. The newest file's is
    /// kept in memory until that file is sealed.
    ///
    /// # Errors
    /// [`LogError`]: queries read the records of what is missing, and the work is tried again in
    /// the background.
    pub fn complete_indexes(&self) -> Result<(), LogError> {
        keeper::complete_indexes(&self.core)
    }

    /// One step of the work that otherwise runs in the background; `true` if there was something to
    /// do.
    ///
    /// # Errors
    /// [`LogError`].
    pub fn step(&self) -> Result<bool, LogError> {
        keeper::step(&self.core)
    }

    /// The last failure of work in the background, if it did not succeed since.
    #[must_use]
    pub fn background_failure(&self) -> Option<LogError> {
        self.core.keeper.failure()
    }

    /// Closes in order: everything sequenced is committed, a checkpoint covers everything, the file
    /// says so.
    ///
    /// # Errors
    /// [`LogError`]; the log is closed all the same, and the next open decides from what is on
    /// disk.
    pub fn close(mut self) -> Result<(), LogError> {
        self.shut_down()
    }

    fn shut_down(&mut self) -> Result<(), LogError> {
        self.core.intake.close(AppendError::Closed);
        self.core.keeper.stop();
        if let Some(thread) = self.keeper.take() {
            // A panic there was reported by the panic hook; what is on disk decides.
            let _ = thread.join();
        }
        self.core.indexer.lock().stop();
        let lock = self.lock.lock().take();
        let closed = if lock.is_some() { keeper::close(&self.core) } else { Ok(()) };
        drop(lock);
        closed
    }
}

/// A place in the queue. Where its batch fails to come, it is given back, and whoever waits behind
/// it goes on.
struct Place<'a> {
    log: &'a Log,
    slot: Arc<Slot>,
    /// `None` once the batch is in its place.
    early: Option<Early>,
}

impl Place<'_> {
    fn fill(&mut self, batch: EncodedBatch) {
        if let Some(early) = self.early.take() {
            self.slot.fill(batch, early);
        }
    }
}

impl Drop for Place<'_> {
    fn drop(&mut self) {
        if self.early.is_some() {
            self.slot.withdraw();
            self.log.sequence_and_lead();
        }
    }
}

impl Drop for Log {
    fn drop(&mut self) {
        // Errors can't be told here; `close` tells them. The next open decides from what is on
        // disk.
        let _ = self.shut_down();
    }
}

/// Asks the index for the ids that the client gave; completes it first where it has to be.
fn look_up(core: &Core, batch: &CheckedBatch) -> Result<Early, AppendError> {
    if batch.records.audit_ids().any(|id| id.is_some()) {
        ids::complete(core)?;
    }
    loop {
        match Early::look_up(&core.ids, batch) {
            Ok(early) => return Ok(early),
            Err(error @ IdError::Damaged(_)) => {
                ids::discard(core, &error);
                ids::complete(core)?;
            }
            Err(error) => return Err(AppendError::Index(error.to_string().into())),
        }
    }
}

/// Sequences whatever is ready in its turn; `true` if the caller is to lead a commit.
pub(crate) fn sequence_ready(core: &Core) -> bool {
    let mut armed = StopOnPanic::new(core);
    let lead = {
        let mut sequencer = core.sequencer.lock();
        while let Front::Batch(slot, batch, early) = core.intake.pop() {
            if let Some(error) = core.stopped() {
                armed.answers.push((slot, Err(error)));
                continue;
            }
            armed.current = Some(Arc::clone(&slot));
            let read = |seq| core.read_stored(seq);
            let mut lookup = Lookup::new(&core.ids, *early, &read);
            let tag = || core.random_tag();
            armed.answers.extend(sequencer.sequence(slot, batch, &mut lookup, tag));
            armed.current = None;
        }
        let lead = sequencer.has_waiting() && !sequencer.leading;
        sequencer.leading |= lead;
        lead
    };
    commit::answer_all(core, armed.disarm());
    lead
}

fn answer(core: &Core, slot: &Slot) -> Result<Appended, AppendError> {
    loop {
        match slot.wait() {
            Signal::Done => {
                let stopped = || Err(core.stopped().unwrap_or(AppendError::Closed));
                let answer = slot.take_result().unwrap_or_else(stopped);
                return answer.map(Answer::appended);
            }
            Signal::Lead => commit::lead(core),
        }
    }
}
