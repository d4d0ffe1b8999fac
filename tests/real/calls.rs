//! Every system call of append, seal, open and read on the data directory fails once.
//!
//! Invariant: nobody is told more than what is kept. A command either does all of its work and
//! ends with 0, or says what failed and where and ends with 3 (`verify`: finds, and names the
//! system's error beside it); it never panics and leaves a log that opens, verifies and goes on.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use crate::binary::Said;
use crate::promise::{Told, keeps};
use crate::stage::{APPEND, RECORDS, Stage, deep, sealed_and_active, torn};
use crate::strace::{self, Fault, Hit, Kind, Seen};

/// What a command is run on, and what it is.
struct Scenario {
    name: &'static str,
    /// The stage: a directory for the log, and what was told while it was made.
    prepare: fn(&Stage) -> Told,
    /// The command; `@` stands for the directory of the inputs.
    arguments: &'static [&'static str],
    /// Receipts that it gives when nothing fails.
    receipts: u64,
    /// Whether it is of those that only read.
    reads: bool,
    /// Whether its output is the same every time.
    repeats: bool,
    /// Least calls that it is known to make on the directory.
    calls_min: usize,
}

const SCENARIOS: &[Scenario] = &[
    Scenario {
        name: "make a log and append",
        prepare: |_| Told::default(),
        arguments: APPEND,
        receipts: 3 * RECORDS,
        reads: false,
        repeats: false,
        calls_min: 100,
    },
    Scenario {
        name: "append behind sealed segments, rolling",
        prepare: sealed_and_active,
        arguments: APPEND,
        receipts: 3 * RECORDS,
        reads: false,
        repeats: false,
        calls_min: 100,
    },
    Scenario {
        name: "append behind a torn end",
        prepare: torn,
        arguments: &["append", "--config", "@/config", "@/input-3"],
        receipts: RECORDS,
        reads: false,
        repeats: false,
        calls_min: 80,
    },
    Scenario {
        name: "seal",
        prepare: sealed_and_active,
        arguments: &["seal"],
        receipts: 0,
        reads: false,
        repeats: false,
        calls_min: 100,
    },
    Scenario {
        name: "verify",
        prepare: sealed_and_active,
        arguments: &["verify"],
        receipts: 0,
        reads: true,
        repeats: false,
        calls_min: 20,
    },
    Scenario {
        name: "export",
        prepare: sealed_and_active,
        arguments: &["export"],
        receipts: 0,
        reads: true,
        repeats: true,
        calls_min: 20,
    },
    Scenario {
        name: "query",
        prepare: sealed_and_active,
        arguments: &["query", "--actor-id", "u-3"],
        receipts: 0,
        reads: true,
        repeats: true,
        calls_min: 20,
    },
];

/// Errors that a call can have. What may be interrupted is what the kernel may let wait.
fn kinds(seen: &Seen, reads: bool) -> Vec<Kind> {
    let waits = ["openat", "read", "pread64", "write", "pwrite64", "fdatasync", "fsync", "flock"];
    let waits = waits.contains(&seen.call.as_str()) || seen.call == "ftruncate";
    let grows = ["openat", "pwrite64", "write", "fdatasync", "fsync", "rename", "mkdir"];
    let grows = !reads && (grows.contains(&seen.call.as_str()) || seen.call == "ftruncate");
    let mut kinds = vec![Kind::Error("EIO")];
    kinds.extend(grows.then_some(Kind::Error("ENOSPC")));
    kinds.extend(waits.then_some(Kind::Error("EINTR")));
    kinds.extend((seen.call == "mmap").then_some(Kind::Error("ENOMEM")));
    kinds.push(Kind::Kill);
    let lied = seen.call == "pwrite64" && seen.returned.is_some_and(|bytes| bytes > 0);
    kinds.extend(lied.then_some(Kind::Lie));
    kinds
}

/// The faults to try: of each call and kind a few spread over its occurrences, or in a deep run
/// the first thirty and then every fifth.
fn faults(seen: &[Seen], reads: bool) -> BTreeSet<Fault> {
    let mut groups: BTreeMap<(String, String), Vec<Fault>> = BTreeMap::new();
    for seen in seen.iter().filter(|seen| !seen.closes_directory) {
        for kind in kinds(seen, reads) {
            let Seen { call, number, .. } = seen.clone();
            let group = groups.entry((call.clone(), format!("{kind:?}"))).or_default();
            group.push(Fault { call, number, kind });
        }
    }
    let few = |(_, faults): (_, Vec<Fault>)| {
        let count = faults.len();
        let step = count.div_ceil(3);
        let chosen = move |(place, _): &(usize, Fault)| {
            if deep() { *place < 30 || place % 5 == 0 } else { place % step == step / 2 }
        };
        faults.into_iter().enumerate().filter(chosen).map(|(_, fault)| fault).collect::<Vec<_>>()
    };
    groups.into_iter().flat_map(few).collect()
}

/// What the system's errors are called where they reach a person.
const NAMES: &[&str] = &[
    "Input/output error",
    "No space left on device",
    "disk is full",
    "no storage space",
    "Interrupted system call",
    "Cannot allocate memory",
];

