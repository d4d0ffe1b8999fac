//! Sealed segments as whole files, with their checksums put right.
//!
//! What is read encodes to the same bytes. Where locators and chain are put right too, every group
//! can be read. The auditor calls a file valid only where it is one that was signed.

use shoseki_engine::format::{SEGMENT_HEADER_LEN, TAIL_LEN, locator};
use shoseki_engine::proof::chain_next;
use shoseki_engine::record::IntegrityStatus;
use shoseki_engine::segment::{GroupPlace, SealedSegment, item_hashes};
use shoseki_engine::types::Seq;
use shoseki_engine::verify::{VerifyOptions, verify_segment};
use shoseki_lab::evidence::{Log, Plan, SealedPlan};

use crate::memory::within;
use crate::{fixture, repair};

/// What one group may take: its longest text, twice, since it is unpacked from one into another.
const GROUP_MAX: usize = 40 << 20;

pub(super) fn run(data: &[u8]) {
    let (mode, bytes) = data.split_first().map_or((0, data), |(mode, bytes)| (*mode, bytes));
    let mut file = match mode & 3 {
        0 => bytes.to_vec(),
        _ => repair::segment(bytes),
    };
    let linked = if mode & 3 == 2 { relinked(&file) } else { None };
    let is_linked = linked.is_some();
    file = linked.unwrap_or(file);
    audit(&file);
    let limit = (1 << 16) + file.len() * 8;
    let Ok(segment) = within(limit, "opening a segment", || SealedSegment::open(file.as_slice()))
    else {
        return;
    };
    again(&segment, &file);
    let (header, footer) = (segment.header(), segment.footer());
    for seq in [header.first_seq.0, header.end_seq().0 - 1] {
        let block = segment.block_of(Seq(seq)).unwrap();
        let (first, end) = segment.block_range(block);
        assert!((first..end).contains(&seq) && block < segment.directory().len());
    }
    assert_eq!(segment.block_of(header.end_seq()), None);
    assert_eq!(footer.count, header.count);
    blocks(&segment, is_linked);
}

fn blocks(segment: &SealedSegment<&[u8]>, linked: bool) {
    for block in 0..segment.directory().len() {
        let Ok(head) = segment.block_head(block) else { continue };
        let start = usize::try_from(segment.directory()[block].offset).unwrap();
        let mut encoded = Vec::new();
        head.encode_into(&mut encoded);
        assert!(segment.source()[start..].starts_with(&encoded));
        for group in 0..head.groups.len() {
            let place = GroupPlace { block, group };
            let unpack = || segment.unpack_group(&head, place);
            let Ok(items) = within(GROUP_MAX, "unpacking a group", unpack) else { continue };
            let count = usize::from(head.groups[group].record_count);
            assert!(items.len() == count && items.iter().count() == count);
            match segment.read_group(&head, place) {
                Ok(read) => {
                    assert!(read.items == items && read.hashes.len() == count);
                    assert_eq!(read.chain.last(), Some(&head.groups[group].chain_after));
                    let inside = SealedSegment::<&[u8]>::group_of(&head, read.first_seq);
                    assert_eq!(inside, Some(group));
                }
                Err(error) => assert!(!linked, "{error}"),
            }
        }
    }
}

fn again(segment: &SealedSegment<&[u8]>, file: &[u8]) {
    let header = repair::of_this_version(&file[..SEGMENT_HEADER_LEN], 8);
    assert_eq!(segment.header().encode(), header);
    let tail = repair::of_this_version(&file[file.len() - TAIL_LEN..], 24);
    assert_eq!(segment.tail().encode(), tail);
    let footer = usize::try_from(segment.tail().footer_offset).unwrap();
    let directory = usize::try_from(segment.footer().directory_offset).unwrap();
    assert!(file[footer..].starts_with(&segment.footer().encode()));
    let mut encoded = Vec::new();
    segment.directory().iter().for_each(|entry| entry.encode_into(&mut encoded));
    assert_eq!(encoded, file[directory..footer]);
}

/// The file with locators and chain hashes of what its groups hold now.
fn relinked(file: &[u8]) -> Option<Vec<u8>> {
    let segment = SealedSegment::open(file).ok()?;
    let mut out = file.to_vec();
    let mut chain = segment.header().chain_before;
    for (block, entry) in segment.directory().iter().enumerate() {
        let mut head = segment.block_head(block).ok()?;
        let mut locators = Vec::new();
        for group in 0..head.groups.len() {
            let items = segment.unpack_group(&head, GroupPlace { block, group }).ok()?;
            for hash in item_hashes(&items.iter().collect::<Vec<_>>()) {
                chain = chain_next(&chain, &hash);
                locators.push(locator(&hash));
            }
            head.groups[group].chain_after = chain;
        }
        head.locators = locators;
        let (mut encoded, at) = (Vec::new(), usize::try_from(entry.offset).ok()?);
        head.encode_into(&mut encoded);
        out.get_mut(at..at + encoded.len())?.copy_from_slice(&encoded);
    }
    let footer = usize::try_from(segment.tail().footer_offset).ok()?;
    out.get_mut(footer + 128..footer + 192)?.copy_from_slice(&chain.0);
    Some(repair::segment(&out))
}

fn audit(file: &[u8]) {
    let signed = signed();
    let options =
        VerifyOptions { vkey: Some(fixture::SMALL.vkey()), threads: 1, ..Default::default() };
    let report = verify_segment("", Box::new(file.to_vec()), &options, &()).unwrap();
    if report.status() == IntegrityStatus::Valid {
        // Behind what the seal covers other people may have signed too.
        let covered = |made: &Vec<u8>| {
            let segment = SealedSegment::open(made.as_slice()).unwrap();
            let len = usize::try_from(segment.tail().seal_offset()).unwrap();
            file.get(..len) == Some(&made[..len])
        };
        assert!(signed.iter().any(covered), "a file that nobody signed is called valid");
    }
}

fn signed() -> &'static [Vec<u8>] {
    static SIGNED: std::sync::LazyLock<Vec<Vec<u8>>> = std::sync::LazyLock::new(|| {
        let log: &Log = &fixture::SMALL;
        let dictionary = b"patientId name nurse LOGIN PATIENT_VIEW CLAIM_SEND success".to_vec();
        let made = |first: u64, count: usize, group, erased: &[usize], dictionary: Vec<u8>| {
            let at = usize::try_from(first).unwrap();
            SealedPlan {
                key: &log.key,
                identity: &log.identity,
                first,
                bodies: &log.bodies[at..at + count],
                erased,
                chain_before: log.chain[at],
                frontier: log.frontier(first),
                group,
                dictionary,
            }
            .build()
        };
        vec![
            made(0, 3, 2, &[], dictionary.clone()),
            made(2, 4, 4, &[1, 2], Vec::new()),
            made(0, 1, 1, &[0], Vec::new()),
            across_blocks(),
        ]
    });
    &SIGNED
}

/// Three records on both sides of the end of a block, by the same key.
fn across_blocks() -> Vec<u8> {
    let plan = Plan { sealed: vec![255, 3], frames: vec![], group: 200, ..Plan::default() };
    let mut log = plan.make();
    let path = log.sealed_paths().pop().unwrap();
    log.files.remove(&path).unwrap()
}

pub(super) fn seeds() -> Vec<Vec<u8>> {
    let mut seeds = Vec::new();
    for file in signed() {
        seeds.extend([1, 2].map(|mode| [&[mode], file.as_slice()].concat()));
    }
    seeds.push([&[0], signed()[0].as_slice()].concat());
    seeds
}
