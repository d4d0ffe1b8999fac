//! Bytes into JSON values: JSON lines, concatenated values, or one document over many lines.
//!
//! Invariant: a value that is not JSON is reported with its line, and the next line is tried;
//! memory is bounded by one line or, for a document over many lines, by that document.
//! Knows nothing about events.

use std::io::{BufRead, Read};

use serde_json::error::Category;
use serde_json::value::RawValue;

use crate::error::{Interrupted, ReadFault};

/// Longest line or document, in bytes.
const DOCUMENT_LEN_MAX: u64 = 1 << 30;

/// Receives each value or fault with its line, from 1.
pub(crate) type Sink<'s, E> = dyn FnMut(u64, Result<&RawValue, ReadFault>) -> Result<(), E> + 's;

/// Hands every JSON value of the input to `sink`.
pub(crate) fn split<E>(
    reader: &mut dyn BufRead,
    sink: &mut Sink<'_, E>,
) -> Result<(), Interrupted<E>> {
    let (mut line, mut number, mut first) = (Vec::new(), 0, true);
    loop {
        line.clear();
        number += 1;
        let mut limited = Read::take(&mut *reader, DOCUMENT_LEN_MAX);
        let len = limited.read_until(b'\n', &mut line).map_err(Interrupted::Read)?;
        if len == 0 {
            return Ok(());
        }
        if u64::try_from(len) == Ok(DOCUMENT_LEN_MAX) {
            sink(number, Err(ReadFault::TooLong { max: DOCUMENT_LEN_MAX }))?;
            return Ok(());
        }
        let text = if number == 1 { without_mark(&line) } else { &line };
        if text.trim_ascii().is_empty() {
            continue;
        }
        if first && opens_document(text) {
            return document(line, number, reader, sink);
        }
        first = false;
        values(text.trim_ascii_end(), number, sink)?;
    }
}

/// Whether the first line is the beginning of a value that goes on in the next.
fn opens_document(line: &[u8]) -> bool {
    let mut values = serde_json::Deserializer::from_slice(line).into_iter::<&RawValue>();
    values.any(|value| value.is_err_and(|error| error.classify() == Category::Eof))
}

/// Reads the rest as one text; falls back to lines where that text is no JSON from its start.
fn document<E>(
    start: Vec<u8>,
    first_line: u64,
    reader: &mut dyn BufRead,
    sink: &mut Sink<'_, E>,
) -> Result<(), Interrupted<E>> {
    let mut text = start;
    reader.take(DOCUMENT_LEN_MAX).read_to_end(&mut text).map_err(Interrupted::Read)?;
    if u64::try_from(text.len()).is_ok_and(|len| len > DOCUMENT_LEN_MAX) {
        sink(first_line, Err(ReadFault::TooLong { max: DOCUMENT_LEN_MAX }))?;
        return Ok(());
    }
    let text = if first_line == 1 { without_mark(&text) } else { &text };
    let mut probe = serde_json::Deserializer::from_slice(text).into_iter::<&RawValue>();
    if probe.next().is_some_and(|value| value.is_ok()) {
        return Ok(values(text, first_line, sink)?);
    }
    for (number, line) in (first_line..).zip(text.split(|byte| *byte == b'\n')) {
        values(line, number, sink)?;
    }
    Ok(())
}

/// Every value of one text; a fault ends it.
fn values<E>(text: &[u8], first_line: u64, sink: &mut Sink<'_, E>) -> Result<(), E> {
    let mut stream = serde_json::Deserializer::from_slice(text).into_iter::<&RawValue>();
    let (mut line, mut counted) = (first_line, 0);
    loop {
        let before = stream.byte_offset();
        let Some(value) = stream.next() else { return Ok(()) };
        let gap = text.get(before..).unwrap_or_default();
        let blank = gap.iter().take_while(|byte| byte.is_ascii_whitespace()).count();
        line += newlines(text, counted, before + blank);
        counted = before + blank;
        match value {
            Ok(raw) => sink(line, Ok(raw))?,
            Err(error) => {
                let inside = u64::try_from(error.line().saturating_sub(1)).unwrap_or(0);
                return sink(first_line + inside, Err(not_json(&error)));
            }
        }
    }
}

fn newlines(text: &[u8], from: usize, to: usize) -> u64 {
    let part = text.get(from..to).unwrap_or_default();
    u64::try_from(part.iter().filter(|byte| **byte == b'\n').count()).unwrap_or(0)
}

fn not_json(error: &serde_json::Error) -> ReadFault {
    let full = error.to_string();
    let message = full.split(" at line ").next().unwrap_or_default().to_owned();
    ReadFault::NotJson { message, column: error.column() }
}

/// Files written on some systems begin with a byte-order mark; it is no part of any event.
fn without_mark(text: &[u8]) -> &[u8] {
    text.strip_prefix(b"\xef\xbb\xbf").unwrap_or(text)
}

#[cfg(test)]
mod tests {
    use std::convert::Infallible;

    use super::*;

    /// Lines with their value, or `!` where there was a fault.
    fn seen(text: &str) -> Vec<(u64, String)> {
        let mut seen = Vec::new();
        split(&mut text.as_bytes(), &mut |line, value| {
            seen.push((line, value.map_or("!".to_owned(), |raw| raw.get().to_owned())));
            Ok::<(), Infallible>(())
        })
        .expect("readable");
        seen
    }

    fn expect(text: &str, expected: &[(u64, &str)]) {
        let expected: Vec<_> = expected.iter().map(|(n, v)| (*n, (*v).to_owned())).collect();
        assert_eq!(seen(text), expected, "{text:?}");
    }

    #[test]
    fn lines_documents_and_concatenated_values_are_told_apart() {
        expect("{\"a\":1}\n\n{\"b\":1.10}\n", &[(1, "{\"a\":1}"), (3, "{\"b\":1.10}")]);
        expect("{\"a\":1}{\"b\":2} [3]", &[(1, "{\"a\":1}"), (1, "{\"b\":2}"), (1, "[3]")]);
        expect("\u{feff}{\"a\":1}", &[(1, "{\"a\":1}")]);
        expect("\n{\n \"a\":1\n}\n\n{\n}\n", &[(2, "{\n \"a\":1\n}"), (6, "{\n}")]);
        expect("", &[]);
        expect(" \n \r\n", &[]);
    }

    #[test]
    fn a_broken_line_does_not_stop_the_others() {
        expect("{\"a\":1}\n{\"b\":\n{\"c\":3}", &[(1, "{\"a\":1}"), (2, "!"), (3, "{\"c\":3}")]);
        expect("{\"a\":\n{\"c\":3}\n", &[(1, "!"), (2, "{\"c\":3}")]);
        expect("nonsense\n{\"c\":3}\n", &[(1, "!"), (2, "{\"c\":3}")]);
        expect("{\n\"a\":1}\n{\n\"b\" 2}\n", &[(1, "{\n\"a\":1}"), (4, "!")]);
    }

    #[test]
    fn tokens_stay_as_they_are() {
        let odd = r#"{"n":1e400,"m":-0,"s":"\ud800 \/","deep":[[[]]]}"#;
        expect(odd, &[(1, odd)]);
        let mut invalid = b"{\"a\":\"\xff\"}\n{}".as_slice();
        let mut faults = 0;
        split(&mut invalid, &mut |_, value| {
            faults += usize::from(value.is_err());
            Ok::<(), Infallible>(())
        })
        .expect("readable");
        assert_eq!(faults, 1);
    }
}
