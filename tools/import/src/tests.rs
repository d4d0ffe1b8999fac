//! The mappings over the collected trails of others, and over small events made here.

use std::convert::Infallible;
use std::path::PathBuf;

use shoseki_engine::record::{ActorType, AuditId, Limits, Outcome, Record, Sensitivity};

use crate::*;

mod samples;

fn importer(dialect: Dialect) -> Importer {
    Importer { dialect, root: None, filters: Vec::new(), facility: None, limits: Limits::default() }
}

/// Everything that one text gives.
fn import(importer: &Importer, text: &[u8]) -> Vec<(Place, Item)> {
    let mut items = Vec::new();
    importer
        .read(&mut &*text, &mut |place, item| {
            items.push((place, item));
            Ok::<(), Infallible>(())
        })
        .expect("readable");
    items
}

fn records(importer: &Importer, text: &str) -> Vec<Record> {
    let items = import(importer, text.as_bytes());
    items
        .into_iter()
        .map(|(place, item)| match item {
            Item::Record(record) => *record,
            other => panic!("{place}: {other:?}"),
        })
        .collect()
}

fn one(importer: &Importer, text: &str) -> Record {
    let mut all = records(importer, text);
    assert_eq!(all.len(), 1);
    all.remove(0)
}

const LOGIN: &str = r#"{ "eventVersion":"1.08","userIdentity":{"type":"IAMUser",
    "arn":"arn:aws:iam::111122223333:user/hanako","accountId":"111122223333"},
    "eventTime":"2023-07-10T12:23:15Z","eventSource":"signin.amazonaws.com",
    "eventName":"ConsoleLogin","sourceIPAddress":"192.0.2.7","requestParameters":null,
    "responseElements":{"ConsoleLogin":"Failure"},"additionalEventData":{"n":1.10,"e":1E400},
    "eventID":"70E5932E-9022-4b38-837e-ca10dad94eb7","readOnly":false,
    "recipientAccountId":"123456789012" }"#;

#[test]
fn a_cloudtrail_event_becomes_a_record_with_its_original() {
    let record = one(&importer(Dialect::CloudTrail), LOGIN);
    let id = record.audit_id.expect("an id").to_string();
    assert_eq!(id, "70e5932e-9022-4b38-837e-ca10dad94eb7");
    assert_eq!(record.timestamp.to_string(), "2023-07-10T12:23:15Z");
    assert_eq!(record.actor_id, "arn:aws:iam::111122223333:user/hanako");
    assert_eq!(record.actor_type, ActorType::User);
    assert_eq!(record.action, "signin:ConsoleLogin");
    assert_eq!(record.result, Outcome::Failure);
    assert_eq!(record.facility_id.as_deref(), Some("123456789012"));
    assert_eq!(record.source_ip.as_deref(), Some("192.0.2.7"));
    assert_eq!(record.sensitivity, Sensitivity::Medium);
    let detail = String::from_utf8(record.detail.expect("a detail").as_bytes().to_vec());
    let detail = detail.expect("UTF-8");
    assert!(detail.starts_with("{\"event\":{\"eventVersion\":\"1.08\","), "{detail}");
    assert!(detail.contains("{\"n\":1.10,\"e\":1E400}"), "{detail}");
}

#[test]
fn envelopes_and_delivery_files_give_the_same_record_as_the_event() {
    let trail = importer(Dialect::CloudTrail);
    let plain = one(&trail, LOGIN);
    let bridge = format!("{{\"version\":\"0\",\"detail-type\":\"x\",\"detail\":{LOGIN}}}");
    let delivery = format!("{{\"Records\":[{LOGIN},{LOGIN}]}}");
    let wrapped = format!("{{\"file\":\"x\",\"event\":{bridge}}}");
    assert_eq!(one(&trail, &bridge), plain);
    assert_eq!(records(&trail, &delivery), [plain.clone(), plain.clone()]);
    assert_eq!(one(&trail, &format!("[{LOGIN}]")), plain);
    let rooted = Importer { root: Some("event".parse().expect("a path")), ..trail };
    assert_eq!(one(&rooted, &wrapped), plain);
}

#[test]
fn a_derived_id_depends_on_the_tokens_only() {
    let trail = importer(Dialect::CloudTrail);
    let with_id =
        |id: &str| one(&trail, &LOGIN.replace("70E5932E-9022-4b38-837e-ca10dad94eb7", id));
    let derived = |record: Record| *record.audit_id.expect("an id").as_bytes();
    let first = derived(with_id("not a uuid"));
    assert_eq!((first[6] >> 4, first[8] >> 6), (8, 2), "a UUIDv8 of RFC 9562");
    assert_eq!(derived(with_id("not a uuid")), first);
    assert_ne!(derived(with_id("not a UUID")), first);
    let event = LOGIN.replace("70E5932E-9022-4b38-837e-ca10dad94eb7", "not a uuid");
    let compact: String = event.split("\n    ").collect();
    assert_eq!(derived(one(&trail, &compact)), first);
}

