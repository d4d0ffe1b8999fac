//! Bodies: encoding, parsing, reading JSON of a client.
#![expect(clippy::expect_used, reason = "a bench may stop")]

use std::hint::black_box;

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use shoseki_benches::input::{batches, bodies, stamp};
use shoseki_benches::result;
use shoseki_engine::proof::{chain_next, record_hashes};
use shoseki_engine::record::{
    AuditId, Body, BodyWriter, Limits, Prepared, Record, Salt, Timestamp, encode_body, parse_batch,
    read_sent,
};
use shoseki_engine::types::ChainHash;
use shoseki_lab::generate::input_line;

const RECORDS: u64 = 256;

fn encode(c: &mut Criterion) {
    let records = batches(1, RECORDS, 500, true).concat();
    let all = |out: &mut Vec<u8>| {
        out.clear();
        records.iter().for_each(|record| encode_body(record, &stamp(record, 7), out));
    };
    let mut out = Vec::new();
    all(&mut out);
    result("record/encode_body", &out);
    let mut group = c.benchmark_group("record");
    group.throughput(Throughput::Elements(RECORDS));
    group.bench_function("encode_body", |b| b.iter(|| all(black_box(&mut out))));
    group.finish();
}

fn parse(c: &mut Criterion) {
    let bodies = bodies(1, RECORDS);
    let all = || {
        let lens = bodies.iter().map(|body| {
            let body = Body::parse(black_box(body)).expect("a body");
            body.actor_id().len() + body.detail().map_or(0, <[u8]>::len)
        });
        lens.sum::<usize>()
    };
    result("record/body_parse", &all().to_le_bytes());
    let mut group = c.benchmark_group("record");
    group.throughput(Throughput::Bytes(bodies.iter().map(|body| body.len() as u64).sum()));
    group.bench_function("body_parse", |b| b.iter(all));
    group.finish();
}

fn input(c: &mut Criterion) {
    let limits = Limits::default();
    let lines: Vec<Vec<u8>> = batches(1, RECORDS, 500, true).concat().iter().map(line).collect();
    let all = || {
        let records = lines.iter().map(|line| {
            let record = Record::from_json(black_box(line), &limits).expect("a record");
            record.action.len()
        });
        records.sum::<usize>()
    };
    result("record/from_json", &all().to_le_bytes());
    let mut group = c.benchmark_group("record");
    group.throughput(Throughput::Bytes(lines.iter().map(|line| line.len() as u64).sum()));
    group.bench_function("from_json", |b| b.iter(all));
    group.finish();
}

/// The way of a request's records to what is written, stage by stage, each measured alone.
fn stages(c: &mut Criterion) {
    let limits = Limits::default();
    let body = array(&batches(1, REQUEST, 500, false).concat());
    let batch = prepared(&body, &limits);
    let writer = BodyWriter::new(&batch, Timestamp::MIN, None);
    let written = |out: &mut Vec<u8>| {
        out.clear();
        let (id, salt) = (AuditId::from_bytes([7; 16]), Salt::from_bytes([7; 12]));
        (0..batch.len()).for_each(|index| writer.write(index, &id, &salt, out));
    };
    let bodies = bodies(1, REQUEST);
    let bodies: Vec<&[u8]> = bodies.iter().map(Vec::as_slice).collect();
    let hashes = record_hashes(&bodies);
    let mut out = Vec::new();
    written(&mut out);
    result("record/stages", &out);
    let mut group = c.benchmark_group("request");
    group.throughput(Throughput::Elements(REQUEST));
    group.bench_function("parse_owned", |b| {
        b.iter(|| parse_batch(black_box(&body), &limits, 500).map(|records| records.len()));
    });
    group.bench_function("parse_in_place", |b| {
        b.iter(|| read_sent(black_box(&body), &limits, 500, |record, _| !record.action.is_empty()));
    });
    group.bench_function("prepare", |b| b.iter(|| prepared(black_box(&body), &limits).len()));
    group.bench_function("stamp", |b| b.iter(|| written(black_box(&mut out))));
    group.bench_function("hash", |b| b.iter(|| record_hashes(black_box(&bodies)).len()));
    group.bench_function("chain", |b| {
        let first = ChainHash([0; ChainHash::LEN]);
        b.iter(|| black_box(&hashes).iter().fold(first, |before, hash| chain_next(&before, hash)));
    });
    group.finish();
}

/// Records of one request.
const REQUEST: u64 = 500;

fn prepared(body: &[u8], limits: &Limits) -> Prepared {
    let mut all = Prepared::new(limits, 500, body.len());
    let taken = read_sent(body, limits, 500, |record, _| all.push(&record).is_ok());
    assert_eq!(taken, Ok(true), "the records are valid");
    all
}

fn array(records: &[Record]) -> Vec<u8> {
    let lines: Vec<Vec<u8>> = records.iter().map(line).collect();
    let lines: Vec<&[u8]> = lines.iter().map(|line| line.trim_ascii_end()).collect();
    [&b"["[..], &lines.join(&b","[..]), b"]"].concat()
}

/// What a client would send for a record.
fn line(record: &Record) -> Vec<u8> {
    let mut line = Vec::new();
    input_line(record, &mut line);
    line
}

criterion_group!(benches, encode, parse, input, stages);
criterion_main!(benches);
