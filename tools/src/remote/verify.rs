//! A server's log, checked from outside as far as that goes, and by the server for the rest.
//!
//! Invariant: what the server says of its own files is believed only where it fits what was signed
//! and what was kept elsewhere: checkpoint, verifier key and proofs are checked here.

use std::time::Duration;

use serde::Deserialize;
use serde_json::{Value, json};
use shoseki_engine::proof::{
    Checkpoint, Note, SignedError, VerifierKey, base64_decode, verify_consistency,
};
use shoseki_engine::types::{NodeHash, counted};
use shoseki_engine::verify::{FindingKind, NoticeKind};

use super::client::{Ask, Client};
use super::proof::nodes;
use crate::failure::Failure;
use crate::progress::Progress;

/// How often a verification that takes long is looked after.
const LOOK_EVERY: Duration = Duration::from_millis(300);
/// Steps of the bar.
pub(crate) const STEPS: u64 = 1_000;

/// The report of CONTRACT 2, as a server gives it.
#[derive(Deserialize)]
pub(crate) struct RemoteVerdict {
    pub(crate) status: String,
    pub(crate) records: u64,
    pub(crate) segments: u64,
    pub(crate) tree_size: u64,
    pub(crate) root: String,
    pub(crate) chain_hash: String,
    pub(crate) findings: Vec<RemoteFinding>,
    pub(crate) notices: Vec<RemoteNotice>,
}

#[derive(Deserialize)]
pub(crate) struct RemoteFinding {
    pub(crate) kind: String,
    pub(crate) seq: Option<u64>,
    pub(crate) seq_last: Option<u64>,
    pub(crate) segment: Option<String>,
    pub(crate) message: String,
}

#[derive(Deserialize)]
pub(crate) struct RemoteNotice {
    pub(crate) kind: String,
    pub(crate) seq: Option<u64>,
    pub(crate) message: String,
}

/// What was kept elsewhere.
pub(crate) struct Kept {
    /// A signed checkpoint.
    pub(crate) checkpoint: Option<Vec<u8>>,
    /// The key that must have signed.
    pub(crate) vkey: Option<VerifierKey>,
}

/// A root and the size of its tree.
struct Tree {
    size: u64,
    root: NodeHash,
}

impl From<&Checkpoint> for Tree {
    fn from(checkpoint: &Checkpoint) -> Self {
        Self { size: checkpoint.size.0, root: checkpoint.root }
    }
}

/// Verifies; whatever is found here stands beside what the server found.
///
/// # Errors
/// The server can't be asked, or does not answer as it should.
pub(crate) fn verify(
    client: &mut Client,
    kept: &Kept,
    bar: &Progress,
) -> Result<RemoteVerdict, Failure> {
    let mut here = Here::default();
    let signed = client.checkpoint()?;
    let newest = &signed.checkpoint;
    here.signature(newest, signed.note.as_bytes(), kept);
    if let Some(note) = &kept.checkpoint {
        let old = here.kept(note, newest, kept)?;
        if let Some(old) = old {
            here.grew(client, &Tree::from(&old), &newest.into(), "the checkpoint given")?;
        }
    }
    let mut verdict = ask(client, bar)?;
    let root = base64_decode(&verdict.root).and_then(|bytes| bytes.try_into().ok()).map(NodeHash);
    let root = root.ok_or_else(|| client.strange(&"a root that is none"))?;
    let found = Tree { size: verdict.tree_size, root };
    // A log with findings may have no root that fits; what was found says why.
    if verdict.status == "valid" {
        here.grew(client, &newest.into(), &found, "the checkpoint of the server")?;
    }
    verdict.take(here);
    Ok(verdict)
}

/// What was found here.
#[derive(Default)]
struct Here {
    findings: Vec<RemoteFinding>,
    notices: Vec<RemoteNotice>,
}

impl Here {
    fn find(&mut self, kind: FindingKind, range: Option<(u64, u64)>, message: String) {
        let last = |(first, end): (u64, u64)| (end > first + 1).then(|| end - 1);
        self.findings.push(RemoteFinding {
            kind: kind.as_str().to_owned(),
            seq: range.map(|(first, _)| first),
            seq_last: range.and_then(last),
            segment: None,
            message,
        });
    }

    fn notice(&mut self, kind: NoticeKind, message: &str) {
        let kind = kind.as_str().to_owned();
        self.notices.push(RemoteNotice { kind, seq: None, message: message.to_owned() });
    }

    /// Whether the newest checkpoint is signed by the key that was kept.
    fn signature(&mut self, newest: &Checkpoint, note: &[u8], kept: &Kept) {
        let Some(key) = &kept.vkey else {
            let message = "no key was given: that the server signed its checkpoint was not \
                           checked; give the key kept elsewhere with --vkey";
            return self.notice(NoticeKind::KeyNotIndependent, message);
        };
        if let Err(error) = Checkpoint::open(note, key) {
            let size = newest.size;
            let message = format!("the server's checkpoint of {size}: {error}");
            self.find(FindingKind::Signature, None, message);
        }
    }

