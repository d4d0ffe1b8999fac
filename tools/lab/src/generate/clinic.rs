//! A day on the server of a small clinic: logins, visits, charts, claims, and a few things that an
//! auditor should notice.
//!
//! Invariant: all records lie within one day of Japanese time and are in the order of their times.
//! Actions are those of the shipped catalogue's families.

use serde_json::{Value, json};
use shoseki_engine::record::{
    ActorType, AuditId, Detail, Limits, Outcome, Record, Sensitivity, Timestamp,
};

use super::clinic_data::{COMPLAINTS, FAMILIES, GIVEN, STAFF};
use super::rng::Rng;

/// Japanese time is this far ahead of UTC.
const JST_S: i64 = 9 * 3_600;
const DAY_S: i64 = 86_400;
/// Visits of one day.
const VISITS: u64 = 110;

/// The records of one day; `day` counts from 1970-01-01 in Japanese time, from 1 on.
#[must_use]
pub fn clinic_day(seed: u64, day: i64) -> Vec<Record> {
    let mut clinic = Clinic {
        rng: Rng::new(seed ^ day.unsigned_abs()),
        midnight_s: day * DAY_S - JST_S,
        records: Vec::new(),
    };
    clinic.night();
    clinic.staff();
    for number in 0..VISITS {
        clinic.visit(number);
    }
    clinic.noticeable();
    clinic.records.sort_by_key(|record| record.timestamp);
    clinic.records
}

struct Clinic {
    rng: Rng,
    midnight_s: i64,
    records: Vec<Record>,
}

