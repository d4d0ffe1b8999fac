//! How many files the process may have open, connections among them.
//!
//! Invariant: connections never take the last files: the log needs some to seal and to read.

use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

/// Files that are left to the log and to everything else.
const LEFT: u64 = 256;

/// Raises what may be open as far as it goes, and says how many connections fit into it.
#[must_use]
pub fn connections(wanted: usize) -> usize {
    let now = getrlimit(Resource::Nofile);
    let raised = Rlimit { current: now.maximum, maximum: now.maximum };
    let open = match setrlimit(Resource::Nofile, raised) {
        Ok(()) => now.maximum,
        Err(_) => now.current,
    };
    let fit = fitting(wanted, open);
    if fit < wanted {
        tracing::warn!(wanted, fit, "fewer connections than configured: raise LimitNOFILE");
    }
    fit
}

/// Connections that fit into a limit; `None` is no limit.
fn fitting(wanted: usize, open: Option<u64>) -> usize {
    let Some(open) = open else { return wanted };
    // Where the limit is tiny, half of it.
    let fit = open.saturating_sub(LEFT).max(open / 2).max(1);
    wanted.min(usize::try_from(fit).unwrap_or(usize::MAX))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn some_files_are_always_left() {
        assert_eq!(fitting(1024, None), 1024);
        assert_eq!(fitting(1024, Some(1_048_576)), 1024);
        assert_eq!(fitting(1024, Some(1024)), 768);
        assert_eq!(fitting(1024, Some(100)), 50);
        assert_eq!(fitting(1024, Some(0)), 1);
        assert_eq!(fitting(16, Some(1024)), 16);
    }

    #[test]
    fn the_limit_is_raised() {
        let before = getrlimit(Resource::Nofile);
        assert_eq!(connections(1), 1);
        let after = getrlimit(Resource::Nofile);
        assert_eq!(after.current, before.maximum);
    }
}
