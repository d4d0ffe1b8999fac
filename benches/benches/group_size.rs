//! Bytes per record of a sealed segment and the time of one random read, by records per group,
//! zstd level and dictionary. The figures and what was decided from them: RESULTS.md.
//!
//! `cargo bench -p shoseki-benches --bench group_size` measures 200,000 records. As a test it
//! measures a few thousand, so that it can't rot. The hash that it prints is that of the records:
//! runs with the same hash measured the same thing.
#![expect(clippy::print_stdout, reason = "what it prints is its result")]

use std::error::Error;
use std::time::{Duration, Instant};

use shoseki_engine::proof::{CompactRange, chain_genesis, chain_next, record_hash};
use shoseki_engine::record::{Producer, Salt, Stamp, Timestamp, encode_body};
use shoseki_engine::segment::{
    GroupPlace, SealedSegment, SegmentBuilder, SegmentInput, SegmentParams, sample_text,
    train_dictionary,
};
use shoseki_engine::types::{ChainHash, LogId, Origin, RecordHash, Seq};
use shoseki_lab::generate::{Rng, Workload};

type Outcome<T> = Result<T, Box<dyn Error>>;

const SEED: u64 = 1;
/// Records that share a `received_at`, as those of one batch do.
const BATCH: u64 = 10;
/// Bytes of text that a dictionary is trained from, as in sealing.
const SAMPLES_LEN_MAX: usize = 4 << 20;
/// A group of the packing costs so many bytes per record in its fixed part: kind, audit_id, salt.
const FIXED_LEN: u64 = 29;

struct Scale {
    records: u64,
    reads: u64,
}

fn main() -> Outcome<()> {
    let told = |flag: &str| std::env::args().any(|arg| arg == flag);
    let scale = if told("--bench") && !told("--test") {
        Scale { records: 200_000, reads: 20_000 }
    } else {
        Scale { records: 3_000, reads: 50 }
    };
    let bodies = bodies(scale.records)?;
    let raw: usize = bodies.iter().map(|(body, _)| body.len()).sum();
    let samples = samples(&bodies, raw);
    println!("{} records, {:.1} bytes of body each", scale.records, per(raw as u64, &scale));
    println!("records: {}", chain_of(&bodies)?);
    println!(
        "\n| records per group | zstd level | dictionary KiB | bytes per record | of body \
              | fixed | text | tables | dictionary | other | read p50 us | read p99 us | build s |"
    );
    println!("|{}", " ---: |".repeat(13));
    let usual = train_dictionary(&samples, raw as u64);
    for level in [3, 6, 9] {
        for group in [8, 16, 32, 64] {
            for dictionary in [&[][..], &usual] {
                measure(&bodies, &scale, group, level, dictionary)?;
            }
        }
    }
    println!("\nSizes of the dictionary:\n");
    for (group, level) in [(8, 3), (16, 3), (8, 6), (16, 6), (8, 9), (16, 9)] {
        for kib in [4, 8, 16, 32, 64, 110] {
            let dictionary = zstd::dict::from_samples(&samples, kib << 10).unwrap_or_default();
            measure(&bodies, &scale, group, level, &dictionary)?;
        }
    }
    Ok(())
}

fn genesis() -> Outcome<ChainHash> {
    Ok(chain_genesis(&Origin::new("shoseki.example/bench")?, &LogId([0; 16])))
}

/// The chain hash behind all records: what was measured.
fn chain_of(bodies: &[(Vec<u8>, RecordHash)]) -> Outcome<ChainHash> {
    Ok(bodies.iter().fold(genesis()?, |at, (_, hash)| chain_next(&at, hash)))
}

fn per(bytes: u64, scale: &Scale) -> f64 {
    bytes as f64 / scale.records as f64
}

fn bodies(count: u64) -> Outcome<Vec<(Vec<u8>, RecordHash)>> {
    let mut rng = Rng::new(SEED);
    let producer = Producer::new("clinic-app")?;
    let mut received_at = Timestamp::MIN;
    let mut bodies = Vec::new();
    for (record, n) in Workload::new(SEED, count).records().zip(0..) {
        if n % BATCH == 0 {
            let micros = record.timestamp.unix_micros() + 2_000_000;
            received_at = Timestamp::from_unix_micros(micros).ok_or("time")?;
        }
        let stamp = Stamp {
            audit_id: record.audit_id.ok_or("audit_id")?,
            received_at,
            ingested_by: Some(&producer),
            salt: Salt::from_bytes(rng.bytes()),
        };
        let mut body = Vec::new();
        encode_body(&record, &stamp, &mut body);
        let hash = record_hash(&body);
        bodies.push((body, hash));
    }
    Ok(bodies)
}

