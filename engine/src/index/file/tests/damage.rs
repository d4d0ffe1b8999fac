//! Every byte of a small index, changed; every length, cut.

use super::*;
use crate::index::shard::tests::model::term;
use crate::index::shard::{RecordSet, ShardLookup};

/// Everything that a file can be asked, in words.
fn answers(file: &IndexFile) -> Result<Vec<String>, ShardError> {
    let mut answers = Vec::new();
    for field in Keyword::ALL {
        answers.push(format!("{:?}", asked_totals(file, field)?));
    }
    for shard in file.shards() {
        answers.extend(shard_answers(shard)?);
    }
    Ok(answers)
}

fn shard_answers(shard: &dyn ShardLookup) -> Result<Vec<String>, ShardError> {
    let mut answers = vec![format!("{} {:?}", shard.first_seq(), shard.times())];
    let mut ask = |question: &dyn Fn(&mut RecordSet) -> Result<(), ShardError>| {
        let mut out = RecordSet::new();
        question(&mut out)?;
        answers.push(format!("{out:?}"));
        Ok(())
    };
    for field in Keyword::ALL {
        ask(&|out| shard.keyword(field, "usual", out))?;
        ask(&|out| shard.prefix(field, "", out))?;
    }
    for number in 0..20 {
        ask(&|out| shard.term(term(number), out))?;
    }
    ask(&|out| shard.addresses(0..=u32::MAX, out))?;
    ask(&|out| shard.erased(out))?;
    ask(&|out| shard.unreadable(out))?;
    let mut spans = Vec::new();
    shard.spans(0, &mut spans)?;
    answers.push(format!("{spans:?}"));
    Ok(answers)
}

#[test]
fn a_changed_byte_gives_an_error_or_the_same_answers() {
    let model = Model::random(20, 170, 4);
    let clean = file_of(&model);
    assert!(clean.len() > 2 * 4096, "{} bytes: several pages", clean.len());
    let wanted = answers(&open(clean.clone(), &model).unwrap()).unwrap();
    let mut late = 0;
    for place in 0..clean.len() {
        let mut bytes = clean.clone();
        bytes[place] ^= 1 << (place % 8);
        let Ok(file) = open(bytes, &model) else { continue };
        match answers(&file) {
            Ok(found) => assert!(found == wanted, "byte {place}"),
            Err(error) => {
                assert_eq!(error, ShardError::Page { page: place as u64 / 4096 });
                late += 1;
            }
        }
        assert!(file.verify_all().is_err(), "byte {place}");
    }
    assert!(late > 1_000, "pages are checked when they are asked for");
}

#[test]
fn another_length_is_an_error() {
    let model = Model::random(20, 170, 4);
    let clean = file_of(&model);
    for len in 0..clean.len() {
        assert!(open(clean[..len].to_vec(), &model).is_err(), "{len} bytes");
    }
    assert!(open([&clean[..], &[0]].concat(), &model).is_err());
    assert!(open([&[0], &clean[..]].concat(), &model).is_err());
}

#[test]
fn a_damaged_page_spoils_what_lies_on_it_alone() {
    let model = Model::random(65_536 - 400, 800, 4);
    let mut bytes = file_of(&model);
    // In the first shard, behind the header's page.
    bytes[5_000] ^= 4;
    let file = open(bytes, &model).unwrap();
    let shards = shards_of(&model, usize::MAX);
    assert_eq!(file.times(0), shards[0].times());
    shards[1].check(file.shard(1).unwrap(), false);
    assert_eq!(shard_answers(file.shard(0).unwrap()), Err(ShardError::Page { page: 1 }));
    assert_eq!(file.verify_all(), Err(ShardError::Page { page: 1 }));
}

#[test]
fn tails_that_lie_are_refused() {
    let model = Model::random(20, 30, 4);
    let clean = file_of(&model);
    let tail = super::super::layout::Tail::decode(&clean).unwrap();
    let with = |tail: super::super::layout::Tail| {
        let mut bytes = clean[..clean.len() - 32].to_vec();
        bytes.extend_from_slice(&tail.encode());
        open(bytes, &model).err()
    };
    assert_eq!(with(tail), None);
    for covered_len in [0, 1, tail.covered_len - 1, tail.covered_len + 1, u64::MAX] {
        assert!(with(super::super::layout::Tail { covered_len, ..tail }).is_some());
    }
    for shard_count in [0, 2, u32::MAX] {
        assert!(with(super::super::layout::Tail { shard_count, ..tail }).is_some());
    }
}
