//! One row per target.
//!
//! Invariant: names are sorted, so that a listing and the table agree.

use super::{
    active, body, directory, export, group, import, index, mapping, note, query, record, recovery,
    segment, tree,
};

/// Something that takes any bytes.
#[derive(Clone, Copy, Debug)]
pub struct Target {
    /// Its name: of its binary, its corpus, its regressions.
    pub name: &'static str,
    /// Panics where the input shows a defect.
    pub run: fn(&[u8]),
    /// Inputs to begin with, made by our own code.
    pub seeds: fn() -> Vec<Vec<u8>>,
}

macro_rules! targets {
    ($($name:ident),* $(,)?) => {
        &[$(Target { name: stringify!($name), run: $name::run, seeds: $name::seeds }),*]
    };
}

/// All of them.
pub const TARGETS: &[Target] = targets![
    active, body, directory, export, group, import, index, mapping, note, query, record, recovery,
    segment, tree,
];

/// The target of this name.
///
/// # Panics
/// Where there is none.
#[must_use]
pub fn target(name: &str) -> &'static Target {
    TARGETS.iter().find(|target| target.name == name).unwrap_or_else(|| panic!("no target {name}"))
}
