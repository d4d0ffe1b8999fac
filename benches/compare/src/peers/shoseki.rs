//! Our side.
//!
//! Invariant: default options, batches as the corpus has them, opened for writing as a service
//! would hold it; every record that is returned was verified by the read.

use std::path::Path;

use shoseki_benches::machine::bytes_below;
use shoseki_engine::log::{Entry, Log, LogOptions, Reader};
use shoseki_engine::query::{ActionPattern, Filter, Order, StatsQuery, ValueCount, Word};
use shoseki_engine::record::{self, Timestamp};

use crate::Outcome;
use crate::search::{
    Answer, Clock, Corpus, Engine, Loaded, NEWEST, Peer, Question, Row, Statistics, TOP,
};

/// The engine of this project.
pub(crate) struct Shoseki;

struct Open {
    log: Log,
    reader: Reader,
}

impl Engine for Shoseki {
    fn name(&self) -> Outcome<String> {
        let options = LogOptions::default();
        Ok(format!(
            "Shoseki {}, groups of {}, zstd {}, {} MiB of cache",
            env!("CARGO_PKG_VERSION"),
            options.group_records_max,
            options.compression_level,
            options.cache_len_max >> 20,
        ))
    }

    fn load(&self, dir: &Path, corpus: Corpus) -> Outcome<Loaded> {
        let mut clock = Clock::start();
        let log = Log::open(dir, LogOptions::default())?;
        for batch in corpus.batches() {
            log.append(None, batch)?;
        }
        clock.appended();
        log.seal()?;
        log.complete_indexes()?;
        log.close()?;
        Ok(clock.at_rest())
    }

    /// Opening for writing and closing once lets the engine make what it misses of its own indexes,
    /// so that a log that was filled by older code can be asked by newer code.
    fn prepare(&self, dir: &Path, _composite: bool) -> Outcome<u64> {
        let log = Log::open(dir, LogOptions::default())?;
        log.seal()?;
        log.complete_indexes()?;
        log.close()?;
        Ok(bytes_below(dir)?)
    }

    fn open(&self, dir: &Path) -> Outcome<Box<dyn Peer>> {
        let log = Log::open(dir, LogOptions::default())?;
        let reader = log.reader();
        Ok(Box::new(Open { log, reader }))
    }
}

impl Peer for Open {
    fn ask(&mut self, question: &Question) -> Outcome<Answer> {
        let mut filter = Filter::default();
        match question {
            Question::Actor { actor_id, from, to } => {
                (filter.from, filter.to) = range(*from, *to);
                filter.actor_id.push(actor_id.clone());
            }
            Question::Action { action, from, to } => {
                (filter.from, filter.to) = range(*from, *to);
                filter.action.push(ActionPattern::Exact(action.clone()));
            }
            Question::RequestId(id) => filter.request_id.push(id.clone()),
            Question::Word(word) => filter.words.push(Word::new(word)),
            Question::AuditId(id) => {
                let seqs = self.reader.find(*id)?;
                let entries = seqs.into_iter().map(|seq| self.reader.read(seq));
                return rows(&entries.collect::<Result<Vec<Entry>, _>>()?);
            }
            Question::Statistics { from, to } => {
                return Ok(Answer::Statistics(statistics(&self.reader, *from, *to)?));
            }
        }
        rows(&self.reader.query(&filter, Order::Descending, NEWEST)?.entries)
    }

    fn close(self: Box<Self>) -> Outcome {
        let Self { log, reader } = *self;
        drop(reader);
        Ok(log.close()?)
    }
}

fn statistics(reader: &Reader, from: i64, to: i64) -> Outcome<Statistics> {
    let (from, to) = range(from, to);
    let filter = Filter { from, to, ..Filter::default() };
    let query = StatsQuery { filter, buckets: None, top: TOP };
    let stats = reader.stats(&query, None)?;
    if stats.erased > 0 || stats.unreadable > 0 {
        return Err("a record is erased or damaged".into());
    }
    let names = [record::Outcome::Success, record::Outcome::Failure, record::Outcome::Warning];
    let names = names.map(|name| name.as_str().to_owned());
    let results = names.into_iter().zip(stats.by_result).filter(|(_, count)| *count > 0);
    let list = |of: Vec<ValueCount>| of.into_iter().map(|v| (v.value, v.count)).collect();
    Ok(Statistics::of_counts(results.collect(), list(stats.actors), list(stats.actions)))
}

fn range(from: i64, to: i64) -> (Option<Timestamp>, Option<Timestamp>) {
    (Timestamp::from_unix_micros(from), Timestamp::from_unix_micros(to))
}

fn rows(entries: &[Entry]) -> Outcome<Answer> {
    let row = |entry: &Entry| {
        let record = entry.record().ok_or("a record is erased or damaged")?;
        Ok(Row { timestamp: None, body: record.body().to_vec(), hash: record.hash.0.to_vec() })
    };
    Ok(Answer::Rows(entries.iter().map(row).collect::<Outcome<_>>()?))
}
