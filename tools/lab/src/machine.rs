//! One simulated machine: a disk, a clock, a log that runs in one thread, and what its callers were
//! promised.
//!
//! Invariant: every choice comes from the seed, so that the same seed makes the same calls; an
//! error of the log is a broken promise unless a fault was there to cause it. The log is the real
//! one; what it does in the background is driven step by step.

use std::sync::Arc;

use shoseki_engine::io::Storage;
use shoseki_engine::log::{AppendError, Appended, Entry, Log, LogError, LogOptions, OpenError};
use shoseki_engine::query::{Filter, Order};
use shoseki_engine::record::{IntegrityStatus, Record};
use shoseki_engine::types::Seq;
use shoseki_engine::verify::{MemoryEvidence, Report, VerifyOptions, verify_evidence};

use crate::content::{Content, DAY, NOON};
use crate::invariant::{Broken, Checked, Invariant, broken, keeps};
use crate::model::{Model, Seen};
use crate::{FaultyStorage, Lie, Rng, SimEnvironment};

/// How a log goes on after an operation.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Next {
    /// As it is.
    Go,
    /// It has to be opened anew.
    Reopen,
}

/// A simulated machine.
pub(crate) struct Machine {
    pub(crate) storage: FaultyStorage,
    pub(crate) environment: Arc<SimEnvironment>,
    pub(crate) model: Model,
    pub(crate) rng: Rng,
    pub(crate) log: Option<Log>,
    options: LogOptions,
    /// Errors that callers or the operator were told of.
    pub(crate) told: u64,
    /// A fault was there since the log was opened, or the disk is full.
    excused: bool,
    /// The disk has little room.
    full: bool,
}

impl Machine {
    pub(crate) fn new(seed: u64, sample: &Arc<Vec<Record>>, lie: Option<Lie>) -> Self {
        let mut rng = Rng::new(seed ^ 0x5bd1_e995);
        let storage = FaultyStorage::new(seed);
        storage.watch("checkpoint");
        storage.set_lie(lie);
        let environment = Arc::new(SimEnvironment::new(NOON, seed));
        let lens = [1500, 4000, 12_000, 1 << 30];
        let segment_raw_len_max = lens[usize::try_from(rng.below(4)).unwrap_or(0)];
        let options = LogOptions {
            background: false,
            free_space_reserve: Some(0),
            segment_raw_len_max,
            unsealed_files_max: if rng.chance(20) { 1 } else { 32 },
            compression_level: 1,
            cache_len_max: 1 << 16,
            index: rng.chance(80),
            environment: Arc::clone(&environment) as _,
            ..LogOptions::default()
        };
        let model = Model::new(Content::new(seed, Arc::clone(sample)));
        Self {
            storage,
            environment,
            model,
            rng,
            log: None,
            options,
            told: 0,
            excused: false,
            full: false,
        }
    }

    pub(crate) fn options(&self) -> LogOptions {
        self.options.clone()
    }

    pub(crate) fn shared(&self) -> Arc<dyn Storage> {
        Arc::new(self.storage.clone())
    }

    /// Whether an error may be.
    fn excused(&mut self) -> bool {
        self.excused |= !self.storage.hits().is_empty();
        self.excused
    }

    /// Opens the log; `false` where a fault kept it from opening.
    pub(crate) fn open(&mut self) -> Checked<bool> {
        match Log::open_storage(self.shared(), self.options.clone()) {
            Ok(log) => {
                let report = log.report();
                self.told += u64::from(*report != Default::default() && !report.created);
                let fresh = report.created && self.model.promised() > 0;
                keeps(!fresh, Invariant::Acknowledged, || "a new log was made".to_owned())?;
                if let Some(cut) = &report.quarantined {
                    let bytes = self.storage.bytes(&cut.path).unwrap_or_default();
                    let lost = self.model.acknowledged_in(&bytes);
                    keeps(lost.is_none(), Invariant::Quarantine, || {
                        format!("{lost:?} was acknowledged and is in {}", cut.path)
                    })?;
                }
                self.log = Some(log);
                self.note_checkpoints()?;
                Ok(true)
            }
            Err(error) => {
                self.told += 1;
                let spared = matches!(error, OpenError::Io { .. } | OpenError::Lock(_))
                    || matches!(error, OpenError::Ids(_) | OpenError::Moving);
                keeps(spared && self.excused(), Invariant::Opens, || shown(&error))?;
                Ok(false)
            }
        }
    }

