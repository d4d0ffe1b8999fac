//! Progress bars for long work.
//!
//! Invariant: a bar is drawn on standard error only, and only where a person watches. Knows nothing
//! about what is counted.

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};

/// A bar, or nothing where nobody would see it.
pub struct Progress {
    bar: ProgressBar,
}

impl Progress {
    /// A bar labelled `what` over `total` units; a counter where the total is not known.
    #[must_use]
    pub fn new(what: &str, total: Option<u64>, visible: bool) -> Self {
        if !visible {
            return Self { bar: ProgressBar::hidden() };
        }
        let bar = ProgressBar::with_draw_target(total, ProgressDrawTarget::stderr_with_hz(10));
        let template = match total {
            Some(_) => "{msg} {wide_bar} {human_pos}/{human_len} {per_sec} eta {eta}",
            None => "{msg} {spinner} {human_pos} {per_sec}",
        };
        if let Ok(style) = ProgressStyle::with_template(template) {
            bar.set_style(style);
        }
        bar.set_message(what.to_owned());
        Self { bar }
    }

    /// Counts `units` more.
    pub fn advance(&self, units: u64) {
        self.bar.inc(units);
    }

    /// Sets the count.
    pub fn set(&self, units: u64) {
        self.bar.set_position(units);
    }

    /// Takes the bar away while `write` puts lines on the terminal.
    pub fn aside<R>(&self, write: impl FnOnce() -> R) -> R {
        self.bar.suspend(write)
    }
}

impl Drop for Progress {
    fn drop(&mut self) {
        self.bar.finish_and_clear();
    }
}
