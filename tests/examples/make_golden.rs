//! Writes the golden files: `cargo run -p shoseki-tests --example make_golden -- DIRECTORY`.
//!
//! For a new version of the format. The files of an old version are never written again: they are
//! what a reader has to understand. Wants an empty directory, so that nothing is overwritten.
#![expect(clippy::unwrap_used, reason = "a tool for developers stops where it can't go on")]
#![expect(clippy::print_stdout, reason = "it says what it wrote")]

#[path = "../golden/sample.rs"]
#[expect(dead_code, reason = "the tests use more of it")]
mod sample;

use std::fs;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, AtomicU8, Ordering};

use shoseki_engine::io::Environment;
use shoseki_engine::log::{Log, LogOptions};
use shoseki_engine::proof::record_hash;
use shoseki_engine::record::{
    AuditId, Body, Limits, Producer, Record, Salt, Stamp, Timestamp, encode_body,
};
use shoseki_engine::segment::sample_text;

/// A clock and a source of bytes that give the same each time.
struct Still {
    micros: AtomicI64,
    byte: AtomicU8,
}

impl Environment for Still {
    fn now_micros(&self) -> i64 {
        self.micros.fetch_add(1_000, Ordering::Relaxed)
    }

    fn fill_random(&self, buffer: &mut [u8]) -> std::io::Result<()> {
        for byte in buffer {
            *byte = self.byte.fetch_add(37, Ordering::Relaxed) ^ 0x5a;
        }
        Ok(())
    }
}

fn main() {
    let Some(directory) = std::env::args().nth(1) else {
        println!("usage: make_golden DIRECTORY");
        return;
    };
    let to = Path::new(&directory);
    fs::create_dir_all(to.join("notes")).unwrap();
    assert_eq!(fs::read_dir(to).unwrap().count(), 1, "{directory} is not empty");
    fs::write(to.join("active.log"), sample::active_file(&[3, 2], true)).unwrap();
    let texts: Vec<Vec<u8>> = (0..2000).map(|n| sample_text(&sample::body(n))).collect();
    let dictionary = zstd::dict::from_samples(&texts, 2048).unwrap();
    let seqs = sample::SEGMENT_FIRST..sample::SEGMENT_FIRST + sample::SEGMENT_COUNT;
    fs::write(to.join("segment.seg"), sample::segment(seqs, 6, dictionary)).unwrap();
    for (name, text) in sample::notes() {
        fs::write(to.join("notes").join(name), text).unwrap();
    }
    fs::write(to.join("bodies.txt"), bodies()).unwrap();
    println!("last chain hash: {}", data_directory(&to.join("version-0")));
}

/// A log of two files: 300 records sealed, 5 active. What can be rebuilt is left out.
fn data_directory(to: &Path) -> String {
    let micros = AtomicI64::new(1_795_253_401_000_250);
    let options = LogOptions {
        origin: Some(sample::identity().origin),
        background: false,
        free_space_reserve: Some(0),
        environment: Arc::new(Still { micros, byte: AtomicU8::new(0) }),
        ..LogOptions::default()
    };
    let log = Log::open(to, options).unwrap();
    let records = |seqs: std::ops::Range<u64>| -> Vec<Record> {
        seqs.map(|n| Body::parse(&sample::body(n)).unwrap().to_record()).collect()
    };
    let producer = Producer::new("clinic").unwrap();
    log.append(Some(&producer), records(0..200)).unwrap();
    log.append(None, records(200..300)).unwrap();
    log.seal().unwrap();
    log.append(None, records(300..303)).unwrap();
    let last = log.append(Some(&producer), records(303..305)).unwrap();
    log.close().unwrap();
    for rebuildable in ["segments.cat", "LOCK"] {
        let _ = fs::remove_file(to.join(rebuildable));
    }
    let _ = fs::remove_dir_all(to.join("ids"));
    last.receipts.last().unwrap().chain_hash.to_hex()
}

const ID: &str = r#""audit_id":"018F4E9A-7C3B-7D2E-9A51-3C6F0B8E2D14""#;
const BASE: &str = concat!(
    r#""timestamp":"2026-11-21T09:30:00Z","actor_type":"user","actor_id":"a","#,
    r#""action":"X","result":"success""#,
);

/// Comment and input of each vector.
fn inputs() -> Vec<(&'static str, String)> {
    let with = |more: &str| format!("{{{ID},{BASE}{more}}}");
    let time = |time: &str| with("").replace("2026-11-21T09:30:00Z", time);
    vec![
        ("the smallest body", with("")),
        ("members in another order, white space", format!("\t{{ {BASE} , {ID} }}  ")),
        ("signed by a producer's key", with(r#","facility_id":"F1""#)),
        ("null is absent, empty is kept", with(r#","target_type":null,"target_id":"""#)),
        ("offset to UTC, another day", time("2026-11-22T00:30:00+09:00")),
        ("fractional digits: 1 becomes 3", time("2026-11-21T09:30:00.1Z")),
        ("fractional digits: 7 become 9", time("2026-11-21t09:30:00.1234567z")),
        ("zeros at the end of a fraction go", time("2026-11-21T09:30:00.120000-00:00")),
        (
            "strings: only what must be escaped is",
            with(r#","actor_role":"\u0041\/\"\\\b\f\n\r\t\u0000\u001F\u007f\u5c71\ud840\udc89""#),
        ),
        (
            "detail keeps numbers, strings and order as they came",
            with(r#","detail": { "b" : [ 1.10 , -0, 1E+2, 1e400 ], "a":"\u0041\ud800\/", "":{} }"#),
        ),
        ("an empty detail stays", with(r#","detail":{}"#)),
        ("pii_flag and sensitivity", with(r#","sensitivity":"high","pii_flag":true"#)),
        ("Japanese, not normalised", with(r#","target_id":"山田 が e\u0301""#)),
    ]
}

fn bodies() -> String {
    let producer = Producer::with_key("clinic", "k1").unwrap();
    let mut out = String::new();
    for (comment, input) in inputs() {
        let record = Record::from_json(input.as_bytes(), &Limits::default()).unwrap();
        let stamp = Stamp {
            audit_id: record.audit_id.unwrap_or(AuditId::from_bytes([0; 16])),
            received_at: Timestamp::parse("2026-11-21T09:30:01.000250Z").unwrap(),
            ingested_by: comment.contains("signed").then_some(&producer),
            salt: Salt::from_bytes([0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 250, 255]),
        };
        let mut body = Vec::new();
        encode_body(&record, &stamp, &mut body);
        let hash = record_hash(&body);
        let body = String::from_utf8(body).unwrap();
        out.push_str(&format!("# {comment}\n{input}\n{body}\n{hash}\n"));
    }
    out
}
