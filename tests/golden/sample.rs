//! The sample log that the golden files hold: its identity, its test key, its records and its
//! files.
//!
//! Invariant: everything here depends on nothing but this file and the engine; the same code made
//! the committed files. The key is made from a seed that anybody can read: never one of a real
//! log.

use shoseki_engine::format::{ActiveHeader, FrameHeader, FrameKind, encode_record_prefix};
use shoseki_engine::proof::{
    Anchor, Checkpoint, CompactRange, FORMAT, FileSeal, KeyList, LogIdentity, SigningKey, UtcTime,
    chain_genesis, chain_next, leaf_hash, record_hash,
};
use shoseki_engine::record::{
    ActorType, AuditId, Detail, Limits, Outcome, Producer, Record, Salt, Sensitivity, Stamp,
    Timestamp, encode_body,
};
use shoseki_engine::segment::{SegmentBuilder, SegmentInput, SegmentParams};
use shoseki_engine::types::{ChainHash, LogId, NodeHash, Origin, RecordHash, Seq, TreeSize};

/// Random in a real file.
const FILE_TAG: u64 = 0x1112_1314_1516_1718;
/// 2026-11-21T09:30:01.000250Z
const RECEIVED_AT: i64 = 1_795_253_401_000_250;
/// First record of the sample segment: it begins and ends inside a tile and passes the end of one.
pub(crate) const SEGMENT_FIRST: u64 = 100;
/// Records of the sample segment.
pub(crate) const SEGMENT_COUNT: u64 = 300;
/// The record of the sample segment that was erased.
pub(crate) const ERASED: u64 = 260;

pub(crate) fn identity() -> LogIdentity {
    let log_id = LogId(core::array::from_fn(|at| u8::try_from(at * 17).unwrap()));
    LogIdentity { format: FORMAT, origin: Origin::new("shoseki.example/test").unwrap(), log_id }
}

/// Test key `n` of the sample log.
pub(crate) fn key(n: u8) -> SigningKey {
    let mut seed = [7; 32];
    seed[0] = n;
    SigningKey::generate(identity().origin, &seed)
}

pub(crate) fn genesis() -> ChainHash {
    chain_genesis(&identity().origin, &identity().log_id)
}

