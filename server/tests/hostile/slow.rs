//! Clients that let the server wait.

use std::io::Write;
use std::time::Duration;

use crate::harness::{Client, Server, request};
use crate::{assert_memory, assert_serves, line, memory};

fn impatient() -> Server {
    Server::start(|settings| {
        settings.client_patience = Duration::from_millis(700);
        settings.ingest.body_timeout = Duration::from_millis(700);
    })
}

/// A connection that sent nothing, or a part of the preface of HTTP/2, was waited for for ever: the
/// time for a head began only once the version was known.
#[test]
fn a_head_that_does_not_come_ends_the_connection() {
    let server = impatient();
    let beginnings: [&[u8]; 7] = [
        b"",
        b"G",
        b"PRI * HT",
        b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
        b"GET /healthz HTTP/1.1\r\n",
        b"GET /healthz HTTP/1.1\r\nhost: localhost\r\nx: ",
        b"\r\n\r\n\r\n",
    ];
    let mut clients: Vec<Client> = beginnings.iter().map(|_| server.connect()).collect();
    for (client, bytes) in clients.iter_mut().zip(beginnings) {
        client.send(bytes);
    }
    for (client, bytes) in clients.iter_mut().zip(beginnings) {
        let answer = client.rest();
        assert!(!answer.starts_with(b"HTTP/1.1 2"), "{}", String::from_utf8_lossy(bytes));
    }
    assert_serves(&server);
}

#[test]
fn byte_by_byte_is_not_fast_enough() {
    let server = impatient();
    let client = server.connect();
    let head = b"GET /healthz HTTP/1.1\r\nx-long: ";
    client.stream().set_read_timeout(Some(Duration::from_millis(20))).unwrap();
    let mut sent = 0;
    // Each byte waits 20 ms for an answer that does not come.
    let closed = head.iter().chain(std::iter::repeat(&b'a')).take(2000).any(|byte| {
        sent += 1;
        let written = client.stream().write_all(&[*byte]);
        let read = std::io::Read::read(&mut client.stream(), &mut [0; 512]);
        written.is_err()
            || matches!(read, Ok(0))
            || read.is_err_and(|e| {
                !matches!(e.kind(), std::io::ErrorKind::WouldBlock | std::io::ErrorKind::TimedOut)
            })
    });
    assert!(closed, "{sent} bytes were waited for");
    assert_serves(&server);
}

#[test]
fn an_idle_connection_ends() {
    let server = impatient();
    let mut client = server.connect();
    client.send(&request("GET", "/healthz", None, &[], b""));
    assert_eq!(client.answer().status, 200);
    assert_eq!(client.rest(), b"");
}

#[test]
fn a_body_that_does_not_come_is_said_so() {
    let server = impatient();
    let token = server.token_of_all();
    let record = line("slow");
    for (head, part) in [
        ("content-length: 400", record.as_bytes()),
        ("content-length: 400", b"".as_slice()),
        ("transfer-encoding: chunked", b"10\r\n{\"timestamp".as_slice()),
        ("transfer-encoding: chunked", b"".as_slice()),
    ] {
        for path in ["/v1/audit-logs", "/v1/audit-logs/search", "/v1/audit-logs/integrity-check"] {
            let head = format!(
                "POST {path} HTTP/1.1\r\nhost: l\r\nauthorization: Bearer {token}\r\n\
                 content-type: application/json\r\n{head}\r\n\r\n"
            );
            let mut client = server.connect();
            client.send(&[head.as_bytes(), part].concat());
            let answer = client.answer();
            assert_eq!(answer.status, 408, "{path} {}", answer.text());
            assert_eq!(answer.json()["errorCode"], "REQUEST-408");
        }
    }
    assert_serves(&server);
}

/// An announced length was held of what all requests share: four producers that announced much and
/// sent nothing kept everybody else out.
#[test]
fn what_is_announced_holds_nothing() {
    let server = Server::start(|settings| {
        settings.ingest.in_flight_len_max = 8 << 20;
        settings.ingest.body_len_max = 4 << 20;
    });
    let token = server.token_of_all();
    let clients: Vec<Client> = (0..16)
        .map(|_| {
            let head = format!(
                "POST /v1/audit-logs HTTP/1.1\r\nhost: l\r\nauthorization: Bearer {token}\r\n\
                 content-type: application/json\r\ncontent-length: 4000000\r\n\r\n["
            );
            let mut client = server.connect();
            client.send(head.as_bytes());
            client
        })
        .collect();
    assert_serves(&server);
    drop(clients);
}

