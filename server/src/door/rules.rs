//! What the door is told of the configuration.
//!
//! Invariant: the defaults are those of CONTRACT 1.1 and SERVER.md 1.

use shoseki_engine::record::Limits;

/// The `sourceSystem` of producers that have no list.
pub const SOURCE_SYSTEM: &str = "server-modernized";

/// Rules for the records of one producer.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct DoorRules {
    /// Limits of one record.
    pub limits: Limits,
    /// Most records of one request.
    pub records_max: usize,
    /// `sourceSystem` values that this producer may send.
    pub source_systems: Vec<String>,
    /// Whether a clock that is off is noted; not for imports.
    pub clock_skew: bool,
}

impl Default for DoorRules {
    fn default() -> Self {
        Self {
            limits: Limits::default(),
            records_max: 500,
            source_systems: vec![SOURCE_SYSTEM.to_owned()],
            clock_skew: true,
        }
    }
}
