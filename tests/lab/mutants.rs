//! The lab can fail: a storage that lies, and an engine with a check removed, are found.
//!
//! Each is looked for in a bounded number of schedules, which take well below a minute in a debug
//! build; how many it took and which promise broke is printed.

use shoseki_lab::{Extent, Lie, Schedules, Setup, campaign};

/// Schedules in which it must be found.
const SCHEDULES_MAX: u64 = 3_000;

fn find(name: &str, schedules: Schedules, setup: &Setup) {
    let extent =
        Extent { first_seed: 1, schedules_max: SCHEDULES_MAX, until: None, failures_max: 1 };
    let began = std::time::Instant::now();
    let summary = campaign(schedules, extent, setup);
    let seconds = began.elapsed().as_secs_f64();
    let Some((seed, broken)) = summary.failures.first() else {
        panic!("{name} was not found in {} schedules", summary.schedules);
    };
    let tried = summary.schedules;
    println!("{name}: {schedules:?} schedule {tried}, {seconds:.1} s, seed {seed}: {broken}");
}

fn find_lie(lie: Lie) {
    find(&format!("{lie:?}"), Schedules::Crash, &Setup { lie: Some(lie), ..Setup::default() });
}

#[test]
fn a_directory_sync_that_does_nothing_is_found() {
    find_lie(Lie::DirectorySyncIgnored);
}

#[test]
fn an_error_of_sync_that_is_swallowed_is_found() {
    find_lie(Lie::SyncErrorSwallowed);
}

#[test]
fn a_group_that_is_written_before_the_one_before_it_is_synced_is_found() {
    find_lie(Lie::SyncReturnsEarly);
}

#[test]
fn reading_back_from_the_cache_is_found() {
    find_lie(Lie::ReadBackFromCache);
}

#[cfg(feature = "mutants")]
mod engine {
    use shoseki_engine::mutants::{Mutant, set};

    use super::{Schedules, Setup, find};

    #[test]
    fn sealing_without_reading_back_is_found() {
        let before: fn() = || set(Some(Mutant::NoReadBack));
        find("no read-back", Schedules::Crash, &Setup { before: Some(before), ..Setup::default() });
    }

    #[test]
    fn a_torn_tail_check_that_ignores_marks_is_found() {
        let before: fn() = || set(Some(Mutant::TornTail));
        let setup = Setup { before: Some(before), ..Setup::default() };
        find("torn tail", Schedules::Corruption, &setup);
    }

    #[test]
    fn a_commit_acknowledged_before_its_sync_is_found() {
        let before: fn() = || set(Some(Mutant::AcknowledgedEarly));
        let setup = Setup { before: Some(before), ..Setup::default() };
        find("acknowledged early", Schedules::Crash, &setup);
    }

    #[test]
    fn a_sync_error_that_does_not_stop_the_log_is_found() {
        let before: fn() = || set(Some(Mutant::SyncErrorIgnored));
        let setup = Setup { before: Some(before), ..Setup::default() };
        find("sync error ignored", Schedules::Crash, &setup);
    }

    #[test]
    fn a_directory_that_is_not_synced_is_found() {
        let before: fn() = || set(Some(Mutant::NoDirectorySync));
        let setup = Setup { before: Some(before), ..Setup::default() };
        find("no directory sync", Schedules::Crash, &setup);
    }
}
