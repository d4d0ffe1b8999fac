//! What the parts of a writer share.
//!
//! Invariant: locks are taken in the order sealer, tree, sequencer, intake, view; none of the last
//! three is held during a sync. A stopped core acknowledges nothing any more.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, OnceLock};

use parking_lot::{Mutex, RwLock};

use super::active_write::{ActiveWriter, STEP_MIN};
use super::buffers::Buffers;
use super::dedup::Stored;
use super::entry::Entry;
use super::error::{AppendError, LogError};
use super::indexes::Worker;
use super::intake::Intake;
use super::keeper::Signals;
use super::options::LogOptions;
use super::reader::Reader;
use super::room::{Bound, Room};
use super::seal::Sealer;
use super::sequencer::Sequencer;
use super::tree::{Backlog, Tree};
use super::view::SharedView;
use crate::index::ids::IdIndex;
use crate::io::Storage;
use crate::proof::{KeyList, LogIdentity, SigningKey};
use crate::types::{Seq, TreeSize};

/// Keys of the log: all that ever signed, and the one that signs now.
pub(crate) struct Keys {
    pub(crate) list: KeyList,
    pub(crate) signing: SigningKey,
}

/// Why a writer takes nothing more.
#[derive(Clone, Debug)]
pub(crate) enum Stop {
    /// The state on disk is unknown.
    Poisoned(Arc<str>),
    /// What is there contradicts what was signed.
    Contradiction { signed: u64, size: u64 },
}

impl From<Stop> for AppendError {
    fn from(stop: Stop) -> Self {
        match stop {
            Stop::Poisoned(why) => Self::Poisoned(why),
            Stop::Contradiction { signed, size } => Self::Contradiction { signed, size },
        }
    }
}

impl From<Stop> for LogError {
    fn from(stop: Stop) -> Self {
        match stop {
            Stop::Poisoned(why) => Self::Poisoned(why),
            Stop::Contradiction { signed, size } => Self::Contradiction { signed, size },
        }
    }
}

/// A writer's shared state.
pub(crate) struct Core {
    pub(crate) storage: Arc<dyn Storage>,
    pub(crate) options: LogOptions,
    pub(crate) identity: LogIdentity,
    pub(crate) identity_sha256: [u8; 32],
    pub(crate) keys: RwLock<Keys>,
    pub(crate) view: Arc<SharedView>,
    pub(crate) intake: Intake,
    pub(crate) sequencer: Mutex<Sequencer>,
    pub(crate) writer: Mutex<ActiveWriter>,
    pub(crate) buffers: Arc<Buffers>,
    pub(crate) backlog: Mutex<Backlog>,
    pub(crate) tree: Mutex<Tree>,
    pub(crate) ids: IdIndex,
    /// First seq whose id is in the sequencer's table and not in the index.
    pub(crate) ids_from: Mutex<u64>,
    /// Held while a missing part of the index is rebuilt.
    pub(crate) ids_fill: Mutex<()>,
    pub(crate) sealer: Mutex<Sealer>,
    pub(crate) indexer: Mutex<Worker>,
    pub(crate) keeper: Signals,
    /// Reads records for comparisons and proofs.
    pub(crate) reader: Reader,
    pub(crate) stop: OnceLock<Stop>,
    /// Size of the newest checkpoint; [`NEVER`] before the first.
    pub(crate) signed: AtomicU64,
    /// Whether an ordinary batch found the disk full, and there is no room yet for any.
    pub(crate) full: AtomicBool,
}

/// Bytes beyond the reserve with which the disk is no longer taken for full: more than what a
/// batch of a server takes.
const ROOM_AGAIN: u64 = 64 << 20;

/// No checkpoint was signed.
pub(crate) const NEVER: u64 = u64::MAX;

impl Core {
    /// Why nothing is acknowledged any more, if so.
    pub(crate) fn stopped(&self) -> Option<AppendError> {
        self.stop.get().cloned().map(AppendError::from)
    }

    /// Size of the newest checkpoint, if one was signed.
    pub(crate) fn signed(&self) -> Option<TreeSize> {
        let size = self.signed.load(Ordering::Relaxed);
        (size != NEVER).then_some(TreeSize(size))
    }

    /// Fails where the log was stopped.
    pub(crate) fn check(&self) -> Result<(), LogError> {
        self.stop.get().cloned().map_or(Ok(()), |stop| Err(stop.into()))
    }

    /// Stops the log for good: the state on disk is unknown.
    pub(crate) fn set_poison(&self, why: &str) -> AppendError {
        self.set_stop(Stop::Poisoned(Arc::from(why)))
    }

    /// Stops the log for good; the first reason stands.
    pub(crate) fn set_stop(&self, stop: Stop) -> AppendError {
        let error = AppendError::from(self.stop.get_or_init(|| stop).clone());
        self.intake.close(error.clone());
        error
    }

    /// Refuses ordinary batches while the disk is full: before they have a place, so that they take
    /// no batch of the log's own with them when their commit finds no space. `len` is about what
    /// the batch takes.
    pub(crate) fn admit(&self, room: Room, len: usize) -> Result<(), AppendError> {
        if room == Room::Reserve || !self.full.load(Ordering::Relaxed) {
            return Ok(());
        }
        // Where the storage does not say, the commit finds out.
        let Ok(space) = self.storage.space() else { return Ok(()) };
        let reserve = Bound::ordinary(self.options.free_space_reserve).bytes(space);
        let left = space.free.saturating_sub(reserve);
        if left < STEP_MIN + len as u64 {
            return Err(AppendError::DiskFull { free: space.free, reserve });
        }
        if left >= ROOM_AGAIN {
            self.full.store(false, Ordering::Relaxed);
        }
        Ok(())
    }

    /// A random tag for a new active file.
    pub(crate) fn random_tag(&self) -> u64 {
        let mut bytes = [0; 8];
        // A tag only keeps files apart; where there is no randomness, time does it too.
        match self.options.environment.fill_random(&mut bytes) {
            Ok(()) => u64::from_le_bytes(bytes),
            Err(_) => self.options.environment.now_micros().cast_unsigned(),
        }
    }

    /// A durable record for the comparison of a repeated id.
    pub(crate) fn read_stored(&self, seq: u64) -> Result<Option<Stored>, String> {
        match self.reader.read(Seq(seq)).map_err(|e| e.to_string())? {
            Entry::Record(record) => Ok(Some(Stored {
                body: record.body().to_vec(),
                hash: record.hash,
                chain_hash: record.chain_hash,
            })),
            Entry::Erased { .. } => Ok(None),
            Entry::Damaged { .. } => Err("its bytes don't verify".to_owned()),
        }
    }
}
