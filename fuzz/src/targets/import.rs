//! Events of CloudTrail and Kubernetes, and JSON by a mapping: whole inputs through the importer.
//!
//! Every event is handed on once, in order; what becomes a record is within the limits and its body
//! reads back.

use std::convert::Infallible;
use std::sync::LazyLock;

use shoseki_engine::record::{AuditId, Body, Limits, Record, Salt, Stamp, Timestamp, encode_body};
use shoseki_import::{Dialect, Importer, Item, Place};

use crate::memory::within;

const MAPPING: &str = r#"
[input]
items = "Records"
[fields]
audit_id = "id"
timestamp = [{ path = "time", zone = "+09:00" }, { path = "ms", unit = "ms" }]
actor_type = [{ path = "kind", map = { human = "user", "*" = "system" } }, { value = "user" }]
actor_id = ["user.id", "user.names[0]", { value = "unknown" }]
action = { template = "{service}:{operation}" }
target_type = "object.type"
target_id = "targets[kind=x].id"
source_ip = "'odd.name'.ip"
pii_flag = "pii"
sensitivity = "level"
result = [{ path = "ok", map = { true = "success", false = "failure" } }, { value = "success" }]
"#;

static IMPORTERS: LazyLock<[Importer; 3]> = LazyLock::new(|| {
    let mapped = Dialect::Mapped(Box::new(MAPPING.parse().unwrap()));
    [Dialect::CloudTrail, Dialect::Kubernetes, mapped].map(|dialect| Importer {
        dialect,
        root: None,
        filters: Vec::new(),
        facility: Some("east".to_owned()),
        limits: Limits::default(),
    })
});

pub(super) fn run(data: &[u8]) {
    let (mode, text) = data.split_first().map_or((0, data), |(mode, text)| (*mode, text));
    let mut importer = IMPORTERS[usize::from(mode % 3)].clone();
    if mode & 0x10 != 0 {
        importer.filters.extend("kind=human".parse());
        importer.root = "a.b[0]".parse().ok();
    }
    // Values borrow from the line; a record and what is said of refusals is as long again.
    let limit = (8 << 20) + text.len() * 64;
    within(limit, "importing", || read(&importer, text));
}

/// Reads an input to its end.
pub(super) fn read(importer: &Importer, mut text: &[u8]) {
    let lines = text.iter().filter(|b| **b == b'\n').count() as u64 + 1;
    let mut last = Place { line: 0, item: None };
    let mut events = |place: Place, item: Item| {
        assert!(place.line >= last.line && place.line >= 1 && place.line <= lines, "{place}");
        last = place;
        match item {
            Item::Record(record) => check(&record, &importer.limits),
            Item::Filtered => assert!(!importer.filters.is_empty()),
            Item::Refused(error) => assert!(!error.to_string().is_empty()),
            Item::Unreadable(fault) => assert!(!fault.to_string().is_empty()),
        }
        Ok::<(), Infallible>(())
    };
    importer.read(&mut text, &mut events).unwrap_or_else(|_| panic!("stopped"));
}

fn check(record: &Record, limits: &Limits) {
    assert_eq!(record.check(limits), Ok(()));
    let stamp = Stamp {
        audit_id: record.audit_id.unwrap_or(AuditId::from_bytes([5; 16])),
        received_at: Timestamp::from_unix_micros(1_795_000_000_000_001).unwrap(),
        ingested_by: None,
        salt: Salt::from_bytes([9; 12]),
    };
    let mut bytes = Vec::new();
    encode_body(record, &stamp, &mut bytes);
    let body = Body::parse(&bytes).unwrap_or_else(|e| panic!("our own body: {e}"));
    assert_eq!(body.to_record(), Record { audit_id: Some(stamp.audit_id), ..record.clone() });
}

const CLOUDTRAIL: &str = r#"{"Records":[{"eventVersion":"1.08","userIdentity":{"type":"IAMUser",
"principalId":"AID1","arn":"arn:aws:iam::123456789012:user/ann","accountId":"123456789012",
"userName":"ann"},"eventTime":"2026-11-21T09:30:00Z","eventSource":"s3.amazonaws.com",
"eventName":"GetObject","awsRegion":"eu-west-1","sourceIPAddress":"192.0.2.7","errorCode":"Denied",
"requestParameters":{"bucketName":"b","key":"k"},"requestID":"R1","readOnly":true,
"eventID":"0198c1e0-0000-7000-8000-000000000001","resources":[{"ARN":"arn:aws:s3:::b/k",
"type":"AWS::S3::Object"}],"recipientAccountId":"123456789012"},{"eventName":"X"}]}
{"detail-type":"AWS API Call via CloudTrail","detail":{"eventTime":"2026-11-21T09:30:01Z",
"eventName":"ConsoleLogin","userIdentity":{"type":"Root"},"eventSource":"signin.amazonaws.com"}}"#;

const KUBERNETES: &str = r#"{"kind":"EventList","items":[{"kind":"Event","level":"Metadata",
"auditID":"0198c1e0-0000-7000-8000-000000000002","stage":"ResponseComplete","verb":"get",
"requestURI":"/api/v1/namespaces/n/secrets/s","user":{"username":"system:serviceaccount:n:d",
"groups":["g"]},"sourceIPs":["192.0.2.9"],"objectRef":{"resource":"secrets","namespace":"n",
"name":"s","subresource":"x"},"responseStatus":{"code":403},
"requestReceivedTimestamp":"2026-11-21T09:30:00.123456Z",
"stageTimestamp":"2026-11-21T09:30:00.223456Z"}]}"#;

const MAPPED: &str = r#"{"Records":[{"id":"0198c1e0-0000-7000-8000-000000000003",
"time":"2026-11-21T09:30:00","kind":"human","user":{"id":7,"names":["a"]},"service":"s",
"operation":"o","object":{"type":"t"},"targets":[{"kind":"y"},{"kind":"x","id":"z"}],
"odd.name":{"ip":"192.0.2.1"},"pii":true,"level":"high","ok":false}]}
{"Records":[{"ms":1795262400000,"service":1.50,"operation":"\u00e9\ud83d\ude00"}]}"#;

pub(super) fn seeds() -> Vec<Vec<u8>> {
    let lines = |text: &str| text.replace("\n\"", "\"").replace("\n{", "{").into_bytes();
    let mut seeds = Vec::new();
    for (mode, text) in (0_u8..).zip([CLOUDTRAIL, KUBERNETES, MAPPED]) {
        seeds.push([&[mode], text.as_bytes()].concat());
        seeds.push([&[mode], lines(text).as_slice()].concat());
        seeds.push([&[mode], &text.as_bytes()[..text.len() / 2]].concat());
    }
    seeds.push(b"\x12{\"a\":{\"b\":[{\"kind\":\"human\"}]}}\n[1,2,{}]\nnull\n".to_vec());
    seeds
}
