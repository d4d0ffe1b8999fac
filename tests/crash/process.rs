//! Real processes on a real disk: killed at random moments, kept apart by the lock.

use std::collections::HashMap;
use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Child, ChildStdout, Command, Stdio};
use std::time::Instant;

use shoseki_engine::log::{Entry, Log, LogOptions, OpenError, Reader};
use shoseki_engine::proof::{CompactRange, chain_genesis, chain_next, leaf_hash, record_hash};
use shoseki_engine::query::Order;
use shoseki_engine::types::{Seq, from_hex};
use shoseki_engine::verify::{VerifyOptions, verify_path};
use shoseki_lab::Rng;

/// What a client was told: hash and chain hash by seq.
pub(crate) type Told = HashMap<u64, (Vec<u8>, Vec<u8>)>;

/// The program that appends from four threads, running; killed when it is dropped.
pub(crate) struct Running {
    child: Child,
    out: BufReader<ChildStdout>,
    /// Microseconds that opening took.
    pub(crate) opened: Option<u64>,
    /// An error that it met.
    pub(crate) error: Option<String>,
}

impl Running {
    pub(crate) fn start(dir: &Path, seed: u64, segment_len: u64) -> Self {
        let mut child = Command::new(env!("CARGO_BIN_EXE_appender"))
            .arg(dir)
            .args([seed.to_string(), segment_len.to_string()])
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let out = BufReader::new(child.stdout.take().unwrap());
        Self { child, out, opened: None, error: None }
    }

    pub(crate) fn pid(&self) -> u32 {
        self.child.id()
    }

    /// Reads what it says until `lines` more receipts came, or to its end.
    pub(crate) fn listen(&mut self, lines: u64, told: &mut Told) {
        let mut seen = 0;
        while seen < lines && self.line(told, &mut seen) {}
    }

    /// Reads until it has opened the log or failed to.
    pub(crate) fn wait_open(&mut self) {
        let mut told = Told::new();
        while self.opened.is_none() && self.line(&mut told, &mut 0) {}
        assert!(told.is_empty());
    }

    fn line(&mut self, told: &mut Told, seen: &mut u64) -> bool {
        let mut line = String::new();
        self.out.read_line(&mut line).unwrap();
        let Some(line) = line.strip_suffix('\n') else { return false };
        match line.split(' ').collect::<Vec<_>>().as_slice() {
            ["open", micros] => self.opened = Some(micros.parse().unwrap()),
            ["error", ..] => self.error = Some(line.to_owned()),
            [seq, hash, chain] => {
                let hash = from_hex::<64>(hash.as_bytes()).unwrap().to_vec();
                let chain = from_hex::<64>(chain.as_bytes()).unwrap().to_vec();
                let before = told.insert(seq.parse().unwrap(), (hash, chain));
                assert_eq!(before, None, "two receipts for seq {seq}");
                *seen += 1;
            }
            other => panic!("the appender said {other:?}"),
        }
        true
    }

