//! Who the log is: `log.json`, `log.vkey`, `log.vkeys`, and the key from outside.
//!
//! Invariant: what can't be read is a finding, and the rest is judged by what is left; a key from
//! outside is never replaced by one that lies beside the log.

use super::report::{Collector, Finding, FindingKind, NoticeKind};
use super::signed::Keys;
use super::source::{EvidenceSource, read_small};
use crate::proof::{FORMAT, KeyList, KeyListError, LogIdentity, VerifierKey};

/// What is known of the log as a whole.
#[derive(Clone, Debug, Default)]
pub(super) struct Identity {
    /// `log.json`, where it can be read.
    pub(super) log: Option<LogIdentity>,
    /// The log's keys.
    pub(super) keys: Keys,
    /// `log.vkey` names the key before the newest: a rotation that was cut short, if nothing was
    /// signed with the newest yet.
    pub(super) rotating: bool,
}

const IDENTITY: &str = "log.json";
const KEY: &str = "log.vkey";
const KEYS: &str = "log.vkeys";
/// A key list of thousands of rotations.
const SMALL_FILE_LEN_MAX: u64 = 4 << 20;

/// Bytes of a small evidence file; a finding where it is missing or can't be read.
pub(super) fn evidence(
    source: &dyn EvidenceSource,
    path: &str,
    found: &mut Collector,
) -> Option<Vec<u8>> {
    match read_small(source, path, SMALL_FILE_LEN_MAX) {
        Ok(Some(bytes)) => Some(bytes),
        Ok(None) => {
            let message = format!("{path} is not there");
            found.find(Finding::whole(FindingKind::Missing, message).in_file(path));
            None
        }
        Err(e) => {
            let message = format!("{path} can't be read: {e}");
            found.find(Finding::whole(FindingKind::Corrupt, message).in_file(path));
            None
        }
    }
}

impl Identity {
    /// Reads and judges the three files.
    pub(super) fn load(
        source: &dyn EvidenceSource,
        outside: Option<&VerifierKey>,
        found: &mut Collector,
    ) -> Self {
        let log = evidence(source, IDENTITY, found).and_then(|bytes| identity(&bytes, found));
        let key = evidence(source, KEY, found).and_then(|bytes| key(&bytes, found));
        let list = evidence(source, KEYS, found).and_then(|bytes| list(&bytes, found));
        let rotating = is_rotating(key.as_ref(), list.as_ref());
        check_names(log.as_ref(), key.as_ref().filter(|_| !rotating), list.as_ref(), found);
        let mut keys = match (&list, key, outside) {
            (Some(list), ..) => Keys::of_list(list),
            (None, _, Some(outside)) => Keys::of_key(outside.clone()),
            (None, Some(key), None) => Keys::of_key(key),
            (None, None, None) => Keys::default(),
        };
        match outside {
            Some(outside) if !keys.trust(outside) => {
                let message = "the key given is none of the log's keys";
                found.find(Finding::whole(FindingKind::Signature, message).in_file(KEYS));
            }
            Some(_) => {}
            None => {
                let message = "the key lies beside the log: it shows that the parts belong \
                               together, not who signed them; give the key kept elsewhere";
                found.notice(NoticeKind::KeyNotIndependent, message);
            }
        }
        Self { log, keys, rotating }
    }
}

fn identity(bytes: &[u8], found: &mut Collector) -> Option<LogIdentity> {
    let Some(log) = LogIdentity::parse(bytes) else {
        let message = "log.json is not the identity of a log in its one spelling";
        found.find(Finding::whole(FindingKind::Corrupt, message).in_file(IDENTITY));
        return None;
    };
    if log.format != FORMAT {
        let message = format!("log.json names format {}, this program reads {FORMAT}", log.format);
        found.find(Finding::whole(FindingKind::Corrupt, message).in_file(IDENTITY));
    }
    Some(log)
}

fn key(bytes: &[u8], found: &mut Collector) -> Option<VerifierKey> {
    match VerifierKey::parse_line(bytes) {
        Ok(key) => Some(key),
        Err(e) => {
            let message = format!("log.vkey can't be read: {e}");
            found.find(Finding::whole(FindingKind::Corrupt, message).in_file(KEY));
            None
        }
    }
}

fn list(bytes: &[u8], found: &mut Collector) -> Option<KeyList> {
    match KeyList::parse(bytes) {
        Ok(list) => Some(list),
        Err(e) => {
            let kind = match e {
                KeyListError::Encoding | KeyListError::Text(_) => FindingKind::Corrupt,
                _ => FindingKind::Signature,
            };
            let message = format!("log.vkeys can't be taken: {e}");
            found.find(Finding::whole(kind, message).in_file(KEYS));
            None
        }
    }
}

fn is_rotating(key: Option<&VerifierKey>, list: Option<&KeyList>) -> bool {
    let Some((key, list)) = key.zip(list) else { return false };
    let before = list.len().checked_sub(2).and_then(|at| list.entries().nth(at));
    before.is_some_and(|entry| entry.key() == key)
}

/// Whether a rotation was cut short, as `log.vkey` says; `signed`: the newest key signed something.
pub(super) fn judge_rotation(signed: bool, found: &mut Collector) {
    if signed {
        let message = "log.vkey is not the newest key of log.vkeys, which has signed already";
        found.find(Finding::whole(FindingKind::Signature, message).in_file(KEY));
    } else {
        let message = "log.vkey names the key before the newest: a rotation was cut short";
        found.notice(NoticeKind::Rotation, message);
    }
}

/// The three files must be about the same log and end with the same key.
fn check_names(
    log: Option<&LogIdentity>,
    key: Option<&VerifierKey>,
    list: Option<&KeyList>,
    found: &mut Collector,
) {
    if let (Some(key), Some(list)) = (key, list)
        && key != list.current()
    {
        let message = "log.vkey is not the newest key of log.vkeys";
        found.find(Finding::whole(FindingKind::Signature, message).in_file(KEY));
    }
    let Some(log) = log else { return };
    let key = key.map(|key| (KEY, key.name()));
    let list = list.map(|list| (KEYS, list.origin().as_str()));
    let mut names = [key, list].into_iter().flatten().filter(|(_, n)| *n != log.origin.as_str());
    let (path, message) = match (names.next(), names.next()) {
        (Some(_), Some(_)) => (IDENTITY, "log.json is of another log than the keys are".to_owned()),
        (Some((path, _)), None) => (path, format!("{path} is of another log than log.json says")),
        _ => return,
    };
    found.find(Finding::whole(FindingKind::Changed, message).in_file(path));
}
