//! Every peer that is built in against a naive one, and what the harness promises of itself.

use std::collections::{BTreeMap, HashSet};

use shoseki_benches::input::{micros, stamp};
use shoseki_engine::proof::record_hash;
use shoseki_engine::record::{Record, encode_body};

use super::agree::Answers;
use super::answer::{Answer, Row, Statistics};
use super::corpus::{Corpus, word};
use super::engine::{Family, Loaded, Variant};
use super::figures::{Figures, Report, Round, Samples};
use super::known::Known;
use super::memory;
use super::question::{Kind, NEWEST, Phase, Question, Questions};
use super::tables::tables;

const FAMILIES: [Family; 4] = [Family::Shoseki, Family::Sqlite, Family::Postgres, Family::Tantivy];

fn corpus() -> Corpus {
    Corpus { seed: 7, records: 3_000, rare_every: 100 }
}

/// Answers by looking at every record.
struct Naive(Vec<Record>);

impl Naive {
    fn ask(&self, question: &Question) -> Answer {
        let within = |record: &&Record, from: &i64, to: &i64| {
            (*from..*to).contains(&micros(record.timestamp))
        };
        let all = self.0.iter().rev();
        let found: Vec<&Record> = match question {
            Question::Actor { actor_id, from, to } => {
                all.filter(|r| r.actor_id == *actor_id && within(r, from, to)).collect()
            }
            Question::Action { action, from, to } => {
                all.filter(|r| r.action == *action && within(r, from, to)).collect()
            }
            Question::AuditId(id) => all.filter(|r| r.audit_id == Some(*id)).collect(),
            Question::RequestId(id) => all.filter(|r| r.request_id.as_ref() == Some(id)).collect(),
            Question::Word(word) => {
                let text = |r: &&Record| {
                    let detail = r.detail.as_ref().map(|detail| detail.as_bytes().to_vec());
                    String::from_utf8(detail.unwrap_or_default()).unwrap().contains(word.as_str())
                };
                all.filter(text).collect()
            }
            Question::Statistics { from, to } => {
                return counts(&all.filter(|r| within(r, from, to)).collect::<Vec<_>>());
            }
        };
        Answer::Rows(found.into_iter().take(NEWEST).map(row).collect())
    }
}

fn row(record: &Record) -> Row {
    let mut body = Vec::new();
    encode_body(record, &stamp(record, 0), &mut body);
    let hash = record_hash(&body).0.to_vec();
    Row { timestamp: Some(micros(record.timestamp)), body, hash }
}

fn counts(records: &[&Record]) -> Answer {
    let count = |key: fn(&Record) -> &str| {
        let mut counts = BTreeMap::new();
        records.iter().for_each(|record| *counts.entry(key(record).to_owned()).or_default() += 1);
        counts.into_iter().collect()
    };
    Answer::Statistics(Statistics::of_counts(
        count(|record| record.result.as_str()),
        count(|record| &record.actor_id),
        count(|record| &record.action),
    ))
}

#[test]
fn every_peer_answers_as_a_pass_over_all_records_does() {
    let corpus = corpus();
    let naive = Naive(corpus.records().collect());
    let known = Known::draw(corpus);
    let questions = Questions::new(corpus, &known, 0);
    let mut measured = 0;
    for family in FAMILIES {
        let engine = match family.engine() {
            Ok(engine) => engine,
            Err(reason) => {
                println!("skipped: {}: {reason}", family.as_str());
                continue;
            }
        };
        let scratch = tempfile::tempdir().unwrap();
        let anybody = std::os::unix::fs::PermissionsExt::from_mode(0o755);
        std::fs::set_permissions(scratch.path(), anybody).unwrap();
        let loaded = engine.load(scratch.path(), corpus).unwrap();
        assert!(loaded.append_s <= loaded.rest_s);
        let mut bytes = Vec::new();
        for variant in family.variants() {
            bytes.push(engine.prepare(scratch.path(), variant.composite).unwrap());
            let mut peer = engine.open(scratch.path()).unwrap();
            assert!(memory::resident(peer.server()).unwrap() > 0);
            for kind in Kind::ALL {
                for question in questions.of(kind, Phase::Warm, 20) {
                    let answer = peer.ask(&question).unwrap().digest().unwrap();
                    let expected = naive.ask(&question).digest().unwrap();
                    assert_eq!(answer, expected, "{family:?}: {question:?}");
                }
            }
            peer.close().unwrap();
        }
        assert!(bytes.is_sorted_by(|a, b| a < b), "an index takes room: {bytes:?}");
        measured += 1;
    }
    assert!(measured >= 1);
}

