//! A sealed segment's frame: header, directory, footer, anchor, seal and tail.
//!
//! Each part is read by itself, so that damage to one does not hide the records from the audit.
//! Invariant: every byte of the file belongs to one of the parts, and each part is compared with
//! the others; the records are compared with all of them later.

use std::sync::Arc;

use sha2::{Digest, Sha256};

use super::report::{Collector, Finding, FindingKind};
use super::signed::{Keys, Signed};
use super::source::Bytes;
use crate::format::{
    BLOCK_RECORDS_MAX, DIRECTORY_ENTRY_LEN, DirectoryEntry, Footer, FormatError, FormatErrorKind,
    SEGMENT_HEADER_LEN, SegmentHeader, TAIL_LEN, Tail,
};
use crate::proof::{Anchor, FileSeal};
use crate::segment::Decoder;

/// A sealed file as far as it could be read.
pub(super) struct Sealed {
    pub(super) path: Arc<str>,
    pub(super) source: Bytes,
    /// Seq of the first record, and one behind the last.
    pub(super) first: u64,
    pub(super) end: u64,
    pub(super) header: Option<SegmentHeader>,
    pub(super) footer: Option<Footer>,
    /// Empty where it can't be read.
    pub(super) directory: Vec<DirectoryEntry>,
    pub(super) anchor: Option<Signed<Anchor>>,
    pub(super) seal: Option<Signed<FileSeal>>,
    /// Bytes before the seal.
    pub(super) sealed_len: u64,
    /// Where the first block begins.
    pub(super) blocks_at: Option<u64>,
    pub(super) decoder: Decoder,
    /// Whether the dictionary is the one that the header names.
    pub(super) dictionary_sound: bool,
    /// Nothing was found so far.
    pub(super) sound: bool,
}

/// What is wrong with one part.
struct Fault {
    kind: FindingKind,
    message: String,
}

/// A wrong value under a right checksum is no accident.
fn format_fault(error: FormatError) -> Fault {
    let kind = match error.kind {
        FormatErrorKind::Value | FormatErrorKind::Reserved => FindingKind::Changed,
        _ => FindingKind::Corrupt,
    };
    Fault { kind, message: error.to_string() }
}

fn corrupt(message: impl Into<String>) -> Fault {
    Fault { kind: FindingKind::Corrupt, message: message.into() }
}

fn changed(message: impl Into<String>) -> Fault {
    Fault { kind: FindingKind::Changed, message: message.into() }
}

impl Sealed {
    /// Reads everything but the records. `name` is what the file's name says: first seq and count.
    /// `None` where not even the range of its records is known. Of a file that is not asked for,
    /// dictionary and directory are left alone.
    pub(super) fn open(
        path: &str,
        source: Bytes,
        name: Option<(u64, u64)>,
        asked: bool,
        keys: &Keys,
        found: &mut Collector,
    ) -> Option<Self> {
        let mut faults = Vec::new();
        let header = read_header(&source).map_err(|fault| faults.push(fault)).ok();
        let tail = read_tail(&source).map_err(|fault| faults.push(fault)).ok();
        let footer = tail
            .as_ref()
            .and_then(|tail| read_footer(&source, tail).map_err(|fault| faults.push(fault)).ok());
        let named = name.and_then(|(first, count)| Some((first, first.checked_add(count)?)));
        let (first, end) = header
            .as_ref()
            .map(|h| (h.first_seq.0, h.end_seq().0))
            .or(footer.as_ref().map(|f| (f.first_seq.0, f.log_size.0)))
            .or(named)
            .filter(|(first, end)| first < end)
            .or_else(|| {
                let message = format!("{path} can't be read as a sealed segment");
                found.find(Finding::whole(FindingKind::Corrupt, message).in_file(path));
                None
            })?;
        if name.is_some() && named != Some((first, end)) {
            faults.push(changed("the file's name does not say which records it holds"));
        }
        let mut segment = Self {
            path: path.into(),
            source,
            first,
            end,
            header,
            footer,
            directory: Vec::new(),
            anchor: None,
            seal: None,
            sealed_len: tail.as_ref().map_or(0, Tail::seal_offset),
            blocks_at: None,
            decoder: Decoder::new(&[]),
            dictionary_sound: true,
            sound: true,
        };
        segment.compare_ends(&mut faults);
        if asked {
            segment.read_dictionary(&mut faults);
            segment.read_directory(tail.as_ref(), &mut faults);
        }
        segment.read_notes(tail.as_ref(), keys, &mut faults);
        segment.sound = faults.is_empty();
        for fault in faults {
            let range = Finding::range(fault.kind, first, end, fault.message);
            found.find(range.in_file(path));
        }
        Some(segment)
    }

    fn compare_ends(&self, faults: &mut Vec<Fault>) {
        let (Some(header), Some(footer)) = (&self.header, &self.footer) else { return };
        let same = (header.first_seq, header.count, header.chain_before)
            == (footer.first_seq, footer.count, footer.chain_before);
        if !same {
            faults.push(changed("header and footer contradict each other"));
        }
    }

    fn read_dictionary(&mut self, faults: &mut Vec<Fault>) {
        let Some(header) = &self.header else { return };
        self.blocks_at = Some(SEGMENT_HEADER_LEN as u64 + u64::from(header.dictionary_len));
        let len = usize::try_from(header.dictionary_len).unwrap_or(usize::MAX);
        let Ok(dictionary) = self.source.bytes(SEGMENT_HEADER_LEN as u64, len) else {
            faults.push(corrupt("the dictionary is cut off"));
            self.dictionary_sound = false;
            return;
        };
        if <[u8; 32]>::from(Sha256::digest(&dictionary)) != header.dictionary_sha256 {
            let what = "the dictionary does not have the digest that the header states: \
                        what was compressed with it can't be read";
            faults.push(corrupt(what));
            self.dictionary_sound = false;
        }
        self.decoder = Decoder::new(&dictionary);
    }

