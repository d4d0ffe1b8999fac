//! What a single file of a data directory is, where it is no segment: said, not judged.
//!
//! Invariant: what has the form of a part is one, whatever its name; a name alone counts only where
//! the file can't be an export. Knows nothing about the log that the file is of.

use std::path::{Component, Path};

use super::source::Bytes;
use crate::proof::{Anchor, BundleId, Checkpoint, KeyList, LogIdentity, Note, TileId, VerifierKey};

/// Longer files are no small part of a log.
const LEN_MAX: u64 = 4 << 20;

/// What the file is, if it is a part of a log that shows nothing by itself.
pub(super) fn file(path: &Path, bytes: &Bytes) -> Option<&'static str> {
    let len = usize::try_from(bytes.len().min(LEN_MAX)).ok()?;
    let text = bytes.bytes(0, len).ok()?;
    by_content(&text).or_else(|| by_name(path, &text))
}

fn by_content(bytes: &[u8]) -> Option<&'static str> {
    if LogIdentity::parse(bytes).is_some() {
        return Some(IDENTITY);
    }
    if VerifierKey::parse_line(bytes).is_ok() {
        return Some(KEY);
    }
    if KeyList::parse(bytes).is_ok() {
        return Some(KEYS);
    }
    let note = Note::parse(bytes).ok()?;
    let checkpoint = Checkpoint::parse(note.text()).is_ok();
    let anchor = Anchor::parse(note.text()).is_ok();
    if checkpoint { Some(CHECKPOINT) } else { anchor.then_some(ANCHOR) }
}

fn by_name(path: &Path, bytes: &[u8]) -> Option<&'static str> {
    let name = path.file_name()?.to_str()?;
    let line = [&b"{\"audit_id\":"[..], b"{\"seq\":"].iter().any(|start| bytes.starts_with(start));
    if line {
        return None;
    }
    let what = match name {
        "log.json" => IDENTITY,
        "log.vkey" => KEY,
        "log.vkeys" => KEYS,
        "checkpoint" => CHECKPOINT,
        "anchor" => ANCHOR,
        "segments.cat" => "a rebuildable catalogue",
        "LOCK" => "the lock",
        "dev-token" => "a token",
        _ if name.ends_with(".idx") => "a rebuildable index",
        _ => return is_tile(path).then_some("a tile"),
    };
    Some(what)
}

const IDENTITY: &str = "the identity";
const KEY: &str = "the verifier key";
const KEYS: &str = "the key list";
const CHECKPOINT: &str = "a checkpoint";
const ANCHOR: &str = "an anchor";

/// Whether the path ends as that of a tile or bundle does.
fn is_tile(path: &Path) -> bool {
    let names: Vec<&str> = path
        .components()
        .filter_map(|part| match part {
            Component::Normal(name) => name.to_str(),
            _ => None,
        })
        .collect();
    let Some(at) = names.iter().rposition(|name| *name == "tile") else { return false };
    let below = names.get(at..).unwrap_or_default().join("/");
    TileId::parse_path(&below).is_some() || BundleId::parse_path(&below).is_some()
}

/// What a directory is, if it is a folder of a data directory.
pub(super) fn folder(path: &Path) -> Option<&'static str> {
    let name = path.file_name()?.to_str()?;
    let beside = path.parent().is_some_and(|parent| parent.join("log.json").exists());
    match name {
        _ if !beside => None,
        "active" => Some("the active files"),
        "sealed" => Some("the sealed segments"),
        "anchors" => Some("the daily anchors"),
        "tile" => Some("the tiles"),
        "quarantine" => Some("the quarantine"),
        "keys" => Some("the keys"),
        _ => None,
    }
}
