//! Sealing: an active file becomes a sealed segment.
//!
//! Order: a checkpoint where the log has none yet; build beside as `.tmp`, fdatasync, read back
//! from the disk and hash everything again against the chain, make read-only, rename, fsync of the
//! directory; only then the active file goes.
//! Invariant: a bit that flipped between append and seal stops the seal; it is never sealed in.
//! Whatever fails leaves the active file as it was.

use std::io::{self, BufWriter, Write};
use std::sync::Arc;
use std::time::Instant;

use sha2::{Digest, Sha256};

use super::active_write::{ACTIVE, active_path};
use super::catalogue::{self, SegmentEntry};
use super::core::Core;
use super::error::LogError;
use super::source::FileSource;
use super::view::ActiveFile;
use crate::format::{FrameHeader, RecordsPayload, sealed_name};
use crate::io::{OpenMode, StorageFile, TEMPORARY_SUFFIX, make_dir, remove_durably};
use crate::proof::{Anchor, CompactRange, FileSeal, UtcTime, leaf_hash, record_hashes};
use crate::record::Timestamp;
use crate::segment::{
    BuiltSegment, ByteSource, FrameVisitor, ScanPosition, SealedSegment, SegmentBuilder,
    SegmentInput, SegmentParams, sample_text, scan_active, train_dictionary,
};
use crate::types::{ChainHash, Seq};

/// Directory of sealed segments.
pub(crate) const SEALED: &str = "sealed";
/// Text that a dictionary is trained from, at most.
const SAMPLES_LEN_MAX: usize = 4 << 20;

/// What the sealer keeps between segments.
pub(crate) struct Sealer {
    /// Compact range of everything sealed.
    frontier: CompactRange,
    /// Segments whose day has its anchor or is known not to be over.
    pub(crate) anchored: usize,
}

impl Sealer {
    pub(crate) fn new(frontier: CompactRange) -> Self {
        Self { frontier, anchored: 0 }
    }

    /// Seals the oldest active file; the caller made sure that it is not the one that is written.
    pub(crate) fn seal(&mut self, core: &Core, active: &ActiveFile) -> Result<(), LogError> {
        let path = active_path(&active.header);
        let first = active.header.first_seq.0;
        let end = active.end();
        let count = end.next_seq.0 - first;
        if count == 0 {
            return drop_active(core, &path);
        }
        let began = Instant::now();
        sign_first(core)?;
        let source = FileSource::with_len(Arc::clone(&active.file), end.offset);
        let name = sealed_name(Seq(first), count);
        let sealed_path = format!("{SEALED}/{name}");
        let temporary = format!("{sealed_path}{TEMPORARY_SUFFIX}");
        make_dir(&*core.storage, SEALED).map_err(LogError::io(SEALED))?;
        match core.storage.remove(&temporary) {
            Err(e) if e.kind() != io::ErrorKind::NotFound => {
                return Err(LogError::io(&temporary)(e));
            }
            _ => {}
        }
        let built = self.build(core, active, &source, count, &temporary);
        let built = built.and_then(|built| {
            #[cfg(feature = "mutants")]
            if crate::mutants::is(crate::mutants::Mutant::NoReadBack) {
                return Ok(built);
            }
            read_back(core, &temporary, &built, end.chain)?;
            Ok(built)
        });
        let built = match built {
            Ok(built) => built,
            Err(error) => {
                // Not renamed: no part of the log. The leftover goes now or at the next open.
                let _ = core.storage.remove(&temporary);
                return Err(error);
            }
        };
        let io_error = LogError::io(&sealed_path);
        let alone = core.reader.parts.indexes.directory.lock();
        core.storage
            .set_read_only(&temporary)
            .and_then(|()| core.storage.rename(&temporary, &sealed_path))
            .and_then(|()| core.storage.sync_dir(SEALED))
            .map_err(io_error)?;
        drop(alone);
        let entry = SegmentEntry::from_footer(&built.footer, built.file_len);
        // The catalogue is rebuilt from the footers where this fails.
        let _ = catalogue::append(&*core.storage, &entry);
        self.frontier = built.frontier;
        core.view.change(|view| {
            view.sealed_len = view.sealed.push(entry);
            view.actives.retain(|a| a.header.first_seq != active.header.first_seq);
        });
        if let Some(observer) = &core.options.observer {
            observer.sealed(count, built.file_len, began.elapsed());
        }
        remove_durably(&*core.storage, &path).map_err(LogError::io(&path))
    }

