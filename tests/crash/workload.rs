//! A day and a half in the life of a log, in one thread, step by step.
//!
//! Invariant: the same options and the same disk give the same calls in the same order.

use std::sync::Arc;

use shoseki_engine::io::Storage;
use shoseki_engine::log::{AppendError, Log, LogError, LogOptions, OpenError};
use shoseki_engine::record::{Producer, Record};
use shoseki_lab::{FaultyStorage, SimEnvironment};

use crate::model::{DAY, Model, NOON, batch, batch_with_ids};

/// Why a run stopped.
#[derive(Debug)]
#[expect(dead_code, reason = "shown when a test fails")]
pub(crate) enum Stop {
    Open(OpenError),
    Append(AppendError),
    Log(LogError),
}

impl From<OpenError> for Stop {
    fn from(e: OpenError) -> Self {
        Self::Open(e)
    }
}

impl From<AppendError> for Stop {
    fn from(e: AppendError) -> Self {
        Self::Append(e)
    }
}

impl From<LogError> for Stop {
    fn from(e: LogError) -> Self {
        Self::Log(e)
    }
}

/// One simulated machine.
pub(crate) struct Machine {
    pub(crate) storage: FaultyStorage,
    pub(crate) environment: Arc<SimEnvironment>,
    pub(crate) model: Model,
}

impl Machine {
    pub(crate) fn new(seed: u64) -> Self {
        Self {
            storage: FaultyStorage::new(seed),
            environment: Arc::new(SimEnvironment::new(NOON, seed)),
            model: Model::default(),
        }
    }

    pub(crate) fn options(&self) -> LogOptions {
        LogOptions {
            background: false,
            free_space_reserve: Some(0),
            segment_raw_len_max: 4000,
            environment: Arc::clone(&self.environment) as _,
            ..LogOptions::default()
        }
    }

    pub(crate) fn shared(&self) -> Arc<dyn Storage> {
        Arc::new(self.storage.clone())
    }

    pub(crate) fn open(&self) -> Result<Log, OpenError> {
        Log::open_storage(self.shared(), self.options())
    }

    pub(crate) fn append(&mut self, log: &Log, number: u64, count: u64) -> Result<(), Stop> {
        self.append_records(log, number, None, batch(number, count))
    }

    pub(crate) fn append_ids(&mut self, log: &Log, number: u64, count: u64) -> Result<(), Stop> {
        let producer = Producer::new("clinic").unwrap();
        self.append_records(log, number, Some(&producer), batch_with_ids(number, count))
    }

    fn append_records(
        &mut self,
        log: &Log,
        number: u64,
        producer: Option<&Producer>,
        records: Vec<Record>,
    ) -> Result<(), Stop> {
        let known = self.model.is_acknowledged(number);
        let appended = log.append(producer, records)?;
        assert!(!known || appended.accepted == 0, "batch {number} was taken twice");
        self.model.acknowledge(number, &appended);
        Ok(())
    }

    /// Work in the background, until there is none.
    pub(crate) fn steps(&mut self, log: &Log) -> Result<(), Stop> {
        for _ in 0..100 {
            let more = log.step()?;
            self.model.note_checkpoint(&log.reader());
            if !more {
                return Ok(());
            }
        }
        panic!("the work in the background does not end");
    }

    /// Everything that a log does. Batches from `first` on.
    pub(crate) fn live(&mut self, first: u64) -> Result<(), Stop> {
        let log = self.open()?;
        self.append(&log, first, 2)?;
        self.append_ids(&log, first + 1, 2)?;
        self.steps(&log)?;
        self.append(&log, first + 2, 1)?;
        self.append_ids(&log, first + 1, 2)?;
        for n in 3..8 {
            self.append(&log, first + n, 3)?;
        }
        self.steps(&log)?;
        self.environment.advance(DAY);
        self.append(&log, first + 8, 1)?;
        self.steps(&log)?;
        log.close()?;
        let log = self.open()?;
        self.append_ids(&log, first + 1, 2)?;
        self.append_ids(&log, first + 9, 3)?;
        log.rotate_key()?;
        self.model.note_checkpoint(&log.reader());
        self.append(&log, first + 10, 2)?;
        log.seal()?;
        self.model.note_checkpoint(&log.reader());
        self.append_ids(&log, first + 9, 3)?;
        self.append(&log, first + 11, 1)?;
        log.checkpoint()?;
        self.model.note_checkpoint(&log.reader());
        drop(log);
        let log = self.open()?;
        self.append(&log, first + 12, 1)?;
        self.environment.advance(-DAY);
        self.append(&log, first + 13, 1)?;
        log.close()?;
        Ok(())
    }

    /// What must hold whatever happened before: the log opens, holds what was promised, and goes
    /// on.
    pub(crate) fn recover(&mut self, first: u64) {
        let log = self.open().unwrap();
        self.model.check(&log.reader());
        drop(log);
        self.live(first).unwrap();
        let reader = crate::model::reader(&self.shared());
        self.model.note_checkpoint(&reader);
        self.model.check(&reader);
    }
}
