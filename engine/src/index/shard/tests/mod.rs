//! Tests of the encodings of a shard: against naive models, and with damage everywhere.
#![expect(clippy::indexing_slicing, reason = "tests index what they have just built")]

mod bits;
mod bytes;
mod keys;
pub(in crate::index) mod model;
mod postings;
mod shards;
mod strings;
mod synthetic;
mod times;

use std::cell::RefCell;
use std::collections::BTreeSet;

use super::bytes::Source;
use super::error::ShardError;

/// Numbers that look random and are the same each time (SplitMix64).
struct Numbers(u64);

impl Numbers {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mixed = (self.0 ^ self.0 >> 30).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        let mixed = (mixed ^ mixed >> 27).wrapping_mul(0x94D0_49BB_1331_11EB);
        mixed ^ mixed >> 31
    }

    fn below(&mut self, end: u64) -> u64 {
        self.next() % end
    }

    fn place(&mut self, universe: u32) -> u16 {
        u16::try_from(self.below(u64::from(universe))).unwrap()
    }

    /// Distinct places, ascending.
    fn places(&mut self, count: usize, universe: u32) -> Vec<u16> {
        let mut places = BTreeSet::new();
        while places.len() < count {
            places.insert(self.place(universe));
        }
        places.into_iter().collect()
    }
}

/// Remembers what is asked of it.
struct Watched {
    bytes: Vec<u8>,
    pages: RefCell<BTreeSet<u64>>,
}

impl Watched {
    const PAGE: u64 = 4096;

    fn new(bytes: Vec<u8>) -> Self {
        Self { bytes, pages: RefCell::default() }
    }

    /// Pages asked for since the last call.
    fn take(&self) -> usize {
        self.pages.take().len()
    }
}

impl Source for Watched {
    fn len(&self) -> u64 {
        Source::len(&self.bytes)
    }

    fn bytes(&self, at: u64, len: usize) -> Result<&[u8], ShardError> {
        let end = at + len as u64;
        self.pages.borrow_mut().extend(at / Self::PAGE..end.div_ceil(Self::PAGE));
        Source::bytes(&self.bytes, at, len)
    }
}

/// Calls `check` with each single byte replaced by each other value.
fn each_damage(bytes: &[u8], mut check: impl FnMut(&[u8])) {
    let mut damaged = bytes.to_vec();
    for place in 0..bytes.len() {
        for difference in 1..=u8::MAX {
            damaged[place] = bytes[place] ^ difference;
            check(&damaged);
        }
        damaged[place] = bytes[place];
    }
}