#[test]
fn bad_events_are_refused_in_their_place_and_the_others_go_on() {
    let lines = [
        LOGIN.replace('\n', " "),
        "{\"eventTime\":\"2023-07-10T12:23:15Z\"}".to_owned(),
        "{\"eventName\":\"X\",\"eventTime\":\"yesterday\"}".to_owned(),
        "{\"eventName\":\"X\",\"eventTime\":\"2023-07-10T12:23:15Z\",\"a\":1,\"a\":2}".to_owned(),
        "{\"eventName\":".to_owned(),
        "[7]".to_owned(),
        LOGIN.replace('\n', " "),
    ];
    let items = import(&importer(Dialect::CloudTrail), lines.join("\n").as_bytes());
    let kinds: Vec<(u64, &str)> = items
        .iter()
        .map(|(place, item)| {
            let kind = match item {
                Item::Record(_) => "record",
                Item::Filtered => "filtered",
                Item::Refused(MapError::Missing { .. }) => "missing",
                Item::Refused(MapError::Value { .. }) => "value",
                Item::Refused(MapError::NotAnObject) => "no object",
                Item::Refused(_) => "limits",
                Item::Unreadable(_) => "unreadable",
            };
            (place.line, kind)
        })
        .collect();
    let expected = [
        (1, "record"),
        (2, "missing"),
        (3, "value"),
        (4, "limits"),
        (5, "unreadable"),
        (6, "no object"),
        (7, "record"),
    ];
    assert_eq!(kinds, expected);
    assert_eq!(items[5].0.to_string(), "line 6, event 0");
}

#[test]
fn a_filter_leaves_out_what_does_not_pass() {
    let filters = |filters: &[&str]| Importer {
        filters: filters.iter().map(|filter| filter.parse().expect("a filter")).collect(),
        ..importer(Dialect::CloudTrail)
    };
    let kept = |list: &[&str]| {
        let items = import(&filters(list), LOGIN.as_bytes());
        matches!(items.as_slice(), [(_, Item::Record(_))])
    };
    assert!(kept(&["eventName=ConsoleLogin", "userIdentity.arn~arn:aws:iam"]));
    assert!(!kept(&["eventName=ConsoleLogin", "readOnly=true"]));
}

#[test]
fn only_the_last_stage_of_a_kubernetes_request_takes_its_audit_id() {
    let event = |stage: &str| {
        format!(
            r#"{{"kind":"Event","apiVersion":"audit.k8s.io/v1","stage":"{stage}",
            "auditID":"f47c68f2-d3ac-4f96-b2f4-5d497bf79b64","verb":"create",
            "user":{{"username":"system:serviceaccount:ns:sa"}},"sourceIPs":["::1","10.0.0.1"],
            "impersonatedUser":{{"username":"bob"}},"responseStatus":{{"code":403}},
            "objectRef":{{"resource":"pods","subresource":"exec","namespace":"ns","name":"p"}},
            "requestReceivedTimestamp":"2023-07-10T12:23:15.123456Z"}}"#
        )
    };
    let cluster = importer(Dialect::Kubernetes);
    let last = one(&cluster, &event("ResponseComplete"));
    let first = one(&cluster, &event("RequestReceived"));
    let id = AuditId::parse("f47c68f2-d3ac-4f96-b2f4-5d497bf79b64");
    assert_eq!(last.audit_id, id);
    assert_ne!(first.audit_id, id);
    assert_eq!(first.request_id, last.request_id);
    assert_eq!(last.action, "k8s:create:pods/exec");
    assert_eq!(last.target_id.as_deref(), Some("ns/p"));
    assert_eq!(last.actor_type, ActorType::System);
    assert_eq!(last.actor_role.as_deref(), Some("as bob"));
    assert_eq!((last.result, last.sensitivity), (Outcome::Failure, Sensitivity::High));
    assert_eq!(last.source_ip.as_deref(), Some("::1"));
    let list = format!("{{\"kind\":\"EventList\",\"items\":[{}]}}", event("ResponseComplete"));
    assert_eq!(records(&cluster, &list), [last]);
}

#[test]
fn a_mapping_tries_its_rules_in_order() {
    let mapping: Mapping = r#"
        [input]
        items = "batch.events"
        event = "e"
        [fields]
        timestamp = [{ path = "at", zone = "+09:00" }, { path = "ms", unit = "ms" }]
        actor_type = { path = "who.kind", map = { human = "user", "*" = "device" } }
        actor_id = ["who.id", { value = "nobody" }]
        action = [{ template = "{app}/{op}" }, "op"]
        result = [{ path = "ok", map = { true = "success" } }, { value = "failure" }]
        pii_flag = "personal"
    "#
    .parse()
    .expect("a mapping");
    let text = r#"{"batch":{"events":[
        {"e":{"at":"2024-01-01 09:00:00","who":{"kind":"human","id":7},"app":"a","op":"b",
              "ok":true,"personal":true}},
        {"e":{"ms":1704067200000,"who":{"kind":"robot"},"op":"b","ok":false}}]}}"#;
    let all = records(&importer(Dialect::Mapped(Box::new(mapping))), text);
    let [first, second] = all.as_slice() else { panic!("{all:?}") };
    assert_eq!(first.timestamp, second.timestamp);
    assert_eq!((first.actor_id.as_str(), second.actor_id.as_str()), ("7", "nobody"));
    assert_eq!((first.action.as_str(), second.action.as_str()), ("a/b", "b"));
    assert_eq!((first.actor_type, second.actor_type), (ActorType::User, ActorType::Device));
    assert_eq!((first.result, second.result), (Outcome::Success, Outcome::Failure));
    assert_eq!((first.pii_flag, second.pii_flag), (true, false));
}
