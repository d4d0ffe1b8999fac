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
        bar.set_style(style(total.is_some()));
        bar.set_message(what.to_owned());
        Self { bar }
    }

    /// Says how much there is, once that is known.
    pub fn set_total(&self, total: u64) {
        self.bar.set_length(total);
        self.bar.set_style(style(true));
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

fn style(total_is_known: bool) -> ProgressStyle {
    let template = if total_is_known {
        "{msg} {wide_bar} {human_pos}/{human_len} {per_sec} eta {eta}"
    } else {
        "{msg} {spinner} {human_pos} {per_sec}"
    };
    ProgressStyle::with_template(template).unwrap_or_else(|_| ProgressStyle::default_bar())
}

impl Drop for Progress {
    fn drop(&mut self) {
        self.bar.finish_and_clear();
    }
}
