//! Where a page of results ended.
//!
//! Invariant: a cursor belongs to one filter and one order, and goes on behind a position in
//! (`timestamp`, seq) or a seq, so that records which come in between pages are neither repeated nor lost.
//! As text it is opaque: 40 characters of base64url, for a version, the order, the position, the
//! filter's fingerprint and a checksum.

use std::fmt;
use std::hash::Hasher;
use std::str::FromStr;

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use siphasher::sip::SipHasher24;

use super::detail::{DetailFilter, DetailPath};
use super::filter::{ActionPattern, Filter, is_trace_digits};
use super::order::{Order, Sort, SortBy};
use super::words::Word;
use crate::types::Seq;

const VERSION: u8 = 1;
const LEN: usize = 30;

/// A position in the results of one query.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Cursor {
    sort: Sort,
    timestamp: i64,
    seq: Seq,
    filter: u64,
}

/// A cursor that can't be used.
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
#[non_exhaustive]
pub enum CursorError {
    /// It is not one, or a part of one.
    #[error("not a cursor that a query gave")]
    Malformed,
    /// A later version gave it.
    #[error("the cursor has version {0}, which this version does not read")]
    Version(u8),
    /// It goes on with other conditions.
    #[error("the cursor belongs to a query with other filters")]
    OtherFilter,
    /// It goes on the other way.
    #[error("the cursor belongs to a query in another order")]
    OtherOrder,
}

impl Cursor {
    /// The position behind the record with this time, nanoseconds since 1970, and seq; by seq the
    /// time is not looked at.
    #[must_use]
    pub fn behind(filter: &Filter, sort: impl Into<Sort>, timestamp: i64, seq: Seq) -> Self {
        let sort = sort.into();
        Self { sort, timestamp, seq, filter: fingerprint(filter) }
    }

    /// The time, nanoseconds since 1970, and seq of the record that came last.
    ///
    /// # Errors
    /// [`CursorError`] where it was given for another filter or order.
    pub fn position(
        &self,
        filter: &Filter,
        sort: impl Into<Sort>,
    ) -> Result<(i64, Seq), CursorError> {
        match (self.filter == fingerprint(filter), self.sort == sort.into()) {
            (false, _) => Err(CursorError::OtherFilter),
            (true, false) => Err(CursorError::OtherOrder),
            (true, true) => Ok((self.timestamp, self.seq)),
        }
    }

    fn encode(&self) -> [u8; LEN] {
        let mut out = [0; LEN];
        let order = match (self.sort.by, self.sort.order) {
            (SortBy::Time, Order::Ascending) => 0,
            (SortBy::Time, Order::Descending) => 1,
            (SortBy::Seq, Order::Ascending) => 2,
            (SortBy::Seq, Order::Descending) => 3,
        };
        let parts = [
            &[VERSION, order][..],
            &self.timestamp.to_le_bytes(),
            &self.seq.0.to_le_bytes(),
            &self.filter.to_le_bytes(),
        ];
        let (body, crc) = out.split_at_mut(LEN - 4);
        body.iter_mut().zip(parts.into_iter().flatten()).for_each(|(to, from)| *to = *from);
        crc.copy_from_slice(&crc32fast::hash(body).to_le_bytes());
        out
    }

    fn decode(bytes: &[u8; LEN]) -> Result<Self, CursorError> {
        let (body, crc) = bytes.split_last_chunk::<4>().ok_or(CursorError::Malformed)?;
        if crc32fast::hash(body).to_le_bytes() != *crc {
            return Err(CursorError::Malformed);
        }
        let [version, order, numbers @ ..] = body else { return Err(CursorError::Malformed) };
        let (by, order) = match (*version, *order) {
            (VERSION, 0) => (SortBy::Time, Order::Ascending),
            (VERSION, 1) => (SortBy::Time, Order::Descending),
            (VERSION, 2) => (SortBy::Seq, Order::Ascending),
            (VERSION, 3) => (SortBy::Seq, Order::Descending),
            (VERSION, _) => return Err(CursorError::Malformed),
            (other, _) => return Err(CursorError::Version(other)),
        };
        let ([time, seq, filter], []) = numbers.as_chunks::<8>() else {
            return Err(CursorError::Malformed);
        };
        Ok(Self {
            sort: Sort { by, order },
            timestamp: i64::from_le_bytes(*time),
            seq: Seq(u64::from_le_bytes(*seq)),
            filter: u64::from_le_bytes(*filter),
        })
    }
}

impl fmt::Display for Cursor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&URL_SAFE_NO_PAD.encode(self.encode()))
    }
}

impl FromStr for Cursor {
    type Err = CursorError;

    fn from_str(text: &str) -> Result<Self, CursorError> {
        let mut bytes = [0; LEN];
        match URL_SAFE_NO_PAD.decode_slice(text, &mut bytes) {
            Ok(LEN) => Self::decode(&bytes),
            _ => Err(CursorError::Malformed),
        }
    }
}

