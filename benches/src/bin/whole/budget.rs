//! What each step of a record's way costs alone, on one core, and the bound that follows.
//!
//! Invariant: every step works on the same records, in batches as a client sends them; nothing else
//! runs in this process meanwhile. A step that waits (the disk) is not part of the bound. Knows
//! nothing of the log: the steps are those of its parts.

use std::fs::File;
use std::hint::black_box;
use std::os::unix::fs::FileExt;
use std::sync::mpsc::sync_channel;
use std::time::Instant;

use rustix::fs::{FallocateFlags, fallocate};
use shoseki_benches::input::{batches, stamp};
use shoseki_benches::spread::Spread;
use shoseki_engine::format::{RECORD_PREFIX_LEN, encode_record_prefix};
use shoseki_engine::index::ids::{IdKey, RecentIds, fingerprint};
use shoseki_engine::index::shard::{Room, ShardBuilder, Slot};
use shoseki_engine::index::terms::Extractor;
use shoseki_engine::log::LogOptions;
use shoseki_engine::proof::{CompactRange, chain_next, leaf_hash, record_hashes};
use shoseki_engine::record::{Body, Limits, Record, encode_body};
use shoseki_engine::segment::{
    SealedSegment, SegmentBuilder, SegmentInput, SegmentParams, sample_text, train_dictionary,
};
use shoseki_engine::types::{ChainHash, NodeHash, RecordHash, Seq};
use shoseki_lab::generate::input_line;

use crate::{Outcome, Scratch};

/// What to measure.
#[derive(clap::Args)]
pub(crate) struct Arguments {
    #[command(flatten)]
    scratch: Scratch,
    /// Rounds of every step.
    #[arg(long, default_value_t = 7)]
    rounds: usize,
    /// Records of a round.
    #[arg(long, default_value_t = 65_536)]
    records: u64,
    /// Records of a batch.
    #[arg(long, default_value_t = 500)]
    batch: usize,
    /// zstd level of sealing.
    #[arg(long, default_value_t = LogOptions::default().compression_level)]
    level: i32,
    /// Records of a group.
    #[arg(long, default_value_t = LogOptions::default().group_records_max)]
    group: u16,
    /// Bytes of the dictionary, where a shorter one than the log's is to be tried.
    #[arg(long)]
    dictionary: Option<usize>,
    /// Only the steps of sealing.
    #[arg(long)]
    seal_only: bool,
}

/// Where a step is paid.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Place {
    /// Before the receipt.
    Append,
    /// Behind the appends, soon.
    Behind,
    /// Once a file is full.
    Seal,
    /// Of a client's bytes; no part of the log itself.
    Door,
    /// Waiting.
    Wait,
}

impl Place {
    fn name(self) -> &'static str {
        match self {
            Self::Append => "append",
            Self::Behind => "behind",
            Self::Seal => "seal",
            Self::Door => "door",
            Self::Wait => "wait",
        }
    }
}

