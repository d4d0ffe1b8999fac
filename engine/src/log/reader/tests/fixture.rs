//! Data directories built by hand: sealed segments, active files, checkpoints.

use std::path::Path;
use std::sync::Arc;

use crate::format::{
    ActiveHeader, FRAME_HEADER_LEN, FrameHeader, FrameKind, active_name, encode_record_prefix,
    sealed_name,
};
use crate::io::{OsStorage, Storage};
use crate::log::Reader;
use crate::proof::{
    Anchor, Checkpoint, CompactRange, FileSeal, KeyList, LogIdentity, SigningKey, UtcTime,
    chain_genesis, chain_next, leaf_hash, record_hash,
};
use crate::record::{
    ActorType, AuditId, Detail, Limits, Outcome, Record, Salt, Stamp, Timestamp, encode_body,
};
use crate::segment::{SegmentBuilder, SegmentInput, SegmentParams};
use crate::types::{ChainHash, LogId, NodeHash, Origin, RecordHash, Seq, TreeSize};

const SECOND: i64 = 1_000_000_000;
pub(super) const START: i64 = 1_770_000_000 * SECOND;

pub(super) struct Fixture {
    pub(super) dir: tempfile::TempDir,
    pub(super) identity: LogIdentity,
    pub(super) key: SigningKey,
    pub(super) bodies: Vec<Vec<u8>>,
    pub(super) hashes: Vec<RecordHash>,
    /// Chain hash after each.
    pub(super) chain: Vec<ChainHash>,
    sealed: u64,
    frontier: CompactRange,
}

/// One frame of an active file under construction.
#[derive(Clone, Copy)]
pub(super) enum Put {
    Records(u64),
    Mark,
    Close,
}

/// Every third is a UUIDv7 of the time of arrival, of which a sealed file holds ten bytes.
pub(super) fn audit_id(seq: u64) -> AuditId {
    if seq % 3 == 2 {
        let random = (seq + 1).wrapping_mul(0x9e37_79b9_7f4a_7c15).to_le_bytes();
        let [a, b, c, d, e, f, g, h] = random;
        let millis = START.unsigned_abs() / 1_000_000 + seq * 1_000;
        return AuditId::v7(millis, [a, b, c, d, e, f, g, h, 0, 0]);
    }
    let mut bytes = [0x5a; 16];
    bytes[..8].copy_from_slice(&(seq.wrapping_mul(0x9e37_79b9_7f4a_7c15)).to_le_bytes());
    AuditId::from_bytes(bytes)
}

/// Clocks of clients run wild by up to a minute.
pub(super) fn time_of(seq: u64) -> Timestamp {
    let jitter = i64::try_from(seq * 37 % 61).unwrap();
    let nanos = START + i64::try_from(seq).unwrap() * SECOND + jitter * SECOND;
    Timestamp::from_unix_nanos(nanos).unwrap()
}

pub(super) fn body_of(seq: u64) -> Vec<u8> {
    let result = [Outcome::Success, Outcome::Failure, Outcome::Warning][(seq % 3) as usize];
    let (actor, action) = (format!("user-{}", seq % 7), format!("ACTION_{}", seq % 5));
    let mut record = Record::new(time_of(seq), ActorType::User, actor, action, result);
    let detail = format!("{{\"patientId\":\"p{}\",\"n\":{seq}}}", seq % 11);
    record.detail = Some(Detail::parse(detail.as_bytes(), &Limits::default()).unwrap());
    let stamp = Stamp {
        audit_id: audit_id(seq),
        received_at: Timestamp::from_unix_nanos(START + i64::try_from(seq).unwrap() * SECOND)
            .unwrap(),
        ingested_by: None,
        salt: Salt::from_bytes([(seq % 251) as u8; 12]),
    };
    let mut body = Vec::new();
    encode_body(&record, &stamp, &mut body);
    body
}

impl Fixture {
    pub(super) fn new() -> Self {
        Self::with_id(1)
    }

    pub(super) fn with_id(id: u8) -> Self {
        let dir = tempfile::tempdir().unwrap();
        let origin = Origin::new("test.example/log").unwrap();
        let identity = LogIdentity { format: 0, origin: origin.clone(), log_id: LogId([id; 16]) };
        let key = SigningKey::generate(origin, &[9; 32]);
        let write = |name: &str, text: &[u8]| std::fs::write(dir.path().join(name), text).unwrap();
        write("log.json", &identity.to_bytes());
        write("log.vkey", format!("{}\n", key.verifier()).as_bytes());
        write("log.vkeys", KeyList::create(&key).to_text().as_bytes());
        std::fs::create_dir(dir.path().join("active")).unwrap();
        std::fs::create_dir(dir.path().join("sealed")).unwrap();
        Self {
            dir,
            identity,
            key,
            bodies: Vec::new(),
            hashes: Vec::new(),
            chain: Vec::new(),
            sealed: 0,
            frontier: CompactRange::new(0),
        }
    }

    pub(super) fn path(&self) -> &Path {
        self.dir.path()
    }

    pub(super) fn storage(&self) -> Arc<dyn Storage> {
        Arc::new(OsStorage::new(self.path()))
    }

    pub(super) fn open(&self) -> Reader {
        Reader::open(self.path()).unwrap()
    }

    pub(super) fn size(&self) -> u64 {
        self.bodies.len() as u64
    }

    /// Makes records up to a seq; they are in no file yet.
    pub(super) fn grow(&mut self, size: u64) {
        while self.size() < size {
            let body = body_of(self.size());
            let hash = record_hash(&body);
            self.chain.push(chain_next(&self.chain_before(self.size()), &hash));
            self.hashes.push(hash);
            self.bodies.push(body);
        }
    }

