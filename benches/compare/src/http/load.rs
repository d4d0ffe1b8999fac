//! The load generator: wrk, a process of its own on the same cores.

use std::io;
use std::path::Path;
use std::process::Command;

/// What a run of wrk says.
#[derive(Clone, Copy, Debug)]
pub(super) struct Said {
    /// Requests in a second.
    pub(super) requests: f64,
    /// Half of the answers came within so many milliseconds.
    pub(super) p50_ms: f64,
    /// All but one in a hundred did.
    pub(super) p99_ms: f64,
    /// Answers that were no success, and connections that broke.
    pub(super) errors: u64,
}

/// What is posted.
pub(super) struct Body<'a> {
    pub(super) file: &'a Path,
    /// Its media type.
    pub(super) kind: &'a str,
}

/// Posts one body again and again.
pub(super) fn drive(
    url: &str,
    token: &str,
    body: &Body<'_>,
    connections: usize,
    seconds: u64,
    script: &Path,
) -> io::Result<Said> {
    let text = format!(
        "local file = io.open({:?}, \"rb\")\nwrk.body = file:read(\"*a\")\nfile:close()\n\
         wrk.method = \"POST\"\nwrk.headers[\"Content-Type\"] = {kind:?}\n\
         wrk.headers[\"Authorization\"] = \"Bearer {token}\"\n",
        body.file.display().to_string(),
        kind = body.kind,
    );
    std::fs::write(script, text)?;
    let said = Command::new("wrk")
        .args(["-t", "1", "--latency", "--timeout", "20s"])
        .args(["-c", &connections.to_string(), "-d", &format!("{seconds}s"), "-s"])
        .arg(script)
        .arg(format!("{url}/v1/audit-logs"))
        .output()?;
    let text = String::from_utf8_lossy(&said.stdout).into_owned();
    read(&text).ok_or_else(|| io::Error::other(format!("wrk said: {text}")))
}

fn read(text: &str) -> Option<Said> {
    let after = |name: &str| {
        let line = text.lines().map(str::trim).find_map(|line| line.strip_prefix(name))?;
        line.split_whitespace().next()
    };
    let count = |line: &str| -> u64 {
        let numbers = line.split(|c: char| !c.is_ascii_digit()).filter(|part| !part.is_empty());
        numbers.filter_map(|part| part.parse::<u64>().ok()).sum()
    };
    let wrong = ["Non-2xx or 3xx responses:", "Socket errors:"];
    let wrong =
        text.lines().map(str::trim).filter(|line| wrong.iter().any(|w| line.starts_with(w)));
    // "Non-2xx or 3xx" has numbers in its name.
    let errors = wrong.map(|line| count(line.split_once(':').map_or("", |(_, rest)| rest))).sum();
    Some(Said {
        requests: after("Requests/sec:")?.parse().ok()?,
        p50_ms: milliseconds(after("50%")?)?,
        p99_ms: milliseconds(after("99%")?)?,
        errors,
    })
}

fn milliseconds(text: &str) -> Option<f64> {
    let units = [("us", 0.001), ("ms", 1.0), ("s", 1000.0), ("m", 60_000.0)];
    let (number, factor) =
        units.iter().find_map(|(unit, factor)| Some((text.strip_suffix(unit)?, factor)))?;
    Some(number.parse::<f64>().ok()? * factor)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_words_of_wrk_are_read() {
        let said = "Running 1s test\n  Latency Distribution\n     50%  812.00us\n     75%    1ms\n\
                    \x20    99%    1.25s \n  100 requests in 1.00s, 1.00MB read\n\
                    \x20 Socket errors: connect 0, read 1, write 2, timeout 3\n\
                    \x20 Non-2xx or 3xx responses: 7\nRequests/sec:    123.45\n";
        let said = read(said).expect("it is all there");
        assert!((said.requests - 123.45).abs() < 1e-9 && (said.p50_ms - 0.812).abs() < 1e-9);
        assert!((said.p99_ms - 1250.0).abs() < 1e-9);
        assert_eq!(said.errors, 13);
    }
}