fn samples(bodies: &[(Vec<u8>, RecordHash)], raw: usize) -> Vec<Vec<u8>> {
    let every = 1 + raw / SAMPLES_LEN_MAX;
    bodies.iter().step_by(every).map(|(body, _)| sample_text(body)).collect()
}

fn build(
    bodies: &[(Vec<u8>, RecordHash)],
    group: u16,
    level: i32,
    dictionary: &[u8],
) -> Outcome<Vec<u8>> {
    let params = SegmentParams {
        first_seq: Seq(0),
        count: bodies.len() as u64,
        identity_sha256: [0; 32],
        chain_before: genesis()?,
        group_records_max: group,
        compression_level: level,
        dictionary: dictionary.to_vec(),
    };
    let mut builder = SegmentBuilder::new(params, Vec::new())?;
    for (body, hash) in bodies {
        builder.push(SegmentInput::Body(body, *hash))?;
    }
    let (_, file) = builder.finish(CompactRange::new(0), |_| String::new(), |_| String::new())?;
    Ok(file)
}

fn measure(
    bodies: &[(Vec<u8>, RecordHash)],
    scale: &Scale,
    group: u16,
    level: i32,
    dictionary: &[u8],
) -> Outcome<()> {
    let began = Instant::now();
    let file = build(bodies, group, level, dictionary)?;
    let built = began.elapsed();
    let len = file.len() as u64;
    let segment = SealedSegment::open(file)?;
    let (mut stored, mut tables) = (0, 0);
    for (block, entry) in segment.directory().iter().enumerate() {
        let head = segment.block_head(block)?;
        stored += head.data_len();
        tables += u64::from(entry.len) - head.data_len();
    }
    tables += shoseki_engine::format::DIRECTORY_ENTRY_LEN as u64 * segment.directory().len() as u64;
    let fixed = FIXED_LEN * scale.records;
    let dictionary_len = dictionary.len() as u64;
    let other = len - stored - tables - dictionary_len;
    let (p50, p99) = reads(&segment, scale)?;
    let raw: usize = bodies.iter().map(|(body, _)| body.len()).sum();
    print!("| {group} | {level} | {} | {:.1} ", dictionary.len() >> 10, per(len, scale));
    print!("| {:.1} % | {:.1} ", len as f64 * 100.0 / raw as f64, per(fixed, scale));
    print!("| {:.1} | {:.1} ", per(stored - fixed, scale), per(tables, scale));
    print!("| {:.2} | {:.2} ", per(dictionary_len, scale), per(other, scale));
    print!("| {:.1} | {:.1} ", p50.as_secs_f64() * 1e6, p99.as_secs_f64() * 1e6);
    println!("| {:.1} |", built.as_secs_f64());
    Ok(())
}

/// Median and 99th percentile of reading one record anywhere: block head, group, verification.
fn reads(segment: &SealedSegment<Vec<u8>>, scale: &Scale) -> Outcome<(Duration, Duration)> {
    let mut rng = Rng::new(SEED);
    let mut times = Vec::new();
    for _ in 0..scale.reads {
        let seq = Seq(rng.below(scale.records));
        let began = Instant::now();
        let block = segment.block_of(seq).ok_or("block")?;
        let head = segment.block_head(block)?;
        let group = SealedSegment::<Vec<u8>>::group_of(&head, seq).ok_or("group")?;
        let records = segment.read_group(&head, GroupPlace { block, group })?;
        let index = usize::try_from(seq.0 - records.first_seq.0)?;
        std::hint::black_box(records.items.get(index).ok_or("record")?);
        times.push(began.elapsed());
    }
    times.sort_unstable();
    let at = |percent: usize| times.get(times.len() * percent / 100).copied().unwrap_or_default();
    Ok((at(50), at(99)))
}
