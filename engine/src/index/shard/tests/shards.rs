//! The growing and the encoded shard against the model.

use proptest::prelude::*;

use super::model::{Kept, Model, Record, push, term};
use crate::index::shard::{
    EncodedShard, GrowingShard, Keyword, RecordSet, Room, SHARD_RECORDS, ShardBuilder, ShardError,
    ShardLookup, Slot, Source,
};

fn encoded(model: &Model) -> EncodedShard<Vec<u8>> {
    EncodedShard::open(model.builder().encode()).unwrap()
}

/// Where a shard may begin: at a window, in the middle of an octet, near the window's end.
fn any_first() -> impl Strategy<Value = u64> {
    prop_oneof![Just(0), Just(65_536 * 3), 0_u64..1_000, SHARD_RECORDS * 8 - 536..SHARD_RECORDS * 8]
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 48, ..ProptestConfig::default() })]

    #[test]
    fn growing_and_encoded_answer_as_a_list_would(
        first_seq in any_first(),
        count in 1_usize..700,
        seed: u64,
    ) {
        let room = usize::try_from(SHARD_RECORDS - first_seq % SHARD_RECORDS).unwrap();
        let model = Model::random(first_seq, count.min(room), seed);
        model.check(&model.builder(), true);
        model.check(&encoded(&model), false);
    }

    #[test]
    fn equal_records_give_equal_bytes(seed: u64, look in 0_usize..300) {
        let model = Model::random(70_000, 300, seed);
        let growing = GrowingShard::new(70_000);
        for (place, kept) in model.kept.iter().enumerate() {
            if place == look {
                // Asking and encoding in between changes nothing.
                let _ = growing.encode();
                growing.term(term(1), &mut RecordSet::new()).unwrap();
            }
            growing.grow(|builder| push(kept, builder));
        }
        prop_assert_eq!(growing.encode(), model.builder().encode());
    }

    #[test]
    fn terms_beyond_the_bound_are_everywhere(seed: u64, terms_max in 0_usize..200) {
        let model = Model::random(5, 400, seed);
        let mut builder = ShardBuilder::with_terms_max(5, terms_max);
        model.push_to(&mut builder);
        model.check(&builder, false);
        let bytes = builder.encode();
        model.check(&EncodedShard::open(bytes.as_slice()).unwrap(), false);
        let mut found = RecordSet::new();
        builder.term(term(u64::MAX), &mut found).unwrap();
        // Some 800 terms: most octets are left out, the first ones are not.
        prop_assert!(found.len() > 200, "{} records", found.len());
        prop_assert!(terms_max < 100 || !found.contains(8));
    }
}

#[test]
fn a_full_window_takes_no_more() {
    let mut builder = ShardBuilder::new(SHARD_RECORDS - 2);
    assert_eq!(builder.push(&Slot::Erased), Room::More);
    assert_eq!(builder.push(&Slot::Unreadable), Room::Full);
    assert_eq!(builder.next_seq(), SHARD_RECORDS);
    assert_eq!(builder.push(&Slot::Erased), Room::Full);
    assert_eq!((builder.next_seq(), builder.record_count()), (SHARD_RECORDS, 2));
    let model = Model { first_seq: SHARD_RECORDS - 2, kept: vec![Kept::Erased, Kept::Unreadable] };
    model.check(&builder, true);
    model.check(&encoded(&model), true);
}

#[test]
fn an_empty_shard_answers_nothing_and_its_bytes_are_no_shard() {
    let empty = Model { first_seq: 77, kept: Vec::new() };
    empty.check(&empty.builder(), true);
    assert!(EncodedShard::open(empty.builder().encode()).is_err());
}

#[test]
fn a_value_as_long_as_a_record_is_found() {
    let mut record = Record::default();
    record.keywords[Keyword::Action.place()] = Some("x".repeat(256 << 10));
    let other = Kept::Record(Record::default());
    let kept = vec![other.clone(), Kept::Record(record), other.clone(), other];
    let shard = encoded(&Model { first_seq: 0, kept });
    for value in ["x".repeat(256 << 10), "x".repeat((256 << 10) - 1)] {
        let mut found = RecordSet::new();
        shard.prefix(Keyword::Action, &value, &mut found).unwrap();
        assert_eq!(found.iter().collect::<Vec<_>>(), [1]);
    }
}

