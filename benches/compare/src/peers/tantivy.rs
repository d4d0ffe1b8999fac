//! tantivy as one would search an audit log with it.
//!
//! Invariant: identifiers, actor and action as whole terms, times, actor, action and result as fast
//! fields, the words of `detail` as text without positions; body, hash and chain are stored with
//! its own compression. It is durable at its commits only, one per [`COMMIT`] records: a commit for
//! every batch would make a segment each.

use std::collections::HashMap;
use std::ops::Bound;
use std::path::Path;

use ::tantivy::aggregation::AggregationCollector;
use ::tantivy::aggregation::agg_req::Aggregations;
use ::tantivy::collector::TopDocs;
use ::tantivy::query::{BooleanQuery, Occur, Query, RangeQuery, TermQuery};
use ::tantivy::schema::{
    FAST, Field, INDEXED, IndexRecordOption, STORED, STRING, Schema, TextFieldIndexing,
    TextOptions, Value,
};
use ::tantivy::{
    Index, IndexReader, IndexWriter, Order, ReloadPolicy, Searcher, TantivyDocument, Term,
};
use serde_json::json;
use shoseki_benches::machine::bytes_below;
use shoseki_engine::record::Record;

use super::columns::{Columns, words_of};
use crate::Outcome;
use crate::encode::Chain;
use crate::search::{
    Answer, Clock, Corpus, Engine, Loaded, NEWEST, Peer, Question, Row, Statistics,
};

/// Records between two commits.
const COMMIT: usize = 50_000;
/// Bytes that the writer's threads may collect before they write a segment.
const WRITER_LEN: usize = 256 << 20;

/// tantivy, built in.
pub(crate) struct Tantivy;

#[derive(Clone, Copy)]
struct Fields {
    timestamp: Field,
    audit_id: Field,
    actor_id: Field,
    action: Field,
    target_id: Field,
    request_id: Field,
    result: Field,
    detail: Field,
    body: Field,
    hash: Field,
    chain: Field,
}

struct Open {
    reader: IndexReader,
    fields: Fields,
    counts: Aggregations,
}

fn schema() -> (Schema, Fields) {
    let mut of = Schema::builder();
    let words = TextFieldIndexing::default()
        .set_tokenizer("default")
        .set_fieldnorms(false)
        .set_index_option(IndexRecordOption::Basic);
    let fields = Fields {
        timestamp: of.add_i64_field("timestamp", INDEXED | FAST),
        audit_id: of.add_bytes_field("audit_id", INDEXED),
        actor_id: of.add_text_field("actor_id", STRING | FAST),
        action: of.add_text_field("action", STRING | FAST),
        target_id: of.add_text_field("target_id", STRING),
        request_id: of.add_text_field("request_id", STRING),
        result: of.add_text_field("result", STRING | FAST),
        detail: of.add_text_field("detail", TextOptions::default().set_indexing_options(words)),
        body: of.add_bytes_field("body", STORED),
        hash: of.add_bytes_field("hash", STORED),
        chain: of.add_bytes_field("chain", STORED),
    };
    (of.build(), fields)
}

impl Fields {
    fn document(self, record: &Record, chain: &mut Chain) -> Outcome<TantivyDocument> {
        let (hash, linked) = chain.add(record);
        let of = Columns::of(record)?;
        let mut words = String::new();
        words_of(record.detail.as_ref(), &mut words)?;
        let mut document = TantivyDocument::default();
        document.add_i64(self.timestamp, of.timestamp);
        document.add_bytes(self.audit_id, &of.audit_id);
        document.add_text(self.actor_id, of.actor_id);
        document.add_text(self.action, of.action);
        if let Some(target) = of.target_id {
            document.add_text(self.target_id, target);
        }
        if let Some(request) = of.request_id {
            document.add_text(self.request_id, request);
        }
        document.add_text(self.result, of.result);
        document.add_text(self.detail, words);
        document.add_bytes(self.body, &chain.body);
        document.add_bytes(self.hash, &hash.0);
        document.add_bytes(self.chain, &linked.0);
        Ok(document)
    }
}

impl Engine for Tantivy {
    fn name(&self) -> Outcome<String> {
        Ok(format!(
            "{}, lz4, 256 MiB for writing, a commit per {COMMIT} records",
            ::tantivy::version_string()
        ))
    }

    fn load(&self, dir: &Path, corpus: Corpus) -> Outcome<Loaded> {
        let mut clock = Clock::start();
        let (schema, fields) = schema();
        let index = Index::create_in_dir(dir, schema)?;
        let mut writer: IndexWriter = index.writer(WRITER_LEN)?;
        let mut chain = Chain::new();
        let mut waiting = 0;
        for batch in corpus.batches() {
            waiting += batch.len();
            for record in &batch {
                writer.add_document(fields.document(record, &mut chain)?)?;
            }
            if waiting >= COMMIT {
                writer.commit()?;
                waiting = 0;
            }
        }
        writer.commit()?;
        clock.appended();
        writer.wait_merging_threads()?;
        Ok(clock.at_rest())
    }

