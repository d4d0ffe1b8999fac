//! An active file, a sealed segment and signed notes, read again.

use sha2::{Digest, Sha256};
use shoseki_engine::format::{
    BlockHead, DirectoryEntry, Footer, FrameHeader, FrameKind, GroupEncoding, RecordsPayload,
    SegmentHeader, Tail,
};
use shoseki_engine::proof::{Checkpoint, KeyList, LogIdentity, VerifierKey, leaf_hash};
use shoseki_engine::record::AuditId;
use shoseki_engine::segment::{
    ByteSource, FrameVisitor, GroupPlace, PackedItem, ScanPosition, ScanTail, SealedSegment,
    scan_active,
};
use shoseki_engine::types::Seq;

use crate::sample::{self, ERASED, SEGMENT_COUNT, SEGMENT_FIRST};
use crate::{data, golden};

#[derive(Default)]
struct Frames(Vec<(FrameKind, u64, u64, Vec<Vec<u8>>)>);

impl FrameVisitor for Frames {
    fn frame(&mut self, _: &ScanPosition, header: &FrameHeader, payload: &RecordsPayload<'_>) {
        let bodies = payload.records.iter().map(|record| record.body.to_vec()).collect();
        self.0.push((header.kind, header.commit, header.durable_seq.0, bodies));
    }
}

#[test]
fn the_active_file_is_read_and_would_be_written_alike() {
    let file = golden("active.log");
    let mut frames = Frames::default();
    let scan = scan_active(&file, &mut frames).unwrap();
    assert_eq!(scan.tail, ScanTail::Closed);
    assert_eq!((scan.end.next_seq, scan.end.chain), (Seq(5), sample::chain(5)));
    assert_eq!((scan.durable_seq, scan.end.commit), (Seq(5), 5));
    assert_eq!(scan.header.identity_sha256, sample::identity().sha256());
    let bodies = |seqs: std::ops::Range<u64>| seqs.map(sample::body).collect::<Vec<_>>();
    let expected = [
        (FrameKind::Records, 2, 0, bodies(0..3)),
        (FrameKind::Records, 3, 3, bodies(3..5)),
        (FrameKind::Mark, 4, 5, vec![]),
        (FrameKind::Close, 5, 5, vec![]),
    ];
    assert_eq!(frames.0, expected);
    assert_eq!(sample::active_file(&[3, 2], true), file);
}

#[test]
fn the_sealed_segment_gives_the_same_records() {
    let segment = SealedSegment::open(golden("segment.seg")).unwrap();
    let mut seq = SEGMENT_FIRST;
    let mut encodings = Vec::new();
    for block in 0..segment.directory().len() {
        let head = segment.block_head(block).unwrap();
        let mut leaves = shoseki_engine::proof::CompactRange::new(0);
        for (group, entry) in head.groups.iter().enumerate() {
            encodings.push(entry.encoding);
            let records = segment.read_group(&head, GroupPlace { block, group }).unwrap();
            for (item, chain) in records.items.iter().zip(&records.chain) {
                let body = sample::body(seq);
                let erased = PackedItem::Erased(AuditId::from_bytes([0xee; 16]), sample::hash(seq));
                let due = if seq == ERASED { erased } else { PackedItem::Body(&body) };
                assert_eq!(item, due, "record {seq}");
                leaves.push(leaf_hash(&sample::hash(seq))).unwrap();
                seq += 1;
                if seq.is_multiple_of(50) {
                    assert_eq!(*chain, sample::chain(seq));
                }
            }
        }
        assert_eq!(segment.directory()[block].root, leaves.root().unwrap());
    }
    assert_eq!(seq, SEGMENT_FIRST + SEGMENT_COUNT);
    assert!(encodings.contains(&GroupEncoding::ZstdDictionary), "{encodings:?}");
}

