//! The floor: body, hash and chain, one write and one fdatasync per batch to a growing file, and
//! nothing else.
//!
//! No engine: nothing is indexed, framed, recovered or read. It says what machine and disk gave in
//! that round.

use std::fs::File;
use std::io::Write;
use std::path::Path;
use std::time::Instant;

use shoseki_benches::machine::bytes_below;
use shoseki_engine::record::Record;

use super::Round;
use crate::Outcome;
use crate::encode::Chain;

pub(crate) fn append(dir: &Path, input: Vec<Vec<Record>>, at_rest: bool) -> Outcome<Round> {
    let mut file = File::create_new(dir.join("bare.log"))?;
    let mut chain = Chain::new();
    let mut bytes = Vec::new();
    let start = Instant::now();
    for batch in input {
        bytes.clear();
        for record in &batch {
            let (hash, linked) = chain.add(record);
            bytes.extend_from_slice(&(chain.body.len() as u64).to_le_bytes());
            bytes.extend_from_slice(&chain.body);
            bytes.extend_from_slice(&hash.0);
            bytes.extend_from_slice(&linked.0);
        }
        file.write_all(&bytes)?;
        file.sync_data()?;
    }
    let seconds = start.elapsed().as_secs_f64();
    Ok(Round { seconds, bytes: at_rest.then(|| bytes_below(dir)).transpose()? })
}
