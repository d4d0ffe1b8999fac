//! Published tiles and backups.

use std::collections::BTreeSet;
use std::path::Path;

use super::fixture::{Fixture, Put};
use super::{assert_whole, mixed};
use crate::log::{BackupKey, CopyError, Reader};
use crate::proof::{BundleId, Tile, parse_bundle, tiles_of};
use crate::types::{NodeHash, Seq, TreeSize};

fn files(dir: &Path) -> BTreeSet<String> {
    let mut found = BTreeSet::new();
    let mut todo = vec![dir.to_owned()];
    while let Some(at) = todo.pop() {
        for entry in std::fs::read_dir(&at).unwrap().map(Result::unwrap) {
            if entry.file_type().unwrap().is_dir() {
                todo.push(entry.path());
            } else {
                let path = entry.path();
                found.insert(path.strip_prefix(dir).unwrap().to_str().unwrap().to_owned());
            }
        }
    }
    found
}

#[test]
fn the_static_layout_is_whole_and_right() {
    let fixture = mixed();
    let size = fixture.size() - 2;
    fixture.checkpoint(size);
    let reader = fixture.open();
    let out = tempfile::tempdir().unwrap();
    let report = reader.publish(out.path()).unwrap();
    let mut expected = BTreeSet::from(["checkpoint".to_owned()]);
    for id in tiles_of(size) {
        expected.insert(id.path());
        let bytes = std::fs::read(out.path().join(id.path())).unwrap();
        let nodes: Vec<NodeHash> = id.nodes().map(|node| reader.node(node).unwrap()).collect();
        assert_eq!(Tile::parse(id, &bytes).unwrap().hashes(), nodes, "{}", id.path());
        if id.level() == 0 {
            let bundle = BundleId::new(id.index(), id.width()).unwrap();
            expected.insert(bundle.path());
            let bytes = std::fs::read(out.path().join(bundle.path())).unwrap();
            let first = id.index() as usize * 256;
            let hashes = &fixture.hashes[first..first + usize::from(id.width())];
            assert_eq!(parse_bundle(bundle, &bytes).unwrap(), hashes);
        }
    }
    assert_eq!(files(out.path()), expected);
    assert_eq!((report.size, report.unchanged), (TreeSize(size), 0));
    let again = reader.publish(out.path()).unwrap();
    assert_eq!((again.written, again.unchanged), (0, report.written));
    // Broken off: one file is missing, another was cut.
    std::fs::remove_file(out.path().join("tile/0/001")).unwrap();
    std::fs::write(out.path().join("tile/entries/000"), b"cut").unwrap();
    std::fs::write(out.path().join("tile/0/001.tmp"), b"left").unwrap();
    assert_eq!(reader.publish(out.path()).unwrap().written, 2);
    assert_eq!(files(out.path()), expected);
}

#[test]
fn nothing_is_published_that_was_not_signed() {
    let mut fixture = Fixture::new();
    fixture.seal(20);
    let out = tempfile::tempdir().unwrap();
    let refused = fixture.open().publish(out.path());
    assert!(matches!(refused, Err(CopyError::NoCheckpoint)));
    let mut other = Fixture::with_id(2);
    other.grow(30);
    other.bodies.clear();
    fixture.checkpoint(20);
    let note = std::fs::read_to_string(fixture.path().join("checkpoint")).unwrap();
    let mut forged = Fixture::new();
    forged.hashes = fixture.hashes.iter().rev().copied().collect();
    forged.checkpoint(20);
    let path = fixture.path().join("checkpoint");
    std::fs::copy(forged.path().join("checkpoint"), &path).unwrap();
    let refused = fixture.open().publish(out.path());
    assert!(matches!(refused, Err(CopyError::Root { size: TreeSize(20) })));
    assert!(!out.path().join("checkpoint").exists());
    std::fs::write(&path, note.replace("20\n", "21\n")).unwrap();
    assert!(matches!(fixture.open().publish(out.path()), Err(CopyError::Read(_))));
}

#[test]
fn a_backup_opens_and_holds_everything() {
    let fixture = mixed();
    fixture.checkpoint(fixture.size());
    for (path, text) in [
        ("anchors/2026-11-21/anchor", "a note"),
        ("tile/1/000.tmp", "unfinished"),
        ("tile/1/x001/000", "a tile"),
        ("keys/signing.pem", "secret"),
        ("quarantine/old", "bytes"),
        ("LOCK", "1"),
    ] {
        let path = fixture.path().join(path);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, text).unwrap();
    }
    let reader = fixture.open();
    let out = tempfile::tempdir().unwrap();
    let target = out.path().join("copy");
    let report = reader.backup(&target, BackupKey::Without).unwrap();
    let size = TreeSize(fixture.size());
    assert_eq!((report.size, report.checkpoint, report.damage), (size, Some(size), Vec::new()));
    assert_whole(&Reader::open(&target).unwrap(), &fixture);
    let mut expected = files(fixture.path());
    for left_out in ["tile/1/000.tmp", "keys/signing.pem", "quarantine/old", "LOCK"] {
        assert!(expected.remove(left_out));
    }
    let copied = files(&target);
    for path in &expected {
        let bytes = |dir: &Path| std::fs::read(dir.join(path)).unwrap();
        assert!(bytes(&target) == bytes(fixture.path()), "{path}");
    }
    expected.insert("segments.cat".to_owned());
    assert_eq!(copied, expected);
    let full = reader.backup(&target, BackupKey::Without);
    assert!(matches!(full, Err(CopyError::NotEmpty)));
    let keyed = out.path().join("keyed");
    reader.backup(&keyed, BackupKey::With).unwrap();
    assert_eq!(std::fs::read(keyed.join("keys/signing.pem")).unwrap(), b"secret");
    let writable =
        |name: &str| !std::fs::metadata(target.join(name)).unwrap().permissions().readonly();
    assert!(copied.iter().filter(|name| name.starts_with("sealed/")).all(|name| !writable(name)));
}

#[test]
fn a_backup_takes_what_became_durable_since_and_nothing_torn() {
    let mut fixture = Fixture::new();
    fixture.seal(9);
    fixture.active(&[Put::Records(2), Put::Mark]);
    let reader = fixture.open();
    let (name, offsets) = fixture.active(&[Put::Records(2), Put::Mark, Put::Records(5)]);
    fixture.checkpoint(16);
    let path = fixture.path().join(&name);
    let mut bytes = std::fs::read(&path).unwrap();
    let sound = bytes.len();
    bytes.extend_from_slice(&bytes[offsets[2]..].to_vec()[..60]);
    std::fs::write(&path, bytes).unwrap();
    let out = tempfile::tempdir().unwrap();
    let report = reader.backup(out.path(), BackupKey::Without).unwrap();
    assert_eq!(report.size, TreeSize(16));
    assert_eq!(std::fs::metadata(out.path().join(&name)).unwrap().len(), sound as u64);
    let copy = Reader::open(out.path()).unwrap();
    assert_whole(&copy, &fixture);
    assert_eq!(copy.read(Seq(15)).unwrap(), reader.read(Seq(15)).unwrap());
}
