//! One whole-process run: durable appends, sealing, opening, reading and verifying a generated log.
#![expect(clippy::print_stdout, clippy::expect_used, reason = "a bench reports and may stop")]

use std::path::Path;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Instant;

use shoseki_engine::log::{Log, LogOptions};
use shoseki_engine::record::Record;
use shoseki_tools::generate::Workload;

fn main() {
    let mut args = std::env::args().skip(1);
    let dir = args.next().expect("directory");
    let mode = args.next().expect("mode");
    let n: u64 = args.next().expect("count").parse().expect("number");
    let batch: usize = args.next().map_or(500, |b| b.parse().expect("number"));
    let writers: u64 = args.next().map_or(1, |b| b.parse().expect("number"));
    match mode.as_str() {
        "append" => append(Path::new(&dir), n, batch, writers),
        "open" => open(Path::new(&dir)),
        _ => println!("append | open"),
    }
}

fn append(dir: &Path, n: u64, batch: usize, writers: u64) {
    let log = Log::open(dir, LogOptions::default()).expect("open");
    let per = n / writers;
    let generated: Vec<Vec<Vec<Record>>> = (0..writers)
        .map(|w| {
            let records: Vec<Record> = Workload::new(w + 1, per).records().collect();
            records.chunks(batch).map(<[Record]>::to_vec).collect()
        })
        .collect();
    let done = AtomicU64::new(0);
    let start = Instant::now();
    std::thread::scope(|scope| {
        for batches in generated {
            let (log, done) = (&log, &done);
            scope.spawn(move || {
                for batch in batches {
                    let appended = log.append(None, batch).expect("append");
                    done.fetch_add(appended.accepted, Ordering::Relaxed);
                }
            });
        }
    });
    let took = start.elapsed().as_secs_f64();
    let done = done.load(Ordering::Relaxed);
    println!(
        "append: {done} records, batches of {batch}, {writers} writers: {:.0} records/s",
        done as f64 / took
    );
    let start = Instant::now();
    log.seal().expect("seal");
    println!("seal: {:.2} s", start.elapsed().as_secs_f64());
    let segments = log.reader().segments();
    let bytes: u64 = segments.iter().map(|s| s.evidence_bytes).sum();
    println!("segments {} bytes/record {:.1}", segments.len(), bytes as f64 / log.size().0 as f64);
    log.close().expect("close");
}

fn open(dir: &Path) {
    let start = Instant::now();
    let log = Log::open(dir, LogOptions::default()).expect("open");
    println!("open: {:.3} s, {} records", start.elapsed().as_secs_f64(), log.size());
    let status = std::fs::read_to_string("/proc/self/status").expect("status");
    for line in status.lines().filter(|l| l.starts_with("VmRSS") || l.starts_with("VmHWM")) {
        println!("{line}");
    }
}
