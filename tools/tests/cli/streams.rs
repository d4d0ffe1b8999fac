//! Pipes that stay open, pipes that close, and two processes on one log.

use std::io::{BufRead, BufReader, Read, Write};
use std::process::Stdio;

use serde_json::Value;

use crate::support::{Place, finish, record};

#[test]
fn a_lone_line_is_acknowledged_while_the_pipe_stays_open() {
    let place = Place::new();
    let mut child = place.command(&["append"]).stdin(Stdio::piped()).spawn().expect("started");
    let mut stdin = child.stdin.take().expect("a pipe");
    let mut receipts = BufReader::new(child.stdout.take().expect("a pipe")).lines();
    for n in 0..3_usize {
        writeln!(stdin, "{}", record(n)).expect("written");
        let line = receipts.next().expect("a receipt").expect("text");
        let receipt: Value = serde_json::from_str(&line).expect("JSON");
        assert_eq!(receipt["seq"], n);
        // Another process sees it as soon as the file says that it is durable.
        while place.run(&["show", &n.to_string()]).code != 0 {}
    }
    drop(stdin);
    finish(child).ended(0);
}

#[test]
fn a_second_writer_is_refused_with_the_pid_of_the_first() {
    let place = Place::new();
    let mut child = place.command(&["append"]).stdin(Stdio::piped()).spawn().expect("started");
    let mut stdin = child.stdin.take().expect("a pipe");
    let mut receipts = BufReader::new(child.stdout.take().expect("a pipe")).lines();
    writeln!(stdin, "{}", record(0)).expect("written");
    receipts.next().expect("a receipt").expect("text");
    for args in [&["append"][..], &["seal"], &["key", "rotate"], &["import", "k8s", "-"]] {
        let run = place.run(args).ended(3);
        assert!(run.err.contains(&format!("pid {}", child.id())), "{args:?}: {}", run.err);
    }
    // Waits for the checkpoint that covers the record.
    place.run(&["proof", "0"]).ended(0);
    for args in [&["query"][..], &["export"], &["tail"], &["show", "0"], &["segments"]] {
        place.run(args).ended(0);
    }
    place.run(&["verify", &place.text("log")]).ended(0);
    place.run(&["backup", &place.text("copy")]).ended(0);
    drop(stdin);
    finish(child).ended(0);
    place.run(&["seal"]).ended(0);
}

/// What every command says of a log whose format is not declared yet.
const WARNING: &str = "on-disk format 0 may still change: keep exports of what has to last\n";

#[test]
fn a_reader_that_goes_ends_a_listing_quietly() {
    let place = Place::with_records(3_000);
    for args in [&["query"][..], &["export"], &["export", "--format", "csv"]] {
        let mut child = place.command(args).spawn().expect("started");
        let mut output = child.stdout.take().expect("a pipe");
        output.read_exact(&mut [0; 10]).expect("ten bytes");
        drop(output);
        let run = finish(child).ended(0);
        assert_eq!(run.err, WARNING, "{args:?}");
    }
}

#[test]
fn records_go_in_even_when_nobody_takes_the_receipts() {
    let place = Place::new();
    let mut child = place.command(&["append"]).stdin(Stdio::piped()).spawn().expect("started");
    let mut stdin = child.stdin.take().expect("a pipe");
    drop(child.stdout.take());
    for n in 0..1_500 {
        writeln!(stdin, "{}", record(n)).expect("written");
    }
    drop(stdin);
    finish(child).ended(0);
    assert_eq!(place.run(&["export"]).out.lines().count(), 1_500);
}

#[test]
fn tail_follows_what_is_appended() {
    let place = Place::with_records(5);
    let mut child = place.command(&["tail", "-n", "2", "--follow"]).spawn().expect("started");
    let mut lines = BufReader::new(child.stdout.take().expect("a pipe")).lines();
    let mut next = || -> Value {
        let line = lines.next().expect("a line").expect("text");
        serde_json::from_str(&line).expect("JSON")
    };
    assert_eq!((&next()["seq"], &next()["seq"]), (&3.into(), &4.into()));
    place.append(&[record(5), record(6)].join("\n"));
    assert_eq!((&next()["seq"], &next()["seq"]), (&5.into(), &6.into()));
    place.run(&["seal"]).ended(0);
    place.append(&record(7));
    assert_eq!(next()["seq"], 7);
    child.kill().expect("killed");
    child.wait().expect("gone");
}

#[test]
fn an_export_to_a_pipe_leaves_the_pipe_there() {
    use std::os::unix::fs::FileTypeExt;
    let place = Place::with_records(20);
    let pipe = place.path("pipe");
    assert!(std::process::Command::new("mkfifo").arg(&pipe).status().expect("run").success());
    let reader = std::thread::spawn({
        let pipe = pipe.clone();
        move || std::fs::read_to_string(pipe).expect("read")
    });
    place.run(&["export", "-o", pipe.to_str().expect("UTF-8")]).ended(0);
    assert_eq!(reader.join().expect("joined").lines().count(), 20);
    assert!(std::fs::metadata(&pipe).expect("there").file_type().is_fifo());
}
