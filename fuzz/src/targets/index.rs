//! Search index files with all checksums right: opening, and every question.
//!
//! Opening takes no more memory than follows from the file. Answers name only records of the shard,
//! and where the file is as our own writer made it they are what the records say.

use std::sync::LazyLock;

use shoseki_engine::index::file::{IndexFile, IndexFileWriter, IndexIdentity};
use shoseki_engine::index::shard::{
    EachCount, Keyword, RecordSet, SHARD_RECORDS, ShardBuilder, ShardError, ShardLookup, Slot,
    TermKey,
};
use shoseki_engine::index::terms::Extractor;
use shoseki_engine::record::Body;
use shoseki_engine::types::ChainHash;

use crate::memory::within;
use crate::repair::{self, INDEX_TAIL_LEN};

pub(super) fn run(data: &[u8]) {
    let [mode, shards, covered @ ..] = data else { return };
    let file = match mode & 1 {
        0 => repair::index(covered, u32::from(*shards)),
        _ => covered.to_vec(),
    };
    let Some(identity) = identity(&file) else { return };
    // A header of 92 bytes becomes a shard of some hundreds.
    let limit = 4096 + file.len() * 16;
    let bytes = file.clone();
    let open = || IndexFile::open(bytes, &identity);
    let Ok(index) = within(limit, "opening an index", open) else { return };
    assert_eq!((index.identity(), index.file_len()), (&identity, file.len() as u64));
    assert_eq!(index.shard_count(), index.shards().count());
    if mode & 1 == 0 {
        assert_eq!(index.verify_all(), Ok(()));
    }
    let mut next = identity.first_seq;
    for range in index.shard_ranges() {
        assert!(range.start == next && range.end > next);
        next = range.end;
    }
    assert_eq!(next, identity.first_seq + identity.count);
    let limit = (1 << 16) + file.len() * 16;
    let made = MADE.contains(&file);
    for shard in index.shards().take(4) {
        for field in Keyword::ALL {
            let _ = within(limit, "a field", || keyword(shard, field, made));
        }
        let _ = within(limit, "other questions", || questions(shard));
    }
    for field in Keyword::ALL {
        let mut rising = true;
        let total = || index.totals(field, &mut |_, _| ());
        let _ = within(limit, "totals", total);
        if made {
            rising = ascending(|each| index.totals(field, each)).is_ok();
        }
        assert!(rising);
    }
}

/// Header fields of a file, whatever they are.
fn identity(file: &[u8]) -> Option<IndexIdentity> {
    let number = |at: usize| Some(u64::from_le_bytes(file.get(at..at + 8)?.try_into().ok()?));
    Some(IndexIdentity {
        first_seq: number(16)?,
        count: number(24)?,
        erased: number(32)?,
        chain_after: ChainHash(file.get(40..104)?.try_into().ok()?),
    })
}

