//! One libFuzzer binary for all targets; `SHOSEKI_FUZZ_TARGET` says which.
//!
//! Invariant: adds nothing to a target but bytes. Built by `tests/fuzz.sh`, with its flags.
#![no_main]

use std::sync::LazyLock;

use libfuzzer_sys::fuzz_target;
use shoseki_fuzz::{Counting, Target, target};

#[global_allocator]
static COUNTING: Counting = Counting;

static TARGET: LazyLock<&'static Target> = LazyLock::new(|| {
    let name = std::env::var("SHOSEKI_FUZZ_TARGET").unwrap_or_default();
    target(&name)
});

fuzz_target!(|data: &[u8]| (TARGET.run)(data));
