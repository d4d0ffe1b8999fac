//! Lines of an input as they arrive.
//!
//! Invariant: whoever asks learns at once whether a whole line is there, so that a lone line on a
//! pipe is answered while the pipe stays open. Knows nothing about what a line holds.

use std::io::{self, Read};
use std::sync::mpsc::{Receiver, TryRecvError, sync_channel};
use std::thread;

/// Bytes read at once.
const CHUNK_LEN: usize = 64 * 1024;
/// Chunks read ahead of whoever takes the lines.
const CHUNKS_AHEAD: usize = 64;
/// Longest line, in bytes. An array may stand on one line.
const LINE_LEN_MAX: usize = 256 << 20;

/// The lines of one input, read ahead on a thread of its own.
pub(crate) struct Lines {
    chunks: Receiver<io::Result<Vec<u8>>>,
    buffer: Vec<u8>,
    /// Where the next line begins.
    start: usize,
    /// Up to where no end of line was found.
    searched: usize,
    ended: bool,
    number: u64,
}

/// What is there.
#[derive(PartialEq, Eq, Debug)]
pub(crate) enum Next<'a> {
    /// A line with its number from 1, without its end.
    Line(u64, &'a [u8]),
    /// No whole line yet.
    Idle,
    /// No line will come.
    End,
}

impl Lines {
    /// Begins to read.
    ///
    /// # Errors
    /// No thread can be made.
    pub(crate) fn new(mut input: Box<dyn Read + Send>) -> io::Result<Self> {
        let (send, chunks) = sync_channel(CHUNKS_AHEAD);
        // Not joined: it may wait for an input that never ends, and holds nothing but that input.
        thread::Builder::new().name("input".to_owned()).spawn(move || {
            loop {
                let mut chunk = vec![0; CHUNK_LEN];
                let read = match input.read(&mut chunk) {
                    Ok(0) => return,
                    Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
                    Ok(len) => {
                        chunk.truncate(len);
                        Ok(chunk)
                    }
                    Err(error) => Err(error),
                };
                let failed = read.is_err();
                if send.send(read).is_err() || failed {
                    return;
                }
            }
        })?;
        let (buffer, start, searched) = (Vec::new(), 0, 0);
        Ok(Self { chunks, buffer, start, searched, ended: false, number: 0 })
    }

    /// The next line; where there is none yet, waits for it or says so.
    ///
    /// # Errors
    /// The input can't be read further, or a line is longer than can be taken into memory.
    pub(crate) fn next(&mut self, wait: bool) -> io::Result<Next<'_>> {
        loop {
            let unseen = self.buffer.get(self.searched..).unwrap_or_default();
            if let Some(at) = unseen.iter().position(|byte| *byte == b'\n') {
                let end = self.searched + at;
                return Ok(self.line(end, end + 1));
            }
            self.searched = self.buffer.len();
            if self.ended {
                let end = self.buffer.len();
                return Ok(if self.start < end { self.line(end, end) } else { Next::End });
            }
            if self.buffer.len() - self.start > LINE_LEN_MAX {
                return Err(io::Error::other("a line of more than 256 MiB"));
            }
            if !self.fill(wait)? {
                return Ok(Next::Idle);
            }
        }
    }

    fn line(&mut self, end: usize, behind: usize) -> Next<'_> {
        let start = std::mem::replace(&mut self.start, behind);
        self.searched = behind;
        self.number += 1;
        Next::Line(self.number, self.buffer.get(start..end).unwrap_or_default())
    }

    /// Takes one chunk, or notes the end; `false` where nothing is there yet.
    fn fill(&mut self, wait: bool) -> io::Result<bool> {
        let chunk = if wait {
            self.chunks.recv().ok()
        } else {
            match self.chunks.try_recv() {
                Ok(chunk) => Some(chunk),
                Err(TryRecvError::Empty) => return Ok(false),
                Err(TryRecvError::Disconnected) => None,
            }
        };
        match chunk.transpose()? {
            Some(bytes) => {
                self.buffer.drain(..self.start);
                self.searched -= self.start;
                self.start = 0;
                self.buffer.extend_from_slice(&bytes);
            }
            None => self.ended = true,
        }
        Ok(true)
    }
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use super::*;

    fn all(text: &'static str) -> Vec<(u64, String)> {
        let mut lines = Lines::new(Box::new(text.as_bytes())).expect("a thread");
        let mut seen = Vec::new();
        while let Next::Line(number, line) = lines.next(true).expect("readable") {
            seen.push((number, String::from_utf8_lossy(line).into_owned()));
        }
        seen
    }

    #[test]
    fn lines_are_numbered_and_the_last_needs_no_end() {
        let line = |number, text: &str| (number, text.to_owned());
        assert_eq!(all("a\n\nb"), [line(1, "a"), line(2, ""), line(3, "b")]);
        assert_eq!(all("a\n"), [line(1, "a")]);
        assert_eq!(all(""), []);
    }

    #[test]
    fn an_open_pipe_is_idle_and_its_line_comes_at_once() {
        let (reader, mut writer) = io::pipe().expect("a pipe");
        let mut lines = Lines::new(Box::new(reader)).expect("a thread");
        assert_eq!(lines.next(false).expect("readable"), Next::Idle);
        writer.write_all(b"{}\n{").expect("written");
        assert_eq!(lines.next(true).expect("readable"), Next::Line(1, b"{}"));
        assert_eq!(lines.next(false).expect("readable"), Next::Idle);
        writer.write_all(b"}").expect("written");
        drop(writer);
        assert_eq!(lines.next(true).expect("readable"), Next::Line(2, b"{}"));
        assert_eq!(lines.next(true).expect("readable"), Next::End);
    }
}
