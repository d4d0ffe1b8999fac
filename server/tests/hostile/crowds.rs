//! Many at once, and those that go away.

use std::time::{Duration, Instant};

use crate::harness::{Client, Server, request};
use crate::{assert_memory, assert_serves, line, memory, reset};

/// 10,000 connections were opened and left: whoever came then waited until they were given up, a
/// thousand at a time.
#[test]
fn ten_thousand_that_say_nothing_keep_nobody_out() {
    let server = Server::start(|_| {});
    let before = memory();
    let began = Instant::now();
    let mut left: Vec<Client> = Vec::new();
    for number in 0..10_000 {
        let mut client = server.connect();
        match number % 3 {
            0 => {}
            1 => _ = client.send(b"GET / HT"),
            _ => _ = client.send(&request("GET", "/healthz", None, &[], b"")),
        }
        left.push(client);
    }
    assert_serves(&server);
    let time = began.elapsed();
    println!("10,000 connections and the next request in {time:?}");
    assert_memory(before, 160, "10,000 connections");
    drop(left);
    assert_serves(&server);
}

#[test]
fn a_connection_that_is_busy_is_never_cut_for_another() {
    let server = Server::start(|settings| settings.connections_max = 8);
    let token = server.token_of_all();
    let head = format!(
        "POST /v1/audit-logs HTTP/1.1\r\nhost: l\r\nauthorization: Bearer {token}\r\n\
         content-type: application/json\r\n"
    );
    let mut busy = server.connect();
    let record = line("busy");
    busy.send(format!("{head}content-length: {}\r\n\r\n{{", record.len()).as_bytes());
    let idle: Vec<Client> = (0..100).map(|_| server.connect()).collect();
    assert_serves(&server);
    busy.send(&record.as_bytes()[1..]);
    let answer = busy.answer();
    assert_eq!(answer.status, 201, "{}", answer.text());
    drop(idle);
}

#[test]
fn who_stops_in_the_middle_leaves_nothing_behind() {
    let server = Server::start(|settings| {
        settings.connections_max = 16;
        settings.ingest.in_flight_len_max = 2 << 20;
    });
    let token = server.token_of_all();
    let record = line("gone");
    let whole = request(
        "POST",
        "/v1/audit-logs",
        Some(&token),
        &[("content-type", "application/json")],
        record.as_bytes(),
    );
    let before = memory();
    let cuts = (1..whole.len()).step_by(7).filter(|cut| *cut < whole.len() - 1);
    for (number, cut) in cuts.enumerate() {
        let mut client = server.connect();
        client.send(&whole[..cut]);
        match number % 3 {
            0 => reset(client),
            1 => drop(client),
            _ => {
                client.finish();
                let answer = client.answer();
                assert!(answer.status == 0 || answer.status == 400, "{cut}: {}", answer.status);
            }
        }
    }
    let stats = || server.get("/v1/audit-logs/stats", &token).json()["total"].as_u64().unwrap();
    assert_eq!(stats(), 0, "half a request was stored");
    // A stream that is cut counts its whole lines only.
    let mut client = server.connect();
    let lines = format!("{record}\n{record}\n{}", &record[..record.len() - 1]);
    let head = format!(
        "POST /v1/audit-logs HTTP/1.1\r\nhost: l\r\nauthorization: Bearer {token}\r\n\
         content-type: application/x-ndjson\r\ncontent-length: 9999\r\n\r\n{lines}"
    );
    client.send(head.as_bytes());
    client.finish();
    let answer = client.answer();
    assert_eq!(answer.status, 200);
    assert!(answer.text().contains("\"line\":2"), "{}", answer.text());
    assert!(!answer.text().contains("summary"), "{}", answer.text());
    assert_eq!(stats(), 2);
    assert_memory(before, 32, "cut requests");
    assert_serves(&server);
}

