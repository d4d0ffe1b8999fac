//! What a read returns: a record, an erased one, or a place whose bytes don't verify.
//!
//! Invariant: the body of a [`StoredRecord`] has the hash beside it. Copies are cheap: records that
//! were decoded together share their memory.

use std::fmt;
use std::sync::Arc;

use super::group::{Group, audit_id_of};
use crate::record::{AuditId, export_line, export_line_damaged, export_line_erased};
use crate::types::{ChainHash, RecordHash, Seq};

/// One place of the log.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Entry {
    /// A record, verified.
    Record(StoredRecord),
    /// A record that was erased by order; its hash stays.
    Erased {
        /// Its place.
        seq: Seq,
        /// Its identifier.
        audit_id: AuditId,
        /// Its hash.
        hash: RecordHash,
        /// Chain hash behind it.
        chain_hash: ChainHash,
    },
    /// A record whose bytes are missing or don't verify.
    Damaged {
        /// Its place.
        seq: Seq,
        /// Its identifier as the damaged bytes say, where it can be made out.
        audit_id: Option<AuditId>,
    },
}

/// A record as it is stored.
#[derive(Clone)]
pub struct StoredRecord {
    /// Its place.
    pub seq: Seq,
    /// Its hash.
    pub hash: RecordHash,
    /// Chain hash behind it.
    pub chain_hash: ChainHash,
    bytes: Bytes,
}

#[derive(Clone)]
enum Bytes {
    Group(Arc<Group>, usize),
    Own(Arc<[u8]>),
}

impl StoredRecord {
    pub(crate) fn in_group(
        seq: Seq,
        group: Arc<Group>,
        index: usize,
        hash: RecordHash,
        chain_hash: ChainHash,
    ) -> Self {
        Self { seq, hash, chain_hash, bytes: Bytes::Group(group, index) }
    }

    /// The body: exactly the bytes that were hashed.
    #[must_use]
    pub fn body(&self) -> &[u8] {
        match &self.bytes {
            Bytes::Group(group, index) => group.body(*index).unwrap_or_default(),
            Bytes::Own(bytes) => bytes,
        }
    }

    /// The same record without the memory of the records beside it: for keeping it.
    #[must_use]
    pub fn detached(&self) -> Self {
        Self { bytes: Bytes::Own(self.body().into()), ..self.clone() }
    }
}

impl PartialEq for StoredRecord {
    fn eq(&self, other: &Self) -> bool {
        (self.seq, self.hash, self.chain_hash) == (other.seq, other.hash, other.chain_hash)
            && self.body() == other.body()
    }
}

impl Eq for StoredRecord {}

impl fmt::Debug for StoredRecord {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "StoredRecord({}, {})", self.seq, String::from_utf8_lossy(self.body()))
    }
}

impl Entry {
    /// Its place.
    #[must_use]
    pub fn seq(&self) -> Seq {
        match self {
            Self::Record(record) => record.seq,
            Self::Erased { seq, .. } | Self::Damaged { seq, .. } => *seq,
        }
    }

    /// The record, where there is one.
    #[must_use]
    pub fn record(&self) -> Option<&StoredRecord> {
        match self {
            Self::Record(record) => Some(record),
            Self::Erased { .. } | Self::Damaged { .. } => None,
        }
    }

    /// Its hash; `None` where the bytes don't verify.
    #[must_use]
    pub fn hash(&self) -> Option<RecordHash> {
        match self {
            Self::Record(record) => Some(record.hash),
            Self::Erased { hash, .. } => Some(*hash),
            Self::Damaged { .. } => None,
        }
    }

    /// Chain hash behind it; `None` where the bytes don't verify.
    #[must_use]
    pub fn chain_hash(&self) -> Option<ChainHash> {
        match self {
            Self::Record(record) => Some(record.chain_hash),
            Self::Erased { chain_hash, .. } => Some(*chain_hash),
            Self::Damaged { .. } => None,
        }
    }

    /// Its identifier; of a damaged one, what the bytes say.
    #[must_use]
    pub fn audit_id(&self) -> Option<AuditId> {
        match self {
            Self::Record(record) => audit_id_of(record.body()),
            Self::Erased { audit_id, .. } => Some(*audit_id),
            Self::Damaged { audit_id, .. } => *audit_id,
        }
    }

    /// Whether its bytes don't verify.
    #[must_use]
    pub fn is_damaged(&self) -> bool {
        matches!(self, Self::Damaged { .. })
    }

    /// Appends its export line (CONTRACT 1.6), without a line feed.
    pub fn write_export_line(&self, out: &mut Vec<u8>) {
        match self {
            Self::Record(r) => export_line(r.body(), r.seq, &r.hash, &r.chain_hash, out),
            Self::Erased { seq, audit_id, hash, chain_hash } => {
                export_line_erased(audit_id, *seq, hash, chain_hash, out);
            }
            Self::Damaged { seq, audit_id } => export_line_damaged(audit_id.as_ref(), *seq, out),
        }
    }

    pub(crate) fn detached(&self) -> Self {
        match self {
            Self::Record(record) => Self::Record(record.detached()),
            other => other.clone(),
        }
    }
}