    /// Another process takes over; the machine, what it cached and its faults stay.
    pub(crate) fn start_anew(&mut self) {
        self.excused();
        self.storage = self.storage.respawn();
        self.log = None;
    }

    /// The process dies; the machine and what it cached go on.
    pub(crate) fn kill(&mut self) {
        self.storage = self.storage.kill();
        self.log = None;
        self.excused = self.full;
    }

    /// The power goes.
    pub(crate) fn power_cut(&mut self) {
        self.storage = self.storage.restart();
        self.log = None;
        self.excused = self.full;
    }

    /// Closes in order; what can't be stored is told.
    pub(crate) fn close(&mut self) -> Checked {
        if let Some(log) = self.log.take() {
            let closed = log.close();
            self.note_checkpoints()?;
            self.settle(closed)?;
        }
        Ok(())
    }

    pub(crate) fn note_checkpoints(&mut self) -> Checked {
        for note in self.storage.take_watched() {
            self.model.note_checkpoint(&note)?;
        }
        Ok(())
    }

    /// Does one thing that a log does, chosen by the seed.
    pub(crate) fn operate(&mut self) -> Checked<Next> {
        let next = match self.rng.below(100) {
            0..38 => self.append(),
            38..46 => self.append_together(),
            46..53 => self.repeat(),
            53..70 => self.with_log(|log| log.step().map(|_| ())),
            70..75 => self.with_log(|log| log.checkpoint().map(|_| ())),
            75..80 => self.with_log(Log::seal),
            80..82 => self.with_log(Log::complete_indexes),
            82..89 => self.read(),
            89..93 => self.query(),
            93..96 => self.jump(),
            96..98 => self.rotate(),
            98 => self.fill_disk(),
            _ => self.close().map(|()| Next::Reopen),
        }?;
        self.note_checkpoints()?;
        Ok(next)
    }

    /// As [`Self::operate`], on a disk that has room.
    pub(crate) fn operate_soundly(&mut self) -> Checked<Next> {
        let next = self.operate();
        self.make_room();
        self.excused = false;
        next
    }

    pub(crate) fn with_log(
        &mut self,
        act: impl FnOnce(&Log) -> Result<(), LogError>,
    ) -> Checked<Next> {
        let Some(log) = &self.log else { return Ok(Next::Reopen) };
        let done = act(log);
        self.settle(done)
    }

    /// What an error of the log means.
    fn settle(&mut self, done: Result<(), LogError>) -> Checked<Next> {
        let Err(error) = done else { return Ok(Next::Go) };
        self.told += 1;
        let contradicts = matches!(error, LogError::Contradiction { .. });
        keeps(!contradicts, Invariant::OneHistory, || error.to_string())?;
        keeps(self.excused(), Invariant::GoesOn, || error.to_string())?;
        Ok(if matches!(error, LogError::Poisoned(_)) { Next::Reopen } else { Next::Go })
    }

    /// What an answer to a batch means.
    fn answered(
        &mut self,
        number: u64,
        refused: bool,
        answer: Result<Appended, AppendError>,
    ) -> Checked<Next> {
        let error = match answer {
            Ok(appended) => {
                self.model.acknowledge(number, &appended, refused)?;
                return Ok(Next::Go);
            }
            Err(error) => error,
        };
        self.told += 1;
        match error {
            AppendError::Contradiction { .. } => {
                return broken(Invariant::OneHistory, error.to_string());
            }
            AppendError::Conflict(_) => {
                return broken(Invariant::Once, format!("batch {number}: {error}"));
            }
            _ => {}
        }
        keeps(self.excused(), Invariant::GoesOn, || format!("batch {number}: {error}"))?;
        if matches!(error, AppendError::Poisoned(_)) {
            self.model.leave_open(number);
            return Ok(Next::Reopen);
        }
        self.model.refuse(number);
        Ok(Next::Go)
    }

