//! Open files, which connections and the log share.

use crate::client::Client;
use crate::process::{Process, verify};

/// A thousand connections are as many files as a process may usually have open: whoever opened them
/// kept the log from opening its own.
#[test]
fn connections_never_take_the_files_of_the_log() {
    let place = tempfile::tempdir().unwrap();
    let dir = place.path().join("log");
    let server = Process::start_with_files(&dir, 400);
    let mut left = Vec::new();
    for number in 0..600_u32 {
        let mut client = Client::connect(server.address);
        client.send(b"GET /healthz HTTP/1.1\r\nhost: l\r\n\r\n");
        left.push(client);
        if number % 100 == 99 {
            let record = format!(
                "{{\"timestamp\":\"2026-03-01T10:00:00Z\",\"actor_type\":\"user\",\
                 \"actor_id\":\"u-{number}\",\"action\":\"read\",\"result\":\"success\",\
                 \"facility_id\":\"f1\"}}"
            );
            assert_eq!(server.ask("POST", "/v1/audit-logs", &record).status, 201);
            let sealed = server.ask("POST", "/v1/segments/seal", "");
            assert_eq!(sealed.status, 200, "{}", sealed.text());
        }
    }
    assert_eq!(server.records(None).by_id.len(), 6);
    assert_eq!(server.ask("GET", "/readyz", "").status, 200);
    server.signal("TERM");
    assert_eq!(server.ended().code(), Some(0));
    drop(left);
    verify(&dir);
}
