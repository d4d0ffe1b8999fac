//! `shoseki proof`: that a record is in the log, or that the log only grew.

use std::path::PathBuf;
use std::thread;
use std::time::Duration;

use clap::Args;
use serde::Serialize;
use shoseki_engine::io::LockError;
use shoseki_engine::log::{Log, OpenError, ReadError, Reader, SignedCheckpoint};
use shoseki_engine::proof::{base64_encode, verify_consistency, verify_inclusion};
use shoseki_engine::types::{NodeHash, Seq, TreeSize};

use crate::commands::show::RecordName;
use crate::commands::verify::key;
use crate::explain;
use crate::failure::{Failure, Status, Stop};
use crate::logs;
use crate::output::Session;
use crate::remote::{Client, Prover, RemoteArgs, record};

/// A running writer signs within a second; how often and how long to look for it.
const LOOKS: u32 = 30;
const LOOK_EVERY: Duration = Duration::from_millis(100);

/// Arguments of `proof`.
#[derive(Args, Debug)]
#[command(
    after_help = "JSON with base64 hashes, as RFC 9162 sections 2.1.3 and 2.1.4 verify them. \
                        The proof is checked before it is written."
)]
pub struct Proof {
    /// Record to prove, by its place in the log or its audit_id
    #[arg(value_name = "SEQ|AUDIT_ID", required_unless_present = "consistency")]
    pub record: Option<RecordName>,
    /// Size of the tree; the newest checkpoint's without it
    #[arg(long, value_name = "N", conflicts_with = "consistency")]
    pub size: Option<u64>,
    /// Prove that the log of OLD records is the beginning of the log of NEW records
    #[arg(long, num_args = 2, value_names = ["OLD", "NEW"], conflicts_with = "record")]
    pub consistency: Option<Vec<u64>>,
    /// Verifier key that was kept elsewhere: the server's checkpoint must be signed with it
    #[arg(long, value_name = "FILE", requires = "url")]
    pub vkey: Option<PathBuf>,
    /// The server to ask; what it answers is checked here.
    #[command(flatten)]
    pub remote: RemoteArgs,
}

#[derive(Serialize)]
struct Inclusion {
    leaf_index: u64,
    tree_size: u64,
    hash: String,
    leaf_hash: String,
    hashes: Vec<String>,
    root: String,
    /// The signed note, where it is one of this very tree.
    checkpoint: Option<String>,
}

#[derive(Serialize)]
struct Consistency {
    old_size: u64,
    new_size: u64,
    old_root: String,
    new_root: String,
    hashes: Vec<String>,
}

impl Proof {
    /// Writes the proof.
    ///
    /// # Errors
    /// There is no such record or size, or a damaged record stands in the way.
    pub fn run(&self, session: &mut Session<'_>) -> Result<Status, Stop> {
        if let Some(client) = self.remote.client(session)? {
            return self.remote(client, session);
        }
        if let Some([old, new]) = self.consistency.as_deref() {
            return consistency(TreeSize(*old), TreeSize(*new), session);
        }
        let reader = logs::reader(session)?;
        let Some(name) = self.record else { return Ok(Status::Done) };
        let found = name.find(&reader, session)?;
        let mut proofs = Vec::new();
        for seq in found {
            proofs.push(self.inclusion(&reader, seq, session)?);
        }
        proofs.iter().try_for_each(|proof| session.out.json(proof))?;
        Ok(Status::Done)
    }

    /// The same of a server.
    fn remote(&self, mut client: Client, session: &mut Session<'_>) -> Result<Status, Stop> {
        let key = self.vkey.as_deref().map(key).transpose()?;
        if key.is_none() {
            session.notes.note(
                "no key was given: that the server signed its checkpoint was not checked; give \
                 the key kept elsewhere with --vkey",
            );
        }
        if let Some([old, new]) = self.consistency.as_deref() {
            not_of_nothing(*old)?;
            let grown = Prover::new(&mut client, key.as_ref()).consistency(*old, *new)?;
            session.out.json(&Consistency {
                old_size: *old,
                new_size: *new,
                old_root: base64_encode(&grown.old_root.0),
                new_root: base64_encode(&grown.new_root.0),
                hashes: base64(&grown.hashes),
            })?;
            return Ok(Status::Done);
        }
        let Some(name) = self.record else { return Ok(Status::Done) };
        let found = record(&mut client, name)?;
        let mut prover = Prover::new(&mut client, key.as_ref());
        let mut proofs = Vec::new();
        for entry in found {
            let proof = prover.inclusion(&entry, self.size)?;
            proofs.push(Inclusion {
                leaf_index: proof.leaf_index,
                tree_size: proof.tree_size,
                hash: base64_encode(&proof.hash.0),
                leaf_hash: base64_encode(&proof.leaf_hash.0),
                hashes: base64(&proof.hashes),
                root: base64_encode(&proof.root.0),
                checkpoint: proof.checkpoint,
            });
        }
        proofs.iter().try_for_each(|proof| session.out.json(proof))?;
        Ok(Status::Done)
    }