    /// Kills it; what it said before still counts.
    pub(crate) fn kill(mut self, told: &mut Told) {
        self.child.kill().unwrap();
        self.listen(u64::MAX, told);
        assert_eq!(self.error, None);
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// The verifier, which shares no code with the writer's checks, finds nothing.
pub(crate) fn verify(dir: &Path) {
    let report = verify_path(dir, &VerifyOptions::default(), &()).unwrap();
    assert!(report.findings.is_empty(), "{:?}", report.findings);
}

/// Everything that was told stands in the log, and the log holds together and up to its checkpoint.
pub(crate) fn check(reader: &Reader, told: &Told) -> u64 {
    let size = walk(reader, told);
    let signed = reader.checkpoint().unwrap().map_or(0, |signed| signed.checkpoint.size.0);
    assert!(signed <= size, "{signed} were signed, {size} are there");
    size
}

/// As [`check`], for a reader whose writer goes on: the checkpoint may be ahead of it.
pub(crate) fn walk(reader: &Reader, told: &Told) -> u64 {
    assert_eq!(reader.damage(), []);
    let mut chain = chain_genesis(reader.origin(), &reader.log_id());
    let mut tree = CompactRange::new(0);
    let checkpoint = reader.checkpoint().unwrap().map(|signed| signed.checkpoint);
    let mut found = 0;
    for entry in reader.scan(0..u64::MAX, Order::Ascending) {
        let Entry::Record(record) = entry.unwrap() else { panic!("not a record") };
        let hash = record_hash(record.body());
        chain = chain_next(&chain, &hash);
        if let Some((told_hash, told_chain)) = told.get(&tree.end()) {
            assert_eq!((&hash.0[..], &chain.0[..]), (&told_hash[..], &told_chain[..]));
            found += 1;
        }
        tree.push(leaf_hash(&hash)).unwrap();
        if let Some(checkpoint) = checkpoint.as_ref().filter(|c| c.size.0 == tree.end()) {
            assert_eq!(checkpoint.root, tree.root().unwrap());
        }
    }
    assert_eq!(found, told.len(), "receipts whose record is gone");
    tree.end()
}

/// Only what one round was told: the whole log is checked at the end.
fn check_round(log: &Log, told: &Told) {
    let reader = log.reader();
    for (seq, (hash, chain)) in told {
        let Ok(Entry::Record(record)) = reader.read(Seq(*seq)) else { panic!("{seq} is gone") };
        assert_eq!(record_hash(record.body()).0[..], hash[..], "seq {seq}");
        assert_eq!(record.chain_hash.0[..], chain[..], "seq {seq}");
    }
}

#[test]
fn killed_two_hundred_times_it_keeps_every_receipt() {
    let seed = std::env::var("SHOSEKI_SEED").ok().and_then(|s| s.parse().ok()).unwrap_or(1);
    println!("seed {seed}");
    let mut rng = Rng::new(seed);
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("log");
    let mut told = Told::new();
    let mut slowest = 0;
    let mut cut = 0;
    for round in 0..200 {
        // Some die while they open, most under load.
        let lines = if round % 10 == 9 { 0 } else { 1 + rng.below(400) };
        let mut now = Told::new();
        let mut running = Running::start(&path, seed + round, 150_000);
        running.listen(lines, &mut now);
        slowest = slowest.max(running.opened.unwrap_or(0));
        running.kill(&mut now);
        if round % 3 == 0 {
            let began = Instant::now();
            let log = Log::open(&path, LogOptions::default()).unwrap();
            slowest = slowest.max(u64::try_from(began.elapsed().as_micros()).unwrap());
            cut += u64::from(log.report().quarantined.is_some());
            check_round(&log, &now);
        }
        for (seq, promise) in now {
            assert_eq!(told.insert(seq, promise), None, "seq {seq} was given twice");
        }
    }
    let log = Log::open(&path, LogOptions::default()).unwrap();
    let size = check(&log.reader(), &told);
    log.close().unwrap();
    verify(&path);
    let receipts = told.len();
    println!("{receipts} receipts, {size} records, {cut} torn ends cut, slowest open {slowest} us");
    assert!(receipts > 0);
}

#[test]
fn a_second_process_is_refused_with_the_pid_of_the_first() {
    let dir = tempfile::tempdir().unwrap();
    let mut first = Running::start(dir.path(), 3, 1 << 20);
    first.wait_open();
    let refused = Log::open(dir.path(), LogOptions::default()).err().unwrap();
    assert!(matches!(refused, OpenError::Lock(_)), "{refused}");
    let pid = format!("pid {}", first.pid());
    assert!(refused.to_string().contains(&pid), "{refused}");
    // Another process too.
    let mut second = Running::start(dir.path(), 4, 1 << 20);
    second.wait_open();
    assert_eq!(second.opened, None);
    assert!(second.error.take().unwrap().contains(&pid));
    let mut told = Told::new();
    first.kill(&mut told);
    let log = Log::open(dir.path(), LogOptions::default()).unwrap();
    check(&log.reader(), &told);
}
