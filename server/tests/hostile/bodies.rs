//! Bodies that are too long, too deep, or become so.

use serde_json::json;

use crate::harness::{Server, request};
use crate::{assert_memory, assert_serves, line, memory};

const LEN_MAX: usize = 1 << 20;

fn small() -> Server {
    Server::start(|settings| settings.ingest.body_len_max = LEN_MAX)
}

fn posted(server: &Server, path: &str, headers: &[(&str, &str)], body: &[u8]) -> (u16, String) {
    let token = server.token_of_all();
    let kind = [("content-type", "application/json")];
    let kind =
        if headers.iter().any(|(name, _)| *name == "content-type") { &[][..] } else { &kind };
    let headers = [kind, headers].concat();
    let answer = server.ask(&request("POST", path, Some(&token), &headers, body));
    (answer.status, answer.text())
}

/// Zstandard frames of 128 KiB blocks that repeat one byte: 4 bytes each.
fn zstd_bomb(blocks: usize, window: u8) -> Vec<u8> {
    let mut bomb = vec![0x28, 0xb5, 0x2f, 0xfd, 0x00, window];
    let size = 128 << 10;
    for number in 1..=blocks {
        let header: u32 = u32::from(number == blocks) | 1 << 1 | size << 3;
        bomb.extend_from_slice(&header.to_le_bytes()[..3]);
        bomb.push(b' ');
    }
    bomb
}

/// Deflate with fixed codes: one blank, then matches of 258 bytes.
fn gzip_bomb(matches: usize) -> Vec<u8> {
    let mut bomb = vec![0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 255];
    let (mut bits, mut len) = (0_u64, 0);
    let mut put = |value: u64, count: u32, reversed: bool| {
        for at in 0..count {
            let at = if reversed { count - 1 - at } else { at };
            bits |= (value >> at & 1) << len;
            len += 1;
            if len == 8 {
                bomb.push(u8::try_from(bits).unwrap());
                (bits, len) = (0, 0);
            }
        }
    };
    put(1, 1, false);
    put(1, 2, false);
    put(0x30 + u64::from(b' '), 8, true);
    for _ in 0..matches {
        put(0b1100_0101, 8, true);
        put(0, 5, true);
    }
    put(0, 7, true);
    put(0, 7, false);
    bomb
}

#[test]
fn too_long_is_413_however_it_comes() {
    let server = small();
    let before = memory();
    let long = vec![b' '; LEN_MAX + 1];
    let (status, text) = posted(&server, "/v1/audit-logs", &[], &long);
    assert_eq!(status, 413, "{text}");
    let token = server.token_of_all();
    let head = format!(
        "POST /v1/audit-logs HTTP/1.1\r\nhost: l\r\nauthorization: Bearer {token}\r\n\
         content-type: application/json\r\n"
    );
    // Announced and not sent.
    let answer = server.ask(format!("{head}content-length: 99999999999\r\n\r\n").as_bytes());
    assert_eq!(answer.status, 413);
    // Never announced.
    let mut client = server.connect();
    client.send(format!("{head}transfer-encoding: chunked\r\n\r\n").as_bytes());
    let chunk = [b"10000\r\n".as_slice(), &[b' '; 65536], b"\r\n"].concat();
    for _ in 0..17 {
        client.send(&chunk);
    }
    assert_eq!(client.answer().status, 413);
    // Where it waits to be told to send, it is told not to.
    let answer = server
        .ask(format!("{head}content-length: 2000000\r\nexpect: 100-continue\r\n\r\n").as_bytes());
    assert_eq!(answer.status, 413);
    for path in ["/v1/audit-logs/search", "/v1/audit-logs/integrity-check"] {
        assert_eq!(posted(&server, path, &[], &long[..300 << 10]).0, 413);
    }
    assert_memory(before, 48, "too long bodies");
    assert_serves(&server);
}

