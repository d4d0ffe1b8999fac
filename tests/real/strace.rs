//! One system call of the real binary that fails, counted by `strace`.
//!
//! A run without faults tells which calls touch the data directory; then each of them fails in a
//! run of its own. `strace` counts calls by thread: the n-th call of every thread fails, so that
//! a run may have more than one fault.
//! Invariant: a run counts only if its fault was injected; which file it hit comes from the trace.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::Path;
use std::process::{Command, Stdio};

use crate::binary::{Said, program, run, within};

/// What happens instead of the call.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub(crate) enum Kind {
    /// It fails with this error and has no effect.
    Error(&'static str),
    /// The process is killed before the call.
    Kill,
    /// A write of which the first byte never happens, though the call says so.
    Lie,
}

/// The call with this number, of every thread.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub(crate) struct Fault {
    pub(crate) call: String,
    pub(crate) number: u64,
    pub(crate) kind: Kind,
}

impl Fault {
    fn expression(&self) -> String {
        let what = match self.kind {
            Kind::Error(name) => format!("error={name}"),
            Kind::Kill => "signal=KILL".to_owned(),
            Kind::Lie => "retval=1".to_owned(),
        };
        format!("inject={}:{what}:when={}", self.call, self.number)
    }
}

/// A call that a run made on the data directory.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub(crate) struct Seen {
    pub(crate) call: String,
    pub(crate) number: u64,
    /// What it returned, where that is a number.
    pub(crate) returned: Option<u64>,
    /// Rust's library takes an error of closing a directory for impossible and panics; it is, on
    /// the file systems of Linux.
    pub(crate) closes_directory: bool,
}

/// Whether calls can be traced here; says so where they can't.
pub(crate) fn works() -> bool {
    let tried = Command::new("strace").args(["-qq", "-e", "trace=none", "true"]).output();
    let works = tried.is_ok_and(|output| output.status.success());
    if !works {
        println!("skipped: strace is missing or may not trace here (Debian package strace)");
    }
    works
}

fn traced(trace: &Path, expressions: &[&str], dir: &Path, arguments: &[&str]) -> Command {
    // A run that hangs is a finding too.
    let mut command = Command::new("timeout");
    command.args(["-s", "KILL", "60", "strace", "-f", "-qq", "-y", "-s", "0", "-o"]).arg(trace);
    // Much faster, but then an injected signal never arrives (strace 6.1).
    if !expressions.iter().any(|expression| expression.contains(":signal=")) {
        command.arg("--seccomp-bpf");
    }
    for expression in expressions {
        command.args(["-e", expression]);
    }
    command.arg(program());
    within(command, dir, arguments)
}

/// A line of a trace: thread, call, and the rest.
fn parsed(line: &str) -> Option<(&str, &str, &str)> {
    let (thread, rest) = line.split_once(' ')?;
    let (call, rest) = rest.trim_start().split_once('(')?;
    let known = call.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_');
    known.then_some((thread, call, rest))
}

/// Whether the rest of a call names an open directory, as far as it is still there.
fn is_directory(rest: &str) -> bool {
    let path = rest.split_once('<').and_then(|(_, rest)| rest.split_once('>'));
    path.is_some_and(|(path, _)| Path::new(path).is_dir())
}

/// Runs without faults: the calls that touch the directory and could fail in a run of their own.
pub(crate) fn calls(dir: &Path, arguments: &[&str], input: Option<&Path>) -> (Said, Vec<Seen>) {
    let trace = dir.with_extension("trace");
    let mut command = traced(&trace, &["trace=%file,%desc"], dir, arguments);
    give(&mut command, input);
    let said = run(&mut command);
    let text = fs::read_to_string(&trace).unwrap();
    let within = dir.to_str().unwrap();
    let mut counts: BTreeMap<(&str, &str), u64> = BTreeMap::new();
    let mut main = None;
    let mut touched = BTreeSet::new();
    let mut elsewhere = BTreeSet::new();
    for (thread, call, rest) in text.lines().filter_map(parsed) {
        let first = *main.get_or_insert(thread);
        let number = counts.entry((thread, call)).or_default();
        *number += 1;
        if call == "execve" {
            continue;
        }
        if rest.contains(within) {
            let returned = rest.rsplit_once("= ").and_then(|(_, value)| value.trim().parse().ok());
            let closes_directory = call == "close" && is_directory(rest);
            let (call, number) = (call.to_owned(), *number);
            touched.insert(Seen { call, number, returned, closes_directory });
        } else if thread == first {
            // The loader's, mostly: a process that never began says nothing about a log.
            elsewhere.insert((call.to_owned(), *number));
        }
    }
    let usable = |seen: &Seen| !elsewhere.contains(&(seen.call.clone(), seen.number));
    (said, touched.into_iter().filter(usable).collect())
}

/// What a run with a fault came to; `None` where the fault's call was never made.
pub(crate) struct Hit {
    pub(crate) said: Said,
    /// The calls that failed, as the trace has them.
    pub(crate) calls: Vec<String>,
}

pub(crate) fn inject(
    fault: &Fault,
    dir: &Path,
    arguments: &[&str],
    input: Option<&Path>,
) -> Option<Hit> {
    let trace = dir.with_extension("trace");
    let (expression, filter) = (fault.expression(), format!("trace={}", fault.call));
    let mut command = traced(&trace, &[&filter, &expression], dir, arguments);
    give(&mut command, input);
    let said = run(&mut command);
    let text = fs::read_to_string(&trace).unwrap();
    let killed = fault.kind == Kind::Kill && said.status != Some(0);
    let injected = |line: &&str| line.contains("INJECTED") || killed && line.contains('(');
    let calls: Vec<String> = text.lines().filter(injected).map(str::to_owned).collect();
    let calls = if killed { calls.last().cloned().into_iter().collect() } else { calls };
    (!calls.is_empty()).then_some(Hit { said, calls })
}

fn give(command: &mut Command, input: Option<&Path>) {
    if let Some(path) = input {
        command.stdin(Stdio::from(fs::File::open(path).unwrap()));
    }
}
