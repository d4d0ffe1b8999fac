//! Whether the indexes say what the records say.
//!
//! The same records give the same index bytes, so an index is checked by making it again and
//! comparing as it is made: nothing is stored. A checksum shows an accident; only this shows an
//! index that someone made to hide records from searches.
//! Invariant: only looks. Heap: one window, one group and the page checksums.

use std::io::{self, Write};
use std::sync::Arc;

use super::building::window_end;
use super::known::Unusable;
use super::piece::Finished;
use super::records::Records;
use super::store::{self, Opened, index_path};
use super::windows::{self, Window};
use crate::index::file::{IndexFileWriter, IndexIdentity};
use crate::index::shard::{GrowingShard, Slot};
use crate::log::catalogue::{self, SegmentEntry};
use crate::log::error::LogError;
use crate::log::reader::Reader;
use crate::types::Seq;

/// What was found wrong with an index file. The records are not concerned: evidence is verified
/// without any index.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct IndexFault {
    /// Seq of the first record that it should lead to.
    pub first_seq: Seq,
    /// Path in the data directory.
    pub path: String,
    /// What is wrong.
    pub kind: IndexFaultKind,
}

/// What can be wrong with an index file.
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
#[non_exhaustive]
pub enum IndexFaultKind {
    /// Structures or page checksums don't fit.
    #[error("its bytes are damaged")]
    Damaged,
    /// It names other records, or another version wrote it.
    #[error("it was made for other records or by another version")]
    Stale,
    /// Its checksums fit, but the records give other bytes: searches may miss records.
    #[error("byte {offset} is not what the records give: it may hide records from searches")]
    Differs {
        /// First byte that is not the same.
        offset: u64,
    },
    /// Records that it leads to are damaged, and what they said can't be compared.
    #[error("records that it leads to are damaged, so that it can't be compared with them")]
    Unknown,
    /// What the catalogue says of a segment is not what the segment says: searches and statistics
    /// by time may miss records.
    #[error("it says other things of a segment than the segment's footer")]
    Catalogue,
}

impl Reader {
    /// Checks every index file that is there: its structures and checksums, and where `rebuild` is
    /// set, each byte against what the records give; and what the catalogue says of the sealed
    /// segments. Missing ones are no fault. `each` is told the records that an index leads to when
    /// it is done with it.
    ///
    /// # Errors
    /// Files can't be read. A damaged record is no error: an index leads to it by every question.
    pub fn check_indexes(
        &self,
        rebuild: bool,
        mut each: impl FnMut(u64),
    ) -> Result<Vec<IndexFault>, LogError> {
        let view = self.view();
        let sealed = view.sealed.first(view.sealed_len).into_iter().map(Finished::Sealed);
        let rolled = view.actives.len().saturating_sub(1);
        let rolled = view.actives.iter().take(rolled).map(Arc::clone).map(Finished::Rolled);
        let mut faults = Vec::new();
        let mut records = Records::new();
        for of in sealed.chain(rolled) {
            let identity = of.identity();
            let path = index_path(identity.first_seq, identity.count);
            let kind = self.check_index(&path, Some(&identity), rebuild, &mut records)?;
            let first_seq = Seq(identity.first_seq);
            faults.extend(kind.map(|kind| IndexFault { first_seq, path, kind }));
            if !self.is_catalogued_right(&of)? {
                let path = catalogue::NAME.to_owned();
                faults.push(IndexFault { first_seq, path, kind: IndexFaultKind::Catalogue });
            }
            records.rest();
            each(identity.count);
        }
        for active in &view.actives {
            for seqs in windows::finished(active.header.first_seq.0..active.end_seq()) {
                let (path, count) = (windows::path(&seqs), seqs.end - seqs.start);
                let first_seq = Seq(seqs.start);
                let identity = Window { active: Arc::clone(active), seqs }.identity();
                let identity = identity.map_err(LogError::io(&path))?;
                let kind = self.check_index(&path, identity.as_ref(), rebuild, &mut records)?;
                faults.extend(kind.map(|kind| IndexFault { first_seq, path, kind }));
                each(count);
            }
        }
        Ok(faults)
    }

