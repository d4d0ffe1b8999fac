//! The manners of HTTP (SERVER.md 10), asked of a server that listens, byte by byte.
//!
//! Invariant: nothing between the test and the socket but what stands here, so what a test sees is
//! what any client sees. Knows nothing of what records mean.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a failed step of a test is the test's failure"
)]

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::sync::mpsc;
use std::thread::JoinHandle;
use std::time::Duration;

use serde_json::{Value, json};
use shoseki_server::api::document;
use shoseki_server::config::Settings;
use shoseki_server::serve::{StopSignal, serve};

/// A server with nothing configured, in a directory of its own.
struct Server {
    address: SocketAddr,
    token: String,
    stop: StopSignal,
    thread: Option<JoinHandle<()>>,
    _dir: tempfile::TempDir,
}

impl Server {
    fn start() -> Self {
        let dir = tempfile::tempdir().unwrap();
        let mut settings = Settings::development(dir.path());
        settings.listen = SocketAddr::from(([127, 0, 0, 1], 0));
        let stop = StopSignal::new();
        let (sender, receiver) = mpsc::channel();
        let thread = std::thread::spawn({
            let stop = stop.clone();
            move || {
                let runtime =
                    tokio::runtime::Builder::new_multi_thread().enable_all().build().unwrap();
                let ended = runtime.block_on(serve(settings, stop, &mut |serving| {
                    let token = serving.token.unwrap().token.clone();
                    sender.send((serving.address, token)).unwrap();
                }));
                ended.unwrap().unwrap();
            }
        });
        let (address, token) = receiver.recv_timeout(Duration::from_secs(60)).unwrap();
        Self { address, token, stop, thread: Some(thread), _dir: dir }
    }

    /// Sends these bytes and reads until the server closes.
    fn raw(&self, bytes: &[u8]) -> Vec<Answer> {
        let mut stream = TcpStream::connect(self.address).unwrap();
        stream.set_read_timeout(Some(Duration::from_secs(60))).unwrap();
        stream.write_all(bytes).unwrap();
        let mut all = Vec::new();
        stream.read_to_end(&mut all).unwrap();
        let mut answers = Vec::new();
        let mut rest = all.as_slice();
        while !rest.is_empty() {
            let (answer, behind) = Answer::parse(rest, bytes.starts_with(b"HEAD "));
            answers.push(answer);
            rest = behind;
        }
        answers
    }

    /// One request with a token and these lines of headers.
    fn ask(&self, method: &str, path: &str, headers: &[&str], body: &[u8]) -> Answer {
        let mut head = format!(
            "{method} {path} HTTP/1.1\r\nHost: any\r\nConnection: close\r\n\
             Authorization: Bearer {}\r\n",
            self.token
        );
        for header in headers {
            head.push_str(header);
            head.push_str("\r\n");
        }
        if !body.is_empty() || method == "POST" {
            head.push_str(&format!("Content-Length: {}\r\n", body.len()));
        }
        head.push_str("\r\n");
        self.raw(&[head.as_bytes(), body].concat()).pop().unwrap()
    }

    fn get(&self, path: &str) -> Answer {
        self.ask("GET", path, &[], b"")
    }

    fn post(&self, path: &str, body: &Value) -> Answer {
        self.ask("POST", path, &[JSON], body.to_string().as_bytes())
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.stop.stop();
        if let Some(thread) = self.thread.take() {
            let ended = thread.join();
            if !std::thread::panicking() {
                ended.unwrap();
            }
        }
    }
}

#[derive(Clone, Debug)]
struct Answer {
    status: u16,
    headers: Vec<(String, String)>,
    body: Vec<u8>,
}

