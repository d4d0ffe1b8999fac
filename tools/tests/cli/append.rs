//! Records in, receipts out.

use sha2::{Digest, Sha512};
use shoseki_engine::types::to_hex;

use crate::support::{Place, record};

#[test]
fn each_record_has_a_receipt_over_the_bytes_that_are_exported() {
    let place = Place::new();
    let run = place.append(&format!("{}\n\n{}", record(0), record(1)));
    let receipts = run.lines();
    assert_eq!(receipts.len(), 2);
    for line in run.out.lines() {
        let places =
            ["{\"audit_id\":", ",\"seq\":", ",\"hash\":", ",\"chain_hash\":"].map(|n| line.find(n));
        assert!(places[0] == Some(0) && places.is_sorted(), "{line}");
        assert_eq!(line.matches("\":").count(), 4, "{line}");
    }
    let export = place.run(&["export"]).ended(0);
    for (n, (receipt, line)) in receipts.iter().zip(export.out.lines()).enumerate() {
        assert_eq!(receipt["seq"], n);
        let body = line.split(",\"seq\":").next().expect("a suffix").to_owned() + "}";
        assert_eq!(receipt["hash"], to_hex(&Sha512::digest(body.as_bytes())));
        assert!(line.contains("\"dose\":1.10"), "{line}");
    }
}

#[test]
fn an_invalid_line_is_named_with_every_fault_and_the_others_go_on() {
    let place = Place::new();
    let wrong = r#"{"timestamp":"today","actor_type":"person","actor_id":"","action":"A","seq":1}"#;
    let input = [&record(0), wrong, "{\"timestamp\":", &record(1), "7"].join("\n");
    let run = place.run_with(&["append"], &input).ended(2);
    assert_eq!(run.lines().len(), 2);
    let faults: Vec<&str> = run.err.lines().filter(|line| line.starts_with("line ")).collect();
    assert_eq!(faults.len(), 3, "{}", run.err);
    assert!(faults[0].starts_with("line 2: "), "{}", faults[0]);
    for pointer in ["/timestamp: expected", "/actor_type: expected", "/actor_id", "/result", "/seq"]
    {
        assert!(faults[0].contains(pointer), "{pointer}: {}", faults[0]);
    }
    assert!(faults[1].starts_with("line 3: not JSON"), "{}", faults[1]);
    assert!(faults[2].starts_with("line 5: "), "{}", faults[2]);
    assert!(run.err.contains("2 appended (seq 0 to 1), 0 there before, 3 refused"));
}

#[test]
fn arrays_stand_on_one_line_or_on_many() {
    let place = Place::new();
    let one = format!("[{},{{}},{}]\n{}\n[]", record(0), record(1), record(2));
    let run = place.run_with(&["append"], &one).ended(2);
    assert_eq!(run.lines().len(), 3);
    assert!(run.err.contains("line 1, record 1: "), "{}", run.err);
    let many = format!("\n[\n {},\n {{\"a\":1}},\n\n {}\n]\n", record(3), record(4));
    let run = place.run_with(&["append"], &many).ended(2);
    assert_eq!(run.lines().len(), 2);
    assert!(run.err.contains("line 4, record 1: "), "{}", run.err);
    let run = place.run_with(&["append"], "[\n{\"a\":1}\n").ended(2);
    assert!(run.err.contains("not JSON"), "{}", run.err);
}