    fn read_directory(&mut self, tail: Option<&Tail>, faults: &mut Vec<Fault>) {
        let (Some(footer), Some(tail)) = (&self.footer, tail) else { return };
        let len = u64::from(footer.block_count) * DIRECTORY_ENTRY_LEN as u64;
        if footer.directory_offset.checked_add(len) != Some(tail.footer_offset) {
            faults.push(changed("the directory does not end where the footer begins"));
            return;
        }
        let len = usize::try_from(len).unwrap_or(usize::MAX);
        let Ok(bytes) = self.source.bytes(footer.directory_offset, len) else {
            faults.push(corrupt("the directory is cut off"));
            return;
        };
        if crc32fast::hash(&bytes) != footer.directory_crc {
            faults.push(corrupt("the directory does not have its checksum"));
            return;
        }
        match DirectoryEntry::decode_all(&bytes) {
            Ok(directory) => self.check_directory(directory, footer.directory_offset, faults),
            Err(e) => faults.push(format_fault(e)),
        }
    }

    /// Blocks must follow each other from the dictionary to the directory.
    fn check_directory(
        &mut self,
        directory: Vec<DirectoryEntry>,
        directory_at: u64,
        faults: &mut Vec<Fault>,
    ) {
        let blocks_at = self.blocks_at.or(directory.first().map(|entry| entry.offset));
        let mut at = blocks_at.unwrap_or(0);
        let mut seq = self.first;
        let mut whole = true;
        for entry in &directory {
            whole &= entry.offset == at && seq < self.end;
            at = entry.offset.saturating_add(entry.len.into());
            seq = block_end(seq, self.end);
        }
        if !whole || at != directory_at || seq != self.end {
            faults.push(changed("the directory does not list the blocks that are there"));
            return;
        }
        self.blocks_at = blocks_at;
        self.directory = directory;
        // Where the header is damaged the dictionary is what lies between it and the first block.
        let len = blocks_at.and_then(|at| at.checked_sub(SEGMENT_HEADER_LEN as u64));
        if let (None, Some(len)) = (&self.header, len.and_then(|len| usize::try_from(len).ok()))
            && let Ok(dictionary) = self.source.bytes(SEGMENT_HEADER_LEN as u64, len)
        {
            self.decoder = Decoder::new(&dictionary);
        }
    }

    fn read_notes(&mut self, tail: Option<&Tail>, keys: &Keys, faults: &mut Vec<Fault>) {
        self.anchor = self.footer.as_ref().map(|footer| keys.anchor(footer.anchor.as_bytes()));
        if let Some(tail) = tail {
            let len = usize::try_from(tail.seal_len).unwrap_or(usize::MAX);
            // A seal that is not looked at says nothing against a file.
            match self.source.bytes(tail.seal_offset(), len).map(|note| keys.seal(&note)) {
                Ok(seal) => self.seal = Some(seal),
                Err(e) => faults.push(corrupt(format!("the file seal can't be read: {e}"))),
            }
        }
        if let Some(Signed::Bad(_, e)) = &self.anchor {
            let kind = FindingKind::Signature;
            faults.push(Fault { kind, message: format!("the anchor does not hold: {e}") });
        }
        if let Some(Signed::Bad(_, e)) = &self.seal {
            let kind = FindingKind::Signature;
            faults.push(Fault { kind, message: format!("the file seal does not hold: {e}") });
        }
    }

    /// Whether the segment's own anchor is signed by a key of the log.
    pub(super) fn is_signed(&self) -> bool {
        self.anchor.as_ref().is_some_and(Signed::is_good)
    }

    /// SHA-256 of the bytes that the file seal covers.
    pub(super) fn digest(&self) -> Option<[u8; 32]> {
        const CHUNK: u64 = 1 << 20;
        let mut sha256 = Sha256::new();
        let mut at = 0;
        while at < self.sealed_len {
            let len = CHUNK.min(self.sealed_len - at);
            sha256.update(self.source.bytes(at, usize::try_from(len).ok()?).ok()?);
            at += len;
        }
        Some(sha256.finalize().into())
    }
}

/// One behind the last seq of the block that begins at `seq`.
pub(super) fn block_end(seq: u64, end: u64) -> u64 {
    let tile_end = (seq / BLOCK_RECORDS_MAX + 1).saturating_mul(BLOCK_RECORDS_MAX);
    tile_end.min(end)
}

fn read_header(source: &Bytes) -> Result<SegmentHeader, Fault> {
    let bytes = source.bytes(0, SEGMENT_HEADER_LEN);
    let bytes = bytes.map_err(|e| corrupt(format!("the segment header can't be read: {e}")))?;
    SegmentHeader::decode(&bytes).map_err(format_fault)
}

fn read_tail(source: &Bytes) -> Result<Tail, Fault> {
    let len = source.len();
    let at = len.saturating_sub(TAIL_LEN as u64);
    let bytes = source.bytes(at, TAIL_LEN);
    let bytes = bytes.map_err(|e| corrupt(format!("the tail can't be read: {e}")))?;
    Tail::decode(&bytes, len).map_err(format_fault)
}

fn read_footer(source: &Bytes, tail: &Tail) -> Result<Footer, Fault> {
    let len = usize::try_from(tail.footer_len).unwrap_or(usize::MAX);
    let bytes = source.bytes(tail.footer_offset, len);
    let bytes = bytes.map_err(|e| corrupt(format!("the footer can't be read: {e}")))?;
    Footer::decode(&bytes).map_err(format_fault)
}
