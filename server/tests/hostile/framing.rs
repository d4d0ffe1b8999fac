//! Requests whose end two readers could see in different places, and heads that can't be.

use crate::assert_serves;
use crate::harness::{Client, Server};

/// Everything that comes back until the server closes, or until nothing more can come.
fn spoken(server: &Server, bytes: &[u8]) -> String {
    let mut client: Client = server.connect();
    client.send(bytes);
    client.finish();
    String::from_utf8_lossy(&client.rest()).into_owned()
}

fn statuses(answers: &str) -> Vec<&str> {
    answers.match_indices("HTTP/1.1 ").filter_map(|(at, _)| answers.get(at + 9..at + 12)).collect()
}

/// Where a length and chunks were both given, the connection went on: a reader before us that went
/// by the length would have seen another request.
#[test]
fn an_end_that_can_be_read_in_two_ways_ends_the_connection() {
    let server = Server::start(|_| {});
    let hidden = "GET /hidden HTTP/1.1\r\nhost: l\r\n\r\n";
    let shapes: &[(&str, String)] = &[
        ("content-length: 4\r\ntransfer-encoding: chunked", format!("0\r\n\r\n{hidden}")),
        ("transfer-encoding: chunked\r\ncontent-length: 4", format!("0\r\n\r\n{hidden}")),
        ("content-length: 0\r\ncontent-length: 40", hidden.to_owned()),
        ("content-length: 40\r\ncontent-length: 0", hidden.to_owned()),
        ("content-length: 0, 40", hidden.to_owned()),
        ("content-length: +0", hidden.to_owned()),
        ("content-length: -1", hidden.to_owned()),
        ("content-length: 0x0", hidden.to_owned()),
        ("content-length: 00 0", hidden.to_owned()),
        ("content-length: 18446744073709551616", hidden.to_owned()),
        ("content-length : 0", hidden.to_owned()),
        ("transfer-encoding : chunked", format!("0\r\n\r\n{hidden}")),
        ("transfer-encoding: chunked, identity", format!("0\r\n\r\n{hidden}")),
        ("transfer-encoding: identity", hidden.to_owned()),
        ("transfer-encoding: xchunked", format!("0\r\n\r\n{hidden}")),
        ("transfer-encoding: gzip", hidden.to_owned()),
        ("transfer-encoding:\u{b}chunked", format!("0\r\n\r\n{hidden}")),
        ("x: y\r\n transfer-encoding: chunked\r\ncontent-length: 4", format!("0\r\n\r\n{hidden}")),
        ("x: y\rtransfer-encoding: chunked", format!("0\r\n\r\n{hidden}")),
        ("x: y\0z", hidden.to_owned()),
        ("x y: z", hidden.to_owned()),
        (": z", hidden.to_owned()),
        ("transfer-encoding: chunked", format!("-1\r\n\r\n{hidden}")),
        ("transfer-encoding: chunked", format!("0x0\r\n\r\n{hidden}")),
        ("transfer-encoding: chunked", format!("+0\r\n\r\n{hidden}")),
        ("transfer-encoding: chunked", format!("ffffffffffffffffff\r\n{hidden}")),
        ("transfer-encoding: chunked", format!("1\r\nabc\r\n0\r\n\r\n{hidden}")),
        ("transfer-encoding: chunked", format!("zz\r\n{hidden}")),
        ("transfer-encoding: chunked", format!("\r\n0\r\n\r\n{hidden}")),
    ];
    for (headers, body) in shapes {
        let text = format!("POST /nothing HTTP/1.1\r\nhost: l\r\n{headers}\r\n\r\n{body}");
        let answers = spoken(&server, text.as_bytes());
        let count = statuses(&answers).len();
        assert!(count <= 1, "{headers:?} {body:?}: {answers}");
        assert!(!answers.contains("/hidden"), "{headers:?}: {answers}");
        let first = statuses(&answers).first().copied().unwrap_or("400");
        assert!(["400", "404", "405"].contains(&first), "{headers:?}: {answers}");
    }
    // The control: without a doubt about its end, the second is answered too.
    let plain = format!("POST /nothing HTTP/1.1\r\nhost: l\r\ncontent-length: 2\r\n\r\nab{hidden}");
    assert_eq!(statuses(&spoken(&server, plain.as_bytes())), ["404", "404"]);
    assert_serves(&server);
}

