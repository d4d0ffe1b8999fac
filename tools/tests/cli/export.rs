//! Exports: whole or not at all.

use std::fs;

use crate::support::{Place, record};

#[test]
fn an_export_is_the_query_in_order_and_verifies() {
    let place = Place::with_records(700);
    place.run(&["seal"]).ended(0);
    place.append(&record(700));
    let file = place.text("all.jsonl");
    let run = place.run(&["export", "-o", &file]).ended(0);
    assert!(run.err.contains("701 records exported (seq 0 to 700)"), "{}", run.err);
    let text = fs::read_to_string(&file).expect("written");
    assert_eq!(text, place.run(&["query", "--order", "asc"]).out);
    assert_eq!(text, place.run(&["export"]).out);
    place.run(&["verify", &file]).ended(0);
    let part = place.run(&["export", "--patient-id", "P9"]).ended(0);
    assert_eq!(part.lines().len(), 1);
    assert!(part.err.contains("1 record exported (seq 9 to 9)"), "{}", part.err);
}

#[test]
fn a_failed_export_leaves_no_file() {
    let place = Place::with_records(1);
    fs::create_dir(place.path("taken")).expect("made");
    fs::write(place.path("taken/x"), "").expect("written");
    let run = place.run(&["export", "-o", &place.text("taken")]).ended(3);
    assert!(run.err.contains("taken"), "{}", run.err);
    place.run(&["export", "-o", &place.text("none/file")]).ended(3);
    let left = fs::read_dir(place.path("")).expect("listed").count();
    assert_eq!(left, 2, "the log and what was there");
}

#[test]
fn csv_has_a_header_and_defuses_formulas() {
    let place = Place::new();
    place.append(&record(0).replace("READ_CHART", "=1+1"));
    let csv = place.run(&["export", "--format", "csv"]).ended(0);
    assert!(csv.out.starts_with("audit_id,timestamp,actor_type,"), "{}", csv.out);
    assert!(csv.out.contains(",'=1+1,"), "{}", csv.out);
    assert_eq!(csv.out.matches("\r\n").count(), 2);
    let raw = place.run(&["export", "--format", "csv", "--raw", "--bom"]).ended(0);
    assert!(raw.out.starts_with('\u{feff}') && raw.out.contains(",=1+1,"), "{}", raw.out);
    let file = place.text("x.csv");
    place.run(&["export", "--format", "csv", "-o", &file]).ended(0);
    assert_eq!(fs::read_to_string(&file).expect("written"), csv.out);
    let run = place.run(&["verify", &file]).ended(2);
    assert!(run.err.contains("--format jsonl"), "{}", run.err);
}