    fn prepare(&self, dir: &Path, _composite: bool) -> Outcome<u64> {
        Ok(bytes_below(dir)?)
    }

    fn open(&self, dir: &Path) -> Outcome<Box<dyn Peer>> {
        let index = Index::open_in_dir(dir)?;
        let reader = index.reader_builder().reload_policy(ReloadPolicy::Manual).try_into()?;
        // All groups, since the ten greatest of each segment need not be the ten greatest.
        let terms = |field: &str| json!({"terms": {"field": field, "size": 10_000}});
        let counts = json!({
            "result": terms("result"), "actor_id": terms("actor_id"), "action": terms("action"),
        });
        let (_, fields) = schema();
        Ok(Box::new(Open { reader, fields, counts: serde_json::from_value(counts)? }))
    }
}

impl Open {
    fn newest(&self, query: &dyn Query) -> Outcome<Answer> {
        let searcher = self.reader.searcher();
        let newest =
            TopDocs::with_limit(NEWEST).order_by_fast_field::<i64>("timestamp", Order::Desc);
        let mut rows = Vec::new();
        for (timestamp, address) in searcher.search(query, &newest)? {
            let document: TantivyDocument = searcher.doc(address)?;
            let bytes = |field: Field| {
                document.get_first(field).and_then(|value| value.as_bytes()).map(<[u8]>::to_vec)
            };
            let body = bytes(self.fields.body).ok_or("a document without a body")?;
            let hash = bytes(self.fields.hash).ok_or("a document without a hash")?;
            rows.push(Row { timestamp, body, hash });
        }
        Ok(Answer::Rows(rows))
    }

    fn in_range(&self, term: Term, from: i64, to: i64) -> BooleanQuery {
        BooleanQuery::new(vec![
            (Occur::Must, Box::new(exact(term))),
            (Occur::Must, Box::new(self.range(from, to))),
        ])
    }

    fn range(&self, from: i64, to: i64) -> RangeQuery {
        let bound = |time| Term::from_field_i64(self.fields.timestamp, time);
        RangeQuery::new(Bound::Included(bound(from)), Bound::Excluded(bound(to)))
    }

    fn statistics(&self, from: i64, to: i64) -> Outcome<Statistics> {
        let collector = AggregationCollector::from_aggs(self.counts.clone(), Default::default());
        let searcher: Searcher = self.reader.searcher();
        let found = serde_json::to_value(searcher.search(&self.range(from, to), &collector)?)?;
        let mut counts: HashMap<&str, Vec<(String, u64)>> = HashMap::new();
        for name in ["result", "actor_id", "action"] {
            let buckets = found.get(name).and_then(|of| of.get("buckets")?.as_array());
            for bucket in buckets.ok_or("no buckets")? {
                let key = bucket.get("key").and_then(|key| key.as_str());
                let count = bucket.get("doc_count").and_then(serde_json::Value::as_u64);
                let (key, count) = key.zip(count).ok_or("a bucket without key or count")?;
                counts.entry(name).or_default().push((key.to_owned(), count));
            }
        }
        let mut of = |name| counts.remove(name).unwrap_or_default();
        Ok(Statistics::of_counts(of("result"), of("actor_id"), of("action")))
    }
}

impl Peer for Open {
    fn ask(&mut self, question: &Question) -> Outcome<Answer> {
        let of = self.fields;
        match question {
            Question::Actor { actor_id, from, to } => {
                let term = Term::from_field_text(of.actor_id, actor_id);
                self.newest(&self.in_range(term, *from, *to))
            }
            Question::Action { action, from, to } => {
                let term = Term::from_field_text(of.action, action);
                self.newest(&self.in_range(term, *from, *to))
            }
            Question::AuditId(id) => {
                self.newest(&exact(Term::from_field_bytes(of.audit_id, id.as_bytes())))
            }
            Question::RequestId(id) => {
                self.newest(&exact(Term::from_field_text(of.request_id, id)))
            }
            Question::Word(word) => self.newest(&exact(Term::from_field_text(of.detail, word))),
            Question::Statistics { from, to } => {
                Ok(Answer::Statistics(self.statistics(*from, *to)?))
            }
        }
    }

    fn close(self: Box<Self>) -> Outcome {
        Ok(())
    }
}

fn exact(term: Term) -> TermQuery {
    TermQuery::new(term, IndexRecordOption::Basic)
}
