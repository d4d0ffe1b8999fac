//! What `verify --url` believes, and what it finds out.

use std::fs;
use std::path::Path;

use serde_json::Value;

use crate::server::{Server, answer, fake, overheard};
use crate::support::{Place, record};

fn copy(from: &Path, to: &Path) {
    fs::create_dir_all(to).expect("made");
    for entry in fs::read_dir(from).expect("listed") {
        let entry = entry.expect("an entry");
        let target = to.join(entry.file_name());
        if entry.file_type().expect("a type").is_dir() {
            copy(&entry.path(), &target);
        } else {
            fs::copy(entry.path(), &target).expect("copied");
        }
    }
}

/// Two logs that were one for three records: `Place` is the one, its `checkpoint` and `vkey` were
/// kept; the other went on with other records under the same key.
fn two_histories(kept: usize, other: usize) -> (Place, Place) {
    let (one, two) = (Place::with_records(3), Place::new());
    copy(&one.log(), &two.log());
    let append = |place: &Place, from: usize, count: usize| {
        let lines: Vec<String> = (from..from + count).map(record).collect();
        place.append(&lines.join("\n"));
    };
    append(&one, 3, kept);
    append(&two, 100, other);
    for place in [&one, &two] {
        let checkpoint = place.run(&["checkpoint"]).ended(0).out;
        fs::write(place.path("checkpoint"), checkpoint).expect("written");
        fs::copy(place.log().join("log.vkey"), place.path("vkey")).expect("copied");
    }
    (one, two)
}

fn kinds(verdict: &Value, what: &str) -> Vec<String> {
    let list = verdict[what].as_array().expect("a list");
    list.iter().map(|one| one["kind"].as_str().expect("a kind").to_owned()).collect()
}

/// Verifies with what `from` kept.
fn verify(place: &Place, url: &str, from: &Place, code: i32) -> Value {
    let [checkpoint, vkey] = ["checkpoint", "vkey"].map(|name| from.text(name));
    let args = ["verify", "--url", url, "--checkpoint", &checkpoint, "--vkey", &vkey, "--json"];
    place.run(&args).ended(code).lines().remove(0)
}

#[test]
fn a_log_that_only_grew_is_valid() {
    let (one, _) = two_histories(2, 1);
    let server = Server::of(&one);
    let verdict = verify(&one, &server.url, &one, 0);
    assert_eq!(verdict["status"], "valid");
    assert_eq!(kinds(&verdict, "findings"), [""; 0]);
    assert!(!kinds(&verdict, "notices").contains(&"key_not_independent".to_owned()), "{verdict}");
    let run = one.run(&["verify", "--url", &server.url]).ended(0);
    assert!(run.out.starts_with("valid  http://"), "{}", run.out);
    assert_eq!(run.out.matches("key_not_independent").count(), 1, "{}", run.out);
}

#[test]
fn another_history_under_the_same_key_is_found() {
    let (one, two) = two_histories(2, 6);
    let server = Server::of(&two);
    let verdict = verify(&two, &server.url, &one, 1);
    assert_eq!(verdict["status"], "tampered");
    assert_eq!(kinds(&verdict, "findings"), ["forked"]);
    assert_eq!(
        (&verdict["findings"][0]["seq"], &verdict["findings"][0]["seq_last"]),
        (&0.into(), &4.into())
    );
}

#[test]
fn a_log_that_was_set_back_is_found() {
    let (one, two) = two_histories(60, 1);
    let server = Server::of(&two);
    let verdict = verify(&two, &server.url, &one, 1);
    assert_eq!(kinds(&verdict, "findings"), ["rolled_back"]);
    assert_eq!(verdict["findings"][0]["seq_last"], 62);
}

#[test]
fn another_key_is_found_and_a_checkpoint_of_another_log_too() {
    let (one, _) = two_histories(1, 1);
    let (other, _) = two_histories(1, 1);
    let server = Server::of(&one);
    let [checkpoint, vkey] = ["checkpoint", "vkey"].map(|name| other.text(name));
    let with = |option, file: &str, code| {
        let args = ["verify", "--json", "--url", &server.url, option, file];
        kinds(&one.run(&args).ended(code).lines()[0], "findings")
    };
    assert_eq!(with("--vkey", &vkey, 1), ["signature"]);
    assert_eq!(with("--checkpoint", &checkpoint, 1), ["signature"]);
    one.run(&["verify", "--url", &server.url, "--checkpoint", &vkey]).ended(2);
}