/// What zstd has no part in is encoded as it was.
#[test]
fn the_structures_of_the_sealed_segment_would_be_written_alike() {
    let file = golden("segment.seg");
    let segment = SealedSegment::open(&file).unwrap();
    let (tail, footer) = (segment.tail(), segment.footer());
    let at = |offset: u64, len: usize| file.bytes(offset, len).unwrap();
    assert_eq!(segment.header().encode(), *at(0, 256));
    assert_eq!(footer.encode(), *at(tail.footer_offset, tail.footer_len as usize));
    assert_eq!(tail.encode(), *at(tail.file_len - 48, 48));
    let mut directory = Vec::new();
    segment.directory().iter().for_each(|entry| entry.encode_into(&mut directory));
    assert_eq!(directory, *at(footer.directory_offset, directory.len()));
    for (block, entry) in segment.directory().iter().enumerate() {
        let mut head = Vec::new();
        segment.block_head(block).unwrap().encode_into(&mut head);
        assert_eq!(head, *at(entry.offset, head.len()));
    }
}

/// Built again, only what depends on the lengths of compressed groups may differ.
#[test]
fn the_sealed_segment_would_be_described_alike() {
    let file = golden("segment.seg");
    let old = SealedSegment::open(&file).unwrap();
    let dictionary = file.bytes(256, old.header().dictionary_len as usize).unwrap();
    let seqs = SEGMENT_FIRST..SEGMENT_FIRST + SEGMENT_COUNT;
    let new = SealedSegment::open(sample::segment(seqs, 6, dictionary.to_vec())).unwrap();
    assert_eq!(new.header(), old.header());
    let footer = Footer {
        directory_offset: old.footer().directory_offset,
        directory_crc: old.footer().directory_crc,
        ..new.footer().clone()
    };
    assert_eq!(footer, *old.footer());
    let placeless = |entry: &DirectoryEntry| DirectoryEntry { offset: 0, len: 0, ..entry.clone() };
    for (block, (new_entry, old_entry)) in new.directory().iter().zip(old.directory()).enumerate() {
        assert_eq!(placeless(new_entry), placeless(old_entry));
        let (new, old) = (new.block_head(block).unwrap(), old.block_head(block).unwrap());
        let groups = |head: &BlockHead| {
            let parts = head.groups.iter().map(|g| (g.raw_len, g.record_count, g.chain_after));
            parts.collect::<Vec<_>>()
        };
        assert_eq!((groups(&new), &new.locators), (groups(&old), &old.locators));
    }
}

#[test]
fn seal_and_anchor_of_the_segment_hold() {
    let file = golden("segment.seg");
    let segment = SealedSegment::open(&file).unwrap();
    let keys = KeyList::create(&sample::key(0));
    let anchor = keys.open_anchor(segment.footer().anchor.as_bytes()).unwrap();
    assert_eq!(anchor.log_root, sample::root(SEGMENT_FIRST + SEGMENT_COUNT));
    let seal_at = segment.tail().seal_offset();
    let note = file.bytes(seal_at, segment.tail().seal_len as usize).unwrap();
    let seal = keys.open_seal(&note).unwrap();
    let before = file.bytes(0, usize::try_from(seal_at).unwrap()).unwrap();
    assert_eq!(seal.sha256, <[u8; 32]>::from(Sha256::digest(&before)));
}

#[test]
fn headers_and_tails_of_the_files_decode() {
    let file = golden("segment.seg");
    assert_eq!(SegmentHeader::decode(&file[..256]).unwrap().count, SEGMENT_COUNT);
    let tail = Tail::decode(&file[file.len() - 48..], file.len() as u64).unwrap();
    assert_eq!(tail.file_len, file.len() as u64);
}

#[test]
fn notes_are_read_and_would_be_written_alike() {
    for (name, text) in sample::notes() {
        let stored = String::from_utf8(golden(&format!("notes/{name}"))).unwrap();
        assert_eq!(stored, text, "{name}");
    }
    let keys = KeyList::parse(&golden("notes/log.vkeys")).unwrap();
    assert_eq!(keys.len(), 3);
    assert_eq!(VerifierKey::parse_line(&golden("notes/log.vkey")).unwrap(), *keys.current());
    let checkpoint: Checkpoint = keys.open_checkpoint(&golden("notes/checkpoint")).unwrap();
    assert_eq!((checkpoint.size.0, checkpoint.root), (11, sample::root(11)));
    assert_eq!(keys.open_anchor(&golden("notes/anchor")).unwrap().count, 5);
    assert_eq!(keys.open_seal(&golden("notes/seal")).unwrap().ordered_by, Some(Seq(10)));
    assert_eq!(LogIdentity::parse(&golden("notes/log.json")), Some(sample::identity()));
    assert!(data().join("notes").is_dir());
}
