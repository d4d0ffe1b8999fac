//! Filters, order and limits.

use crate::support::{Place, record};

fn seqs(place: &Place, args: &[&str]) -> Vec<u64> {
    let args = [&["query"], args].concat();
    let lines = place.run(&args).ended(0).lines();
    lines.iter().map(|line| line["seq"].as_u64().expect("a seq")).collect()
}

#[test]
fn filters_order_and_limit() {
    let place = Place::with_records(9);
    place.run(&["seal"]).ended(0);
    place.append(&record(9));
    assert_eq!(seqs(&place, &[]), (0..10).rev().collect::<Vec<u64>>());
    assert_eq!(seqs(&place, &["--order", "asc", "--limit", "2"]), [0, 1]);
    assert_eq!(seqs(&place, &["--patient-id", "P3", "--patient-id", "P5"]), [5, 3]);
    assert_eq!(seqs(&place, &["--actor-id", "ﾀｶﾊｼ"]), [9, 5, 1]);
    assert_eq!(seqs(&place, &["--actor-id", "ﾀｶﾊｼ", "--target-id", "P5"]), [5]);
    assert_eq!(seqs(&place, &["--action", "READ*", "--limit", "1"]), [9]);
    assert_eq!(seqs(&place, &["--action", "READ"]), [] as [u64; 0]);
    assert_eq!(seqs(&place, &["--word", "花子", "--result", "success"]), [8, 4, 0]);
    let between = ["--from", "2026-03-01T19:00:03+09:00", "--to", "2026-03-01T10:00:05Z"];
    assert_eq!(seqs(&place, &between), [4, 3]);
    assert_eq!(seqs(&place, &["--pii-flag", "true"]), [] as [u64; 0]);
}

#[test]
fn words_are_whole_and_details_go_by_their_path() {
    let place = Place::new();
    let detailed = |n, detail: &str| {
        let mut record: serde_json::Value = serde_json::from_str(&record(n)).expect("JSON");
        record["detail"] = serde_json::from_str(detail).expect("JSON");
        record.to_string()
    };
    let records = [
        detailed(0, r#"{"note":"Blood pressure 血圧","after":{"inDays":7}}"#),
        detailed(1, r#"{"note":"pressures","after":{"inDays":14},"items":[{"code":"CRP"}]}"#),
        detailed(2, r#"{"after":{"inDays":"7"},"items":[{"code":"HbA1c"},{"code":"CRP"}]}"#),
    ];
    place.append(&records.join("\n"));
    let none = [] as [u64; 0];
    assert_eq!(seqs(&place, &["--word", "PRESSURE"]), [0]);
    assert_eq!(seqs(&place, &["--word", "press"]), none);
    assert_eq!(seqs(&place, &["--word", "圧", "--word", "blood pressure"]), [0]);
    assert_eq!(seqs(&place, &["--word", "00000000000040008000000000000002"]), [2]);
    assert_eq!(seqs(&place, &["--detail", "after.inDays=7"]), [2, 0]);
    assert_eq!(
        seqs(&place, &["--detail", "after.inDays=7", "--detail", "after.inDays=14"]).len(),
        3
    );
    let both = ["--detail", "after.inDays=7", "--detail", "items.code=CRP"];
    assert_eq!(seqs(&place, &both), [2]);
    place.run(&["query", "--detail", "after.inDays"]).ended(2);
    // They would be in every record, or in none.
    for (option, value, why) in
        [("--word", "!?", "no letter or digit"), ("--source-ip", "10.0.0/8", "is not a network")]
    {
        let refused = place.run(&["query", option, value]).ended(2);
        assert!(refused.err.contains(why), "{}", refused.err);
    }
}

#[test]
fn records_stand_by_their_times_and_pages_follow_each_other() {
    let place = Place::new();
    place.append(&[record(5), record(1), record(3)].join("\n"));
    assert_eq!(seqs(&place, &["--order", "asc"]), [1, 2, 0]);
    assert_eq!(seqs(&place, &["--limit", "1"]), [0]);
    let first = place.run(&["query", "--limit", "2"]).ended(0);
    assert_eq!(first.lines().len(), 2);
    let (_, next) = first.err.split_once("--cursor ").expect("where it goes on");
    // What comes in between shifts nothing.
    place.append(&record(9));
    let more = place.run(&["query", "--limit", "2", "--cursor", next.trim()]).ended(0);
    assert_eq!(more.lines().iter().map(|l| l["seq"].as_u64()).collect::<Vec<_>>(), [Some(1)]);
    assert!(!more.err.contains("--cursor"), "{}", more.err);
    let other = ["query", "--word", "x", "--cursor", next.trim()];
    assert!(place.run(&other).ended(2).err.contains("cursor"));
}

#[test]
fn an_explanation_says_what_was_read() {
    let place = Place::with_records(30);
    place.run(&["seal"]).ended(0);
    let run = place.run(&["query", "--target-id", "P7", "--explain"]).ended(0);
    assert_eq!(run.lines().len(), 1);
    for part in ["30 records in", "candidates", "read and verified", "matched     1,"] {
        assert!(run.err.contains(part), "{part}: {}", run.err);
    }
}

#[test]
fn show_and_tail_name_records() {
    let place = Place::with_records(12);
    let by_seq = place.run(&["show", "7"]).ended(0);
    let by_id = place.run(&["show", "00000000-0000-4000-8000-000000000007"]).ended(0);
    assert_eq!(by_seq.out, by_id.out);
    assert_eq!(by_seq.lines()[0]["seq"], 7);
    let tail = place.run(&["tail", "-n", "3"]).lines();
    assert_eq!(tail.iter().map(|l| l["seq"].as_u64()).collect::<Vec<_>>(), [9, 10, 11].map(Some));
    assert_eq!(place.run(&["tail"]).lines().len(), 10);
}

#[test]
fn a_period_without_a_moment_in_it_is_refused() {
    let place = Place::with_records(2);
    let period = ["--from", "2026-01-02T00:00:00Z", "--to", "2026-01-02T09:00:00+09:00"];
    for command in ["query", "export", "stats"] {
        let run = place.run(&[&[command][..], &period].concat()).ended(2);
        assert!(run.err.contains("--from 2026-01-02T00:00:00Z is not before --to"), "{}", run.err);
    }
}
