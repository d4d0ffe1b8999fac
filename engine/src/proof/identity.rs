//! The identity of a log (`log.json`, CONTRACT 1.10): origin, id and format version.
//!
//! Invariant: one spelling only, so that the SHA-256 of the file, which every segment header
//! carries, stands for its meaning. Knows nothing about files.

use sha2::{Digest, Sha256};

use super::text::decimal_parse;
use crate::types::{LogId, Origin};

/// On-disk format version that this code writes.
pub const FORMAT: u32 = 0;

/// Who a log is.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct LogIdentity {
    /// On-disk format version.
    pub format: u32,
    /// Name of the log, fixed at creation.
    pub origin: Origin,
    /// 16 random bytes, fixed at creation.
    pub log_id: LogId,
}

impl LogIdentity {
    /// The bytes of `log.json`.
    #[must_use]
    pub fn to_bytes(&self) -> Vec<u8> {
        let Self { format, origin, log_id } = self;
        // An origin holds no character that JSON would escape.
        format!("{{\"format\":{format},\"origin\":\"{origin}\",\"log_id\":\"{log_id}\"}}\n")
            .into_bytes()
    }

    /// Strict inverse of [`Self::to_bytes`]; `None` for any other bytes. Takes any format number:
    /// whether it can be read is for the caller to say.
    #[must_use]
    pub fn parse(bytes: &[u8]) -> Option<Self> {
        let text = core::str::from_utf8(bytes).ok()?;
        let (format, rest) = text.strip_prefix("{\"format\":")?.split_once(",\"origin\":\"")?;
        let (origin, log_id) = rest.split_once("\",\"log_id\":\"")?;
        Some(Self {
            format: u32::try_from(decimal_parse(format)?).ok()?,
            origin: Origin::new(origin).ok()?,
            log_id: LogId::from_hex(log_id.strip_suffix("\"}\n")?.as_bytes())?,
        })
    }

    /// SHA-256 of the bytes of `log.json`.
    #[must_use]
    pub fn sha256(&self) -> [u8; 32] {
        Sha256::digest(self.to_bytes()).into()
    }
}
