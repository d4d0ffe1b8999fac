//! What answers say of themselves: that they are not whole, that their bytes are others, that what
//! they speak of has only just happened.
//!
//! Invariant: every answer comes over a socket of a server that listens.
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::format_push_string,
    clippy::indexing_slicing,
    reason = "a failed step of a test is the test's failure"
)]

#[path = "harness/mod.rs"]
mod harness;

use harness::{Server, request};
use serde_json::{Value, json};

fn id(number: usize) -> String {
    format!("018f0000-0000-7000-8000-{number:012x}")
}

/// A record that corrects another.
fn record(number: usize, corrects: Option<usize>) -> Value {
    json!({
        "audit_id": id(number), "timestamp": "2026-03-01T10:00:00Z", "actor_type": "user",
        "actor_id": "u", "action": "UPDATE_CHART", "result": "success", "facility_id": "f1",
        "detail": corrects.map_or_else(|| json!({}), |old| json!({"corrects": id(old)})),
    })
}

fn append(server: &Server, token: &str, records: Vec<Value>) {
    let answer = server.post("/v1/audit-logs", token, &Value::from(records).to_string());
    assert_eq!(answer.status, 201, "{}", answer.text());
}

fn history(server: &Server, token: &str, number: usize) -> Value {
    let answer = server.get(&format!("/v1/audit-logs/{}/history", id(number)), token);
    assert_eq!(answer.status, 200, "{}", answer.text());
    answer.json()
}

#[test]
fn a_history_that_is_cut_says_so() {
    let server = Server::start(|_| {});
    let token = server.token_of_all();
    // A line of corrections as long as is followed, and one that is longer.
    append(&server, &token, (0..100).map(|n| record(n, n.checked_sub(1))).collect());
    let whole = history(&server, &token, 40);
    assert_eq!(whole["records"].as_array().unwrap().len(), 100);
    assert_eq!(whole.get("truncated"), None, "it is whole");
    append(&server, &token, vec![record(100, Some(99))]);
    let cut = history(&server, &token, 0);
    assert_eq!((cut["records"].as_array().unwrap().len(), &cut["truncated"]), (100, &json!(true)));
    // The nearest are there.
    let near = history(&server, &token, 50);
    let ids: Vec<&str> = near["records"]
        .as_array()
        .unwrap()
        .iter()
        .map(|r| r["audit_id"].as_str().unwrap())
        .collect();
    assert!((2..=98).all(|n| ids.contains(&id(n).as_str())), "{ids:?}");
    // One record that more correct than are looked at.
    append(&server, &token, vec![record(1_000, None)]);
    append(&server, &token, (1_001..1_110).map(|n| record(n, Some(1_000))).collect());
    assert_eq!(history(&server, &token, 1_000)["truncated"], json!(true));
}

/// A strong tag is one of the very bytes (RFC 9110, 8.8.1): under the same tag for compressed ones,
/// a cache could put the one in the place of the other.
#[test]
fn a_strong_tag_never_stands_on_compressed_bytes() {
    let server = Server::start(|_| {});
    let token = server.token_of_all();
    append(&server, &token, (0..300).map(|n| record(n, None)).collect());
    server.post("/v1/segments/seal", &token, "");
    let mut seen = 0;
    for path in ["/schemas/record.json", "/openapi.json", "/tile/0/000", "/tile/entries/000"] {
        let asked = |headers: &[(&str, &str)]| {
            server.ask(&request("GET", path, Some(&token), headers, b""))
        };
        let plain = asked(&[]);
        assert_eq!(plain.status, 200, "{path}");
        let tag = plain.header("etag").unwrap();
        assert!(tag.starts_with('"'), "{tag}");
        for encoding in ["gzip", "zstd", "gzip, zstd, br"] {
            let packed = asked(&[("accept-encoding", encoding)]);
            assert_eq!(packed.header("content-encoding"), None, "{path}");
            assert_eq!((packed.header("etag"), &packed.body), (Some(tag), &plain.body), "{path}");
            seen += 1;
        }
    }
    assert_eq!(seen, 12);
    // Others are.
    let page = request("GET", "/v1/audit-logs", Some(&token), &[("accept-encoding", "gzip")], b"");
    let page = server.ask(&page);
    assert_eq!((page.header("content-encoding"), page.header("etag")), (Some("gzip"), None));
}

#[test]
fn what_was_just_acknowledged_is_proved_at_once() {
    let server = Server::start(|_| {});
    let token = server.token_of_all();
    for number in 0..20 {
        let body = record(number, None).to_string();
        let receipt = server.post("/v1/audit-logs", &token, &body).json();
        let size = receipt["last_seq"].as_u64().unwrap() + 1;
        let answer = server.get(&format!("/v1/proofs/consistency?old=1&new={size}"), &token);
        assert_eq!(answer.status, 200, "{}", answer.text());
    }
    let answer = server.get("/v1/proofs/consistency?old=1&new=1000", &token);
    assert_eq!(answer.status, 404, "{}", answer.text());
}