#[test]
fn bombs_stop_at_the_limit() {
    let server = small();
    let before = memory();
    // 2 GiB each; the last two ask for windows of 128 MiB and of 2 GiB.
    let bombs = [
        ("zstd", zstd_bomb(16 << 10, 0x38)),
        ("zstd", zstd_bomb(16 << 10, 0x88)),
        ("zstd", zstd_bomb(16 << 10, 0xa8)),
        ("gzip", gzip_bomb(8 << 20)),
    ];
    for (encoding, bomb) in &bombs {
        for (kind, expected) in [("application/json", 413), ("application/x-ndjson", 413)] {
            let headers = [("content-encoding", *encoding), ("content-type", kind)];
            for path in ["/v1/audit-logs", "/v1/audit-logs/search"] {
                let (status, text) = posted(&server, path, &headers, bomb);
                let refused = status == expected || [400, 415].contains(&status);
                assert!(refused, "{encoding} {kind} {path}: {status} {text}");
            }
        }
    }
    for (encoding, body) in [("gzip", b"no gzip".as_slice()), ("zstd", b"no zstd"), ("zstd", b"")] {
        let (status, text) =
            posted(&server, "/v1/audit-logs", &[("content-encoding", encoding)], body);
        assert_eq!(status, 400, "{encoding}: {text}");
    }
    for encoding in ["br", "deflate", "gzip, gzip", "gzip, zstd", "x"] {
        let (status, _) =
            posted(&server, "/v1/audit-logs", &[("content-encoding", encoding)], b"x");
        assert_eq!(status, 415, "{encoding}");
    }
    assert_memory(before, 64, "bombs");
    assert_serves(&server);
}

#[test]
fn what_was_compressed_is_taken() {
    let server = small();
    let text = line("packed");
    // One raw block of a Zstandard frame.
    let len = u32::try_from(text.len()).unwrap();
    let mut packed = vec![0x28, 0xb5, 0x2f, 0xfd, 0x00, 0x38];
    packed.extend_from_slice(&(1 | len << 3).to_le_bytes()[..3]);
    packed.extend_from_slice(text.as_bytes());
    let (status, text) =
        posted(&server, "/v1/audit-logs", &[("content-encoding", "zstd")], &packed);
    assert_eq!(status, 201, "{text}");
}

#[test]
fn depth_costs_nothing() {
    let server = small();
    let before = memory();
    for depth in [65, 129, 10_000, 200_000] {
        for (open, close) in [("[", "]"), ("{\"a\":", "}")] {
            let nest = format!("{}1{}", open.repeat(depth), close.repeat(depth));
            let mut record = line("deep");
            record.truncate(record.len() - 1);
            let record = format!("{record},\"detail\":{{\"a\":{nest}}}}}");
            let bodies = [nest.clone(), open.repeat(depth), record, format!("[{nest}]")];
            for body in bodies.iter().filter(|body| body.len() < LEN_MAX) {
                for path in
                    ["/v1/audit-logs", "/v1/audit-logs/search", "/v1/audit-logs/integrity-check"]
                {
                    let (status, text) = posted(&server, path, &[], body.as_bytes());
                    assert!([400, 413, 422].contains(&status), "{depth} {path}: {status} {text}");
                }
                let kind = [("content-type", "application/x-ndjson")];
                let (status, text) = posted(&server, "/v1/audit-logs", &kind, body.as_bytes());
                assert_eq!(status, 200, "{text}");
                assert!(text.contains("\"accepted\":0"), "{text}");
            }
        }
    }
    assert_memory(before, 48, "deep JSON");
    assert_serves(&server);
}

#[test]
fn many_small_things_are_as_bounded_as_one_large() {
    let server = small();
    let before = memory();
    let empty = format!("[{}]", vec!["{}"; 200_000].join(","));
    let blank = "\n".repeat(LEN_MAX - 1);
    let members: Vec<String> = (0..50_000).map(|n| format!("\"m{n}\":0")).collect();
    let members = format!("{{{}}}", members.join(","));
    let values = json!({"actor_id": vec!["a"; 50_000]}).to_string();
    for (path, kind, body, expected) in [
        ("/v1/audit-logs", "application/json", &empty, [413, 422]),
        ("/v1/audit-logs", "application/json", &members, [422, 422]),
        ("/v1/audit-logs/search", "application/json", &members, [400, 413]),
        ("/v1/audit-logs/search", "application/json", &values, [400, 413]),
        ("/v1/audit-logs", "application/x-ndjson", &blank, [200, 200]),
    ] {
        let (status, text) = posted(&server, path, &[("content-type", kind)], body.as_bytes());
        assert!(expected.contains(&status), "{path}: {status} {text}");
        assert!(text.len() < 256 << 10, "{path}: an answer of {} bytes", text.len());
    }
    assert_memory(before, 64, "many small things");
    assert_serves(&server);
}
