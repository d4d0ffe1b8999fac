//! The streams that a command runs on, and what is known about them.
//!
//! Invariant: this is the only file that asks the process about terminals, colours and widths.
//! Knows nothing about commands.

use std::io::{self, IsTerminal, Read, Write};

/// Standard streams of one run.
pub struct Console<'a> {
    /// Standard input; owned, because a command may read it on a thread of its own.
    pub input: Box<dyn Read + Send>,
    /// Results.
    pub output: &'a mut dyn Write,
    /// Messages, faults, progress.
    pub errors: &'a mut dyn Write,
    /// What is known about them.
    pub screen: Screen,
}

/// What the streams are connected to.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Screen {
    /// Results go to a terminal.
    pub output_is_terminal: bool,
    /// Messages go to a terminal.
    pub errors_are_terminal: bool,
    /// Columns of the terminal, where there is one.
    pub columns: Option<u16>,
    /// `NO_COLOR` is set to anything but the empty string.
    pub no_color: bool,
}

impl Screen {
    /// Looks at the process's own streams.
    #[must_use]
    pub fn of_process() -> Self {
        let columns = terminal_size::terminal_size().map(|(width, _)| width.0);
        Self {
            output_is_terminal: io::stdout().is_terminal(),
            errors_are_terminal: io::stderr().is_terminal(),
            columns,
            no_color: std::env::var_os("NO_COLOR").is_some_and(|value| !value.is_empty()),
        }
    }
}
