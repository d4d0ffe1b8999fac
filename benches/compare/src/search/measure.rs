//! One round of one variant: opening, warm questions, cold questions.
//!
//! Invariant: the clock runs from the question to the answer in memory; what is compared is
//! computed outside. *Warm*: the files were read into the page cache before, and no question was
//! asked before in this process, but for the kind that repeats one on purpose. *Cold*: before each
//! question the engine is closed, its files are dropped from the page cache, and it is opened.

use std::fs::{self, File};
use std::io::{self, Read};
use std::path::Path;
use std::time::{Duration, Instant};

use shoseki_benches::machine::forget_pages;

use super::engine::{Engine, Peer, Variant};
use super::figures::{Round, Samples};
use super::memory::{self, Watch};
use super::question::{Kind, Phase, Question, Questions};
use crate::Outcome;

/// Questions of each kind that are not measured.
const WARM_UPS: usize = 3;
/// Openings with the files in the page cache.
const OPENINGS: usize = 5;

/// How much is asked.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Effort {
    /// Warm questions of each kind.
    pub(crate) samples: usize,
    /// Cold questions of each kind.
    pub(crate) cold: usize,
    /// After so long no further question of a kind is asked; one always is.
    pub(crate) budget: Duration,
}

/// Where and what.
pub(crate) struct Task<'a> {
    pub(crate) engine: &'a dyn Engine,
    pub(crate) variant: Variant,
    pub(crate) dir: &'a Path,
    pub(crate) questions: &'a Questions<'a>,
    pub(crate) effort: Effort,
}

impl Task<'_> {
    /// Measures.
    pub(crate) fn run(&self) -> Outcome<Round> {
        let mut round = Round::default();
        read_all(self.dir)?;
        memory::forget_peak()?;
        let mut peer = self.open(&mut round.open_warm_ms)?;
        round.resident = memory::resident(peer.server())?;
        let watch = peer.server().map(Watch::start);
        self.warm(&mut *peer, &mut round)?;
        round.peak = match watch {
            Some(watch) => watch.end()?,
            None => memory::own_peak()?,
        };
        peer.close()?;
        for _ in 1..OPENINGS {
            self.open(&mut round.open_warm_ms)?.close()?;
        }
        self.cold(&mut round)?;
        Ok(round)
    }

    fn kinds(&self) -> impl Iterator<Item = Kind> {
        Kind::ALL.into_iter().filter(|kind| self.variant.is_asked(*kind))
    }

    fn open(&self, ms: &mut Vec<f64>) -> Outcome<Box<dyn Peer>> {
        let start = Instant::now();
        let peer = self.engine.open(self.dir)?;
        ms.push(millis(start));
        Ok(peer)
    }

    fn warm(&self, peer: &mut dyn Peer, round: &mut Round) -> Outcome {
        for kind in self.kinds() {
            if kind == Kind::Again {
                continue;
            }
            // Statistics take long and have nothing to warm up that the first one would not pay for
            // in daily use.
            let warm_ups = if kind == Kind::Statistics { 0 } else { WARM_UPS };
            for question in self.questions.of(kind, Phase::WarmUp, warm_ups) {
                peer.ask(&question)?;
            }
            let begun = Instant::now();
            let (mut first, mut again) = (Samples::default(), Samples::default());
            for question in self.questions.of(kind, Phase::Warm, self.effort.samples) {
                first.ask(peer, &question)?;
                if kind == Kind::Actor {
                    again.ask(peer, &question)?;
                }
                if begun.elapsed() > self.effort.budget {
                    break;
                }
            }
            if kind == Kind::Actor {
                round.warm.insert(Kind::Again, again);
            }
            round.warm.insert(kind, first);
        }
        Ok(())
    }

    fn cold(&self, round: &mut Round) -> Outcome {
        // Once with all that is not yet on disk: later closings leave next to nothing, and a server
        // with a thousand files would wait seconds for each.
        forget_pages(self.dir)?;
        // Asking again is never cold.
        for kind in self.kinds().filter(|kind| *kind != Kind::Again) {
            let begun = Instant::now();
            let mut samples = Samples::default();
            for question in self.questions.of(kind, Phase::Cold, self.effort.cold) {
                each_file(self.dir, |file| {
                    Ok(rustix::fs::fadvise(file, 0, None, rustix::fs::Advice::DontNeed)?)
                })?;
                let mut peer = self.open(&mut round.open_cold_ms)?;
                samples.ask(&mut *peer, &question)?;
                peer.close()?;
                if begun.elapsed() > self.effort.budget {
                    break;
                }
            }
            round.cold.insert(kind, samples);
        }
        Ok(())
    }
}

impl Samples {
    fn ask(&mut self, peer: &mut dyn Peer, question: &Question) -> Outcome {
        let start = Instant::now();
        let answer = peer.ask(question)?;
        self.ms.push(millis(start));
        let digest = answer.digest().map_err(|error| format!("{question:?}: {error}"))?;
        self.answers.push(digest);
        Ok(())
    }
}

fn millis(start: Instant) -> f64 {
    start.elapsed().as_secs_f64() * 1e3
}

/// Reads all files below a directory, so that the page cache has them.
fn read_all(dir: &Path) -> io::Result<()> {
    let mut buffer = vec![0; 1 << 20];
    each_file(dir, |mut file| {
        while file.read(&mut buffer)? > 0 {}
        Ok(())
    })
}

fn each_file(dir: &Path, mut visit: impl FnMut(&File) -> io::Result<()>) -> io::Result<()> {
    let mut dirs = vec![dir.to_path_buf()];
    while let Some(dir) = dirs.pop() {
        for entry in fs::read_dir(dir)? {
            let entry = entry?;
            let kind = entry.file_type()?;
            if kind.is_dir() {
                dirs.push(entry.path());
            } else if kind.is_file() {
                visit(&File::open(entry.path())?)?;
            }
        }
    }
    Ok(())
}