#[test]
fn questions_have_answers_and_come_once_in_a_round() {
    let corpus = corpus();
    let naive = Naive(corpus.records().collect());
    let known = Known::draw(corpus);
    let questions = Questions::new(corpus, &known, 3);
    for kind in [Kind::AuditId, Kind::RequestId, Kind::Word] {
        let mut seen = HashSet::new();
        for phase in [Phase::WarmUp, Phase::Warm, Phase::Cold] {
            for question in questions.of(kind, phase, 40) {
                let fresh = seen.insert(format!("{question:?}"));
                assert!(fresh || kind == Kind::Word && phase == Phase::Cold, "{question:?}");
            }
        }
    }
    let found = |kind| {
        let asked = questions.of(kind, Phase::Warm, 40);
        asked.iter().map(|question| naive.ask(question).digest().unwrap().count).sum::<usize>()
    };
    assert_eq!((found(Kind::AuditId), found(Kind::RequestId)), (40, 40));
    // All 15 words, twice each, and one that is not there.
    assert_eq!((corpus.words(), found(Kind::Word)), (15, 30));
    assert!(found(Kind::Actor) > 0 && found(Kind::Action) > 0);
    assert_eq!(questions.of(Kind::Again, Phase::Warm, 0), []);
}

#[test]
fn rare_words_are_like_no_other() {
    let words: Vec<String> = (0..5_000).map(word).collect();
    assert_eq!(words.iter().collect::<HashSet<_>>().len(), words.len());
    assert!(words.iter().all(|word| word.len() == 10));
    let plain = Corpus { rare_every: u64::MAX, ..corpus() };
    let with_words = corpus().records().zip(plain.records()).filter(|(a, b)| a != b).count();
    assert_eq!(with_words, 30);
}

fn variant(family: Family) -> Variant {
    Variant { family, composite: false }
}

fn round(kind: Kind, records: &[Record]) -> Round {
    let answer = Answer::Rows(records.iter().map(row).collect()).digest().unwrap();
    let mut round = Round::default();
    round.warm.insert(kind, Samples { ms: vec![2.0, 1.0, 3.0], answers: vec![answer] });
    round
}

#[test]
fn answers_that_differ_are_found() {
    let records: Vec<Record> = corpus().records().take(3).collect();
    let mut answers = Answers::default();
    answers.add(variant(Family::Shoseki), 0, &mut round(Kind::Actor, &records));
    answers.add(variant(Family::Sqlite), 0, &mut round(Kind::Actor, &records));
    answers.add(variant(Family::Sqlite), 0, &mut round(Kind::Again, &records));
    answers.add(variant(Family::Sqlite), 1, &mut round(Kind::Actor, &records[1..]));
    assert_eq!(answers.compared(), 2);
    answers.add(variant(Family::Tantivy), 0, &mut round(Kind::Actor, &records[1..]));
    answers.add(variant(Family::Tantivy), 0, &mut round(Kind::Again, &records[..2]));
    let differences = answers.differences();
    assert_eq!(differences.len(), 2, "{differences:?}");
    assert!(differences[0].contains("tantivy") && differences[0].contains("Shoseki"));
}

#[test]
fn a_body_without_its_hash_or_time_is_no_answer() {
    let record = corpus().records().next().unwrap();
    let digest = |row: Row| Answer::Rows(vec![row]).digest();
    assert!(digest(row(&record)).is_ok());
    let mut changed = row(&record);
    changed.hash[0] ^= 1;
    assert!(digest(changed).is_err());
    let mut moved = row(&record);
    moved.timestamp = moved.timestamp.map(|time| time + 1);
    assert!(digest(moved).is_err());
}

#[test]
fn tables_show_medians_and_few_samples() {
    let records: Vec<Record> = corpus().records().take(1).collect();
    let figures = |family: Family, rounds: Vec<Round>| Figures {
        variant: variant(family),
        title: variant(family).title().to_owned(),
        engine: "an engine".to_owned(),
        loaded: Loaded { append_s: 2.0, rest_s: 4.0 },
        bytes: 3_000,
        rounds,
    };
    let few = |ms: f64| {
        let mut round = Round { open_warm_ms: vec![ms], ..Round::default() };
        round.warm.insert(Kind::Actor, Samples { ms: vec![ms], answers: Vec::new() });
        round
    };
    let report = Report {
        machine: "a machine".to_owned(),
        records: 1_000,
        seed: 1,
        generate_ms: 100,
        peers: vec![
            figures(Family::Shoseki, vec![round(Kind::Actor, &records)]),
            figures(Family::Sqlite, vec![few(123.4), few(5.0), few(600.0)]),
        ],
        skipped: vec!["postgres: not here".to_owned()],
        compared: 1,
        differences: Vec::new(),
    };
    let text = tables(&report);
    assert!(text.contains("| Shoseki | 2.0 | 500 | 4.0 | 3.0 | NaN |"), "{text}");
    assert!(text.contains("| SQLite | 2.0 | 500 | 4.0 | 3.0 | 123.4 |"), "{text}");
    let row = "| newest 100 of one actor in a week (3) | 2.00 / 3.00 | 123 / 123 (1) |";
    assert!(text.contains(row), "{text}");
    assert!(text.contains("Skipped: postgres: not here"));
}
