//! The tree where the disk fails just when a tile is full.
//!
//! Invariant: a root that is signed is the root of the records, whatever failed before.

use std::io::ErrorKind;

use shoseki_engine::log::Log;
use shoseki_lab::{Fault, FaultKind};

use crate::model::reader;
use crate::workload::Machine;

/// Records below a tile of level 1.
const TILE: u64 = 256 * 256;
const BATCH: u64 = 4096;

#[test]
fn a_disk_that_is_full_when_a_tile_is_full_costs_no_leaf() {
    for after in 0..4 {
        let mut machine = Machine::new(after);
        let mut options = machine.options();
        options.segment_raw_len_max = 1 << 30;
        let log = Log::open_storage(machine.shared(), options).unwrap();
        for n in 0..TILE / BATCH {
            machine.append(&log, n, BATCH).unwrap();
        }
        machine.append(&log, 90, 7).unwrap();
        let call = machine.storage.writes() + after;
        let kind = FaultKind::ErrorBefore(ErrorKind::StorageFull);
        machine.storage.plan(Some(Fault { call, reads: false, kind }));
        let refused = log.checkpoint();
        let hit = machine.storage.hit();
        assert!(refused.is_err() || hit.is_none(), "{hit:?} was hidden");
        machine.append(&log, 91, 3).unwrap();
        log.checkpoint().unwrap();
        machine.model.note_checkpoint(&log.reader());
        machine.model.check(&log.reader());
        log.close().unwrap();
        machine.model.check(&reader(&machine.shared()));
    }
}
