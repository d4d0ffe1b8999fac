//! PostgreSQL as one would build an audit log on it, to be searched; a server of our own.
//!
//! Invariant: durable settings (see the server); one COPY per batch, each in a transaction; indexes
//! on timestamp, actor, action, target and request, unique ones on number and identifier, and a GIN
//! index over the words of `detail`. All indexes are there from the first record. Bytes are those
//! of the table with its indexes, not of the write-ahead log.

use std::path::Path;

use ::postgres::binary_copy::BinaryCopyInWriter;
use ::postgres::types::{ToSql, Type};
use ::postgres::{Client, Statement};

use super::columns::Columns;
use super::server::{Programs, Server};
use crate::Outcome;
use crate::encode::Chain;
use crate::search::{
    Answer, Clock, Corpus, Engine, Loaded, NEWEST, Peer, Question, Row, Statistics,
};

const WORDS: &str = "jsonb_to_tsvector('simple', body::jsonb -> 'detail', '[\"string\"]')";
const SCHEMA: &str = "
    CREATE TABLE log (seq BIGINT PRIMARY KEY, timestamp BIGINT NOT NULL,
        audit_id UUID NOT NULL, actor_id TEXT NOT NULL, action TEXT NOT NULL, target_id TEXT,
        request_id TEXT, result TEXT NOT NULL, body TEXT NOT NULL, hash BYTEA NOT NULL,
        chain BYTEA NOT NULL);
    CREATE INDEX by_timestamp ON log (timestamp);
    CREATE INDEX by_actor ON log (actor_id);
    CREATE INDEX by_action ON log (action);
    CREATE INDEX by_target ON log (target_id);
    CREATE INDEX by_request ON log (request_id);
    CREATE UNIQUE INDEX by_id ON log (audit_id);
";
const COLUMNS: [Type; 11] = [
    Type::INT8,
    Type::INT8,
    Type::UUID,
    Type::TEXT,
    Type::TEXT,
    Type::TEXT,
    Type::TEXT,
    Type::TEXT,
    Type::TEXT,
    Type::BYTEA,
    Type::BYTEA,
];

/// PostgreSQL, with the programs found here.
pub(crate) struct Postgres(Programs);

impl Postgres {
    /// With the programs of this machine, or why not.
    pub(crate) fn find() -> Result<Self, String> {
        Programs::find().map(Self)
    }
}

struct Open {
    client: Client,
    server: Server,
    asked: Statements,
}

/// Prepared once per connection.
struct Statements {
    actor: Statement,
    action: Statement,
    audit_id: Statement,
    request_id: Statement,
    word: Statement,
    counts: [Statement; 3],
}

impl Engine for Postgres {
    fn name(&self) -> Outcome<String> {
        let version = self.0.version()?;
        Ok(format!("{version}, TCP loopback, 1 GB of shared buffers, words by GIN"))
    }

    fn load(&self, dir: &Path, corpus: Corpus) -> Outcome<Loaded> {
        let mut clock = Clock::start();
        let data = dir.join("data");
        self.0.init(&data)?;
        let (server, mut client) = self.0.start(&data)?;
        client.batch_execute(SCHEMA)?;
        client.batch_execute(&format!("CREATE INDEX by_words ON log USING gin ({WORDS})"))?;
        let mut chain = Chain::new();
        let mut seq = 0_i64;
        for batch in corpus.batches() {
            let sink = client.copy_in("COPY log FROM STDIN (FORMAT binary)")?;
            let mut writer = BinaryCopyInWriter::new(sink, &COLUMNS);
            for record in &batch {
                let (hash, linked) = chain.add(record);
                let of = Columns::of(record)?;
                let row: [&(dyn ToSql + Sync); 11] = [
                    &seq,
                    &of.timestamp,
                    &uuid::Uuid::from_bytes(of.audit_id),
                    &of.actor_id,
                    &of.action,
                    &of.target_id,
                    &of.request_id,
                    &of.result,
                    &std::str::from_utf8(&chain.body)?,
                    &&hash.0[..],
                    &&linked.0[..],
                ];
                writer.write(&row)?;
                seq += 1;
            }
            writer.finish()?;
        }
        clock.appended();
        client.batch_execute("VACUUM (ANALYZE) log")?;
        client.batch_execute("CHECKPOINT")?;
        drop(client);
        server.stop()?;
        Ok(clock.at_rest())
    }