#[test]
fn a_question_from_inside_an_answer_does_not_wait_for_a_writer() {
    let model = Model::random(0, 200, 5);
    let growing = GrowingShard::new(0);
    growing.grow(|builder| model.push_to(builder));
    let inside = std::sync::Barrier::new(2);
    std::thread::scope(|scope| {
        scope.spawn(|| {
            inside.wait();
            growing.push(&Slot::Erased);
        });
        let mut asked = false;
        let mut wanted = |_: &str| {
            if !asked {
                asked = true;
                inside.wait();
                // The writer comes to wait for the lock, or will; it must not stand in the way.
                for _ in 0..10_000 {
                    growing.unreadable(&mut RecordSet::new()).unwrap();
                    std::thread::yield_now();
                }
            }
            true
        };
        growing.keywords(Keyword::Action, &mut wanted, &mut RecordSet::new()).unwrap();
    });
    assert_eq!(growing.next_seq(), 201);
}

/// Whatever a damaged shard answers, it answers.
fn ask_everything(bytes: &[u8]) -> Result<(), ShardError> {
    let shard = EncodedShard::open(bytes)?;
    let mut out = RecordSet::new();
    let mut first = Ok(());
    let mut note = |result: Result<(), ShardError>| first = first.and(result);
    for field in Keyword::ALL {
        note(shard.keyword(field, "usual", &mut out));
        note(shard.keyword(field, "ab", &mut out));
        note(shard.prefix(field, "a", &mut out));
        note(shard.keywords(field, &mut |value| value.len() > 3, &mut out));
        note(shard.counts(field, &mut |_, _| ()));
        note(shard.counts_in(field, &out.clone(), &mut |_, _| ()));
    }
    (0..20).for_each(|number| note(shard.term(term(number), &mut out)));
    note(shard.addresses(0..=u32::MAX, &mut out));
    note(shard.erased(&mut out));
    note(shard.unreadable(&mut out));
    let mut spans = Vec::new();
    for tile in 0..256 {
        note(shard.tile_times(tile).map(|_| ()));
        note(shard.spans(tile, &mut spans));
    }
    first
}

#[test]
fn damage_without_checksums_never_panics_or_hangs() {
    let model = Model::random(10, 60, 3);
    let mut bytes = model.builder().encode();
    ask_everything(&bytes).unwrap();
    let clean = bytes.clone();
    for place in 0..clean.len() {
        for value in [0, 0xFF, clean[place] ^ 1, clean[place] ^ 0x80, clean[place] ^ 0x10] {
            bytes[place] = value;
            let _ = ask_everything(&bytes);
        }
        bytes[place] = clean[place];
    }
    for len in 0..clean.len() {
        assert!(ask_everything(&clean[..len]).is_err(), "{len} bytes");
    }
}

#[test]
fn another_version_is_named() {
    let mut bytes = Model::random(10, 6, 3).builder().encode();
    bytes[0] = 9;
    assert_eq!(EncodedShard::open(bytes).err(), Some(ShardError::Version(9)));
}

/// Counts the bytes that are asked for.
struct Counted<'a>(&'a [u8], std::sync::atomic::AtomicUsize);

impl Source for Counted<'_> {
    fn len(&self) -> u64 {
        Source::len(self.0)
    }

    fn bytes(&self, at: u64, len: usize) -> Result<&[u8], ShardError> {
        self.1.fetch_add(len, std::sync::atomic::Ordering::Relaxed);
        Source::bytes(self.0, at, len)
    }
}

#[test]
fn an_answer_touches_few_bytes() {
    let bytes = super::synthetic::shard(0, 65_536).encode();
    let touched = |ask: &dyn Fn(&EncodedShard<&Counted<'_>>)| {
        let counted = Counted(&bytes, 0.into());
        ask(&EncodedShard::open(&counted).unwrap());
        counted.1.into_inner()
    };
    let term = touched(&|shard| shard.term(term(u64::MAX), &mut RecordSet::new()).unwrap());
    assert!(term < 1_000, "a term: {term} bytes");
    let actor = touched(&|shard| {
        let mut found = RecordSet::new();
        shard.keyword(Keyword::ActorId, "u000123", &mut found).unwrap();
        assert!(!found.is_empty());
    });
    assert!(actor < 6_000, "an actor: {actor} bytes");
}