    /// Whether a footer says what is known of its segment. Where it can't be read, verification has
    /// a finding.
    fn is_catalogued_right(&self, of: &Finished) -> Result<bool, LogError> {
        let Finished::Sealed(entry) = of else { return Ok(true) };
        let open = self.parts.segment(entry).map_err(|error| LogError::damaged("sealed", error))?;
        let said =
            open.map(|open| SegmentEntry::from_footer(open.segment.footer(), entry.file_len));
        Ok(said.is_none_or(|said| said == **entry))
    }

    /// Checks the index at a path. What it must say about itself is unknown where the last of its
    /// records is damaged.
    fn check_index(
        &self,
        path: &str,
        identity: Option<&IndexIdentity>,
        rebuild: bool,
        records: &mut Records,
    ) -> Result<Option<IndexFaultKind>, LogError> {
        let storage = &*self.parts.storage;
        let opened = store::open_at(storage, path, || Ok(identity.copied()));
        let (file, identity) = match (opened, identity) {
            (Opened::Unusable(Unusable::Missing), _) => return Ok(None),
            (Opened::Unusable(Unusable::Damaged), _) => return Ok(Some(IndexFaultKind::Damaged)),
            (Opened::Failed(error), _) => return Err(LogError::io(path)(error)),
            (_, None) => return Ok(Some(IndexFaultKind::Unknown)),
            (Opened::Unusable(Unusable::Stale), _) => return Ok(Some(IndexFaultKind::Stale)),
            (Opened::Ready(file), Some(identity)) => (file, identity),
        };
        if file.verify_all().is_err() {
            return Ok(Some(IndexFaultKind::Damaged));
        }
        // What was checked is what is compared: the same map.
        if rebuild { self.compare(identity, file.raw_bytes(), records) } else { Ok(None) }
    }

    /// Makes the index again, as far as it is the same.
    fn compare(
        &self,
        of: &IndexIdentity,
        stored: &[u8],
        records: &mut Records,
    ) -> Result<Option<IndexFaultKind>, LogError> {
        let mut comparing = Comparing { stored, at: 0 };
        let (made, damaged) = self.make_again(of, &mut comparing, records)?;
        let offset = comparing.at as u64;
        Ok(match made {
            Ok(()) if comparing.at == stored.len() => None,
            _ if damaged => Some(IndexFaultKind::Unknown),
            _ => Some(IndexFaultKind::Differs { offset }),
        })
    }

    /// Writes the index until the writer has enough of it; and whether a record was damaged.
    fn make_again(
        &self,
        of: &IndexIdentity,
        out: impl Write,
        records: &mut Records,
    ) -> Result<(io::Result<()>, bool), LogError> {
        let view = self.view();
        let mut damaged = false;
        let mut writer = match IndexFileWriter::new(out, *of) {
            Ok(writer) => writer,
            Err(refused) => return Ok((Err(refused), damaged)),
        };
        let (mut next, end_seq) = (of.first_seq, of.first_seq.saturating_add(of.count));
        while next < end_seq {
            let end = window_end(next).min(end_seq);
            let shard = GrowingShard::new(next);
            let read = records.each(&self.parts, &view, next..end, |slot| {
                damaged |= matches!(slot, Slot::Unreadable);
                shard.push(slot);
            });
            read.map_err(|error| LogError::damaged("sealed", error))?;
            if let Err(refused) = writer.push(&shard.encode()) {
                return Ok((Err(refused), damaged));
            }
            next = end;
        }
        Ok((writer.finish().map(|_| ()), damaged))
    }
}

/// Takes only the bytes that are there already.
struct Comparing<'a> {
    stored: &'a [u8],
    /// How many bytes were the same so far.
    at: usize,
}

