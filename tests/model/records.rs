//! Random records that have much in common, so that filters find some of them.

use shoseki_engine::record::{
    ActorType, AuditId, Detail, Limits, Outcome, Record, Sensitivity, Timestamp,
};

use crate::numbers::Numbers;

const SECOND: i64 = 1_000_000_000;
pub(crate) const START: i64 = 1_770_000_000 * SECOND;

pub(crate) const ACTORS: [&str; 8] =
    ["dr-sato", "dr-ito", "nurse-7", "nurse-77", "batch", "佐藤", "看護師 花子", "DR-SATO"];
pub(crate) const ROLES: [&str; 3] = ["doctor", "医師", "billing clerk"];
pub(crate) const ACTIONS: [&str; 6] =
    ["READ_CHART", "READ_PATIENT", "READ", "WRITE_CHART", "LOGIN", "予約変更"];
pub(crate) const TARGETS: [&str; 6] = ["c-1", "c-2", "P-1042", "chart/9", "患者-3", "p-9"];
pub(crate) const TARGET_TYPES: [&str; 4] = ["chart", "patient", "予約", "PATIENT"];
pub(crate) const FACILITIES: [&str; 4] = ["f1", "f2", "東京病院", "tokyo-1"];
pub(crate) const REQUESTS: [&str; 5] =
    ["r-1", "r-2", "7f3d5c1e-9a2b-4c6d-8e1f-0a1b2c3d4e5f", "REQ 9", "要求-1"];
pub(crate) const TRACES: [&str; 3] = [
    "4bf92f3577b34da6a3ce929d0e0e4736",
    "4BF92F3577B34DA6A3CE929D0E0E4737",
    "00000000000000000000000000000001",
];
pub(crate) const SOURCES: [&str; 8] = [
    "192.0.2.7",
    "192.0.2.200",
    "::ffff:192.0.2.7",
    "10.0.0.1",
    "2001:db8::1",
    "2001:db8:0:1::2",
    "gateway.example",
    "web-1",
];
pub(crate) const PATIENTS: [&str; 5] = ["p-9", "p-10", "P1042", "77", "患者1"];
pub(crate) const PRODUCERS: [&str; 4] = ["shoseki", "p1", "p1#key-1", "p2#key-1"];
pub(crate) const NOTES: [&str; 7] = [
    "血圧が高い",
    "患者の血圧を測定した",
    "Straße in Öl",
    "follow-up visit, chart read",
    "ｶﾙﾃ ABC１２３",
    "line\nfeed \"quoted\"",
    "needle",
];

/// The time of the next record: mostly near the last, sometimes the same, at times far off.
pub(crate) fn time(numbers: &mut Numbers, at: &mut i64) -> Timestamp {
    let time = match numbers.below(20) {
        0 => START + numbers.below(400 * 86_400) as i64 * SECOND - 200 * 86_400 * SECOND,
        1 => numbers.below(7_000_000_000) as i64 * SECOND,
        2..5 => *at,
        5..8 => *at - numbers.below(90 * SECOND as u64) as i64,
        8..10 => *at + numbers.below(1_000) as i64,
        _ => {
            *at += numbers.below(20) as i64 * SECOND / 4;
            *at
        }
    };
    Timestamp::from_unix_nanos(time.max(0)).unwrap()
}

pub(crate) fn record(numbers: &mut Numbers, at: &mut i64) -> Record {
    let result = numbers.pick(&[Outcome::Success, Outcome::Success, Outcome::Failure]);
    let result = if numbers.once_in(9) { Outcome::Warning } else { result };
    let kind = numbers.pick(&[ActorType::User, ActorType::User, ActorType::Device]);
    let actor = numbers.pick(&ACTORS).to_owned();
    let time = time(numbers, at);
    let mut record = Record::new(time, kind, actor, numbers.pick(&ACTIONS).to_owned(), result);
    let mut text = |from: &[&str]| numbers.once_in(2).then(|| numbers.pick(from).to_owned());
    record.actor_role = text(&ROLES);
    record.target_type = text(&TARGET_TYPES);
    record.target_id = text(&TARGETS);
    record.facility_id = text(&FACILITIES);
    record.request_id = text(&REQUESTS);
    record.trace_id = text(&TRACES);
    record.source_ip = text(&SOURCES);
    record.pii_flag = numbers.once_in(3);
    record.sensitivity = numbers.pick(&[Sensitivity::Low, Sensitivity::Medium, Sensitivity::High]);
    if numbers.once_in(30) {
        record.audit_id = Some(AuditId::from_bytes([numbers.below(4) as u8; 16]));
    }
    if !numbers.once_in(4) {
        record.detail = Some(detail(numbers));
    }
    record
}

fn detail(numbers: &mut Numbers) -> Detail {
    let quoted = |text: &str| {
        let text = text.replace('"', "\\\"").replace('\n', "\\n");
        format!("\"{text}\"")
    };
    let mut members = Vec::new();
    if numbers.once_in(2) {
        let name = numbers.pick(&["patientId", "patient_id"]);
        let patient = numbers.pick(&PATIENTS);
        let number = patient.bytes().all(|b| b.is_ascii_digit()) && numbers.once_in(2);
        let value = if number { patient.to_owned() } else { quoted(patient) };
        members.push(format!("\"{name}\":{value}"));
    }
    if numbers.once_in(6) {
        let patients = numbers.some(&PATIENTS);
        let list: Vec<String> = patients.into_iter().map(quoted).collect();
        members.push(format!("\"patientIds\":[{}]", list.join(",")));
    }
    if numbers.once_in(2) {
        members.push(format!("\"note\":{}", quoted(numbers.pick(&NOTES))));
    }
    if numbers.once_in(3) {
        members.push(format!("\"claimId\":{}", 10_000 + numbers.below(20)));
    }
    if numbers.once_in(3) {
        let inner = quoted(numbers.pick(&NOTES));
        members.push(format!("\"list\":[{{\"deep\":{inner},\"n\":{}}}]", numbers.below(3)));
    }
    Detail::parse(format!("{{{}}}", members.join(",")).as_bytes(), &Limits::default()).unwrap()
}