    fn inclusion(
        &self,
        reader: &Reader,
        seq: Seq,
        session: &Session<'_>,
    ) -> Result<Inclusion, Failure> {
        let dir = session.shared.data_dir();
        let failed = |error: ReadError| explain::read(&error, dir);
        let signed = match self.size {
            Some(_) => reader.checkpoint().map_err(failed)?,
            None => Some(covering(reader, seq, session)?),
        };
        let newest = signed.as_ref().map(|signed| signed.checkpoint.size);
        let size = self.size.map(TreeSize).or(newest).unwrap_or_default();
        let proof = reader.prove_inclusion(seq, size).map_err(failed)?;
        let root = reader.root_at(size).map_err(failed)?;
        let signed = signed.filter(|signed| signed.checkpoint.size == size);
        let held = verify_inclusion(&proof.leaf_hash, seq.0, size.0, &proof.hashes, &root).is_ok();
        let same = signed.as_ref().is_none_or(|signed| signed.checkpoint.root == root);
        if !held || !same {
            return Err(contradiction(size, session));
        }
        Ok(Inclusion {
            leaf_index: proof.leaf_index,
            tree_size: proof.tree_size.0,
            hash: base64_encode(&proof.record_hash.0),
            leaf_hash: base64_encode(&proof.leaf_hash.0),
            hashes: base64(&proof.hashes),
            root: base64_encode(&root.0),
            checkpoint: signed.map(|signed| signed.note),
        })
    }
}

fn consistency(old: TreeSize, new: TreeSize, session: &mut Session<'_>) -> Result<Status, Stop> {
    not_of_nothing(old.0)?;
    let reader = logs::reader(session)?;
    let failed = |error: ReadError| explain::read(&error, session.shared.data_dir());
    let proof = reader.prove_consistency(old, new).map_err(failed)?;
    let (old_root, new_root) =
        (reader.root_at(old).map_err(failed)?, reader.root_at(new).map_err(failed)?);
    let held = verify_consistency(old.0, new.0, &old_root, &new_root, &proof.hashes);
    if held.is_err() {
        return Err(contradiction(new, session).into());
    }
    session.out.json(&Consistency {
        old_size: old.0,
        new_size: new.0,
        old_root: base64_encode(&old_root.0),
        new_root: base64_encode(&new_root.0),
        hashes: base64(&proof.hashes),
    })?;
    Ok(Status::Done)
}

fn not_of_nothing(old: u64) -> Result<(), Failure> {
    if old > 0 {
        return Ok(());
    }
    Err(Failure::invalid("a tree of 0 records is a prefix of every tree")
        .next("ask from a size of 1 on"))
}

fn base64(hashes: &[NodeHash]) -> Vec<String> {
    hashes.iter().map(|hash| base64_encode(&hash.0)).collect()
}

fn contradiction(size: TreeSize, session: &Session<'_>) -> Failure {
    Failure::found(format_args!("the records do not lead to the root of the tree of {size}"))
        .at(session.shared.data_dir().display())
        .next("run `shoseki verify` on the data directory")
}

/// A checkpoint that covers the record: the newest, or one that is signed for this question.
fn covering(reader: &Reader, seq: Seq, session: &Session<'_>) -> Result<SignedCheckpoint, Failure> {
    let dir = session.shared.data_dir();
    // The view moves on with the checkpoint.
    let newest = || -> Result<_, Failure> {
        reader.refresh().map_err(|error| explain::reading(&error, dir))?;
        let signed = reader.checkpoint().map_err(|error| explain::read(&error, dir))?;
        let size = reader.size();
        Ok(signed.filter(|s| seq.covered_by() <= s.checkpoint.size && s.checkpoint.size <= size))
    };
    if let Some(signed) = newest()? {
        return Ok(signed);
    }
    let looks = match Log::open(dir, session.config.log_options()) {
        Ok(log) => {
            let made = log.checkpoint().map_err(|error| explain::working(&error, dir));
            let closed = log.close().map_err(|error| explain::working(&error, dir));
            made.map(|_| ()).and(closed)?;
            1
        }
        Err(OpenError::Lock(LockError::Held { .. })) => LOOKS,
        Err(error) => return Err(explain::opening(&error, dir)),
    };
    for look in 0..looks {
        if look > 0 {
            thread::sleep(LOOK_EVERY);
        }
        if let Some(signed) = newest()? {
            return Ok(signed);
        }
    }
    reader.read(seq).map_err(|error| explain::read(&error, dir))?;
    Err(Failure::could_not(format_args!("no checkpoint covers record {seq} yet"))
        .at(dir.display())
        .next("the running writer signs within a second of a commit: run the command again"))
}
