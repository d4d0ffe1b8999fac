//! A caller's batch as the bytes that will be stored, made in the caller's thread.
//!
//! Invariant: after [`EncodedBatch::encode`] only the chain step is left to do in order. Records
//! that were validated here can't make the sequencer fail. Knows nothing of seqs.

use std::sync::Arc;

use super::buffers::{Buffer, Buffers};
use super::error::AppendError;
use super::room::Room;
use crate::format::{FRAME_PAYLOAD_LEN_MAX, RECORD_PREFIX_LEN, encode_record_prefix};
use crate::index::ids::{Fingerprint, IdKey, fingerprint};
use crate::io::Environment;
use crate::proof::record_hashes;
use crate::record::{AuditId, Limits, Producer, Record, Salt, Stamp, Timestamp, encode_body};
use crate::types::{ChainHash, RecordHash};

/// A batch that was checked but has no time yet.
pub(crate) struct CheckedBatch {
    pub(crate) producer: Option<Producer>,
    pub(crate) room: Room,
    pub(crate) records: Vec<Record>,
    /// Bytes that it will take in the queue, about.
    pub(crate) len: usize,
}

/// One encoded record.
pub(crate) struct EncodedRecord {
    pub(crate) audit_id: AuditId,
    /// Whether the client gave the id; ids made here are never looked up.
    pub(crate) given: bool,
    /// Of the id.
    pub(crate) fingerprint: Fingerprint,
    pub(crate) hash: RecordHash,
    /// Its body in the payload.
    pub(crate) start: usize,
    pub(crate) end: usize,
}

/// A batch ready to be sequenced.
pub(crate) struct EncodedBatch {
    pub(crate) producer: Option<Producer>,
    pub(crate) room: Room,
    /// Microseconds since 1970.
    pub(crate) received_at: i64,
    /// Prefix and body of each record, as in a frame.
    pub(crate) payload: Buffer,
    /// CRC of the payload.
    pub(crate) crc: crc32fast::Hasher,
    pub(crate) records: Vec<EncodedRecord>,
    /// Whether two of the given ids may be the same.
    pub(crate) repeats_inside: bool,
}

/// A batch whose bodies are not hashed yet.
pub(crate) struct Unhashed(EncodedBatch);

/// What encoding needs of the log.
pub(crate) struct Encoding<'a> {
    pub(crate) environment: &'a dyn Environment,
    pub(crate) buffers: &'a Arc<Buffers>,
    pub(crate) key: &'a IdKey,
}

/// What a body has beside the client's strings, at most.
const OVERHEAD: usize = 420;

impl CheckedBatch {
    /// Checks every record.
    pub(crate) fn check(
        producer: Option<Producer>,
        records: Vec<Record>,
        room: Room,
        limits: &Limits,
    ) -> Result<Self, AppendError> {
        let mut faults = Vec::new();
        let mut len = 0;
        for (index, record) in records.iter().enumerate() {
            if let Err(found) = record.check(limits) {
                faults.extend(found.into_iter().map(|mut fault| {
                    fault.index = index;
                    fault
                }));
            }
            len += estimate(record);
        }
        if !faults.is_empty() {
            return Err(AppendError::Invalid(faults));
        }
        if len > FRAME_PAYLOAD_LEN_MAX {
            return Err(AppendError::TooLarge { len, max: FRAME_PAYLOAD_LEN_MAX });
        }
        Ok(Self { producer, room, records, len })
    }
}

/// Not less than the bytes of its body, escapes aside.
fn estimate(record: &Record) -> usize {
    let texts = [
        &record.actor_role,
        &record.target_type,
        &record.target_id,
        &record.request_id,
        &record.trace_id,
        &record.facility_id,
        &record.source_ip,
    ];
    let texts: usize = texts.iter().map(|t| t.as_ref().map_or(0, String::len)).sum();
    let detail = record.detail.as_ref().map_or(0, |d| d.as_bytes().len());
    OVERHEAD + texts + detail + record.actor_id.len() + record.action.len()
}

