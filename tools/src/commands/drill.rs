//! `shoseki drill`: the fault lab on this disk, with these settings and records like these.
//!
//! Invariant: the data directory is only read, unless `--record` asks for a record of the result;
//! everything else happens in memory and in a scratch directory beside it. Every loss is shown with
//! the seed that repeats it.

mod real;
mod report;

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant};

use clap::Args;
use shoseki_engine::log::{Entry, Reader};
use shoseki_engine::query::Order;
use shoseki_engine::record::{Body, Record};

use crate::explain;
use crate::failure::{Failure, Status, Stop};
use crate::logs;
use crate::output::Session;
use crate::progress::Unit;
use shoseki_lab::{Extent, Schedules, Setup, campaign};

use real::Real;
use report::Report;

/// Records that those of the drill look like, at most.
const SAMPLE_MAX: u64 = 1_000;
/// Longer ones would only make the schedules slow.
const BODY_LEN_MAX: usize = 4 << 10;

/// Arguments of `drill`.
#[derive(Args, Debug)]
#[command(after_help = "Without a log in the data directory the records are made up.\n\
                        Exit status: 0 nothing was lost or missed, 1 something was, 2 usage, \
                        3 could not run.")]
pub struct Drill {
    /// Crashes, failing disks, killed processes, corruption
    #[arg(long, required = true)]
    pub faults: bool,
    /// Repeats the drill of this seed
    #[arg(long, value_name = "N", default_value_t = 1)]
    pub seed: u64,
    /// How long it takes, about
    #[arg(long, value_name = "M", default_value_t = 1.0, value_parser = minutes)]
    pub minutes: f64,
    /// Append the result to the log, as a record LOG_DRILLED
    #[arg(long)]
    pub record: bool,
}

fn minutes(text: &str) -> Result<f64, String> {
    let minutes: f64 = text.parse().map_err(|_| "not a number".to_owned())?;
    let fits = minutes.is_finite() && (0.001..=10_000.0).contains(&minutes);
    if fits { Ok(minutes) } else { Err("give minutes between 0.001 and 10000".to_owned()) }
}

impl Drill {
    /// Runs the drill and shows what became of it.
    ///
    /// # Errors
    /// The log can't be read, or there is no place for the scratch directory.
    pub fn run(&self, session: &mut Session<'_>) -> Result<Status, Stop> {
        let dir = session.shared.data_dir().to_owned();
        let sample = Arc::new(sample(&dir, session)?);
        let mut report = Report::new(self.seed, sample.len());
        let progress = session.progress("drilling", Unit::Nothing, None);
        let whole = Duration::from_secs_f64(self.minutes * 60.0);
        self.simulate(&sample, whole / 2, &mut report);
        let real = Real::new(&dir, session, &sample)?;
        let tried = real.run(self.seed, Instant::now() + whole / 2, &mut report);
        drop(real);
        drop(progress);
        tried?;
        report.show(session)?;
        if self.record {
            record(&report, session)?;
        }
        Ok(if report.passed() { Status::Done } else { Status::Found })
    }

    /// The simulated part: three of four schedules are crashes.
    fn simulate(&self, sample: &Arc<Vec<Record>>, whole: Duration, report: &mut Report) {
        let setup = Setup { sample: Arc::clone(sample), ..Setup::default() };
        let parts = [(Schedules::Crash, whole * 3 / 4), (Schedules::Corruption, whole / 4)];
        for (schedules, time) in parts {
            let until = Some(Instant::now() + time);
            let (first_seed, schedules_max) = (self.seed, u64::MAX);
            let extent = Extent { first_seed, schedules_max, until, failures_max: 10 };
            report.simulated(schedules, campaign(schedules, extent, &setup));
        }
    }
}

/// Records of the log; none where there is no log.
fn sample(dir: &Path, session: &mut Session<'_>) -> Result<Vec<Record>, Failure> {
    if !dir.join("log.json").is_file() {
        let there = dir.display();
        session.notes.note(format_args!("there is no log in {there}: records are made up"));
        return Ok(Vec::new());
    }
    let reader = Reader::open(dir).map_err(|error| explain::reading(&error, dir))?;
    let newest = reader.size().0;
    let entries = reader.scan(newest.saturating_sub(SAMPLE_MAX)..newest, Order::Ascending);
    let record = |entry: Entry| {
        let stored = entry.record()?;
        let body = stored.body();
        (body.len() <= BODY_LEN_MAX).then(|| Body::parse(body).ok())?.map(|body| body.to_record())
    };
    Ok(entries.filter_map(Result::ok).filter_map(record).collect())
}

/// Appends the result to the log itself.
fn record(report: &Report, session: &mut Session<'_>) -> Result<(), Stop> {
    let log = logs::writer(session)?;
    let made = report.record()?;
    let appended = log.append(None, vec![made]);
    let closed = logs::close(log, session);
    let appended = appended.map_err(|e| explain::appending(&e, session.shared.data_dir()))?;
    closed?;
    let seq = appended.first_seq.map_or_else(String::new, |seq| seq.to_string());
    session.notes.note(format_args!("recorded as record {seq}"));
    Ok(())
}

/// The directory beside the data directory: on the same disk.
fn beside(dir: &Path) -> PathBuf {
    let parent = dir.parent().filter(|parent| !parent.as_os_str().is_empty());
    let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH);
    let nanos = now.map_or(0, |since| since.subsec_nanos());
    let name = format!(".shoseki-drill-{}-{nanos}", std::process::id());
    parent.unwrap_or(Path::new(".")).join(name)
}
