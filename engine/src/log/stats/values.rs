//! How often each value of a field occurs, in bounded memory.
//!
//! Invariant: counts are exact. At most [`KEPT_MAX`] values are kept: where there are more, the
//! greater ones are left for another pass over the same sources.

use crate::query::ValueCount;

/// Values that are kept in one pass.
const KEPT_MAX: usize = 1 << 18;

/// The values of one field, fed by sources each of which gives ascending values.
pub(super) struct Values {
    /// Values before it were counted in an earlier pass.
    from: Option<Box<str>>,
    /// Values from here on are left for the next pass.
    below: Option<Box<str>>,
    /// Ascending.
    counts: Vec<(Box<str>, u64)>,
    /// Where the source at hand stands in `counts`.
    at: usize,
    /// What the source at hand has and `counts` has not, ascending.
    new: Vec<(Box<str>, u64)>,
    kept_max: usize,
    /// Whether nothing was left for another pass.
    done: bool,
}

impl Values {
    pub(super) fn new() -> Self {
        Self::with_most(KEPT_MAX)
    }

    fn with_most(kept_max: usize) -> Self {
        let (from, below, counts, new) = Default::default();
        Self { from, below, counts, at: 0, new, kept_max, done: false }
    }

    /// Begins a source.
    pub(super) fn begin(&mut self) {
        self.at = 0;
    }

    /// Adds a value of the source at hand, greater than the one before.
    pub(super) fn add(&mut self, value: &str, count: u64) {
        let early = self.from.as_deref().is_some_and(|from| value < from);
        if self.done || early || self.below.as_deref().is_some_and(|below| below <= value) {
            return;
        }
        while let Some((known, sum)) = self.counts.get_mut(self.at) {
            match (**known).cmp(value) {
                std::cmp::Ordering::Less => self.at += 1,
                std::cmp::Ordering::Equal => {
                    *sum += count;
                    return;
                }
                std::cmp::Ordering::Greater => break,
            }
        }
        self.new.push((value.into(), count));
        // A source may be long: what it has too much of goes on the way.
        if self.new.len() > self.kept_max {
            self.end();
        }
    }

    /// Ends a source.
    pub(super) fn end(&mut self) {
        if self.new.is_empty() {
            return;
        }
        // Sorting finds the two runs and merges them.
        self.counts.append(&mut self.new);
        self.counts.sort_by(|(a, _), (b, _)| a.cmp(b));
        if self.counts.len() > self.kept_max {
            let behind = self.counts.split_off(self.kept_max / 2);
            self.below = behind.into_iter().next().map(|(value, _)| value);
        }
        self.at = 0;
    }

    /// Hands the counts over; true where another pass is needed for the others.
    pub(super) fn turn(&mut self, top: &mut Top) -> bool {
        for (value, count) in self.counts.drain(..) {
            top.offer(&value, count);
        }
        self.from = self.below.take();
        self.done |= self.from.is_none();
        !self.done
    }
}

/// The most frequent values.
pub(super) struct Top {
    most: usize,
    /// Most frequent first, equal ones by their bytes.
    values: Vec<ValueCount>,
}

impl Top {
    pub(super) fn new(most: usize) -> Self {
        Self { most, values: Vec::new() }
    }

    fn offer(&mut self, value: &str, count: u64) {
        let place = self.values.partition_point(|v| (count, &*v.value) < (v.count, value));
        if count > 0 && place < self.most {
            self.values.insert(place, ValueCount { value: value.to_owned(), count });
            self.values.truncate(self.most);
        }
    }

    pub(super) fn into_values(self) -> Vec<ValueCount> {
        self.values
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn counts_are_exact_however_few_values_are_kept(
            sources in proptest::collection::vec(
                proptest::collection::btree_map("[a-c]{1,3}", 1_u64..9, 0..30), 0..8),
            kept_max in 2_usize..40,
            most in 0_usize..12,
        ) {
            let mut values = Values::with_most(kept_max);
            let mut top = Top::new(most);
            let mut left = true;
            // One pass more than needed changes nothing.
            for again in [true, false] {
                while left || !again {
                    for source in &sources {
                        values.begin();
                        source.iter().for_each(|(value, count)| values.add(value, *count));
                        values.end();
                    }
                    left = values.turn(&mut top);
                    if !again {
                        break;
                    }
                }
            }
            prop_assert!(!left);
            let mut all: BTreeMap<String, u64> = BTreeMap::new();
            for (value, count) in sources.into_iter().flatten() {
                *all.entry(value).or_default() += count;
            }
            let mut all: Vec<ValueCount> =
                all.into_iter().map(|(value, count)| ValueCount { value, count }).collect();
            all.sort_by(|a, b| b.count.cmp(&a.count).then(a.value.cmp(&b.value)));
            all.truncate(most);
            prop_assert_eq!(top.into_values(), all);
        }
    }
}
