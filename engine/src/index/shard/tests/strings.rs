//! Dictionaries.

use std::collections::BTreeMap;

use proptest::prelude::*;

use super::super::error::ShardError;
use super::super::strings::{Entry, Strings, StringsWriter};
use super::{Watched, each_damage};

type Model = BTreeMap<String, (u64, Option<Vec<u8>>)>;
type Found = Vec<(String, u64, Option<Vec<u8>>)>;

fn encoded(model: &Model, with_lists: bool) -> Vec<u8> {
    let mut writer = StringsWriter::new(with_lists);
    for (value, (count, list)) in model {
        writer.push(value, *count, list.as_deref().filter(|_| with_lists));
    }
    let mut out = Vec::new();
    writer.finish(&mut out);
    out
}

fn owned(
    strings: &Strings<&[u8]>,
    entry: Entry<'_>,
) -> Result<(String, u64, Option<Vec<u8>>), ShardError> {
    let list = entry.place.map(|place| strings.postings(place).map(<[u8]>::to_vec)).transpose()?;
    Ok((entry.value.to_owned(), entry.count, list))
}

fn all(strings: &Strings<&[u8]>) -> Result<Found, ShardError> {
    let (mut walk, mut found) = (strings.iter()?, Vec::new());
    while let Some(entry) = walk.next_entry()? {
        found.push(owned(strings, entry)?);
    }
    Ok(found)
}

fn with_prefix(strings: &Strings<&[u8]>, prefix: &str) -> Result<Found, ShardError> {
    let mut found = Vec::new();
    strings.prefix(prefix, |entry| {
        found.push(owned(strings, entry)?);
        Ok(())
    })?;
    Ok(found)
}

fn wanted(model: &Model, with_lists: bool, prefix: &str) -> Found {
    let matching = model.iter().filter(|(value, _)| value.starts_with(prefix));
    let list = |list: &Option<Vec<u8>>| list.clone().filter(|_| with_lists);
    matching.map(|(value, (count, l))| (value.clone(), *count, list(l))).collect()
}

fn value() -> impl Strategy<Value = String> {
    prop_oneof![
        "[ab]{0,6}",
        "(user|院|ユーザ)-[0-9]{0,3}",
        "[aé院]{0,4}",
        ("[ab]{0,2}", 0_usize..40).prop_map(|(tail, len)| "x".repeat(len) + &tail),
    ]
}

fn model() -> impl Strategy<Value = Model> {
    let list = proptest::option::of(proptest::collection::vec(any::<u8>(), 0..200));
    let count = (any::<u64>(), 0_u32..64).prop_map(|(count, shift)| count >> shift);
    proptest::collection::btree_map(value(), (count, list), 0..120)
}

proptest! {
    #[test]
    fn behaves_as_a_sorted_map(
        model in model(),
        with_lists in any::<bool>(),
        others in proptest::collection::vec(value(), 0..30),
    ) {
        let bytes = encoded(&model, with_lists);
        let strings = Strings::open(bytes.as_slice()).unwrap();
        prop_assert_eq!(strings.entries(), model.len() as u64);
        prop_assert_eq!(all(&strings).unwrap(), wanted(&model, with_lists, ""));
        for value in model.keys().chain(&others) {
            let found = strings.find(value).unwrap();
            let found = found.map(|entry| owned(&strings, entry).unwrap());
            let entry = model.get_key_value(value).map(|(value, (count, list))| {
                (value.clone(), *count, list.clone().filter(|_| with_lists))
            });
            prop_assert_eq!(found, entry);
            let prefixed = with_prefix(&strings, value).unwrap();
            prop_assert_eq!(prefixed, wanted(&model, with_lists, value));
        }
    }

    #[test]
    fn any_bytes_give_an_error_or_few_values(
        bytes in proptest::collection::vec(any::<u8>(), 0..100),
        widths in (0_u8..70, 0_u8..70),
        entries in 0_u64..60,
    ) {
        // A header that is nearly right gets further than a random one.
        let values = bytes.len() as u64;
        let mut file = Vec::new();
        for number in [entries, values, 0] {
            file.extend_from_slice(&number.to_le_bytes());
        }
        file.extend_from_slice(&[0, widths.0, widths.1, 0, 0, 0, 0, 0]);
        let rows = (u64::from(widths.0) + u64::from(widths.1)) * entries.div_ceil(16);
        file.extend(std::iter::repeat_n(0, usize::try_from(rows.div_ceil(8)).unwrap()));
        file.extend_from_slice(&bytes);
        ask_everything(&file);
    }
}

