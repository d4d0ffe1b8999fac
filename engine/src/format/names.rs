//! Names of data files, and their strict inverses.
//!
//! Invariant: numbers have 20 digits, so that names sort as their seqs do.

use crate::types::Seq;

/// `<first-seq>.log`
#[must_use]
pub fn active_name(first: Seq) -> String {
    format!("{:020}.log", first.0)
}

/// Inverse of [`active_name`].
#[must_use]
pub fn parse_active_name(name: &str) -> Option<Seq> {
    name.strip_suffix(".log").and_then(number).map(Seq)
}

/// `<first-seq>-<count>.seg`
#[must_use]
pub fn sealed_name(first: Seq, count: u64) -> String {
    format!("{:020}-{count:020}.seg", first.0)
}

/// Inverse of [`sealed_name`].
#[must_use]
pub fn parse_sealed_name(name: &str) -> Option<(Seq, u64)> {
    let (first, count) = name.strip_suffix(".seg")?.split_once('-')?;
    Some((Seq(number(first)?), number(count)?))
}

/// `<first-seq>-<count>.idx`: the search index of a sealed segment.
#[must_use]
pub fn index_name(first: Seq, count: u64) -> String {
    format!("{:020}-{count:020}.idx", first.0)
}

/// Inverse of [`index_name`].
#[must_use]
pub fn parse_index_name(name: &str) -> Option<(Seq, u64)> {
    let (first, count) = name.strip_suffix(".idx")?.split_once('-')?;
    Some((Seq(number(first)?), number(count)?))
}

fn number(digits: &str) -> Option<u64> {
    let plain = digits.len() == 20 && digits.bytes().all(|b| b.is_ascii_digit());
    plain.then(|| digits.parse().ok()).flatten()
}
