//! Hostile records as the lines that `shoseki append` takes.
//!
//! `hostile SEED COUNT [STRINGS.json]`: the strings (a JSON array) are mixed in where they are
//! given. Equal arguments write equal lines, so that a broken append can be repeated.

use std::io::{self, BufWriter, Write};
use std::process::ExitCode;

use shoseki_lab::generate::{hostile, input_line};

fn main() -> ExitCode {
    match write() {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) if error.kind() == io::ErrorKind::BrokenPipe => ExitCode::SUCCESS,
        Err(error) => {
            let _ = writeln!(io::stderr(), "hostile: {error}");
            ExitCode::from(2)
        }
    }
}

fn write() -> io::Result<()> {
    let args: Vec<String> = std::env::args().skip(1).collect();
    let usage = || io::Error::other("usage: hostile SEED COUNT [STRINGS.json]");
    let number = |index: usize| args.get(index).and_then(|text| text.parse().ok());
    let (seed, count) = number(0).zip(number(1)).ok_or_else(usage)?;
    let naughty: Vec<String> = match args.get(2) {
        Some(path) => serde_json::from_slice(&std::fs::read(path)?)?,
        None => Vec::new(),
    };
    let mut out = BufWriter::new(io::stdout().lock());
    let mut line = Vec::new();
    for record in hostile(seed, count, &naughty) {
        line.clear();
        input_line(&record, &mut line);
        line.push(b'\n');
        out.write_all(&line)?;
    }
    out.flush()
}
