//! The figures as Markdown tables.
//!
//! Invariant: each cell is the median over the rounds of what the rounds gave; the least number of
//! samples of a round stands beside it where it is smaller than the others'.

use std::collections::BTreeMap;
use std::fmt::Write;

use shoseki_benches::spread::{Spread, percentile};

use super::figures::{Figures, Report, Round, Samples};
use super::question::Kind;

/// The tables of a run.
pub(crate) fn tables(report: &Report) -> String {
    let mut out = String::new();
    // Writing to memory does not fail.
    let _ = write_tables(report, &mut out);
    out
}

fn write_tables(report: &Report, out: &mut String) -> std::fmt::Result {
    let rounds = report.peers.iter().map(|of| of.rounds.len()).max().unwrap_or(0);
    writeln!(out, "- Machine: {}", report.machine)?;
    writeln!(
        out,
        "- {} records (seed {}), rounds: {rounds}, answers compared with another peer's: {}",
        report.records, report.seed, report.compared,
    )?;
    let made = seconds(report.generate_ms);
    writeln!(out, "- Making the records alone takes {made:.1} s, which is in every filling.")?;
    let mut names: Vec<&str> = report.peers.iter().map(|of| of.engine.as_str()).collect();
    names.dedup();
    for name in names {
        writeln!(out, "- {name}")?;
    }
    for reason in &report.skipped {
        writeln!(out, "- Skipped: {reason}")?;
    }
    writeln!(
        out,
        "\n| peer | durable after s | records/s | at rest after s | bytes per record \
         | open warm ms | open cold ms | resident MB after opening | peak MB |"
    )?;
    writeln!(out, "| --- | ---: | ---: | ---: | ---: | ---: | ---: | ---: | ---: |")?;
    for of in &report.peers {
        writeln!(out, "{}", of.row(report.records))?;
    }
    questions(report, "warm, p50 / p99 ms", |round| &round.warm, out)?;
    questions(report, "cold, p50 / p99 ms", |round| &round.cold, out)
}

impl Figures {
    fn row(&self, records: u64) -> String {
        let count = records as f64;
        let (durable, rest) = (self.loaded.append_s, self.loaded.rest_s);
        let open = |samples: fn(&Round) -> &Vec<f64>| {
            let rounds = self.rounds.iter().map(|round| percentiles(samples(round)).0);
            spread(rounds).median()
        };
        let memory = |bytes: fn(&Round) -> u64| {
            spread(self.rounds.iter().map(|round| bytes(round) as f64 / 1e6)).median()
        };
        let load = if self.variant.composite {
            "| | |".to_owned()
        } else {
            format!("{durable:.1} | {:.0} | {rest:.1} |", count / durable)
        };
        format!(
            "| {} | {load} {:.1} | {:.1} | {:.1} | {:.1} | {:.1} |",
            self.title,
            self.bytes as f64 / count,
            open(|round| &round.open_warm_ms),
            open(|round| &round.open_cold_ms),
            memory(|round| round.resident),
            memory(|round| round.peak),
        )
    }
}

type Phase = fn(&Round) -> &BTreeMap<Kind, Samples>;

fn questions(report: &Report, title: &str, phase: Phase, out: &mut String) -> std::fmt::Result {
    write!(out, "\n| {title} |")?;
    for of in &report.peers {
        write!(out, " {} |", of.title)?;
    }
    writeln!(out, "\n| --- |{}", " ---: |".repeat(report.peers.len()))?;
    for kind in Kind::ALL {
        let cells: Vec<Option<Cell>> =
            report.peers.iter().map(|of| Cell::of(of, kind, phase)).collect();
        let most = cells.iter().flatten().map(|cell| cell.samples).max();
        let Some(most) = most else { continue };
        write!(out, "| {} ({most}) |", kind.title())?;
        for cell in cells {
            match cell {
                None => write!(out, " |")?,
                Some(cell) => write!(out, " {} |", cell.text(most))?,
            }
        }
        writeln!(out)?;
    }
    Ok(())
}

/// One kind of question to one variant.
struct Cell {
    p50: f64,
    p99: f64,
    /// The least of a round.
    samples: usize,
}

impl Cell {
    fn of(figures: &Figures, kind: Kind, phase: Phase) -> Option<Self> {
        let rounds: Vec<&Samples> =
            figures.rounds.iter().filter_map(|round| phase(round).get(&kind)).collect();
        let samples = rounds.iter().map(|samples| samples.ms.len()).min()?;
        let of = |pick: fn((f64, f64)) -> f64| {
            spread(rounds.iter().map(|samples| pick(percentiles(&samples.ms)))).median()
        };
        Some(Self { p50: of(|(p50, _)| p50), p99: of(|(_, p99)| p99), samples })
    }

    fn text(&self, most: usize) -> String {
        let mut text = format!("{} / {}", digits(self.p50), digits(self.p99));
        if self.samples < most {
            let _ = write!(text, " ({})", self.samples);
        }
        text
    }
}

/// Three digits that count.
fn digits(ms: f64) -> String {
    match ms {
        ms if ms < 10.0 => format!("{ms:.2}"),
        ms if ms < 100.0 => format!("{ms:.1}"),
        ms => format!("{ms:.0}"),
    }
}

fn percentiles(samples: &[f64]) -> (f64, f64) {
    let mut sorted = samples.to_vec();
    sorted.sort_unstable_by(f64::total_cmp);
    (percentile(&sorted, 50), percentile(&sorted, 99))
}

fn spread(figures: impl Iterator<Item = f64>) -> Spread {
    let mut spread = Spread::default();
    figures.for_each(|figure| spread.add(figure));
    spread
}

fn seconds(ms: u64) -> f64 {
    ms as f64 / 1e3
}
