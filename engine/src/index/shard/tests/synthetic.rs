//! A shard with the statistics of generated records, and what it takes.

use std::borrow::Cow;

use super::Numbers;
use crate::index::shard::header::Section;
use crate::index::shard::{EncodedShard, Keyword, RecordKeys, ShardBuilder, Slot, TermKey};

const ACTORS: u64 = 5_000;
const ACTIONS: u64 = 200;

/// Numbers below `bound`, the small ones more often: the least of so many.
fn skewed(rng: &mut Numbers, bound: u64, draws: u32) -> u64 {
    (0..draws).map(|_| rng.below(bound)).min().unwrap_or(0)
}

/// A shard of `count` records as the benches' workload has them: ids that never repeat, a patient
/// that nearly never does, words that repeat all the time.
pub(super) fn shard(first_seq: u64, count: u64) -> ShardBuilder {
    let rng = &mut Numbers(11);
    let mut builder = ShardBuilder::new(first_seq);
    let mut terms = Vec::new();
    for number in 0..count {
        let (actor, action) = (skewed(rng, ACTORS, 3), skewed(rng, ACTIONS, 3));
        terms.clear();
        let ids = if rng.below(3) > 0 { 3 } else { 1 };
        terms.extend((0..ids).map(|_| TermKey(rng.next())));
        let patient = skewed(rng, 2_000_000, 2);
        for known in [patient, 1 << 32 | rng.below(100_000)] {
            terms.push(TermKey(Numbers(known).next()));
        }
        if rng.below(2) == 0 {
            terms.extend([0; 2].map(|_| TermKey(Numbers(1 << 33 | rng.below(16)).next())));
        }
        let mut keywords: [Option<Cow<'_, str>>; Keyword::COUNT] = Default::default();
        keywords[Keyword::Action.place()] = Some(format!("READ_THING_{action}").into());
        keywords[Keyword::ActorId.place()] = Some(format!("u{actor:06}").into());
        keywords[Keyword::ActorType.place()] = Some(
            ["system", "device", "user"][usize::try_from((actor % 10).min(2)).unwrap()].into(),
        );
        keywords[Keyword::FacilityId.place()] = Some(format!("F{:03}", actor % 40).into());
        keywords[Keyword::PiiFlag.place()] = Some("false".into());
        let result = if rng.below(100) < 3 { "failure" } else { "success" };
        keywords[Keyword::Result.place()] = Some(result.into());
        let sensitivity = if action % 9 == 0 { "high" } else { "low" };
        keywords[Keyword::Sensitivity.place()] = Some(sensitivity.into());
        let address = (10 << 24) + ((actor % 8) << 16) + ((actor % 250) << 8) + patient % 250;
        let timestamp = 1_767_225_600_000_000 + number * 259_200 + rng.below(259_200);
        builder.push(&Slot::Record(&RecordKeys {
            timestamp: i64::try_from(timestamp).unwrap() * 1_000,
            keywords,
            address: u32::try_from(address).ok(),
            terms: &terms,
        }));
    }
    builder
}

#[test]
fn a_generated_record_takes_at_most_twenty_bytes() {
    let builder = shard(0, 65_536);
    let bytes = builder.encode();
    let shard = EncodedShard::open(bytes.as_slice()).unwrap();
    for section in Section::all() {
        let place = shard.header().section(section);
        println!("{section:?}: {:.2} bits", (place.end - place.start) as f64 / 8_192.0);
    }
    println!(
        "all: {:.2} bytes; growing: {} bytes",
        bytes.len() as f64 / 65_536.0,
        builder.memory()
    );
    assert!(bytes.len() <= 20 * 65_536, "{} bytes", bytes.len());
}
