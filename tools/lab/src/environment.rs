//! A clock that only moves when asked, and randomness from a seed.
//!
//! Invariant: the same seed gives the same bytes in the same order.
//! Knows nothing about storage.

use std::io;
use std::sync::Mutex;
use std::sync::PoisonError;
use std::sync::atomic::{AtomicI64, Ordering};

use shoseki_engine::io::Environment;

/// SplitMix64: small, seeded, good enough to choose faults; never for anything secret.
#[derive(Clone, Debug)]
pub struct Rng(u64);

impl Rng {
    /// The sequence of a seed.
    #[must_use]
    pub fn new(seed: u64) -> Self {
        Self(seed)
    }

    /// The next 64 bits.
    pub fn draw(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    /// A number below `bound`; 0 for a bound of 0.
    pub fn below(&mut self, bound: u64) -> u64 {
        self.draw() % bound.max(1)
    }

    /// True `percent` times in a hundred.
    pub fn chance(&mut self, percent: u64) -> bool {
        self.below(100) < percent
    }
}

/// The environment of a simulated writer.
pub struct SimEnvironment {
    now: AtomicI64,
    random: Mutex<Rng>,
}

impl SimEnvironment {
    /// A clock that stands at `now` (microseconds since 1970) and random bytes from `seed`.
    #[must_use]
    pub fn new(now: i64, seed: u64) -> Self {
        Self { now: AtomicI64::new(now), random: Mutex::new(Rng::new(seed)) }
    }

    /// Moves the clock, backwards too.
    pub fn advance(&self, micros: i64) {
        self.now.fetch_add(micros, Ordering::Relaxed);
    }
}

impl Environment for SimEnvironment {
    fn now_micros(&self) -> i64 {
        self.now.fetch_add(7, Ordering::Relaxed)
    }

    fn fill_random(&self, buffer: &mut [u8]) -> io::Result<()> {
        let mut random = self.random.lock().unwrap_or_else(PoisonError::into_inner);
        for byte in buffer {
            *byte = random.draw().to_le_bytes()[0];
        }
        Ok(())
    }
}
