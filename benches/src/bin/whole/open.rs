//! How long opening takes and what it holds, for a writer and for a reader.
//!
//! Invariant: each opening happens in a process of its own, which nothing has warmed but the page
//! cache; with `--cold` not even that.

use std::path::PathBuf;
use std::process::Command;
use std::time::Instant;

use shoseki_benches::machine::{Memory, forget_pages, open_files};
use shoseki_benches::spread::Spread;
use shoseki_engine::log::{Log, LogOptions, Reader};

use crate::Outcome;

/// What to open.
#[derive(clap::Args)]
pub(crate) struct Arguments {
    /// Directory of the log.
    log: PathBuf,
    /// Rounds of each kind.
    #[arg(long, default_value_t = 5)]
    rounds: usize,
}

/// One opening.
#[derive(clap::Args)]
pub(crate) struct Once {
    /// Directory of the log.
    log: PathBuf,
    /// As a reader.
    #[arg(long)]
    reader: bool,
}

#[derive(Default)]
struct Figures {
    millis: Spread,
    resident: Spread,
    anonymous: Spread,
    peak: Spread,
    files: Spread,
}

pub(crate) fn run(arguments: &Arguments) -> Outcome {
    let kinds = [
        ("writer, warm", false, false),
        ("writer, cold", false, true),
        ("reader, warm", true, false),
        ("reader, cold", true, true),
    ];
    let mut cells = kinds.map(|kind| (kind, Figures::default()));
    for _ in 0..arguments.rounds {
        for ((_, reader, cold), figures) in &mut cells {
            if *cold {
                forget_pages(&arguments.log)?;
            }
            child(arguments, *reader, figures)?;
        }
    }
    println!(
        "| open | ms median | min | max | resident MB | anonymous MB | peak MB | open files |"
    );
    println!("| --- | ---: | ---: | ---: | ---: | ---: | ---: | ---: |");
    for ((name, ..), figures) in &cells {
        println!(
            "| {name} | {:.1} | {:.1} | {:.1} | {:.1} | {:.0} |",
            figures.millis,
            figures.resident.median(),
            figures.anonymous.median(),
            figures.peak.max(),
            figures.files.max(),
        );
    }
    Ok(())
}

fn child(arguments: &Arguments, reader: bool, figures: &mut Figures) -> Outcome {
    let mut command = Command::new(std::env::current_exe()?);
    command.arg("open-once").arg(&arguments.log);
    if reader {
        command.arg("--reader");
    }
    let output = command.output()?;
    let text = String::from_utf8_lossy(&output.stdout);
    let values: Vec<f64> = text.split_whitespace().filter_map(|word| word.parse().ok()).collect();
    let [millis, resident, anonymous, peak, files] = values[..] else {
        return Err(format!("{text}{}", String::from_utf8_lossy(&output.stderr)).into());
    };
    figures.millis.add(millis);
    figures.resident.add(resident / 1e6);
    figures.anonymous.add(anonymous / 1e6);
    figures.peak.add(peak / 1e6);
    figures.files.add(files);
    Ok(())
}

pub(crate) fn once(arguments: &Once) -> Outcome {
    let start = Instant::now();
    if arguments.reader {
        let reader = Reader::open(&arguments.log)?;
        say(start)?;
        drop(reader);
    } else {
        let log = Log::open(&arguments.log, LogOptions::default())?;
        say(start)?;
        log.close()?;
    }
    Ok(())
}

fn say(start: Instant) -> Outcome {
    let millis = start.elapsed().as_secs_f64() * 1e3;
    let memory = Memory::now()?;
    println!("{millis} {} {} {} {}", memory.resident, memory.anonymous, memory.peak, open_files()?);
    Ok(())
}