    pub(crate) fn append(&mut self) -> Checked<Next> {
        let most = if self.rng.chance(5) { 40 } else { 6 };
        let (count, ids) = (1 + self.rng.below(most), self.rng.chance(40));
        let number = self.model.send(count, ids);
        self.send(number, false)
    }

    fn send(&mut self, number: u64, refused: bool) -> Checked<Next> {
        let Some(log) = &self.log else { return Ok(Next::Reopen) };
        let (count, ids) = self.model.batch(number);
        let records = self.model.content().batch(number, count, ids);
        let answer = log.append(Content::producer(ids).as_ref(), records);
        self.answered(number, refused, answer)
    }

    /// Batches of several callers in one group.
    fn append_together(&mut self) -> Checked<Next> {
        let Some(log) = &self.log else { return Ok(Next::Reopen) };
        let mut numbers = Vec::new();
        for _ in 0..2 + self.rng.below(3) {
            let ids = self.rng.chance(40);
            let number = self.model.send(1 + self.rng.below(4), ids);
            numbers.push(number);
            if ids && self.rng.chance(20) {
                // Somebody else sends the same at the same time.
                numbers.push(number);
            }
        }
        let batches = numbers.iter().map(|number| {
            let (count, ids) = self.model.batch(*number);
            (Content::producer(ids), self.model.content().batch(*number, count, ids))
        });
        let answers = log.append_all(batches.collect());
        let mut next = Next::Go;
        for (number, answer) in numbers.into_iter().zip(answers) {
            if self.answered(number, false, answer)? == Next::Reopen {
                next = Next::Reopen;
            }
        }
        Ok(next)
    }

    /// A client that holds no answer sends again; one that holds one may, too.
    fn repeat(&mut self) -> Checked<Next> {
        let known = self.model.repeatable();
        let chosen = usize::try_from(self.rng.below(known.len() as u64)).unwrap_or(0);
        let Some(number) = known.get(chosen) else { return self.append() };
        let refused = self.model.send_again(*number);
        self.send(*number, refused)
    }

    fn read(&mut self) -> Checked<Next> {
        let Some(log) = &self.log else { return Ok(Next::Reopen) };
        let reader = log.reader();
        let seqs: Vec<u64> = self.model.acknowledged().collect();
        for _ in 0..3 {
            let chosen = usize::try_from(self.rng.below(seqs.len() as u64)).unwrap_or(0);
            let Some(seq) = seqs.get(chosen) else { break };
            match reader.read(Seq(*seq)) {
                Ok(Entry::Record(stored)) => self.model.check_read(&stored)?,
                Ok(other) => return broken(Invariant::Reads, format!("record {seq}: {other:?}")),
                Err(error) => {
                    self.told += 1;
                    keeps(self.excused(), Invariant::Reads, || error.to_string())?;
                }
            }
        }
        Ok(Next::Go)
    }

    /// Asks for one actor; whoever was acknowledged is in the answer.
    fn query(&mut self) -> Checked<Next> {
        let Some(log) = &self.log else { return Ok(Next::Reopen) };
        let reader = log.reader();
        let actor = format!("user-{}", self.rng.below(5));
        let filter = Filter { actor_id: vec![actor.clone()], ..Filter::default() };
        let (found, walked) = match (
            reader.query(&filter, Order::Ascending, 10_000),
            reader.scan(0..u64::MAX, Order::Ascending).collect::<Result<Vec<_>, _>>(),
        ) {
            (Ok(found), Ok(walked)) => (found, walked),
            _ => {
                self.told += 1;
                let excused = self.excused();
                keeps(excused, Invariant::Answers, || "a query failed".to_owned())?;
                return Ok(Next::Go);
            }
        };
        let seen = walked.iter().filter_map(Entry::record).filter_map(|stored| {
            let body = shoseki_engine::record::Body::parse(stored.body()).ok()?;
            Some(Seen { seq: stored.seq.0, actor: body.actor_id().into_owned() })
        });
        same_answer(&actor, &found.entries, seen)?;
        Ok(Next::Go)
    }

    /// The clock jumps, forward or back, by minutes or days.
    fn jump(&mut self) -> Checked<Next> {
        let span = if self.rng.chance(50) { DAY * 3 } else { DAY / 100 };
        let far = i64::try_from(self.rng.below(span.unsigned_abs())).unwrap_or(0);
        self.environment.advance(if self.rng.chance(60) { far } else { -far });
        Ok(Next::Go)
    }

