//! Within which part of the log a repeat must be recognised.

/// A run goes only when it is outside by both measures (CONTRACT 1.9).
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Window {
    /// Earliest `received_at` that is still inside, in microseconds since 1970.
    pub received_at_min: i64,
    /// First seq that is still inside by count.
    pub seq_min: u64,
}

impl Window {
    /// Nothing is outside.
    pub const EVERYTHING: Self = Self { received_at_min: i64::MIN, seq_min: 0 };

    /// The window of a log of `size` records at `now_micros`: the last `micros` of `received_at`
    /// and at least the last `records`.
    #[must_use]
    pub const fn new(now_micros: i64, size: u64, micros: i64, records: u64) -> Self {
        Self {
            received_at_min: now_micros.saturating_sub(micros),
            seq_min: size.saturating_sub(records),
        }
    }

    /// Whether seqs below `to`, received at `received_at_max` at the latest, are outside by both
    /// measures.
    #[must_use]
    pub const fn is_past(&self, to: u64, received_at_max: i64) -> bool {
        to <= self.seq_min && received_at_max < self.received_at_min
    }
}
