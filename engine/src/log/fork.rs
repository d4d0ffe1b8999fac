//! Going on after damage: a new log whose first record names the old one and what was left of it.
//!
//! Invariant: the old log is only read, and nothing of it is copied: it stays the evidence of what
//! it holds. A fork is made on an operator's word alone, and the reason stands in the record.

use std::path::Path;

use super::error::{AppendError, LogError, OpenError};
use super::handle::{Log, Receipt};
use super::options::LogOptions;
use super::read_error::OpenReadError;
use super::reader::Reader;
use crate::io::{OsStorage, Storage};
use crate::proof::base64_encode;
use crate::record::{
    ActorType, Detail, InputError, Outcome, Record, Sensitivity, Timestamp, write_json_string,
};
use crate::types::{ChainHash, NodeHash, Origin, Seq, TreeSize};

/// `action` of the first record of a fork.
pub const LOG_FORKED: &str = "LOG_FORKED";

/// Why a fork was not made.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ForkError {
    /// The old log can't be read, so nothing can be said of it.
    #[error("the old log can't be read")]
    Old(#[source] OpenReadError),
    /// There is something in the new place.
    #[error("the place for the new log is not empty")]
    NotEmpty,
    /// The new log can't be made.
    #[error("the new log can't be made")]
    New(#[source] OpenError),
    /// What is to be said of the old log does not fit into a record.
    #[error("the record of the fork is not valid")]
    Record(#[source] InputError),
    /// The first record can't be stored.
    #[error("the first record of the new log can't be stored")]
    Append(#[source] AppendError),
    /// The new log can't be closed in order.
    #[error("the new log can't be closed")]
    Close(#[source] LogError),
}

/// A fork that was made.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Forked {
    /// Name of the old log.
    pub old_origin: Origin,
    /// Records that the old log shows.
    pub old_size: TreeSize,
    /// Its root; `None` where a damaged record makes it unknown.
    pub old_root: Option<NodeHash>,
    /// Its chain hash behind the last record; `None` where that record is damaged.
    pub old_chain_hash: Option<ChainHash>,
    /// Name of the new log.
    pub origin: Origin,
    /// Receipt of its first record.
    pub receipt: Receipt,
}

impl Log {
    /// Makes a log in `new`, which must be absent or empty, that goes on where `old` ended.
    ///
    /// # Errors
    /// [`ForkError`]; the old log is as it was.
    pub fn fork(
        old: &Path,
        new: &Path,
        reason: &str,
        options: LogOptions,
    ) -> Result<Forked, ForkError> {
        let reader = Reader::open(old).map_err(ForkError::Old)?;
        let there = OsStorage::new(new).list("");
        if !there.is_ok_and(|names| names.is_empty()) {
            return Err(ForkError::NotEmpty);
        }
        let end = End::of(&reader);
        let now = Timestamp::from_unix_micros(options.environment.now_micros());
        let detail = end.detail(&reader, reason);
        let detail = Detail::parse(&detail, &options.limits).map_err(ForkError::Record)?;
        let mut record = Record::new(
            now.unwrap_or(Timestamp::MIN),
            ActorType::System,
            "shoseki",
            LOG_FORKED,
            Outcome::Success,
        );
        record.target_type = Some("log".to_owned());
        record.target_id = Some(reader.origin().to_string());
        record.sensitivity = Sensitivity::High;
        record.detail = Some(detail);
        let log = Self::open(new, options).map_err(ForkError::New)?;
        let appended = log.append(None, vec![record]).map_err(ForkError::Append)?;
        let origin = log.origin().clone();
        log.close().map_err(ForkError::Close)?;
        let receipt = appended.receipts.into_iter().next();
        let receipt = receipt.ok_or(ForkError::Append(AppendError::Closed))?;
        Ok(Forked {
            old_origin: reader.origin().clone(),
            old_size: end.size,
            old_root: end.root,
            old_chain_hash: end.chain_hash,
            origin,
            receipt,
        })
    }
}

/// What is known of the end of the old log.
struct End {
    size: TreeSize,
    root: Option<NodeHash>,
    chain_hash: Option<ChainHash>,
}

impl End {
    fn of(reader: &Reader) -> Self {
        let size = reader.size();
        let last = size.0.checked_sub(1).and_then(|last| reader.read(Seq(last)).ok());
        let chain_hash = last.and_then(|entry| entry.chain_hash());
        Self { size, root: reader.root_at(size).ok(), chain_hash }
    }

    fn detail(&self, reader: &Reader, reason: &str) -> Vec<u8> {
        let mut out = b"{\"reason\":".to_vec();
        write_json_string(reason, &mut out);
        let mut text = |name: &str, value: &str| {
            out.extend_from_slice(format!(",\"{name}\":").as_bytes());
            write_json_string(value, &mut out);
        };
        text("oldOrigin", reader.origin().as_str());
        text("oldLogId", &reader.log_id().to_hex());
        if let Some(root) = &self.root {
            text("oldRoot", &base64_encode(&root.0));
        }
        if let Some(chain_hash) = &self.chain_hash {
            text("oldChainHash", &chain_hash.to_hex());
        }
        if let Ok(Some(signed)) = reader.checkpoint() {
            text("oldCheckpoint", &signed.note);
        }
        let damage: Vec<String> = reader.damage().iter().map(ToString::to_string).collect();
        if !damage.is_empty() {
            text("damage", &damage.join("; "));
        }
        out.extend_from_slice(format!(",\"oldSize\":{}}}", self.size).as_bytes());
        out
    }
}
