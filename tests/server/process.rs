//! `shoseki serve` as a process, and what is in its log.

use std::collections::BTreeMap;
use std::io::{BufRead, BufReader};
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStderr, Command, ExitStatus, Stdio};

use serde_json::Value;
use shoseki_engine::verify::{VerifyOptions, verify_path};

use crate::client::{Answer, Client, request};

/// The binary: that of this package, or the one that `SHOSEKI_BIN` names.
fn program() -> PathBuf {
    let own = || PathBuf::from(env!("CARGO_BIN_EXE_shoseki_under_test"));
    std::env::var_os("SHOSEKI_BIN").map_or_else(own, PathBuf::from)
}

/// A server that runs; killed when it is dropped.
pub(crate) struct Process {
    child: Child,
    said: BufReader<ChildStderr>,
    pub(crate) address: SocketAddr,
    pub(crate) token: String,
}

impl Process {
    /// Starts it on a log, with nothing configured, and waits until it listens.
    pub(crate) fn start(dir: &Path) -> Self {
        Self::start_by(Command::new(program()), dir)
    }

    /// The same where it may have so many files open.
    pub(crate) fn start_with_files(dir: &Path, files: u32) -> Self {
        let mut shell = Command::new("sh");
        shell.arg("-c").arg(format!("ulimit -n {files}; exec \"$@\"")).arg("sh").arg(program());
        Self::start_by(shell, dir)
    }

    fn start_by(mut command: Command, dir: &Path) -> Self {
        for (name, _) in std::env::vars().filter(|(name, _)| name.starts_with("SHOSEKI_")) {
            command.env_remove(name);
        }
        command.arg("--data-dir").arg(dir).args(["serve", "--listen", "127.0.0.1:0"]);
        command.args(["--log", "error"]).stdin(Stdio::null()).stdout(Stdio::null());
        let mut child = command.stderr(Stdio::piped()).spawn().unwrap();
        let mut said = BufReader::new(child.stderr.take().unwrap());
        let mut all = String::new();
        let address = loop {
            let mut line = String::new();
            assert_ne!(said.read_line(&mut line).unwrap(), 0, "it did not start: {all}");
            all.push_str(&line);
            if let Some((_, address)) = line.split_once("listening on http://") {
                break address.trim().parse().unwrap();
            }
        };
        let token = std::fs::read_to_string(dir.join("dev-token")).unwrap();
        Self { child, said, address, token: token.trim().to_owned() }
    }

    pub(crate) fn ask(&self, method: &str, path: &str, body: &str) -> Answer {
        self.ask_as(method, path, "application/json", body)
    }

    pub(crate) fn ask_as(&self, method: &str, path: &str, kind: &str, body: &str) -> Answer {
        let headers = [("content-type", kind), ("accept", kind)];
        let mut client = Client::connect(self.address);
        client.send(&request(method, path, Some(&self.token), &headers, body.as_bytes()));
        client.answer()
    }

    /// Ends it without a word.
    pub(crate) fn kill(mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }

    /// Sends it a signal by name.
    pub(crate) fn signal(&self, name: &str) {
        let id = self.child.id().to_string();
        assert!(Command::new("kill").args([&format!("-{name}"), &id]).status().unwrap().success());
    }

    /// Waits for its end.
    pub(crate) fn ended(mut self) -> ExitStatus {
        // It must not wait for somebody to hear what it says.
        std::io::copy(&mut self.said, &mut std::io::sink()).unwrap();
        self.child.wait().unwrap()
    }

    /// The clients' records behind a seq: hash and number of times by id, and the last seq.
    pub(crate) fn records(&self, after: Option<u64>) -> Found {
        let after = after.map_or_else(String::new, |seq| format!("&after_seq={seq}"));
        let path = format!("/v1/audit-logs?order=seq&include_self=false{after}");
        let answer = self.ask_as("GET", &path, "application/x-ndjson", "");
        assert_eq!((answer.status, answer.whole), (200, true), "{}", answer.text());
        let mut found = Found { last: None, by_id: BTreeMap::new() };
        for line in answer.text().lines() {
            let record: Value = serde_json::from_str(line).unwrap();
            assert_eq!(record["integrity_status"], "valid", "{line}");
            found.last = record["seq"].as_u64();
            let id = record["audit_id"].as_str().unwrap().to_owned();
            let hash = record["hash"].as_str().unwrap().to_owned();
            let (times, first) = found.by_id.entry(id).or_insert((0, hash));
            *times += 1;
            assert_eq!(*times, 1, "{line} beside {first}");
        }
        found
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// What is in the log.
pub(crate) struct Found {
    pub(crate) last: Option<u64>,
    pub(crate) by_id: BTreeMap<String, (u32, String)>,
}

/// The verifier finds nothing.
pub(crate) fn verify(dir: &Path) {
    let report = verify_path(dir, &VerifyOptions::default(), &()).unwrap();
    assert!(report.findings.is_empty(), "{:?}", report.findings);
}
