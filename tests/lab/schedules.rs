//! The schedules themselves, and that they are the same each time.
//!
//! `SHOSEKI_SEED` sets the first seed, `SHOSEKI_SCHEDULES` the number. The number of a deep run is
//! for a release build; a debug build, which is many times slower, runs a tenth of it.

use std::time::Instant;

use shoseki_lab::{Extent, Schedules, Setup, campaign};

fn number(name: &str) -> Option<u64> {
    std::env::var(name).ok().and_then(|text| text.parse().ok())
}

fn run(schedules: Schedules, usual: u64, deep: u64) {
    let is_deep = std::env::var("SHOSEKI_DEEP").is_ok();
    let first_seed = number("SHOSEKI_SEED").unwrap_or(1);
    let deep = if cfg!(debug_assertions) { deep / 10 } else { deep };
    let schedules_max = number("SHOSEKI_SCHEDULES").unwrap_or(if is_deep { deep } else { usual });
    let extent = Extent { first_seed, schedules_max, until: None, failures_max: 10 };
    let began = Instant::now();
    let summary = campaign(schedules, extent, &Setup::default());
    let seconds = began.elapsed().as_secs_f64();
    let rate = summary.schedules as f64 / seconds;
    println!("{schedules:?}: {} in {seconds:.1} s, {rate:.0} per second", summary.schedules);
    for (class, row) in &summary.rows {
        println!("{class}: {row:?}");
    }
    for (seed, broken) in &summary.failures {
        let setup = Setup { calls_kept: 60, ..Setup::default() };
        let again = schedules.run(*seed, &setup);
        println!("seed {seed}: {broken}\n  {}", again.calls.join("\n  "));
    }
    assert_eq!(summary.failures, []);
    assert_eq!(summary.schedules, schedules_max);
}

#[test]
fn crash_schedules_keep_every_promise() {
    run(Schedules::Crash, 300, 100_000);
}

#[test]
fn corruption_schedules_are_reported() {
    run(Schedules::Corruption, 300, 20_000);
}

#[test]
fn the_same_seed_makes_the_same_calls() {
    for schedules in [Schedules::Crash, Schedules::Corruption] {
        for seed in 0..40 {
            let setup = Setup::default();
            let (first, second) = (schedules.run(seed, &setup), schedules.run(seed, &setup));
            assert_eq!(first.trace, second.trace, "{schedules:?} {seed}");
            assert_eq!(first.checked, second.checked, "{schedules:?} {seed}");
            assert_ne!(first.trace, 0, "{schedules:?} {seed}");
        }
    }
}
