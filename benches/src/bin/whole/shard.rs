//! The search index of generated records: its bytes, what making it costs and what asking it costs.
//!
//! Invariant: everything happens in memory, with the file's pages checked before the clock starts.

use std::borrow::Cow;
use std::hint::black_box;
use std::time::Instant;

use shoseki_benches::input::bodies;
use shoseki_benches::spread::Spread;
use shoseki_engine::index::file::{IndexFile, IndexFileWriter, IndexIdentity};
use shoseki_engine::index::shard::{
    Keyword, RecordKeys, RecordSet, Room, SHARD_RECORDS, ShardBuilder, ShardLookup, Slot, TermKey,
};
use shoseki_engine::index::terms::Extractor;
use shoseki_engine::record::Body;
use shoseki_engine::types::ChainHash;
use shoseki_lab::generate::Rng;

use crate::Outcome;

/// What to index.
#[derive(clap::Args)]
pub(crate) struct Arguments {
    /// Generated records.
    #[arg(long, default_value_t = 4 * SHARD_RECORDS)]
    records: u64,
    /// Rounds.
    #[arg(long, default_value_t = 5)]
    rounds: u32,
    /// Questions of each kind and round.
    #[arg(long, default_value_t = 10_000)]
    questions: u64,
    /// Records of which each has an actor of its own, for the totals of a file.
    #[arg(long, default_value_t = 16 * SHARD_RECORDS)]
    distinct: u64,
}

pub(crate) fn run(arguments: &Arguments) -> Outcome {
    let bodies = bodies(1, arguments.records);
    let mut bytes = Vec::new();
    let (mut extract, mut push) = (Spread::default(), Spread::default());
    let (mut encode, mut write) = (Spread::default(), Spread::default());
    let mut growing = ShardBuilder::new(0);
    for _ in 0..arguments.rounds {
        let per_record = |from: Instant| nanos(from) / arguments.records.max(1) as f64;
        let start = Instant::now();
        extract_all(&bodies)?;
        let extracted = per_record(start);
        extract.add(extracted);
        let start = Instant::now();
        let mut builders = build(&bodies)?;
        push.add(per_record(start) - extracted);
        let start = Instant::now();
        let shards: Vec<Vec<u8>> = builders.iter().map(ShardBuilder::encode).collect();
        encode.add(per_record(start));
        let start = Instant::now();
        bytes = write_file(arguments.records, &shards)?;
        write.add(per_record(start));
        growing = builders.swap_remove(0);
    }
    println!("| {} records | ns/record median | min | max |", arguments.records);
    println!("| --- | ---: | ---: | ---: |");
    println!("| taking the keys out | {extract} |\n| pushing them | {push} |");
    println!("| encoding | {encode} |\n| writing the file | {write} |");
    println!("\nA growing shard of a whole window: {} bytes", growing.memory());
    let file = IndexFile::open(bytes, &identity(arguments.records))?;
    sizes(&file, arguments.records);
    file.verify_all()?;
    println!("\n| question | ns median | min | max |\n| --- | ---: | ---: | ---: |");
    let shard = file.shard(0).ok_or("no shard")?;
    ask("encoded", shard, arguments)?;
    ask("growing", &growing, arguments)?;
    totals(&file, arguments)?;
    distinct(arguments)
}

fn nanos(from: Instant) -> f64 {
    from.elapsed().as_secs_f64() * 1e9
}

fn identity(count: u64) -> IndexIdentity {
    IndexIdentity { first_seq: 0, count, chain_after: ChainHash([0; 64]), erased: 0 }
}

fn extract_all(bodies: &[Vec<u8>]) -> Outcome {
    let mut extractor = Extractor::new();
    for body in bodies {
        let body = Body::parse(body)?;
        black_box(extractor.slot_keys(&body));
    }
    Ok(())
}

fn build(bodies: &[Vec<u8>]) -> Outcome<Vec<ShardBuilder>> {
    let mut extractor = Extractor::new();
    let (mut full, mut builder) = (Vec::new(), ShardBuilder::new(0));
    for body in bodies {
        let body = Body::parse(body)?;
        if builder.push(&Slot::Record(&extractor.slot_keys(&body))) == Room::Full {
            let next = ShardBuilder::new(builder.next_seq());
            full.push(std::mem::replace(&mut builder, next));
        }
    }
    if builder.record_count() > 0 {
        full.push(builder);
    }
    Ok(full)
}

fn write_file(count: u64, shards: &[Vec<u8>]) -> Outcome<Vec<u8>> {
    let mut writer = IndexFileWriter::new(Vec::new(), identity(count))?;
    for shard in shards {
        writer.push(shard)?;
    }
    Ok(writer.finish()?)
}

fn sizes(file: &IndexFile, records: u64) {
    println!("\n| part | bits per record |\n| --- | ---: |");
    for (part, len) in file.parts() {
        println!("| {part} | {:.2} |", len as f64 * 8.0 / records.max(1) as f64);
    }
    println!("\n{:.2} bytes per record", file.file_len() as f64 / records.max(1) as f64);
}

