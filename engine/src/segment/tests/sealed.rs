//! Reading a sealed segment: every record, and what damage to each bit does.

use proptest::prelude::*;
use sha2::{Digest, Sha256};

use super::packing::dictionary;
use super::*;
use crate::format::{BLOCK_HEAD_LEN, GROUP_ENTRY_LEN, GroupEntry, SEGMENT_HEADER_LEN};

/// Every record with hash and chain hash, in order.
type Read = Vec<(Seq, Option<Vec<u8>>, RecordHash, ChainHash)>;

fn read_all<S: ByteSource>(segment: &SealedSegment<S>) -> Result<Read, SegmentError> {
    let mut read = Vec::new();
    for block in 0..segment.directory().len() {
        let head = segment.block_head(block)?;
        for group in 0..head.groups.len() {
            let records = segment.read_group(&head, GroupPlace { block, group })?;
            for (i, item) in records.items.iter().enumerate() {
                let body = match item {
                    PackedItem::Body(body) => Some(body.to_vec()),
                    PackedItem::Erased(..) => None,
                };
                let seq = Seq(records.first_seq.0 + i as u64);
                read.push((seq, body, records.hashes[i], records.chain[i]));
            }
        }
    }
    Ok(read)
}

fn expected(seqs: std::ops::Range<u64>, erased: fn(u64) -> bool) -> Read {
    let mut chain_hash = chain(GENESIS, 0..seqs.start);
    let record = |n: u64| {
        chain_hash = chain_next(&chain_hash, &hash(n));
        (Seq(n), (!erased(n)).then(|| body(n)), hash(n), chain_hash)
    };
    seqs.map(record).collect()
}

#[test]
fn every_record_is_read_whatever_the_shape() {
    let erased = |n: u64| n % 9 == 4;
    for (seqs, group) in [(0..1, 1), (0..256, 256), (3..258, 7), (250..780, 16), (512..600, 64)] {
        for dictionary in [Vec::new(), dictionary()] {
            let shape = Shape { group, dictionary, erased };
            let (_, file) = build(seqs.clone(), &shape);
            let segment = SealedSegment::open(file).unwrap();
            assert_eq!(read_all(&segment).unwrap(), expected(seqs.clone(), erased));
        }
    }
}

#[test]
fn each_seq_is_found_and_others_are_not() {
    let (_, file) = build(250..600, &PLAIN);
    let segment = SealedSegment::open(file).unwrap();
    for seq in 250..600 {
        let block = segment.block_of(Seq(seq)).unwrap();
        let head = segment.block_head(block).unwrap();
        let group = SealedSegment::<Vec<u8>>::group_of(&head, Seq(seq)).unwrap();
        let records = segment.read_group(&head, GroupPlace { block, group }).unwrap();
        let index = usize::try_from(seq - records.first_seq.0).unwrap();
        assert_eq!(records.items.get(index), Some(PackedItem::Body(&body(seq))));
        assert_eq!(records.items.get(records.items.len()), None);
    }
    for seq in [0, 249, 600, u64::MAX] {
        assert_eq!(segment.block_of(Seq(seq)), None);
    }
    let head = segment.block_head(0).unwrap();
    assert_eq!(SealedSegment::<Vec<u8>>::group_of(&head, Seq(256)), None);
    for place in [GroupPlace { block: 0, group: 99 }, GroupPlace { block: 9, group: 0 }] {
        assert!(segment.read_group(&head, place).is_err());
    }
    assert!(segment.block_head(9).is_err());
}

/// What a file says when it is opened and read whole: an error, or its records and whether the
/// digest that the seal signs still holds.
fn verdict(file: &[u8]) -> Option<(Read, bool)> {
    let segment = SealedSegment::open(file).ok()?;
    let read = read_all(&segment).ok()?;
    let seal_at = usize::try_from(segment.tail().seal_offset()).unwrap();
    let seal = &file[seal_at..][..segment.tail().seal_len as usize];
    let digest: [u8; 32] = Sha256::digest(&file[..seal_at]).into();
    Some((read, seal == crate::types::to_hex(&digest).as_bytes()))
}

#[test]
fn every_flipped_bit_of_a_file_is_noticed() {
    let (_, file) = build(254..258, &PLAIN);
    assert_eq!(verdict(&file), Some((expected(254..258, |_| false), true)));
    for bit in 0..file.len() * 8 {
        let mut flipped = file.clone();
        flipped[bit / 8] ^= 1 << (bit % 8);
        if let Some((read, sealed)) = verdict(&flipped) {
            assert_eq!(read, expected(254..258, |_| false), "bit {bit}: other records");
            assert!(!sealed, "bit {bit} unnoticed");
        }
    }
}

#[test]
fn every_truncation_of_a_file_is_an_error() {
    let (_, file) = build(254..258, &PLAIN);
    for len in 0..file.len() {
        assert!(SealedSegment::open(&file[..len]).is_err(), "cut to {len}");
    }
}

