//! Where log lines go, and which.
//!
//! Invariant: lines go to standard error; standard output belongs to results.

use std::io::IsTerminal;

use tracing::Subscriber;
use tracing::subscriber::SetGlobalDefaultError;
use tracing_subscriber::filter::{EnvFilter, ParseError};
use tracing_subscriber::fmt::MakeWriter;
use tracing_subscriber::layer::{Layer, SubscriberExt};
use tracing_subscriber::registry;

use super::json_lines::JsonLines;

/// The form of log lines.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum LogForm {
    /// One JSON object per line.
    Json,
    /// For people, with colours where `colour` allows.
    Human {
        /// Whether colours may be used.
        colour: bool,
    },
}

impl LogForm {
    /// For people on a terminal, JSON otherwise.
    #[must_use]
    pub fn of_standard_error(colour: bool) -> Self {
        if std::io::stderr().is_terminal() { Self::Human { colour } } else { Self::Json }
    }
}

/// Why logging could not be started.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum LoggingError {
    /// The filter can't be read.
    #[error("the log filter is not valid")]
    Filter(#[from] ParseError),
    /// Logging was started before.
    #[error("logging was started before")]
    Started(#[from] SetGlobalDefaultError),
}

/// Starts logging to standard error; `filter` is like `info` or `warn,shoseki::access=debug`.
///
/// # Errors
/// [`LoggingError`].
pub fn start_logging(filter: &str, form: LogForm) -> Result<(), LoggingError> {
    let subscriber = subscriber(filter, form, std::io::stderr)?;
    tracing::subscriber::set_global_default(subscriber)?;
    Ok(())
}

/// What [`start_logging`] starts, with another place for the lines.
///
/// # Errors
/// [`LoggingError::Filter`].
pub fn subscriber<W>(
    filter: &str,
    form: LogForm,
    writer: W,
) -> Result<impl Subscriber + Send + Sync, LoggingError>
where
    W: for<'writer> MakeWriter<'writer> + Send + Sync + 'static,
{
    let layer = match form {
        LogForm::Json => JsonLines::new(writer).boxed(),
        LogForm::Human { colour } => {
            tracing_subscriber::fmt::layer().with_ansi(colour).with_writer(writer).boxed()
        }
    };
    Ok(registry().with(layer.with_filter(EnvFilter::try_new(filter)?)))
}
