//! What is fed to the log: generated records in batches, and a clock and randomness that repeat.
//!
//! Invariant: the same seed gives the same batches; with [`Repeatable`] the same log comes out to
//! the byte.

use std::io;
use std::sync::atomic::{AtomicU64, Ordering};

use shoseki_engine::io::Environment;
use shoseki_engine::record::{AuditId, Record, Salt, Stamp, Timestamp, encode_body};
use shoseki_lab::generate::Workload;

/// Midnight of 2026-01-01, UTC, in microseconds since 1970.
const START_MICROS: i64 = 1_767_225_600_000_000;

/// Batches of generated records, with the ids of a client or without.
#[must_use]
pub fn batches(seed: u64, records: u64, batch: usize, with_ids: bool) -> Vec<Vec<Record>> {
    let mut all = Vec::new();
    let mut generated = Workload::new(seed, records).records();
    loop {
        let mut next: Vec<Record> = generated.by_ref().take(batch.max(1)).collect();
        if next.is_empty() {
            return all;
        }
        if !with_ids {
            next.iter_mut().for_each(|record| record.audit_id = None);
        }
        all.push(next);
    }
}

/// The bodies of generated records, as a log would store them.
#[must_use]
pub fn bodies(seed: u64, records: u64) -> Vec<Vec<u8>> {
    let encode = |(n, record): (u8, Record)| {
        let mut body = Vec::new();
        encode_body(&record, &stamp(&record, n), &mut body);
        body
    };
    (0..=u8::MAX).cycle().zip(Workload::new(seed, records).records()).map(encode).collect()
}

/// A stamp that depends on nothing but its arguments.
#[must_use]
pub fn stamp(record: &Record, n: u8) -> Stamp<'static> {
    Stamp {
        audit_id: record.audit_id.unwrap_or(AuditId::from_bytes([n; 16])),
        received_at: record.timestamp,
        ingested_by: None,
        salt: Salt::from_bytes([n; 12]),
    }
}

/// A clock that steps and randomness that is none.
#[derive(Debug, Default)]
pub struct Repeatable(AtomicU64);

impl Environment for Repeatable {
    fn now_micros(&self) -> i64 {
        START_MICROS
    }

    fn fill_random(&self, buffer: &mut [u8]) -> io::Result<()> {
        for chunk in buffer.chunks_mut(8) {
            // splitmix64
            let mut z = self.0.fetch_add(1, Ordering::Relaxed).wrapping_mul(0x9e37_79b9_7f4a_7c15);
            z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
            z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
            let bytes = (z ^ (z >> 31)).to_le_bytes();
            chunk.copy_from_slice(bytes.get(..chunk.len()).unwrap_or_default());
        }
        Ok(())
    }
}

/// The time of a record as bytes of a peer's column.
#[must_use]
pub fn micros(time: Timestamp) -> i64 {
    time.unix_nanos() / 1_000
}
