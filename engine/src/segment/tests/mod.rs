//! Tests of segments as values: packing, scanning, building, reading, and what damage does to each.
#![expect(clippy::indexing_slicing, reason = "tests index what they have just built")]

mod builder;
mod packing;
mod scanning;
mod sealed;

use super::*;
use crate::proof::{CompactRange, chain_next, leaf_hash, record_hash};
use crate::record::{
    ActorType, AuditId, Body, Detail, Limits, Outcome, Record, Salt, Sensitivity, Stamp, Timestamp,
    encode_body,
};
use crate::types::{ChainHash, RecordHash, Seq};

/// 2026-11-21T09:30:01.000250Z
const RECEIVED_AT: i64 = 1_795_253_401_000_250;
const GENESIS: ChainHash = ChainHash([9; 64]);

/// Record `n`: its members, times and length differ from its neighbours'.
fn body(n: u64) -> Vec<u8> {
    let micros = RECEIVED_AT + i64::try_from(n * n % 1_000_003).unwrap();
    let time = Timestamp::from_unix_micros(micros).unwrap();
    let actor = [ActorType::User, ActorType::Device, ActorType::System];
    let kind = actor[usize::try_from(n % 3).unwrap()];
    let mut record = Record::new(time, kind, format!("u{}", n % 11), "READ", Outcome::Success);
    record.result = if n % 10 == 3 { Outcome::Failure } else { Outcome::Success };
    record.sensitivity = if n % 4 == 1 { Sensitivity::High } else { Sensitivity::Low };
    record.pii_flag = n.is_multiple_of(6);
    if n.is_multiple_of(2) {
        let detail = format!(
            r#"{{"n":{n}.0,"words":"{}"}}"#,
            "ward ".repeat(usize::try_from(n % 5).unwrap())
        );
        record.detail = Some(Detail::parse(detail.as_bytes(), &Limits::default()).unwrap());
    }
    let mut id = [0; 16];
    id[..8].copy_from_slice(&n.to_le_bytes());
    let received_at = RECEIVED_AT + i64::try_from(n / 4).unwrap();
    let stamp = Stamp {
        audit_id: AuditId::from_bytes(id),
        received_at: Timestamp::from_unix_micros(received_at).unwrap(),
        ingested_by: None,
        salt: Salt::from_bytes(id[..12].try_into().unwrap()),
    };
    let mut body = Vec::new();
    encode_body(&record, &stamp, &mut body);
    body
}

fn hash(n: u64) -> RecordHash {
    record_hash(&body(n))
}

/// Chain hash behind the records of `seqs`.
fn chain(before: ChainHash, seqs: std::ops::Range<u64>) -> ChainHash {
    seqs.fold(before, |at, n| chain_next(&at, &hash(n)))
}

fn range(seqs: std::ops::Range<u64>) -> CompactRange {
    let mut range = CompactRange::new(seqs.start);
    seqs.for_each(|n| range.push(leaf_hash(&hash(n))).unwrap());
    range
}

/// How a test's segment is built.
#[derive(Clone)]
struct Shape {
    group: u16,
    dictionary: Vec<u8>,
    erased: fn(u64) -> bool,
}

const PLAIN: Shape = Shape { group: 16, dictionary: Vec::new(), erased: |_| false };
/// A note in the place of anchor and seal.
const NOTE: &str = "note\n";

fn build(seqs: std::ops::Range<u64>, shape: &Shape) -> (BuiltSegment, Vec<u8>) {
    let params = SegmentParams {
        first_seq: Seq(seqs.start),
        count: seqs.end - seqs.start,
        identity_sha256: [3; 32],
        chain_before: chain(GENESIS, 0..seqs.start),
        group_records_max: shape.group,
        compression_level: 6,
        dictionary: shape.dictionary.clone(),
    };
    let mut builder = SegmentBuilder::new(params, Vec::new()).unwrap();
    for n in seqs.clone() {
        let body = body(n);
        let input = if (shape.erased)(n) {
            SegmentInput::Erased(AuditId::from_bytes([0xee; 16]), hash(n))
        } else {
            SegmentInput::Body(&body, hash(n))
        };
        builder.push(input).unwrap();
    }
    let digest = |sha256: [u8; 32]| crate::types::to_hex(&sha256);
    builder.finish(range(0..seqs.start), |_| NOTE.to_owned(), digest).unwrap()
}
