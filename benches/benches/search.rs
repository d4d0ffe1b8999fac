//! What searching costs per record: taking its keys out, and looking for a word in it.
#![expect(clippy::expect_used, reason = "a bench may stop")]

use std::hint::black_box;

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use shoseki_benches::input::bodies;
use shoseki_benches::result;
use shoseki_engine::index::terms::Extractor;
use shoseki_engine::query::{Filter, Word};
use shoseki_engine::record::Body;
use shoseki_engine::text::{Phrase, Units};

const RECORDS: u64 = 256;

fn keys(c: &mut Criterion) {
    let bodies = bodies(1, RECORDS);
    let bodies: Vec<Body<'_>> =
        bodies.iter().map(|body| Body::parse(body).expect("a body")).collect();
    let mut extractor = Extractor::new();
    let mut all = || {
        let terms = bodies.iter().map(|body| extractor.slot_keys(black_box(body)).terms.len());
        terms.sum::<usize>()
    };
    result("search/slot_keys", &all().to_le_bytes());
    let mut group = c.benchmark_group("search");
    group.throughput(Throughput::Elements(RECORDS));
    group.bench_function("slot_keys", |b| b.iter(&mut all));
    for word in ["schedule", "カルテ"] {
        let filter = Filter { words: vec![Word::new(word)], ..Filter::default() };
        let all = || bodies.iter().filter(|body| filter.matches(black_box(body))).count();
        group.bench_function(format!("matches {word}"), |b| b.iter(all));
    }
    group.finish();
}

fn texts(c: &mut Criterion) {
    let values: Vec<String> = (0..RECORDS).map(|n| format!("u{n:06}")).collect();
    let mut units = Units::new();
    let mut group = c.benchmark_group("text");
    group.throughput(Throughput::Elements(RECORDS));
    for word in ["schedule", "u", "カルテ"] {
        let phrase = Phrase::new(word);
        let mut all = || values.iter().filter(|value| phrase.is_in(value, &mut units)).count();
        group.bench_function(format!("values with {word}"), |b| b.iter(&mut all));
    }
    group.throughput(Throughput::Elements(1));
    for (name, text) in [
        ("ascii", "Follow-up visit, blood pressure 128/82, next appointment in 14 days"),
        ("japanese", "再診。血圧128/82、次回予約は14日後。カルテ参照のこと"),
        ("half-width", "ｶﾙﾃ ﾃﾞｰﾀ ｻﾝﾌﾟﾙ ２０２６年"),
    ] {
        let mut units = Units::new();
        group
            .bench_function(format!("units of {name}"), |b| b.iter(|| units.fill(black_box(text))));
    }
    group.finish();
}

criterion_group!(benches, keys, texts);
criterion_main!(benches);