#[test]
fn heads_that_can_not_be_are_refused() {
    let server = Server::start(|_| {});
    let long = "a".repeat(70_000);
    let many: String = (0..200).map(|n| format!("x-{n}: y\r\n")).collect();
    for (text, expected) in [
        (format!("GET /{long} HTTP/1.1\r\nhost: l\r\n\r\n"), &["414", "431"][..]),
        (format!("GET /healthz HTTP/1.1\r\nhost: l\r\nx: {long}\r\n\r\n"), &["431"]),
        (format!("GET /healthz HTTP/1.1\r\nhost: l\r\n{many}\r\n"), &["431"]),
        (
            format!("GET /v1/audit-logs?word={} HTTP/1.1\r\nhost: l\r\n\r\n", &long[..20_000]),
            &["401", "414"],
        ),
        ("GET /healthz HTTP/9.9\r\nhost: l\r\n\r\n".to_owned(), &["400"]),
        ("GET  /healthz HTTP/1.1\r\nhost: l\r\n\r\n".to_owned(), &["400"]),
        ("\u{7f}ET /healthz HTTP/1.1\r\nhost: l\r\n\r\n".to_owned(), &["400"]),
        ("GET /heal\0thz HTTP/1.1\r\nhost: l\r\n\r\n".to_owned(), &["400"]),
        ("GET /heal\u{e9}thz HTTP/1.1\r\nhost: l\r\n\r\n".to_owned(), &["400", "404"]),
        ("GET /v1/audit-logs/%ff%fe HTTP/1.1\r\nhost: l\r\n\r\n".to_owned(), &["401"]),
        ("GET /v1/audit-logs/%00 HTTP/1.1\r\nhost: l\r\n\r\n".to_owned(), &["401"]),
        ("CONNECT evil.example:443 HTTP/1.1\r\nhost: l\r\n\r\n".to_owned(), &["400", "404", "405"]),
        ("GET http://evil.example/healthz HTTP/1.1\r\nhost: l\r\n\r\n".to_owned(), &["200"]),
        ("OPTIONS * HTTP/1.1\r\nhost: l\r\n\r\n".to_owned(), &["404", "405", "200", "204"]),
        ("GET /healthz HTTP/1.1\r\n\r\n".to_owned(), &["200", "400"]),
        ("\r\n\r\nGET /healthz HTTP/1.1\r\nhost: l\r\n\r\n".to_owned(), &["200", "400"]),
    ] {
        let answers = spoken(&server, text.as_bytes());
        let first = statuses(&answers).first().copied().unwrap_or("none");
        assert!(expected.contains(&first), "{}: {answers}", &text[..text.len().min(60)]);
        assert!(answers.len() < 100_000);
    }
    let raw = b"GET /\xff\xfe\x80 HTTP/1.1\r\nhost: l\r\n\r\n";
    let answers = spoken(&server, raw);
    assert!(["400", "404"].contains(&statuses(&answers)[0]), "{answers}");
    assert_serves(&server);
}

#[test]
fn paths_of_ids_hold_nothing_else() {
    let server = Server::start(|_| {});
    let token = server.token_of_all();
    std::fs::write(server.dir.path().join("log/secret"), "zqsecret").unwrap();
    for path in [
        "/tile/../checkpoint",
        "/tile/..%2fsecret",
        "/tile/%2e%2e/secret",
        "/tile/0/..%2f..%2f..%2flog.json",
        "/tile/%2fetc%2fpasswd",
        "/tile//etc/passwd",
        "/tile/0/000%00",
        "/tile/0/x000",
        "/tile/0/-1",
        "/tile/0/0",
        "/tile/99999999999999999999/000",
        "/tile/0/x999/x999/x999/x999/x999/x999/x999/999",
        "/tile/0/000.p/0",
        "/tile/0/000.p/256",
        "/tile/0/000.p/99999999999999999999",
        "/tile/entries/..%2f..%2fkeys",
        "/tile/%ff",
        "/v1/anchors/..%2f..%2fsecret",
        "/v1/anchors/%2e%2e%2f%2e%2e%2flog.json",
        "/v1/anchors/..",
        "/v1/anchors/%2fetc%2fpasswd",
        "/v1/anchors/2026-01-01%00",
        "/v1/anchors/%ff",
        "/v1/audit-logs/..%2f..%2fsecret",
        "/v1/audit-logs/%ff%fe",
        "/v1/audit-logs/018f0000-0000-7000-8000-777777777777%00",
        "/v1/jobs/..%2f..%2fsecret",
        "/v1/jobs/%ff",
        "/docs/..%2f..%2fsecret",
        "/docs/%2e%2e/%2e%2e/etc/passwd",
        "/docs/../../etc/passwd",
    ] {
        let answer = server.get(path, &token);
        assert!([400, 404].contains(&answer.status), "{path}: {} {}", answer.status, answer.text());
        for told in ["zqsecret", "root:", "log_id", "shoseki-data", "/tmp"] {
            assert!(!answer.text().contains(told), "{path}: {}", answer.text());
        }
    }
    assert_serves(&server);
}