impl Unhashed {
    /// Encodes a batch received at `received_at`.
    pub(crate) fn encode(
        batch: CheckedBatch,
        received_at: i64,
        with: &Encoding<'_>,
    ) -> Result<Self, AppendError> {
        let random = |e: std::io::Error| AppendError::Random(e.to_string().into());
        let time = Timestamp::from_unix_micros(received_at)
            .ok_or_else(|| AppendError::Random(Arc::from("the clock is outside 1970 to 2199")))?;
        // One call for the whole batch: a salt each, and ids where they are to be made.
        let without_id = batch.records.iter().filter(|record| record.audit_id.is_none()).count();
        let mut bytes = vec![0u8; batch.records.len() * 12 + without_id * 10];
        with.environment.fill_random(&mut bytes).map_err(random)?;
        let (salts, ids) = bytes.split_at(batch.records.len() * 12);
        let mut ids = ids.as_chunks::<10>().0.iter();
        let mut payload = with.buffers.take(batch.len);
        let mut records = Vec::with_capacity(batch.records.len());
        let ingested_by = batch.producer.as_ref();
        for (record, salt) in batch.records.iter().zip(salts.as_chunks::<12>().0) {
            let audit_id = match record.audit_id {
                Some(id) => id,
                None => {
                    let too_few = || AppendError::Random(Arc::from("too few"));
                    let random = *ids.next().ok_or_else(too_few)?;
                    AuditId::v7((received_at / 1000).cast_unsigned(), random)
                }
            };
            let salt = Salt::from_bytes(*salt);
            let stamp = Stamp { audit_id, received_at: time, ingested_by, salt };
            payload.extend_from_slice(&[0; RECORD_PREFIX_LEN]);
            let start = payload.len();
            encode_body(record, &stamp, &mut payload);
            let (hash, end) = (RecordHash([0; RecordHash::LEN]), payload.len());
            let given = record.audit_id.is_some();
            let fingerprint = fingerprint(with.key, audit_id.as_bytes());
            records.push(EncodedRecord { audit_id, given, fingerprint, hash, start, end });
        }
        let max = FRAME_PAYLOAD_LEN_MAX - ChainHash::LEN;
        if payload.len() > max {
            return Err(AppendError::TooLarge { len: payload.len(), max });
        }
        let repeats_inside = may_repeat(&records);
        let crc = crc32fast::Hasher::new();
        let CheckedBatch { producer, room, .. } = batch;
        let batch =
            EncodedBatch { producer, room, received_at, payload, crc, records, repeats_inside };
        Ok(Self(batch))
    }

    /// Hashes the bodies of all batches side by side.
    pub(crate) fn hash(batches: Vec<Self>) -> Vec<EncodedBatch> {
        let mut batches: Vec<EncodedBatch> = batches.into_iter().map(|Self(batch)| batch).collect();
        let bodies: Vec<&[u8]> = batches
            .iter()
            .flat_map(|batch| batch.records.iter().map(|record| batch.body(record)))
            .collect();
        let mut hashes = record_hashes(&bodies).into_iter();
        for batch in &mut batches {
            batch.put_hashes(&mut hashes);
        }
        batches
    }
}

/// Whether an id that a client gave may be there twice.
fn may_repeat(records: &[EncodedRecord]) -> bool {
    let given = records.iter().filter(|record| record.given);
    let mut fingerprints: Vec<_> = given.map(|record| record.fingerprint).collect();
    fingerprints.sort_unstable();
    fingerprints.array_windows().any(|[one, next]| one == next)
}

impl EncodedBatch {
    /// Writes what stands before each body.
    fn put_hashes(&mut self, hashes: &mut impl Iterator<Item = RecordHash>) {
        for (record, hash) in self.records.iter_mut().zip(hashes) {
            record.hash = hash;
            let len = u32::try_from(record.end - record.start).unwrap_or(u32::MAX);
            let prefix = encode_record_prefix(len, &record.hash);
            let place = record.start - RECORD_PREFIX_LEN..record.start;
            if let Some(place) = self.payload.get_mut(place) {
                place.copy_from_slice(&prefix);
            }
        }
        self.crc.update(&self.payload);
    }

    /// The stored bytes of a record.
    pub(crate) fn body(&self, record: &EncodedRecord) -> &[u8] {
        self.payload.get(record.start..record.end).unwrap_or_default()
    }

    /// Prefix and body of a record, as in a frame.
    pub(crate) fn framed(&self, record: &EncodedRecord) -> &[u8] {
        self.payload.get(record.start - RECORD_PREFIX_LEN..record.end).unwrap_or_default()
    }

    /// The producer's name without its key.
    pub(crate) fn producer_name(&self) -> Option<&str> {
        self.producer.as_ref().map(Producer::name)
    }
}