#[test]
fn lines_and_arrays_of_any_shape_mix_and_what_is_bad_holds_nothing_up() {
    let r = |n: usize| record(n);
    let place = Place::new();
    let input = [
        format!("[\n {},\n {}\n]", r(0), r(1)),
        r(2),
        format!("[{}] [{}]{}", r(3), r(4), r(5)),
        "[\n {\"a\" 1},\n {}\n]".to_owned(),
        r(6),
        format!("[{},", r(90)),
        r(7),
        format!("[\n{},\n\n{{\"a\":1}},{}]", r(8), r(9)),
        "{\"a\":".to_owned(),
        format!("[{}}}", r(91)),
        r(10),
    ];
    let run = place.run_with(&["append"], &input.join("\n")).ended(2);
    let ids: Vec<String> = run
        .lines()
        .iter()
        .map(|line| line["audit_id"].as_str().expect("an id").to_owned())
        .collect();
    let expected: Vec<String> =
        (0..=10).map(|n| format!("00000000-0000-4000-8000-{n:012}")).collect();
    assert_eq!(ids, expected);
    let faults: Vec<&str> = run.err.lines().filter(|line| line.starts_with("line ")).collect();
    let starts = [
        "line 8: not JSON: ",
        "line 12: not JSON: the brackets of the array that begins here don't match",
        "line 17, record 1: ",
        "line 18: not JSON: ",
        "line 19: not JSON: the brackets of the array that begins here don't match",
    ];
    assert_eq!(faults.len(), starts.len(), "{faults:#?}");
    for (fault, start) in faults.iter().zip(starts) {
        assert!(fault.starts_with(start), "{fault}");
    }
    let counts = "11 appended (seq 0 to 10), 0 there before, 5 refused";
    assert!(run.err.contains(counts), "{}", run.err);
}

#[test]
fn more_than_a_batch_goes_in_and_stays_in_order() {
    let place = Place::new();
    let input: Vec<String> = (0..1_234).map(record).collect();
    let run = place.append(&format!("[{}]", input.join(",\n")));
    let seqs: Vec<u64> = run.lines().iter().filter_map(|line| line["seq"].as_u64()).collect();
    assert_eq!(seqs, (0..1_234).collect::<Vec<u64>>());
}

#[test]
fn repeats_are_duplicates_and_other_content_is_a_conflict() {
    let place = Place::with_records(2);
    let changed = record(1).replace("READ_CHART", "UPDATE_CHART");
    let input = [record(0), changed, record(2), record(2), record(3)].join("\n");
    let run = place.run_with(&["append"], &input).ended(2);
    let lines = run.lines();
    let seen: Vec<_> =
        lines.iter().map(|l| (l["seq"].as_u64(), l["duplicate"].as_bool())).collect();
    let yes = Some(true);
    let expected = [(Some(0), yes), (Some(2), None), (Some(2), yes), (Some(3), None)];
    assert_eq!(seen, expected);
    let conflict =
        "line 2: conflict: record 1 has the audit_id 00000000-0000-4000-8000-000000000001";
    assert!(run.err.contains(conflict), "{}", run.err);
    // Another producer may use the same id.
    place.run_with(&["append", "--producer", "other"], &record(1).replace("READ", "X")).ended(0);
}

#[test]
fn facility_and_producer_are_filled_in() {
    let place = Place::new();
    let own = record(1).replace("\"result\"", "\"facility_id\":\"F9\",\"result\"");
    let args = ["append", "--facility", "F1", "--producer", "kiosk"];
    place.run_with(&args, &format!("{}\n{own}", record(0))).ended(0);
    let lines = place.run(&["export"]).lines();
    assert_eq!((&lines[0]["facility_id"], &lines[1]["facility_id"]), (&"F1".into(), &"F9".into()));
    assert_eq!(lines[0]["ingested_by"], "kiosk");
    place.run_with(&["append", "--producer", "a#b"], "").ended(2);
}

#[test]
fn a_log_keeps_its_name() {
    let place = Place::new();
    place.run_with(&["append", "--origin", "clinic.example/a"], &record(0)).ended(0);
    let run = place.run(&["checkpoint"]).ended(0);
    assert!(run.out.starts_with("clinic.example/a\n1\n"), "{}", run.out);
    let run = place.run_with(&["append", "--origin", "other.example"], &record(1)).ended(2);
    assert!(run.err.contains("clinic.example/a"), "{}", run.err);
}

#[test]
fn files_are_read_in_their_order_and_a_missing_one_stops_before_the_first() {
    let place = Place::new();
    let (a, b) = (place.text("a"), place.text("b"));
    std::fs::write(&a, record(0)).expect("written");
    std::fs::write(&b, format!("x\n{}", record(1))).expect("written");
    let run = place.run(&["append", &a, &b]).ended(2);
    assert_eq!(run.lines().len(), 2);
    assert!(run.err.contains("b: line 1: "), "{}", run.err);
    let run = place.run(&["append", &a, "nowhere"]).ended(3);
    assert_eq!(run.out, "");
    assert!(run.err.contains("where: nowhere"), "{}", run.err);
}
