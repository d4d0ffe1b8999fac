//! The demonstration.

use std::fs;

use unicode_width::UnicodeWidthStr;

use crate::support::Place;
use crate::test_data::test_data;

fn fits_a_screen(text: &str) {
    assert!(text.lines().count() <= 24, "{text}");
    for line in text.lines() {
        assert!(line.width() <= 80, "{} columns: {line}", line.width());
    }
}

#[test]
fn it_shows_a_changed_byte_and_leaves_nothing() {
    let place = Place::new();
    let run = place.run(&["demo"]).ended(0);
    fits_a_screen(&run.out);
    for part in ["append", "seal", "patient P", "prove", "export", "valid: ", "tampered: "] {
        assert!(run.out.contains(part), "{part}: {}", run.out);
    }
    let changed = run.out.lines().find_map(|line| line.split_once("in a copy, in record "));
    let (_, changed) = changed.expect("it says which");
    let named = format!("record {changed}: ");
    let named = run.out.lines().any(|line| line.trim_start().starts_with(&named));
    assert!(named, "the verifier names the record: {}", run.out);
    assert_eq!(fs::read_dir(place.path("")).expect("listed").count(), 0);
}

#[test]
fn it_takes_a_real_trail_and_keeps_it() {
    let Some(trail) = test_data("audit/cloudtrail-invictus") else { return };
    let place = Place::new();
    let kept = place.text("kept");
    let trail = trail.to_str().expect("UTF-8");
    let run = place.run(&["demo", "--input", trail, "--keep", &kept]).ended(0);
    fits_a_screen(&run.out);
    assert!(run.out.contains("987 events of CloudTrail"), "{}", run.out);
    place.run(&["verify", &place.text("kept/log")]).ended(0);
    place.run(&["verify", &place.text("kept/export.jsonl")]).ended(0);
    place.run(&["verify", &place.text("kept/tampered")]).ended(1);
    place.run(&["demo", "--keep", &kept]).ended(2);
    place.run(&["demo", "--input", "nowhere"]).ended(3);
}
