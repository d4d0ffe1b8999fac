//! Faults of a batch being collected.
//!
//! Invariant: `got` is a type or at most 32 characters, masked; the number of faults is bounded.

use shoseki_engine::record::{Fault, Limits};

use super::mask::mask_excerpt;

/// Most characters of a value that are shown.
const GOT_CHARS_MAX: usize = 32;

pub(super) struct Faults {
    pub(super) index: usize,
    max: usize,
    list: Vec<Fault>,
}

impl Faults {
    pub(super) fn new(limits: &Limits) -> Self {
        // One more than is kept shows the reader that there were more.
        Self { index: 0, max: limits.faults_max.saturating_add(1), list: Vec::new() }
    }

    pub(super) fn push(&mut self, pointer: String, expected: impl Into<String>, got: &str) {
        if self.list.len() < self.max {
            // Masked as a whole before it is cut: half an address would not be found.
            let shown = mask_excerpt(got.get(..got.floor_char_boundary(512)).unwrap_or_default());
            let got = shown.chars().take(GOT_CHARS_MAX).collect();
            self.list.push(Fault { index: self.index, pointer, expected: expected.into(), got });
        }
    }

    /// A fault that the engine found in the record of the current index.
    pub(super) fn add(&mut self, fault: Fault, pointer: String) {
        self.push(pointer, fault.expected, &fault.got);
    }

    pub(super) fn is_empty(&self) -> bool {
        self.list.is_empty()
    }

    pub(super) fn len(&self) -> usize {
        self.list.len()
    }

    pub(super) fn into_list(self) -> Vec<Fault> {
        self.list
    }
}

/// A JSON pointer of one step (RFC 6901 section 3).
pub(super) fn pointer(name: &str) -> String {
    format!("/{}", name.replace('~', "~0").replace('/', "~1"))
}
