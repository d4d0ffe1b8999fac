//! SQLite as one would build an audit log on it, to be searched.
//!
//! Invariant: settings as in `benches/RESULTS.md`: WAL, synchronous=FULL, 256 MiB of cache, one
//! transaction per batch; indexes on timestamp, actor, action, target and request, a unique one on
//! the identifier, and FTS5 over the words of `detail` in its smallest form (no content, no
//! positions). All indexes are there from the first record.

use std::path::Path;

use rusqlite::{Connection, Params, params};

use super::columns::{Columns, words_of};
use crate::Outcome;
use crate::encode::Chain;
use crate::search::{
    Answer, Clock, Corpus, Engine, Loaded, NEWEST, Peer, Question, Row, Statistics,
};

const SETTINGS: &str = "
    PRAGMA journal_mode = WAL;
    PRAGMA synchronous = FULL;
    PRAGMA cache_size = -262144;
    PRAGMA wal_autocheckpoint = 4000;
";
const SCHEMA: &str = "
    CREATE TABLE log (seq INTEGER PRIMARY KEY, timestamp INTEGER NOT NULL,
        audit_id BLOB NOT NULL, actor_id TEXT NOT NULL, action TEXT NOT NULL, target_id TEXT,
        request_id TEXT, result TEXT NOT NULL, body TEXT NOT NULL, hash BLOB NOT NULL,
        chain BLOB NOT NULL);
    CREATE INDEX by_timestamp ON log (timestamp);
    CREATE INDEX by_actor ON log (actor_id);
    CREATE INDEX by_action ON log (action);
    CREATE INDEX by_target ON log (target_id);
    CREATE INDEX by_request ON log (request_id);
    CREATE UNIQUE INDEX by_id ON log (audit_id);
    CREATE VIRTUAL TABLE words USING fts5(text, content = '', columnsize = 0, detail = none);
";
const ROW: &str = "SELECT timestamp, body, hash FROM log";

/// SQLite, built in.
pub(crate) struct Sqlite;

struct Open(Connection);

impl Engine for Sqlite {
    fn name(&self) -> Outcome<String> {
        Ok(format!(
            "SQLite {}, WAL, FULL, 256 MiB of cache, words by FTS5 (no content, detail=none)",
            rusqlite::version()
        ))
    }

    fn load(&self, dir: &Path, corpus: Corpus) -> Outcome<Loaded> {
        let mut clock = Clock::start();
        let mut db = connect(dir)?;
        db.execute_batch(SCHEMA)?;
        let mut chain = Chain::new();
        let (mut seq, mut words) = (0_i64, String::new());
        for batch in corpus.batches() {
            let transaction = db.transaction()?;
            {
                let mut insert = transaction.prepare_cached(
                    "INSERT INTO log VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11)",
                )?;
                let mut index = transaction
                    .prepare_cached("INSERT INTO words (rowid, text) VALUES (?1, ?2)")?;
                for record in &batch {
                    let (hash, linked) = chain.add(record);
                    let of = Columns::of(record)?;
                    insert.execute(params![
                        seq,
                        of.timestamp,
                        of.audit_id,
                        of.actor_id,
                        of.action,
                        of.target_id,
                        of.request_id,
                        of.result,
                        std::str::from_utf8(&chain.body)?,
                        &hash.0[..],
                        &linked.0[..],
                    ])?;
                    words_of(record.detail.as_ref(), &mut words)?;
                    index.execute(params![seq, words])?;
                    seq += 1;
                }
            }
            transaction.commit()?;
        }
        clock.appended();
        db.execute_batch(
            "INSERT INTO words (words) VALUES ('optimize');
             PRAGMA analysis_limit = 1000;
             ANALYZE;",
        )?;
        db.query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |_| Ok(()))?;
        Open(db).end()?;
        Ok(clock.at_rest())
    }

    fn prepare(&self, dir: &Path, composite: bool) -> Outcome<u64> {
        let db = connect(dir)?;
        db.execute_batch(if composite {
            "CREATE INDEX IF NOT EXISTS by_actor_and_time ON log (actor_id, timestamp);"
        } else {
            "DROP INDEX IF EXISTS by_actor_and_time;"
        })?;
        // What a dropped index leaves behind is free for the next one and nobody's.
        let bytes: i64 = db.query_row(
            "SELECT (page_count - freelist_count) * page_size
             FROM pragma_page_count, pragma_freelist_count, pragma_page_size",
            [],
            |row| row.get(0),
        )?;
        db.query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |_| Ok(()))?;
        Open(db).end()?;
        Ok(bytes.unsigned_abs())
    }

    fn open(&self, dir: &Path) -> Outcome<Box<dyn Peer>> {
        let db = connect(dir)?;
        db.query_row("SELECT max(seq) FROM log", [], |_| Ok(()))?;
        Ok(Box::new(Open(db)))
    }
}

