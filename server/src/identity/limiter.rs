//! How often a source may fail to authenticate.
//!
//! A source is an IPv4 address or an IPv6 /64. Each has so many failures at once, and they grow
//! back evenly over a minute.
//! Invariant: only failures count; memory is bounded; a full table forgets those that failed least.
//! Knows nothing about clocks: time is an argument, in seconds, and may step back.

use std::collections::HashMap;
use std::net::{IpAddr, Ipv6Addr};

use parking_lot::Mutex;

/// Sources that are remembered.
const SOURCES_MAX: usize = 16_384;
/// The time over which all failures of a source grow back.
const WINDOW_MS: i64 = 60_000;

/// Failures of sources.
pub(super) struct Limiter {
    /// Milliseconds that one failure takes to be forgotten.
    step_ms: i64,
    /// When each source will have been forgiven, in milliseconds since 1970.
    clear_at: Mutex<HashMap<IpAddr, i64>>,
}

impl Limiter {
    /// So many failures a minute for each source, at least 1.
    pub(super) fn new(failures_per_minute: u32) -> Self {
        let step_ms = (WINDOW_MS / i64::from(failures_per_minute.max(1))).max(1);
        Self { step_ms, clear_at: Mutex::default() }
    }

    /// Seconds until the source is heard again; `None` where it is heard now.
    pub(super) fn wait(&self, peer: IpAddr, now_unix: i64) -> Option<u32> {
        let now = millis(now_unix);
        let clear_at = *self.clear_at.lock().get(&source(peer))?;
        // A clock that stepped back must not shut anybody out for longer than the window.
        let ahead = clear_at.saturating_sub(now).min(WINDOW_MS);
        let excess = ahead + self.step_ms - WINDOW_MS;
        (excess > 0).then(|| u32::try_from(excess.div_euclid(1000) + 1).unwrap_or(1))
    }

    /// Counts a failure.
    pub(super) fn failed(&self, peer: IpAddr, now_unix: i64) {
        let now = millis(now_unix);
        let mut clear_at = self.clear_at.lock();
        let source = source(peer);
        if clear_at.len() >= SOURCES_MAX && !clear_at.contains_key(&source) {
            forget(&mut clear_at, now);
        }
        let at = clear_at.entry(source).or_insert(now);
        *at = (*at).clamp(now, now.saturating_add(WINDOW_MS)).saturating_add(self.step_ms);
    }
}

/// Drops the forgiven; where that makes no room, the half that is forgiven first.
fn forget(clear_at: &mut HashMap<IpAddr, i64>, now: i64) {
    clear_at.retain(|_, at| *at > now);
    if clear_at.len() > SOURCES_MAX / 2 {
        let mut times: Vec<i64> = clear_at.values().copied().collect();
        let middle = times.len() / 2;
        let (_, median, _) = times.select_nth_unstable(middle);
        let median = *median;
        clear_at.retain(|_, at| *at > median);
    }
}

fn millis(seconds: i64) -> i64 {
    seconds.saturating_mul(1000)
}

fn source(peer: IpAddr) -> IpAddr {
    match peer.to_canonical() {
        IpAddr::V4(address) => address.into(),
        IpAddr::V6(address) => {
            let network = u128::from(address) & !u128::from(u64::MAX);
            Ipv6Addr::from(network).into()
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ip(text: &str) -> IpAddr {
        text.parse().unwrap()
    }

    #[test]
    fn failures_are_counted_and_grow_back() {
        let limiter = Limiter::new(3);
        let peer = ip("192.0.2.1");
        for _ in 0..3 {
            assert_eq!(limiter.wait(peer, 1000), None);
            limiter.failed(peer, 1000);
        }
        let wait = limiter.wait(peer, 1000).unwrap();
        assert_eq!(limiter.wait(ip("192.0.2.2"), 1000), None, "another source");
        assert_eq!(limiter.wait(ip("::ffff:192.0.2.1"), 1000), Some(wait), "the same source");
        assert!((20..=21).contains(&wait), "{wait}");
        assert_eq!(limiter.wait(peer, 1000 + i64::from(wait)), None);
        limiter.failed(peer, 1000 + i64::from(wait));
        assert!(limiter.wait(peer, 1000 + i64::from(wait)).is_some(), "one grew back, not three");
        assert_eq!(limiter.wait(peer, 1200), None);
    }

    #[test]
    fn a_clock_that_steps_back_shuts_nobody_out_for_long() {
        let limiter = Limiter::new(1);
        limiter.failed(ip("192.0.2.1"), 1_000_000);
        assert!(limiter.wait(ip("192.0.2.1"), 0).unwrap() <= 61);
        limiter.failed(ip("192.0.2.1"), 0);
        assert_eq!(limiter.wait(ip("192.0.2.1"), 121), None);
        assert_eq!(limiter.wait(ip("192.0.2.1"), i64::MAX), None);
    }

    #[test]
    fn neighbours_in_a_network_are_one_source() {
        let limiter = Limiter::new(1);
        limiter.failed(ip("2001:db8::1"), 0);
        assert!(limiter.wait(ip("2001:db8::ffff:1"), 0).is_some());
        assert_eq!(limiter.wait(ip("2001:db8:0:1::1"), 0), None);
    }

    #[test]
    fn memory_is_bounded_and_the_worst_stay_known() {
        let limiter = Limiter::new(2);
        let worst = ip("198.51.100.1");
        for _ in 0..2 {
            limiter.failed(worst, 0);
        }
        for number in 0..100_000_u32 {
            limiter.failed(IpAddr::V4(number.into()), 0);
        }
        assert!(limiter.clear_at.lock().len() <= SOURCES_MAX);
        assert!(limiter.wait(worst, 0).is_some());
    }
}
