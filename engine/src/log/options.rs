//! Settings of a writer.
//!
//! Invariant: every bound on memory, time and disk stands here with its unit; nothing below reads
//! an environment variable or a configuration file.

use std::sync::Arc;

use super::health::Observer;
use crate::io::{Environment, OsEnvironment};
use crate::record::Limits;
use crate::types::Origin;

/// How a log is opened for writing.
#[derive(Clone)]
pub struct LogOptions {
    /// Name of a log that is created; `None` gives `shoseki.local/<log_id>`. Of a log that exists
    /// it must be its name or `None`.
    pub origin: Option<Origin>,
    /// Limits of a record.
    pub limits: Limits,
    /// An active file is closed when its frames pass this many bytes.
    pub segment_raw_len_max: u64,
    /// Bytes of batches that may wait at once before callers wait or are refused.
    pub queue_len_max: usize,
    /// Active files that may wait to be sealed; whoever begins one more helps sealing first.
    pub unsealed_files_max: usize,
    /// Most records in a compressed group (1 to 256).
    pub group_records_max: u16,
    /// zstd level of sealed segments.
    pub compression_level: i32,
    /// Bytes kept free on the file system; appends are refused below, but those of
    /// [`super::Log::append_own`] only below a quarter of them.
    /// `None`: 32 MiB, but at most 5 % of the file system.
    pub free_space_reserve: Option<u64>,
    /// Exactness of idempotency by time, in days of `received_at`.
    pub idempotency_days: u32,
    /// Exactness of idempotency by count: at least so many last records.
    pub idempotency_records: u64,
    /// Bytes of decoded groups that reads keep.
    pub cache_len_max: usize,
    /// Whether search indexes are made. Without them queries read the records.
    pub index: bool,
    /// Bytes of the finished parts of the index of the file that is written; where they are more,
    /// the oldest go until the file is finished.
    pub index_memory_max: usize,
    /// Whether sealing, checkpoints and marks run on a thread of their own. Without it they run
    /// when [`super::Log::step`] is called, which a simulation does.
    pub background: bool,
    /// Is told of commits and sealed files.
    pub observer: Option<Arc<dyn Observer>>,
    /// Clock and randomness.
    pub environment: Arc<dyn Environment>,
}

impl Default for LogOptions {
    fn default() -> Self {
        Self {
            origin: None,
            limits: Limits::default(),
            segment_raw_len_max: 1 << 30,
            queue_len_max: 64 << 20,
            unsealed_files_max: 32,
            group_records_max: 8,
            compression_level: 5,
            free_space_reserve: None,
            idempotency_days: 30,
            idempotency_records: 100_000_000,
            cache_len_max: 32 << 20,
            index: true,
            index_memory_max: 64 << 20,
            background: true,
            observer: None,
            environment: Arc::new(OsEnvironment),
        }
    }
}
