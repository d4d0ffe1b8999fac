//! Reading a long run of records ahead, on a thread of its own.
//!
//! Reading verifies each group, which costs about as much as asking its records: on two cores both
//! go on at once. Invariant: the groups are those that reading one after the other gives, in the
//! same order; at most a few thousand records wait, and the thread ends once nobody takes them.

use std::ops::Range;
use std::sync::Arc;
use std::sync::mpsc::{Receiver, sync_channel};
use std::thread;

use crate::log::group::Group;
use crate::log::parts::{Keep, Nearby, Parts};
use crate::log::read_error::ReadError;
use crate::log::view::View;

/// Shorter runs are not worth a thread.
const RECORDS_MIN: u64 = 1 << 14;
/// Records that are handed over at once, at least: each time costs as much as reading a few.
const PORTION: u64 = 512;
/// Portions that may wait.
const WAITING_MAX: usize = 4;

type Portion = Result<Vec<Arc<Group>>, ReadError>;

/// Groups that are read ahead.
pub(super) struct Ahead {
    portions: Receiver<Portion>,
    groups: std::vec::IntoIter<Arc<Group>>,
}

impl Ahead {
    /// Begins to read; `None` where it is not worth it or there is no thread to be had.
    pub(super) fn begin(parts: &Arc<Parts>, view: &Arc<View>, seqs: Range<u64>) -> Option<Self> {
        let cores = thread::available_parallelism().map_or(1, usize::from);
        let long = seqs.end.saturating_sub(seqs.start) >= RECORDS_MIN;
        if long && cores > 1 { Self::read(parts, view, seqs) } else { None }
    }

    fn read(parts: &Arc<Parts>, view: &Arc<View>, seqs: Range<u64>) -> Option<Self> {
        let (parts, view) = (Arc::clone(parts), Arc::clone(view));
        let (send, portions) = sync_channel(WAITING_MAX);
        let reading = move || {
            let mut near = Nearby::default();
            let mut from = seqs.start;
            while from < seqs.end {
                let portion = portion(&parts, &view, from..seqs.end, &mut near);
                from = match portion.as_ref().ok().and_then(|groups| groups.last()) {
                    Some(group) => group.end_seq().max(from + 1),
                    None => seqs.end,
                };
                if send.send(portion).is_err() {
                    return;
                }
            }
        };
        thread::Builder::new().name("read-ahead".to_owned()).spawn(reading).ok()?;
        Some(Self { portions, groups: Vec::new().into_iter() })
    }

    /// The group that holds a seq behind those that were taken before; `None` where it was not
    /// read.
    pub(super) fn group(&mut self, seq: u64) -> Option<Result<Arc<Group>, ReadError>> {
        loop {
            if let Some(group) = self.groups.find(|group| group.end_seq() > seq) {
                return group.holds(seq).then_some(Ok(group));
            }
            match self.portions.recv().ok()? {
                Ok(groups) => self.groups = groups.into_iter(),
                Err(error) => return Some(Err(error)),
            }
        }
    }
}

fn portion(parts: &Parts, view: &View, seqs: Range<u64>, near: &mut Nearby) -> Portion {
    let mut groups = Vec::new();
    let mut from = seqs.start;
    let enough = seqs.end.min(seqs.start.saturating_add(PORTION));
    while from < enough {
        let group = parts.group_at(view, from, Keep::Passing, near)?;
        from = group.end_seq().max(from + 1);
        groups.push(group);
    }
    Ok(groups)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::log::Log;
    use crate::log::tests::{by_hand, records};

    #[test]
    fn groups_that_are_read_ahead_are_those_that_are_read_one_by_one() {
        let dir = tempfile::tempdir().unwrap();
        let log = Log::open(dir.path(), by_hand().0).unwrap();
        for (first, len) in [(0, 700), (700, 1), (701, 2), (703, 900), (1603, 30)] {
            log.append(None, records(first..first + len)).unwrap();
        }
        let reader = log.reader();
        let (parts, view) = (&reader.parts, &reader.view());
        let mut ahead = Ahead::read(parts, view, 10..1620).unwrap();
        let mut seq = 10;
        while seq < 1620 {
            let group = ahead.group(seq).unwrap().unwrap();
            let near = &mut Nearby::default();
            let alone = parts.group_at(view, seq, Keep::Passing, near).unwrap();
            assert_eq!(group.first_seq()..group.end_seq(), alone.first_seq()..alone.end_seq());
            assert_eq!(group.entry(seq).hash(), alone.entry(seq).hash());
            seq = group.end_seq();
        }
        assert!(ahead.group(seq).is_none(), "the end");
        let mut ahead = Ahead::read(parts, view, 0..1633).unwrap();
        assert!(ahead.group(702).unwrap().unwrap().holds(702), "groups may be left out");
        assert!(ahead.group(3).is_none(), "what was left out is read by whoever wants it");
        assert!(Ahead::begin(parts, view, 0..1633).is_none(), "not worth a thread");
    }
}