/// Record `n`; 0 is the example of format.md.
pub(crate) fn body(n: u64) -> Vec<u8> {
    let byte = |i: usize| u8::try_from((n * 31 + i as u64 * 7 + n * n * i as u64) % 256).unwrap();
    let time = Timestamp::parse("2026-11-21T09:30:00Z").unwrap().unix_nanos();
    // Whole seconds, milliseconds, microseconds and nanoseconds, not in order.
    let steps = [1_000_000_000, -7_000_000, 13_000, 1];
    let step = steps[usize::try_from(n % 4).unwrap()];
    let timestamp = Timestamp::from_unix_nanos(time + i64::try_from(n).unwrap() * step).unwrap();
    let mut record = Record::new(timestamp, ActorType::User, "a", "READ_PATIENT", Outcome::Success);
    let mut stamp = Stamp {
        audit_id: AuditId::parse("018f4e9a-7c3b-7d2e-9a51-3c6f0b8e2d14").unwrap(),
        received_at: Timestamp::from_unix_micros(RECEIVED_AT).unwrap(),
        ingested_by: None,
        salt: Salt::from_bytes([0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 250, 255]),
    };
    let producer = Producer::with_key("clinic \"A\"", "k1").unwrap();
    if n > 0 {
        let received_at = RECEIVED_AT + i64::try_from(n / 3).unwrap() * 250;
        let mut id: [u8; 16] = core::array::from_fn(byte);
        id[..8].copy_from_slice(&n.to_le_bytes());
        // Any id, one made by the client and one by the server.
        let millis = |micros: i64| u64::try_from(micros / 1_000).unwrap();
        let random = core::array::from_fn(|i| byte(i + 40));
        stamp.audit_id = match n % 5 {
            1 | 2 => AuditId::v7(millis(timestamp.unix_micros()) + n % 4, random),
            3 => AuditId::v7(millis(received_at), random),
            _ => AuditId::from_bytes(id),
        };
        let request = AuditId::v7(millis(timestamp.unix_micros()) - n % 40, random);
        record.request_id = n.is_multiple_of(4).then(|| request.to_string());
        stamp.salt = Salt::from_bytes(core::array::from_fn(|i| byte(i + 16)));
        stamp.received_at = Timestamp::from_unix_micros(received_at).unwrap();
        record.actor_id = format!("user-{}", n % 7);
        record.target_id = Some(format!("山田-{n}"));
        record.pii_flag = n.is_multiple_of(5);
    }
    if n % 3 == 1 {
        stamp.ingested_by = Some(&producer);
        record.actor_type = ActorType::Device;
        record.result = Outcome::Failure;
        record.sensitivity = Sensitivity::High;
        let detail = format!(r#"{{"n":{n}.10,"text":"\u00e9 \ud800","empty":{{}}}}"#);
        record.detail = Some(Detail::parse(detail.as_bytes(), &Limits::default()).unwrap());
    }
    let mut body = Vec::new();
    encode_body(&record, &stamp, &mut body);
    body
}

pub(crate) fn hash(n: u64) -> RecordHash {
    record_hash(&body(n))
}

/// Chain hash behind the first `n` records.
pub(crate) fn chain(n: u64) -> ChainHash {
    (0..n).fold(genesis(), |at, n| chain_next(&at, &hash(n)))
}

pub(crate) fn range(seqs: core::ops::Range<u64>) -> CompactRange {
    let mut range = CompactRange::new(seqs.start);
    seqs.for_each(|n| range.push(leaf_hash(&hash(n))).unwrap());
    range
}

pub(crate) fn root(size: u64) -> NodeHash {
    range(0..size).root().unwrap()
}

/// The sample active file: batches of the given sizes, each a commit, then a mark and a close.
pub(crate) fn active_file(batches: &[u64], closed: bool) -> Vec<u8> {
    let header = ActiveHeader {
        first_seq: Seq(0),
        file_tag: FILE_TAG,
        identity_sha256: identity().sha256(),
        chain_before: genesis(),
        first_commit: 1,
    };
    let mut file = header.encode();
    let (mut first, mut commit) = (0, 2);
    for count in batches {
        add_frame(&mut file, FrameKind::Records, commit, first, first + count);
        first += count;
        commit += 1;
    }
    if closed {
        add_frame(&mut file, FrameKind::Mark, commit, first, first);
        add_frame(&mut file, FrameKind::Close, commit + 1, first, first);
    }
    file
}

fn add_frame(file: &mut Vec<u8>, kind: FrameKind, commit: u64, first: u64, end: u64) {
    let mut payload = Vec::new();
    for n in first..end {
        let body = body(n);
        payload.extend(encode_record_prefix(u32::try_from(body.len()).unwrap(), &hash(n)));
        payload.extend(body);
    }
    payload.extend(chain(end).0);
    let header = FrameHeader {
        kind,
        commit,
        durable_seq: Seq(first),
        first_seq: Seq(first),
        record_count: u32::try_from(end - first).unwrap(),
        payload_len: u32::try_from(payload.len()).unwrap(),
        file_tag: FILE_TAG,
        offset: file.len() as u64,
        received_at: RECEIVED_AT + i64::try_from(end).unwrap() * 1000,
        payload_crc: crc32fast::hash(&payload),
    };
    header.encode_into(file);
    file.extend(payload);
}

/// A sealed segment of the sample's records.
pub(crate) fn segment(seqs: core::ops::Range<u64>, level: i32, dictionary: Vec<u8>) -> Vec<u8> {
    let params = SegmentParams {
        first_seq: Seq(seqs.start),
        count: seqs.end - seqs.start,
        identity_sha256: identity().sha256(),
        chain_before: chain(seqs.start),
        group_records_max: 16,
        compression_level: level,
        dictionary,
    };
    let mut builder = SegmentBuilder::new(params, Vec::new()).unwrap();
    for n in seqs.clone() {
        let body = body(n);
        let input = if n == ERASED {
            SegmentInput::Erased(AuditId::from_bytes([0xee; 16]), hash(n))
        } else {
            SegmentInput::Body(&body, hash(n))
        };
        builder.push(input).unwrap();
    }
    let anchor = |footer: &shoseki_engine::format::Footer| {
        let anchor = Anchor::of(footer, identity().origin, time());
        anchor.sign(&key(0)).unwrap()
    };
    let seal = |sha256| {
        let (first_seq, count) = (Seq(seqs.start), seqs.end - seqs.start);
        let origin = identity().origin;
        FileSeal { origin, first_seq, count, sha256, ordered_by: None }.sign(&key(0)).unwrap()
    };
    builder.finish(range(0..seqs.start), anchor, seal).unwrap().1
}

pub(crate) fn time() -> UtcTime {
    UtcTime::parse("2026-11-21T10:00:00.250Z").unwrap()
}

/// A segment whose text is stored as it is, whatever the version of zstd: at this level it looks
/// for long repeats only and leaves literals alone.
pub(crate) fn tiny_segment() -> Vec<u8> {
    segment(0..1, -7, Vec::new())
}

/// The signed notes of the sample: (file name, text).
pub(crate) fn notes() -> Vec<(&'static str, String)> {
    let origin = identity().origin;
    let checkpoint = Checkpoint { origin: origin.clone(), size: TreeSize(11), root: root(11) };
    let mut own = CompactRange::new(0);
    (4..9).for_each(|n| own.push(leaf_hash(&hash(n))).unwrap());
    let anchor = Anchor {
        origin: origin.clone(),
        first_seq: Seq(4),
        count: 5,
        chain_before: chain(4),
        chain_after: chain(9),
        segment_root: own.root().unwrap(),
        log_size: TreeSize(11),
        log_root: root(11),
        time: time(),
    };
    let sha256 = identity().sha256();
    let seal = FileSeal { origin, first_seq: Seq(4), count: 5, sha256, ordered_by: Some(Seq(10)) };
    let keys = KeyList::create(&key(0));
    let keys = keys.rotate(&key(0), &key(1).verifier(), TreeSize(5)).unwrap();
    let keys = keys.rotate(&key(1), &key(2).verifier(), TreeSize(9)).unwrap();
    vec![
        ("checkpoint", checkpoint.sign(&key(2)).unwrap()),
        ("anchor", anchor.sign(&key(2)).unwrap()),
        ("seal", seal.sign(&key(1)).unwrap()),
        ("log.vkeys", keys.to_text()),
        ("log.vkey", key(2).verifier().to_line()),
        ("log.json", String::from_utf8(identity().to_bytes()).unwrap()),
    ]
}
