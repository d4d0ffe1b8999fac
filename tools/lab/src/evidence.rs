//! Makes small whole logs in memory, without the log module: what tests of the auditor work on.
//!
//! Invariant: everything follows from the [`Plan`]; two logs of one plan are equal byte for byte.
//! Knows nothing about how logs are tampered with, nor about the writer.
#![expect(clippy::unwrap_used, reason = "a fixture that can't be made has to fail its test")]

use std::collections::BTreeMap;

use shoseki_engine::format::{
    ActiveHeader, FRAME_HEADER_LEN, FrameHeader, FrameKind, active_name, encode_record_prefix,
    sealed_name,
};
use shoseki_engine::proof::{
    Anchor, Checkpoint, CompactRange, FORMAT, FileSeal, KeyList, LogIdentity, SigningKey, UtcTime,
    VerifierKey, chain_genesis, chain_next, leaf_hash, record_hash, tiles_of,
};
use shoseki_engine::record::{
    ActorType, AuditId, Detail, Limits, Outcome, Producer, Record, Salt, Sensitivity, Stamp,
    Timestamp, encode_body,
};
use shoseki_engine::segment::{SegmentBuilder, SegmentInput, SegmentParams};
use shoseki_engine::types::{ChainHash, LogId, NodeHash, Origin, RecordHash, Seq, TreeSize};

/// First moment of every log made here, microseconds since 1970.
const START: i64 = 1_795_000_000_000_000;

/// What kind of log is made.
#[derive(Clone, Debug)]
pub struct Plan {
    /// Seed of key, log id and salts.
    pub seed: u8,
    /// Records of each sealed segment.
    pub sealed: Vec<u64>,
    /// Records of each frame of the active file.
    pub frames: Vec<u64>,
    /// Whether the active file ends with a close frame; otherwise with a mark.
    pub closed: bool,
    /// From this seq on the records are others: a copy of the log that went on differently.
    pub differs_from: u64,
    /// Most records of a group.
    pub group: u16,
    /// Seed of another key, by which everything is signed.
    pub forger: Option<u8>,
}

impl Default for Plan {
    fn default() -> Self {
        Self {
            seed: 1,
            sealed: vec![21, 18, 20],
            frames: vec![3, 1, 4, 2],
            closed: false,
            differs_from: u64::MAX,
            group: 4,
            forger: None,
        }
    }
}

/// A log and what it was made with.
pub struct Log {
    /// Its files by path in the data directory.
    pub files: BTreeMap<String, Vec<u8>>,
    /// Its key.
    pub key: SigningKey,
    /// Who it is.
    pub identity: LogIdentity,
    /// All bodies by seq.
    pub bodies: Vec<Vec<u8>>,
    /// Chain hash before each record, and the one behind the last.
    pub chain: Vec<ChainHash>,
}

impl Log {
    /// Its verifier key.
    #[must_use]
    pub fn vkey(&self) -> VerifierKey {
        self.key.verifier()
    }

    /// Compact range of the first `size` records.
    #[must_use]
    pub fn frontier(&self, size: u64) -> CompactRange {
        let mut range = CompactRange::new(0);
        for body in self.bodies.iter().take(usize::try_from(size).unwrap()) {
            range.push(leaf_hash(&record_hash(body))).unwrap();
        }
        range
    }

    /// A signed checkpoint of the first `size` records.
    #[must_use]
    pub fn checkpoint(&self, size: u64) -> Vec<u8> {
        let root = self.frontier(size).root().unwrap();
        let origin = self.identity.origin.clone();
        let checkpoint = Checkpoint { origin, size: TreeSize(size), root };
        checkpoint.sign(&self.key).unwrap().into_bytes()
    }

    /// Path of the active file.
    #[must_use]
    pub fn active_path(&self) -> String {
        self.files.keys().find(|path| path.starts_with("active/")).unwrap().clone()
    }

    /// Paths of the sealed files in order.
    #[must_use]
    pub fn sealed_paths(&self) -> Vec<String> {
        self.files.keys().filter(|path| path.starts_with("sealed/")).cloned().collect()
    }

    /// Records.
    #[must_use]
    pub fn size(&self) -> u64 {
        self.bodies.len() as u64
    }
}

