//! A log on a simulated disk, driven by hand.
//!
//! Invariant: everything that was acknowledged here is looked for when it is checked.

use std::sync::Arc;

use shoseki_engine::io::Storage;
use shoseki_engine::log::{Appended, Log, LogOptions, OpenError, Reader};
use shoseki_engine::verify::{MemoryEvidence, Report, VerifyOptions, verify_evidence};
use shoseki_lab::{Content, FaultyStorage, Model, NOON, SimEnvironment};

pub(crate) struct Stage {
    pub(crate) storage: FaultyStorage,
    pub(crate) options: LogOptions,
    pub(crate) model: Model,
}

impl Stage {
    pub(crate) fn new(seed: u64) -> Self {
        let options = LogOptions {
            background: false,
            free_space_reserve: Some(0),
            environment: Arc::new(SimEnvironment::new(NOON, seed)),
            ..LogOptions::default()
        };
        let model = Model::new(Content::new(seed, Arc::default()));
        Self { storage: FaultyStorage::new(seed), options, model }
    }

    fn shared(&self) -> Arc<dyn Storage> {
        Arc::new(self.storage.clone())
    }

    pub(crate) fn try_open(&self) -> Result<Log, OpenError> {
        Log::open_storage(self.shared(), self.options.clone())
    }

    pub(crate) fn open(&self) -> Log {
        self.try_open().unwrap()
    }

    /// Appends a batch without ids; `None` where the log refuses it.
    pub(crate) fn append(&mut self, log: &Log, count: u64) -> Option<Appended> {
        let number = self.model.send(count, false);
        let appended = log.append(None, self.model.content().batch(number, count, false)).ok()?;
        self.model.acknowledge(number, &appended, false).unwrap();
        Some(appended)
    }

    /// The process dies.
    pub(crate) fn kill(&mut self, log: Log) {
        self.storage = self.storage.kill();
        drop(log);
    }

    /// The power goes.
    pub(crate) fn power_cut(&mut self) {
        self.storage = self.storage.restart();
    }

    pub(crate) fn audit(&self) -> Report {
        let mut evidence = MemoryEvidence::default();
        for path in self.storage.paths() {
            evidence.put(&path, self.storage.bytes(&path).unwrap());
        }
        verify_evidence(&evidence, &VerifyOptions::default(), &()).unwrap()
    }

    /// Opens it: everything promised is there, and nothing is held against it.
    pub(crate) fn check(&self) {
        assert_eq!(self.audit().findings, []);
        let log = self.open();
        self.model.check(&log.reader()).unwrap();
        log.close().unwrap();
        assert_eq!(self.audit().findings, []);
        self.model.check(&Reader::open_storage(self.shared()).unwrap()).unwrap();
    }
}