    fn rotate(&mut self) -> Checked<Next> {
        let Some(log) = &self.log else { return Ok(Next::Reopen) };
        if let Err(error) = log.rotate_key() {
            self.told += 1;
            keeps(self.excused(), Invariant::GoesOn, || shown(&error))?;
        }
        Ok(Next::Go)
    }

    /// The disk fills up, or has room again.
    fn fill_disk(&mut self) -> Checked<Next> {
        if self.full && self.rng.chance(50) {
            self.make_room();
            return Ok(Next::Go);
        }
        (self.full, self.excused) = (true, true);
        self.storage.set_capacity(self.storage.used() + self.rng.below(200_000));
        Ok(Next::Go)
    }

    /// The disk has room again.
    pub(crate) fn make_room(&mut self) {
        self.storage.set_capacity(1 << 40);
        self.full = false;
    }

    /// An audit of the disk as it is, by the auditor's own code.
    pub(crate) fn audit(&self) -> Checked<Report> {
        let mut evidence = MemoryEvidence::default();
        for path in self.storage.paths() {
            if let Some(bytes) = self.storage.bytes(&path) {
                evidence.put(&path, bytes);
            }
        }
        let options = VerifyOptions { threads: 1, ..VerifyOptions::default() };
        verify_evidence(&evidence, &options, &()).map_err(|error| Broken {
            invariant: Invariant::NoFalseAlarm,
            detail: error.to_string(),
        })
    }

    /// Verification must find nothing.
    pub(crate) fn audit_is_clean(&self, when: &str) -> Checked {
        let report = self.audit()?;
        let nothing_yet = self.model.promised() == 0 && self.storage.bytes("log.json").is_none();
        let clean = report.status() == IntegrityStatus::Valid || nothing_yet;
        keeps(clean, Invariant::NoFalseAlarm, || format!("{when}: {:?}", report.findings))
    }

    /// Everything that must hold of a log that was opened without faults, and that it goes on.
    pub(crate) fn check_and_go_on(&mut self) -> Checked {
        let opened = self.open()?;
        keeps(opened, Invariant::Opens, || "the log does not open".to_owned())?;
        self.check_all()?;
        self.append()?;
        for _ in 0..6 {
            self.with_log(|log| log.step().map(|_| ()))?;
            self.note_checkpoints()?;
        }
        self.append()?;
        self.check_all()?;
        self.close()?;
        self.audit_is_clean("at the end")?;
        let reader = shoseki_engine::log::Reader::open_storage(self.shared());
        let reader = reader
            .map_err(|error| Broken { invariant: Invariant::Opens, detail: error.to_string() })?;
        self.model.check(&reader).map(|_| ())
    }

    fn check_all(&mut self) -> Checked {
        let Some(log) = &self.log else {
            return broken(Invariant::GoesOn, "the log was closed");
        };
        let reader = log.reader();
        let seen = self.model.check(&reader)?;
        let Some(actor) = seen.first().map(|seen| seen.actor.clone()) else { return Ok(()) };
        let filter = Filter { actor_id: vec![actor.clone()], ..Filter::default() };
        let found = reader
            .query(&filter, Order::Descending, 10_000)
            .map_err(|error| Broken { invariant: Invariant::Answers, detail: error.to_string() })?;
        same_answer(&actor, &found.entries, seen.into_iter())
    }
}

/// A query's answer is what a walk through the log finds.
fn same_answer(actor: &str, found: &[Entry], seen: impl Iterator<Item = Seen>) -> Checked {
    let mut got: Vec<u64> = found.iter().filter_map(Entry::record).map(|r| r.seq.0).collect();
    got.sort_unstable();
    let want: Vec<u64> = seen.filter(|seen| seen.actor == actor).map(|seen| seen.seq).collect();
    keeps(got == want, Invariant::Answers, || {
        format!("asked for {actor}: {got:?} were found, {want:?} are there")
    })
}

/// An error with its causes.
pub(crate) fn shown(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(inner) = cause {
        text.push_str(": ");
        text.push_str(&inner.to_string());
        cause = inner.source();
    }
    text
}