    /// Writes the segment to a temporary file and syncs it.
    fn build(
        &self,
        core: &Core,
        active: &ActiveFile,
        source: &FileSource,
        count: u64,
        temporary: &str,
    ) -> Result<BuiltSegment, LogError> {
        let mut sampler = Sampler::new(source.len());
        scan_active(source, &mut sampler).map_err(|e| LogError::damaged(temporary, e))?;
        let params = SegmentParams {
            first_seq: active.header.first_seq,
            count,
            identity_sha256: core.identity_sha256,
            chain_before: active.header.chain_before,
            group_records_max: core.options.group_records_max.clamp(1, 256),
            compression_level: core.options.compression_level,
            dictionary: train_dictionary(&sampler.samples, sampler.total),
        };
        drop(sampler);
        let io_error = LogError::io(temporary);
        let file = core.storage.open(temporary, OpenMode::Create).map_err(io_error)?;
        let out = BufWriter::with_capacity(1 << 20, FileWriter::new(file));
        let builder = SegmentBuilder::new(params, out).map_err(LogError::io(temporary))?;
        let mut feeder = Feeder { builder, failed: None, path: temporary };
        let scanned = scan_active(source, &mut feeder);
        let end = scanned.map_err(|e| LogError::damaged(temporary, e))?.end.next_seq;
        let Feeder { builder, failed, .. } = feeder;
        failed.map_or(Ok(()), Err)?;
        if end.0 != active.header.first_seq.0 + count {
            let why = format!("record {end} and those behind it are not as they were written");
            return Err(LogError::damaged(&active_path(&active.header), why));
        }
        let keys = core.keys.read();
        let origin = &core.identity.origin;
        let time = now(core);
        let anchor = |footer: &crate::format::Footer| {
            let anchor = Anchor::of(footer, origin.clone(), time);
            // A note that could not be signed is empty; reading back refuses it.
            anchor.sign(&keys.signing).unwrap_or_default()
        };
        let first_seq = active.header.first_seq;
        let seal = |sha256| {
            let seal =
                FileSeal { origin: origin.clone(), first_seq, count, sha256, ordered_by: None };
            seal.sign(&keys.signing).unwrap_or_default()
        };
        let (built, mut out) =
            builder.finish(self.frontier.clone(), anchor, seal).map_err(LogError::io(temporary))?;
        out.flush().map_err(LogError::io(temporary))?;
        out.get_ref().sync().map_err(LogError::io(temporary))?;
        Ok(built)
    }
}

/// Now, as notes write it.
pub(crate) fn now(core: &Core) -> UtcTime {
    let micros = core.options.environment.now_micros();
    let mut text = Vec::new();
    let time = Timestamp::from_unix_micros(micros).unwrap_or(Timestamp::MIN);
    time.encode_into(&mut text);
    let text = String::from_utf8_lossy(&text);
    UtcTime::parse(&text).unwrap_or_default()
}

fn drop_active(core: &Core, path: &str) -> Result<(), LogError> {
    core.view.change(|view| {
        view.actives.retain(|a| active_path(&a.header) != path);
    });
    remove_durably(&*core.storage, path).map_err(LogError::io(path))
}

/// A log with a sealed file has a checkpoint: where there is none, an audit takes it for removed.
fn sign_first(core: &Core) -> Result<(), LogError> {
    let mut tree = core.tree.lock();
    if tree.has_signed() {
        return Ok(());
    }
    tree.advance(core)?;
    tree.sign(core).map(|_| ())
}