/// Nanoseconds per record of every step, by name, in the order of a record's way.
#[derive(Default)]
struct Steps(Vec<(Place, &'static str, Spread)>);

impl Steps {
    /// Measures one round of a step.
    fn time<T>(
        &mut self,
        place: Place,
        name: &'static str,
        count: u64,
        work: impl FnOnce() -> T,
    ) -> T {
        let start = Instant::now();
        let result = black_box(work());
        self.given(place, name, start.elapsed().as_secs_f64() * 1e9 / count.max(1) as f64);
        result
    }

    /// Notes one round of a step that was measured elsewhere.
    fn given(&mut self, place: Place, name: &'static str, nanos: f64) {
        match self.0.iter_mut().find(|(_, known, _)| *known == name) {
            Some((_, _, spread)) => spread.add(nanos),
            None => {
                let mut spread = Spread::default();
                spread.add(nanos);
                self.0.push((place, name, spread));
            }
        }
    }

    fn sum(&self, places: &[Place], of: impl Fn(&Spread) -> f64) -> f64 {
        let wanted = self.0.iter().filter(|(place, ..)| places.contains(place));
        wanted.map(|(_, _, spread)| of(spread)).sum()
    }

    fn print(&self) {
        println!(
            "| step | when | ns/record median | min | max |\n| --- | --- | ---: | ---: | ---: |"
        );
        for (place, name, spread) in &self.0 {
            println!("| {name} | {} | {spread} |", place.name());
        }
        println!("\n| sum of the medians | ns/record | bound, one core | two cores |");
        println!("| --- | ---: | ---: | ---: |");
        let sums: [(&str, &[Place]); 3] = [
            ("append", &[Place::Append]),
            ("append and behind", &[Place::Append, Place::Behind]),
            ("append, behind and seal", &[Place::Append, Place::Behind, Place::Seal]),
        ];
        for (name, places) in sums {
            let nanos = self.sum(places, Spread::median);
            println!("| {name} | {nanos:.0} | {:.0} | {:.0} |", 1e9 / nanos, 2e9 / nanos);
        }
    }
}

pub(crate) fn run(arguments: &Arguments) -> Outcome {
    let input = batches(1, arguments.records, arguments.batch, true);
    let lines: Vec<Vec<u8>> = input.iter().flatten().map(line).collect();
    let mut steps = Steps::default();
    let mut sealed = 0;
    for _ in 0..arguments.rounds {
        if !arguments.seal_only {
            door(&mut steps, &lines)?;
        }
        let framed = append(&mut steps, &input, arguments)?;
        if !arguments.seal_only {
            behind(&mut steps, &framed)?;
        }
        sealed = seal(&mut steps, &framed, arguments)?;
    }
    steps.print();
    println!("\n{:.2} bytes per sealed record", sealed as f64 / arguments.records.max(1) as f64);
    Ok(())
}

fn line(record: &Record) -> Vec<u8> {
    let mut line = Vec::new();
    input_line(record, &mut line);
    line
}

fn door(steps: &mut Steps, lines: &[Vec<u8>]) -> Outcome {
    let limits = Limits::default();
    steps.time(Place::Door, "parse", lines.len() as u64, || {
        lines
            .iter()
            .try_for_each(|line| Record::from_json(line, &limits).map(|r| drop(black_box(r))))
    })?;
    Ok(())
}

/// What a round of appends leaves behind.
struct Framed {
    bodies: Vec<Vec<u8>>,
    hashes: Vec<RecordHash>,
    count: u64,
}

fn append(steps: &mut Steps, input: &[Vec<Record>], arguments: &Arguments) -> Outcome<Framed> {
    let count: u64 = input.iter().map(|batch| batch.len() as u64).sum();
    let limits = Limits::default();
    steps
        .time(Place::Append, "validate", count, || {
            input.iter().flatten().try_for_each(|record| record.check(&limits))
        })
        .map_err(|faults| format!("{faults:?}"))?;
    let mut batches: Vec<Vec<u8>> = input.iter().map(|batch| vec![0; batch.len() * 600]).collect();
    let mut places: Vec<Vec<(usize, usize)>> = Vec::new();
    steps.time(Place::Append, "encode", count, || {
        for (batch, out) in input.iter().zip(&mut batches) {
            out.clear();
            let encode = |record: &Record| {
                out.extend_from_slice(&[0; RECORD_PREFIX_LEN]);
                let start = out.len();
                encode_body(record, &stamp(record, 7), out);
                (start, out.len())
            };
            places.push(batch.iter().map(encode).collect());
        }
    });
    let hashes: Vec<Vec<RecordHash>> = steps.time(Place::Append, "hash", count, || {
        let hash = |(bytes, places): (&Vec<u8>, &Vec<(usize, usize)>)| {
            let bodies: Vec<&[u8]> =
                places.iter().filter_map(|(from, to)| bytes.get(*from..*to)).collect();
            record_hashes(&bodies)
        };
        batches.iter().zip(&places).map(hash).collect()
    });
    for ((bytes, places), hashes) in batches.iter_mut().zip(&places).zip(&hashes) {
        for ((from, to), hash) in places.iter().zip(hashes) {
            let prefix = encode_record_prefix(u32::try_from(to - from)?, hash);
            if let Some(place) = bytes.get_mut(from - RECORD_PREFIX_LEN..*from) {
                place.copy_from_slice(&prefix);
            }
        }
    }
    ids(steps, input, count);
    steps.time(Place::Append, "chain", count, || {
        let all = hashes.iter().flatten();
        all.fold(ChainHash([0; ChainHash::LEN]), |last, hash| chain_next(&last, hash))
    });
    steps.time(Place::Append, "CRC", count, || {
        batches.iter().fold(0, |sum, bytes| sum ^ crc32fast::hash(bytes))
    });
    let mut commit = Vec::with_capacity(batches.iter().map(Vec::len).max().unwrap_or(0));
    steps.time(Place::Append, "copy into the commit", count, || {
        for bytes in &batches {
            commit.clear();
            commit.extend_from_slice(bytes);
            black_box(&commit);
        }
    });
    write(steps, &batches, count, arguments)?;
    wake(steps, count, arguments.batch)?;
    let bodies = batches.iter().zip(&places).flat_map(|(bytes, places)| {
        places.iter().filter_map(|(from, to)| bytes.get(*from..*to)).map(<[u8]>::to_vec)
    });
    Ok(Framed { bodies: bodies.collect(), hashes: hashes.concat(), count })
}

fn ids(steps: &mut Steps, input: &[Vec<Record>], count: u64) {
    let key = IdKey::new([3; 16]);
    let mut recent = RecentIds::new();
    let mut found = Vec::new();
    steps.time(Place::Append, "ids: look up, add", count, || {
        let mut seq = 0;
        for batch in input {
            let ids = || batch.iter().filter_map(|record| record.audit_id);
            for id in ids() {
                recent.lookup(fingerprint(&key, id.as_bytes()), &mut found);
            }
            for id in ids() {
                recent.insert(fingerprint(&key, id.as_bytes()), seq);
                seq += 1;
            }
        }
    });
}

/// Space ahead, then the bytes, as the log writes them; the syncs apart.
fn write(steps: &mut Steps, batches: &[Vec<u8>], count: u64, arguments: &Arguments) -> Outcome {
    let dir = arguments.scratch.make()?;
    let file = File::create(dir.path().join("active"))?;
    let total: u64 = batches.iter().map(|bytes| bytes.len() as u64).sum();
    // Large commits take space, small ones write zeros first.
    let large = batches.first().is_some_and(|bytes| bytes.len() >= 64 << 10);
    steps.time(Place::Append, "space ahead", count, || -> std::io::Result<()> {
        if large {
            let mut at = 0;
            return batches.iter().try_for_each(|bytes| {
                let len = bytes.len() as u64;
                fallocate(&file, FallocateFlags::empty(), at, len)?;
                at += len;
                Ok(())
            });
        }
        let zeros = vec![0; 1 << 18];
        let mut parts = (0..total).step_by(zeros.len());
        parts.try_for_each(|at| file.write_all_at(&zeros, at))
    })?;
    file.sync_data()?;
    let mut at = 0;
    let mut waited = 0.0;
    let start = Instant::now();
    for bytes in batches {
        file.write_all_at(bytes, at)?;
        at += bytes.len() as u64;
        let start = Instant::now();
        file.sync_data()?;
        waited += start.elapsed().as_secs_f64() * 1e9;
    }
    let all = start.elapsed().as_secs_f64() * 1e9;
    steps.given(Place::Append, "write", (all - waited) / count.max(1) as f64);
    steps.given(Place::Wait, "sync", waited / count.max(1) as f64);
    Ok(())
}

/// A thread that is woken and wakes back, once per batch.
fn wake(steps: &mut Steps, count: u64, batch: usize) -> Outcome {
    let rounds = count / batch.max(1) as u64;
    let (ask, asked) = sync_channel::<()>(0);
    let (answer, answered) = sync_channel::<()>(0);
    std::thread::scope(|scope| {
        scope.spawn(move || while asked.recv().is_ok() && answer.send(()).is_ok() {});
        steps.time(Place::Append, "wake-up", count, || {
            (0..rounds).try_for_each(|_| {
                ask.send(()).map_err(|_| "the thread is gone")?;
                answered.recv().map_err(|_| "the thread is gone")
            })
        })?;
        drop(ask);
        Ok(())
    })
}

fn behind(steps: &mut Steps, framed: &Framed) -> Outcome {
    let leaves: Vec<NodeHash> = steps.time(Place::Behind, "leaf hash", framed.count, || {
        framed.hashes.iter().map(leaf_hash).collect()
    });
    steps.time(Place::Behind, "tree", framed.count, || {
        let mut range = CompactRange::new(0);
        leaves.iter().try_for_each(|leaf| range.push(*leaf)).map(|()| range)
    })?;
    let mut builders = vec![ShardBuilder::new(0)];
    let mut extractor = Extractor::new();
    steps.time(Place::Behind, "index: parse, keys, push", framed.count, || -> Outcome {
        for body in &framed.bodies {
            let body = Body::parse(body)?;
            let keys = extractor.slot_keys(&body);
            let Some(last) = builders.last_mut() else { continue };
            if last.push(&Slot::Record(&keys)) == Room::Full {
                let next = ShardBuilder::new(last.next_seq());
                builders.push(next);
            }
        }
        Ok(())
    })?;
    steps.time(Place::Behind, "index: encode", framed.count, || {
        builders.iter().map(|builder| builder.encode().len()).sum::<usize>()
    });
    Ok(())
}

/// Bytes of the sealed segment.
fn seal(steps: &mut Steps, framed: &Framed, arguments: &Arguments) -> Outcome<usize> {
    let dictionary = steps.time(Place::Seal, "dictionary", framed.count, || {
        let total: usize = framed.bodies.iter().map(Vec::len).sum();
        let samples: Vec<Vec<u8>> =
            framed.bodies.iter().step_by(16).map(|body| sample_text(body)).collect();
        // A dictionary has a 64th of the text that it is for.
        let total = arguments.dictionary.map_or(total, |len| len * 64);
        train_dictionary(&samples, total as u64)
    });
    steps.time(Place::Seal, "hash again", framed.count, || {
        for bodies in framed.bodies.chunks(500) {
            let bodies: Vec<&[u8]> = bodies.iter().map(Vec::as_slice).collect();
            black_box(record_hashes(&bodies));
        }
    });
    let params = SegmentParams {
        first_seq: Seq(0),
        count: framed.count,
        identity_sha256: [0; 32],
        chain_before: ChainHash([0; ChainHash::LEN]),
        group_records_max: arguments.group,
        compression_level: arguments.level,
        dictionary,
    };
    let bytes = steps.time(
        Place::Seal,
        "build: compression, chain, leaves, SHA-256",
        framed.count,
        || -> Outcome<Vec<u8>> {
            let mut builder = SegmentBuilder::new(params, Vec::new())?;
            for (body, hash) in framed.bodies.iter().zip(&framed.hashes) {
                builder.push(SegmentInput::Body(body, *hash))?;
            }
            let note = |_: &_| "—\n".to_owned();
            let (_, bytes) = builder.finish(CompactRange::new(0), note, |_| "—\n".to_owned())?;
            Ok(bytes)
        },
    )?;
    let segment = SealedSegment::open(&bytes)?;
    steps.time(
        Place::Seal,
        "read back: decompression, hash, chain, leaves",
        framed.count,
        || -> Outcome {
            let mut chain = ChainHash([0; ChainHash::LEN]);
            for block in 0..segment.directory().len() {
                let (hashes, after) = segment.verify_block(block, chain)?;
                chain = after;
                let mut leaves = CompactRange::new(0);
                for hash in &hashes {
                    leaves.push(leaf_hash(hash))?;
                }
            }
            Ok(())
        },
    )?;
    Ok(bytes.len())
}
