//! What the parts of a writer share.
//!
//! Invariant: locks are taken in the order sealer, tree, sequencer, intake, view; none of the last
//! three is held during a sync. A poisoned core acknowledges nothing any more.

use std::sync::{Arc, OnceLock};

use parking_lot::{Mutex, RwLock};

use super::active_write::ActiveWriter;
use super::dedup::Stored;
use super::entry::Entry;
use super::error::{AppendError, LogError};
use super::indexes::Worker;
use super::intake::Intake;
use super::keeper::Signals;
use super::options::LogOptions;
use super::reader::Reader;
use super::seal::Sealer;
use super::sequencer::Sequencer;
use super::tree::{Backlog, Tree};
use super::view::SharedView;
use crate::index::ids::IdIndex;
use crate::io::Storage;
use crate::proof::{KeyList, LogIdentity, SigningKey};
use crate::types::Seq;

/// Keys of the log: all that ever signed, and the one that signs now.
pub(crate) struct Keys {
    pub(crate) list: KeyList,
    pub(crate) signing: SigningKey,
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
    pub(crate) poison: OnceLock<Arc<str>>,
}

impl Core {
    /// Why nothing is acknowledged any more, if so.
    pub(crate) fn poisoned(&self) -> Option<AppendError> {
        self.poison.get().map(|why| AppendError::Poisoned(Arc::clone(why)))
    }

    /// Fails where the log was poisoned.
    pub(crate) fn check(&self) -> Result<(), LogError> {
        self.poison.get().map_or(Ok(()), |why| Err(LogError::Poisoned(Arc::clone(why))))
    }

    /// Stops the log for good: the state on disk is unknown.
    pub(crate) fn set_poison(&self, why: &str) -> AppendError {
        let why = self.poison.get_or_init(|| Arc::from(why));
        let error = AppendError::Poisoned(Arc::clone(why));
        self.intake.close(error.clone());
        error
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
