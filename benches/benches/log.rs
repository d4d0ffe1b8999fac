//! The log on a disk: appending a batch, sealing, reading one sealed record, proving it, auditing.
//!
//! With a clock that stands and randomness that repeats: the printed results are those of a fixed
//! log.
#![expect(clippy::expect_used, reason = "a bench may stop")]

use std::hint::black_box;
use std::sync::Arc;
use std::time::{Duration, Instant};

use criterion::{BatchSize, Criterion, Throughput, criterion_group, criterion_main};
use shoseki_benches::input::{Repeatable, batches};
use shoseki_benches::result;
use shoseki_engine::log::{Entry, Log, LogOptions, Reader};
use shoseki_engine::types::{Seq, TreeSize};
use tempfile::TempDir;

const RECORDS: u64 = 20_000;
const BATCH: usize = 500;

fn options(cache_len_max: usize) -> LogOptions {
    // Without its threads: what is measured is only what is asked for.
    LogOptions {
        background: false,
        cache_len_max,
        environment: Arc::new(Repeatable::default()),
        ..LogOptions::default()
    }
}

fn filled(records: u64, cache_len_max: usize) -> (TempDir, Log) {
    let dir = tempfile::tempdir().expect("a directory");
    let log = Log::open(dir.path(), options(cache_len_max)).expect("a log");
    for batch in batches(1, records, BATCH, true) {
        log.append(None, batch).expect("appended");
    }
    (dir, log)
}

fn append(c: &mut Criterion) {
    let (_dir, log) = filled(0, 0);
    let batch = || batches(1, BATCH as u64, BATCH, false).concat();
    let appended = log.append(None, batch()).expect("appended");
    result("log/append", &appended.receipts.last().expect("a receipt").chain_hash.0);
    let mut group = c.benchmark_group("log");
    group.throughput(Throughput::Elements(BATCH as u64));
    group.bench_function("append_500_durable", |b| {
        b.iter_batched(batch, |batch| log.append(None, batch), BatchSize::PerIteration);
    });
    group.finish();
}

fn seal(c: &mut Criterion) {
    let mut group = c.benchmark_group("log");
    group.throughput(Throughput::Elements(RECORDS)).sample_size(10);
    let mut hash = Vec::new();
    group.bench_function("seal_20000", |b| {
        b.iter_custom(|rounds| {
            let mut took = Duration::ZERO;
            for _ in 0..rounds {
                let (dir, log) = filled(RECORDS, 0);
                let start = Instant::now();
                log.seal().expect("sealed");
                took += start.elapsed();
                let segments = log.reader().segments();
                let sealed = segments.first().expect("a segment");
                hash = std::fs::read(dir.path().join(&sealed.path)).expect("a file");
            }
            took
        });
    });
    group.finish();
    result("log/seal", &hash);
}

fn read(c: &mut Criterion) {
    let (_dir, log) = filled(RECORDS, 32 << 20);
    log.seal().expect("sealed");
    let warm = log.reader();
    let (_cold_dir, cold_log) = filled(RECORDS, 0);
    cold_log.seal().expect("sealed");
    let cold = cold_log.reader();
    let body = |reader: &Reader, seq: u64| match reader.read(Seq(seq)).expect("an entry") {
        Entry::Record(record) => record.body().to_vec(),
        _ => Vec::new(),
    };
    result("log/read", &body(&warm, 12_345));
    assert_eq!(body(&warm, 12_345), body(&cold, 12_345), "two logs of the same records");
    let mut group = c.benchmark_group("log");
    group.bench_function("read_sealed_group_in_cache", |b| b.iter(|| body(&warm, 12_345)));
    let mut seq = 0;
    group.bench_function("read_sealed_group_decoded_and_verified", |b| {
        b.iter(|| {
            seq = (seq + 7_919) % RECORDS;
            body(&cold, black_box(seq))
        });
    });
    let proof = |seq: u64| cold.prove_inclusion(Seq(seq), TreeSize(RECORDS)).expect("a proof");
    let bytes: Vec<u8> = proof(12_345).hashes.iter().flat_map(|node| node.0).collect();
    result("log/prove_inclusion", &bytes);
    group.bench_function("prove_inclusion_of_sealed_record", |b| {
        b.iter(|| {
            seq = (seq + 7_919) % RECORDS;
            proof(black_box(seq))
        });
    });
    group.finish();
}

criterion_group! {
    name = benches;
    config = Criterion::default().measurement_time(Duration::from_secs(3));
    targets = append, seal, read
}
criterion_main!(benches);