impl Answer {
    /// The first answer of these bytes, and what is behind it.
    fn parse(bytes: &[u8], of_head: bool) -> (Self, &[u8]) {
        let end = bytes.windows(4).position(|part| part == b"\r\n\r\n").unwrap();
        let head = std::str::from_utf8(&bytes[..end]).unwrap();
        let mut lines = head.split("\r\n");
        let status = lines.next().unwrap().split(' ').nth(1).unwrap().parse().unwrap();
        let headers = lines.map(|line| line.split_once(": ").unwrap());
        let headers: Vec<(String, String)> =
            headers.map(|(name, value)| (name.to_lowercase(), value.to_owned())).collect();
        let mut answer = Self { status, headers, body: Vec::new() };
        let rest = &bytes[end + 4..];
        let bodiless = of_head || status < 200 || status == 204 || status == 304;
        let (body, rest) = match answer.header("transfer-encoding") {
            _ if bodiless => (Vec::new(), rest),
            Some("chunked") => chunks(rest),
            _ => {
                let len =
                    answer.header("content-length").map_or(rest.len(), |n| n.parse().unwrap());
                (rest[..len].to_vec(), &rest[len..])
            }
        };
        answer.body = body;
        (answer, rest)
    }

    fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|header| header.0 == name).map(|header| header.1.as_str())
    }

    fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap_or_else(|_| panic!("no JSON: {self:?}"))
    }

    /// The code of a problem that has everything that a problem has.
    fn code(&self) -> String {
        assert_eq!(self.header("content-type"), Some("application/problem+json"), "{self:?}");
        assert_eq!(self.header("cache-control"), Some("no-store"));
        let problem = self.json();
        assert_eq!(problem["status"], self.status);
        assert_eq!(problem["requestId"], self.header("x-request-id").unwrap());
        let trace = self.header("traceparent").unwrap().split('-').nth(1).unwrap();
        assert_eq!(problem["traceId"], trace);
        assert!(!problem["errorMessage"].as_str().unwrap().contains(char::is_control));
        problem["errorCode"].as_str().unwrap().to_owned()
    }
}

fn chunks(mut rest: &[u8]) -> (Vec<u8>, &[u8]) {
    let mut body = Vec::new();
    loop {
        let end = rest.windows(2).position(|part| part == b"\r\n").unwrap();
        let len = usize::from_str_radix(std::str::from_utf8(&rest[..end]).unwrap(), 16).unwrap();
        body.extend_from_slice(&rest[end + 2..end + 2 + len]);
        rest = &rest[end + 2 + len + 2..];
        if len == 0 {
            return (body, rest);
        }
    }
}

const JSON: &str = "Content-Type: application/json";
const RECORDS: &str = "/v1/audit-logs";

fn record(actor: &str) -> Value {
    json!({
        "timestamp": "2026-11-21T09:30:00Z", "actor_type": "user", "actor_id": actor,
        "action": "READ_CHART", "facility_id": "f-1", "result": "success",
    })
}

#[test]
fn every_path_says_what_it_allows() {
    let server = Server::start();
    let document = document();
    for (path, item) in document["paths"].as_object().unwrap() {
        let methods: Vec<String> =
            item.as_object().unwrap().keys().map(|method| method.to_uppercase()).collect();
        let real = path.replace(['{', '}'], "");
        for method in ["DELETE", "PUT", "PATCH", "TRACE", "OPTIONS", "GET", "POST"] {
            if methods.iter().any(|known| known == method) {
                continue;
            }
            let answer = server.ask(method, &real, &[], b"");
            match method {
                "OPTIONS" => assert_eq!((answer.status, answer.body.len()), (204, 0), "{path}"),
                _ => assert_eq!(answer.code(), "REQUEST-405", "{method} {path}"),
            }
            let mut allowed: Vec<&str> = answer.header("allow").unwrap().split(',').collect();
            allowed.retain(|method| *method != "HEAD");
            allowed.sort_unstable();
            assert_eq!(allowed, methods, "{method} {path}");
        }
    }
    for method in ["GET", "POST", "OPTIONS"] {
        assert_eq!(server.ask(method, "/v1/nothing", &[], b"").code(), "REQUEST-404");
    }
}

