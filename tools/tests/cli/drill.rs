//! The fault drill: what it shows, and that it leaves the log alone.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use serde_json::Value;

use crate::support::Place;

/// Paths and bytes of a directory, at any depth.
fn files(root: &Path) -> BTreeMap<String, Vec<u8>> {
    let mut found = BTreeMap::new();
    let mut waiting = vec![root.to_owned()];
    while let Some(dir) = waiting.pop() {
        for entry in fs::read_dir(&dir).expect("a directory") {
            let path = entry.expect("an entry").path();
            if path.is_dir() {
                waiting.push(path);
            } else {
                let bytes = fs::read(&path).expect("readable");
                found.insert(path.display().to_string(), bytes);
            }
        }
    }
    found
}

fn drilled(place: &Place, more: &[&str]) -> Value {
    let args = [&["drill", "--faults", "--minutes", "0.03", "--json"], more].concat();
    let lines = place.run(&args).ended(0).lines();
    assert_eq!(lines.len(), 1);
    lines.into_iter().next().expect("one")
}

fn places(result: &Value) -> Vec<&str> {
    let rows = result["rows"].as_array().expect("rows");
    rows.iter().filter_map(|row| row["place"].as_str()).collect()
}

#[test]
fn a_drill_tries_everything_and_leaves_the_log_as_it_was() {
    let place = Place::with_records(40);
    place.run(&["seal"]).ended(0);
    let before = files(&place.log());
    let result = drilled(&place, &["--seed", "7"]);
    assert_eq!((&result["passed"], &result["seed"]), (&true.into(), &7.into()));
    assert_eq!(result["sample"], 40);
    assert!(result["crash_schedules"].as_u64() > Some(0), "{result}");
    assert!(result["corruption_schedules"].as_u64() > Some(0), "{result}");
    assert_eq!(result["losses"], Value::Array(Vec::new()));
    for wanted in ["simulated", "simulated, at rest", "this disk", "this disk, at rest"] {
        assert!(places(&result).contains(&wanted), "{wanted}: {result}");
    }
    for row in result["rows"].as_array().expect("rows") {
        assert_eq!(row["tried"], row["survived"], "{row}");
        assert!(row["detected"].as_u64() <= row["tried"].as_u64(), "{row}");
    }
    assert_eq!(files(&place.log()), before);
    let left = fs::read_dir(place.path("")).expect("there").count();
    assert_eq!(left, 1, "the scratch directory is gone");
}

#[test]
fn a_drill_that_is_recorded_is_a_record_of_the_log() {
    let place = Place::with_records(3);
    drilled(&place, &["--record"]);
    let found = place.run(&["query", "--action", "LOG_DRILLED"]).ended(0).lines();
    assert_eq!(found.len(), 1);
    assert_eq!((&found[0]["seq"], &found[0]["result"]), (&3.into(), &"success".into()));
    assert_eq!(found[0]["actor_id"], "shoseki drill");
    assert_eq!(found[0]["detail"]["passed"], true);
    assert!(!found[0]["detail"]["rows"].as_array().expect("rows").is_empty());
    place.run(&["verify"]).ended(0);
}

#[test]
fn without_a_log_the_records_are_made_up_and_no_log_is_made() {
    let place = Place::new();
    let result = drilled(&place, &[]);
    assert_eq!(result["sample"], 0);
    assert!(!place.log().exists());
}

#[test]
fn what_is_to_be_drilled_has_to_be_said() {
    let place = Place::new();
    place.run(&["drill"]).ended(2);
    place.run(&["drill", "--faults", "--minutes", "0"]).ended(2);
    place.run(&["drill", "--faults", "--minutes", "soon"]).ended(2);
}
