//! What a peer answers, and what of it is compared.
//!
//! Invariant: two answers have the same digest where they have the same records (times, ids and the
//! content that the client gave) in the same order, or the same counts. A body without the hash
//! beside it is no answer. Salts and times of receipt differ between peers and don't count.

use serde::{Deserialize, Serialize};
use shoseki_engine::proof::record_hash;
use shoseki_engine::record::{Body, content_of};
use shoseki_engine::types::to_hex;

use crate::Outcome;

/// A record as a peer returned it.
pub(crate) struct Row {
    /// The peer's own column, in microseconds, where it has one.
    pub(crate) timestamp: Option<i64>,
    pub(crate) body: Vec<u8>,
    pub(crate) hash: Vec<u8>,
}

/// Counts of a range.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub(crate) struct Statistics {
    pub(crate) by_result: Vec<(String, u64)>,
    /// The ten with the most records, then by name.
    pub(crate) actors: Vec<(String, u64)>,
    /// The ten with the most records, then by name.
    pub(crate) actions: Vec<(String, u64)>,
}

/// An answer.
pub(crate) enum Answer {
    Rows(Vec<Row>),
    Statistics(Statistics),
}

/// What is compared, with enough of the answer to see what went wrong.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub(crate) struct Digest {
    pub(crate) count: usize,
    pub(crate) sha: String,
    pub(crate) first: String,
    pub(crate) last: String,
}

impl Answer {
    /// What is compared of it. Takes its time, outside every clock.
    pub(crate) fn digest(&self) -> Outcome<Digest> {
        let mut lines = Vec::new();
        let mut content = Vec::new();
        match self {
            Self::Rows(rows) => {
                for row in rows {
                    lines.push(row.line()?);
                    content.extend_from_slice(content_of(&row.body).unwrap_or_default());
                }
            }
            Self::Statistics(statistics) => lines.push(format!("{statistics:?}")),
        }
        content.extend_from_slice(lines.join("\n").as_bytes());
        let hash = record_hash(&content);
        Ok(Digest {
            count: lines.len(),
            sha: to_hex(hash.0.get(..16).unwrap_or_default()),
            first: lines.first().cloned().unwrap_or_default(),
            last: lines.last().cloned().unwrap_or_default(),
        })
    }
}

impl Row {
    /// Time and id, as the body has them.
    fn line(&self) -> Outcome<String> {
        let body = Body::parse(&self.body)?;
        let time = body.timestamp().unix_micros();
        if self.timestamp.is_some_and(|column| column != time) {
            return Err(format!("column {:?} of a record of {time}", self.timestamp).into());
        }
        if record_hash(&self.body).0[..] != self.hash[..] {
            return Err(format!("{} does not have its hash", body.audit_id()).into());
        }
        Ok(format!("{time} {}", body.audit_id()))
    }
}

/// Values that are listed.
pub(crate) const TOP: usize = 10;

impl Statistics {
    /// From complete counts, in any order.
    pub(crate) fn of_counts(
        mut by_result: Vec<(String, u64)>,
        actors: Vec<(String, u64)>,
        actions: Vec<(String, u64)>,
    ) -> Self {
        by_result.sort_unstable();
        Self { by_result, actors: top(actors), actions: top(actions) }
    }
}

fn top(mut counts: Vec<(String, u64)>) -> Vec<(String, u64)> {
    counts.sort_unstable_by(|(a, m), (b, n)| n.cmp(m).then_with(|| a.cmp(b)));
    counts.truncate(TOP);
    counts
}
