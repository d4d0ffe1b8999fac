//! Hashes of records, the chain, and proofs over a tree that is in memory.
#![expect(clippy::expect_used, reason = "a bench may stop")]

use std::hint::black_box;

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use shoseki_benches::input::bodies;
use shoseki_benches::result;
use shoseki_engine::proof::{
    CompactRange, NodeId, chain_next, leaf_hash, node_hash, prove_inclusion, record_hash,
    verify_inclusion,
};
use shoseki_engine::types::{ChainHash, NodeHash};

const RECORDS: u64 = 1 << 12;

fn chain(c: &mut Criterion) {
    let bodies = bodies(1, 256);
    let all = || {
        bodies
            .iter()
            .fold(ChainHash([0; 64]), |last, body| chain_next(&last, &record_hash(black_box(body))))
    };
    result("proof/record_hash_and_chain", &all().0);
    let mut group = c.benchmark_group("proof");
    group.throughput(Throughput::Elements(bodies.len() as u64));
    group.bench_function("record_hash_and_chain", |b| b.iter(all));
    group.finish();
}

fn tree(c: &mut Criterion) {
    let leaves = leaves();
    let all = || {
        let mut range = CompactRange::new(0);
        leaves.iter().for_each(|leaf| range.push(*leaf).expect("a leaf"));
        range.root().expect("a root")
    };
    result("proof/tree", &all().0);
    let mut group = c.benchmark_group("proof");
    group.throughput(Throughput::Elements(RECORDS));
    group.bench_function("tree", |b| b.iter(|| black_box(all())));
    group.finish();
}

fn inclusion(c: &mut Criterion) {
    let levels = levels(leaves());
    let fetch = |id: NodeId| -> Result<NodeHash, ()> {
        let level = levels.get(usize::from(id.level)).ok_or(())?;
        level.get(usize::try_from(id.index).map_err(|_| ())?).copied().ok_or(())
    };
    let root = levels.last().and_then(|level| level.first()).copied().expect("a root");
    let one = |index: u64| {
        let leaf = levels[0][usize::try_from(index).expect("small")];
        let proof = prove_inclusion(index, RECORDS, fetch).expect("a proof");
        verify_inclusion(&leaf, index, RECORDS, &proof, &root).expect("a valid proof");
        proof
    };
    let bytes: Vec<u8> = one(1234).iter().flat_map(|node| node.0).collect();
    result("proof/inclusion", &bytes);
    c.bench_function("proof/inclusion_made_and_verified", |b| b.iter(|| one(black_box(1234))));
}

fn leaves() -> Vec<NodeHash> {
    let bodies = bodies(2, RECORDS);
    bodies.iter().map(|body| leaf_hash(&record_hash(body))).collect()
}

/// All levels of a tree whose size is a power of two.
fn levels(leaves: Vec<NodeHash>) -> Vec<Vec<NodeHash>> {
    let mut levels = vec![leaves];
    while let Some(below) = levels.last().filter(|level| level.len() > 1) {
        let pairs = below.as_chunks::<2>().0;
        levels.push(pairs.iter().map(|[left, right]| node_hash(left, right)).collect());
    }
    levels
}

criterion_group!(benches, chain, tree, inclusion);
criterion_main!(benches);