#[test]
fn head_is_answered_as_get_without_the_body() {
    let server = Server::start();
    let created = server.post(RECORDS, &record("a")).json();
    let id = created["records"][0]["audit_id"].as_str().unwrap().to_owned();
    for path in [
        "/healthz",
        "/readyz",
        "/openapi.json",
        "/schemas/record.json",
        "/checkpoint",
        "/metrics",
        "/v1/audit-logs",
        "/v1/audit-logs/stats",
        "/v1/segments",
        "/v1/anchors",
        "/v1/proofs/inclusion?seq=0",
        "/v1/proofs/consistency?old=1",
        "/v1/proofs/consistency",
        "/v1/jobs/none",
        "/tile/0/000.p/1",
        "/v1/nothing",
        &format!("/v1/audit-logs/{id}"),
        &format!("/v1/audit-logs/{id}/history"),
    ] {
        let get = server.get(path);
        let head = server.ask("HEAD", path, &[], b"");
        assert_eq!((head.status, head.body.len()), (get.status, 0), "{path}");
        assert_eq!(head.header("content-type"), get.header("content-type"), "{path}");
        assert!(head.header("x-request-id").is_some(), "{path}");
    }
}

#[test]
fn the_examples_of_the_document_are_taken() {
    let server = Server::start();
    let document = document();
    let mut tried = 0;
    for (path, item) in document["paths"].as_object().unwrap() {
        let content = item["post"]["requestBody"]["content"].as_object();
        for (kind, media) in content.into_iter().flatten() {
            for (name, example) in media["examples"].as_object().unwrap() {
                let body = match &example["value"] {
                    Value::String(lines) => lines.clone(),
                    other => other.to_string(),
                };
                let kind = format!("Content-Type: {kind}");
                let answer = server.ask("POST", path, &[&kind], body.as_bytes());
                assert!((200..300).contains(&answer.status), "{path} {name}: {answer:?}");
                // A stream tells of refused lines in an answer of 200.
                let text = String::from_utf8_lossy(&answer.body).into_owned();
                let all_taken = name != "lines" || text.ends_with(",\"refused\":0}}\n");
                assert!(all_taken, "{path} {name}: {text}");
                tried += 1;
            }
        }
    }
    assert_eq!(tried, 6);
}

#[test]
fn forms_that_are_not_taken_are_refused() {
    let server = Server::start();
    let body = record("a").to_string();
    let post = |headers: &[&str]| server.ask("POST", RECORDS, headers, body.as_bytes());
    for kind in ["text/plain", "application/json; charset=latin1", "application/xml", "json"] {
        assert_eq!(post(&[&format!("Content-Type: {kind}")]).code(), "REQUEST-415-type", "{kind}");
    }
    assert_eq!(post(&[]).code(), "REQUEST-415-type");
    for encoding in ["br", "deflate", "gzip, br", "unheard-of"] {
        let answer = post(&[JSON, &format!("Content-Encoding: {encoding}")]);
        assert_eq!(answer.code(), "REQUEST-415-encoding", "{encoding}");
    }
    let broken = post(&[JSON, "Content-Encoding: gzip"]);
    assert_eq!(broken.code(), "REQUEST-400-body");
    for kind in ["application/json; charset=UTF-8", "Application/JSON", "application/json;x=y"] {
        let answer = post(&[&format!("Content-Type: {kind}"), "Content-Encoding: identity"]);
        assert_eq!(answer.status, 201, "{kind}");
    }
    for accept in ["image/png", "text/html", "application/json;q=0", "text/csv; q=0.0"] {
        let answer = server.ask("GET", RECORDS, &[&format!("Accept: {accept}")], b"");
        assert_eq!(answer.code(), "REQUEST-406", "{accept}");
    }
    for (accept, kind) in [
        ("text/html, */*;q=0.1", "application/json"),
        ("application/x-ndjson", "application/x-ndjson"),
        ("text/csv", "text/csv; charset=utf-8; header=present"),
    ] {
        let answer = server.ask("GET", RECORDS, &[&format!("Accept: {accept}")], b"");
        assert_eq!(answer.header("content-type"), Some(kind), "{accept}");
        assert_eq!(answer.header("cache-control"), Some("no-store"), "{accept}");
    }
}