/// Reads the temporary file from the disk and checks everything that sealing states.
fn read_back(
    core: &Core,
    path: &str,
    built: &BuiltSegment,
    chain_after: ChainHash,
) -> Result<(), LogError> {
    let file = core.storage.open(path, OpenMode::ReadBack).map_err(LogError::io(path))?;
    let source = FileSource::new(file).map_err(LogError::io(path))?;
    let wrong = |what: &str| LogError::damaged(path, format!("read back, {what} differs"));
    let segment = SealedSegment::open(&source).map_err(|e| LogError::damaged(path, e))?;
    if *segment.footer() != built.footer || built.footer.chain_after != chain_after {
        return Err(wrong("the footer"));
    }
    let mut chain = built.footer.chain_before;
    for block in 0..segment.directory().len() {
        let (hashes, after) =
            segment.verify_block(block, chain).map_err(|e| LogError::damaged(path, e))?;
        chain = after;
        let mut leaves = CompactRange::new(0);
        for hash in &hashes {
            leaves.push(leaf_hash(hash)).map_err(|e| LogError::damaged(path, e))?;
        }
        let root = leaves.root().map_err(|e| LogError::damaged(path, e))?;
        if segment.directory().get(block).is_none_or(|entry| entry.root != root) {
            return Err(wrong("a block root"));
        }
    }
    if chain != chain_after {
        return Err(wrong("the chain"));
    }
    let keys = core.keys.read();
    let anchor = keys.list.open_anchor(built.footer.anchor.as_bytes());
    if anchor.is_err() {
        return Err(wrong("the anchor"));
    }
    let seal_at = segment.tail().seal_offset();
    let note =
        source.bytes(seal_at, segment.tail().seal_len as usize).map_err(LogError::io(path))?;
    let seal = keys.list.open_seal(&note).map_err(|e| LogError::damaged(path, e))?;
    if seal.sha256 != sha256_of(&source, seal_at).map_err(LogError::io(path))? {
        return Err(wrong("the file"));
    }
    Ok(())
}

fn sha256_of(source: &FileSource, len: u64) -> io::Result<[u8; 32]> {
    let mut sha256 = Sha256::new();
    let mut at = 0;
    while at < len {
        let part = usize::try_from(len - at).unwrap_or(usize::MAX).min(1 << 20);
        sha256.update(&source.bytes(at, part)?);
        at += part as u64;
    }
    Ok(sha256.finalize().into())
}

/// Collects texts for a dictionary, spread over the file.
struct Sampler {
    samples: Vec<Vec<u8>>,
    total: u64,
    /// Of so many records, one is taken.
    every: u64,
    seen: u64,
}

impl Sampler {
    fn new(file_len: u64) -> Self {
        Self {
            samples: Vec::new(),
            total: 0,
            every: 1 + file_len / SAMPLES_LEN_MAX as u64,
            seen: 0,
        }
    }
}

impl FrameVisitor for Sampler {
    fn frame(&mut self, _: &ScanPosition, _: &FrameHeader, payload: &RecordsPayload<'_>) {
        for record in &payload.records {
            self.total += record.body.len() as u64;
            if self.seen.is_multiple_of(self.every) {
                self.samples.push(sample_text(record.body));
            }
            self.seen += 1;
        }
    }
}

/// Hashes each body again, checks the chain of each frame, and hands the records to the builder.
struct Feeder<'a, W> {
    builder: SegmentBuilder<W>,
    failed: Option<LogError>,
    path: &'a str,
}

impl<W: Write> FrameVisitor for Feeder<'_, W> {
    fn frame(&mut self, at: &ScanPosition, _: &FrameHeader, payload: &RecordsPayload<'_>) {
        if self.failed.is_some() {
            return;
        }
        let bodies: Vec<&[u8]> = payload.records.iter().map(|record| record.body).collect();
        for (record, hash) in payload.records.iter().zip(record_hashes(&bodies)) {
            if let Err(error) = self.builder.push(SegmentInput::Body(record.body, hash)) {
                self.failed = Some(LogError::io(self.path)(error));
                return;
            }
        }
        if *self.builder.chain() != payload.chain_after {
            let why = format!("record {} and those behind it don't match the chain", at.next_seq);
            self.failed = Some(LogError::damaged(ACTIVE, why));
        }
    }
}

/// Writes a file from its start on.
pub(crate) struct FileWriter {
    file: Arc<dyn StorageFile>,
    offset: u64,
}

impl FileWriter {
    pub(crate) fn new(file: Arc<dyn StorageFile>) -> Self {
        Self { file, offset: 0 }
    }

    /// Makes what was written durable.
    pub(crate) fn sync(&self) -> io::Result<()> {
        self.file.sync()
    }
}

impl Write for FileWriter {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.file.write_at(self.offset, bytes)?;
        self.offset += bytes.len() as u64;
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
