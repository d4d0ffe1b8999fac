//! What an input of records is made of: lines, and arrays on one line or on many, in any mixture.
//!
//! Invariant: an array ends at the bracket that closes it, wherever that stands, and what follows
//! is looked at anew. Where no bracket closes it, it costs its first line and nothing more, unless
//! the input itself was cut off. Knows nothing about records.

use std::io;

use serde_json::value::RawValue;

use crate::lines::{Lines, Next};

/// Longest array, in bytes.
const ARRAY_LEN_MAX: usize = 1 << 30;
/// Bytes of an input that are looked at again, in all, because no bracket closed an array.
const AGAIN_MAX: usize = 1 << 30;
/// Deepest nesting in an array: deeper than any record.
const DEPTH_MAX: usize = 128;

/// What comes next.
#[derive(PartialEq, Eq, Debug)]
pub(crate) enum Document<'a> {
    /// The text of a line that is no array.
    Line(At, &'a [u8]),
    /// The text of an array from bracket to bracket.
    Array(At, &'a [u8]),
    /// An array begins here that can't be told from what follows, and why.
    Broken(At, &'static str),
    /// Nothing whole yet.
    Idle,
    /// Nothing will come.
    End,
}

/// Where a text begins.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct At {
    /// Line, from 1.
    pub(crate) line: u64,
    /// Characters of the line in front of it.
    pub(crate) column: usize,
}

/// Characters in a text that may end anywhere.
pub(crate) fn characters(text: &[u8]) -> usize {
    text.iter().filter(|byte| **byte & 0xc0 != 0x80).count()
}

/// The documents of one input.
pub(crate) struct Documents {
    lines: Lines,
    /// The line that is looked at, and how far that is done.
    line: Vec<u8>,
    at: usize,
    number: u64,
    /// Where the last document began, and how many characters stand in front of that.
    began: (usize, usize),
    /// Lines of an array that is not closed yet, with their ends, to be looked at again where none
    /// closes it; and how far that is done.
    kept: Vec<u8>,
    kept_at: usize,
    /// The array that is gathered, or was last.
    array: Vec<u8>,
    open: Option<Open>,
    again: usize,
}

/// An array that is not closed yet.
struct Open {
    begin: At,
    /// Where in `kept` the line behind its first one stands.
    behind: usize,
    /// The brackets that have to close it, the last one first.
    closers: Vec<u8>,
    /// Whether its last line ended inside a string.
    in_string: bool,
    /// Whether its last line is taken in.
    waits: bool,
}

enum Took {
    Line,
    Idle,
    End,
}

impl Documents {
    pub(crate) fn new(lines: Lines) -> Self {
        let (line, kept, array) = (Vec::new(), Vec::new(), Vec::new());
        let (at, number, began, kept_at, again) = (0, 0, (0, 0), 0, 0);
        Self { lines, line, at, number, began, kept, kept_at, array, open: None, again }
    }

    /// The next document; where there is none yet, waits for it or says so.
    ///
    /// # Errors
    /// The input can't be read further, or something in it is too long to be taken into memory.
    pub(crate) fn next(&mut self, wait: bool) -> io::Result<Document<'_>> {
        loop {
            if let Some(open) = self.open.take() {
                match self.gather(open, wait)? {
                    Gathered::Array(begin) => return Ok(Document::Array(begin, &self.array)),
                    Gathered::Broken(begin, why) => return Ok(Document::Broken(begin, why)),
                    Gathered::Idle => return Ok(Document::Idle),
                }
            }
            let rest = self.line.get(self.at..).unwrap_or_default();
            self.at += rest.len() - rest.trim_ascii_start().len();
            let (before, column) = self.began;
            let column = column + characters(self.line.get(before..self.at).unwrap_or_default());
            self.began = (self.at, column);
            let begin = At { line: self.number, column };
            match self.line.get(self.at) {
                None => match self.take(wait, false)? {
                    Took::Line => {}
                    Took::Idle => return Ok(Document::Idle),
                    Took::End => return Ok(Document::End),
                },
                Some(b'[') => {
                    self.array.clear();
                    let (behind, closers) = (self.kept_at, Vec::new());
                    let (in_string, waits) = (false, false);
                    self.open = Some(Open { begin, behind, closers, in_string, waits });
                }
                Some(_) => {
                    let text = self.line.get(self.at..).unwrap_or_default();
                    self.at = self.line.len();
                    return Ok(Document::Line(begin, text.trim_ascii_end()));
                }
            }
        }
    }

    /// Takes up line after line until the array is closed.
    fn gather(&mut self, mut open: Open, wait: bool) -> io::Result<Gathered> {
        loop {
            if !open.waits {
                match self.pass(&mut open) {
                    Passed::Closed => return Ok(Gathered::Array(open.begin)),
                    Passed::Wrong(why) => return Ok(self.broken(&open, why)),
                    Passed::Open => open.waits = true,
                }
            }
            match self.take(wait, true)? {
                Took::Line if open.in_string => {
                    let why = "a string in the array that begins here has no end on its line";
                    return Ok(self.broken(&open, why));
                }
                Took::Line => open.waits = false,
                Took::Idle => {
                    self.open = Some(open);
                    return Ok(Gathered::Idle);
                }
                Took::End => {
                    let why = "the array that begins here has no end";
                    // What could go on was cut off, all of it one array. What could not was not.
                    let parsed: Result<Vec<&RawValue>, _> = serde_json::from_slice(&self.array);
                    if parsed.is_err_and(|error| error.is_eof()) {
                        return Ok(Gathered::Broken(open.begin, why));
                    }
                    return Ok(self.broken(&open, why));
                }
            }
        }
    }

    /// Takes what is left of the line into the array, up to the bracket that closes it.
    fn pass(&mut self, open: &mut Open) -> Passed {
        let rest = self.line.get(self.at..).unwrap_or_default();
        if !self.array.is_empty() {
            self.array.push(b'\n');
        }
        let closed = match open.pass(rest) {
            Ok(closed) => closed,
            Err(why) => return Passed::Wrong(why),
        };
        let len = closed.unwrap_or(rest.len());
        self.array.extend_from_slice(rest.get(..len).unwrap_or_default());
        self.at += len;
        if closed.is_some() {
            return Passed::Closed;
        }
        if self.array.len() > ARRAY_LEN_MAX {
            return Passed::Wrong("the array that begins here is longer than 1 GiB");
        }
        Passed::Open
    }

    /// Gives the array up and goes on with the line behind its first one.
    fn broken(&mut self, open: &Open, why: &'static str) -> Gathered {
        self.at = self.line.len();
        let len = self.kept_at.saturating_sub(open.behind);
        if len <= AGAIN_MAX - self.again {
            self.again += len;
            self.kept_at = open.behind;
            self.number = open.begin.line;
        }
        Gathered::Broken(open.begin, why)
    }

    /// Makes the next line the one that is looked at. With `keep` it can be looked at again.
    fn take(&mut self, wait: bool, keep: bool) -> io::Result<Took> {
        let kept = self.kept.get(self.kept_at..).unwrap_or_default();
        if let Some(len) = kept.iter().position(|byte| *byte == b'\n') {
            self.line.clear();
            self.line.extend_from_slice(kept.get(..len).unwrap_or_default());
            self.kept_at += len + 1;
        } else {
            if !keep {
                self.kept.clear();
                self.kept_at = 0;
            }
            let line = match self.lines.next(wait)? {
                Next::Line(_, line) => line,
                Next::Idle => return Ok(Took::Idle),
                Next::End => return Ok(Took::End),
            };
            self.line.clear();
            self.line.extend_from_slice(line);
            if keep {
                self.kept.extend_from_slice(line);
                self.kept.push(b'\n');
                self.kept_at = self.kept.len();
            }
        }
        (self.at, self.began) = (0, (0, 0));
        self.number += 1;
        Ok(Took::Line)
    }
}

