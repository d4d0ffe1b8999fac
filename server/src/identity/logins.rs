//! Which credentials were seen before, so that a login is told once.
//!
//! Invariant: memory is bounded; what was forgotten is told again, which is the harmless side.

use std::collections::{HashSet, VecDeque};

use parking_lot::Mutex;
use sha2::{Digest as _, Sha256};

use super::caller::{Caller, Means};

/// Credentials that are remembered.
const SEEN_MAX: usize = 65_536;

/// Digests of credentials, the oldest first.
#[derive(Default)]
pub(super) struct Logins(Mutex<Seen>);

#[derive(Default)]
struct Seen {
    known: HashSet<[u8; 16]>,
    order: VecDeque<[u8; 16]>,
}

impl Logins {
    /// Whether these credentials come for the first time.
    pub(super) fn first_use(&self, caller: &Caller) -> bool {
        let digest = digest(caller);
        let mut seen = self.0.lock();
        if !seen.known.insert(digest) {
            return false;
        }
        seen.order.push_back(digest);
        if seen.order.len() > SEEN_MAX
            && let Some(oldest) = seen.order.pop_front()
        {
            seen.known.remove(&oldest);
        }
        true
    }
}

/// A token without `jti` is told apart by its end.
fn digest(caller: &Caller) -> [u8; 16] {
    let (kind, first, second) = match &caller.means {
        Means::Token { id: Some(id), key } => ("jti", id.as_str(), key.as_str()),
        Means::Token { id: None, key } => ("exp", "", key.as_str()),
        Means::Certificate { fingerprint } => ("certificate", fingerprint.as_str(), ""),
    };
    let ends = caller.expires_at.unwrap_or(0).to_string();
    let mut hasher = Sha256::new();
    for part in [kind, first, second, caller.subject(), &ends] {
        hasher.update(part.len().to_string());
        hasher.update([b':']);
        hasher.update(part);
    }
    let mut short = [0; 16];
    for (to, from) in short.iter_mut().zip(hasher.finalize()) {
        *to = from;
    }
    short
}

#[cfg(test)]
mod tests {
    use shoseki_engine::record::Producer;

    use super::super::caller::Facilities;
    use super::super::role::Roles;
    use super::*;

    fn caller(id: Option<&str>, expires_at: i64) -> Caller {
        Caller {
            producer: Producer::new("a").unwrap(),
            roles: Roles::default(),
            facilities: Facilities::All,
            means: Means::Token { id: id.map(str::to_owned), key: "k".to_owned() },
            expires_at: Some(expires_at),
        }
    }

    #[test]
    fn each_token_is_new_once() {
        let logins = Logins::default();
        assert!(logins.first_use(&caller(Some("1"), 5)));
        assert!(!logins.first_use(&caller(Some("1"), 5)));
        assert!(logins.first_use(&caller(Some("2"), 5)));
        assert!(logins.first_use(&caller(None, 5)));
        assert!(!logins.first_use(&caller(None, 5)));
        assert!(logins.first_use(&caller(None, 6)));
    }

    #[test]
    fn memory_is_bounded() {
        let logins = Logins::default();
        for number in 0..=SEEN_MAX {
            assert!(logins.first_use(&caller(Some(&number.to_string()), 0)));
        }
        let seen = logins.0.lock();
        assert_eq!((seen.known.len(), seen.order.len()), (SEEN_MAX, SEEN_MAX));
        drop(seen);
        assert!(logins.first_use(&caller(Some("0"), 0)), "the oldest was forgotten");
        assert!(!logins.first_use(&caller(Some("2"), 0)));
    }
}