/// Who does something.
#[derive(Clone, Copy)]
enum Actor {
    Staff(usize),
    Device(&'static str),
    System(&'static str),
}

/// The patient and the ids of one visit.
struct Visit {
    patient: String,
    name: String,
    reading: String,
    request: String,
    trace: String,
}

impl Clinic {
    /// Adds a record at a second of the day, with a random part of a second.
    fn add(&mut self, second: u64, actor: Actor, action: &str, detail: &Value) -> &mut Record {
        let micros = self.rng.below(1_000_000);
        let seconds = self.midnight_s + i64::try_from(second).unwrap_or(0);
        let micros = seconds * 1_000_000 + i64::try_from(micros).unwrap_or(0);
        let timestamp = Timestamp::from_unix_micros(micros).unwrap_or(Timestamp::MIN);
        let (kind, id, role, ip) = match actor {
            Actor::Staff(index) => {
                let (login, _, _, role) = STAFF[index];
                (
                    ActorType::User,
                    login,
                    Some(role.to_owned()),
                    format!("192.168.10.{}", 20 + index),
                )
            }
            Actor::Device(id) => (ActorType::Device, id, None, "192.168.20.5".to_owned()),
            Actor::System(id) => (ActorType::System, id, None, "127.0.0.1".to_owned()),
        };
        let mut record = Record::new(timestamp, kind, id, action, Outcome::Success);
        let unix_ms = u64::try_from(micros / 1_000).unwrap_or(0);
        record.audit_id = Some(AuditId::v7(unix_ms, self.rng.bytes()));
        record.actor_role = role;
        record.facility_id = Some("F001".to_owned());
        record.source_ip = Some(ip);
        record.detail = Detail::parse(detail.to_string().as_bytes(), &Limits::default()).ok();
        self.records.push(record);
        let last = self.records.len() - 1;
        &mut self.records[last]
    }

    fn night(&mut self) {
        let run = format!("run-{}", self.rng.below(1_000_000));
        let batch = Actor::System("batch");
        self.add(2 * 3_600, batch, "CREATE_BACKUP", &json!({"runId": run, "state": "started"}));
        let done = json!({"runId": run, "state": "done", "recordsReturned": 48_211});
        self.add(2 * 3_600 + 540, batch, "CREATE_BACKUP", &done);
        let fetch = json!({"orcaRequestId": "orca-master", "operation": "fetch", "runId": run});
        self.add(5 * 3_600, batch, "ORCA_PROXY_FETCH", &fetch).result = Outcome::Warning;
    }

    fn staff(&mut self) {
        for (index, (_, family, given, _)) in STAFF.iter().enumerate() {
            let name = json!({"userName": format!("{family} {given}"), "method": "password"});
            let begin = 8 * 3_600 + self.rng.below(2_400);
            if self.rng.once_in(4) {
                let wrong = json!({"method": "password", "errorCode": "AUTH-401"});
                let failed = self.add(begin - 20, Actor::Staff(index), "AUTH_LOGIN", &wrong);
                (failed.result, failed.sensitivity) = (Outcome::Failure, Sensitivity::Medium);
            }
            self.add(begin, Actor::Staff(index), "AUTH_LOGIN", &name).pii_flag = true;
            let end = 18 * 3_600 + self.rng.below(4_000);
            self.add(end, Actor::Staff(index), "AUTH_LOGOUT", &json!({}));
        }
    }

    fn visit(&mut self, number: u64) {
        let visit = self.patient();
        let mut at = 9 * 3_600 + number * 270 + self.rng.below(200);
        let appointment = format!("A{:06}", 120_000 + number);
        let arrival = json!({"patientId": visit.patient, "appointmentId": appointment});
        self.step(&visit, at, Actor::Device("kiosk-1"), "CREATE_VISIT", &arrival);
        let reception = Actor::Staff(if self.rng.once_in(2) { 5 } else { 6 });
        at += 30 + self.rng.below(60);
        let who = json!({
            "patientId": visit.patient, "patientName": visit.name, "patientKana": visit.reading,
        });
        self.step(&visit, at, reception, "READ_PATIENT", &who).pii_flag = true;
        self.insurance(&visit, at + 3);
        at += 300 + self.rng.below(900);
        self.examination(&visit, at);
        at += 500 + self.rng.below(600);
        self.claim(&visit, at, number);
        if self.rng.once_in(3) {
            let days = 7 * (1 + self.rng.below(8));
            let next = json!({
                "patientId": visit.patient, "appointmentId": appointment,
                "before": null, "after": {"inDays": days},
            });
            self.step(&visit, at + 60, reception, "UPDATE_APPOINTMENT", &next);
        }
    }

    fn patient(&mut self) -> Visit {
        let (family, family_reading) = *self.rng.pick(&FAMILIES);
        let (given, given_reading) = *self.rng.pick(&GIVEN);
        let (high, low) = (self.rng.next_u64(), self.rng.next_u64());
        Visit {
            patient: format!("P{:06}", 10_000 + self.rng.skewed(9_000, 2)),
            name: format!("{family} {given}"),
            reading: format!("{family_reading} {given_reading}"),
            request: AuditId::from_bytes(self.rng.bytes()).to_string(),
            trace: format!("{high:016x}{low:016x}"),
        }
    }

    /// A record of a visit: it carries the patient and the visit's ids.
    fn step(
        &mut self,
        visit: &Visit,
        at: u64,
        actor: Actor,
        action: &str,
        detail: &Value,
    ) -> &mut Record {
        let record = self.add(at, actor, action, detail);
        record.target_type = Some("patient".to_owned());
        record.target_id = Some(visit.patient.clone());
        record.request_id = Some(visit.request.clone());
        record.trace_id = Some(visit.trace.clone());
        record.sensitivity = Sensitivity::Medium;
        record
    }

    fn insurance(&mut self, visit: &Visit, at: u64) {
        let orca = format!("orca-{:08}", self.rng.below(100_000_000));
        let failed = self.rng.once_in(25);
        let mut detail = json!({
            "patientId": visit.patient, "orcaRequestId": orca, "operation": "fetch",
            "outcome": if failed { "FAILURE" } else { "SUCCESS" },
        });
        if failed {
            detail["errorCode"] = json!("ORCA-504");
            detail["errorMessage"] = json!("upstream timeout");
        }
        let record = self.step(visit, at, Actor::System("orca-proxy"), "ORCA_PROXY_FETCH", &detail);
        if failed {
            record.result = Outcome::Failure;
        }
    }

    fn examination(&mut self, visit: &Visit, at: u64) {
        let doctor = Actor::Staff(if self.rng.once_in(2) { 0 } else { 1 });
        let nurse = Actor::Staff(2 + usize::try_from(self.rng.below(3)).unwrap_or(0));
        let (complaint, department) = *self.rng.pick(&COMPLAINTS);
        let (upper, lower) = (105 + self.rng.below(60), 60 + self.rng.below(35));
        let vitals = json!({
            "patientId": visit.patient, "bloodPressure": format!("{upper}/{lower}"),
            "temperature": format!("3{}.{}", 5 + self.rng.below(4), self.rng.below(10)),
        });
        self.step(visit, at - 120, nurse, "UPDATE_VITALS", &vitals);
        let read = json!({"patientId": visit.patient, "department": department});
        self.step(visit, at, doctor, "READ_CHART", &read).sensitivity = Sensitivity::High;
        let chart = json!({
            "patientId": visit.patient, "documentId": format!("D{:07}", self.rng.below(10_000_000)),
            "before": {"complaint": null}, "after": {"complaint": complaint},
            "outcome": "SUCCESS",
        });
        let record = self.step(visit, at + 240, doctor, "UPDATE_CHART", &chart);
        (record.sensitivity, record.pii_flag) = (Sensitivity::High, true);
        if self.rng.once_in(3) {
            let result = json!({
                "patientId": visit.patient, "device": "分析装置", "items": ["CRP", "HbA1c"],
                "values": [self.rng.below(90), 52 + self.rng.below(40)],
            });
            self.step(visit, at + 400, Actor::Device("analyser-2"), "CREATE_RESULT", &result);
        }
        let document = json!({"patientId": visit.patient, "kind": "処方箋", "outcome": "SUCCESS"});
        self.step(visit, at + 300, doctor, "CREATE_DOCUMENT", &document);
        self.step(visit, at + 700, Actor::Staff(9), "READ_DOCUMENT", &document);
    }

    fn claim(&mut self, visit: &Visit, at: u64, number: u64) {
        let clerk = Actor::Staff(if self.rng.once_in(2) { 7 } else { 8 });
        let claim = json!({
            "patientId": visit.patient, "claimId": format!("C{:07}", 5_000_000 + number),
            "points": 288 + self.rng.below(900), "outcome": "SUCCESS",
        });
        self.step(visit, at, clerk, "CREATE_CLAIM", &claim);
        let send = json!({
            "patientId": visit.patient, "claimId": claim["claimId"], "operation": "send",
            "orcaRequestId": format!("orca-{:08}", self.rng.below(100_000_000)),
            "outcome": "SUCCESS",
        });
        self.step(visit, at + 2, Actor::System("orca-proxy"), "ORCA_PROXY_SEND", &send);
    }

    /// What an auditor looks for: a denied look into a chart, and one at an odd hour.
    fn noticeable(&mut self) {
        let visit = self.patient();
        let denied = json!({"patientId": visit.patient, "resource": "chart"});
        let record = self.step(&visit, 13 * 3_600 + 411, Actor::Staff(6), "AUTHZ_DENY", &denied);
        (record.result, record.sensitivity) = (Outcome::Failure, Sensitivity::High);
        let late = json!({"patientId": visit.patient, "department": "内科"});
        let record = self.step(&visit, 22 * 3_600 + 1_207, Actor::Staff(7), "READ_CHART", &late);
        record.sensitivity = Sensitivity::High;
        let error = json!({"resource": "/orca/api", "errorCode": "ORCA-502"});
        let failed =
            self.add(15 * 3_600 + 88, Actor::System("orca-proxy"), "ERROR_UPSTREAM", &error);
        failed.result = Outcome::Failure;
    }
}
