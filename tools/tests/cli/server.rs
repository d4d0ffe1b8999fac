//! Servers to speak to: the real one in a process of its own, and ones that answer as a test says.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicU16, Ordering};
use std::sync::{Arc, Mutex};
use std::thread;

use crate::support::Place;

/// `shoseki serve` on a free port; it ends with the value.
pub(crate) struct Server {
    child: Child,
    pub(crate) url: String,
}

impl Server {
    pub(crate) fn of(place: &Place) -> Self {
        Self::with(place, &[])
    }

    /// With more arguments.
    pub(crate) fn with(place: &Place, more: &[&str]) -> Self {
        let mut command = place.command(more);
        command.args(["serve", "--listen", "127.0.0.1:0"]);
        let mut child = command.stderr(Stdio::piped()).spawn().expect("started");
        let mut errors = BufReader::new(child.stderr.take().expect("a pipe"));
        let mut seen = String::new();
        let url = loop {
            let mut line = String::new();
            let len = errors.read_line(&mut line).expect("readable");
            seen.push_str(&line);
            assert!(len > 0, "the server does not listen: {seen}");
            if let Some(url) = line.trim().strip_prefix("listening on ") {
                break url.to_owned();
            }
        };
        // Read on, so that it never waits for whoever reads its log.
        thread::spawn(move || drop(errors.read_to_end(&mut Vec::new())));
        Self { child, url }
    }

    /// Has it end in order, so that everything is there for readers beside it.
    pub(crate) fn end(mut self) {
        let pid = self.child.id().to_string();
        let told = Command::new("kill").arg(pid).status().expect("told");
        assert!(told.success() && self.child.wait().expect("ended").success());
    }

    /// Its port of loopback.
    pub(crate) fn port(&self) -> u16 {
        let (_, port) = self.url.rsplit_once(':').expect("a port");
        port.parse().expect("a number")
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// A server that answers each request as it is told, one connection after the other. It goes on
/// until the process of the tests ends.
pub(crate) fn fake(mut answer: impl FnMut(&Asked) -> String + Send + 'static) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let url = format!("http://{}", listener.local_addr().expect("an address"));
    thread::spawn(move || {
        for stream in listener.incoming() {
            let mut stream = stream.expect("a connection");
            while let Some(asked) = read(&mut stream) {
                let text = answer(&asked);
                if text.is_empty() || stream.write_all(text.as_bytes()).is_err() {
                    break;
                }
            }
        }
    });
    url
}

/// A request.
pub(crate) struct Asked {
    pub(crate) target: String,
    pub(crate) head: String,
    pub(crate) body: String,
}

/// An answer with a body.
pub(crate) fn answer(status: &str, kind: &str, body: &str) -> String {
    let len = body.len();
    format!("HTTP/1.1 {status}\r\ncontent-type: {kind}\r\ncontent-length: {len}\r\n\r\n{body}")
}

fn read(stream: &mut TcpStream) -> Option<Asked> {
    let mut text = Vec::new();
    let mut byte = [0];
    while !text.ends_with(b"\r\n\r\n") {
        if stream.read(&mut byte).ok()? == 0 {
            return None;
        }
        text.push(byte[0]);
    }
    let head = String::from_utf8(text).expect("text");
    let len = head.lines().find_map(|line| line.strip_prefix("content-length: "));
    let mut body = vec![0; len.map_or(0, |len| len.parse().expect("a number"))];
    stream.read_exact(&mut body).ok()?;
    let target = head.split(' ').nth(1).expect("a target").to_owned();
    Some(Asked { target, head, body: String::from_utf8(body).expect("text") })
}

/// In front of a server: of each connection, so many bytes of the answer pass before both sides are
/// cut; the last number holds for all that follow.
pub(crate) fn cutting(port: u16, limits: &'static [usize]) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let url = format!("http://{}", listener.local_addr().expect("an address"));
    thread::spawn(move || {
        for (number, client) in listener.incoming().enumerate() {
            let limit = limits[number.min(limits.len() - 1)];
            let client = client.expect("a connection");
            let server = TcpStream::connect(("127.0.0.1", port)).expect("the server");
            let mut up = (client.try_clone().expect("its other half"), server.try_clone());
            thread::spawn(move || {
                let to = up.1.as_mut().expect("its other half");
                drop(std::io::copy(&mut up.0, to));
            });
            thread::spawn(move || {
                let mut down = (&server).take(u64::try_from(limit).expect("small"));
                drop(std::io::copy(&mut down, &mut &client));
                let _ = client.shutdown(std::net::Shutdown::Both);
                let _ = server.shutdown(std::net::Shutdown::Both);
            });
        }
    });
    url
}

/// In front of servers that come and go: connections are passed on to the port that stands there.
/// Where nobody listens, they are cut.
pub(crate) fn forwarding(first: u16) -> (String, Arc<AtomicU16>) {
    let port = Arc::new(AtomicU16::new(first));
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let url = format!("http://{}", listener.local_addr().expect("an address"));
    let to = Arc::clone(&port);
    thread::spawn(move || {
        for client in listener.incoming() {
            let client = client.expect("a connection");
            let Ok(server) = TcpStream::connect(("127.0.0.1", to.load(Ordering::SeqCst))) else {
                continue;
            };
            for (mut from, to) in [(&client, &server), (&server, &client)]
                .map(|(a, b)| (a.try_clone().expect("a half"), b.try_clone().expect("a half")))
            {
                thread::spawn(move || {
                    drop(std::io::copy(&mut from, &mut &to));
                    let _ = to.shutdown(std::net::Shutdown::Both);
                });
            }
        }
    });
    (url, port)
}

/// In front of a server: what clients sent, beside what they are answered.
pub(crate) fn overheard(port: u16) -> (String, Arc<Mutex<Vec<u8>>>) {
    let heard = Arc::new(Mutex::new(Vec::new()));
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let url = format!("http://{}", listener.local_addr().expect("an address"));
    let ear = Arc::clone(&heard);
    thread::spawn(move || {
        for client in listener.incoming() {
            let mut client = client.expect("a connection");
            let server = TcpStream::connect(("127.0.0.1", port)).expect("the server");
            let (down, answers) = (client.try_clone(), server.try_clone());
            thread::spawn(move || {
                let (mut down, mut answers) = (down.expect("a half"), answers.expect("a half"));
                drop(std::io::copy(&mut answers, &mut down));
            });
            let ear = Arc::clone(&ear);
            thread::spawn(move || {
                let mut part = [0; 4096];
                while let Ok(len @ 1..) = client.read(&mut part) {
                    ear.lock().expect("free").extend_from_slice(&part[..len]);
                    if (&server).write_all(&part[..len]).is_err() {
                        break;
                    }
                }
                let _ = server.shutdown(std::net::Shutdown::Both);
            });
        }
    });
    (url, heard)
}
