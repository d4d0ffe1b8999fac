//! Frames of HTTP/2, laid out by hand.

use std::io::Read;
use std::time::Duration;

use crate::harness::{Client, Server};
use crate::{assert_memory, assert_serves, memory};

/// The frames of a flood, by number.
type Next<'f> = &'f dyn Fn(u32) -> Vec<u8>;

const DATA: u8 = 0;
const HEADERS: u8 = 1;
const RESET: u8 = 3;
const SETTINGS: u8 = 4;
const PING: u8 = 6;
const CONTINUATION: u8 = 9;
const END_STREAM: u8 = 1;
const END_HEADERS: u8 = 4;

fn frame(kind: u8, flags: u8, stream: u32, payload: &[u8]) -> Vec<u8> {
    let len = u32::try_from(payload.len()).unwrap().to_be_bytes();
    [&len[1..], &[kind, flags], &stream.to_be_bytes(), payload].concat()
}

/// `GET` of a path, without Huffman codes.
fn get(path: &str) -> Vec<u8> {
    let mut block = vec![0x82, 0x86, 0x41, 1, b'l', 0x04, u8::try_from(path.len()).unwrap()];
    block.extend_from_slice(path.as_bytes());
    block
}

/// A connection whose streams start with a window of so many bytes.
fn open(server: &Server, window: u32) -> Client {
    let mut client = server.connect();
    client.send(b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n");
    let setting = [&[0, 4][..], &window.to_be_bytes()].concat();
    client.send(&frame(SETTINGS, 0, 0, &setting));
    client
}

#[test]
fn a_request_is_answered() {
    let server = Server::start(|_| {});
    let mut client = open(&server, 1 << 16);
    client.send(&frame(HEADERS, END_STREAM | END_HEADERS, 1, &get("/healthz")));
    let mut came = Vec::new();
    while !came.windows(11).any(|window| window == b"{\"ok\":true}") {
        let mut part = [0; 4096];
        let len = client.stream().read(&mut part).unwrap();
        assert_ne!(len, 0);
        came.extend_from_slice(&part[..len]);
    }
}

/// Answers that wait for a window of none were held for ever, each with a compressor of its own.
#[test]
fn streams_without_a_window_end_and_cost_little() {
    let server = Server::start(|settings| {
        settings.client_patience = Duration::from_secs(1);
        settings.connections_max = 4;
    });
    let before = memory();
    let mut block = get("/docs/swagger-ui-bundle.js");
    // accept-encoding: zstd
    block.extend_from_slice(&[0x0f, 1, 4]);
    block.extend_from_slice(b"zstd");
    let mut clients: Vec<Client> = (0..4).map(|_| open(&server, 0)).collect();
    for client in &mut clients {
        for stream in 0..120 {
            client.send(&frame(HEADERS, END_STREAM | END_HEADERS, stream * 2 + 1, &block));
        }
    }
    assert_serves(&server);
    assert_memory(before, 64, "480 streams without a window");
}

#[test]
fn floods_end_the_connection() {
    let server = Server::start(|settings| settings.client_patience = Duration::from_secs(2));
    let before = memory();
    let request = get("/v1/audit-logs");
    let cancel = 8_u32.to_be_bytes();
    let rapid = |number: u32| {
        let stream = number * 2 + 1;
        let headers = frame(HEADERS, END_STREAM | END_HEADERS, stream, &request);
        [headers, frame(RESET, 0, stream, &cancel)].concat()
    };
    let unended = |number: u32| {
        let first = if number == 0 { frame(HEADERS, 0, 1, &request) } else { Vec::new() };
        let more: Vec<u8> = [&[0x00, 1, b'x', 0x7e][..], &[b'y'; 126]].concat();
        [first, frame(CONTINUATION, 0, 1, &more.repeat(100))].concat()
    };
    let many = |number: u32| frame(HEADERS, END_HEADERS, number * 2 + 1, &request);
    let pings = |_: u32| frame(PING, 0, 0, &[7; 8]);
    let settings = |_: u32| frame(SETTINGS, 0, 0, &[0, 4, 0, 0, 0, 1]);
    let empty = |number: u32| match number {
        0 => frame(HEADERS, END_HEADERS, 1, &request),
        _ => frame(DATA, 0, 1, &[]),
    };
    let floods: [(&str, Next<'_>); 6] = [
        ("requests that are taken back", &rapid),
        ("a head without an end", &unended),
        ("requests that go on", &many),
        ("pings", &pings),
        ("settings", &settings),
        ("empty data", &empty),
    ];
    for (what, next) in floods {
        let mut client = open(&server, 1 << 16);
        client.stream().set_write_timeout(Some(Duration::from_secs(10))).unwrap();
        // Until the server closes, or takes no more.
        let sent = (0..50_000).take_while(|number| client.send(&next(*number))).count();
        println!("{what}: {sent} frames");
        assert_serves(&server);
        assert_memory(before, 64, what);
    }
}

#[test]
fn nonsense_is_no_crash() {
    let server = Server::start(|settings| settings.client_patience = Duration::from_secs(1));
    for (kind, flags, stream, payload) in [
        (HEADERS, END_HEADERS, 0, get("/")),
        (HEADERS, END_HEADERS, 2, get("/")),
        (HEADERS, END_HEADERS, 1, vec![0xff; 200]),
        (HEADERS, END_HEADERS, 1, vec![0x80]),
        (DATA, 0, 9, vec![0; 10]),
        (SETTINGS, 0, 0, vec![0; 5]),
        (RESET, 0, 0, vec![0; 4]),
        (PING, 0, 0, vec![0; 7]),
        (CONTINUATION, 0, 1, vec![0; 7]),
        (77, 0xff, 1, vec![0; 100]),
    ] {
        let mut client = open(&server, 100);
        client.send(&frame(kind, flags, stream, &payload));
        client.send(&[0xff; 64]);
        client.finish();
        client.rest();
    }
    assert_serves(&server);
}
