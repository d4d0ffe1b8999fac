//! Every audit file of the test data through its mapping.

use std::collections::BTreeMap;
use std::fs;
use std::io;

use serde_json::Value;

use super::*;

/// The test data, or `None` (said once per test) where it is not there.
fn audit_data() -> Option<PathBuf> {
    let root = std::env::var_os("SHOSEKI_TESTDATA").map_or_else(
        || PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/../../../shared/testdata")),
        PathBuf::from,
    );
    let audit = root.join("audit");
    if audit.is_dir() {
        return Some(audit);
    }
    let required = std::env::var_os("SHOSEKI_REQUIRE_TESTDATA").is_some_and(|value| value == "1");
    assert!(!required, "no test data at {}", audit.display());
    println!("skipped: no test data");
    None
}

fn shipped(name: &str, before: &str) -> Dialect {
    let path = format!("{}/maps/{name}.toml", env!("CARGO_MANIFEST_DIR"));
    let text = before.to_owned() + &fs::read_to_string(&path).expect("the map");
    Dialect::Mapped(Box::new(text.parse().unwrap_or_else(|faults| panic!("{path}: {faults}"))))
}

/// Records and refusals by reason over all files below these paths.
fn over(importer: &Importer, paths: &[PathBuf]) -> (Vec<Record>, BTreeMap<String, usize>) {
    let (mut kept, mut refused) = (Vec::new(), BTreeMap::new());
    for input in inputs(paths).expect("inputs") {
        let mut stdin = io::empty();
        let mut reader = input.open(&mut stdin).expect("opened");
        let mut events = |place: Place, item: Item| {
            let reason = match item {
                Item::Record(record) => {
                    kept.push(*record);
                    return Ok::<(), Infallible>(());
                }
                Item::Refused(error) => error.to_string(),
                other => panic!("{input}, {place}: {other:?}"),
            };
            *refused.entry(reason).or_default() += 1;
            Ok(())
        };
        importer.read(&mut reader, &mut events).expect("readable");
    }
    (kept, refused)
}

/// The original event of a record, as a tree with exact tokens left to the engine's own tests.
fn original(record: &Record) -> Value {
    let detail = record.detail.as_ref().expect("a detail").as_bytes();
    serde_json::from_slice::<Value>(detail).expect("JSON")["event"].take()
}

#[test]
fn all_cloudtrail_deliveries_map() {
    let Some(audit) = audit_data() else { return };
    let trail = importer(Dialect::CloudTrail);
    let (all, refused) = over(&trail, &[audit.join("cloudtrail-invictus")]);
    assert_eq!((all.len(), refused.len()), (987, 0), "{refused:?}");
    let failures = all.iter().filter(|record| record.result == Outcome::Failure).count();
    assert_eq!(failures, 112);
    assert_eq!(all.iter().filter(|record| record.actor_type == ActorType::System).count(), 13);
    for record in &all {
        let event = original(record);
        let id = record.audit_id.expect("an id").to_string();
        assert_eq!(event["eventID"].as_str(), Some(id.as_str()));
        let name = event["eventName"].as_str().expect("a name");
        assert!(record.action.ends_with(&format!(":{name}")), "{}", record.action);
        assert_eq!(record.facility_id.as_deref(), event["recipientAccountId"].as_str());
        assert_ne!(record.actor_id, "unknown");
    }
    let targets = all.iter().filter(|record| record.target_id.is_some()).count();
    assert!(targets > 450, "{targets} of 987 name a target");
}

#[test]
fn importing_twice_gives_equal_records() {
    let Some(audit) = audit_data() else { return };
    let trail = importer(Dialect::CloudTrail);
    let paths = [audit.join("cloudtrail-invictus")];
    assert_eq!(over(&trail, &paths), over(&trail, &paths));
}

#[test]
fn eventbridge_envelopes_map() {
    let Some(audit) = audit_data() else { return };
    let root = Some("event".parse().expect("a path"));
    let trail = Importer { root, ..importer(Dialect::CloudTrail) };
    let (all, refused) = over(&trail, &[audit.join("cloudtrail-eventbridge-custodian.jsonl")]);
    // One of them was cut down by its authors to an event without a time.
    assert_eq!((all.len(), refused.values().sum::<usize>()), (19, 1), "{refused:?}");
    assert!(all.iter().all(|record| original(record)["detail-type"].is_null()));
}

#[test]
fn kubernetes_events_map() {
    let Some(audit) = audit_data() else { return };
    let cluster = importer(Dialect::Kubernetes);
    let (all, refused) = over(&cluster, &[audit.join("k8s-audit2rbac-demo.jsonl")]);
    assert_eq!((all.len(), refused.len()), (37, 0), "{refused:?}");
    assert_eq!(all[0].action, "k8s:list:pods");
    assert_eq!(all[0].target_id.as_deref(), Some("default/"));
    assert_eq!(all[0].result, Outcome::Failure);
    let (all, refused) = over(&cluster, &[audit.join("k8s-eks-ocsf-sample.json")]);
    assert_eq!((all.len(), refused.len()), (1, 0), "{refused:?}");
    assert_eq!(all[0].target_id.as_deref(), Some("ip-192-001-02-03.ec2.internal"));
}

/// Map, what to put before it, file, root, records, refused.
type Sample = (&'static str, &'static str, &'static str, Option<&'static str>, usize, usize);

/// The refused ones were cut down by their authors: they have no time, or no action.
const MAPPED: [Sample; 8] = [
    ("okta", "", "panther-okta.jsonl", Some("event"), 66, 34),
    ("gworkspace", "", "panther-gworkspace.jsonl", Some("event"), 90, 47),
    ("gcp-audit", "", "panther-gcp-audit.jsonl", Some("event"), 126, 17),
    ("gcp-audit", "", "gcp-audit-cloudevents.jsonl", Some("event"), 4, 0),
    ("azure-signin", "", "panther-azure-signin.jsonl", Some("event"), 47, 0),
    ("fhir-r4", "", "fhir-r4", None, 9, 0),
    ("ocsf", "", "ocsf-samples.jsonl", Some("ocsf"), 35, 0),
    ("auditd-coalesced", NESTED, "auditd-libaudit/coalesced.jsonl", None, 48, 0),
];

/// This collection holds its events in arrays, with the name of the test beside each.
const NESTED: &str = "[input]\nitems = \"events\"\nevent = \"event\"\n";

#[test]
fn every_other_sample_maps_by_a_shipped_file() {
    let Some(audit) = audit_data() else { return };
    for (map, before, file, root, records, refusals) in MAPPED {
        let root = root.map(|root| root.parse().expect("a path"));
        let importer = Importer { root, ..importer(shipped(map, before)) };
        let (all, refused) = over(&importer, &[audit.join(file)]);
        let counts = (all.len(), refused.values().sum::<usize>());
        assert_eq!(counts, (records, refusals), "{map} {file} {refused:#?}");
        let cut = |reason: &String| reason.contains("timestamp") || reason.contains("no action");
        assert!(refused.keys().all(cut), "{refused:#?}");
        let unknown = all.iter().filter(|record| record.actor_id == "unknown").count();
        assert!(unknown * 5 <= all.len(), "{map} {file}: {unknown} without an actor");
    }
}

#[test]
fn the_example_map_loads() {
    assert!(matches!(shipped("jsonl-example", ""), Dialect::Mapped(_)));
}
