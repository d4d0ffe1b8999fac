//! What is measured, as it goes from a step's process to the harness and into the file.
//!
//! Invariant: single samples, in milliseconds, in the order in which they were taken; nothing is
//! summed up here.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::answer::Digest;
use super::engine::{Loaded, Variant};
use super::question::Kind;

/// Samples of one kind of question, each with what was answered.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub(crate) struct Samples {
    pub(crate) ms: Vec<f64>,
    /// Digests are compared and not written to the file.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(crate) answers: Vec<Digest>,
}

/// What one variant gave in one round.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub(crate) struct Round {
    /// Opening with its files in the page cache.
    pub(crate) open_warm_ms: Vec<f64>,
    /// Opening with none of its files in the page cache.
    pub(crate) open_cold_ms: Vec<f64>,
    /// Bytes of memory after opening.
    pub(crate) resident: u64,
    /// Most bytes of memory while it was asked.
    pub(crate) peak: u64,
    pub(crate) warm: BTreeMap<Kind, Samples>,
    pub(crate) cold: BTreeMap<Kind, Samples>,
}

/// Everything about one variant.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Figures {
    pub(crate) variant: Variant,
    pub(crate) title: String,
    pub(crate) engine: String,
    pub(crate) loaded: Loaded,
    /// Bytes on disk.
    pub(crate) bytes: u64,
    pub(crate) rounds: Vec<Round>,
}

/// A run.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Report {
    pub(crate) machine: String,
    pub(crate) records: u64,
    pub(crate) seed: u64,
    /// Milliseconds that making the records alone takes; it is part of every loading.
    pub(crate) generate_ms: u64,
    pub(crate) peers: Vec<Figures>,
    /// Peers that were asked for and could not be measured, with the reason.
    pub(crate) skipped: Vec<String>,
    /// Answers that were compared with another peer's to the same question.
    pub(crate) compared: u64,
    /// Answers that differ between peers.
    pub(crate) differences: Vec<String>,
}