/// A body: record `seq` of a clinic's day. Records of one batch have one time of receipt.
#[must_use]
pub fn body(seq: u64, batch: u64, variant: u8) -> Vec<u8> {
    const ACTIONS: [&str; 4] = ["LOGIN", "PATIENT_VIEW", "CLAIM_SEND", "診療記録_UPDATE"];
    const NAMES: [&str; 3] = ["佐藤 花子", "𠮷田 太郎", "O'Neil \"the\" nurse"];
    let at = |n: u64, len: usize| usize::try_from(n).unwrap() % len;
    let time = START + i64::try_from(batch).unwrap() * 1_250;
    let outcome = if seq % 5 == 3 { Outcome::Failure } else { Outcome::Success };
    let actor = format!("u-{}", seq % 7);
    let timestamp = Timestamp::from_unix_micros(time - 77_000).unwrap();
    let action = ACTIONS[at(seq, 4)];
    let mut record = Record::new(timestamp, ActorType::User, actor, action, outcome);
    record.actor_role = seq.is_multiple_of(2).then(|| "nurse".to_owned());
    record.pii_flag = seq.is_multiple_of(3);
    record.sensitivity = if seq % 4 == 1 { Sensitivity::High } else { Sensitivity::Low };
    let name = NAMES[at(seq, 3)].replace('"', "\\\"");
    let detail = format!("{{\"patientId\":\"P-{seq:05}\",\"name\":\"{name}\",\"v\":{variant}.10}}");
    record.detail = Some(Detail::parse(detail.as_bytes(), &Limits::default()).unwrap());
    let mut random = [variant; 12];
    random[..8].copy_from_slice(&seq.wrapping_mul(0x9E37_79B9_7F4A_7C15).to_le_bytes());
    let id: [u8; 10] = random[..10].try_into().unwrap();
    let producer = Producer::new("clinic-server").unwrap();
    let stamp = Stamp {
        audit_id: AuditId::v7(START.unsigned_abs() / 1_000 + seq, id),
        received_at: Timestamp::from_unix_micros(time).unwrap(),
        ingested_by: Some(&producer),
        salt: Salt::from_bytes(random),
    };
    let mut out = Vec::new();
    encode_body(&record, &stamp, &mut out);
    out
}

/// A sealed segment before it is built.
pub struct SealedPlan<'a> {
    /// The log's key.
    pub key: &'a SigningKey,
    /// The log.
    pub identity: &'a LogIdentity,
    /// Seq of the first record.
    pub first: u64,
    /// Its records.
    pub bodies: &'a [Vec<u8>],
    /// Places of records that are erased.
    pub erased: &'a [usize],
    /// Chain hash before them.
    pub chain_before: ChainHash,
    /// The log before them.
    pub frontier: CompactRange,
    /// Most records of a group.
    pub group: u16,
    /// Compression dictionary.
    pub dictionary: Vec<u8>,
}

impl SealedPlan<'_> {
    /// The file's bytes.
    #[must_use]
    pub fn build(self) -> Vec<u8> {
        let count = self.bodies.len() as u64;
        let params = SegmentParams {
            first_seq: Seq(self.first),
            count,
            identity_sha256: self.identity.sha256(),
            chain_before: self.chain_before,
            group_records_max: self.group,
            compression_level: 3,
            dictionary: self.dictionary,
        };
        let mut builder = SegmentBuilder::new(params, Vec::new()).unwrap();
        for (at, body) in self.bodies.iter().enumerate() {
            let hash = record_hash(body);
            let input = if self.erased.contains(&at) {
                SegmentInput::Erased(AuditId::from_bytes([7; 16]), hash)
            } else {
                SegmentInput::Body(body, hash)
            };
            builder.push(input).unwrap();
        }
        let origin = || self.identity.origin.clone();
        let anchor = |footer: &shoseki_engine::format::Footer| {
            let anchor =
                Anchor::of(footer, origin(), UtcTime::parse("2026-11-21T09:00:00Z").unwrap());
            anchor.sign(self.key).unwrap()
        };
        let seal = |sha256: [u8; 32]| sign_seal(self.key, self.identity, self.first, count, sha256);
        builder.finish(self.frontier, anchor, seal).unwrap().1
    }
}

/// A signed file seal.
#[must_use]
pub fn sign_seal(
    key: &SigningKey,
    identity: &LogIdentity,
    first: u64,
    count: u64,
    sha256: [u8; 32],
) -> String {
    let origin = identity.origin.clone();
    let seal = FileSeal { origin, first_seq: Seq(first), count, sha256, ordered_by: None };
    seal.sign(key).unwrap()
}

/// An active file while it is written.
pub struct ActiveMaker {
    /// The file so far.
    pub bytes: Vec<u8>,
    /// Where each frame begins.
    pub frames: Vec<u64>,
    tag: u64,
    next: u64,
    commit: u64,
    chain: ChainHash,
    received: i64,
}

