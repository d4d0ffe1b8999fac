//! The index file: what it answers, every damaged byte, every length.
#![expect(clippy::indexing_slicing, reason = "tests index what they have just built")]

mod damage;
mod totals;

use std::collections::BTreeMap;

use super::totals::TotalsWriter;
use super::{IndexFile, IndexFileWriter, IndexIdentity};
use crate::index::shard::tests::model::{Kept, Model};
use crate::index::shard::{Keyword, SHARD_RECORDS, ShardError};
use crate::types::ChainHash;

fn identity_of(model: &Model) -> IndexIdentity {
    IndexIdentity {
        first_seq: model.first_seq,
        count: model.kept.len() as u64,
        chain_after: ChainHash([7; 64]),
        erased: 3,
    }
}

/// The parts of a model, cut at the windows' ends and after `most` records.
fn shards_of(model: &Model, most: usize) -> Vec<Model> {
    let mut shards: Vec<Model> = Vec::new();
    for (seq, kept) in (model.first_seq..).zip(&model.kept) {
        match shards.last_mut() {
            Some(shard) if shard.kept.len() < most && !seq.is_multiple_of(SHARD_RECORDS) => {
                shard.kept.push(kept.clone());
            }
            _ => shards.push(Model { first_seq: seq, kept: vec![kept.clone()] }),
        }
    }
    shards
}

fn write(model: &Model, most: usize, totals: TotalsWriter) -> Vec<u8> {
    let mut writer = IndexFileWriter::with_totals(Vec::new(), identity_of(model), totals).unwrap();
    for shard in shards_of(model, most) {
        writer.push(&shard.builder().encode()).unwrap();
    }
    writer.finish().unwrap()
}

fn file_of(model: &Model) -> Vec<u8> {
    write(model, usize::MAX, TotalsWriter::new())
}

fn open(bytes: Vec<u8>, model: &Model) -> Result<IndexFile, ShardError> {
    IndexFile::open(bytes, &identity_of(model))
}

fn totals_of(model: &Model, field: Keyword) -> Vec<(String, u64)> {
    let mut totals = BTreeMap::new();
    for kept in &model.kept {
        if let Kept::Record(record) = kept
            && let Some(value) = &record.keywords[field.place()]
        {
            *totals.entry(value.clone()).or_default() += 1;
        }
    }
    totals.into_iter().collect()
}

fn asked_totals(file: &IndexFile, field: Keyword) -> Result<Vec<(String, u64)>, ShardError> {
    let mut totals = Vec::new();
    file.totals(field, &mut |value, count| totals.push((value.to_owned(), count)))?;
    Ok(totals)
}

#[test]
fn a_file_answers_as_its_shards_do() {
    // Three windows, of which the first and the last are partial.
    let mut model = Model::random(SHARD_RECORDS * 3 - 5, 300, 1);
    model.kept.extend((0..SHARD_RECORDS).map(|_| Kept::Erased));
    let shards = shards_of(&model, usize::MAX);
    let bytes = file_of(&model);
    let len = bytes.len() as u64;
    let file = open(bytes, &model).unwrap();
    assert_eq!(*file.identity(), identity_of(&model));
    assert_eq!((file.file_len(), file.shard_count()), (len, 3));
    assert_eq!(file.parts().map(|(_, len)| len).sum::<u64>(), len);
    let ranges: Vec<_> = file.shard_ranges().collect();
    assert_eq!(ranges.first().map(|range| range.start), Some(SHARD_RECORDS * 3 - 5));
    assert!(ranges.windows(2).all(|pair| pair[0].end == pair[1].start));
    assert_eq!(ranges.last().map(|range| range.end), Some(SHARD_RECORDS * 4 + 295));
    assert_eq!(file.shards().count(), 3);
    for (index, shard) in shards.iter().enumerate() {
        assert_eq!(file.times(index), shard.times());
        shard.check(file.shard(index).unwrap(), false);
    }
    assert!(file.shard(3).is_none());
    for field in Keyword::ALL {
        assert_eq!(asked_totals(&file, field).unwrap(), totals_of(&model, field), "{field:?}");
    }
    file.verify_all().unwrap();
}

#[test]
fn shards_that_do_not_follow_each_other_are_refused() {
    let model = Model::random(100, 30, 2);
    let shards: Vec<Vec<u8>> =
        shards_of(&model, 10).iter().map(|shard| shard.builder().encode()).collect();
    let written = |order: &[usize]| {
        let mut writer = IndexFileWriter::new(Vec::new(), identity_of(&model))?;
        order.iter().try_for_each(|index| writer.push(&shards[*index]))?;
        writer.finish()
    };
    assert!(written(&[0, 1, 2]).is_ok());
    let orders: [&[usize]; 6] = [&[0, 1], &[1, 2], &[0, 2], &[0, 0, 1, 2], &[2, 1, 0], &[]];
    for order in orders {
        let kind = written(order).unwrap_err().kind();
        assert_eq!(kind, std::io::ErrorKind::InvalidInput, "{order:?}");
    }
    let mut writer = IndexFileWriter::new(Vec::new(), identity_of(&model)).unwrap();
    assert!(writer.push(&shards[0][1..]).is_err());
    assert!(writer.push(&Model::random(100, 31, 2).builder().encode()).is_err());
}

#[test]
fn other_records_make_it_stale() {
    let model = Model::random(100, 20, 2);
    let bytes = file_of(&model);
    let right = identity_of(&model);
    let mut chain = right.chain_after;
    chain.0[63] ^= 1;
    for wrong in [
        IndexIdentity { first_seq: 101, ..right },
        IndexIdentity { count: 21, ..right },
        IndexIdentity { erased: 4, ..right },
        IndexIdentity { chain_after: chain, ..right },
    ] {
        assert_eq!(IndexFile::open(bytes.clone(), &wrong).err(), Some(ShardError::Stale));
    }
}

#[test]
fn another_version_is_named() {
    let model = Model::random(100, 20, 2);
    let mut bytes = file_of(&model);
    let version = bytes.len() - 14;
    bytes[version] = 9;
    assert_eq!(open(bytes, &model).err(), Some(ShardError::Version(9)));
    let mut header = identity_of(&model).encode();
    header[8] = 9;
    assert_eq!(IndexIdentity::decode(&header), Err(ShardError::Version(9)));
}
