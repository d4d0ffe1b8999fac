//! What the auditor is given beside the evidence, and how an audit can fail to start.
//!
//! Invariant: a fault of the evidence is never a [`VerifyError`]; those are faults of the question.

use std::io;
use std::path::PathBuf;
use std::thread;

use crate::proof::VerifierKey;

/// What comes from outside the evidence.
#[derive(Clone, Debug, Default)]
pub struct VerifyOptions {
    /// A checkpoint (a signed note) that was kept elsewhere.
    pub checkpoint: Option<Vec<u8>>,
    /// A verifier key that was kept elsewhere.
    pub vkey: Option<VerifierKey>,
    /// Threads; 0 for all cores.
    pub threads: usize,
    /// Only structures, links and signatures of sealed segments, not their records.
    pub quick: bool,
}

impl VerifyOptions {
    pub(super) fn thread_count(&self) -> usize {
        match self.threads {
            0 => thread::available_parallelism().map_or(1, usize::from),
            n => n.min(256),
        }
    }
}

/// Is told how far an audit is. Called from one thread at a time.
pub trait Progress: Sync {
    /// Bytes that will be read, as far as known.
    fn total(&self, bytes: u64);
    /// So many more bytes are done.
    fn advance(&self, bytes: u64);
}

impl Progress for () {
    fn total(&self, _: u64) {}
    fn advance(&self, _: u64) {}
}

/// Why there is no report.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum VerifyError {
    /// The path can't be read at all.
    #[error("{}: {source}", path.display())]
    Io {
        /// What was asked for.
        path: PathBuf,
        /// What the operating system says.
        source: io::Error,
    },
    /// Nothing there is evidence of a log.
    #[error("{}: no data directory, segment or JSON Lines export", path.display())]
    NotEvidence {
        /// What was asked for.
        path: PathBuf,
    },
    /// One file or folder of a data directory that shows nothing by itself.
    #[error("{}: {what} of a log; by itself it shows nothing", path.display())]
    PartOfLog {
        /// What was asked for.
        path: PathBuf,
        /// What it is.
        what: &'static str,
    },
    /// A CSV export.
    #[error(
        "{}: CSV does not carry the bytes that were hashed; export as jsonl to verify",
        path.display()
    )]
    Csv {
        /// What was asked for.
        path: PathBuf,
    },
    /// The checkpoint given is none.
    #[error("the checkpoint given can't be read: {0}")]
    Checkpoint(#[from] crate::proof::SignedError),
}
