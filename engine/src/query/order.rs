//! The order of results.
//!
//! Invariant: an order is total: no two records of a log stand at the same place in it.

/// Which end comes first.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub enum Order {
    /// Oldest first.
    Ascending,
    /// Newest first.
    #[default]
    Descending,
}

/// What decides which record is older.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub enum SortBy {
    /// `timestamp`; among equal ones the seq.
    #[default]
    Time,
    /// The seq alone: the order in which the log took them in.
    Seq,
}

/// An order of results.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Sort {
    /// What decides.
    pub by: SortBy,
    /// Which end comes first.
    pub order: Order,
}

impl From<Order> for Sort {
    /// By time.
    fn from(order: Order) -> Self {
        Self { by: SortBy::Time, order }
    }
}
