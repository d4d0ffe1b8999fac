//! Proofs of a server's log, checked here against what it signed.
//!
//! Invariant: what is given out leads from the hashes of records to a root that the newest
//! checkpoint of the server confirms; whether that checkpoint is signed by the key that was kept
//! elsewhere is said. Knows nothing of how a proof is written.

use serde::Deserialize;
use shoseki_engine::log::{Entry, SignedCheckpoint};
use shoseki_engine::proof::{
    Checkpoint, VerifierKey, base64_decode, leaf_hash, root_from_inclusion, verify_consistency,
};
use shoseki_engine::types::{NodeHash, RecordHash};

use super::client::{Ask, Client};
use super::search::at;
use super::verify::consistency;
use crate::failure::Failure;

/// A record in a tree.
pub(crate) struct Included {
    pub(crate) leaf_index: u64,
    pub(crate) tree_size: u64,
    pub(crate) hash: RecordHash,
    pub(crate) leaf_hash: NodeHash,
    pub(crate) hashes: Vec<NodeHash>,
    pub(crate) root: NodeHash,
    /// The signed note, where it is one of this very tree.
    pub(crate) checkpoint: Option<String>,
}

/// A tree that is the beginning of another.
pub(crate) struct Grown {
    pub(crate) old_root: NodeHash,
    pub(crate) new_root: NodeHash,
    pub(crate) hashes: Vec<NodeHash>,
}

/// A path as the server answers it.
#[derive(Deserialize)]
struct Answer {
    leaf_index: u64,
    tree_size: u64,
    hashes: Vec<String>,
}

/// Asks for proofs and checks them.
pub(crate) struct Prover<'c> {
    client: &'c mut Client,
    key: Option<&'c VerifierKey>,
}

impl<'c> Prover<'c> {
    /// `key` is the one that was kept elsewhere.
    pub(crate) fn new(client: &'c mut Client, key: Option<&'c VerifierKey>) -> Self {
        Self { client, key }
    }

    /// Proves that a record is in the tree of `size`, or in that of the newest checkpoint.
    ///
    /// # Errors
    /// There is no such tree, or the server proves something else.
    pub(crate) fn inclusion(
        &mut self,
        entry: &Entry,
        size: Option<u64>,
    ) -> Result<Included, Failure> {
        let mut path = self.path(entry.seq().0, size)?;
        // Behind the proof: the server signs what it was asked to prove.
        let signed = self.signed()?;
        let newest = signed.checkpoint.size.0;
        if size.is_none() && path.tree_size != newest {
            path = self.path(entry.seq().0, Some(newest))?;
        }
        let (hash, leaf, hashes, root) = self.climb(entry, &path)?;
        self.confirm(path.tree_size, &root, &signed.checkpoint)?;
        Ok(Included {
            leaf_index: path.leaf_index,
            tree_size: path.tree_size,
            hash,
            leaf_hash: leaf,
            hashes,
            root,
            checkpoint: (path.tree_size == newest).then_some(signed.note),
        })
    }

    /// Proves that the tree of `old` records is the beginning of the tree of `new` records.
    ///
    /// # Errors
    /// There are no such trees, or the server proves something else.
    pub(crate) fn consistency(&mut self, old: u64, new: u64) -> Result<Grown, Failure> {
        let hashes = consistency(self.client, old, new)?;
        let (old_root, new_root) = (self.root(old)?, self.root(new)?);
        if verify_consistency(old, new, &old_root, &new_root, &hashes).is_err() {
            return Err(self.contradiction(new));
        }
        let signed = self.signed()?;
        self.confirm(new, &new_root, &signed.checkpoint)?;
        Ok(Grown { old_root, new_root, hashes })
    }

    /// The newest checkpoint, signed by the key that was kept where one was.
    fn signed(&mut self) -> Result<SignedCheckpoint, Failure> {
        let signed = self.client.checkpoint()?;
        if let Some(key) = self.key
            && let Err(error) = Checkpoint::open(signed.note.as_bytes(), key)
        {
            let size = signed.checkpoint.size;
            return Err(Failure::found(format_args!("the checkpoint of {size}: {error}"))
                .at(self.client.base())
                .next("ask who keeps the key whether it changed: `shoseki key vkey`"));
        }
        Ok(signed)
    }

    fn path(&mut self, seq: u64, size: Option<u64>) -> Result<Answer, Failure> {
        let of_size = size.map_or_else(String::new, |size| format!("&size={size}"));
        let path = format!("/v1/proofs/inclusion?seq={seq}{of_size}");
        let answer: Answer = self.client.json(&Ask::get(path))?;
        let asked = size.is_none_or(|size| size == answer.tree_size);
        if answer.leaf_index != seq || !asked {
            return Err(self.client.strange(&"a proof of something else"));
        }
        Ok(answer)
    }

    /// The root that a record's path leads to, from the hash that its bytes gave here.
    fn climb(
        &self,
        entry: &Entry,
        path: &Answer,
    ) -> Result<(RecordHash, NodeHash, Vec<NodeHash>, NodeHash), Failure> {
        let Some(hash) = entry.hash() else {
            return Err(Failure::found(format_args!("record {} is damaged", entry.seq()))
                .at(self.client.base())
                .next("run `shoseki verify --url`"));
        };
        let hashes = nodes(&path.hashes)
            .ok_or_else(|| self.client.strange(&"a proof with hashes that are none"))?;
        let leaf = leaf_hash(&hash);
        let root = root_from_inclusion(&leaf, path.leaf_index, path.tree_size, &hashes);
        let root = root.map_err(|error| self.client.strange(&error))?;
        Ok((hash, leaf, hashes, root))
    }

    /// The root of a tree: what the path of its last record leads to.
    fn root(&mut self, size: u64) -> Result<NodeHash, Failure> {
        let last = at(self.client, size.saturating_sub(1))?;
        let path = self.path(last.seq().0, Some(size))?;
        self.climb(&last, &path).map(|(_, _, _, root)| root)
    }

    /// Whether a tree is that of the checkpoint, its beginning, or begins with it.
    fn confirm(&mut self, size: u64, root: &NodeHash, signed: &Checkpoint) -> Result<(), Failure> {
        let (newest, signed) = (signed.size.0, &signed.root);
        let held = match size.cmp(&newest) {
            std::cmp::Ordering::Equal => root == signed,
            std::cmp::Ordering::Less => {
                let hashes = consistency(self.client, size, newest)?;
                verify_consistency(size, newest, root, signed, &hashes).is_ok()
            }
            // Of nothing, everything is a continuation.
            std::cmp::Ordering::Greater if newest == 0 => true,
            std::cmp::Ordering::Greater => {
                let hashes = consistency(self.client, newest, size)?;
                verify_consistency(newest, size, signed, root, &hashes).is_ok()
            }
        };
        if held { Ok(()) } else { Err(self.contradiction(size)) }
    }

    fn contradiction(&self, size: u64) -> Failure {
        let why = format!("what the server shows does not lead to what it signed (size {size})");
        Failure::found(why)
            .at(self.client.base())
            .next("keep what it said, and run `shoseki verify` on its data directory")
    }
}

/// Hashes of a proof; `None` where one is none.
pub(super) fn nodes(texts: &[String]) -> Option<Vec<NodeHash>> {
    let node = |text: &String| base64_decode(text)?.try_into().ok().map(NodeHash);
    texts.iter().map(node).collect()
}
