//! How many records of a file have each value, from the dictionaries of its shards.
//!
//! Invariant: values come ascending, each once. Memory is bounded by the longest value of each
//! dictionary when reading, and by [`TOTALS_LEN_MAX`] per field, some times over, when writing.

use std::cmp::Ordering;
use std::collections::BinaryHeap;
use std::collections::binary_heap::PeekMut;

use crate::index::shard::{Keyword, ShardError, Source, Strings, StringsWriter, Walk};

/// Longest totals of a field that a file keeps; beyond, whoever asks merges the shards.
const TOTALS_LEN_MAX: usize = 32 << 20;
/// So many dictionaries wait before they are merged.
const RUNS_MAX: usize = 16;

/// Gives each value of all the dictionaries with the sum of its counts.
pub(super) fn merge<S: Source>(
    dictionaries: &[Strings<S>],
    mut each: impl FnMut(&str, u64),
) -> Result<(), ShardError> {
    let mut heads = BinaryHeap::with_capacity(dictionaries.len());
    for dictionary in dictionaries {
        let mut head = Head { walk: dictionary.iter()?, value: String::new(), count: 0 };
        if head.advance()? {
            heads.push(head);
        }
    }
    let mut current: Option<(String, u64)> = None;
    while let Some(mut head) = heads.peek_mut() {
        match &mut current {
            Some((value, count)) if *value == head.value => {
                *count = count.saturating_add(head.count);
            }
            Some((value, count)) => {
                each(value, *count);
                value.clone_from(&head.value);
                *count = head.count;
            }
            None => current = Some((head.value.clone(), head.count)),
        }
        if !head.advance()? {
            PeekMut::pop(head);
        }
    }
    if let Some((value, count)) = current {
        each(&value, count);
    }
    Ok(())
}

/// The next entry of a dictionary; the least is the greatest, for the heap.
struct Head<'a, S> {
    walk: Walk<'a, S>,
    value: String,
    count: u64,
}

impl<S: Source> Head<'_, S> {
    fn advance(&mut self) -> Result<bool, ShardError> {
        let Some(entry) = self.walk.next_entry()? else { return Ok(false) };
        self.value.clear();
        self.value.push_str(entry.value);
        self.count = entry.count;
        Ok(true)
    }
}

impl<S> Ord for Head<'_, S> {
    fn cmp(&self, other: &Self) -> Ordering {
        other.value.cmp(&self.value)
    }
}

impl<S> PartialOrd for Head<'_, S> {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl<S> PartialEq for Head<'_, S> {
    fn eq(&self, other: &Self) -> bool {
        self.value == other.value
    }
}

impl<S> Eq for Head<'_, S> {}

/// Collects the totals of a file, shard by shard.
#[derive(Debug)]
pub(super) struct TotalsWriter {
    fields: [Runs; Keyword::COUNT],
    len_max: usize,
}

#[derive(Debug, Default)]
struct Runs {
    /// Dictionaries without lists; more than one where they are not merged yet.
    runs: Vec<Vec<u8>>,
    given_up: bool,
}

impl TotalsWriter {
    pub(super) fn new() -> Self {
        Self::with_len_max(TOTALS_LEN_MAX)
    }

    pub(super) fn with_len_max(len_max: usize) -> Self {
        Self { fields: Default::default(), len_max }
    }

    /// Adds the dictionary of the next shard.
    pub(super) fn add<S: Source>(
        &mut self,
        field: Keyword,
        dictionary: Strings<S>,
    ) -> Result<(), ShardError> {
        let Some(runs) = self.fields.get_mut(field.place()) else { return Ok(()) };
        if !runs.given_up {
            runs.add(&[dictionary], self.len_max)?;
            let len: usize = runs.runs.iter().map(Vec::len).sum();
            if runs.runs.len() > RUNS_MAX || len > self.len_max {
                runs.merge(self.len_max)?;
            }
        }
        Ok(())
    }

    /// The totals of each field; empty bytes where they are too long.
    pub(super) fn finish(mut self) -> Result<[Vec<u8>; Keyword::COUNT], ShardError> {
        let mut all: [Vec<u8>; Keyword::COUNT] = Default::default();
        for (totals, runs) in all.iter_mut().zip(&mut self.fields) {
            if !runs.given_up {
                runs.merge(self.len_max)?;
            }
            *totals = runs.runs.pop().unwrap_or_default();
        }
        Ok(all)
    }
}

impl Runs {
    fn add<S: Source>(
        &mut self,
        dictionaries: &[Strings<S>],
        len_max: usize,
    ) -> Result<(), ShardError> {
        let mut writer = Some(StringsWriter::new(false));
        merge(dictionaries, |value, count| {
            if let Some(run) = &mut writer {
                run.push(value, count, None);
                if run.len() > len_max {
                    writer = None;
                }
            }
        })?;
        match writer {
            Some(writer) => {
                let mut run = Vec::new();
                writer.finish(&mut run);
                self.runs.push(run);
            }
            None => *self = Self { runs: Vec::new(), given_up: true },
        }
        Ok(())
    }

    fn merge(&mut self, len_max: usize) -> Result<(), ShardError> {
        let runs = std::mem::take(&mut self.runs);
        let all: Result<Vec<_>, _> = runs.iter().map(Strings::open).collect();
        self.add(&all?, len_max)
    }
}