/// Whatever the bytes are, every question ends, with an error or few values.
fn ask_everything(bytes: &[u8]) -> bool {
    let Ok(strings) = Strings::open(bytes) else { return false };
    let found = all(&strings);
    assert!(found.as_ref().is_ok_and(|found| found.len() <= bytes.len()) || found.is_err());
    let mut is_sound = found.is_ok();
    for value in ["", "actor-0017", "actor-00170", "zz"] {
        is_sound &= strings.find(value).is_ok();
        is_sound &= with_prefix(&strings, value).is_ok();
    }
    is_sound
}

fn sample() -> Model {
    let entry = |i: u16| {
        let short = usize::from(i);
        let list = (!i.is_multiple_of(7)).then(|| vec![i.to_le_bytes()[0]; short % 5]);
        (format!("actor-{i:04}{}", "x".repeat(short % 3 * 9)), (u64::from(i).pow(2), list))
    };
    (0..20).map(entry).collect()
}

#[test]
fn every_damage_gives_an_error_or_an_answer() {
    for with_lists in [true, false] {
        let bytes = encoded(&sample(), with_lists);
        assert!(ask_everything(&bytes));
        let mut refused = 0;
        each_damage(&bytes, |damaged| refused += usize::from(!ask_everything(damaged)));
        assert!(refused > bytes.len());
    }
}

#[test]
fn every_truncation_is_an_error() {
    let bytes = encoded(&sample(), true);
    for len in 0..bytes.len() {
        assert!(Strings::open(&bytes[..len]).is_err(), "{len}");
    }
}

#[test]
fn values_as_long_as_a_record_are_found() {
    const LEN: usize = 256 * 1024;
    let values = (0..40).map(|i| format!("{}{i:02}", "長".repeat(LEN / 3)));
    let model: Model = values.map(|value| (value, (1, Some(vec![9])))).collect();
    let bytes = encoded(&model, true);
    // One value per restart, not forty.
    assert!(bytes.len() < 4 * LEN);
    let strings = Strings::open(bytes.as_slice()).unwrap();
    assert_eq!(all(&strings).unwrap(), wanted(&model, true, ""));
    for value in model.keys() {
        assert!(strings.find(value).unwrap().is_some());
        assert!(strings.find(&value[..LEN / 3 * 3]).unwrap().is_none());
    }
}

#[test]
fn finding_a_value_touches_few_pages() {
    let list = vec![7; 3_000];
    let model: Model =
        (0..5_000).map(|i| (format!("user-{i:05}"), (i, Some(list.clone())))).collect();
    let watched = Watched::new(encoded(&model, true));
    let strings = Strings::open(&watched).unwrap();
    watched.take();
    for value in model.keys().step_by(97) {
        let entry = strings.find(value).unwrap().unwrap();
        assert!(watched.take() <= 12, "{value}");
        assert_eq!(strings.postings(entry.place.unwrap()).unwrap(), list);
        assert!(watched.take() <= 2, "{value}");
    }
    // All values without a page of their lists, in at most seven bytes each.
    let mut walk = strings.iter().unwrap();
    while walk.next_entry().unwrap().is_some() {}
    assert!(watched.take() <= 5_000 * 7 / 4_096 + 2);
}