/// A server that says that all is well, over the tree of `two`.
fn liar(two: &Place, root: Option<&str>) -> String {
    let note = fs::read_to_string(two.path("checkpoint")).expect("a note");
    let mut verdict = two.run(&["verify", "--json"]).ended(0).lines().remove(0);
    verdict["status"] = "valid".into();
    if let Some(root) = root {
        verdict["root"] = root.into();
    }
    let verdict = verdict.to_string();
    // A proof that holds, of another tree.
    let proof = two.run(&["proof", "--consistency", "5", "9"]).ended(0).out;
    fake(move |asked| match asked.target.as_str() {
        "/checkpoint" => answer("200 OK", "text/plain", &note),
        "/v1/audit-logs/integrity-check" => answer("200 OK", "application/json", &verdict),
        _ => answer("200 OK", "application/json", &proof),
    })
}

#[test]
fn a_server_that_lies_about_its_tree_is_found() {
    let (one, two) = two_histories(2, 6);
    let url = liar(&two, None);
    assert_eq!(verify(&two, &url, &two, 0)["status"], "valid");
    let verdict = verify(&two, &url, &one, 1);
    assert_eq!(kinds(&verdict, "findings"), ["forked"]);
    // What it says of its files does not fit what it signed.
    let url = liar(&two, Some("81HuuRNN3pA4gpaZzlx6QOdR+h9q/Gc0sJk1denoDa8="));
    assert_eq!(kinds(&verify(&two, &url, &two, 1), "findings"), ["forked"]);
}

#[test]
fn what_the_server_finds_is_passed_on() {
    let place = Place::with_records(600);
    place.run(&["seal"]).ended(0);
    let server = Server::of(&place);
    place.run(&["verify", "--url", &server.url]).ended(0);
    let sealed = fs::read_dir(place.log().join("sealed")).expect("listed");
    let segment = sealed.map(|entry| entry.expect("an entry").path());
    let segment = segment.into_iter().find(|path| path.extension().is_some_and(|e| e == "seg"));
    let segment = segment.expect("a segment");
    let mut bytes = fs::read(&segment).expect("read");
    let middle = bytes.len() / 3;
    bytes[middle] ^= 1;
    fs::write(&segment, bytes).expect("written");
    let run = place.run(&["verify", "--url", &server.url, "--json"]).ended(1);
    let verdict = run.lines().remove(0);
    assert_eq!(verdict["status"], "tampered");
    assert!(verdict["findings"][0]["seq"].is_u64(), "{verdict}");
}

/// More records than a server verifies while the client waits: it answers 202, and where the result
/// will be.
#[test]
fn a_verification_that_takes_longer_is_followed_to_its_end() {
    use shoseki_engine::log::{Log, LogOptions};
    use shoseki_engine::record::{Limits, Record};

    let place = Place::new();
    let log = Log::open(&place.log(), LogOptions::default()).expect("a log");
    let limits = Limits::default();
    let one = Record::from_json(record(0).as_bytes(), &limits).expect("a record");
    let one = Record { audit_id: None, ..one };
    for _ in 0..201 {
        log.append(None, vec![one.clone(); 1_000]).expect("appended");
    }
    log.close().expect("closed");
    let server = Server::of(&place);
    let (url, heard) = overheard(server.port());
    let run = |code| place.run(&["verify", "--url", &url, "--json"]).ended(code).lines().remove(0);
    let verdict = run(0);
    assert_eq!(verdict["status"], "valid");
    assert!(verdict["records"].as_u64().expect("a number") >= 201_000, "{verdict}");
    let text = |heard: &[u8]| String::from_utf8_lossy(heard).into_owned();
    let asked = text(&heard.lock().expect("free"));
    let job = asked.lines().find(|line| line.starts_with("GET /v1/jobs/"));
    assert!(job.is_some(), "no job was followed: {asked}");
    // What such a job finds is the result as well.
    let active = fs::read_dir(place.log().join("active")).expect("listed");
    let files = active.map(|entry| entry.expect("an entry").path());
    let file = files.into_iter().find(|path| path.extension().is_some_and(|end| end == "log"));
    let file = fs::OpenOptions::new().read(true).write(true).open(file.expect("a file"));
    let file = file.expect("opened");
    let mut byte = [0];
    let middle = file.metadata().expect("known").len() / 3;
    std::os::unix::fs::FileExt::read_exact_at(&file, &mut byte, middle).expect("read");
    byte[0] ^= 1;
    std::os::unix::fs::FileExt::write_all_at(&file, &byte, middle).expect("written");
    assert_eq!(run(1)["status"], "tampered");
}