impl ActiveMaker {
    /// A file without frames.
    #[must_use]
    pub fn new(identity: &LogIdentity, first: u64, chain_before: ChainHash, tag: u64) -> Self {
        let header = ActiveHeader {
            first_seq: Seq(first),
            file_tag: tag,
            identity_sha256: identity.sha256(),
            chain_before,
            first_commit: 40,
        };
        let (bytes, frames) = (header.encode(), Vec::new());
        let chain = chain_before;
        Self { bytes, frames, tag, next: first, commit: 39, chain, received: START }
    }

    /// Adds a frame as a commit of its own; everything before it was durable.
    pub fn frame(&mut self, kind: FrameKind, bodies: &[Vec<u8>]) {
        let mut payload = Vec::new();
        for body in bodies {
            let hash = record_hash(body);
            let len = u32::try_from(body.len()).unwrap();
            payload.extend_from_slice(&encode_record_prefix(len, &hash));
            payload.extend_from_slice(body);
            self.chain = chain_next(&self.chain, &hash);
            let parsed = shoseki_engine::record::Body::parse(body).unwrap();
            self.received = parsed.received_at().unix_micros();
        }
        payload.extend_from_slice(&self.chain.0);
        self.commit += 1;
        let header = FrameHeader {
            kind,
            commit: self.commit,
            durable_seq: Seq(self.next),
            first_seq: Seq(self.next),
            record_count: u32::try_from(bodies.len()).unwrap(),
            payload_len: u32::try_from(payload.len()).unwrap(),
            file_tag: self.tag,
            offset: self.bytes.len() as u64,
            received_at: self.received,
            payload_crc: crc32(&payload),
        };
        self.frames.push(self.bytes.len() as u64);
        self.next += bodies.len() as u64;
        header.encode_into(&mut self.bytes);
        self.bytes.extend_from_slice(&payload);
    }
}

/// Where the frames of an active file begin, and where the last one ends.
#[must_use]
pub fn frame_places(file: &[u8]) -> Vec<usize> {
    let mut places = vec![shoseki_engine::format::ACTIVE_HEADER_LEN];
    while let Some(at) = places.last().copied()
        && let Some(bytes) = file.get(at..at + FRAME_HEADER_LEN)
        && let Ok(header) = FrameHeader::decode(bytes)
    {
        places.push(at + FRAME_HEADER_LEN + header.payload_len());
    }
    places
}

/// CRC-32 (IEEE), bit by bit: slow, small and written apart from the engine's.
#[must_use]
pub fn crc32(bytes: &[u8]) -> u32 {
    let mut crc = u32::MAX;
    for byte in bytes {
        crc ^= u32::from(*byte);
        for _ in 0..8 {
            crc = if crc & 1 == 1 { crc >> 1 ^ 0xEDB8_8320 } else { crc >> 1 };
        }
    }
    !crc
}

/// The signed anchor of the records `[first, end)` of a log, made when it had `size` records.
#[must_use]
pub fn day_anchor(log: &Log, first: u64, end: u64, size: u64) -> Vec<u8> {
    let place = |seq: u64| usize::try_from(seq).unwrap();
    let mut own = CompactRange::new(0);
    for body in &log.bodies[place(first)..place(end)] {
        own.push(leaf_hash(&record_hash(body))).unwrap();
    }
    let anchor = Anchor {
        origin: log.identity.origin.clone(),
        first_seq: Seq(first),
        count: end - first,
        chain_before: log.chain[place(first)],
        chain_after: log.chain[place(end)],
        segment_root: own.root().unwrap(),
        log_size: TreeSize(size),
        log_root: log.frontier(size).root().unwrap(),
        time: UtcTime::parse("2026-11-21T23:59:59.250Z").unwrap(),
    };
    anchor.sign(&log.key).unwrap().into_bytes()
}

impl Plan {
    /// Seqs at which batches begin, sealed ones too: three records each, ended by each segment.
    fn batches(&self) -> Vec<u64> {
        let mut batches = Vec::new();
        let mut batch = 0;
        for count in &self.sealed {
            batches.extend((0..*count).map(|at| batch + at / 3));
            batch += count.div_ceil(3);
        }
        for count in &self.frames {
            batches.extend((0..*count).map(|_| batch));
            batch += 1;
        }
        batches
    }

