//! A directory, the binary, and records to feed it with.

use std::io::Write;
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};

use serde_json::Value;
use tempfile::TempDir;

/// What a run gave back.
pub(crate) struct Run {
    pub(crate) code: i32,
    pub(crate) out: String,
    pub(crate) err: String,
}

impl Run {
    pub(crate) fn lines(&self) -> Vec<Value> {
        let parse = |line| serde_json::from_str(line).unwrap_or_else(|e| panic!("{line}: {e}"));
        self.out.lines().map(parse).collect()
    }

    /// The run, if it ended with this code.
    pub(crate) fn ended(self, code: i32) -> Self {
        assert_eq!(self.code, code, "standard output: {}\nerrors: {}", self.out, self.err);
        self
    }
}

/// A directory with a log in it.
pub(crate) struct Place {
    dir: TempDir,
}

impl Place {
    pub(crate) fn new() -> Self {
        Self { dir: tempfile::tempdir().expect("a directory") }
    }

    /// A log with so many records.
    pub(crate) fn with_records(count: usize) -> Self {
        let place = Self::new();
        place.append(&(0..count).map(record).collect::<Vec<_>>().join("\n"));
        place
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.dir.path().join(name)
    }

    pub(crate) fn text(&self, name: &str) -> String {
        self.path(name).to_str().expect("UTF-8").to_owned()
    }

    pub(crate) fn log(&self) -> PathBuf {
        self.path("log")
    }

    pub(crate) fn command(&self, args: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_shoseki"));
        for name in [
            "SHOSEKI_DATA_DIR",
            "SHOSEKI_CONFIG",
            "SHOSEKI_TOKEN",
            "SHOSEKI_TOKEN_FILE",
            "NO_COLOR",
        ] {
            command.env_remove(name);
        }
        command.env("TMPDIR", self.dir.path());
        command.arg("--data-dir").arg(self.log()).args(args);
        command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
        command
    }

    pub(crate) fn run(&self, args: &[&str]) -> Run {
        self.run_with(args, "")
    }

    pub(crate) fn run_with(&self, args: &[&str], input: &str) -> Run {
        let mut command = self.command(args);
        let mut child = command.stdin(Stdio::piped()).spawn().expect("started");
        let mut stdin = child.stdin.take().expect("a pipe");
        let input = input.to_owned();
        // The process may end, or fill its own output, before it has read all of this.
        let feeder = std::thread::spawn(move || drop(stdin.write_all(input.as_bytes())));
        let run = finish(child);
        feeder.join().expect("fed");
        run
    }

    /// Appends and expects that everything is taken.
    pub(crate) fn append(&self, input: &str) -> Run {
        self.run_with(&["append"], input).ended(0)
    }
}

pub(crate) fn finish(child: Child) -> Run {
    let output = child.wait_with_output().expect("ended");
    let text = |bytes| String::from_utf8(bytes).expect("UTF-8");
    let code = output.status.code().expect("an exit code");
    Run { code, out: text(output.stdout), err: text(output.stderr) }
}

/// The n-th record: a line without its end.
pub(crate) fn record(n: usize) -> String {
    let actor = ["佐藤 花子", "ﾀｶﾊｼ", "O'Neill", "𠮷野"][n % 4];
    let (minute, second) = (n / 60 % 60, n % 60);
    [
        format!(r#"{{"audit_id":"00000000-0000-4000-8000-{n:012}""#),
        format!(r#","timestamp":"2026-03-01T10:{minute:02}:{second:02}Z""#),
        format!(r#","actor_type":"user","actor_id":"{actor}","action":"READ_CHART""#),
        format!(r#","target_type":"patient","target_id":"P{n}","result":"success""#),
        format!(r#","detail":{{"patientId":"P{n}","dose":1.10}}}}"#),
    ]
    .concat()
}
