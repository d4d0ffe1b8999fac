//! Clients that mean harm, or don't care.
//!
//! Invariant: each of them gets a clear error or loses its connection; memory stays bounded, and
//! the next request of somebody else is served.
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::format_push_string,
    clippy::print_stdout,
    clippy::big_endian_bytes,
    reason = "a test that can't go on has failed; figures are shown"
)]

mod bodies;
mod crowds;
mod echoes;
mod framing;
#[path = "../harness/mod.rs"]
mod harness;
mod http2;
mod slow;

use harness::{Client, Server};

/// Memory of this process, client and server, in bytes.
fn memory() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap();
    let line = status.lines().find(|line| line.starts_with("RssAnon:")).unwrap();
    line.split_whitespace().nth(1).unwrap().parse::<u64>().unwrap() * 1024
}

/// Fails where more than so many MiB came to what was used before.
fn assert_memory(before: u64, mib_max: u64, what: &str) {
    let grown = memory().saturating_sub(before) >> 20;
    println!("{what}: {grown} MiB more");
    assert!(grown <= mib_max, "{what}: {grown} MiB more than before, expected at most {mib_max}");
}

/// Somebody else is served: asks for health, stores a record and finds it.
fn assert_serves(server: &Server) {
    let token = server.token_of_all();
    assert_eq!(server.get("/healthz", &token).status, 200);
    let id = line("the-next");
    let answer = server.post("/v1/audit-logs", &token, &id);
    assert_eq!(answer.status, 201, "{}", answer.text());
    let id = answer.json()["records"][0]["audit_id"].as_str().unwrap().to_owned();
    assert_eq!(server.get(&format!("/v1/audit-logs/{id}"), &token).status, 200);
}

/// One valid record.
fn line(actor: &str) -> String {
    serde_json::json!({
        "timestamp": "2026-03-01T10:00:00Z", "actor_type": "user", "actor_id": actor,
        "action": "read", "result": "success", "facility_id": "f1",
    })
    .to_string()
}

/// Closes with a reset instead of an end.
fn reset(client: Client) {
    let now = Some(std::time::Duration::ZERO);
    rustix::net::sockopt::set_socket_linger(client.stream(), now).unwrap();
    drop(client);
}
