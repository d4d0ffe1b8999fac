//! Sealed files, copies, and published tiles.

use std::fs;

use crate::support::{Place, record};

#[test]
fn sealing_leaves_a_file_that_is_listed_and_verifies() {
    let place = Place::with_records(40);
    let sealed = place.run(&["seal"]).ended(0).lines();
    assert_eq!((sealed.len(), &sealed[0]["count"]), (1, &40.into()));
    let run = place.run(&["seal"]).ended(0);
    assert!(run.out.is_empty() && run.err.contains("every record is sealed"), "{}", run.err);
    place.append(&record(40));
    let files = place.run(&["segments", "--json"]).ended(0).lines();
    assert_eq!(files.len(), 2);
    for file in &files {
        let path = place.log().join(file["path"].as_str().expect("a path"));
        let len = fs::metadata(path).expect("there").len();
        assert_eq!(file["file_len"], len);
        assert!(file["evidence_bytes"].as_u64().is_some_and(|bytes| bytes <= len && bytes > 0));
    }
    assert_eq!(files[0]["evidence_bytes"], files[0]["file_len"]);
    let verdicts = place.run(&["segments", "verify"]).ended(0).lines();
    assert_eq!(verdicts.len(), 2);
    assert!(verdicts.iter().all(|verdict| verdict["status"] == "valid"), "{verdicts:?}");
}

#[test]
fn the_index_of_a_sealed_file_is_listed_and_made_again_where_it_is_gone() {
    let place = Place::with_records(40);
    place.run(&["seal"]).ended(0);
    place.append(&record(40));
    let listed = || place.run(&["segments", "--index"]).ended(0).lines();
    let files = listed();
    assert_eq!(files.len(), 2);
    assert_eq!((&files[0]["index"], &files[1]["index"]), (&"ready".into(), &"in memory".into()));
    let index = place.log().join(files[0]["index_path"].as_str().expect("a path"));
    let len = fs::metadata(&index).expect("there").len();
    assert_eq!(files[0]["index_len"], len);
    let per_record = files[0]["bytes_per_record"].as_f64().expect("a number");
    assert!((per_record - len as f64 / 40.0).abs() < 0.011, "{per_record}");
    assert!(files[1].get("index_path").is_none(), "{files:?}");
    fs::remove_file(&index).expect("removed");
    assert_eq!(listed()[0]["index"], "missing");
    place.run(&["seal"]).ended(0);
    assert_eq!(listed()[0]["index"], "ready");
    place.run(&["verify"]).ended(0);
    assert_eq!(place.run(&["segments", "--index", "list"]).code, 2);
}

#[test]
fn a_backup_opens_verifies_and_goes_nowhere_twice() {
    let place = Place::with_records(40);
    let copy = place.text("copy");
    place.run(&["backup", &copy]).ended(0);
    place.run(&["verify", &copy]).ended(0);
    let export = |dir: &str| place.run(&["export", "--data-dir", dir]).ended(0).out;
    assert_eq!(export(&copy), export(&place.text("log")));
    place.run(&["backup", &copy]).ended(2);
    let run = place.run_with(&["append", "--data-dir", &copy], &record(9)).ended(3);
    assert!(run.err.contains("signing key"), "{}", run.err);
    place.run(&["backup", "--with-key", &place.text("whole")]).ended(0);
    place.run_with(&["append", "--data-dir", &place.text("whole")], &record(50)).ended(0);
}

#[test]
fn publishing_writes_tiles_and_a_checkpoint() {
    let place = Place::with_records(600);
    let site = place.text("site");
    let first = place.run(&["publish", &site]).ended(0).lines().remove(0);
    assert_eq!(first["tree_size"], 600);
    for path in ["checkpoint", "tile/0/000", "tile/0/001", "tile/0/002.p/88", "tile/entries/000"] {
        assert!(place.path("site").join(path).is_file(), "{path}");
    }
    let note = fs::read_to_string(place.path("site/checkpoint")).expect("there");
    assert_eq!(note, place.run(&["checkpoint"]).out);
    let again = place.run(&["publish", &site]).ended(0).lines().remove(0);
    assert_eq!(again["written"], 0);
}
