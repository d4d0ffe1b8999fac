//! Deeds on the log as a whole: forging it anew, older snapshots, keys, checkpoints, anchors,
//! tiles.

use shoseki_engine::proof::{KeyList, SigningKey};
use shoseki_engine::types::TreeSize;
use shoseki_engine::verify::{NoticeKind, VerifyOptions, verify_evidence};
use shoseki_lab::evidence::{Log, Plan, body, day_anchor};

use crate::harness::{audit, evidence, options, said};

/// Audits files with a key and a checkpoint from outside.
fn against(log: &Log, outside: Option<Vec<u8>>, files: &Log) -> Vec<String> {
    let options = VerifyOptions { checkpoint: outside, ..options(log) };
    said(&verify_evidence(&evidence(&files.files), &options, &()).unwrap())
}

#[test]
fn a_log_forged_anew_is_told_by_the_key_from_outside() {
    let log = Plan::default().make();
    // Same origin, same log id, all consistent, and another key.
    let forged = Plan { differs_from: 20, forger: Some(5), ..Plan::default() }.make();
    assert_eq!(said(&audit(&log, &forged.files)), ["signature"]);
    // Without the key nothing shows, and the auditor says what that is worth.
    let alone = VerifyOptions { threads: 1, ..VerifyOptions::default() };
    let report = verify_evidence(&evidence(&forged.files), &alone, &()).unwrap();
    assert_eq!(said(&report), [""; 0]);
    assert_eq!(report.notices[0].kind, NoticeKind::KeyNotIndependent);
    // A checkpoint from outside is enough too.
    let outside = VerifyOptions { checkpoint: Some(log.checkpoint(50)), ..alone };
    let report = verify_evidence(&evidence(&forged.files), &outside, &()).unwrap();
    assert_eq!(said(&report), ["signature"]);
}

#[test]
fn a_log_forged_anew_beside_the_true_keys_fails_its_signatures() {
    let log = Plan::default().make();
    let forged = Plan { differs_from: 20, forger: Some(77), ..Plan::default() }.make();
    let mut files = forged.files.clone();
    for path in ["log.vkey", "log.vkeys"] {
        files.insert(path.to_owned(), log.files[path].clone());
    }
    let said = said(&audit(&log, &files));
    assert!(said.iter().all(|said| said.starts_with("signature")), "{said:?}");
    // The true checkpoint beside the forged records contradicts them.
    files.insert("checkpoint".to_owned(), log.files["checkpoint"].clone());
    let said = crate::harness::said(&audit(&log, &files));
    assert!(said.contains(&"forked 0-68".to_owned()), "{said:?}");
}

#[test]
fn an_older_snapshot_is_rolled_back() {
    let older = Plan { frames: vec![3, 1], ..Plan::default() }.make();
    let newer = Plan::default().make();
    assert_eq!(against(&newer, Some(newer.checkpoint(69)), &older), ["rolled_back 63-68"]);
    assert_eq!(against(&newer, Some(older.checkpoint(63)), &newer), [""; 0]);
    assert_eq!(against(&newer, Some(older.checkpoint(0)), &newer), [""; 0]);
}

#[test]
fn another_history_under_the_same_key_is_forked() {
    let log = Plan::default().make();
    let other = Plan { differs_from: 30, ..Plan::default() }.make();
    for size in [31, 39, 60, 69] {
        let said = against(&log, Some(other.checkpoint(size)), &log);
        assert_eq!(said, [format!("forked 0-{}", size - 1)]);
    }
    assert_eq!(against(&log, Some(other.checkpoint(30)), &log), [""; 0]);
}

#[test]
fn a_stored_checkpoint_that_is_gone_forged_or_too_large_is_found() {
    let log = Plan::default().make();
    let mut files = log.files.clone();
    files.remove("checkpoint");
    assert_eq!(said(&audit(&log, &files)), ["missing"]);
    let thief = Plan { seed: 3, ..Plan::default() }.make();
    files.insert("checkpoint".to_owned(), thief.checkpoint(69));
    assert_eq!(said(&audit(&log, &files)), ["signature"]);
    let longer = Plan { frames: vec![3, 1, 4, 2, 5], ..Plan::default() }.make();
    files.insert("checkpoint".to_owned(), longer.checkpoint(74));
    assert_eq!(said(&audit(&log, &files)), ["truncated 69-73"]);
}

#[test]
fn records_beyond_the_checkpoint_are_a_notice() {
    let log = Plan::default().make();
    let mut files = log.files.clone();
    files.insert("checkpoint".to_owned(), log.checkpoint(62));
    for day in ["anchors/2026-11-20/anchor", "anchors/2026-11-21/anchor"] {
        files.remove(day);
    }
    let report = audit(&log, &files);
    assert_eq!(said(&report), [""; 0]);
    assert_eq!(report.notices.len(), 1);
    assert_eq!(report.notices[0].kind, NoticeKind::Uncheckpointed);
    assert_eq!(report.notices[0].seq.map(|seq| seq.0), Some(62));
}

