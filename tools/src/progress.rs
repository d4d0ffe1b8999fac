//! Progress bars for long work.
//!
//! Invariant: a bar is drawn on standard error only, and only where a person watches. Knows nothing
//! about what is counted.

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};

/// What a bar counts.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Unit {
    /// Bytes, shown in KiB, MiB and so on.
    Bytes,
    /// Records of a log.
    Records,
    /// Events of somebody else's trail.
    Events,
    /// Nothing: it only shows that work goes on.
    Nothing,
}

/// A bar, or nothing where nobody would see it.
pub struct Progress {
    bar: ProgressBar,
    unit: Unit,
}

impl Progress {
    /// A bar labelled `what` over `total` units; a counter where the total is not known.
    #[must_use]
    pub fn new(what: &str, unit: Unit, total: Option<u64>, visible: bool) -> Self {
        if !visible {
            return Self { bar: ProgressBar::hidden(), unit };
        }
        let bar = ProgressBar::with_draw_target(total, ProgressDrawTarget::stderr_with_hz(10));
        bar.set_style(style(unit, total.is_some()));
        bar.set_message(what.to_owned());
        Self { bar, unit }
    }

    /// Says how much there is, once that is known.
    pub fn set_total(&self, total: u64) {
        self.bar.set_length(total);
        self.bar.set_style(style(self.unit, true));
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

fn style(unit: Unit, total_is_known: bool) -> ProgressStyle {
    let template = template(unit, total_is_known);
    ProgressStyle::with_template(template).unwrap_or_else(|_| ProgressStyle::default_bar())
}

fn template(unit: Unit, total_is_known: bool) -> &'static str {
    match (unit, total_is_known) {
        (Unit::Bytes, true) => {
            "{msg} {wide_bar} {binary_bytes}/{binary_total_bytes} {binary_bytes_per_sec} eta {eta}"
        }
        (Unit::Bytes, false) => "{msg} {spinner} {binary_bytes} {binary_bytes_per_sec}",
        (Unit::Records, true) => "{msg} {wide_bar} {human_pos}/{human_len} records eta {eta}",
        (Unit::Records, false) => "{msg} {spinner} {human_pos} records",
        (Unit::Events, true) => "{msg} {wide_bar} {human_pos}/{human_len} events eta {eta}",
        (Unit::Events, false) => "{msg} {spinner} {human_pos} events",
        (Unit::Nothing, _) => "{msg} {spinner} {elapsed}",
    }
}

impl Drop for Progress {
    fn drop(&mut self) {
        self.bar.finish_and_clear();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_count_has_its_unit() {
        for known in [true, false] {
            assert!(template(Unit::Records, known).contains(" records"));
            assert!(template(Unit::Events, known).contains(" events"));
            assert!(!template(Unit::Nothing, known).contains("pos"));
            let bytes = template(Unit::Bytes, known);
            assert!(bytes.contains("{binary_bytes}") && !bytes.contains("human"), "{bytes}");
        }
        let all = [Unit::Bytes, Unit::Records, Unit::Events, Unit::Nothing];
        for unit in all {
            for known in [true, false] {
                assert!(ProgressStyle::with_template(template(unit, known)).is_ok());
            }
        }
    }
}
