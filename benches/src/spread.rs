//! Median, least and greatest of some rounds, and percentiles of many samples.
//!
//! Invariant: every figure is one that was measured; nothing is averaged or left out.

use std::fmt;

/// Figures of several rounds.
#[derive(Clone, PartialEq, Debug, Default)]
pub struct Spread(Vec<f64>);

impl Spread {
    /// Adds the figure of one round.
    pub fn add(&mut self, figure: f64) {
        let at = self.0.partition_point(|known| *known < figure);
        self.0.insert(at, figure);
    }

    /// The middle one; of an even number the lower of the two in the middle.
    #[must_use]
    pub fn median(&self) -> f64 {
        percentile(&self.0, 50)
    }

    /// The least.
    #[must_use]
    pub fn min(&self) -> f64 {
        self.0.first().copied().unwrap_or(f64::NAN)
    }

    /// The greatest.
    #[must_use]
    pub fn max(&self) -> f64 {
        self.0.last().copied().unwrap_or(f64::NAN)
    }
}

impl fmt::Display for Spread {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let digits = f.precision().unwrap_or(0);
        let (median, min, max) = (self.median(), self.min(), self.max());
        write!(f, "{median:.digits$} | {min:.digits$} | {max:.digits$}")
    }
}

/// The sample below or at which `percent` of the samples lie; NaN without samples.
#[must_use]
pub fn percentile(sorted: &[f64], percent: usize) -> f64 {
    let rank = (sorted.len() * percent).div_ceil(100).max(1);
    sorted.get(rank - 1).copied().unwrap_or(f64::NAN)
}

#[cfg(test)]
mod tests {
    use super::{Spread, percentile};

    #[test]
    fn figures_are_measured_ones() {
        let mut spread = Spread::default();
        for figure in [4.0, 1.0, 3.0, 2.0] {
            spread.add(figure);
        }
        assert_eq!(format!("{spread:.1}"), "2.0 | 1.0 | 4.0");
        let samples: Vec<f64> = (1..=200).map(f64::from).collect();
        let found = [1, 50, 99, 100].map(|percent| percentile(&samples, percent));
        assert_eq!(found.map(|figure| figure.to_string()), ["2", "100", "198", "200"]);
        assert!(percentile(&[], 50).is_nan());
    }
}