/// Values come in the order of their bytes, each once.
fn ascending(ask: impl FnOnce(EachCount<'_>) -> Result<(), ShardError>) -> Result<(), ShardError> {
    let mut last: Option<String> = None;
    let mut rising = true;
    ask(&mut |value, _| {
        rising &= last.as_deref().is_none_or(|last| last < value);
        last = Some(value.to_owned());
    })?;
    assert!(rising, "values out of order");
    Ok(())
}

fn inside(shard: &dyn ShardLookup, set: &RecordSet) {
    let first = u32::try_from(shard.first_seq() % SHARD_RECORDS).unwrap();
    let places = first..first + shard.record_count();
    assert!(set.iter().all(|place| places.contains(&u32::from(place))), "outside of the shard");
}

/// What a file says that nobody made need not agree with itself: whoever asks clips what is outside
/// of the shard and reads the records.
fn keyword(shard: &dyn ShardLookup, field: Keyword, made: bool) -> Result<(), ShardError> {
    let mut all = RecordSet::new();
    shard.keywords(field, &mut |_| true, &mut all)?;
    let mut begins = RecordSet::new();
    shard.prefix(field, "", &mut begins)?;
    if made {
        inside(shard, &all);
        assert_eq!(begins.words(), all.words());
        ascending(|each| shard.counts(field, each))?;
    }
    let (mut asked, mut left) = (Vec::new(), 8);
    shard.counts(field, &mut |value, count| {
        if left > 0 {
            asked.push((value.to_owned(), count));
            left -= 1;
        }
    })?;
    for (value, count) in &asked {
        let mut one = RecordSet::new();
        shard.keyword(field, value, &mut one)?;
        if made {
            inside(shard, &one);
            assert_eq!((u64::from(one.len()), one.len_with(&all)), (*count, one.len()), "{value}");
        }
        let cut = value.char_indices().nth(1).map_or(value.len(), |(at, _)| at);
        let mut prefix = RecordSet::new();
        shard.prefix(field, &value[..cut], &mut prefix)?;
        assert!(!made || prefix.len_with(&one) == one.len());
    }
    let mut within: Vec<(String, u64)> = Vec::new();
    shard.counts_in(field, &all, &mut |value, count| {
        if within.len() < 8 {
            within.push((value.to_owned(), count));
        }
    })?;
    assert!(!made || within == asked);
    shard.keyword(field, "absent\u{0}", &mut begins)
}

fn questions(shard: &dyn ShardLookup) -> Result<(), ShardError> {
    let mut set = RecordSet::new();
    shard.unreadable(&mut set)?;
    shard.erased(&mut set)?;
    for key in [0, 1, u64::MAX, u64::MAX / 3, 1 << 63] {
        shard.term(TermKey(key), &mut set)?;
    }
    for range in [0..=u32::MAX, 0..=0, u32::MAX..=u32::MAX, 0x0a00_0000..=0x0aff_ffff] {
        shard.addresses(range, &mut set)?;
    }
    let mut spans = Vec::new();
    for tile in [0, 1, 128, 255, 256, usize::MAX] {
        let times = shard.tile_times(tile)?;
        shard.spans(tile, &mut spans)?;
        assert_eq!(spans.len(), 256);
        let mut known = spans.iter().flatten();
        assert!(times.min > times.max || known.all(|span| span.min <= span.max));
    }
    Ok(())
}

/// A file of these slots, some of them erased or unreadable.
fn made(first: u64, bodies: &[Vec<u8>]) -> (Vec<u8>, u8) {
    let identity = IndexIdentity {
        first_seq: first,
        count: bodies.len() as u64,
        chain_after: ChainHash([7; 64]),
        erased: 1,
    };
    let mut writer = IndexFileWriter::new(Vec::new(), identity).unwrap();
    let (mut shards, mut extractor) = (0, Extractor::new());
    let mut shard = ShardBuilder::new(first);
    for (seq, body) in (first..).zip(bodies) {
        if seq > first && seq.is_multiple_of(SHARD_RECORDS) {
            writer.push(&shard.encode()).unwrap();
            (shard, shards) = (ShardBuilder::new(seq), shards + 1);
        }
        match seq % 7 {
            5 => shard.push(&Slot::Erased),
            6 => shard.push(&Slot::Unreadable),
            _ => shard.push(&Slot::Record(&extractor.slot_keys(&Body::parse(body).unwrap()))),
        };
    }
    writer.push(&shard.encode()).unwrap();
    (writer.finish().unwrap(), shards + 1)
}

/// Files as they are made.
static MADE: LazyLock<Vec<Vec<u8>>> =
    LazyLock::new(|| files().into_iter().map(|(file, _)| file).collect());

fn files() -> Vec<(Vec<u8>, u8)> {
    let bodies = super::body::seeds();
    [(0, 3), (SHARD_RECORDS - 4, 9), (300, 17)]
        .map(|(first, take)| made(first, &bodies[..take.min(bodies.len())]))
        .to_vec()
}

pub(super) fn seeds() -> Vec<Vec<u8>> {
    let mut seeds = Vec::new();
    for (file, shards) in files() {
        let tail = file.len() - INDEX_TAIL_LEN;
        let len = u64::from_le_bytes(file[tail..tail + 8].try_into().unwrap());
        let covered = &file[..usize::try_from(len).unwrap()];
        assert_eq!(repair::index(covered, u32::from(shards)), file);
        seeds.push([&[0, shards], covered].concat());
        seeds.push([&[1, shards], file.as_slice()].concat());
    }
    seeds
}
