//! What the benches share: inputs, statistics, and what is measured of the machine and the process.
//!
//! Invariant: inputs follow from seeds, so that two runs measure the same work; what a bench
//! computed ends in a hash that it prints, so that nobody optimises the meaning away. Knows nothing
//! about other engines: those are in `compare/`, so that nothing else compiles them.

pub mod input;
pub mod machine;
pub mod spread;

use shoseki_engine::proof::record_hash;
use shoseki_engine::types::to_hex;

/// Prints the hash of what a bench computed, on standard error.
#[expect(clippy::print_stderr, reason = "a bench reports")]
pub fn result(bench: &str, computed: &[u8]) {
    let hash = record_hash(computed);
    let short = to_hex(hash.0.get(..8).unwrap_or_default());
    eprintln!("result {bench} {short}");
}
