//! A load that keeps its pace whatever the server does: so many single-record requests a second.
//!
//! Invariant: a latency counts from when the request was due, not from when it could be sent, so
//! that a server that stalls can't hide it.

use std::io;
use std::time::Duration;

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio::time::{Instant, sleep_until};

/// Connections that share the pace.
const CONNECTIONS: u32 = 64;

/// Latencies in milliseconds, sorted, and answers that were no 201.
pub(super) struct Paced {
    pub(super) latencies_ms: Vec<f64>,
    pub(super) errors: u64,
}

/// Sends `per_second` requests a second for so long.
pub(super) fn drive(
    address: &str,
    token: &str,
    body: &[u8],
    per_second: u32,
    lasts: Duration,
) -> io::Result<Paced> {
    let head = format!(
        "POST /v1/audit-logs HTTP/1.1\r\nHost: {address}\r\nContent-Type: application/json\r\n\
         Authorization: Bearer {token}\r\nContent-Length: {}\r\n\r\n",
        body.len()
    );
    let request = [head.as_bytes(), body].concat();
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    runtime.block_on(async {
        let begin = Instant::now() + Duration::from_millis(100);
        let every = Duration::from_secs(1) * CONNECTIONS / per_second;
        let mut tasks = tokio::task::JoinSet::new();
        for number in 0..CONNECTIONS {
            let (address, request) = (address.to_owned(), request.clone());
            let first = begin + every * number / CONNECTIONS;
            tasks.spawn(async move { one(&address, &request, first, every, begin + lasts).await });
        }
        let mut all = Paced { latencies_ms: Vec::new(), errors: 0 };
        while let Some(done) = tasks.join_next().await {
            let done = done.map_err(io::Error::other)??;
            all.latencies_ms.extend(done.latencies_ms);
            all.errors += done.errors;
        }
        all.latencies_ms.sort_by(f64::total_cmp);
        Ok(all)
    })
}

async fn one(
    address: &str,
    request: &[u8],
    first: Instant,
    every: Duration,
    end: Instant,
) -> io::Result<Paced> {
    let mut stream = TcpStream::connect(address).await?;
    stream.set_nodelay(true)?;
    let (mut paced, mut due) = (Paced { latencies_ms: Vec::new(), errors: 0 }, first);
    let mut answer = Vec::new();
    while due < end {
        sleep_until(due).await;
        stream.write_all(request).await?;
        answer.clear();
        let created = read_answer(&mut stream, &mut answer).await?;
        paced.errors += u64::from(!created);
        paced.latencies_ms.push(due.elapsed().as_secs_f64() * 1000.0);
        due += every;
    }
    Ok(paced)
}

async fn read_answer(stream: &mut TcpStream, answer: &mut Vec<u8>) -> io::Result<bool> {
    let mut part = [0; 4096];
    loop {
        let len = stream.read(&mut part).await?;
        if len == 0 {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        answer.extend_from_slice(part.get(..len).unwrap_or_default());
        let text = String::from_utf8_lossy(answer);
        let Some((head, body)) = text.split_once("\r\n\r\n") else { continue };
        let length = head.lines().find_map(|line| {
            let (name, value) = line.split_once(':')?;
            name.eq_ignore_ascii_case("content-length")
                .then(|| value.trim().parse::<usize>().ok())?
        });
        if length.is_some_and(|length| body.len() >= length) {
            return Ok(head.starts_with("HTTP/1.1 201"));
        }
    }
}