impl Write for Comparing<'_> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let rest = self.stored.get(self.at..).unwrap_or_default();
        let same = rest.iter().zip(bytes).take_while(|(a, b)| a == b).count();
        self.at += same;
        if same == bytes.len() { Ok(same) } else { Err(io::ErrorKind::InvalidData.into()) }
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::log::tests::{by_hand, records};
    use crate::log::{Log, LogOptions};

    /// A log of 50 sealed records with their index, and the index's path.
    fn indexed() -> (tempfile::TempDir, std::path::PathBuf) {
        let dir = tempfile::tempdir().unwrap();
        let log = Log::open(dir.path(), LogOptions { index: true, ..by_hand().0 }).unwrap();
        log.append(None, records(0..50)).unwrap();
        log.seal().unwrap();
        while log.step().unwrap() {}
        let path = dir.path().join(index_path(0, 50));
        log.close().unwrap();
        (dir, path)
    }

    fn replace(path: &std::path::Path, bytes: &[u8]) {
        std::fs::remove_file(path).unwrap();
        std::fs::write(path, bytes).unwrap();
    }

    fn kinds(dir: &std::path::Path, rebuild: bool) -> Vec<IndexFaultKind> {
        let mut done = 0;
        let reader = Reader::open(dir).unwrap();
        let faults = reader.check_indexes(rebuild, |records| done += records).unwrap();
        assert_eq!(done, 50);
        faults.into_iter().map(|fault| fault.kind).collect()
    }

    #[test]
    fn an_index_that_leaves_a_record_out_shows_when_it_is_made_again() {
        let (dir, path) = indexed();
        assert_eq!(kinds(dir.path(), true), []);
        let reader = Reader::open(dir.path()).unwrap();
        let of = Finished::Sealed(reader.view().sealed.first(1).remove(0));
        let shard = GrowingShard::new(0);
        let view = reader.view();
        let mut seq = 0;
        let hide = |slot: &Slot<'_>| {
            shard.push(if seq == 7 { &Slot::Erased } else { slot });
            seq += 1;
        };
        Records::new().each(&reader.parts, &view, 0..50, hide).unwrap();
        let mut forged = IndexFileWriter::new(Vec::new(), of.identity()).unwrap();
        forged.push(&shard.encode()).unwrap();
        replace(&path, &forged.finish().unwrap());
        assert_eq!(kinds(dir.path(), false), []);
        assert!(matches!(kinds(dir.path(), true)[..], [IndexFaultKind::Differs { offset: 1.. }]));
    }

    #[test]
    fn damage_and_other_records_show_without_the_records() {
        let (dir, path) = indexed();
        let good = std::fs::read(&path).unwrap();
        for at in 0..good.len() {
            let mut bad = good.clone();
            bad[at] ^= 1 << (at % 8);
            replace(&path, &bad);
            let kind = kinds(dir.path(), false);
            let known = [IndexFaultKind::Damaged, IndexFaultKind::Stale];
            assert!(kind.len() == 1 && known.contains(&kind[0]), "byte {at}: {kind:?}");
        }
        replace(&path, &[&good[..], b"more"].concat());
        assert_eq!(kinds(dir.path(), true), [IndexFaultKind::Damaged]);
        std::fs::remove_file(&path).unwrap();
        assert_eq!(kinds(dir.path(), true), []);
    }

    #[test]
    fn a_catalogue_that_lies_shows() {
        let (dir, _) = indexed();
        let log = Log::open(dir.path(), by_hand().0).unwrap();
        log.append(None, records(50..60)).unwrap();
        log.seal().unwrap();
        while log.step().unwrap() {}
        let storage = &*log.reader().parts.storage;
        let mut entries = catalogue::load(storage);
        assert_eq!(entries.len(), 2);
        entries[1].timestamp.max -= 1;
        catalogue::rewrite(storage, &entries).unwrap();
        let reader = Reader::open(dir.path()).unwrap();
        let faults = reader.check_indexes(false, |_| {}).unwrap();
        let [fault] = &faults[..] else { panic!("{faults:?}") };
        assert_eq!((fault.first_seq, fault.path.as_str()), (Seq(50), "segments.cat"));
        assert_eq!(fault.kind, IndexFaultKind::Catalogue);
    }

    #[test]
    fn an_index_of_damaged_records_is_not_accused() {
        let (dir, _) = indexed();
        let segment = dir.path().join("sealed/00000000000000000000-00000000000000000050.seg");
        let mut bytes = std::fs::read(&segment).unwrap();
        let middle = bytes.len() / 2;
        bytes[middle] ^= 1;
        replace(&segment, &bytes);
        assert_eq!(kinds(dir.path(), true), [IndexFaultKind::Unknown]);
    }
}