/// What is wrong about the way in which a command ended, if anything.
fn ending(
    scenario: &Scenario,
    hit: &Hit,
    kind: Kind,
    stage: &Stage,
    calm: &Said,
) -> Result<(), String> {
    let said = &hit.said;
    if said.err.contains("panicked") {
        return Err("it panicked".to_owned());
    }
    match (said.status, kind) {
        (None, Kind::Kill) => Ok(()),
        (Some(0), _) => complete(scenario, said, calm),
        // Evidence that can't be read is a finding; beside it the report names the system's error.
        (Some(1), Kind::Error(_)) if scenario.name == "verify" => {
            let notice = said.out.split_once("\"kind\":\"unread\"").map_or("", |(_, rest)| rest);
            let named = NAMES.iter().any(|name| notice.contains(name));
            if named { Ok(()) } else { Err("a finding without the error behind it".to_owned()) }
        }
        (Some(3), Kind::Lie) => Ok(()),
        (Some(3), _) => {
            let named = NAMES.iter().any(|name| said.err.contains(name));
            let placed = said.err.contains(stage.log().to_str().unwrap());
            let missing = if named { "where" } else { "what" };
            if named && placed {
                Ok(())
            } else {
                Err(format!("it does not say {missing} it failed"))
            }
        }
        (other, _) => Err(format!("it ended with {other:?}")),
    }
}

/// A command that ended well did all of its work.
fn complete(scenario: &Scenario, said: &Said, calm: &Said) -> Result<(), String> {
    let receipts = said.out.lines().filter(|line| line.contains("\"chain_hash\"")).count() as u64;
    if scenario.receipts > 0 && receipts != scenario.receipts {
        return Err(format!("it ended well with {receipts} of {} receipts", scenario.receipts));
    }
    if scenario.repeats && said.out != calm.out {
        return Err("it ended well with another output".to_owned());
    }
    Ok(())
}

/// Whether the log keeps what was told; a disk that lied must be found out instead.
fn kept(fault: &Fault, hit: &Hit, log: &Path, told: &Told) -> Result<(), String> {
    match (keeps(log, told), fault.kind) {
        (Err(why), Kind::Lie) if why.contains("found") || why.contains("Damaged") => Ok(()),
        // The writer itself found it out and stopped, before a mark followed its last commit: such
        // an end can't be told from a torn write afterwards.
        (Err(_), Kind::Lie) if hit.said.status == Some(3) => Ok(()),
        (outcome, _) => outcome,
    }
}

fn play(scenario: &Scenario) {
    if !strace::works() {
        return;
    }
    let stage = Stage::new();
    let before = (scenario.prepare)(&stage);
    stage.keep();
    stage.reset();
    let arguments = stage.expand(scenario.arguments);
    let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
    let (calm, seen) = strace::calls(&stage.log(), &arguments, None);
    assert_eq!(calm.status, Some(0), "{calm:?}");
    assert!(seen.len() >= scenario.calls_min, "only {} calls", seen.len());
    let (mut tally, mut problems) = (BTreeMap::<String, BTreeMap<String, u64>>::new(), Vec::new());
    for fault in faults(&seen, scenario.reads) {
        stage.reset();
        let Some(hit) = strace::inject(&fault, &stage.log(), &arguments, None) else {
            *tally.entry("not met".to_owned()).or_default().entry(String::new()).or_default() += 1;
            continue;
        };
        let mut told = before.clone();
        if scenario.receipts > 0 {
            hit.said.receipts(&mut told);
        }
        let ended = ending(scenario, &hit, fault.kind, &stage, &calm);
        let ended = ended.and_then(|()| kept(&fault, &hit, &stage.log(), &told));
        let row = tally.entry(format!("{} {:?}", fault.call, fault.kind)).or_default();
        *row.entry(format!("{:?}", hit.said.status)).or_default() += 1;
        if let Err(why) = ended {
            let Said { status, err, .. } = &hit.said;
            let calls = hit.calls.join("\n");
            problems.push(format!("{fault:?}: {why}\n{calls}\nstatus {status:?}: {err}"));
        }
    }
    let met = tally.iter().filter(|(what, _)| *what != "not met");
    let runs: u64 = met.flat_map(|(_, row)| row.values()).sum();
    println!("{}: {} calls on the directory, {runs} faults", scenario.name, seen.len());
    for (what, row) in tally {
        println!("  {what}: {row:?}");
    }
    assert!(problems.is_empty(), "{} problems\n{}", problems.len(), problems.join("\n---\n"));
}

#[test]
fn each_call_of_making_a_log_fails() {
    play(&SCENARIOS[0]);
}

#[test]
fn each_call_of_an_append_that_rolls_fails() {
    play(&SCENARIOS[1]);
}

#[test]
fn each_call_of_an_open_that_cuts_a_torn_end_fails() {
    play(&SCENARIOS[2]);
}

#[test]
fn each_call_of_a_seal_fails() {
    play(&SCENARIOS[3]);
}

#[test]
fn each_call_of_a_verification_fails() {
    play(&SCENARIOS[4]);
}

#[test]
fn each_call_of_an_export_fails() {
    play(&SCENARIOS[5]);
}

#[test]
fn each_call_of_a_query_fails() {
    play(&SCENARIOS[6]);
}
