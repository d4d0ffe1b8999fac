//! Tiles, bundles and anchors by their names.

use std::path::Path;

use super::{DAY, by_hand, open, records};
use crate::log::{AnchorOf, Log};
use crate::types::Seq;

fn files(dir: &Path, below: &str, out: &mut Vec<String>) {
    for entry in std::fs::read_dir(dir.join(below)).unwrap() {
        let entry = entry.unwrap();
        let path = format!("{below}/{}", entry.file_name().to_string_lossy());
        if entry.file_type().unwrap().is_dir() {
            files(dir, &path, out);
        } else {
            out.push(path);
        }
    }
}

#[test]
fn a_file_of_the_layout_is_what_publishing_writes() {
    let (dir, public) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let log = open(dir.path());
    log.append(None, records(0..700)).unwrap();
    log.seal().unwrap();
    log.append(None, records(700..1_000)).unwrap();
    log.checkpoint().unwrap();
    let reader = log.reader();
    reader.publish(public.path()).unwrap();
    let mut paths = Vec::new();
    files(public.path(), "tile", &mut paths);
    assert_eq!(paths.len(), 4 + 4 + 1, "four tiles of leaves, four bundles, one tile above");
    for path in &paths {
        let published = std::fs::read(public.path().join(path)).unwrap();
        assert_eq!(reader.tile(path).unwrap().as_ref(), Some(&published), "{path}");
    }
    // The log goes on: what was partial stays what it was, and more is there.
    log.append(None, records(1_000..1_030)).unwrap();
    for path in &paths {
        let published = std::fs::read(public.path().join(path)).unwrap();
        assert_eq!(reader.tile(path).unwrap().as_ref(), Some(&published), "{path}");
    }
    assert_eq!(reader.tile("tile/0/004.p/6").unwrap().map(|bytes| bytes.len()), Some(6 * 32));
    assert_eq!(reader.tile("tile/entries/004.p/6").unwrap().map(|b| b.len() % 6), Some(0));
    for none in [
        "tile/0/004.p/7",
        "tile/0/004",
        "tile/0/005.p/1",
        "tile/1/000",
        "tile/1/000.p/5",
        "tile/2/000.p/1",
        "tile/7/000.p/1",
        "tile/8/000.p/1",
        "tile/entries/004.p/7",
        "tile/entries/x001/000",
        "tile/0/000.p/256",
        "tile/0/000.p/0",
        "tile/0/x000/000",
        "tile/0/00",
        "tile/00/000",
        "tile/0/000/",
        "/tile/0/000",
        "tile/0/../0/000",
        "tile/entries/../../log.json",
        "tile/0/x999/x999/x999/x999/x999/x999/999",
        "tile/7/x999/x999/x999/x999/x999/x999/999",
        "checkpoint",
        "log.json",
        "keys/signing",
        "",
    ] {
        assert_eq!(reader.tile(none).unwrap(), None, "{none}");
    }
}

#[test]
fn anchors_are_listed_and_found_by_their_names() {
    let dir = tempfile::tempdir().unwrap();
    let (options, clock) = by_hand();
    let log = Log::open(dir.path(), options).unwrap();
    let reader = log.reader();
    assert_eq!(reader.anchors().unwrap(), []);
    log.append(None, records(0..300)).unwrap();
    clock.advance(DAY);
    log.append(None, records(300..310)).unwrap();
    while log.step().unwrap() {}
    std::fs::create_dir_all(dir.path().join("anchors/2026-11-23")).unwrap();
    std::fs::create_dir_all(dir.path().join("anchors/elsewhere")).unwrap();
    let anchors = reader.anchors().unwrap();
    let of: Vec<AnchorOf> = anchors.iter().map(|anchor| anchor.of.clone()).collect();
    let segment = AnchorOf::Segment { first_seq: Seq(0), count: 300 };
    assert_eq!(of, [AnchorOf::Day("2026-11-21".to_owned()), segment]);
    for anchor in &anchors {
        let note = reader.anchor(&anchor.name).unwrap().unwrap();
        let signed = reader.keys().unwrap().open_anchor(note.as_bytes()).unwrap();
        assert_eq!((signed.first_seq, signed.count), (Seq(0), 300), "{anchor:?}");
        assert!(dir.path().join(&anchor.path).is_file(), "{anchor:?}");
    }
    let longer = anchors[1].name.replace("300", "301");
    for none in ["2026-11-22", "2026-11-23", "elsewhere", "../log.json", "", "..", &longer] {
        assert_eq!(reader.anchor(none).unwrap(), None, "{none}");
    }
}
