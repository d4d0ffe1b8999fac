//! The run: fills what is not filled, lets the peers take turns, compares what they answered.
//!
//! Invariant: each step runs in a process of its own, so that no peer's memory or caches are
//! another's. Filled data are known by a file that is written last, so a filling that was cut off
//! begins anew.
#![expect(clippy::print_stdout, clippy::print_stderr, reason = "a bench reports")]

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use serde::de::DeserializeOwned;
use shoseki_benches::machine::machine;

use super::agree::Answers;
use super::engine::{Family, Loaded, Variant};
use super::figures::{Figures, Report, Round};
use super::known::Known;
use super::step::{Extent, What, data_path, known_path};
use super::tables::tables;
use crate::Outcome;

/// What is asked of whom.
#[derive(clap::Args)]
pub struct Arguments {
    #[command(flatten)]
    extent: Extent,
    /// Rounds; the peers take turns in each.
    #[arg(long, default_value_t = 3)]
    rounds: u64,
    /// Which peers.
    #[arg(
        long,
        value_enum,
        value_delimiter = ',',
        default_value = "shoseki,sqlite,postgres,tantivy"
    )]
    peers: Vec<Family>,
    /// Directory on the disk that is measured; the data are removed at the end.
    #[arg(long, default_value = ".")]
    dir: PathBuf,
    /// Keeps the data here instead, and doesn't fill what is there.
    #[arg(long)]
    keep: Option<PathBuf>,
    /// Where the figures go as JSON; default: beside the data that are kept.
    #[arg(long)]
    json: Option<PathBuf>,
}

/// Fills, asks, compares and prints tables.
///
/// # Errors
/// Whatever an engine or the operating system says, and answers that differ.
pub fn run(arguments: &Arguments) -> Outcome {
    let scratch;
    let data = match &arguments.keep {
        Some(keep) => keep.as_path(),
        None => {
            scratch = tempfile::Builder::new().prefix("compare").tempdir_in(&arguments.dir)?;
            scratch.path()
        }
    };
    fs::create_dir_all(data)?;
    // A server that does not run as this user has to come through.
    fs::set_permissions(data, fs::Permissions::from_mode(0o755))?;
    let data = data.canonicalize()?;
    let report = Harness { arguments, data: &data }.report()?;
    print!("{}", tables(&report));
    let json = arguments.json.clone().or_else(|| {
        let kept = arguments.keep.as_ref();
        kept.map(|keep| keep.join(format!("search-{}.json", arguments.extent.records)))
    });
    if let Some(json) = json {
        fs::write(&json, serde_json::to_vec(&report)?)?;
        println!("\nFigures: {}", json.display());
    }
    if report.differences.is_empty() {
        return Ok(());
    }
    Err(format!("{} answers differ:\n{}", report.differences.len(), report.differences.join("\n"))
        .into())
}

struct Harness<'a> {
    arguments: &'a Arguments,
    data: &'a Path,
}

impl Harness<'_> {
    fn report(&self) -> Outcome<Report> {
        let extent = self.arguments.extent;
        let known = Known::of(extent.corpus(), &known_path(self.data, extent))?;
        let mut report = Report {
            machine: machine(),
            records: extent.records,
            seed: extent.seed,
            generate_ms: known.generate_ms,
            peers: Vec::new(),
            skipped: Vec::new(),
            compared: 0,
            differences: Vec::new(),
        };
        let mut families: Vec<&[Variant]> = Vec::new();
        for family in &self.arguments.peers {
            if let Err(reason) = family.engine() {
                report.skipped.push(format!("{}: {reason}", family.as_str()));
                continue;
            }
            families.push(family.variants());
            report.peers.extend(self.filled(*family)?);
        }
        let mut answers = Answers::default();
        for round in 0..self.arguments.rounds {
            for turn in 0..families.len() {
                let at = (turn + usize::try_from(round).unwrap_or(0)) % families.len();
                for variant in families.get(at).copied().unwrap_or_default() {
                    self.ask(*variant, round, &mut report, &mut answers)?;
                }
            }
        }
        report.compared = answers.compared();
        report.differences = answers.differences();
        Ok(report)
    }

    /// The figures of a family's variants, so far only those of filling.
    fn filled(&self, family: Family) -> Outcome<Vec<Figures>> {
        let dir = data_path(self.data, family, self.arguments.extent);
        let done = dir.with_extension("json");
        let plain = Variant { family, composite: false };
        let loaded: Loaded = if done.exists() {
            serde_json::from_slice(&fs::read(&done)?)?
        } else {
            if dir.exists() {
                fs::remove_dir_all(&dir)?;
            }
            fs::create_dir_all(&dir)?;
            eprintln!("filling {}", family.as_str());
            let loaded: Loaded = self.step(What::Load, plain, 0)?;
            fs::write(&done, serde_json::to_vec(&loaded)?)?;
            loaded
        };
        let engine: String = self.step(What::Name, plain, 0)?;
        let figures = |variant: &Variant| Figures {
            variant: *variant,
            title: variant.title().to_owned(),
            engine: engine.clone(),
            loaded: loaded.clone(),
            bytes: 0,
            rounds: Vec::new(),
        };
        Ok(family.variants().iter().map(figures).collect())
    }

    fn ask(
        &self,
        variant: Variant,
        round: u64,
        report: &mut Report,
        answers: &mut Answers,
    ) -> Outcome {
        eprintln!("round {round}: {}", variant.title());
        let bytes = self.step(What::Prepare, variant, round)?;
        let mut figures: Round = self.step(What::Ask, variant, round)?;
        answers.add(variant, round, &mut figures);
        if let Some(of) = report.peers.iter_mut().find(|of| of.variant == variant) {
            of.bytes = bytes;
            of.rounds.push(figures);
        }
        Ok(())
    }

    fn step<T: DeserializeOwned>(&self, what: What, of: Variant, round: u64) -> Outcome<T> {
        let extent = self.arguments.extent;
        let mut command = Command::new(std::env::current_exe()?);
        command.arg("step").arg(what.as_str());
        command.args(["--peer", of.family.as_str()]);
        command.arg("--data").arg(self.data);
        let numbers = [
            ("--round", round),
            ("--records", extent.records),
            ("--seed", extent.seed),
            ("--samples", extent.samples as u64),
            ("--cold", extent.cold as u64),
            ("--budget", extent.budget),
        ];
        for (name, number) in numbers {
            command.arg(name).arg(number.to_string());
        }
        if of.composite {
            command.arg("--composite");
        }
        let done = command.stderr(Stdio::inherit()).stdin(Stdio::null()).output()?;
        if !done.status.success() {
            return Err(format!("{} of {}: {}", what.as_str(), of.title(), done.status).into());
        }
        Ok(serde_json::from_slice(&done.stdout)?)
    }
}
