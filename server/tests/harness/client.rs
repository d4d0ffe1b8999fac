//! A client of HTTP/1.1 that sends the bytes it is given.

use std::io::{Read, Write};
use std::net::{Shutdown, SocketAddr, TcpStream};
use std::time::Duration;

use serde_json::Value;

/// Nothing in a test takes longer to arrive.
const PATIENCE: Duration = Duration::from_secs(60);

/// An answer, as it came.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub(crate) struct Answer {
    /// Its status; 0 where the connection ended before one came.
    pub(crate) status: u16,
    /// Names in lower case, in order.
    pub(crate) headers: Vec<(String, String)>,
    pub(crate) body: Vec<u8>,
    /// Whether it came to the end that it announced.
    pub(crate) whole: bool,
}

impl Answer {
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(known, _)| known == name).map(|(_, value)| value.as_str())
    }

    pub(crate) fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }

    pub(crate) fn json(&self) -> Value {
        let text = self.text();
        serde_json::from_str(&text).unwrap_or_else(|e| panic!("{e}: {} {text}", self.status))
    }

    /// Everything that came, as one text.
    pub(crate) fn everything(&self) -> String {
        let mut all = String::new();
        for (name, value) in &self.headers {
            all.push_str(&format!("{name}: {value}\n"));
        }
        all + &self.text()
    }
}

/// The bytes of a request.
pub(crate) fn request(
    method: &str,
    path: &str,
    token: Option<&str>,
    headers: &[(&str, &str)],
    body: &[u8],
) -> Vec<u8> {
    let mut text = format!("{method} {path} HTTP/1.1\r\nhost: localhost\r\n");
    if let Some(token) = token {
        text.push_str(&format!("authorization: Bearer {token}\r\n"));
    }
    for (name, value) in headers {
        text.push_str(&format!("{name}: {value}\r\n"));
    }
    if !body.is_empty() || method == "POST" {
        text.push_str(&format!("content-length: {}\r\n", body.len()));
    }
    text.push_str("\r\n");
    [text.as_bytes(), body].concat()
}

/// A connection.
pub(crate) struct Client {
    stream: TcpStream,
    /// What came and was not looked at yet.
    came: Vec<u8>,
    ended: bool,
}

impl Client {
    pub(crate) fn connect(address: SocketAddr) -> Self {
        let stream = TcpStream::connect_timeout(&address, PATIENCE).unwrap();
        stream.set_read_timeout(Some(PATIENCE)).unwrap();
        stream.set_write_timeout(Some(PATIENCE)).unwrap();
        stream.set_nodelay(true).unwrap();
        Self { stream, came: Vec::new(), ended: false }
    }

    /// Sends; a server that closed already is no error here.
    pub(crate) fn send(&mut self, bytes: &[u8]) -> bool {
        self.stream.write_all(bytes).is_ok()
    }

    /// Says that nothing more is sent.
    pub(crate) fn finish(&self) {
        let _ = self.stream.shutdown(Shutdown::Write);
    }

    pub(crate) fn stream(&self) -> &TcpStream {
        &self.stream
    }

    /// Everything until the other side closes.
    pub(crate) fn rest(&mut self) -> Vec<u8> {
        while self.more() {}
        std::mem::take(&mut self.came)
    }

    /// The next answer.
    pub(crate) fn answer(&mut self) -> Answer {
        self.answer_to("GET")
    }

    /// The next answer, to a request with this method.
    pub(crate) fn answer_to(&mut self, method: &str) -> Answer {
        loop {
            let Some(head) = self.until(b"\r\n\r\n") else { return Answer::default() };
            let mut answer = parse_head(&head);
            if answer.status / 100 == 1 {
                continue;
            }
            let empty = method == "HEAD" || answer.status == 204 || answer.status == 304;
            answer.whole = true;
            if !empty {
                self.body(&mut answer);
            }
            return answer;
        }
    }

    fn body(&mut self, answer: &mut Answer) {
        if answer.header("transfer-encoding") == Some("chunked") {
            loop {
                let Some(line) = self.until(b"\r\n") else { return answer.whole = false };
                let text = String::from_utf8(line).unwrap();
                let len = usize::from_str_radix(text.trim(), 16).unwrap();
                let Some(chunk) = self.exactly(len + 2) else { return answer.whole = false };
                answer.body.extend_from_slice(&chunk[..len]);
                if len == 0 {
                    return;
                }
            }
        }
        let len = answer.header("content-length").map(|len| len.parse().unwrap());
        match len {
            Some(len) => match self.exactly(len) {
                Some(body) => answer.body = body,
                None => answer.whole = false,
            },
            None => answer.body = self.rest(),
        }
    }

    fn until(&mut self, end: &[u8]) -> Option<Vec<u8>> {
        loop {
            if let Some(at) = self.came.windows(end.len()).position(|window| window == end) {
                let rest = self.came.split_off(at + end.len());
                return Some(std::mem::replace(&mut self.came, rest));
            }
            if !self.more() {
                return None;
            }
        }
    }

    fn exactly(&mut self, len: usize) -> Option<Vec<u8>> {
        while self.came.len() < len {
            if !self.more() {
                return None;
            }
        }
        let rest = self.came.split_off(len);
        Some(std::mem::replace(&mut self.came, rest))
    }

    /// Reads once; false where nothing comes any more.
    fn more(&mut self) -> bool {
        let mut part = [0; 65_536];
        if self.ended {
            return false;
        }
        match self.stream.read(&mut part) {
            Ok(0) => self.ended = true,
            Ok(len) => self.came.extend_from_slice(&part[..len]),
            Err(error) => {
                let kind = error.kind();
                let late = [std::io::ErrorKind::WouldBlock, std::io::ErrorKind::TimedOut];
                assert!(!late.contains(&kind), "nothing came for {PATIENCE:?}");
                self.ended = true;
            }
        }
        !self.ended
    }
}

fn parse_head(head: &[u8]) -> Answer {
    let text = String::from_utf8_lossy(head);
    let mut lines = text.trim_end().split("\r\n");
    let status = lines.next().and_then(|line| line.split(' ').nth(1)).unwrap();
    let header = |line: &str| {
        let (name, value) = line.split_once(':').unwrap();
        (name.to_ascii_lowercase(), value.trim().to_owned())
    };
    let headers = lines.map(header).collect();
    Answer { status: status.parse().unwrap(), headers, ..Answer::default() }
}