/// Nothing ended the wait on a client that did not read: it held its place for ever.
#[test]
fn answers_that_nobody_reads_hold_no_place() {
    let server = Server::start(|settings| {
        settings.client_patience = Duration::from_millis(700);
        settings.connections_max = 4;
    });
    let before = memory();
    let page = request("GET", "/docs/swagger-ui-bundle.js", None, &[], b"").repeat(200);
    let mut clients: Vec<Client> = (0..4).map(|_| server.connect()).collect();
    for client in &mut clients {
        client.send(&page);
    }
    // Waits until one of the places is free again.
    assert_serves(&server);
    assert_memory(before, 64, "unread answers");
    drop(clients);
}

/// Each answer was bounded, all of them were not: 200 clients that asked for much and took nothing
/// held 200 times as much.
#[test]
fn many_long_answers_that_nobody_takes_stay_within_their_budget() {
    // More than the system takes for a client, which the server does not hold.
    const PAGE: &str = "/v1/audit-logs?limit=1000";
    let server = Server::start(|settings| settings.query.untaken_len_max = 24 << 20);
    let token = server.token_of_all();
    let text = "t".repeat(60_000);
    for _ in 0..20 {
        let records =
            vec![line("long").replacen('{', &format!("{{\"detail\":{{\"t\":\"{text}\"}},"), 1); 8];
        let answer = server.post("/v1/audit-logs", &token, &format!("[{}]", records.join(",")));
        assert_eq!(answer.status, 201, "{}", answer.text());
    }
    let ask = |form: &str| request("GET", PAGE, Some(&token), &[("accept", form)], b"");
    let whole = server.ask(&ask("application/json"));
    assert!(whole.status == 200 && whole.body.len() > 160 * text.len());
    let before = memory();
    let mut begun = [0, 0];
    let clients: Vec<Client> = (0..200)
        .map(|number| {
            let client = server.connect();
            let form = ["application/json", "application/x-ndjson", "text/csv"][number % 3];
            let (mut client, mut head) = (client, [0; 12]);
            client.send(&ask(form));
            std::io::Read::read_exact(&mut client.stream(), &mut head).unwrap();
            match head.as_slice() {
                b"HTTP/1.1 200" => begun[0] += 1,
                b"HTTP/1.1 503" => begun[1] += 1,
                other => panic!("{}", String::from_utf8_lossy(other)),
            }
            client
        })
        .collect();
    assert!(begun[0] >= 2 && begun[1] >= 150, "{begun:?}");
    assert_memory(before, 96, "long answers that nobody takes");
    assert_serves(&server);
    drop(clients);
    // What they held is given back.
    let answered = (0..1_000).any(|_| server.ask(&ask("application/json")).status == 200);
    assert!(answered, "the budget was not given back");
}

#[test]
fn receipts_that_nobody_reads_end_the_stream_and_stay_true() {
    let server = Server::start(|settings| settings.client_patience = Duration::from_millis(700));
    let token = server.token_of_all();
    let before = memory();
    let mut client = server.connect();
    client.send(
        format!(
            "POST /v1/audit-logs HTTP/1.1\r\nhost: l\r\nauthorization: Bearer {token}\r\n\
             content-type: application/x-ndjson\r\ntransfer-encoding: chunked\r\n\r\n"
        )
        .as_bytes(),
    );
    let lines = (line("unread") + "\n").repeat(1000);
    let chunk = format!("{:x}\r\n{lines}\r\n", lines.len());
    client.stream().set_write_timeout(Some(Duration::from_secs(20))).unwrap();
    let sent = (0..400).take_while(|_| client.send(chunk.as_bytes())).count();
    assert!(sent < 400, "the server never stopped reading");
    assert_memory(before, 96, "unread receipts");
    let receipts = String::from_utf8_lossy(&client.rest()).matches("\"chain_hash\"").count();
    assert_serves(&server);
    let stats = server.get("/v1/audit-logs/stats", &token).json();
    let stored = usize::try_from(stats["total"].as_u64().unwrap()).unwrap();
    assert!(
        (receipts..=(sent + 1) * 1000 + 1).contains(&stored),
        "{receipts} told, {stored} there"
    );
}
