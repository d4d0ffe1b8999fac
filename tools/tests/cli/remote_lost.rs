//! Connections that break, and servers that have too much to do.

use std::collections::BTreeSet;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

use serde_json::json;

use crate::server::{Server, answer, cutting, fake};
use crate::support::{Place, record};

/// Records without an identifier: sending one twice would store it twice.
fn anonymous(count: usize) -> String {
    let line = |n: usize| {
        let id = format!("\"audit_id\":\"00000000-0000-4000-8000-{n:012}\"");
        record(n).replacen(&id, "\"facility_id\":\"F1\"", 1)
    };
    // The last line is whole too: nothing is sent before all of them are there.
    (0..count).map(|n| line(n) + "\n").collect()
}

#[test]
fn a_connection_that_breaks_in_the_middle_leaves_each_record_in_the_log_once() {
    let place = Place::new();
    let server = Server::of(&place);
    // Within the receipts, before any, within the head, at the first of the second request.
    let url = cutting(server.port(), &[100_000, 0, 70, 200_400, usize::MAX >> 1]);
    let run = place.run_with(&["append", "--url", &url], &anonymous(1300)).ended(0);
    let receipts = run.lines();
    assert_eq!(receipts.len(), 1300, "{}", run.err);
    assert!(run.err.contains("1300 appended"), "{}", run.err);
    assert!(!run.out.contains("duplicate"));
    let id = |value: &serde_json::Value| value["audit_id"].to_string();
    let acknowledged: BTreeSet<String> = receipts.iter().map(id).collect();
    server.end();
    let stored = place.run(&["query", "--facility", "F1"]).ended(0).lines();
    assert_eq!(stored.len(), 1300);
    assert_eq!(stored.iter().map(id).collect::<BTreeSet<_>>(), acknowledged);
}

#[test]
fn a_server_that_stays_busy_is_left_alone_after_some_tries() {
    let place = Place::new();
    let tries = Arc::new(AtomicUsize::new(0));
    let seen = Arc::clone(&tries);
    let url = fake(move |_| {
        seen.fetch_add(1, Ordering::SeqCst);
        let problem = r#"{"status":503,"errorCode":"SERVER-503-busy","errorMessage":"too much"}"#;
        let text = answer("503 Service Unavailable", "application/problem+json", problem);
        text.replacen("content-type", "retry-after: 0\r\ncontent-type", 1)
    });
    let run = place.run_with(&["append", "--url", &url], &anonymous(3)).ended(3);
    assert_eq!(run.out, "");
    assert!(run.err.contains("not acknowledged: line 1 to 3, and what follows"), "{}", run.err);
    assert!(run.err.contains("SERVER-503-busy") && run.err.contains("too much"), "{}", run.err);
    assert_eq!(tries.load(Ordering::SeqCst), 6);
}

#[test]
fn only_what_was_not_acknowledged_is_sent_again_under_the_same_ids() {
    let place = Place::new();
    let bodies = Arc::new(Mutex::new(Vec::<Vec<String>>::new()));
    let seen = Arc::clone(&bodies);
    let url = fake(move |asked| {
        let lines = asked.body.lines().map(str::to_owned).collect::<Vec<_>>();
        let receipt = |line: &String| {
            let line: serde_json::Value = serde_json::from_str(line).expect("JSON");
            let hash = "0".repeat(128);
            let id = &line["audit_id"];
            json!({"audit_id": id, "seq": 7, "hash": hash, "chain_hash": hash}).to_string() + "\n"
        };
        let mut answers: String = lines.iter().map(receipt).collect();
        let mut seen = seen.lock().expect("free");
        if seen.is_empty() {
            // One of three, then the server gives up on the stream.
            answers.truncate(answers.find('\n').expect("a line") + 1);
            answers +=
                "{\"error\":{\"status\":503,\"errorCode\":\"SERVER-503-closing\"},\"line\":2}\n";
        } else {
            answers += "{\"summary\":{\"accepted\":2}}\n";
        }
        seen.push(lines);
        answer("200 OK", "application/x-ndjson", &answers)
    });
    let run = place.run_with(&["append", "--url", &url], &anonymous(3)).ended(0);
    assert_eq!(run.lines().len(), 3);
    let bodies = bodies.lock().expect("free");
    assert_eq!(bodies.len(), 2);
    assert_eq!(bodies[0][1..], bodies[1][..]);
    assert!(bodies[0].iter().all(|line| line.starts_with("{\"audit_id\":\"")), "{bodies:?}");
}

#[test]
fn an_export_that_breaks_off_is_no_export() {
    let place = Place::with_records(50);
    let server = Server::of(&place);
    let url = cutting(server.port(), &[9_000]);
    let file = place.text("export.jsonl");
    let run = place.run(&["export", "--url", &url, "-o", &file]).ended(3);
    assert!(run.err.contains("the connection to the server broke"), "{}", run.err);
    assert!(!place.path("export.jsonl").exists());
}
