//! A disk that is full while the server runs.

use std::fs::File;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::Value;
use tempfile::TempDir;

use crate::process::{Process, verify};

/// A file system of 64 MiB in memory; unmounted when it is dropped.
struct Small(TempDir);

impl Small {
    fn mount() -> Option<Self> {
        let at = tempfile::tempdir().unwrap();
        let mounted = Command::new("mount")
            .args(["-t", "tmpfs", "-o", "size=64m", "shoseki-test"])
            .arg(at.path())
            .status();
        if mounted.is_ok_and(|status| status.success()) {
            return Some(Self(at));
        }
        println!("skipped: no file system can be mounted here (needs root)");
        None
    }

    fn path(&self) -> &Path {
        self.0.path()
    }

    /// Fills it up to the last byte.
    fn fill(&self) -> PathBuf {
        let path = self.path().join("ballast");
        let mut ballast = File::create(&path).unwrap();
        while ballast.write_all(&[0; 4096]).is_ok() {}
        path
    }
}

impl Drop for Small {
    fn drop(&mut self) {
        let _ = Command::new("umount").arg("-l").arg(self.path()).status();
    }
}

fn record(number: u64) -> String {
    format!(
        "{{\"audit_id\":\"018f0000-0000-7000-8000-{number:012x}\",\
         \"timestamp\":\"2026-03-01T10:00:00Z\",\"actor_type\":\"user\",\"actor_id\":\"u\",\
         \"action\":\"read\",\"result\":\"success\",\"facility_id\":\"f1\"}}"
    )
}

fn questions(server: &Process) -> Vec<Value> {
    let path = "/v1/audit-logs?action=AUDIT_QUERY&order=seq&limit=1000";
    server.ask("GET", path, "").json()["records"].as_array().unwrap().clone()
}

#[test]
fn full_it_refuses_records_and_goes_on_answering() {
    let Some(small) = Small::mount() else { return };
    let dir = small.path().join("log");
    let server = Process::start(&dir);
    let mut stored = 0;
    for number in 0..20 {
        assert_eq!(server.ask("POST", "/v1/audit-logs", &record(number)).status, 201);
        stored += 1;
    }
    let ballast = small.fill();
    // What room the file has left is used up.
    let mut refused = 0;
    for number in 100..2000 {
        let records: Vec<String> = (0..400).map(|at| record(number * 1000 + at)).collect();
        let answer = server.ask("POST", "/v1/audit-logs", &format!("[{}]", records.join(",")));
        if answer.status == 507 {
            assert_eq!(answer.json()["errorCode"], "LOG-507");
            refused += 1;
            if refused == 3 {
                break;
            }
        } else {
            assert_eq!(answer.status, 201, "{}", answer.text());
            stored += 400;
        }
    }
    assert_eq!(refused, 3, "the disk was never full");
    assert_eq!(server.ask("GET", "/readyz", "").status, 503);
    let total = |server: &Process| {
        server.ask("GET", "/v1/audit-logs/stats", "").json()["total"].as_u64().unwrap()
    };
    // An auditor still reads, also where not one byte can be noted beside the log: then not.
    let answer = server.ask("GET", "/v1/audit-logs?patient_id=while-full-0", "");
    assert!([200, 503].contains(&answer.status), "{}", answer.text());
    // Less than the reserve becomes free: not for records, but for saying in the log who reads.
    let noted = || std::fs::metadata(dir.join("audit-pending.jsonl")).map_or(0, |file| file.len());
    let noted_before = noted();
    let file = File::options().write(true).open(&ballast).unwrap();
    file.set_len(file.metadata().unwrap().len() - (2 << 20)).unwrap();
    // Whoever holds a file open keeps its space.
    drop(file);
    for number in 1..4 {
        let path = format!("/v1/audit-logs?patient_id=while-full-{number}");
        let answer = server.ask("GET", &path, "");
        assert_eq!(answer.status, 200, "{}", answer.text());
        assert_eq!(server.ask("POST", "/v1/audit-logs", &record(30)).status, 507);
    }
    assert_eq!(noted(), noted_before, "the log had room for it");
    let asked = Value::from(questions(&server)).to_string();
    for number in 1..4 {
        assert!(asked.contains(&format!("while-full-{number}\"")), "{asked}");
    }
    assert_eq!(total(&server), stored);
    std::fs::remove_file(&ballast).unwrap();
    assert_eq!(server.ask("POST", "/v1/audit-logs", &record(30)).status, 201);
    stored += 1;
    server.signal("TERM");
    assert_eq!(server.ended().code(), Some(0));
    let server = Process::start(&dir);
    assert_eq!(total(&server), stored);
    let asked = Value::from(questions(&server)).to_string();
    for number in 1..4 {
        let name = format!("while-full-{number}\"");
        assert_eq!(asked.matches(&name).count(), 1, "{name} was answered: {asked}");
    }
    let left = std::fs::read_to_string(dir.join("audit-pending.jsonl"));
    assert!(left.is_err(), "noted and not taken over: {left:?}");
    verify(&dir);
}
