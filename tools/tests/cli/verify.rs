//! What `verify` says of paths that are no plain data directory, and of odd ones.

use std::fs::{self, File};
use std::os::unix::fs::{FileExt, MetadataExt, PermissionsExt};
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::{Command, Stdio};

use crate::support::{Place, Run, finish};

/// Somebody who owns nothing (`nobody` on most systems).
const NOBODY: u32 = 65_534;

/// Runs a copy of the binary, which everybody may run. Root may enter every directory: then it is
/// run as nobody.
fn verify_without_rights(place: &Place, path: &Path) -> Run {
    let everybody = |path: &Path, mode| {
        fs::set_permissions(path, fs::Permissions::from_mode(mode)).expect("set");
    };
    let binary = place.path("shoseki");
    fs::copy(env!("CARGO_BIN_EXE_shoseki"), &binary).expect("copied");
    everybody(&binary, 0o755);
    everybody(&place.path(""), 0o755);
    let mut command = Command::new(&binary);
    command.arg("verify").arg(path).current_dir("/");
    command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
    if fs::metadata(&binary).expect("there").uid() == 0 {
        command.uid(NOBODY).gid(NOBODY);
    }
    finish(command.spawn().expect("started"))
}

#[test]
fn a_directory_that_may_not_be_entered_could_not_be_looked_at() {
    let place = Place::with_records(1);
    let log = place.log();
    fs::set_permissions(&log, fs::Permissions::from_mode(0o000)).expect("set");
    let run = verify_without_rights(&place, &log);
    fs::set_permissions(&log, fs::Permissions::from_mode(0o700)).expect("set");
    let run = run.ended(3);
    assert!(run.err.contains("Permission denied"), "{}", run.err);
    assert!(run.err.contains("next:  check the path and its permissions"), "{}", run.err);
}

#[test]
fn a_single_file_of_a_log_is_named_for_what_it_is() {
    let place = Place::with_records(1);
    fs::create_dir_all(place.log().join("tile/1/000.p")).expect("made");
    fs::write(place.log().join("tile/1/000.p/1"), [7; 32]).expect("written");
    fs::create_dir_all(place.log().join("sealed")).expect("made");
    let parts = [
        ("log.json", "the identity of a log"),
        ("log.vkey", "the verifier key of a log"),
        ("log.vkeys", "the key list of a log"),
        ("checkpoint", "a checkpoint of a log"),
        ("LOCK", "the lock of a log"),
        ("tile/1/000.p/1", "a tile of a log"),
        ("active", "the active files of a log"),
        ("sealed", "the sealed segments of a log"),
    ];
    for (name, what) in parts {
        let path = place.log().join(name);
        assert!(path.exists(), "{name}");
        let run = place.run(&["verify", path.to_str().expect("UTF-8")]).ended(2);
        assert!(run.err.contains(what), "{name}: {}", run.err);
        assert!(run.err.contains("next:  verify the data directory"), "{name}: {}", run.err);
        assert_eq!(run.out, "", "{name}");
    }
    // Under another name the content tells it; damaged, the name does.
    let path = place.text("some.jsonl");
    fs::copy(place.log().join("log.json"), &path).expect("copied");
    assert!(place.run(&["verify", &path]).ended(2).err.contains("the identity of a log"));
    fs::write(place.path("log.json"), "{\"format\":0,").expect("written");
    let run = place.run(&["verify", &place.text("log.json")]).ended(2);
    assert!(run.err.contains("the identity of a log"), "{}", run.err);
    // An export may have any name.
    place.run(&["export", "-o", &place.text("log.json")]).ended(0);
    place.run(&["verify", &place.text("log.json")]).ended(0);
}

/// An active file of 1 TiB, nearly all of it a hole: reading the hole would take hours.
#[test]
fn what_a_sparse_file_leaves_out_is_not_read() {
    let place = Place::with_records(3);
    let active = place.log().join("active");
    let file = fs::read_dir(active).expect("listed").next().expect("a file").expect("an entry");
    let file = File::options().write(true).open(file.path()).expect("opened");
    file.set_len(1 << 40).expect("as long as that");
    let run = place.run(&["verify", &place.text("log")]).ended(0);
    assert!(!run.out.contains("torn"), "{}", run.out);
    // What stands behind the hole is still seen.
    file.write_all_at(b"?", (1 << 40) - 1).expect("written");
    let run = place.run(&["verify", &place.text("log")]).ended(0);
    assert!(run.out.contains("note: torn: record 3: "), "{}", run.out);
    // So is damage in front of it.
    file.write_all_at(b"??????", 200).expect("written");
    place.run(&["verify", &place.text("log")]).ended(1);
}

#[test]
fn a_key_is_json_where_that_is_asked_for() {
    let place = Place::with_records(1);
    let line = place.run(&["key", "vkey"]).ended(0).out;
    let keys = place.run(&["key", "vkey", "--json"]).ended(0).lines();
    assert_eq!(keys.len(), 1);
    assert_eq!((&keys[0]["index"], &keys[0]["valid_from"]), (&0.into(), &0.into()));
    assert_eq!(keys[0]["key"], line.trim_end());
    let new = place.run(&["key", "rotate", "--json"]).ended(0).lines().remove(0);
    assert_eq!((&new["index"], &new["valid_from"]), (&1.into(), &1.into()));
    assert_eq!(new["key"], place.run(&["key", "vkey"]).ended(0).out.trim_end());
}

#[test]
fn a_damaged_search_index_is_a_notice_and_no_finding() {
    let place = Place::with_records(20);
    place.run(&["seal"]).ended(0);
    let index = fs::read_dir(place.log().join("sealed")).expect("there");
    let mut paths = index.map(|entry| entry.expect("read").path());
    let index = paths.find(|path| path.extension().is_some_and(|e| e == "idx")).expect("an index");
    let verify = |options: &[&str]| {
        let args = [&["verify", "--json"], options].concat();
        let verdict = place.run(&args).ended(0).lines().remove(0);
        assert_eq!(verdict["status"], "valid");
        let notices = verdict["notices"].as_array().expect("a list").clone();
        let index = notices.iter().filter(|notice| notice["kind"] == "index");
        index.map(|notice| notice["message"].to_string()).collect::<Vec<_>>()
    };
    assert_eq!(verify(&["--indexes"]), [""; 0]);
    let mut bytes = fs::read(&index).expect("read");
    bytes[100] ^= 1;
    fs::remove_file(&index).expect("removed");
    fs::write(&index, &bytes).expect("written");
    let said = verify(&[]);
    assert!(said.len() == 1 && said[0].contains("its bytes are damaged"), "{said:?}");
    assert_eq!(verify(&["--quick"]), [""; 0]);
}
