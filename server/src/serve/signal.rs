//! What tells the server to end.
//!
//! Invariant: the first signal ends it in order; the second ends the process at once.

use tokio::signal::unix::{SignalKind, signal};
use tokio_util::sync::CancellationToken;

use super::start::StartError;

/// Tells the server to end.
#[derive(Clone, Default)]
pub struct StopSignal(pub(super) CancellationToken);

impl StopSignal {
    /// One that is used by calling [`StopSignal::stop`].
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// SIGTERM and SIGINT of this process. Needs the runtime.
    ///
    /// # Errors
    /// [`StartError`] where the signals can't be had.
    pub fn of_process() -> Result<Self, StartError> {
        let had =
            |error: std::io::Error| StartError::Process { what: "signals", why: error.to_string() };
        let mut terminate = signal(SignalKind::terminate()).map_err(had)?;
        let mut interrupt = signal(SignalKind::interrupt()).map_err(had)?;
        let this = Self::new();
        let stop = this.clone();
        tokio::spawn(async move {
            for status in [None, Some(130)] {
                tokio::select! {
                    _ = terminate.recv() => {}
                    _ = interrupt.recv() => {}
                }
                stop.stop();
                if let Some(status) = status {
                    std::process::exit(status);
                }
            }
        });
        Ok(this)
    }

    /// Ends the server.
    pub fn stop(&self) {
        self.0.cancel();
    }
}