#[test]
fn a_days_anchor_about_other_records_is_found() {
    let log = Plan::default().make();
    let other = Plan { differs_from: 30, ..Plan::default() }.make();
    let mut files = log.files.clone();
    files.insert("anchors/2026-11-21/anchor".to_owned(), day_anchor(&other, 40, 60, 61));
    assert_eq!(said(&audit(&log, &files)), ["forked 40-59"]);
    files.insert("anchors/2026-11-21/anchor".to_owned(), day_anchor(&log, 40, 60, 61));
    assert_eq!(said(&audit(&log, &files)), [""; 0]);
    files.insert("anchors/2026-11-21/anchor".to_owned(), day_anchor(&log, 69, 69, 69));
    assert_eq!(said(&audit(&log, &files)), [""; 0]);
    let thief = Plan { seed: 3, ..Plan::default() }.make();
    files.insert("anchors/2026-11-21/anchor".to_owned(), day_anchor(&thief, 40, 60, 61));
    assert_eq!(said(&audit(&log, &files)), ["signature"]);
}

#[test]
fn rotated_keys_are_followed_and_a_list_forged_around_a_known_key_is_not() {
    let log = Plan::default().make();
    let next = SigningKey::generate(log.identity.origin.clone(), &[8; 32]);
    let list = KeyList::create(&log.key);
    let list = list.rotate(&log.key, &next.verifier(), TreeSize(59)).unwrap();
    let rotated = Log { key: next, ..Plan::default().make() };
    let mut files = log.files.clone();
    files.insert("log.vkeys".to_owned(), list.to_text().into_bytes());
    files.insert("log.vkey".to_owned(), format!("{}\n", rotated.vkey()).into_bytes());
    files.insert("checkpoint".to_owned(), rotated.checkpoint(69));
    files.insert("anchors/2026-11-20/anchor".to_owned(), day_anchor(&rotated, 0, 34, 69));
    files.insert("anchors/2026-11-21/anchor".to_owned(), day_anchor(&rotated, 34, 69, 69));
    assert_eq!(said(&audit(&log, &files)), [""; 0]);
    assert_eq!(said(&audit(&rotated, &files)), [""; 0]);
    // The old key signs nothing beyond the size at which it was replaced.
    files.insert("checkpoint".to_owned(), log.checkpoint(69));
    assert_eq!(said(&audit(&log, &files)), ["signature"]);
    // A forger puts the known key behind his own, and signs with his own.
    let forger = SigningKey::generate(log.identity.origin.clone(), &[66; 32]);
    let list = KeyList::create(&forger).rotate(&forger, &log.vkey(), TreeSize(1 << 40)).unwrap();
    let forged = Log { key: forger, ..Plan { differs_from: 5, ..Plan::default() }.make() };
    let mut files = log.files.clone();
    files.insert("log.vkeys".to_owned(), list.to_text().into_bytes());
    files.insert("checkpoint".to_owned(), forged.checkpoint(69));
    assert!(said(&audit(&log, &files)).contains(&"signature".to_owned()));
}

#[test]
fn a_tile_of_other_records_is_found_and_a_file_that_is_none_is_mentioned() {
    let plan = Plan { sealed: vec![300, 250], frames: vec![10, 280], ..Plan::default() };
    let log = plan.make();
    let tile = "tile/1/000.p/3".to_owned();
    let mut files = log.files.clone();
    files.get_mut(&tile).unwrap()[40] ^= 1;
    assert_eq!(said(&audit(&log, &files)), ["changed 0-767"]);
    files.insert(tile.clone(), log.files[&tile].clone());
    files.insert("tile/1/000.p/2".to_owned(), log.files[&tile][..64].to_vec());
    files.insert("tile/1/note.txt".to_owned(), b"?".to_vec());
    let report = audit(&log, &files);
    assert_eq!(said(&report), [""; 0]);
    assert_eq!(report.notices[0].kind, NoticeKind::UnknownFile);
    files.insert("tile/1/000.p/4".to_owned(), [log.files[&tile].clone(), vec![7; 32]].concat());
    assert_eq!(said(&audit(&log, &files)), ["truncated 840"]);
}

#[test]
fn stored_tiles_of_the_lowest_level_and_bundles_are_recomputed_too() {
    use shoseki_engine::proof::{encode_bundle, leaf_hash};
    let log = Plan { sealed: vec![250, 50], frames: vec![], ..Plan::default() }.make();
    let hashes = shoseki_lab::evidence::hashes(&log.bodies);
    let leaves: Vec<u8> = hashes.iter().flat_map(|hash| leaf_hash(hash).0).collect();
    let mut files = log.files.clone();
    files.insert("tile/0/000".to_owned(), leaves[..256 * 32].to_vec());
    files.insert("tile/0/001.p/44".to_owned(), leaves[256 * 32..].to_vec());
    files.insert("tile/entries/000".to_owned(), encode_bundle(&hashes[..256]));
    assert_eq!(said(&audit(&log, &files)), [""; 0]);
    files.get_mut("tile/entries/000").unwrap()[700] ^= 1;
    files.get_mut("tile/0/001.p/44").unwrap()[70] ^= 1;
    assert_eq!(said(&audit(&log, &files)), ["changed 0-255", "changed 256-299"]);
}

