//! Where a command's results and messages go.
//!
//! Invariant: results are JSON lines unless a person reads them on a terminal; messages never mix
//! with results; a reader that has gone ends the command quietly.
//! Knows nothing about what is shown.

use std::fmt;
use std::io::{self, BufWriter, Read, Write};

use serde::Serialize;

use crate::args::Shared;
use crate::config::Config;
use crate::console::{Console, Screen};
use crate::failure::{Failure, Stop};
use crate::progress::{Progress, Unit};
use crate::table::Table;

/// Bytes of results gathered before they are written.
const BUFFER_LEN: usize = 64 * 1024;

/// What a command works with: its input, its two outputs and the shared options.
pub struct Session<'a> {
    /// Standard input.
    pub input: Box<dyn Read + Send>,
    /// Results.
    pub out: Results<'a>,
    /// Messages.
    pub notes: Notes<'a>,
    /// Options that every command has.
    pub shared: Shared,
    /// What file, environment and command line say.
    pub config: Config,
}

impl<'a> Session<'a> {
    /// Binds the streams to the options of one run.
    #[must_use]
    pub fn new(console: Console<'a>, shared: Shared) -> Self {
        let Console { input, output, errors, screen } = console;
        let color = !screen.no_color && !shared.no_color;
        let form = if shared.json || !screen.output_is_terminal { Form::Json } else { Form::Text };
        Self {
            input,
            out: Results {
                writer: BufWriter::with_capacity(BUFFER_LEN, output),
                form,
                paint: Paint { on: color && screen.output_is_terminal },
                screen,
            },
            notes: Notes { writer: errors, quiet: shared.quiet },
            shared,
            config: Config::default(),
        }
    }

    /// Standard input, for whoever takes it for good.
    pub fn take_input(&mut self) -> Box<dyn Read + Send> {
        std::mem::replace(&mut self.input, Box::new(io::empty()))
    }

    /// A progress bar for `total` units, or a hidden one where nobody would see it.
    #[must_use]
    pub fn progress(&self, what: &str, unit: Unit, total: Option<u64>) -> Progress {
        let visible =
            self.out.screen.errors_are_terminal && !self.shared.quiet && !self.shared.json;
        Progress::new(what, unit, total, visible)
    }
}

/// How results are written.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Form {
    /// Tables and sentences, for a person.
    Text,
    /// One JSON value per line, for a program.
    Json,
}

/// Standard output.
pub struct Results<'a> {
    writer: BufWriter<&'a mut dyn Write>,
    form: Form,
    paint: Paint,
    screen: Screen,
}

impl Results<'_> {
    /// Text or JSON lines.
    #[must_use]
    pub fn form(&self) -> Form {
        self.form
    }

    /// Colours, where they are wanted.
    #[must_use]
    pub fn paint(&self) -> Paint {
        self.paint
    }

    /// Writes bytes as they are.
    ///
    /// # Errors
    /// [`Stop::ReaderGone`] or the I/O error as a failure.
    pub fn bytes(&mut self, bytes: &[u8]) -> Result<(), Stop> {
        self.writer.write_all(bytes).map_err(|error| stop(&error))
    }

    /// Writes a line of text.
    ///
    /// # Errors
    /// As [`Results::bytes`].
    pub fn line(&mut self, text: impl fmt::Display) -> Result<(), Stop> {
        writeln!(self.writer, "{text}").map_err(|error| stop(&error))
    }

    /// Writes one JSON value as a line.
    ///
    /// # Errors
    /// As [`Results::bytes`].
    pub fn json(&mut self, value: &impl Serialize) -> Result<(), Stop> {
        let bytes = serde_json::to_vec(value).map_err(Failure::could_not)?;
        self.bytes(&bytes)?;
        self.bytes(b"\n")
    }

    /// Writes a table, as wide as the terminal at most.
    ///
    /// # Errors
    /// As [`Results::bytes`].
    pub fn table(&mut self, table: &Table) -> Result<(), Stop> {
        let text = table.render(self.screen.columns.filter(|_| self.screen.output_is_terminal));
        self.bytes(text.as_bytes())
    }

    /// Hands everything written so far to the reader.
    ///
    /// # Errors
    /// As [`Results::bytes`].
    pub fn flush(&mut self) -> Result<(), Stop> {
        self.writer.flush().map_err(|error| stop(&error))
    }
}

/// Standard error. A message that can't be written is lost: there is nowhere left to say so.
pub struct Notes<'a> {
    writer: &'a mut dyn Write,
    quiet: bool,
}

impl Notes<'_> {
    /// What is good to know; nothing with `--quiet`.
    pub fn note(&mut self, text: impl fmt::Display) {
        if !self.quiet {
            let _ = writeln!(self.writer, "{text}");
        }
    }

    /// What must be known, `--quiet` or not.
    pub fn fault(&mut self, text: impl fmt::Display) {
        let _ = writeln!(self.writer, "{text}");
    }
}

/// Colours for a terminal; plain text everywhere else.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Paint {
    on: bool,
}

impl Paint {
    /// For what is well.
    #[must_use]
    pub fn good(self, text: &str) -> String {
        self.wrap("32", text)
    }

    /// For what was found.
    #[must_use]
    pub fn bad(self, text: &str) -> String {
        self.wrap("1;31", text)
    }

    /// For headings.
    #[must_use]
    pub fn strong(self, text: &str) -> String {
        self.wrap("1", text)
    }

    fn wrap(self, code: &str, text: &str) -> String {
        if self.on { format!("\u{1b}[{code}m{text}\u{1b}[0m") } else { text.to_owned() }
    }
}

fn stop(error: &io::Error) -> Stop {
    if error.kind() == io::ErrorKind::BrokenPipe {
        return Stop::ReaderGone;
    }
    Failure::could_not(format_args!("writing the result: {error}"))
        .at("standard output")
        .next("check the file or program that the output goes to, then run the command again")
        .into()
}
