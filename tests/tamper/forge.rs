//! Forgers' tools: sealed and active files taken apart, changed, and put together with right
//! checksums.
//!
//! Invariant: putting together mends lengths, offsets and CRCs and nothing else; what else a forger
//! changes he changes himself.

use sha2::{Digest, Sha256};
use shoseki_engine::format::{
    BlockHead, DIRECTORY_ENTRY_LEN, DirectoryEntry, FRAME_HEADER_LEN, Footer, FrameHeader,
    GroupEncoding, LOCATOR_LEN, SEGMENT_HEADER_LEN, SegmentHeader, TAIL_LEN, Tail,
    encode_record_prefix, locator,
};
use shoseki_engine::proof::record_hash;
use shoseki_engine::types::RecordHash;
use shoseki_lab::evidence::{Log, crc32, frame_places, sign_seal};

/// One block: its head and the stored bytes of its groups.
pub(crate) struct Block {
    pub(crate) head: BlockHead,
    pub(crate) groups: Vec<Vec<u8>>,
}

/// A sealed file taken apart.
pub(crate) struct Sealed {
    pub(crate) header: SegmentHeader,
    pub(crate) dictionary: Vec<u8>,
    pub(crate) blocks: Vec<Block>,
    pub(crate) directory: Vec<DirectoryEntry>,
    pub(crate) footer: Footer,
    pub(crate) seal: String,
}

impl Sealed {
    /// Takes a sound file apart.
    pub(crate) fn parse(bytes: &[u8]) -> Self {
        let header = SegmentHeader::decode(&bytes[..SEGMENT_HEADER_LEN]).unwrap();
        let dictionary_end = SEGMENT_HEADER_LEN + header.dictionary_len as usize;
        let tail_at = bytes.len() - TAIL_LEN;
        let tail = Tail::decode(&bytes[tail_at..], bytes.len() as u64).unwrap();
        let footer_at = tail.footer_offset as usize;
        let seal_at = tail.seal_offset() as usize;
        let footer = Footer::decode(&bytes[footer_at..seal_at]).unwrap();
        let directory_at = footer.directory_offset as usize;
        let directory = DirectoryEntry::decode_all(&bytes[directory_at..footer_at]).unwrap();
        let blocks = directory.iter().map(|entry| {
            let start = entry.offset as usize;
            let head = BlockHead::decode(&bytes[start..start + entry.len as usize]).unwrap();
            let mut at = start + head.encoded_len();
            let mut groups = Vec::new();
            for group in &head.groups {
                groups.push(bytes[at..at + group.stored_len as usize].to_vec());
                at += group.stored_len as usize;
            }
            Block { head, groups }
        });
        Self {
            blocks: blocks.collect(),
            dictionary: bytes[SEGMENT_HEADER_LEN..dictionary_end].to_vec(),
            seal: String::from_utf8(bytes[seal_at..tail_at].to_vec()).unwrap(),
            header,
            directory,
            footer,
        }
    }

    /// Puts other bodies in the place of a group's, stored plainly. Locators stay as they are.
    pub(crate) fn set_group(&mut self, block: usize, group: usize, bodies: &[Vec<u8>]) {
        let Block { head, groups } = &mut self.blocks[block];
        // A record stored verbatim: one byte of kind, its length, its bytes.
        let mut text = Vec::new();
        for body in bodies {
            let mut len = body.len();
            while len >= 0x80 {
                text.push((len & 0x7f) as u8 | 0x80);
                len >>= 7;
            }
            text.push(len as u8);
        }
        bodies.iter().for_each(|body| text.extend_from_slice(body));
        let stored = [vec![1; bodies.len()], text.clone()].concat();
        let entry = &mut head.groups[group];
        entry.record_count = bodies.len() as u16;
        entry.encoding = GroupEncoding::Plain;
        entry.raw_len = text.len() as u32;
        groups[group] = stored;
    }

    /// Forges the locators of a group, which had `had` records, to fit these bodies.
    pub(crate) fn set_locators(
        &mut self,
        block: usize,
        group: usize,
        had: usize,
        bodies: &[Vec<u8>],
    ) {
        let head = &mut self.blocks[block].head;
        let at = head.groups[..group].iter().map(|g| g.record_count as usize).sum::<usize>();
        let new: Vec<_> = bodies.iter().map(|body| locator(&record_hash(body))).collect();
        head.locators.splice(at..at + had, new);
    }