    pub(super) fn chain_before(&self, seq: u64) -> ChainHash {
        match seq.checked_sub(1) {
            Some(last) => self.chain[last as usize],
            None => chain_genesis(&self.identity.origin, &self.identity.log_id),
        }
    }

    pub(super) fn leaves(&self) -> Vec<NodeHash> {
        self.hashes.iter().map(leaf_hash).collect()
    }

    /// Seals the next `count` records; the file's name.
    pub(super) fn seal(&mut self, count: u64) -> String {
        let first = self.sealed;
        self.grow(first + count);
        let params = SegmentParams {
            first_seq: Seq(first),
            count,
            identity_sha256: self.identity.sha256(),
            chain_before: self.chain_before(first),
            group_records_max: 16,
            compression_level: 1,
            dictionary: Vec::new(),
        };
        let mut builder = SegmentBuilder::new(params, Vec::new()).unwrap();
        for seq in first..first + count {
            let at = seq as usize;
            builder.push(SegmentInput::Body(&self.bodies[at], self.hashes[at])).unwrap();
        }
        let origin = self.identity.origin.clone();
        let anchor = |footer: &crate::format::Footer| {
            let anchor =
                Anchor::of(footer, origin.clone(), UtcTime::parse("2026-01-01T00:00:00Z").unwrap());
            anchor.sign(&self.key).unwrap()
        };
        let seal = |sha256| {
            let (first_seq, origin) = (Seq(first), origin.clone());
            let seal = FileSeal { origin, first_seq, count, sha256, ordered_by: None };
            seal.sign(&self.key).unwrap()
        };
        let (built, bytes) = builder.finish(self.frontier.clone(), anchor, seal).unwrap();
        let name = format!("sealed/{}", sealed_name(Seq(first), count));
        std::fs::write(self.path().join(&name), bytes).unwrap();
        self.frontier = built.frontier;
        self.sealed += count;
        name
    }

    /// Writes an active file behind what is sealed; its name and the offset of each frame.
    pub(super) fn active(&mut self, puts: &[Put]) -> (String, Vec<usize>) {
        self.active_from(self.sealed, 1, puts)
    }

    pub(super) fn active_from(
        &mut self,
        first: u64,
        first_commit: u64,
        puts: &[Put],
    ) -> (String, Vec<usize>) {
        let header = ActiveHeader {
            first_seq: Seq(first),
            file_tag: 77 + first,
            identity_sha256: self.identity.sha256(),
            chain_before: self.chain_before(first),
            first_commit,
        };
        let mut bytes = header.encode();
        let mut offsets = Vec::new();
        let mut next = first;
        for (commit, put) in (first_commit..).zip(puts) {
            let (kind, count) = match put {
                Put::Records(count) => (FrameKind::Records, *count),
                Put::Mark => (FrameKind::Mark, 0),
                Put::Close => (FrameKind::Close, 0),
            };
            offsets.push(bytes.len());
            self.grow(next + count);
            self.frame(&mut bytes, &header, kind, commit, next..next + count);
            next += count;
        }
        let name = format!("active/{}", active_name(Seq(first)));
        std::fs::write(self.path().join(&name), &bytes).unwrap();
        (name, offsets)
    }

    fn frame(
        &self,
        out: &mut Vec<u8>,
        header: &ActiveHeader,
        kind: FrameKind,
        commit: u64,
        seqs: std::ops::Range<u64>,
    ) {
        let mut payload = Vec::new();
        for seq in seqs.clone() {
            let body = &self.bodies[seq as usize];
            let len = u32::try_from(body.len()).unwrap();
            payload.extend_from_slice(&encode_record_prefix(len, &self.hashes[seq as usize]));
            payload.extend_from_slice(body);
        }
        payload.extend_from_slice(&self.chain_before(seqs.end).0);
        let frame = FrameHeader {
            kind,
            commit,
            durable_seq: Seq(seqs.start),
            first_seq: Seq(seqs.start),
            record_count: u32::try_from(seqs.end - seqs.start).unwrap(),
            payload_len: u32::try_from(payload.len()).unwrap(),
            file_tag: header.file_tag,
            offset: out.len() as u64,
            received_at: START / 1000 + i64::try_from(seqs.start).unwrap(),
            payload_crc: crc32fast::hash(&payload),
        };
        let start = out.len();
        frame.encode_into(out);
        assert_eq!(out.len() - start, FRAME_HEADER_LEN);
        out.extend_from_slice(&payload);
    }

    /// Signs a checkpoint over the first `size` records.
    pub(super) fn checkpoint(&self, size: u64) {
        let mut range = CompactRange::new(0);
        for leaf in &self.leaves()[..size as usize] {
            range.push(*leaf).unwrap();
        }
        let (origin, root) = (self.identity.origin.clone(), range.root().unwrap());
        let note = Checkpoint { origin, size: TreeSize(size), root }.sign(&self.key).unwrap();
        std::fs::write(self.path().join("checkpoint"), note).unwrap();
    }

    pub(super) fn remove(&self, name: &str) {
        std::fs::remove_file(self.path().join(name)).unwrap();
    }

    /// Changes one byte of a file.
    pub(super) fn flip(&self, name: &str, offset: usize) {
        let path = self.path().join(name);
        let mut bytes = std::fs::read(&path).unwrap();
        bytes[offset] ^= 0x10;
        std::fs::write(&path, bytes).unwrap();
    }
}
