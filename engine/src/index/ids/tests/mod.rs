//! The id index against a model, damaged files and a storage that fails.
#![expect(clippy::indexing_slicing, reason = "a test may panic")]
#![expect(clippy::single_range_in_vec_init, reason = "lists of ranges are meant")]

mod behaviour;
mod bits;
mod model;
mod storage;

use std::ops::Range;
use std::sync::Arc;

use super::index::Sizes;
use super::*;
use crate::types::LogId;
use storage::MemoryStorage;

const LOG_ID: LogId = LogId([7; 16]);
const KEY: [u8; 16] = [9; 16];
const SIZES: Sizes = Sizes { flush_len: 8, chunk_entries: 20, step_entries: 30 };

fn id(number: u64) -> [u8; 16] {
    u128::from(number).to_le_bytes()
}

fn open(storage: &Arc<MemoryStorage>, log_size: u64) -> IdIndex {
    open_sized(storage, log_size, SIZES).unwrap()
}

fn open_sized(
    storage: &Arc<MemoryStorage>,
    log_size: u64,
    sizes: Sizes,
) -> Result<IdIndex, IdError> {
    IdIndex::open_with(Arc::clone(storage) as _, LOG_ID, log_size, KEY, sizes)
}

/// A table of `seqs` in which the id of a seq is the seq itself.
fn table(index: &IdIndex, seqs: Range<u64>, received_at_max: i64) -> FrozenTable {
    let mut recent = RecentIds::new();
    for seq in seqs.clone() {
        assert!(recent.insert(fingerprint(index.key(), &id(seq)), seq));
    }
    recent.freeze(seqs, received_at_max)
}

/// Adds a run of `seqs` by way of a table.
fn add_run(index: &IdIndex, seqs: Range<u64>, received_at_max: i64) {
    index.freeze(table(index, seqs.clone(), received_at_max)).unwrap();
    assert_eq!(index.maintain(&Window::EVERYTHING).unwrap(), Step::Wrote(seqs));
}

fn find(index: &IdIndex, number: u64) -> Vec<u64> {
    let mut found = Vec::new();
    index.snapshot().lookup(fingerprint(index.key(), &id(number)), &mut found).unwrap();
    found
}

fn settle(index: &IdIndex) -> Vec<Step> {
    let mut steps = Vec::new();
    loop {
        match index.maintain(&Window::EVERYTHING).unwrap() {
            Step::Idle => return steps,
            step => steps.push(step),
        }
    }
}

fn entry(index: &IdIndex, number: u64, seq: u64) -> IdEntry {
    IdEntry { seq, fingerprint: fingerprint(index.key(), &id(number)), received_at: 5 }
}