#[test]
fn parameters_are_refused_by_name() {
    let server = Server::start();
    for query in [
        "actor_id=",
        "word=",
        "cursor=",
        "nothing=1",
        "limit=0",
        "limit=1001",
        "limit=5&limit=6",
        "from=2026-11-21",
        "from=2026-11-21T09:30:00Z&to=2026-11-21T09:30:00Z",
        "detail.=1",
        "pii_flag=yes",
        "=1",
    ] {
        let answer = server.get(&format!("{RECORDS}?{query}"));
        assert_eq!(answer.code(), "REQUEST-400-parameter", "{query}");
        let named = query.split('=').next().unwrap();
        assert_eq!(answer.json()["errors"][0]["parameter"], named, "{query}");
    }
    // A line break in a name is none in the message.
    assert_eq!(server.get(&format!("{RECORDS}?a%0D%0Ab=1")).code(), "REQUEST-400-parameter");
    assert_eq!(server.get(&format!("{RECORDS}?cursor=x")).code(), "REQUEST-400-cursor");
    let long = "x".repeat(17_000);
    assert_eq!(server.get(&format!("{RECORDS}?actor_id={long}")).code(), "REQUEST-414");
    for path in ["/v1/segments?a=1", "/checkpoint?a=1", "/v1/proofs/inclusion?seq=0&a=1"] {
        assert_eq!(server.get(path).code(), "REQUEST-400-parameter", "{path}");
    }
    // A plus that became a space is one again.
    let answer = server.get(&format!("{RECORDS}?from=2026-11-21T09:30:00+09:00&limit=1"));
    assert_eq!(answer.status, 200);
}

#[test]
fn trees_that_are_not_there_are_not_found() {
    let server = Server::start();
    server.post(RECORDS, &record("a"));
    for path in [
        "/v1/proofs/inclusion?seq=1000000",
        "/v1/proofs/inclusion?seq=0&size=1000000",
        "/v1/proofs/consistency?old=1&new=1000000",
        "/v1/proofs/consistency?old=1000000",
    ] {
        assert_eq!(server.get(path).code(), "REQUEST-404", "{path}");
    }
    for path in [
        "/v1/proofs/inclusion",
        "/v1/proofs/inclusion?seq=-1",
        "/v1/proofs/inclusion?seq=0&size=0",
        "/v1/proofs/consistency?old=0",
        "/v1/proofs/consistency?old=2&new=1",
        "/v1/proofs/consistency?old=9223372036854775808",
    ] {
        assert_eq!(server.get(path).code(), "REQUEST-400-parameter", "{path}");
    }
    let part = json!({"first_seq": 1_000_000, "last_seq": 1_000_001});
    let answer = server.post("/v1/audit-logs/integrity-check", &part);
    assert_eq!(answer.code(), "REQUEST-404");
}

#[test]
fn ids_are_found_in_either_case() {
    let server = Server::start();
    let mut sent = record("a");
    sent["audit_id"] = json!("018F4E9A-7C3B-7D2E-9A51-3C6F0B8E2D14");
    assert_eq!(server.post(RECORDS, &sent).status, 201);
    for id in ["018F4E9A-7C3B-7D2E-9A51-3C6F0B8E2D14", "018f4e9a-7c3b-7d2e-9a51-3c6f0b8e2d14"] {
        let answer = server.get(&format!("{RECORDS}/{id}"));
        assert_eq!(answer.json()["record"]["audit_id"], id.to_lowercase());
        assert_eq!(server.get(&format!("{RECORDS}/{id}/history")).status, 200);
    }
    assert_eq!(server.get(&format!("{RECORDS}/no-id")).code(), "REQUEST-404");
}

#[test]
fn answers_are_compressed_where_that_is_asked() {
    let server = Server::start();
    for _ in 0..20 {
        assert_eq!(server.post(RECORDS, &record("packed")).status, 201);
    }
    let path = format!("{RECORDS}?actor_id=packed");
    let plain = server.get(&path);
    assert_eq!(plain.header("content-encoding"), None);
    for (accept, encoding, magic) in [
        ("gzip", "gzip", &b"\x1f\x8b"[..]),
        ("zstd", "zstd", &b"\x28\xb5\x2f\xfd"[..]),
        ("br, gzip;q=0.5", "gzip", &b"\x1f\x8b"[..]),
    ] {
        let header = format!("Accept-Encoding: {accept}");
        let answer = server.ask("GET", &path, &[&header], b"");
        assert_eq!(answer.header("content-encoding"), Some(encoding), "{accept}");
        assert!(answer.header("vary").unwrap().to_lowercase().contains("accept-encoding"));
        assert!(answer.body.starts_with(magic), "{accept}");
        assert!(answer.body.len() < plain.body.len(), "{accept}");
        // What anybody may have is not: a compressor is memory. Its strong tag stays.
        let public = server.ask("GET", "/openapi.json", &[&header], b"");
        assert_eq!(public.header("content-encoding"), None);
        assert!(public.header("etag").unwrap().starts_with('"'));
    }
    let unknown = server.ask("GET", &path, &["Accept-Encoding: br"], b"");
    assert_eq!(unknown.body, plain.body);
}

