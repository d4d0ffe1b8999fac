//! Whatever happens to a log between pages, a query returns the records that a naive filter over
//! all of them returns, in the same order; statistics count the same.
//!
//! Invariant: each case follows from its seed, which a failure prints. `SHOSEKI_DEEP=1` runs
//! 100,000 cases.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::cast_possible_truncation,
    clippy::cast_possible_wrap,
    reason = "tests stop where their stage can't be set"
)]

mod filters;
mod naive;
mod numbers;
mod queries;
mod records;
mod windows;
mod world;