    /// The checkpoint that was kept, where it is one of this log.
    fn kept(
        &mut self,
        note: &[u8],
        newest: &Checkpoint,
        kept: &Kept,
    ) -> Result<Option<Checkpoint>, Failure> {
        let parsed = Note::parse(note)
            .map_err(SignedError::from)
            .and_then(|note| Checkpoint::parse(note.text()).map_err(SignedError::from));
        let old = parsed.map_err(|error| {
            Failure::invalid(format_args!("the checkpoint given can't be read: {error}"))
                .next("give the note that `shoseki checkpoint` prints")
        })?;
        if old.origin != newest.origin {
            let message = format!(
                "the checkpoint given is of {}, the server's of {}",
                old.origin, newest.origin
            );
            self.find(FindingKind::Signature, None, message);
            return Ok(None);
        }
        match &kept.vkey {
            None => {
                let message = "the checkpoint given could not be checked: there is no key";
                self.notice(NoticeKind::Unsigned, message);
            }
            Some(key) => {
                if let Err(error) = Checkpoint::open(note, key) {
                    let message = format!("the checkpoint given is not one of this log: {error}");
                    self.find(FindingKind::Signature, None, message);
                    return Ok(None);
                }
            }
        }
        Ok(Some(old))
    }

    /// Whether the one tree is the beginning of the other.
    fn grew(
        &mut self,
        client: &mut Client,
        old: &Tree,
        new: &Tree,
        name: &str,
    ) -> Result<(), Failure> {
        if old.size > new.size {
            let message = format!(
                "{name} covers {}, the log of the server has {}: it is older",
                counted(old.size, "record"),
                new.size
            );
            self.find(FindingKind::RolledBack, Some((new.size, old.size)), message);
            return Ok(());
        }
        // Of nothing, everything is a continuation.
        if old.size == 0 {
            return Ok(());
        }
        let hashes = match old.size == new.size {
            true => Vec::new(),
            false => consistency(client, old.size, new.size)?,
        };
        if verify_consistency(old.size, new.size, &old.root, &new.root, &hashes).is_err() {
            let message = format!(
                "{name} (size {}) is not the beginning of the log of the server (size {}): \
                 another history was signed",
                old.size, new.size
            );
            self.find(FindingKind::Forked, Some((0, old.size)), message);
        }
        Ok(())
    }
}

/// A consistency proof. Whether it holds is for the caller to say.
pub(super) fn consistency(
    client: &mut Client,
    old: u64,
    new: u64,
) -> Result<Vec<NodeHash>, Failure> {
    #[derive(Deserialize)]
    struct Answer {
        hashes: Vec<String>,
    }
    let path = format!("/v1/proofs/consistency?old={old}&new={new}");
    let answer: Answer = client.json(&Ask::get(path))?;
    nodes(&answer.hashes).ok_or_else(|| client.strange(&"a proof with hashes that are none"))
}

/// Has the server verify its files, and waits for it.
fn ask(client: &mut Client, bar: &Progress) -> Result<RemoteVerdict, Failure> {
    #[derive(Deserialize)]
    struct Job {
        job_id: String,
    }
    let answer: Value = client.json(&Ask::post("/v1/audit-logs/integrity-check", &json!({})))?;
    let Ok(Job { job_id }) = Job::deserialize(&answer) else {
        return RemoteVerdict::deserialize(answer).map_err(|error| client.strange(&error));
    };
    if !job_id.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-') {
        return Err(client.strange(&"a job without a name"));
    }
    loop {
        let job: Value = client.json(&Ask::get(format!("/v1/jobs/{job_id}")))?;
        match job.get("status").and_then(Value::as_str) {
            Some("QUEUED" | "RUNNING") => {
                let share = job.get("progress").and_then(Value::as_f64).unwrap_or(0.0);
                bar.set(steps(share));
                std::thread::sleep(LOOK_EVERY);
            }
            Some("SUCCEEDED") => {
                let result = job.get("result").cloned().unwrap_or_default();
                return RemoteVerdict::deserialize(result).map_err(|error| client.strange(&error));
            }
            _ => {
                return Err(Failure::could_not("the server could not verify its log")
                    .at(client.base())
                    .next("its log says why; run `shoseki verify` on its data directory"));
            }
        }
    }
}

#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    clippy::cast_precision_loss,
    reason = "a share of a bar"
)]
fn steps(share: f64) -> u64 {
    (share.clamp(0.0, 1.0) * STEPS as f64) as u64
}

impl RemoteVerdict {
    /// Adds what was found here; a finding makes every log tampered.
    fn take(&mut self, here: Here) {
        self.findings.splice(0..0, here.findings);
        // Where the key lies on the server's side says nothing here: it was given, or is missed.
        let beside = NoticeKind::KeyNotIndependent.as_str();
        self.notices.retain(|notice| notice.kind != beside);
        self.notices.splice(0..0, here.notices);
        if !self.findings.is_empty() {
            "tampered".clone_into(&mut self.status);
        }
    }
}
