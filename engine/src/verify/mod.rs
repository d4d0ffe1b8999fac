//! The auditor: recomputes a log from its files alone and says what was done to it.
//!
//! It works on a data directory, a single segment or an export, offline, from bodies: hashes,
//! chain, tree, zone maps, counts, tiles and anchors are computed anew and compared with what is
//! stored.
//! Invariant: it trusts nothing that the writer wrote down, shares only formats and mathematics
//! with it, never writes, and no bytes make it panic or allocate beyond the format's bounds.
//! Knows nothing about the writer's index, catalogue, cache and recovery.
#![deny(clippy::indexing_slicing)]

mod active;
mod active_header;
mod anchors;
mod audit;
mod block;
mod block_head;
mod data_dir;
mod duplicates;
mod export;
mod file;
mod frames;
mod group;
mod identity;
mod ledger;
mod mend;
mod options;
mod part;
mod pool;
mod report;
mod sealed;
mod signed;
mod source;
mod tiles;
mod totals;
mod unit;
mod walk;
mod wants;

pub use data_dir::{verify_evidence, verify_evidence_seqs};
pub use export::verify_export;
pub use file::{verify_path, verify_segment, verify_seqs};
pub use options::{Progress, VerifyError, VerifyOptions};
pub use report::{Finding, FindingKind, Notice, NoticeKind, Report};
pub use source::{Bytes, DirEvidence, EvidenceSource, MemoryEvidence};