    fn prepare(&self, dir: &Path, composite: bool) -> Outcome<u64> {
        let (server, mut client) = self.0.start(&dir.join("data"))?;
        client.batch_execute(if composite {
            "SET maintenance_work_mem = '256MB';
             CREATE INDEX IF NOT EXISTS by_actor_and_time ON log (actor_id, timestamp);"
        } else {
            "DROP INDEX IF EXISTS by_actor_and_time;"
        })?;
        let bytes: i64 = client.query_one("SELECT pg_total_relation_size('log')", &[])?.get(0);
        client.batch_execute("CHECKPOINT")?;
        drop(client);
        server.stop()?;
        Ok(bytes.unsigned_abs())
    }

    fn open(&self, dir: &Path) -> Outcome<Box<dyn Peer>> {
        let (server, mut client) = self.0.start(&dir.join("data"))?;
        let asked = Statements::prepare(&mut client)?;
        Ok(Box::new(Open { client, server, asked }))
    }
}

impl Statements {
    fn prepare(client: &mut Client) -> Outcome<Self> {
        let newest = format!("ORDER BY timestamp DESC LIMIT {NEWEST}");
        let range = "timestamp >= $2 AND timestamp < $3";
        let mut rows = |condition: &str| {
            client.prepare(&format!(
                "SELECT timestamp, body, hash FROM log WHERE {condition} {newest}"
            ))
        };
        let actor = rows(&format!("actor_id = $1 AND {range}"))?;
        let action = rows(&format!("action = $1 AND {range}"))?;
        let audit_id = rows("audit_id = $1")?;
        let request_id = rows("request_id = $1")?;
        // Materialized, or a rare word is looked for backwards through the whole table.
        let word = client.prepare(&format!(
            "WITH found AS MATERIALIZED (SELECT timestamp, body, hash FROM log
                 WHERE {WORDS} @@ plainto_tsquery('simple', $1))
             SELECT timestamp, body, hash FROM found {newest}"
        ))?;
        let mut counts = |column: &str, rest: &str| {
            client.prepare(&format!(
                "SELECT {column}, count(*) FROM log WHERE timestamp >= $1 AND timestamp < $2
                 GROUP BY 1 {rest}"
            ))
        };
        let top = "ORDER BY 2 DESC, 1 LIMIT 10";
        let counts = [counts("result", "")?, counts("actor_id", top)?, counts("action", top)?];
        Ok(Self { actor, action, audit_id, request_id, word, counts })
    }
}

impl Peer for Open {
    fn ask(&mut self, question: &Question) -> Outcome<Answer> {
        let (client, asked) = (&mut self.client, &self.asked);
        let mut rows = |statement: &Statement, params: &[&(dyn ToSql + Sync)]| {
            let found = client.query(statement, params)?;
            let row = |row: &::postgres::Row| Row {
                timestamp: Some(row.get(0)),
                body: row.get::<_, &str>(1).as_bytes().to_vec(),
                hash: row.get(2),
            };
            Ok(Answer::Rows(found.iter().map(row).collect()))
        };
        match question {
            Question::Actor { actor_id, from, to } => rows(&asked.actor, &[actor_id, from, to]),
            Question::Action { action, from, to } => rows(&asked.action, &[action, from, to]),
            Question::AuditId(id) => {
                rows(&asked.audit_id, &[&uuid::Uuid::from_bytes(*id.as_bytes())])
            }
            Question::RequestId(id) => rows(&asked.request_id, &[id]),
            Question::Word(word) => rows(&asked.word, &[word]),
            Question::Statistics { from, to } => {
                let mut counts = |statement: &Statement| -> Outcome<Vec<(String, u64)>> {
                    let found = client.query(statement, &[from, to])?;
                    let count =
                        |row: &::postgres::Row| (row.get(0), row.get::<_, i64>(1).unsigned_abs());
                    Ok(found.iter().map(count).collect())
                };
                let [results, actors, actions] = &asked.counts;
                Ok(Answer::Statistics(Statistics::of_counts(
                    counts(results)?,
                    counts(actors)?,
                    counts(actions)?,
                )))
            }
        }
    }

    fn server(&self) -> Option<u32> {
        self.server.id()
    }

    fn close(self: Box<Self>) -> Outcome {
        let Self { client, server, asked } = *self;
        drop((asked, client));
        server.stop()
    }
}