/// Prints the time of one question, of `count` in a row.
fn measure(
    name: &str,
    arguments: &Arguments,
    count: u64,
    mut question: impl FnMut(u64) -> Outcome,
) -> Outcome {
    let mut spread = Spread::default();
    for _ in 0..arguments.rounds {
        let start = Instant::now();
        (0..count).try_for_each(&mut question)?;
        spread.add(nanos(start) / count.max(1) as f64);
    }
    println!("| {name} | {spread} |");
    Ok(())
}

fn ask(kind: &str, shard: &dyn ShardLookup, arguments: &Arguments) -> Outcome {
    let mut out = RecordSet::new();
    let mut rng = Rng::new(5);
    let many = arguments.questions;
    let few = many.div_ceil(100);
    measure(&format!("{kind}: a term that is not there"), arguments, few, |_| {
        Ok(shard.term(TermKey(rng.next_u64()), black_box(&mut out))?)
    })?;
    let mut actors = Vec::new();
    shard.counts(Keyword::ActorId, &mut |value, count| actors.push((value.to_owned(), count)))?;
    let thirteen: Vec<&String> =
        actors.iter().filter(|(_, count)| *count == 13).map(|(value, _)| value).collect();
    let actor = |n: u64| thirteen.get(usize::try_from(n).unwrap_or(0) % thirteen.len().max(1));
    measure(&format!("{kind}: an actor of 13 records"), arguments, many, |n| {
        let actor = actor(n).ok_or("no actor")?;
        Ok(shard.keyword(Keyword::ActorId, actor, black_box(&mut out))?)
    })?;
    for result in ["failure", "success"] {
        measure(&format!("{kind}: result {result}"), arguments, few, |_| {
            Ok(shard.keyword(Keyword::Result, result, black_box(&mut out))?)
        })?;
    }
    measure(&format!("{kind}: action READ_…"), arguments, few, |_| {
        Ok(shard.prefix(Keyword::Action, "READ_", black_box(&mut out))?)
    })?;
    measure(&format!("{kind}: network 10.3.0.0/16"), arguments, few, |_| {
        Ok(shard.addresses(0x0a03_0000..=0x0a03_ffff, black_box(&mut out))?)
    })?;
    let mut spans = Vec::new();
    measure(&format!("{kind}: times of a tile"), arguments, many, |n| {
        Ok(shard.spans(usize::try_from(n % 256)?, black_box(&mut spans))?)
    })?;
    measure(&format!("{kind}: records of each actor"), arguments, few, |_| {
        Ok(shard.counts(Keyword::ActorId, &mut |value, count| {
            black_box((value, count));
        })?)
    })?;
    out.clear();
    out.insert_range(100, 30_000);
    measure(&format!("{kind}: of each actor in a set"), arguments, few, |_| {
        Ok(shard.counts_in(Keyword::ActorId, &out, &mut |value, count| {
            black_box((value, count));
        })?)
    })
}

fn totals(file: &IndexFile, arguments: &Arguments) -> Outcome {
    measure("file: records of each actor", arguments, 20, |_| {
        Ok(file.totals(Keyword::ActorId, &mut |value, count| {
            black_box((value, count));
        })?)
    })
}

/// A file whose records have an actor each.
fn distinct(arguments: &Arguments) -> Outcome {
    let mut rng = Rng::new(9);
    let start = Instant::now();
    let mut writer = IndexFileWriter::new(Vec::new(), identity(arguments.distinct))?;
    let mut builder = ShardBuilder::new(0);
    for number in 0..arguments.distinct {
        let mut keywords: [Option<Cow<'_, str>>; Keyword::COUNT] = Default::default();
        let actor = format!("{:016x}-{number}", rng.next_u64());
        if let Some(value) = keywords.get_mut(Keyword::ActorId.place()) {
            *value = Some(actor.into());
        }
        let keys = RecordKeys { timestamp: 0, keywords, address: None, terms: &[] };
        let room = builder.push(&Slot::Record(&keys));
        if room == Room::Full || number + 1 == arguments.distinct {
            writer.push(&builder.encode())?;
            builder = ShardBuilder::new(builder.next_seq());
        }
    }
    let bytes = writer.finish()?;
    println!(
        "\n{} distinct actors: {:.0} ns and {:.1} bytes per record",
        arguments.distinct,
        nanos(start) / arguments.distinct.max(1) as f64,
        bytes.len() as f64 / arguments.distinct.max(1) as f64,
    );
    let file = IndexFile::open(bytes, &identity(arguments.distinct))?;
    let start = Instant::now();
    let mut found = 0_u64;
    file.totals(Keyword::ActorId, &mut |_, count| found += count)?;
    println!("Their totals: {found} records in {:.1} ms", nanos(start) / 1e6);
    Ok(())
}