fn connect(dir: &Path) -> Outcome<Connection> {
    let db = Connection::open(dir.join("log.sqlite"))?;
    db.execute_batch(SETTINGS)?;
    let mode: String = db.query_row("PRAGMA journal_mode", [], |row| row.get(0))?;
    let sync: i64 = db.query_row("PRAGMA synchronous", [], |row| row.get(0))?;
    if mode != "wal" || sync != 2 {
        return Err(format!("journal_mode {mode}, synchronous {sync}").into());
    }
    Ok(db)
}

impl Open {
    fn end(self) -> Outcome {
        Ok(self.0.close().map_err(|(_, error)| error)?)
    }

    fn rows(&self, condition: &str, params: impl Params) -> Outcome<Answer> {
        let mut select = self.0.prepare_cached(&format!("{ROW} {condition}"))?;
        let row = |row: &rusqlite::Row<'_>| {
            let body: String = row.get(1)?;
            Ok(Row { timestamp: row.get(0)?, body: body.into_bytes(), hash: row.get(2)? })
        };
        Ok(Answer::Rows(select.query_map(params, row)?.collect::<Result<_, _>>()?))
    }

    fn counts(&self, column: &str, from: i64, to: i64, rest: &str) -> Outcome<Vec<(String, u64)>> {
        let mut select = self.0.prepare_cached(&format!(
            "SELECT {column}, count(*) FROM log WHERE timestamp >= ?1 AND timestamp < ?2
             GROUP BY 1 {rest}"
        ))?;
        let count = |row: &rusqlite::Row<'_>| Ok((row.get(0)?, row.get::<_, i64>(1)?));
        let counts = select.query_map([from, to], count)?;
        counts
            .map(|count| count.map(|(name, n)| (name, n.unsigned_abs())))
            .map(|c| Ok(c?))
            .collect()
    }
}

impl Peer for Open {
    fn ask(&mut self, question: &Question) -> Outcome<Answer> {
        let newest = format!("ORDER BY timestamp DESC LIMIT {NEWEST}");
        let range = "timestamp >= ?2 AND timestamp < ?3";
        match question {
            Question::Actor { actor_id, from, to } => self.rows(
                &format!("WHERE actor_id = ?1 AND {range} {newest}"),
                params![actor_id, from, to],
            ),
            Question::Action { action, from, to } => self.rows(
                &format!("WHERE action = ?1 AND {range} {newest}"),
                params![action, from, to],
            ),
            Question::AuditId(id) => {
                self.rows(&format!("WHERE audit_id = ?1 {newest}"), params![id.as_bytes()])
            }
            Question::RequestId(id) => {
                self.rows(&format!("WHERE request_id = ?1 {newest}"), params![id])
            }
            Question::Word(word) => self.rows(
                &format!("WHERE seq IN (SELECT rowid FROM words WHERE words MATCH ?1) {newest}"),
                params![format!("\"{word}\"")],
            ),
            Question::Statistics { from, to } => {
                let top = "ORDER BY 2 DESC, 1 LIMIT 10";
                Ok(Answer::Statistics(Statistics::of_counts(
                    self.counts("result", *from, *to, "")?,
                    self.counts("actor_id", *from, *to, top)?,
                    self.counts("action", *from, *to, top)?,
                )))
            }
        }
    }

    fn close(self: Box<Self>) -> Outcome {
        self.end()
    }
}
