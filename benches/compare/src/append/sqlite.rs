//! SQLite as one would build an audit log on it.
//!
//! Invariant: settings of the peer table in `benches/RESULTS.md`: WAL, synchronous=FULL, 256 MiB of
//! cache, checkpoint at 4,000 pages, one transaction per batch, prepared statement, indexes on
//! timestamp, actor and action. Repeated ids are not looked for: that would be a fourth index.

use std::path::Path;
use std::time::Instant;

use rusqlite::{Connection, params};
use shoseki_benches::input::micros;
use shoseki_benches::machine::bytes_below;
use shoseki_engine::record::Record;

use super::Round;
use crate::Outcome;
use crate::encode::Chain;

const SCHEMA: &str = "
    PRAGMA journal_mode = WAL;
    PRAGMA synchronous = FULL;
    PRAGMA cache_size = -262144;
    PRAGMA wal_autocheckpoint = 4000;
    CREATE TABLE log (seq INTEGER PRIMARY KEY, timestamp INTEGER NOT NULL, actor_id TEXT NOT NULL,
        action TEXT NOT NULL, body TEXT NOT NULL, hash BLOB NOT NULL, chain BLOB NOT NULL);
    CREATE INDEX by_timestamp ON log (timestamp);
    CREATE INDEX by_actor ON log (actor_id);
    CREATE INDEX by_action ON log (action);
";

pub(crate) fn append(dir: &Path, input: Vec<Vec<Record>>, at_rest: bool) -> Outcome<Round> {
    let mut db = Connection::open(dir.join("log.sqlite"))?;
    db.execute_batch(SCHEMA)?;
    let mode: String = db.query_row("PRAGMA journal_mode", [], |row| row.get(0))?;
    let sync: i64 = db.query_row("PRAGMA synchronous", [], |row| row.get(0))?;
    if mode != "wal" || sync != 2 {
        return Err(format!("journal_mode {mode}, synchronous {sync}").into());
    }
    let mut chain = Chain::new();
    let mut seq = 0_i64;
    let start = Instant::now();
    for batch in input {
        let transaction = db.transaction()?;
        {
            let mut insert = transaction
                .prepare_cached("INSERT INTO log VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)")?;
            for record in &batch {
                let (hash, linked) = chain.add(record);
                insert.execute(params![
                    seq,
                    micros(record.timestamp),
                    record.actor_id,
                    record.action,
                    std::str::from_utf8(&chain.body)?,
                    &hash.0[..],
                    &linked.0[..],
                ])?;
                seq += 1;
            }
        }
        transaction.commit()?;
    }
    let seconds = start.elapsed().as_secs_f64();
    let rows: i64 = db.query_row("SELECT count(*) FROM log", [], |row| row.get(0))?;
    if rows != seq {
        return Err(format!("{rows} rows of {seq}").into());
    }
    db.query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |_| Ok(()))?;
    drop(db);
    Ok(Round { seconds, bytes: at_rest.then(|| bytes_below(dir)).transpose()? })
}
