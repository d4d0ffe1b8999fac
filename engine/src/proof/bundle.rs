//! Entry bundles (C2SP tlog-tiles): the entries below one tile of level 0.
//!
//! Invariant: our entries are record hashes, 64 bytes each (CONTRACT 1.5); bundles of other logs
//! can be walked too. Knows nothing about where bundles are kept.

use super::tile::{TILE_WIDTH_MAX, place, place_parse};
use crate::types::RecordHash;

/// Which bundle: entries `[index * 256, index * 256 + width)` of the log.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct BundleId {
    index: u64,
    width: u16,
}

/// Bytes that are not those of a bundle.
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
pub enum BundleError {
    /// Length prefix or entry is cut off.
    #[error("entry {entry} of the bundle is cut off")]
    Truncated {
        /// Which, from 0.
        entry: usize,
    },
    /// An entry is not 64 bytes long.
    #[error("entry {entry} of the bundle is not a 64-byte hash")]
    EntryLength {
        /// Which, from 0.
        entry: usize,
    },
    /// More or fewer entries than the bundle's width.
    #[error("the bundle does not have {expected} entries but {found}")]
    Count {
        /// Entries of the bundle.
        expected: usize,
        /// Entries found.
        found: usize,
    },
}

impl BundleId {
    /// `None` where no log has such a bundle: `width` not 1 to 256, `index` of 2^56 or more.
    #[must_use]
    pub fn new(index: u64, width: u16) -> Option<Self> {
        let valid = index < 1 << 56 && (1..=TILE_WIDTH_MAX).contains(&width);
        valid.then_some(Self { index, width })
    }

    /// Position among the bundles, from 0.
    #[must_use]
    pub fn index(self) -> u64 {
        self.index
    }

    /// Number of entries, 1 to 256.
    #[must_use]
    pub fn width(self) -> u16 {
        self.width
    }

    /// Path below the log's prefix, such as `tile/entries/x001/234.p/5`.
    #[must_use]
    pub fn path(self) -> String {
        format!("tile/entries/{}", place(self.index, self.width))
    }

    /// Strict inverse of [`Self::path`].
    #[must_use]
    pub fn parse_path(path: &str) -> Option<Self> {
        let (index, width) = place_parse(path.strip_prefix("tile/entries/")?)?;
        Self::new(index, width)
    }
}

/// Bytes of a bundle of ours: for each entry its length as big-endian u16, then its 64 bytes.
#[must_use]
pub fn encode_bundle(hashes: &[RecordHash]) -> Vec<u8> {
    const PREFIX: [u8; 2] = [0, 64];
    let mut bytes = Vec::with_capacity(hashes.len() * (PREFIX.len() + RecordHash::LEN));
    for hash in hashes {
        bytes.extend_from_slice(&PREFIX);
        bytes.extend_from_slice(&hash.0);
    }
    bytes
}

/// Strict inverse of [`encode_bundle`] for a bundle of that width.
///
/// # Errors
/// [`BundleError`].
pub fn parse_bundle(id: BundleId, bytes: &[u8]) -> Result<Vec<RecordHash>, BundleError> {
    let hash = |(entry, data): (usize, Result<&[u8], BundleError>)| {
        let hash = data?.try_into().map_err(|_| BundleError::EntryLength { entry })?;
        Ok(RecordHash(hash))
    };
    let hashes = bundle_entries(bytes).enumerate().map(hash).collect::<Result<Vec<_>, _>>()?;
    let (expected, found) = (usize::from(id.width), hashes.len());
    if found == expected { Ok(hashes) } else { Err(BundleError::Count { expected, found }) }
}

/// The entries of any log's bundle. Ends after the first error.
pub fn bundle_entries(bytes: &[u8]) -> impl Iterator<Item = Result<&[u8], BundleError>> {
    let mut rest = bytes;
    let mut entry = 0;
    core::iter::from_fn(move || {
        if rest.is_empty() {
            return None;
        }
        let split = rest.split_first_chunk::<2>().and_then(|([high, low], data)| {
            data.split_at_checked(usize::from(*high) << 8 | usize::from(*low))
        });
        let Some((data, behind)) = split else {
            rest = &[];
            return Some(Err(BundleError::Truncated { entry }));
        };
        rest = behind;
        entry += 1;
        Some(Ok(data))
    })
}
