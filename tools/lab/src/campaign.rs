//! Many schedules on all cores, and what became of them.
//!
//! Invariant: which schedules run depends on the first seed and their number alone; a schedule that
//! panics is one that broke a promise. Knows nothing about what a schedule does.

use std::collections::BTreeMap;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Instant;

use crate::corruption::corruption_schedule;
use crate::crash::{Outcome, Setup, crash_schedule};
use crate::invariant::{Broken, Invariant};

/// What kind of schedules.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Schedules {
    /// Power cuts, killed processes, failing disks.
    Crash,
    /// Corruption at rest.
    Corruption,
}

impl Schedules {
    /// Runs one.
    #[must_use]
    pub fn run(self, seed: u64, setup: &Setup) -> Outcome {
        let run = || match self {
            Self::Crash => crash_schedule(seed, setup),
            Self::Corruption => corruption_schedule(seed, setup),
        };
        catch_unwind(AssertUnwindSafe(run)).unwrap_or_else(|panic| {
            let text = panic.downcast_ref::<String>().map(String::as_str);
            let text = text.or_else(|| panic.downcast_ref::<&str>().copied());
            let detail = text.unwrap_or("a panic").to_owned();
            let checked = Err(Broken { invariant: Invariant::NoPanic, detail });
            Outcome { checked, met: Vec::new(), told: false, trace: 0, calls: Vec::new() }
        })
    }
}

/// How many schedules, and when to stop.
#[derive(Clone, Copy, Debug)]
pub struct Extent {
    /// Seed of the first; the others follow.
    pub first_seed: u64,
    /// Most schedules.
    pub schedules_max: u64,
    /// No schedule begins after it.
    pub until: Option<Instant>,
    /// Schedules that broke a promise, after which no more begin.
    pub failures_max: usize,
}

/// Counts of one class of faults.
#[derive(Clone, Copy, PartialEq, Eq, Default, Debug)]
pub struct Row {
    /// Schedules that met it.
    pub tried: u64,
    /// Of them, those in which every promise was kept.
    pub survived: u64,
    /// Of them, those in which somebody was told.
    pub detected: u64,
}

/// What became of a campaign.
#[derive(Clone, Default, Debug)]
pub struct Summary {
    /// Schedules that were run.
    pub schedules: u64,
    /// By class of faults.
    pub rows: BTreeMap<&'static str, Row>,
    /// Broken promises with their seeds.
    pub failures: Vec<(u64, Broken)>,
}

impl Summary {
    fn add(&mut self, seed: u64, outcome: Outcome) {
        self.schedules += 1;
        for class in outcome.met {
            let row = self.rows.entry(class).or_default();
            row.tried += 1;
            row.survived += u64::from(outcome.checked.is_ok());
            row.detected += u64::from(outcome.told);
        }
        if let Err(broken) = outcome.checked {
            self.failures.push((seed, broken));
            self.failures.sort_by_key(|(seed, _)| *seed);
        }
    }
}

/// Runs schedules on all cores.
#[must_use]
pub fn campaign(schedules: Schedules, extent: Extent, setup: &Setup) -> Summary {
    let threads = std::thread::available_parallelism().map_or(1, usize::from);
    let (next, stop) = (AtomicU64::new(0), AtomicBool::new(false));
    let summary = Mutex::new(Summary::default());
    std::thread::scope(|scope| {
        for _ in 0..threads {
            scope.spawn(|| {
                if let Some(before) = setup.before {
                    before();
                }
                while !stop.load(Ordering::Relaxed) {
                    let n = next.fetch_add(1, Ordering::Relaxed);
                    let over = extent.until.is_some_and(|until| Instant::now() >= until);
                    if n >= extent.schedules_max || over {
                        return;
                    }
                    let seed = extent.first_seed.wrapping_add(n);
                    let outcome = schedules.run(seed, setup);
                    let mut summary =
                        summary.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
                    summary.add(seed, outcome);
                    if summary.failures.len() >= extent.failures_max {
                        stop.store(true, Ordering::Relaxed);
                    }
                }
            });
        }
    });
    summary.into_inner().unwrap_or_else(std::sync::PoisonError::into_inner)
}
