//! The `shoseki` binary as a process, its input and what it said.
//!
//! Invariant: a receipt counts only if its whole line came out. Knows nothing about faults.

use std::fmt::Write as _;
use std::io::{BufRead, BufReader, Write};
use std::os::unix::process::ExitStatusExt;
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, ChildStdout, Command, Output, Stdio};

use crate::promise::Told;

/// The binary: that of this package, or the one that `SHOSEKI_BIN` names.
pub(crate) fn program() -> PathBuf {
    let own = || PathBuf::from(env!("CARGO_BIN_EXE_shoseki_under_test"));
    std::env::var_os("SHOSEKI_BIN").map_or_else(own, PathBuf::from)
}

/// A command on a log, apart from the environment of whoever runs the tests.
pub(crate) fn shoseki(dir: &Path, arguments: &[&str]) -> Command {
    within(Command::new(program()), dir, arguments)
}

/// The same where another program, already there with its arguments, runs the binary.
pub(crate) fn within(mut command: Command, dir: &Path, arguments: &[&str]) -> Command {
    for name in ["SHOSEKI_DATA_DIR", "SHOSEKI_CONFIG"] {
        command.env_remove(name);
    }
    command.arg("--data-dir").arg(dir).arg("--json").args(arguments);
    command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
    command
}

/// `count` records as lines of input; their `target_id` are `r-FIRST` and so on.
pub(crate) fn lines(first: u64, count: u64) -> String {
    let mut text = String::new();
    for number in first..first + count {
        let padding = "x".repeat(usize::try_from(number % 97).unwrap());
        let who = "\"actor_type\":\"user\",\"actor_id\":\"u-";
        let what = "\"action\":\"READ_PATIENT\",\"target_type\":\"patient\",\"target_id\":\"r-";
        writeln!(
            text,
            "{{\"timestamp\":\"2026-11-20T10:00:00Z\",{who}{}\",{what}{number}\",\
             \"request_id\":\"q{padding}\",\"result\":\"success\"}}",
            number % 7
        )
        .unwrap();
    }
    text
}

/// The text of a member with a string or a number, without escapes.
fn member<'t>(line: &'t str, name: &str) -> Option<&'t str> {
    let rest = line.split_once(&format!("\"{name}\":"))?.1;
    let rest = rest.strip_prefix('"').unwrap_or(rest);
    Some(rest.split(['"', ',', '}']).next().unwrap_or(rest))
}

/// Notes a receipt; `false` for a line that was cut short.
pub(crate) fn receipt(line: &str, told: &mut Told) -> bool {
    if !line.ends_with('}') {
        return false;
    }
    let part = |name: &str| member(line, name).unwrap_or_else(|| panic!("no {name}: {line}"));
    told.receipt(part("seq").parse().unwrap(), part("hash"), part("chain_hash"));
    true
}

/// What a process that ended had said.
#[derive(Debug)]
pub(crate) struct Said {
    /// Exit status; `None` where a signal ended it.
    pub(crate) status: Option<i32>,
    /// The signal that ended it.
    pub(crate) signal: Option<i32>,
    pub(crate) out: String,
    pub(crate) err: String,
}

impl Said {
    pub(crate) fn of(output: &Output) -> Self {
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
        let (status, signal) = (output.status.code(), output.status.signal());
        Self { status, signal, out: text(&output.stdout), err: text(&output.stderr) }
    }

    pub(crate) fn receipts(&self, told: &mut Told) {
        for line in self.out.split_inclusive('\n').filter_map(|line| line.strip_suffix('\n')) {
            assert!(receipt(line, told), "{line}");
        }
    }
}

pub(crate) fn run(command: &mut Command) -> Said {
    Said::of(&command.output().unwrap())
}

/// `shoseki append`, running: records go in, receipts come out. Killed when it is dropped.
pub(crate) struct Appending {
    child: Child,
    input: Option<ChildStdin>,
    output: BufReader<ChildStdout>,
}

impl Appending {
    pub(crate) fn start(dir: &Path, arguments: &[&str]) -> Self {
        let mut command = shoseki(dir, &["append"]);
        command.args(arguments).stdin(Stdio::piped()).stderr(Stdio::null());
        let mut child = command.spawn().unwrap();
        let input = child.stdin.take();
        let output = BufReader::new(child.stdout.take().unwrap());
        Self { child, input, output }
    }

    pub(crate) fn pid(&self) -> u32 {
        self.child.id()
    }

    /// Hands records over; a process that is gone takes none.
    pub(crate) fn give(&mut self, lines: &str) {
        if let Some(input) = &mut self.input {
            let _ = input.write_all(lines.as_bytes()).and_then(|()| input.flush());
        }
    }

    /// Reads so many receipts, or those that there are.
    pub(crate) fn listen(&mut self, count: u64, told: &mut Told) -> u64 {
        let mut seen = 0;
        let mut line = String::new();
        while seen < count && self.output.read_line(&mut line).unwrap() > 0 {
            seen += u64::from(line.strip_suffix('\n').is_some_and(|line| receipt(line, told)));
            line.clear();
        }
        seen
    }

    pub(crate) fn signal(&self, name: &str) {
        let sent = Command::new("kill").args([name, &self.pid().to_string()]).status().unwrap();
        assert!(sent.success());
    }

    /// Kills it; what it had said still counts.
    pub(crate) fn kill(mut self, told: &mut Told) {
        self.child.kill().unwrap();
        self.listen(u64::MAX, told);
    }

    /// No more input: it closes the log and ends.
    pub(crate) fn end(mut self, told: &mut Told) {
        self.input = None;
        self.listen(u64::MAX, told);
        assert_eq!(self.child.wait().unwrap().code(), Some(0));
    }
}

impl Drop for Appending {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