    /// The file with right lengths, offsets and CRCs. With a key its seal is made anew too.
    pub(crate) fn encode(mut self, thief: Option<&Log>) -> Vec<u8> {
        let mut out = self.header.encode();
        out.extend_from_slice(&self.dictionary);
        for (block, entry) in self.blocks.iter_mut().zip(&mut self.directory) {
            for (group, stored) in block.head.groups.iter_mut().zip(&block.groups) {
                group.stored_len = stored.len() as u32;
                group.crc = crc32(stored);
            }
            entry.offset = out.len() as u64;
            block.head.encode_into(&mut out);
            out.extend_from_slice(&block.groups.concat());
            entry.len = (out.len() as u64 - entry.offset) as u32;
        }
        self.footer.directory_offset = out.len() as u64;
        self.footer.block_count = self.directory.len() as u32;
        let mut directory = Vec::new();
        self.directory.iter().for_each(|entry| entry.encode_into(&mut directory));
        assert_eq!(directory.len(), self.directory.len() * DIRECTORY_ENTRY_LEN);
        self.footer.directory_crc = crc32(&directory);
        out.extend_from_slice(&directory);
        let footer_offset = out.len() as u64;
        let footer = self.footer.encode();
        out.extend_from_slice(&footer);
        if let Some(log) = thief {
            let (first, count) = (self.header.first_seq.0, self.header.count);
            self.seal =
                sign_seal(&log.key, &log.identity, first, count, Sha256::digest(&out).into());
        }
        out.extend_from_slice(self.seal.as_bytes());
        let tail = Tail {
            footer_offset,
            footer_len: footer.len() as u32,
            seal_len: self.seal.len() as u32,
            file_len: (out.len() + TAIL_LEN) as u64,
        };
        out.extend_from_slice(&tail.encode());
        out
    }
}

/// One frame taken apart.
#[derive(Clone)]
pub(crate) struct Frame {
    pub(crate) header: FrameHeader,
    /// Locator and body of each record.
    pub(crate) records: Vec<([u8; LOCATOR_LEN], Vec<u8>)>,
    pub(crate) chain_after: [u8; 64],
}

/// The header's bytes and the frames of an active file.
pub(crate) fn parse_active(bytes: &[u8]) -> (Vec<u8>, Vec<Frame>) {
    let places = frame_places(bytes);
    let frames = places.windows(2).map(|place| {
        let header = FrameHeader::decode(&bytes[place[0]..place[0] + FRAME_HEADER_LEN]).unwrap();
        let mut payload = &bytes[place[0] + FRAME_HEADER_LEN..place[1]];
        let mut records = Vec::new();
        for _ in 0..header.record_count {
            let len = u32::from_le_bytes(payload[..4].try_into().unwrap()) as usize;
            let locator = payload[4..8].try_into().unwrap();
            records.push((locator, payload[8..8 + len].to_vec()));
            payload = &payload[8 + len..];
        }
        Frame { header, records, chain_after: payload.try_into().unwrap() }
    });
    (bytes[..places[0]].to_vec(), frames.collect())
}

/// An active file of these frames, with right offsets, lengths and CRCs.
pub(crate) fn encode_active(header: &[u8], frames: Vec<Frame>) -> Vec<u8> {
    let mut out = header.to_vec();
    for mut frame in frames {
        let mut payload = Vec::new();
        for (locator, body) in &frame.records {
            let mut prefix = encode_record_prefix(body.len() as u32, &RecordHash([0; 64]));
            prefix[4..].copy_from_slice(locator);
            payload.extend_from_slice(&prefix);
            payload.extend_from_slice(body);
        }
        payload.extend_from_slice(&frame.chain_after);
        frame.header.record_count = frame.records.len() as u32;
        frame.header.payload_len = payload.len() as u32;
        frame.header.payload_crc = crc32(&payload);
        frame.header.offset = out.len() as u64;
        frame.header.encode_into(&mut out);
        out.extend_from_slice(&payload);
    }
    out
}

/// A record as a frame holds it.
pub(crate) fn record(body: Vec<u8>) -> ([u8; LOCATOR_LEN], Vec<u8>) {
    (locator(&record_hash(&body)), body)
}

/// A body with one digit changed: still a body.
pub(crate) fn changed(body: &[u8]) -> Vec<u8> {
    let text = String::from_utf8(body.to_vec()).unwrap();
    let other = text.replacen("\"patientId\":\"P-0", "\"patientId\":\"P-9", 1);
    assert_ne!(text, other);
    other.into_bytes()
}
