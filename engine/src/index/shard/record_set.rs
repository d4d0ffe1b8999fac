//! A set of records of one window, a bit for each.
//!
//! Invariant: always 65,536 bits; the position of a record is its seq modulo 65,536.

/// Seqs of one window; a shard never crosses a multiple of it.
pub const SHARD_RECORDS: u64 = 1 << 16;
/// Records that share one place of the identifier and word index.
pub const OCTET_RECORDS: u16 = 8;

const WORDS: usize = 1024;

/// Records of one window by their seq modulo 65,536.
#[derive(Clone, PartialEq, Eq)]
pub struct RecordSet(Box<[u64; WORDS]>);

impl std::fmt::Debug for RecordSet {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_set().entries(self.iter()).finish()
    }
}

impl Default for RecordSet {
    fn default() -> Self {
        Self(Box::new([0; WORDS]))
    }
}

impl RecordSet {
    /// The set of no record.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Takes every record out.
    pub fn clear(&mut self) {
        self.0.fill(0);
    }

    /// Puts a record in.
    pub fn insert(&mut self, place: u16) {
        if let Some(word) = self.0.get_mut(usize::from(place >> 6)) {
            *word |= 1 << (place & 63);
        }
    }

    /// Takes a record out.
    pub fn remove(&mut self, place: u16) {
        if let Some(word) = self.0.get_mut(usize::from(place >> 6)) {
            *word &= !(1 << (place & 63));
        }
    }

    /// Puts the eight records of an octet in; octets count from the window's beginning.
    pub fn insert_octet(&mut self, octet: u16) {
        const PER_WORD: u16 = 64 / OCTET_RECORDS;
        if let Some(word) = self.0.get_mut(usize::from(octet / PER_WORD)) {
            *word |= 0xFF << (octet % PER_WORD * OCTET_RECORDS);
        }
    }

    /// Puts the records `[first, end)` in.
    pub fn insert_range(&mut self, first: u32, end: u32) {
        let touched = first as usize / 64..(end as usize).div_ceil(64).min(WORDS);
        let words = self.0.get_mut(touched).unwrap_or_default();
        for (index, word) in (first / 64..).zip(words) {
            let base = index * 64;
            let (from, to) = (first.clamp(base, base + 64), end.clamp(base, base + 64));
            if from < to {
                let bits = to - from;
                let run = if bits == 64 { u64::MAX } else { (1 << bits) - 1 };
                *word |= run << (from - base);
            }
        }
    }

    /// Whether a record is in.
    #[must_use]
    pub fn contains(&self, place: u16) -> bool {
        self.0.get(usize::from(place >> 6)).is_some_and(|word| word >> (place & 63) & 1 == 1)
    }

    /// Whether no record is in.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.iter().all(|word| *word == 0)
    }

    /// How many records are in.
    #[must_use]
    pub fn len(&self) -> u32 {
        self.0.iter().map(|word| word.count_ones()).sum()
    }

    /// How many records are in both.
    #[must_use]
    pub fn len_with(&self, other: &Self) -> u32 {
        self.0.iter().zip(other.0.iter()).map(|(a, b)| (a & b).count_ones()).sum()
    }

    /// Keeps what is in `other` too.
    pub fn intersect(&mut self, other: &Self) {
        self.0.iter_mut().zip(other.0.iter()).for_each(|(mine, theirs)| *mine &= theirs);
    }

    /// Adds what is in `other`.
    pub fn unite(&mut self, other: &Self) {
        self.0.iter_mut().zip(other.0.iter()).for_each(|(mine, theirs)| *mine |= theirs);
    }

    /// Takes out what is in `other`.
    pub fn subtract(&mut self, other: &Self) {
        self.0.iter_mut().zip(other.0.iter()).for_each(|(mine, theirs)| *mine &= !theirs);
    }

    /// The words of 64 records each, lowest first; the lowest bit is the first record.
    #[must_use]
    pub fn words(&self) -> &[u64; WORDS] {
        &self.0
    }

    /// The same to change.
    pub fn words_mut(&mut self) -> &mut [u64; WORDS] {
        &mut self.0
    }

    /// The records, ascending.
    pub fn iter(&self) -> impl Iterator<Item = u16> + '_ {
        (0_u16..).zip(self.0.iter()).flat_map(|(index, word)| Bits(*word, index * 64))
    }

    /// The records, descending.
    pub fn iter_rev(&self) -> impl Iterator<Item = u16> + '_ {
        let words = (0_u16..1024).zip(self.0.iter()).rev();
        words.flat_map(|(index, word)| HighBits(*word, index * 64))
    }
}

struct Bits(u64, u16);

impl Iterator for Bits {
    type Item = u16;

    fn next(&mut self) -> Option<u16> {
        let bit = u16::try_from(self.0.trailing_zeros()).ok().filter(|bit| *bit < 64)?;
        self.0 &= self.0 - 1;
        Some(self.1 + bit)
    }
}

struct HighBits(u64, u16);

impl Iterator for HighBits {
    type Item = u16;

    fn next(&mut self) -> Option<u16> {
        let bit = 63_u16.checked_sub(u16::try_from(self.0.leading_zeros()).ok()?)?;
        self.0 &= !(1 << bit);
        Some(self.1 + bit)
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn behaves_as_a_set_of_numbers(
            a in proptest::collection::btree_set(any::<u16>(), 0..200),
            b in proptest::collection::btree_set(any::<u16>(), 0..200),
            range in (0_u32..65_537, 0_u32..65_537),
            octet in 0_u16..8_192,
        ) {
            let of = |set: &BTreeSet<u16>| {
                let mut out = RecordSet::new();
                set.iter().for_each(|place| out.insert(*place));
                out
            };
            let both = |op: fn(&mut RecordSet, &RecordSet)| {
                let mut left = of(&a);
                op(&mut left, &of(&b));
                left.iter().collect::<Vec<_>>()
            };
            let wanted: Vec<u16> = a.intersection(&b).copied().collect();
            prop_assert_eq!(both(RecordSet::intersect), wanted);
            prop_assert_eq!(both(RecordSet::unite), a.union(&b).copied().collect::<Vec<_>>());
            let wanted: Vec<u16> = a.difference(&b).copied().collect();
            prop_assert_eq!(both(RecordSet::subtract), wanted);
            prop_assert_eq!(of(&a).len_with(&of(&b)) as usize, a.intersection(&b).count());
            let mut reversed: Vec<u16> = of(&a).iter_rev().collect();
            reversed.reverse();
            prop_assert_eq!(reversed, a.iter().copied().collect::<Vec<_>>());
            let mut set = of(&a);
            set.insert_range(range.0, range.1);
            set.insert_octet(octet);
            let wanted = |p: u32| {
                u16::try_from(p).is_ok_and(|p| a.contains(&p))
                    || (range.0..range.1).contains(&p)
                    || p / 8 == u32::from(octet)
            };
            let wanted: Vec<u16> =
                (0..65_536).filter(|p| wanted(*p)).filter_map(|p| u16::try_from(p).ok()).collect();
            prop_assert_eq!(set.len() as usize, wanted.len());
            prop_assert_eq!(set.iter().collect::<Vec<_>>(), wanted);
        }
    }
}