/// Whoever mends CRCs still can't change a record.
#[test]
fn a_forged_group_does_not_match_the_chain() {
    let (_, file) = build(0..4, &PLAIN);
    let segment = SealedSegment::open(&file).unwrap();
    let mut head = segment.block_head(0).unwrap();
    let group = SEGMENT_HEADER_LEN + BLOCK_HEAD_LEN + GROUP_ENTRY_LEN + 4 * 4;
    let mut forged = file.clone();
    // A bit of the first record's salt, in the fixed part.
    forged[group + 20] ^= 1;
    let stored = &forged[group..][..head.groups[0].stored_len as usize];
    head.groups[0].crc = crc32fast::hash(stored);
    let place = GroupPlace { block: 0, group: 0 };
    let segment = SealedSegment::open(&forged).unwrap();
    let error = segment.read_group(&head, place).unwrap_err();
    assert!(matches!(error.kind, SegmentErrorKind::Chain), "{error}");
    assert_eq!((error.first_seq, error.last_seq, error.offset), (Seq(0), Seq(3), group as u64));
    // With its locator mended too.
    let items = segment.unpack_group(&head, place).unwrap();
    let Some(PackedItem::Body(changed)) = items.get(0) else { panic!("no body") };
    head.locators[0] = crate::format::locator(&record_hash(changed));
    assert!(segment.read_group(&head, place).is_err());
}

#[test]
fn erased_records_keep_chain_and_tree_whole() {
    let (whole, _) = build(0..300, &PLAIN);
    let (erased, file) = build(0..300, &Shape { erased: |n| n == 7 || n == 256, ..PLAIN });
    assert_eq!(erased.footer.chain_after, whole.footer.chain_after);
    assert_eq!(erased.footer.segment_root, whole.footer.segment_root);
    assert_eq!(erased.footer.counts.erased, 2);
    let segment = SealedSegment::open(file).unwrap();
    assert_eq!(read_all(&segment).unwrap().iter().filter(|r| r.1.is_none()).count(), 2);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn any_damage_is_an_error_or_the_same_records(
        changes in proptest::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..6),
        cut in any::<prop::sample::Index>(), cuts in 0..4u8,
    ) {
        let (_, file) = build(250..262, &PLAIN);
        let mut damaged = file.clone();
        for (at, byte) in &changes {
            let at = at.index(damaged.len());
            damaged[at] = *byte;
        }
        if cuts == 0 {
            damaged.truncate(cut.index(file.len()));
        }
        if let Some((read, sealed)) = verdict(&damaged) {
            prop_assert_eq!(read, expected(250..262, |_| false));
            prop_assert!(!sealed || damaged == file);
        }
    }

    #[test]
    fn any_bytes_are_no_segment(bytes in proptest::collection::vec(any::<u8>(), 0..2000)) {
        prop_assert!(SealedSegment::open(bytes).is_err());
    }
}

#[test]
fn a_block_verified_at_once_is_its_groups_one_after_the_other() {
    let shape = Shape { group: 7, dictionary: Vec::new(), erased: |n| n % 9 == 4 };
    let (built, file) = build(40..700, &shape);
    let segment = SealedSegment::open(&file[..]).unwrap();
    let mut chain = built.footer.chain_before;
    for block in 0..segment.directory().len() {
        let head = segment.block_head(block).unwrap();
        let read = |group| segment.read_group(&head, GroupPlace { block, group }).unwrap();
        let one_by_one: Vec<_> =
            (0..head.groups.len()).flat_map(|group| read(group).hashes).collect();
        let (hashes, after) = segment.verify_block(block, chain).unwrap();
        assert_eq!(hashes, one_by_one);
        assert!(segment.verify_block(block, ChainHash([1; 64])).is_err(), "another chain before");
        chain = after;
    }
    assert_eq!(chain, built.footer.chain_after);
}

#[test]
fn no_changed_byte_of_a_block_verifies() {
    let (built, file) = build(0..40, &PLAIN);
    let before = built.footer.chain_before;
    let entry = SealedSegment::open(&file[..]).unwrap().directory()[0].clone();
    let start = usize::try_from(entry.offset).unwrap();
    for at in start..start + entry.len as usize {
        let mut changed = file.clone();
        changed[at] ^= 0x10;
        let segment = SealedSegment::open(&changed[..]).unwrap();
        assert!(segment.verify_block(0, before).is_err(), "byte {at}");
    }
}

#[test]
fn runs_hold_every_group_once_and_few_large_ones() {
    let entry = |raw_len| GroupEntry {
        stored_len: 100,
        raw_len,
        record_count: 8,
        encoding: crate::format::GroupEncoding::Zstd,
        crc: 0,
        chain_after: GENESIS,
    };
    let groups: Vec<_> = [1000, 1000, 250 << 10, 1 << 20, 9, 9, 300 << 10].map(entry).into();
    let runs: Vec<_> = group_runs(&groups).collect();
    assert_eq!(runs, [0..3, 3..4, 4..6, 6..7]);
    assert_eq!(group_runs(&[]).count(), 0);
}