enum Gathered {
    Array(At),
    Broken(At, &'static str),
    Idle,
}

/// What became of a line of an array.
enum Passed {
    Open,
    Closed,
    Wrong(&'static str),
}

impl Open {
    /// Passes over a line, or what is left of one: behind which byte the array ends, if it does.
    fn pass(&mut self, text: &[u8]) -> Result<Option<usize>, &'static str> {
        let mut escaped = false;
        for (at, byte) in text.iter().enumerate() {
            if self.in_string {
                (self.in_string, escaped) = match byte {
                    _ if escaped => (true, false),
                    b'"' => (false, false),
                    byte => (true, *byte == b'\\'),
                };
                continue;
            }
            match byte {
                b'"' => self.in_string = true,
                b'[' | b'{' if self.closers.len() == DEPTH_MAX => {
                    return Err("the array that begins here is nested too deeply");
                }
                b'[' => self.closers.push(b']'),
                b'{' => self.closers.push(b'}'),
                b']' | b'}' if self.closers.pop() != Some(*byte) => {
                    return Err("the brackets of the array that begins here don't match");
                }
                b']' | b'}' if self.closers.is_empty() => return Ok(Some(at + 1)),
                _ => {}
            }
        }
        Ok(None)
    }
}

#[cfg(test)]
mod tests;
