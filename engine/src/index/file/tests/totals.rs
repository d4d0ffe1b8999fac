//! Totals of many shards, and those that are too long to be kept.

use super::*;
use crate::index::shard::tests::model::Record;

#[test]
fn many_shards_are_merged() {
    let model = Model::random(65_536, 700, 5);
    let file = open(write(&model, 10, TotalsWriter::new()), &model).unwrap();
    assert_eq!(file.shard_count(), 70);
    for field in Keyword::ALL {
        assert_eq!(asked_totals(&file, field).unwrap(), totals_of(&model, field), "{field:?}");
    }
}

#[test]
fn totals_that_are_too_long_come_from_the_shards() {
    let named = |number: u64| {
        let mut record = Record::default();
        record.keywords[Keyword::ActorId.place()] = Some(format!("actor {:05}", number * 7 % 400));
        record.keywords[Keyword::Action.place()] = Some("READ".to_owned());
        Kept::Record(record)
    };
    let model = Model { first_seq: 0, kept: (0..1_000).map(named).collect() };
    let kept = write(&model, 20, TotalsWriter::new());
    let shorter = write(&model, 20, TotalsWriter::with_len_max(500));
    assert!(shorter.len() < kept.len(), "{} and {} bytes", shorter.len(), kept.len());
    for bytes in [kept, shorter] {
        let file = open(bytes, &model).unwrap();
        for field in [Keyword::ActorId, Keyword::Action, Keyword::Result] {
            assert_eq!(asked_totals(&file, field).unwrap(), totals_of(&model, field));
        }
    }
}
