//! Counts of records.

use serde_json::{Value, json};

use crate::support::{Place, record};

fn stats(place: &Place, args: &[&str]) -> Value {
    let args = [&["stats", "--json"], args].concat();
    place.run(&args).ended(0).lines().remove(0)
}

/// Counts the lines of `query` by a member.
fn counted(place: &Place, args: &[&str], member: &str) -> Vec<(String, u64)> {
    let args = [&["query"], args].concat();
    let mut counts = std::collections::BTreeMap::new();
    for line in place.run(&args).ended(0).lines() {
        *counts.entry(line[member].as_str().expect("a text").to_owned()).or_insert(0) += 1;
    }
    let mut counts: Vec<(String, u64)> = counts.into_iter().collect();
    counts.sort_by(|a, b| b.1.cmp(&a.1).then_with(|| a.0.cmp(&b.0)));
    counts
}

#[test]
fn counts_are_those_of_the_records_that_a_query_finds() {
    let place = Place::with_records(40);
    place.run(&["seal"]).ended(0);
    place.append(&(40..55).map(record).collect::<Vec<_>>().join("\n"));
    let filters: [&[&str]; 4] = [
        &[],
        &["--action", "READ*"],
        &["--actor-id", "ﾀｶﾊｼ", "--result", "success"],
        &["--from", "2026-03-01T10:00:07Z", "--to", "2026-03-01T10:00:44Z"],
    ];
    for args in filters {
        let found = stats(&place, args);
        let total: u64 = counted(&place, args, "action").iter().map(|(_, count)| count).sum();
        assert!(total > 0, "{args:?}");
        assert_eq!(found["total"], total, "{args:?}");
        for (list, member) in [("actions", "action"), ("actors", "actor_id")] {
            let wanted: Vec<Value> = counted(&place, args, member)
                .into_iter()
                .take(10)
                .map(|(value, count)| json!({"value": value, "count": count}))
                .collect();
            assert_eq!(found[list], Value::from(wanted), "{list} of {args:?}");
        }
        for (value, count) in counted(&place, args, "result") {
            assert_eq!(found["by_result"][&value], count, "{value} of {args:?}");
        }
    }
}

#[test]
fn buckets_follow_the_offset_and_add_up() {
    let place = Place::with_records(12);
    let day = stats(&place, &["--by", "day", "--utc-offset", "+09:00"]);
    let wanted =
        json!([{"start": "2026-02-28T15:00:00Z", "total": 12, "failures": day["failures"]}]);
    assert_eq!(day["buckets"], wanted);
    let minute = stats(&place, &["--by", "minute"]);
    let total: u64 = minute["buckets"]
        .as_array()
        .expect("buckets")
        .iter()
        .map(|bucket| bucket["total"].as_u64().expect("a count"))
        .sum();
    assert_eq!(total, 12);
    assert!(stats(&place, &[])["buckets"].is_null());
    place.append(&record(60).replace("2026-03-01T10:01:00Z", "1970-01-01T00:00:00Z"));
    let week = stats(&place, &["--by", "week", "--utc-offset", "+09:00"]);
    assert_eq!(week["buckets"][0]["start"], "1969-12-28T15:00:00Z", "its Monday in Japan");
    let wrong = place.run(&["stats", "--by", "day", "--utc-offset", "tokyo"]).ended(2);
    assert!(wrong.err.contains("+09:00"), "{}", wrong.err);
}