/// The findings about a log with this one file put into it, as `kind seqs file`.
fn with_file(log: &Log, path: &str, bytes: &[u8]) -> Vec<String> {
    let mut files = log.files.clone();
    files.insert(path.to_owned(), bytes.to_vec());
    let report = audit(log, &files);
    let file = |at: usize| report.findings[at].segment.clone().unwrap_or_default();
    said(&report).iter().enumerate().map(|(at, said)| format!("{said} {}", file(at))).collect()
}

#[test]
fn junk_in_the_place_of_a_tile_is_named_and_no_lost_end() {
    use shoseki_engine::proof::{encode_bundle, leaf_hash};
    let log = Plan::default().make();
    let hashes = shoseki_lab::evidence::hashes(&log.bodies);
    let leaves: Vec<u8> = hashes.iter().flat_map(|hash| leaf_hash(hash).0).collect();
    let (junk, whole) = ([7; 8192], "changed 0-68 tile/0/000");
    // The tile's hashes of records that are there are wrong, or it has another length.
    assert_eq!(with_file(&log, "tile/0/000", &junk), [whole]);
    assert_eq!(with_file(&log, "tile/0/000", b"junk"), ["corrupt 0-68 tile/0/000"]);
    assert_eq!(
        with_file(&log, "tile/entries/000", &[7; 256 * 66]),
        ["changed 0-68 tile/entries/000"]
    );
    assert_eq!(with_file(&log, "tile/entries/000", b""), ["corrupt 0-68 tile/entries/000"]);
    let partial = "tile/0/000.p/69";
    assert_eq!(with_file(&log, partial, &leaves), [""; 0]);
    let more = [&leaves[..], b"x"].concat();
    assert_eq!(with_file(&log, partial, &more), [format!("corrupt 0-68 {partial}")]);
    let long = vec![0; 40 << 10];
    assert_eq!(with_file(&log, partial, &long), [format!("corrupt 0-68 {partial}")]);
    let bundle = [&encode_bundle(&hashes)[..], b"x"].concat();
    let path = "tile/entries/000.p/69";
    assert_eq!(with_file(&log, path, &bundle), [format!("corrupt 0-68 {path}")]);
    // Nothing there speaks for or against it, and no writer puts such a tile there.
    assert_eq!(with_file(&log, "tile/0/009", &junk), ["changed tile/0/009"]);
    assert_eq!(with_file(&log, "tile/0/009", b"junk"), ["corrupt tile/0/009"]);
    // A tile that fits and goes on is what is left of a longer log.
    let ahead = [&leaves[..], &[7; 32]].concat();
    assert_eq!(with_file(&log, "tile/0/000.p/70", &ahead), ["truncated 69 tile/0/000.p/70"]);
    assert_eq!(with_file(&log, "tile/1/000.p/1", &[7; 32]), ["truncated 69 tile/1/000.p/1"]);
}

#[test]
fn what_is_no_anchor_below_anchors_is_mentioned() {
    let log = Plan::default().make();
    let mut files = log.files.clone();
    let strays = ["anchors/junk", "anchors/2026-11-20/anchor.bak", "anchors/2026-11-20/x/y"];
    for stray in strays {
        files.insert(stray.to_owned(), b"?".to_vec());
    }
    let report = audit(&log, &files);
    assert_eq!(said(&report), [""; 0]);
    let notices: Vec<_> = report.notices.iter().map(|n| (n.kind, n.message.as_str())).collect();
    let unknown = |message| (NoticeKind::UnknownFile, message);
    let expected = [
        unknown("anchors/2026-11-20/anchor.bak is no file of a log"),
        unknown("anchors/2026-11-20/x/ is no file of a log"),
        unknown("anchors/junk is no file of a log"),
    ];
    assert_eq!(notices, expected);
}

#[test]
fn a_repeated_id_is_a_notice() {
    let mut log = Plan::default().make();
    let twice = body(61, 22, 1);
    log.bodies[62] = twice;
    let bodies = log.bodies.clone();
    let mut maker = shoseki_lab::evidence::ActiveMaker::new(
        &log.identity,
        59,
        log.chain[59],
        0x5eed_0000_0000_0001,
    );
    use shoseki_engine::format::FrameKind;
    maker.frame(FrameKind::Records, &bodies[59..62]);
    maker.frame(FrameKind::Records, &bodies[62..63]);
    log.bodies.truncate(63);
    let mut files = log.files.clone();
    files.insert(log.active_path(), maker.bytes);
    files.insert("checkpoint".to_owned(), log.checkpoint(63));
    files.remove("anchors/2026-11-20/anchor");
    files.remove("anchors/2026-11-21/anchor");
    let report = audit(&log, &files);
    assert_eq!(said(&report), [""; 0]);
    assert_eq!(report.notices.len(), 1, "{:?}", report.notices);
    assert_eq!(report.notices[0].kind, NoticeKind::DuplicateId);
    assert_eq!(report.notices[0].seq.map(|seq| seq.0), Some(62));
}
