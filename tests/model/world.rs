//! A log to which things happen, and what it should hold.

use std::sync::Arc;

use shoseki_engine::log::{Log, LogOptions, Reader};
use shoseki_engine::query::Order;
use shoseki_engine::record::{Body, Producer, Record};
use shoseki_lab::{FaultyStorage, SimEnvironment};

use crate::numbers::Numbers;
use crate::records::{PRODUCERS, START, record};

pub(crate) struct World {
    storage: FaultyStorage,
    options: LogOptions,
    log: Option<Log>,
    /// By seq.
    pub(crate) bodies: Vec<Vec<u8>>,
    pub(crate) times: Vec<i64>,
    /// When they came in.
    pub(crate) received: Vec<i64>,
    /// Where the clients' clocks stand.
    clock: i64,
}

impl World {
    pub(crate) fn new(numbers: &mut Numbers) -> Self {
        let len = numbers.pick(&[2_000, 20_000, 1 << 30]);
        Self::of_segments(numbers, len)
    }

    /// A log with segments of about this many bytes.
    pub(crate) fn of_segments(numbers: &mut Numbers, segment_raw_len_max: u64) -> Self {
        let seed = numbers.next();
        let storage = FaultyStorage::new(seed);
        let options = LogOptions {
            background: false,
            free_space_reserve: Some(0),
            segment_raw_len_max,
            environment: Arc::new(SimEnvironment::new(START / 1_000, seed)),
            ..LogOptions::default()
        };
        let (bodies, times, received) = Default::default();
        let mut world = Self { storage, options, log: None, bodies, times, received, clock: START };
        world.open();
        world
    }

    pub(crate) fn reader(&self) -> Reader {
        self.log().reader()
    }

    fn log(&self) -> &Log {
        self.log.as_ref().unwrap()
    }

    fn reopen(&mut self) {
        if let Some(log) = self.log.take() {
            log.close().unwrap();
        }
        self.open();
    }

    /// The process is killed, and another one opens the log.
    pub(crate) fn kill(&mut self) {
        self.log = None;
        self.storage = self.storage.kill();
        self.open();
    }

    fn open(&mut self) {
        let storage = Arc::new(self.storage.clone());
        let opened = Log::open_storage(storage, self.options.clone());
        self.log = Some(opened.unwrap());
    }

    /// Appends a batch; what became of it is read back.
    pub(crate) fn append(&mut self, numbers: &mut Numbers, most: u64) {
        let mut records: Vec<Record> =
            (0..=numbers.below(most)).map(|_| record(numbers, &mut self.clock)).collect();
        let mut name = format!("p{}", numbers.next());
        if numbers.once_in(2) {
            // Whoever comes again and again gives no ids, lest they be other records' ids.
            name = numbers.pick(&PRODUCERS).to_owned();
            records.iter_mut().for_each(|record| record.audit_id = None);
        }
        let producer = Producer::parse(&name).unwrap();
        // A repeated id with another content refuses the batch.
        let _ = self.log().append(Some(&producer), records);
        let reader = self.reader();
        for entry in reader.scan(self.bodies.len() as u64..u64::MAX, Order::Ascending) {
            let entry = entry.unwrap();
            let body = entry.record().unwrap().body().to_vec();
            let read = Body::parse(&body).unwrap();
            self.times.push(read.timestamp().unix_nanos());
            self.received.push(read.received_at().unix_nanos());
            self.bodies.push(body);
        }
    }

    /// Seals and indexes what is finished.
    pub(crate) fn settle(&mut self) {
        self.log().complete_indexes().unwrap();
    }

    /// Something that changes where records are and what is known of them.
    pub(crate) fn happen(&mut self, numbers: &mut Numbers) {
        match numbers.below(12) {
            0..4 => self.append(numbers, 40),
            4 => self.log().seal().unwrap(),
            5 => self.reopen(),
            6 => self.log().complete_indexes().unwrap(),
            7 => {
                self.remove_indexes(numbers);
                self.reopen();
            }
            8 => {
                self.damage_an_index(numbers, |_| true);
                self.reopen();
            }
            _ => {
                for _ in 0..numbers.below(6) {
                    self.log().step().unwrap();
                }
            }
        }
    }

    /// Paths of all indexes.
    pub(crate) fn indexes(&self) -> Vec<String> {
        let paths = self.storage.paths().into_iter();
        paths.filter(|path| path.ends_with(".idx")).collect()
    }

    fn remove_indexes(&self, numbers: &mut Numbers) {
        for path in self.indexes() {
            if numbers.once_in(2) {
                self.storage.take(&path);
            }
        }
    }

    /// Changes a bit of one of the indexes that `of` takes.
    pub(crate) fn damage_an_index(&self, numbers: &mut Numbers, of: impl Fn(&String) -> bool) {
        let indexes: Vec<String> = self.indexes().into_iter().filter(of).collect();
        if indexes.is_empty() {
            return;
        }
        let path = numbers.pick(&indexes);
        let mut bytes = self.storage.bytes(&path).unwrap();
        let place = numbers.below(bytes.len() as u64) as usize;
        bytes[place] ^= 1 << numbers.below(8);
        self.storage.put(&path, &bytes);
    }
}