#[test]
fn bodies_may_be_compressed() {
    let server = Server::start();
    let zstd = |data: &[u8]| zstd::bulk::compress(data, 3).unwrap();
    for (encoding, packed) in [("gzip", &gzip as &dyn Fn(&[u8]) -> Vec<u8>), ("zstd", &zstd)] {
        for (kind, lines) in [(JSON, false), ("Content-Type: application/x-ndjson", true)] {
            let actor = format!("{encoding}-{lines}");
            let records = vec![record(&actor).to_string(); 100];
            let body = match lines {
                true => records.join("\n"),
                false => format!("[{}]", records.join(",")),
            };
            let encoded = format!("Content-Encoding: {encoding}");
            let answer = server.ask("POST", RECORDS, &[kind, &encoded], &packed(body.as_bytes()));
            assert_eq!(answer.status, if lines { 200 } else { 201 }, "{actor}: {answer:?}");
            let found = server.get(&format!("{RECORDS}?limit=1000&actor_id={actor}")).json();
            assert_eq!(found["records"].as_array().unwrap().len(), 100, "{actor}");
        }
    }
}

/// RFC 1952, with one stored block.
fn gzip(data: &[u8]) -> Vec<u8> {
    let mut crc = !0_u32;
    for byte in data {
        crc ^= u32::from(*byte);
        for _ in 0..8 {
            crc = if crc & 1 == 1 { crc >> 1 ^ 0xedb8_8320 } else { crc >> 1 };
        }
    }
    let len = u16::try_from(data.len()).unwrap();
    let mut out = b"\x1f\x8b\x08\0\0\0\0\0\0\xff\x01".to_vec();
    out.extend_from_slice(&len.to_le_bytes());
    out.extend_from_slice(&(!len).to_le_bytes());
    out.extend_from_slice(data);
    out.extend_from_slice(&(!crc).to_le_bytes());
    out.extend_from_slice(&u32::from(len).to_le_bytes());
    out
}

#[test]
fn what_does_not_change_has_a_tag() {
    let server = Server::start();
    for path in ["/openapi.json", "/schemas/record.json"] {
        let first = server.get(path);
        let tag = first.header("etag").unwrap().to_owned();
        assert!(tag.starts_with('"') && tag.ends_with('"') && tag.len() == 34, "{tag}");
        for known in [tag.clone(), format!("\"other\", {tag}"), format!("W/{tag}"), "*".into()] {
            let header = format!("If-None-Match: {known}");
            let again = server.ask("GET", path, &[&header], b"");
            assert_eq!((again.status, again.body.len()), (304, 0), "{path} {known}");
            assert_eq!(again.header("etag"), Some(tag.as_str()));
        }
        let other = server.ask("GET", path, &["If-None-Match: \"other\""], b"");
        assert_eq!(other.body, first.body);
    }
    let schema = server.get("/schemas/record.json").json();
    assert_eq!(schema["$schema"], "https://json-schema.org/draft/2020-12/schema");
}

#[test]
fn who_may_not_is_told_how() {
    let server = Server::start();
    let document = document();
    for (path, item) in document["paths"].as_object().unwrap() {
        for (method, operation) in item.as_object().unwrap() {
            if operation["security"].is_array() {
                continue;
            }
            let path = path.replace(['{', '}'], "");
            let method = method.to_uppercase();
            let request =
                format!("{method} {path} HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n");
            let answer = server.raw(request.as_bytes()).pop().unwrap();
            assert_eq!(answer.code(), "AUTH-401", "{method} {path}");
            assert_eq!(answer.header("www-authenticate"), Some("Bearer"), "{method} {path}");
        }
    }
}

