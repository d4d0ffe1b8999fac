//! Logs that somebody changed.

use std::fs;
use std::path::PathBuf;

use crate::support::{Place, record};

/// A log of one sealed segment of 40 records and an active one, with one bit of record 7 changed.
fn tampered() -> (Place, PathBuf) {
    let place = Place::with_records(40);
    place.run(&["seal"]).ended(0);
    place.append(&record(40));
    let path = place.run(&["segments"]).lines()[0]["path"].as_str().map(|p| place.log().join(p));
    let path = path.expect("a path");
    let mut bytes = fs::read(&path).expect("read");
    let id = [&[0; 6][..], &[0x40, 0, 0x80, 0], &[0, 0, 0, 0, 0, 7]].concat();
    let at = bytes.windows(16).position(|window| window == id).expect("the id stands there");
    bytes[at + 15] ^= 1;
    fs::remove_file(&path).expect("removed");
    fs::write(&path, bytes).expect("written");
    (place, path)
}

#[test]
fn a_changed_record_is_found_named_and_never_shown() {
    let (place, path) = tampered();
    let run = place.run(&["verify", &place.text("log")]).ended(1);
    assert!(run.out.lines().any(|line| line.starts_with("record 7: ")), "{}", run.out);
    let report = place.run(&["verify", &place.text("log"), "--json"]).ended(1).lines().remove(0);
    assert_eq!((&report["status"], &report["findings"][0]["seq"]), (&"tampered".into(), &7.into()));
    assert!(path.ends_with(report["findings"][0]["segment"].as_str().expect("a file")));
    place.run(&["verify", path.to_str().expect("UTF-8")]).ended(1);
    place.run(&["segments", "verify"]).ended(1);

    for args in [&["query", "--order", "asc"][..], &["export"]] {
        let run = place.run(args).ended(1);
        let lines = run.lines();
        let line = lines.iter().find(|line| line["seq"] == 7).expect("its place");
        assert_eq!(line["integrity_status"], "tampered");
        assert!(line.get("detail").is_none(), "{line}");
        assert!(run.err.contains("damaged records stand in their places"), "{}", run.err);
    }
    let run = place.run(&["show", "7"]).ended(1);
    assert!(!run.out.contains("READ_CHART"), "{}", run.out);
    let raw = place.text("raw");
    place.run(&["show", "--damaged", "7", "-o", &raw]).ended(0);
    assert!(!fs::read(&raw).expect("written").is_empty());
    place.run(&["show", "--damaged", "7"]).ended(2);
    place.run(&["proof", "7"]).ended(1);
}

#[test]
fn a_fork_names_the_log_that_it_leaves() {
    let (place, _) = tampered();
    let (old, new) = (place.text("log"), place.text("new"));
    let reason = "record 7 was changed";
    let made = place.run(&["fork", &old, &new, "--reason", reason]).ended(0).lines().remove(0);
    assert_eq!(made["old_size"], 41);
    let first = place.run(&["show", "0", "--data-dir", &new]).ended(0).lines().remove(0);
    assert_eq!(first["action"], "LOG_FORKED");
    assert_eq!((&first["actor_type"], &first["actor_id"]), (&"system".into(), &"shoseki".into()));
    let detail = &first["detail"];
    assert_eq!((&detail["oldOrigin"], &detail["reason"]), (&made["old_origin"], &reason.into()));
    assert_eq!(detail["oldSize"], 41);
    assert!(detail["oldCheckpoint"].as_str().is_some_and(|note| note.contains("\n41\n")));
    assert!(detail["oldLogId"].is_string() && detail["oldChainHash"].is_string());
    place.run_with(&["append", "--data-dir", &new], &record(0)).ended(0);
    place.run(&["verify", &new]).ended(0);
    place.run(&["fork", &old, &new, "--reason", reason]).ended(2);
    place.run(&["fork", &old, &old, "--reason", reason]).ended(2);
    place.run(&["fork", &place.text("none"), &place.text("x"), "--reason", reason]).ended(3);
}

#[test]
fn a_log_with_a_file_missing_is_read_only() {
    let (place, path) = tampered();
    fs::remove_file(path).expect("removed");
    let run = place.run_with(&["append"], &record(50)).ended(3);
    assert!(run.err.contains("shoseki verify") && run.err.contains("shoseki fork"), "{}", run.err);
    let run = place.run(&["query"]).ended(1);
    assert!(run.err.contains("damaged"), "{}", run.err);
    place.run(&["verify", &place.text("log")]).ended(1);
    place.run(&["verify", &place.text("")]).ended(2);
}
