//! Random work against a hash map.

use std::collections::HashMap;
use std::sync::Arc;

use proptest::prelude::*;

use super::super::snapshot::Piece;
use super::*;

#[derive(Clone, Debug)]
enum Op {
    /// Appends records with these ids.
    Append(Vec<u64>),
    /// Takes back the newest records that are in no frozen table.
    Abort(u8),
    /// Freezes all but the newest records.
    Freeze(u8),
    Maintain,
    Discard(prop::sample::Index),
    /// Opens again and adds what is missing.
    Reopen,
}

fn op() -> impl Strategy<Value = Op> {
    prop_oneof![
        4 => prop::collection::vec(0_u64..60, 1..12).prop_map(Op::Append),
        1 => (1_u8..6).prop_map(Op::Abort),
        3 => (0_u8..4).prop_map(Op::Freeze),
        6 => Just(Op::Maintain),
        1 => any::<prop::sample::Index>().prop_map(Op::Discard),
        1 => Just(Op::Reopen),
    ]
}

struct World {
    storage: Arc<MemoryStorage>,
    index: IdIndex,
    recent: RecentIds,
    /// Seqs below are in frozen tables and runs.
    frozen_to: u64,
    ids: Vec<u64>,
}

impl World {
    fn new() -> Self {
        let storage = Arc::new(MemoryStorage::default());
        let index = open(&storage, 0);
        Self { storage, index, recent: RecentIds::new(), frozen_to: 0, ids: Vec::new() }
    }

    fn run(&mut self, op: Op) {
        match op {
            Op::Append(ids) => {
                for number in ids {
                    let print = fingerprint(self.index.key(), &id(number));
                    assert!(self.recent.insert(print, self.ids.len() as u64));
                    self.ids.push(number);
                }
            }
            Op::Abort(records) => {
                let size = self.ids.len() as u64;
                let to = size.saturating_sub(u64::from(records)).max(self.frozen_to);
                self.recent.remove_from(to);
                self.ids.truncate(usize::try_from(to).unwrap());
            }
            Op::Freeze(kept) => {
                let to = (self.ids.len() as u64).saturating_sub(u64::from(kept));
                if to > self.frozen_to {
                    let table = self.recent.freeze(self.frozen_to..to, 1);
                    self.index.freeze(table).unwrap();
                    self.frozen_to = to;
                }
            }
            Op::Maintain => drop(self.index.maintain(&Window::EVERYTHING).unwrap()),
            Op::Discard(which) => {
                let seqs: Vec<_> = self.index.snapshot().pieces.iter().map(Piece::seqs).collect();
                if !seqs.is_empty() {
                    self.index.discard(which.get(&seqs)).unwrap();
                }
                self.add_missing();
            }
            Op::Reopen => {
                self.index = open(&self.storage, self.frozen_to);
                self.add_missing();
            }
        }
    }

    fn add_missing(&self) {
        for range in self.index.snapshot().missing(0..self.frozen_to) {
            let entries = range.clone().map(|seq| {
                let number = self.ids[usize::try_from(seq).unwrap()];
                Ok::<_, IdError>(entry(&self.index, number, seq))
            });
            self.index.add_range(range, entries).unwrap();
        }
    }

    fn compare(&self) {
        let mut model: HashMap<u64, Vec<u64>> = HashMap::new();
        for (seq, number) in self.ids.iter().enumerate() {
            model.entry(*number).or_default().push(seq as u64);
        }
        let snapshot = self.index.snapshot();
        if self.frozen_to > 0 {
            assert_eq!(snapshot.covered(), 0..self.frozen_to);
        }
        for number in 0..64 {
            let mut found = Vec::new();
            let print = fingerprint(snapshot.key(), &id(number));
            snapshot.lookup(print, &mut found).unwrap();
            for since in [self.frozen_to / 2, self.frozen_to] {
                let mut later = vec![9];
                snapshot.lookup_since(print, since, &mut later).unwrap();
                let want = found.iter().copied().filter(|seq| *seq >= since);
                assert!(later.into_iter().eq([9].into_iter().chain(want)), "id {number}");
            }
            self.recent.lookup(print, &mut found);
            assert_eq!(found, model.remove(&number).unwrap_or_default(), "id {number}");
        }
    }
}

proptest! {
    #[test]
    fn every_id_is_found_at_all_its_seqs(ops in prop::collection::vec(op(), 1..80)) {
        let mut world = World::new();
        for op in ops {
            world.run(op);
            world.compare();
        }
        settle(&world.index);
        world.compare();
        world.run(Op::Reopen);
        world.compare();
    }
}
