//! A caller's batch as the bytes that will be stored, made in the caller's thread.
//!
//! Invariant: after [`Unhashed::hash`] only the chain step is left to do in order. Records
//! that were validated here can't make the sequencer fail. Knows nothing of seqs.

use std::sync::Arc;

use super::buffers::{Buffer, Buffers};
use super::error::AppendError;
use super::room::Room;
use crate::format::{FRAME_PAYLOAD_LEN_MAX, RECORD_PREFIX_LEN, encode_record_prefix};
use crate::index::ids::{Fingerprint, IdKey, fingerprint};
use crate::io::Environment;
use crate::proof::record_hashes;
use crate::record::{
    AuditId, BodyWriter, Fault, Limits, Prepared, Producer, Record, Salt, Timestamp,
};
use crate::types::{ChainHash, RecordHash};

/// Records to append.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Batch {
    /// Built in code.
    Records(Vec<Record>),
    /// Checked and encoded before, under the limits of the log. Whoever shares them can append them
    /// again, or some of them, where they were refused.
    Prepared(Arc<Prepared>),
}

impl From<Vec<Record>> for Batch {
    fn from(records: Vec<Record>) -> Self {
        Self::Records(records)
    }
}

impl From<Arc<Prepared>> for Batch {
    fn from(prepared: Arc<Prepared>) -> Self {
        Self::Prepared(prepared)
    }
}

impl Batch {
    pub(crate) fn is_empty(&self) -> bool {
        match self {
            Self::Records(records) => records.is_empty(),
            Self::Prepared(prepared) => prepared.is_empty(),
        }
    }
}

/// A batch that was checked but has no time yet.
pub(crate) struct CheckedBatch {
    pub(crate) producer: Option<Producer>,
    pub(crate) room: Room,
    pub(crate) records: Arc<Prepared>,
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

/// What a record takes beside the client's part: the prefix, the id, the stamp and the salt, with a
/// producer of usual length.
const OVERHEAD: usize = 280;

impl CheckedBatch {
    /// Checks every record that was not checked before.
    pub(crate) fn check(
        producer: Option<Producer>,
        batch: Batch,
        room: Room,
        limits: &Limits,
    ) -> Result<Self, AppendError> {
        let records = match batch {
            Batch::Records(records) => {
                Arc::new(Prepared::of(&records, limits).map_err(AppendError::Invalid)?)
            }
            Batch::Prepared(prepared) => prepared,
        };
        if !records.limits().implies(limits) {
            let fault = Fault {
                index: 0,
                pointer: String::new(),
                expected: "records that were checked under the limits of the log".to_owned(),
                got: "others".to_owned(),
            };
            return Err(AppendError::Invalid(vec![fault]));
        }
        let len = records.bytes_len() + records.len() * OVERHEAD;
        if len > FRAME_PAYLOAD_LEN_MAX {
            return Err(AppendError::TooLarge { len, max: FRAME_PAYLOAD_LEN_MAX });
        }
        Ok(Self { producer, room, records, len })
    }
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
        let without_id = batch.records.audit_ids().filter(Option::is_none).count();
        let mut bytes = vec![0u8; batch.records.len() * 12 + without_id * 10];
        with.environment.fill_random(&mut bytes).map_err(random)?;
        let (salts, ids) = bytes.split_at(batch.records.len() * 12);
        let mut ids = ids.as_chunks::<10>().0.iter();
        let writer = BodyWriter::new(&batch.records, time, batch.producer.as_ref());
        let prefixes = batch.records.len() * RECORD_PREFIX_LEN;
        let mut payload = with.buffers.take(writer.len() + prefixes);
        let mut records = Vec::with_capacity(batch.records.len());
        let given = batch.records.audit_ids().zip(salts.as_chunks::<12>().0);
        for (index, (given, salt)) in given.enumerate() {
            let audit_id = match given {
                Some(id) => id,
                None => {
                    let too_few = || AppendError::Random(Arc::from("too few"));
                    let random = *ids.next().ok_or_else(too_few)?;
                    AuditId::v7((received_at / 1000).cast_unsigned(), random)
                }
            };
            payload.extend_from_slice(&[0; RECORD_PREFIX_LEN]);
            let start = payload.len();
            writer.write(index, &audit_id, &Salt::from_bytes(*salt), &mut payload);
            let (hash, end) = (RecordHash([0; RecordHash::LEN]), payload.len());
            let fingerprint = fingerprint(with.key, audit_id.as_bytes());
            let given = given.is_some();
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