    /// Makes the log.
    #[must_use]
    pub fn make(&self) -> Log {
        let origin = Origin::new("example.org/audit").unwrap();
        let key = SigningKey::generate(origin.clone(), &[self.forger.unwrap_or(self.seed); 32]);
        let log_id = LogId([self.seed; 16]);
        let identity = LogIdentity { format: FORMAT, origin, log_id };
        let variant = |seq: u64| if seq >= self.differs_from { 2 } else { 1 };
        let batches = self.batches().into_iter();
        let bodies: Vec<Vec<u8>> =
            batches.zip(0..).map(|(batch, seq)| body(seq, batch, variant(seq))).collect();
        let mut chain = vec![chain_genesis(&identity.origin, &identity.log_id)];
        for body in &bodies {
            let next = chain_next(chain.last().unwrap(), &record_hash(body));
            chain.push(next);
        }
        let mut log = Log { files: BTreeMap::new(), key, identity, bodies, chain };
        let sealed_end = self.seal(&mut log);
        self.activate(&mut log, sealed_end);
        log.files.insert("log.json".to_owned(), log.identity.to_bytes());
        log.files.insert("log.vkey".to_owned(), format!("{}\n", log.vkey()).into_bytes());
        let keys = KeyList::create(&log.key).to_text().into_bytes();
        log.files.insert("log.vkeys".to_owned(), keys);
        log.files.insert("checkpoint".to_owned(), log.checkpoint(log.size()));
        let (size, day) = (log.size(), log.size() / 2);
        log.files.insert("anchors/2026-11-20/anchor".to_owned(), day_anchor(&log, 0, day, size));
        let rest = day_anchor(&log, day, size, size);
        log.files.insert("anchors/2026-11-21/anchor".to_owned(), rest);
        store_tiles(&mut log);
        log
    }

    fn seal(&self, log: &mut Log) -> u64 {
        let mut first = 0;
        for count in &self.sealed {
            let place = |seq: u64| usize::try_from(seq).unwrap();
            let plan = SealedPlan {
                key: &log.key,
                identity: &log.identity,
                first,
                bodies: &log.bodies[place(first)..place(first + count)],
                erased: &[],
                chain_before: log.chain[place(first)],
                frontier: log.frontier(first),
                group: self.group,
                dictionary: b"patientId name nurse LOGIN PATIENT_VIEW CLAIM_SEND success".to_vec(),
            };
            let bytes = plan.build();
            log.files.insert(format!("sealed/{}", sealed_name(Seq(first), *count)), bytes);
            first += count;
        }
        first
    }

    fn activate(&self, log: &mut Log, first: u64) {
        let place = |seq: u64| usize::try_from(seq).unwrap();
        let tag = 0x5eed_0000_0000_0000 | u64::from(self.seed);
        let mut maker = ActiveMaker::new(&log.identity, first, log.chain[place(first)], tag);
        let mut at = first;
        for count in &self.frames {
            maker.frame(FrameKind::Records, &log.bodies[place(at)..place(at + count)]);
            at += count;
        }
        let last = if self.closed { FrameKind::Close } else { FrameKind::Mark };
        maker.frame(last, &[]);
        log.files.insert(format!("active/{}", active_name(Seq(first))), maker.bytes);
    }
}

/// Stores the tiles of level 1 and above.
fn store_tiles(log: &mut Log) {
    let leaves: Vec<NodeHash> =
        log.bodies.iter().map(|body| leaf_hash(&record_hash(body))).collect();
    for tile in tiles_of(log.size()).filter(|tile| tile.level() > 0) {
        let mut bytes = Vec::new();
        for node in tile.nodes() {
            let range = node.leaves().unwrap();
            let place = |seq: u64| usize::try_from(seq).unwrap();
            let mut own = CompactRange::new(0);
            for leaf in &leaves[place(range.start)..place(range.end)] {
                own.push(*leaf).unwrap();
            }
            bytes.extend_from_slice(&own.root().unwrap().0);
        }
        log.files.insert(tile.path(), bytes);
    }
}

/// Hashes of bodies.
#[must_use]
pub fn hashes(bodies: &[Vec<u8>]) -> Vec<RecordHash> {
    bodies.iter().map(|body| record_hash(body)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_plan_makes_one_log_and_the_checksum_is_the_usual_one() {
        assert_eq!(crc32(b"123456789"), 0xCBF4_3926);
        let (a, b) = (Plan::default().make(), Plan::default().make());
        assert_eq!(a.files, b.files);
        assert_eq!(a.bodies.len(), 69);
        let places = frame_places(&a.files[&a.active_path()]);
        assert_eq!(places.len(), 6);
        assert_eq!(places.last(), Some(&a.files[&a.active_path()].len()));
    }
}
