//! Cursors as clients hold them: the engine's, bound to whom it was given.
//!
//! Invariant: a cursor works only for the subject and the facilities that it was given for, and
//! only as long as its key; its text says nothing.
//! Form: `<key id>.<engine's cursor><session>.<MAC>`.

use std::str::FromStr;

use aws_lc_rs::{constant_time, digest, hmac};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use shoseki_engine::query::Cursor;
use shoseki_engine::types::to_hex;

use crate::identity::{Caller, Facilities};
use crate::problem::{ErrorCode, Problem};

const DOMAIN: &[u8] = b"shoseki cursor 1";
/// Bytes of the MAC that are kept.
const MAC_LEN: usize = 16;
/// Characters of a session.
const SESSION_LEN: usize = 22;

/// Binds cursors to callers.
pub struct Cursors {
    key: hmac::Key,
    key_id: String,
}

impl Cursors {
    /// With a secret of 32 bytes.
    #[must_use]
    pub fn new(secret: &[u8; 32]) -> Self {
        let id = digest::digest(&digest::SHA256, &[b"shoseki cursor key 1", &secret[..]].concat());
        let key_id = to_hex(id.as_ref().get(..4).unwrap_or_default());
        Self { key: hmac::Key::new(hmac::HMAC_SHA256, secret), key_id }
    }

    /// The text that goes to the client; `session` names the pages of one question.
    #[must_use]
    pub fn seal(&self, cursor: &Cursor, session: u128, caller: &Caller) -> String {
        let session = URL_SAFE_NO_PAD.encode(session.to_le_bytes());
        let cursor = format!("{cursor}{session}");
        let mac = URL_SAFE_NO_PAD.encode(self.mac(&cursor, caller));
        format!("{}.{cursor}.{mac}", self.key_id)
    }

    /// The cursor of a text that this caller was given, and its session.
    ///
    /// # Errors
    /// [`ErrorCode::CursorGone`] where the key is another by now, [`ErrorCode::RequestCursor`]
    /// where it is no cursor of this caller.
    pub fn open(&self, text: &str, caller: &Caller) -> Result<(Cursor, u128), Problem> {
        let wrong = || {
            let detail = "cursor: expected one that this query gave to you";
            Problem::new(ErrorCode::RequestCursor, detail)
        };
        let mut parts = text.split('.');
        let (Some(id), Some(cursor), Some(mac), None) =
            (parts.next(), parts.next(), parts.next(), parts.next())
        else {
            return Err(wrong());
        };
        let known = id.len() == self.key_id.len() && id.bytes().all(|b| b.is_ascii_hexdigit());
        if known && id != self.key_id {
            let detail = "the cursor was given under an earlier key: ask the first page again";
            return Err(Problem::new(ErrorCode::CursorGone, detail));
        }
        let mac = URL_SAFE_NO_PAD.decode(mac).map_err(|_| wrong())?;
        let expected = self.mac(cursor, caller);
        constant_time::verify_slices_are_equal(&mac, &expected).map_err(|_| wrong())?;
        if !known {
            return Err(wrong());
        }
        let at = cursor.len().checked_sub(SESSION_LEN).ok_or_else(wrong)?;
        let (cursor, session) = cursor.split_at_checked(at).ok_or_else(wrong)?;
        let session = URL_SAFE_NO_PAD.decode(session).map_err(|_| wrong())?;
        let session = <[u8; 16]>::try_from(session.as_slice()).map_err(|_| wrong())?;
        let cursor = Cursor::from_str(cursor).map_err(|_| wrong())?;
        Ok((cursor, u128::from_le_bytes(session)))
    }

    fn mac(&self, cursor: &str, caller: &Caller) -> Vec<u8> {
        let mut context = hmac::Context::with_key(&self.key);
        let mut part = |bytes: &[u8]| {
            context.update(&(bytes.len() as u64).to_le_bytes());
            context.update(bytes);
        };
        part(DOMAIN);
        part(cursor.as_bytes());
        part(caller.subject().as_bytes());
        match &caller.facilities {
            Facilities::All => part(b"*"),
            Facilities::Only(names) => {
                part(b"only");
                names.iter().for_each(|name| part(name.as_bytes()));
            }
        }
        let tag = context.sign();
        tag.as_ref().get(..MAC_LEN).unwrap_or_default().to_vec()
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use shoseki_engine::query::{Filter, Order};
    use shoseki_engine::record::Producer;
    use shoseki_engine::types::Seq;

    use super::*;
    use crate::identity::{Means, Role, Roles};

    fn caller(name: &str, facilities: Facilities) -> Caller {
        let means = Means::Certificate { fingerprint: String::new() };
        let producer = Producer::new(name).expect("a name");
        let roles = Roles::of(&[Role::Auditor]);
        Caller { producer, roles, facilities, means, expires_at: None }
    }

    fn only(names: &[&str]) -> Facilities {
        Facilities::Only(names.iter().map(|name| (*name).to_owned()).collect::<BTreeSet<_>>())
    }

    #[test]
    fn a_cursor_works_for_whom_it_was_given_and_under_its_key() {
        let cursors = Cursors::new(&[7; 32]);
        let a = caller("a", only(&["F1", "F2"]));
        let cursor = Cursor::behind(&Filter::default(), Order::Descending, 5, Seq(9));
        let text = cursors.seal(&cursor, 77, &a);
        assert_eq!(cursors.open(&text, &a).expect("its own"), (cursor, 77));
        for other in [caller("b", only(&["F1", "F2"])), caller("a", only(&["F1"]))] {
            assert_eq!(
                cursors.open(&text, &other).expect_err("foreign").code,
                ErrorCode::RequestCursor
            );
        }
        let joined = caller("a", only(&["F1F2"]));
        assert_eq!(
            cursors.open(&text, &joined).expect_err("joined").code,
            ErrorCode::RequestCursor
        );
        let later = Cursors::new(&[8; 32]);
        assert_eq!(later.open(&text, &a).expect_err("rotated").code, ErrorCode::CursorGone);
        for at in 0..text.len() {
            let mut changed = text.clone().into_bytes();
            changed[at] ^= 1;
            if let Ok(changed) = String::from_utf8(changed) {
                assert!(cursors.open(&changed, &a).is_err(), "{changed}");
            }
        }
    }
}
