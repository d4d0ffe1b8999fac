//! How a command ends: the four exit statuses and the message for the person at the terminal.
//!
//! Invariant: a message says what happened, where, and what to do next. Knows nothing about which
//! command failed.

use std::error::Error;
use std::fmt;
use std::process::{ExitCode, Termination};

use shoseki_import::{InputFault, Interrupted};

/// Exit status of CONTRACT section 2.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub enum Status {
    /// 0: done and well.
    Done,
    /// 1: a check found something.
    Found,
    /// 2: usage or invalid input.
    Invalid,
    /// 3: could not run (I/O, lock held), or a check that could not be finished.
    CouldNot,
}

impl Status {
    /// The number that the process returns.
    #[must_use]
    pub fn code(self) -> u8 {
        match self {
            Self::Done => 0,
            Self::Found => 1,
            Self::Invalid => 2,
            Self::CouldNot => 3,
        }
    }
}

impl From<Status> for ExitCode {
    fn from(status: Status) -> Self {
        Self::from(status.code())
    }
}

impl Termination for Status {
    fn report(self) -> ExitCode {
        self.into()
    }
}

/// Why a command ended early.
#[derive(Debug)]
pub enum Stop {
    /// Something that a person has to know.
    Failure(Failure),
    /// Whoever read our output has gone (`| head`): not an error.
    ReaderGone,
}

/// A message with a status: what, where, what next.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Failure {
    status: Status,
    what: String,
    place: Option<String>,
    next: Option<String>,
}

impl Failure {
    /// Bad usage or input: exit status 2.
    #[must_use]
    pub fn invalid(what: impl fmt::Display) -> Self {
        Self::new(Status::Invalid, what)
    }

    /// The command could not run: exit status 3.
    #[must_use]
    pub fn could_not(what: impl fmt::Display) -> Self {
        Self::new(Status::CouldNot, what)
    }

    /// A check found something: exit status 1.
    #[must_use]
    pub fn found(what: impl fmt::Display) -> Self {
        Self::new(Status::Found, what)
    }

    /// Adds where it happened: a path, a line, a seq.
    #[must_use]
    pub fn at(mut self, place: impl fmt::Display) -> Self {
        self.place = Some(place.to_string());
        self
    }

    /// Adds to what happened, on a line of its own.
    #[must_use]
    pub fn also(mut self, more: impl fmt::Display) -> Self {
        self.what = format!("{}\n  {more}", self.what);
        self
    }

    /// Adds what to do next.
    #[must_use]
    pub fn next(mut self, next: impl fmt::Display) -> Self {
        self.next = Some(next.to_string());
        self
    }

    /// The exit status that it asks for.
    #[must_use]
    pub fn status(&self) -> Status {
        self.status
    }

    /// A failure that an error of the engine is behind: the error and its causes, each once.
    #[must_use]
    pub fn caused(status: Status, error: &(dyn Error + 'static)) -> Self {
        Self::new(status, chain(error))
    }

    fn new(status: Status, what: impl fmt::Display) -> Self {
        Self { status, what: what.to_string(), place: None, next: None }
    }
}

/// The error and its causes in one sentence; a cause that was said before is not repeated.
#[must_use]
pub fn chain(error: &(dyn Error + 'static)) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(inner) = cause {
        let more = inner.to_string();
        if !text.contains(&more) {
            text.push_str(": ");
            text.push_str(&more);
        }
        cause = inner.source();
    }
    text
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "shoseki: {}", self.what)?;
        if let Some(place) = &self.place {
            write!(f, "\n  where: {place}")?;
        }
        if let Some(next) = &self.next {
            write!(f, "\n  next:  {next}")?;
        }
        Ok(())
    }
}

impl From<InputFault> for Failure {
    fn from(fault: InputFault) -> Self {
        Self::could_not(format_args!("reading the input: {}", fault.source))
            .at(fault.path.display())
            .next("check the path and its permissions")
    }
}

impl From<InputFault> for Stop {
    fn from(fault: InputFault) -> Self {
        Self::Failure(fault.into())
    }
}

impl From<Interrupted<Self>> for Stop {
    fn from(interrupted: Interrupted<Self>) -> Self {
        match interrupted {
            Interrupted::Stop(stop) => stop,
            Interrupted::Read(error) => {
                let failure = Failure::could_not(format_args!("reading the input: {error}"));
                let next =
                    "check the file (a truncated gzip file ends like this), then import it again";
                failure.next(next).into()
            }
        }
    }
}

impl From<Failure> for Stop {
    fn from(failure: Failure) -> Self {
        Self::Failure(failure)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn statuses_are_those_of_the_contract() {
        let all = [Status::Done, Status::Found, Status::Invalid, Status::CouldNot];
        assert_eq!(all.map(Status::code), [0, 1, 2, 3]);
    }

    #[test]
    fn causes_are_told_once() {
        #[derive(Debug, thiserror::Error)]
        #[error("{text}")]
        struct Layer {
            text: &'static str,
            source: Option<Box<Layer>>,
        }
        let layer = |text, source| Layer { text, source };
        let inner = || Some(Box::new(layer("no space", None)));
        assert_eq!(chain(&layer("can't write a", inner())), "can't write a: no space");
        assert_eq!(chain(&layer("a: no space", inner())), "a: no space");
    }

    #[test]
    fn a_message_says_what_where_and_what_next() {
        let failure = Failure::could_not("the log is in use").at("/data").next("stop process 7");
        let text = "shoseki: the log is in use\n  where: /data\n  next:  stop process 7";
        assert_eq!(failure.to_string(), text);
        assert_eq!(Failure::invalid("no").to_string(), "shoseki: no");
    }
}