#[test]
fn ids_of_requests_are_kept_where_they_can_be() {
    let server = Server::start();
    let given = "x-request-id: order-66:a.b_c";
    assert_eq!(
        server.ask("GET", "/healthz", &[given], b"").header("x-request-id"),
        Some("order-66:a.b_c")
    );
    for wrong in ["x-request-id: a b", "x-request-id: {}"] {
        let answer = server.ask("GET", "/healthz", &[wrong], b"");
        assert_eq!(answer.status, 200);
        assert_ne!(answer.header("x-request-id"), wrong.split_once(": ").map(|parts| parts.1));
    }
}

#[test]
fn bodies_come_as_clients_send_them() {
    let server = Server::start();
    let body = record("a").to_string();
    let head = |lines: &str| {
        format!(
            "POST {RECORDS} HTTP/1.1\r\nHost: a\r\nConnection: close\r\n{JSON}\r\n\
             Authorization: Bearer {}\r\n{lines}\r\n\r\n",
            server.token
        )
    };
    let (first, second) = body.split_at(20);
    let chunked =
        format!("{:x}\r\n{first}\r\n{:X};x=y\r\n{second}\r\n0\r\n\r\n", first.len(), second.len());
    let request = head("Transfer-Encoding: chunked") + &chunked;
    assert_eq!(server.raw(request.as_bytes()).pop().unwrap().status, 201);
    let upgrade =
        format!("Content-Length: {}\r\nUpgrade: h2c\r\nHTTP2-Settings: AAMAAABk", body.len());
    let request = head(&upgrade) + &body;
    assert_eq!(server.raw(request.as_bytes()).pop().unwrap().status, 201);
    let expect = format!("Content-Length: {}\r\nExpect: 100-continue", body.len());
    let answers = server.raw((head(&expect) + &body).as_bytes());
    assert_eq!(answers.last().unwrap().status, 201);
}

#[test]
fn a_client_that_waits_is_told_to_continue() {
    let server = Server::start();
    let body = record("a").to_string();
    let mut stream = TcpStream::connect(server.address).unwrap();
    stream.set_read_timeout(Some(Duration::from_secs(60))).unwrap();
    let head = format!(
        "POST {RECORDS} HTTP/1.1\r\nHost: a\r\nConnection: close\r\n{JSON}\r\n\
         Authorization: Bearer {}\r\nContent-Length: {}\r\nExpect: 100-continue\r\n\r\n",
        server.token,
        body.len()
    );
    stream.write_all(head.as_bytes()).unwrap();
    let mut interim = [0; 25];
    stream.read_exact(&mut interim).unwrap();
    assert_eq!(&interim, b"HTTP/1.1 100 Continue\r\n\r\n");
    stream.write_all(body.as_bytes()).unwrap();
    let mut rest = Vec::new();
    stream.read_to_end(&mut rest).unwrap();
    assert_eq!(Answer::parse(&rest, false).0.status, 201);
}

#[test]
fn a_body_that_is_too_long_is_answered_while_it_is_sent() {
    let server = Server::start();
    // More than the server reads of it before it answers.
    let body = vec![b' '; 17 << 20];
    let mut stream = TcpStream::connect(server.address).unwrap();
    stream.set_read_timeout(Some(Duration::from_secs(60))).unwrap();
    let head = format!(
        "POST {RECORDS} HTTP/1.1\r\nHost: a\r\nConnection: close\r\n{JSON}\r\n\
         Authorization: Bearer {}\r\nContent-Length: {}\r\n\r\n",
        server.token,
        body.len()
    );
    stream.write_all(head.as_bytes()).unwrap();
    // A client that stops once the server does not read any more.
    stream.set_write_timeout(Some(Duration::from_secs(60))).unwrap();
    stream.write_all(&body[..1 << 20]).unwrap();
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer).unwrap();
    assert_eq!(Answer::parse(&answer, false).0.code(), "REQUEST-413-length");
    assert_eq!(server.get("/healthz").status, 200);
}
