//! What the engine says of its work, as metrics.
//!
//! Invariant: called by the thread that did the work, so it only counts.

use std::time::Duration;

use metrics::{counter, histogram};
use shoseki_engine::log::Observer;

use super::metrics::Metrics;
use super::names;

impl Observer for Metrics {
    fn committed(&self, records: u64, bytes: u64, sync: Duration) {
        counter!(names::COMMITS).increment(1);
        counter!(names::COMMIT_RECORDS).increment(records);
        counter!(names::COMMIT_BYTES).increment(bytes);
        self.fsync(sync);
    }

    fn commit_failed(&self) {
        counter!(names::COMMITS_FAILED).increment(1);
    }

    fn sealed(&self, _records: u64, _bytes: u64, took: Duration) {
        histogram!(names::SEAL_SECONDS).record(took);
    }
}