/// Equal for filters that ask the same in the same words, whatever the order of their values.
fn fingerprint(filter: &Filter) -> u64 {
    let mut parts = Parts(SipHasher24::new_with_key(b"shoseki filter 1"));
    let nanos = |time: crate::record::Timestamp| time.unix_nanos().to_le_bytes().to_vec();
    parts.field(1, filter.from.map(nanos));
    parts.field(2, filter.to.map(nanos));
    let texts = [
        (3, &filter.actor_id),
        (4, &filter.actor_role),
        (5, &filter.target_type),
        (6, &filter.target_id),
        (7, &filter.facility_id),
        (8, &filter.request_id),
    ];
    for (field, values) in texts {
        parts.field(field, values.iter().map(|value| value.clone().into_bytes()));
    }
    let trace = |text: &String| match is_trace_digits(text) {
        true => text.to_ascii_lowercase().into_bytes(),
        false => text.clone().into_bytes(),
    };
    parts.field(9, filter.trace_id.iter().map(trace));
    parts.field(10, filter.actor_type.iter().map(|kind| kind.as_str().as_bytes().to_vec()));
    parts.field(11, filter.result.iter().map(|result| result.as_str().as_bytes().to_vec()));
    parts.field(12, filter.sensitivity.iter().map(|level| level.as_str().as_bytes().to_vec()));
    parts.field(13, filter.pii_flag.map(|pii| vec![u8::from(pii)]));
    parts.field(14, filter.action.iter().map(action));
    parts.field(15, filter.source_ip.iter().map(|pattern| pattern.to_string().into_bytes()));
    parts.field(16, filter.words.iter().map(word));
    parts.field(17, filter.detail.iter().map(detail));
    origin(filter, &mut parts);
    parts.0.finish()
}

/// How records came into the log, and who may see them. What is not asked is left out, so that
/// cursors from before these fields go on.
fn origin(filter: &Filter, parts: &mut Parts) {
    let texts = |values: &[String]| values.iter().map(|value| value.clone().into_bytes()).collect();
    let time = |time: Option<crate::record::Timestamp>| -> Vec<Vec<u8>> {
        time.iter().map(|time| time.unix_nanos().to_le_bytes().to_vec()).collect()
    };
    let seq = filter.after_seq.iter().map(|seq| seq.0.to_le_bytes().to_vec()).collect();
    let fields: [(u8, Vec<Vec<u8>>); 5] = [
        (18, texts(&filter.ingested_by)),
        (19, texts(&filter.not_ingested_by)),
        (20, time(filter.received_from)),
        (21, time(filter.received_to)),
        (22, seq),
    ];
    for (field, values) in fields.into_iter().filter(|(_, values)| !values.is_empty()) {
        parts.field(field, values);
    }
    // A scope of nothing is one.
    if let Some(scope) = &filter.facility_scope {
        parts.field(23, texts(scope) as Vec<Vec<u8>>);
    }
}

fn action(pattern: &ActionPattern) -> Vec<u8> {
    let (kind, text) = match pattern {
        ActionPattern::Exact(action) => (0, action),
        ActionPattern::Prefix(prefix) => (1, prefix),
    };
    [&[kind], text.as_bytes()].concat()
}

fn word(word: &Word) -> Vec<u8> {
    let address = word.address().map(|address| address.to_string()).unwrap_or_default();
    [word.phrase().units().as_str(), &address].concat().into_bytes()
}

fn detail(detail: &DetailFilter) -> Vec<u8> {
    let mut parts = Parts(SipHasher24::new_with_key(b"shoseki filter 1"));
    let path = |path: &DetailPath| {
        let names = path.names().iter();
        let name = |name: &String| [&(name.len() as u64).to_le_bytes(), name.as_bytes()].concat();
        names.flat_map(name).collect()
    };
    parts.field(1, detail.paths.iter().map(path));
    parts.field(2, detail.values.iter().map(|value| value.clone().into_bytes()));
    if let Some(kind) = &detail.target_type {
        parts.field(3, [kind.to_ascii_lowercase().into_bytes()]);
    }
    parts.0.finish().to_le_bytes().to_vec()
}

/// Hashes fields so that no two different lists of values look the same.
struct Parts(SipHasher24);

impl Parts {
    fn field(&mut self, field: u8, values: impl IntoIterator<Item = Vec<u8>>) {
        let mut values: Vec<Vec<u8>> = values.into_iter().collect();
        values.sort_unstable();
        values.dedup();
        self.0.write(&[field]);
        self.0.write(&(values.len() as u64).to_le_bytes());
        for value in values {
            self.0.write(&(value.len() as u64).to_le_bytes());
            self.0.write(&value);
        }
    }
}
