//! Bodies: encoding, parsing, reading JSON of a client.
#![expect(clippy::expect_used, reason = "a bench may stop")]

use std::hint::black_box;

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use shoseki_benches::input::{batches, bodies, stamp};
use shoseki_benches::result;
use shoseki_engine::record::{Body, Limits, Record, encode_body};
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

/// What a client would send for a record.
fn line(record: &Record) -> Vec<u8> {
    let mut line = Vec::new();
    input_line(record, &mut line);
    line
}

criterion_group!(benches, encode, parse, input);
criterion_main!(benches);
