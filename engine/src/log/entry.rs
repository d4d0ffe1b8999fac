//! What a read returns: a record, an erased one, or a place whose bytes don't verify.
//!
//! Invariant: the body of a [`StoredRecord`] has the hash beside it. Copies are cheap: records that
//! were decoded together share their memory.

use std::fmt;
use std::sync::Arc;

use super::group::{Group, audit_id_of};
use crate::proof::record_hash;
use crate::record::{
    AuditId, ExportError, ExportLine, export_line, export_line_damaged, export_line_erased,
    parse_export_line,
};
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

    /// What an export line (CONTRACT 1.6, without its line feed) says. A body that has not the hash
    /// beside it is damaged, whatever the line says of it. The chain hash is not checked.
    ///
    /// # Errors
    /// [`ExportError`] where it is no such line.
    pub fn from_export_line(line: &[u8]) -> Result<Self, ExportError> {
        Ok(match parse_export_line(line)? {
            ExportLine::Record { body, seq, hash, chain_hash, .. }
                if record_hash(&body) == hash =>
            {
                let bytes = Bytes::Own(body.into());
                Self::Record(StoredRecord { seq, hash, chain_hash, bytes })
            }
            ExportLine::Record { body, seq, .. } => {
                Self::Damaged { seq, audit_id: audit_id_of(&body) }
            }
            ExportLine::Erased { audit_id, seq, hash, chain_hash } => {
                Self::Erased { seq, audit_id, hash, chain_hash }
            }
            ExportLine::Damaged { audit_id, seq } => Self::Damaged { seq, audit_id },
        })
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_whose_body_was_changed_is_damaged_whatever_it_says() {
        let body = br#"{"audit_id":"0198c2f0-0000-7000-8000-000000000001","result":"success"}"#;
        let (hash, chain) = (record_hash(body), ChainHash([7; ChainHash::LEN]));
        let mut line = Vec::new();
        export_line(body, Seq(3), &hash, &chain, &mut line);
        let entry = Entry::from_export_line(&line).unwrap();
        assert_eq!(entry.record().map(StoredRecord::body), Some(&body[..]));
        let mut again = Vec::new();
        entry.write_export_line(&mut again);
        assert_eq!(again, line);
        let changed = String::from_utf8(line).unwrap().replace("success", "failure");
        let entry = Entry::from_export_line(changed.as_bytes()).unwrap();
        assert!(entry.is_damaged() && entry.seq() == Seq(3), "{entry:?}");
        assert!(Entry::from_export_line(b"{}").is_err());
    }
}