#[test]
fn a_half_closed_client_gets_its_answer() {
    let server = Server::start(|_| {});
    let token = server.token_of_all();
    for (method, path, body) in
        [("GET", "/v1/audit-logs/stats", String::new()), ("POST", "/v1/audit-logs", line("half"))]
    {
        let kind = [("content-type", "application/json")];
        let mut client = server.connect();
        client.send(&request(method, path, Some(&token), &kind, body.as_bytes()));
        client.finish();
        let answer = client.answer();
        assert!([200, 201].contains(&answer.status), "{}", answer.text());
        assert_eq!(client.rest(), b"");
    }
}

#[test]
fn resets_while_answers_are_read_are_survived() {
    let server = Server::start(|settings| settings.connections_max = 8);
    let token = server.token_of_all();
    let records = format!("[{}]", vec![line("many"); 500].join(","));
    for _ in 0..4 {
        assert_eq!(server.post("/v1/audit-logs", &token, &records).status, 201);
    }
    let before = memory();
    for number in 0..60 {
        let accept = ["application/x-ndjson", "text/csv", "application/json"][number % 3];
        let headers = [("accept", accept)];
        let mut client = server.connect();
        client.send(&request("GET", "/v1/audit-logs?limit=1000", Some(&token), &headers, b""));
        let mut some = [0; 100];
        std::io::Read::read_exact(&mut client.stream(), &mut some).unwrap();
        assert!(some.starts_with(b"HTTP/1.1 200"));
        reset(client);
    }
    assert_memory(before, 48, "reset answers");
    assert_serves(&server);
}

#[test]
fn pipelined_requests_are_answered_in_order() {
    let server = Server::start(|_| {});
    let token = server.token_of_all();
    let mut bytes = Vec::new();
    for number in 0..300 {
        let id = format!("r-{number}");
        let headers = [("x-request-id", id.as_str()), ("content-type", "application/json")];
        let (method, path, body) = match number % 3 {
            0 => ("GET", "/healthz", String::new()),
            1 => ("POST", "/v1/audit-logs", line("piped")),
            _ => ("GET", "/nothing-here", String::new()),
        };
        bytes.extend(request(method, path, Some(&token), &headers, body.as_bytes()));
    }
    let mut client = server.connect();
    let mut sending = client.stream().try_clone().unwrap();
    let sender = std::thread::spawn(move || std::io::Write::write_all(&mut sending, &bytes));
    for number in 0..300 {
        let answer = client.answer();
        assert_eq!(answer.status, [200, 201, 404][number % 3]);
        assert_eq!(answer.header("x-request-id"), Some(format!("r-{number}").as_str()));
    }
    sender.join().unwrap().unwrap();
}

/// Whoever was refused while still sending saw a reset instead of the answer.
#[test]
fn a_refusal_arrives_although_the_body_is_still_coming() {
    let server = Server::start(|_| {});
    let body = vec![b' '; 700 << 10];
    let kind = [("content-type", "application/json")];
    let token = server.token_of_all();
    for _ in 0..20 {
        for (path, token, expected) in [
            ("/v1/audit-logs", None, 401),
            ("/v1/audit-logs", Some("no.token.this"), 401),
            ("/nothing", None, 404),
            ("/healthz", None, 405),
            ("/v1/segments/seal?x=1", Some(token.as_str()), 400),
        ] {
            let mut client = server.connect();
            assert!(client.send(&request("POST", path, token, &kind, &body)));
            let answer = client.answer();
            // 30 failures a minute are heard out.
            let limited = answer.status == 429 && expected == 401;
            assert!(limited || answer.status == expected, "{path}: {}", answer.status);
            assert!(answer.whole);
        }
    }
    // A wait of its own that nobody asked for does not outlast the server's.
    let mut server = server;
    let mut client = server.connect();
    client.send(b"POST /nothing HTTP/1.1\r\nhost: l\r\ncontent-length: 1000000\r\n\r\n");
    assert_eq!(client.answer().status, 404);
    let began = Instant::now();
    server.end();
    assert!(began.elapsed() < Duration::from_secs(20));
}
