//! Proofs and new records of a server: what is believed of them, and what a server that was away
//! does to whoever follows it.

use std::fs;
use std::io::{BufRead, BufReader};
use std::process::Child;

use serde_json::Value;
use shoseki_engine::proof::{Checkpoint, VerifierKey};

use crate::server::{Server, answer, fake, forwarding};
use crate::support::{Place, record};

/// A server over so many records, with the key of its log kept elsewhere.
fn served(count: usize) -> (Place, Server) {
    let place = Place::with_records(count);
    fs::copy(place.log().join("log.vkey"), place.path("vkey")).expect("copied");
    let server = Server::of(&place);
    (place, server)
}

fn proof(place: &Place, url: &str, args: &[&str], code: i32) -> (Vec<Value>, String) {
    let vkey = place.text("vkey");
    let run = place.run(&[&["proof", "--url", url, "--vkey", &vkey], args].concat()).ended(code);
    (if code == 0 { run.lines() } else { Vec::new() }, run.err)
}

#[test]
fn proofs_of_a_server_are_those_of_its_directory() {
    let (place, server) = served(300);
    let id = "00000000-0000-4000-8000-000000000255";
    let questions: [&[&str]; 5] = [
        &["3", "--size", "4"],
        &["17", "--size", "256"],
        &["--consistency", "1", "300"],
        &["--consistency", "40", "64"],
        &["--consistency", "300", "300"],
    ];
    let there = questions.map(|args| proof(&place, &server.url, args, 0).0);
    let (newest, err) = proof(&place, &server.url, &[id], 0);
    assert!(!err.contains("no key was given"), "{err}");
    let key = fs::read_to_string(place.path("vkey")).expect("a key");
    let key = VerifierKey::parse(key.trim_end()).expect("a key");
    let note = newest[0]["checkpoint"].as_str().expect("a note");
    let signed = Checkpoint::open(note.as_bytes(), &key).expect("signed");
    assert_eq!(newest[0]["tree_size"], signed.size.0);
    // A record that no checkpoint covered yet: one is signed for the question.
    let run = place.run_with(&["append", "--facility", "F1", "--url", &server.url], &record(300));
    let run = run.ended(0);
    let seq = run.lines()[0]["seq"].to_string();
    assert_eq!(proof(&place, &server.url, &[&seq], 0).0[0]["leaf_index"].to_string(), seq);
    let run = place.run(&["proof", "--url", &server.url, "3"]).ended(0);
    assert!(run.err.contains("no key was given"), "{}", run.err);
    proof(&place, &server.url, &["5", "--size", "4"], 2);
    proof(&place, &server.url, &["99999"], 2);
    proof(&place, &server.url, &["--consistency", "0", "4"], 2);
    server.end();
    for (args, there) in questions.iter().zip(there) {
        let here = place.run(&[&["proof"], *args].concat()).ended(0).lines();
        assert_eq!(there, here, "{args:?}");
    }
}

#[test]
fn another_key_than_the_one_kept_is_found() {
    let (place, server) = served(5);
    let other = Place::with_records(1);
    fs::copy(other.log().join("log.vkey"), place.path("vkey")).expect("copied");
    let (_, err) = proof(&place, &server.url, &["2"], 1);
    assert!(err.contains("the checkpoint of"), "{err}");
    proof(&place, &server.url, &["--consistency", "2", "4"], 1);
}

/// A server that proves its records in a tree that it did not sign.
#[test]
fn a_proof_that_leads_elsewhere_is_found() {
    let (one, two) = (Place::with_records(9), Place::with_records(9));
    let note = two.run(&["checkpoint"]).ended(0).out;
    let shown = one.run(&["show", "4"]).ended(0).out;
    let page = format!("{{\"records\":[{}],\"next_cursor\":null}}", shown.trim_end());
    let path = one.run(&["proof", "4"]).ended(0).out;
    let kind = "application/json";
    let url = fake(move |asked| match asked.target.as_str() {
        "/checkpoint" => answer("200 OK", "text/plain", &note),
        "/v1/audit-logs/search" => answer("200 OK", kind, &page),
        target if target.starts_with("/v1/proofs/inclusion") => answer("200 OK", kind, &path),
        _ => answer("404 Not Found", kind, "{}"),
    });
    let run = one.run(&["proof", "--url", &url, "4"]).ended(1);
    assert!(run.err.contains("does not lead to what it signed"), "{}", run.err);
    assert_eq!(run.out, "");
}

struct Tail {
    child: Child,
    lines: std::io::Lines<BufReader<std::process::ChildStdout>>,
    notes: std::io::Lines<BufReader<std::process::ChildStderr>>,
}

impl Tail {
    fn of(place: &Place, url: &str) -> Self {
        let args = ["tail", "-n", "2", "--follow", "--url", url];
        let mut child = place.command(&args).spawn().expect("started");
        let lines = BufReader::new(child.stdout.take().expect("a pipe")).lines();
        let notes = BufReader::new(child.stderr.take().expect("a pipe")).lines();
        Self { child, lines, notes }
    }

    fn target(&mut self) -> String {
        let line = self.lines.next().expect("a line").expect("text");
        let value: Value = serde_json::from_str(&line).expect("JSON");
        value["target_id"].as_str().expect("a target").to_owned()
    }

    /// Waits for a note that says this.
    fn note(&mut self, what: &str) {
        let mut notes = self.notes.by_ref().map(|line| line.expect("text"));
        assert!(notes.any(|note| note.contains(what)), "never said: {what}");
    }
}

impl Drop for Tail {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

#[test]
fn tail_goes_on_where_it_was_when_the_server_comes_back() {
    let (place, server) = served(5);
    let (url, port) = forwarding(server.port());
    let mut tail = Tail::of(&place, &url);
    assert_eq!((tail.target(), tail.target()), ("P3".to_owned(), "P4".to_owned()));
    let append = |server: &Server, n| {
        let args = ["append", "--facility", "F1", "--url", &server.url];
        place.run_with(&args, &record(n)).ended(0);
    };
    append(&server, 5);
    assert_eq!(tail.target(), "P5");
    server.end();
    tail.note("trying again");
    let server = Server::of(&place);
    append(&server, 6);
    port.store(server.port(), std::sync::atomic::Ordering::SeqCst);
    tail.note("answers again");
    assert_eq!(tail.target(), "P6");
    append(&server, 7);
    assert_eq!(tail.target(), "P7");
}

/// Behind the same address another log: a record in the same place, and other bytes.
#[test]
fn tail_finds_a_log_that_was_replaced() {
    let (one, two) = (Place::with_records(5), Place::with_records(5));
    // Made at another time, with another salt.
    let pages = [&one, &two].map(|place| {
        let shown = place.run(&["show", "4"]).ended(0).out;
        format!("{{\"records\":[{}],\"next_cursor\":null}}", shown.trim_end())
    });
    let mut looks = 0;
    let url = fake(move |asked| {
        assert!(asked.body.contains("\"include_self\":false"), "{}", asked.body);
        looks += 1;
        answer("200 OK", "application/json", &pages[usize::from(looks > 2)])
    });
    let run = one.run(&["tail", "-n", "1", "--follow", "--url", &url]).ended(1);
    assert!(run.err.contains("record 4, which was shown"), "{}", run.err);
    assert_eq!(run.out.lines().count(), 1, "{}", run.out);
}
