//! Trails of other systems through the real binary.

use std::fs;

use crate::support::Place;
use crate::test_data::test_data;

#[test]
fn importing_all_deliveries_twice_stores_them_once() {
    let Some(trail) = test_data("audit/cloudtrail-invictus") else { return };
    let trail = trail.to_str().expect("UTF-8");
    let place = Place::new();
    let first = place.run(&["import", "cloudtrail", trail]).ended(0).lines();
    assert_eq!((&first[0]["accepted"], &first[0]["duplicates"]), (&987.into(), &0.into()));
    place.run(&["seal"]).ended(0);
    let again = place.run(&["import", "cloudtrail", trail]).ended(0).lines();
    assert_eq!((&again[0]["accepted"], &again[0]["duplicates"]), (&0.into(), &987.into()));
    let lines = place.run(&["query", "--action", "iam:*", "--limit", "1"]).lines();
    assert_eq!(lines[0]["ingested_by"], "import");
    assert!(lines[0]["detail"]["event"]["eventID"].is_string());
    place.run(&["verify", &place.text("log")]).ended(0);
}

#[test]
fn a_state_file_skips_what_was_finished() {
    let Some(events) = test_data("audit/k8s-audit2rbac-demo.jsonl") else { return };
    let (place, events) = (Place::new(), events.to_str().expect("UTF-8").to_owned());
    let state = place.text("state");
    let args = ["import", "k8s", "--state", &state, &events];
    let first = place.run(&args).ended(0).lines();
    assert_eq!((&first[0]["accepted"], &first[0]["skipped_files"]), (&37.into(), &0.into()));
    let again = place.run(&args).ended(0).lines();
    assert_eq!((&again[0]["events"], &again[0]["skipped_files"]), (&0.into(), &1.into()));
}

const EVENT: &str = r#"{"eventName":"X","eventTime":"2023-07-10T12:23:15Z",
 "eventSource":"s.amazonaws.com","userIdentity":{"arn":"a"},
 "eventID":"70e5932e-9022-4b38-837e-ca10dad94eb7"}"#;

#[test]
fn what_can_not_be_mapped_is_named_and_what_changed_conflicts() {
    let place = Place::new();
    let input = format!("{{\"Records\":[{EVENT},{{\"eventName\":\"Y\"}}]}}");
    let run = place.run_with(&["import", "cloudtrail"], &input).ended(2);
    assert_eq!(run.lines()[0]["accepted"], 1);
    assert!(run.err.contains("standard input, line 1, event 1: no timestamp"), "{}", run.err);
    let changed = EVENT.replace("\"X\"", "\"Z\"");
    let run = place.run_with(&["import", "cloudtrail"], &changed).ended(2);
    assert!(run.err.contains("conflict: record 0"), "{}", run.err);
    let args = ["import", "cloudtrail", "--filter", "eventName=Q"];
    let run = place.run_with(&args, EVENT).ended(0);
    assert_eq!(run.lines()[0]["filtered"], 1);
}

#[test]
fn a_dry_run_writes_what_append_takes() {
    let place = Place::new();
    let run = place.run_with(&["import", "cloudtrail", "--dry-run"], EVENT).ended(0);
    assert!(!place.log().exists());
    let taken = place.run_with(&["append", "--producer", "import"], &run.out).ended(0);
    assert_eq!(taken.lines()[0]["audit_id"], "70e5932e-9022-4b38-837e-ca10dad94eb7");
    let again = place.run_with(&["import", "cloudtrail"], EVENT).ended(0).lines();
    assert_eq!(again[0]["duplicates"], 1);
}

#[test]
fn maps_come_from_a_file_or_by_name() {
    let place = Place::new();
    let event = r#"{"uuid":"70e5932e-9022-4b38-837e-ca10dad94eb7",
        "published":"2023-07-10T12:23:15Z","eventType":"user.session.start",
        "actor":{"id":"u","type":"User"},"outcome":{"result":"SUCCESS"}}"#;
    let run = place.run_with(&["import", "jsonl", "--map", "okta"], event).ended(0);
    assert_eq!(run.lines()[0]["accepted"], 1);
    let map = place.text("map.toml");
    fs::write(&map, "[fields]\nnonsense = 1\n").expect("written");
    let run = place.run_with(&["import", "jsonl", "--map", &map], event).ended(2);
    assert!(run.err.contains("nonsense") && run.err.contains(&map), "{}", run.err);
    place.run_with(&["import", "jsonl", "--map", "no-such-map"], event).ended(3);
    place.run_with(&["import", "k8s", "--map", "okta"], event).ended(2);
}
