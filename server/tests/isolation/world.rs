//! A log with records of two facilities and of none, where each is full of words of its own.

use std::collections::BTreeSet;

use serde_json::{Value, json};
use shoseki_engine::log::{Log, LogOptions};
use shoseki_engine::record::{Limits, Producer, Record};
use shoseki_server::config::Settings;
use shoseki_server::identity::Role;

use crate::harness::{Answer, Server};

/// The facilities; each name is a word that stands in everything that belongs to it.
pub(crate) const FACILITIES: [&str; 2] = ["zqone", "zqtwo"];
/// The same of what belongs to none.
pub(crate) const NOBODY: &str = "zqnone";
/// Records of each facility.
pub(crate) const RECORDS: usize = 24;

pub(crate) struct World {
    pub(crate) server: Server,
    /// By facility: ids, hashes and chain hashes of its records, in order.
    pub(crate) receipts: Vec<Vec<Value>>,
}

impl World {
    pub(crate) fn new() -> Self {
        Self::with(|_| {})
    }

    /// With records of all in turns, sealed and not sealed.
    pub(crate) fn with(change: impl FnOnce(&mut Settings)) -> Self {
        let server = Server::start(|settings| {
            settings.public_tiles = false;
            change(settings);
        });
        let mut world = Self { server, receipts: vec![Vec::new(), Vec::new()] };
        let nobody = |dir: &std::path::Path| {
            let log = Log::open(dir, LogOptions::default()).unwrap();
            let text = record(NOBODY, 0, &json!({"facility_id": null})).to_string();
            let record = Record::from_json(text.as_bytes(), &Limits::default()).unwrap();
            log.append(Some(&Producer::new(NOBODY).unwrap()), vec![record]).unwrap();
            log.close().unwrap();
        };
        world.server = world.server.again(nobody);
        for half in 0..2 {
            for place in 0..FACILITIES.len() {
                world.fill(place, half * RECORDS / 2..(half + 1) * RECORDS / 2);
            }
            if half == 0 {
                let all = world.server.token("keeper", &[Role::Operator], &["*"]);
                assert_eq!(world.server.post("/v1/segments/seal", &all, "").status, 200);
            }
        }
        world
    }

    fn fill(&mut self, place: usize, numbers: std::ops::Range<usize>) {
        let facility = FACILITIES[place];
        let records: Vec<Value> =
            numbers.map(|number| record(facility, number, &json!({}))).collect();
        let token = self.writer(facility);
        let answer = self.server.post("/v1/audit-logs", &token, &json!(records).to_string());
        assert_eq!(answer.status, 201, "{}", answer.text());
        let receipts = answer.json()["records"].as_array().unwrap().clone();
        self.receipts[place].extend(receipts);
    }

    pub(crate) fn writer(&self, facility: &str) -> String {
        self.server.token(&format!("{facility}-writer"), &[Role::Writer], &[facility])
    }

    pub(crate) fn auditor(&self, facility: &str) -> String {
        self.server.token(&format!("{facility}-auditor"), &[Role::Auditor], &[facility])
    }

    pub(crate) fn auditor_of_all(&self) -> String {
        self.server.token("everywhere-auditor", &[Role::Auditor], &["*"])
    }

    pub(crate) fn id(&self, place: usize, number: usize) -> String {
        self.receipts[place][number]["audit_id"].as_str().unwrap().to_owned()
    }

    /// What nobody of this facility may ever be told.
    pub(crate) fn secrets(&self, place: usize) -> BTreeSet<String> {
        let mut secrets = BTreeSet::from([NOBODY.to_owned(), "everywhere-auditor".to_owned()]);
        for (other, receipts) in self.receipts.iter().enumerate().filter(|(at, _)| *at != place) {
            secrets.insert(FACILITIES[other].to_owned());
            for receipt in receipts {
                for name in ["audit_id", "hash", "chain_hash"] {
                    secrets.insert(receipt[name].as_str().unwrap().to_owned());
                }
            }
        }
        secrets
    }

    /// Fails where an answer to this facility holds anything of another.
    pub(crate) fn check(&self, place: usize, answer: &Answer, asked: &str) {
        self.check_but(place, answer, asked, "\u{0}");
    }

    /// The same, but for what was said in the question itself.
    pub(crate) fn check_but(&self, place: usize, answer: &Answer, asked: &str, said: &str) {
        let all = answer.everything().to_lowercase().replace(said, "");
        for secret in self.secrets(place) {
            assert!(!all.contains(&secret), "{asked}: {} tells {secret}: {all}", answer.status);
        }
    }
}

/// A record in which every text names its facility.
pub(crate) fn record(facility: &str, number: usize, changes: &Value) -> Value {
    let of = if facility == NOBODY {
        9
    } else {
        FACILITIES.iter().position(|f| *f == facility).unwrap()
    };
    let mut record = json!({
        "audit_id": format!("018f0000-0000-7000-8000-{of:04}{number:08}"),
        "timestamp": format!("2026-03-{:02}T10:00:00Z", number % 27 + 1),
        "actor_type": if number.is_multiple_of(2) { "user" } else { "device" },
        "actor_id": format!("{facility}-actor"),
        "actor_role": format!("{facility}-role"),
        "action": format!("{facility}_ACTION"),
        "target_type": format!("{facility}-type"),
        "target_id": format!("{facility}-target-{number}"),
        "request_id": format!("{facility}-request"),
        "trace_id": format!("{facility}-trace"),
        "facility_id": facility,
        "source_ip": format!("{facility}.example"),
        "result": if number.is_multiple_of(3) { "failure" } else { "success" },
        "detail": {
            "patientId": format!("{facility}-patient"), "appointmentId": format!("{facility}-a"),
            "claimId": format!("{facility}-c"), "documentId": format!("{facility}-d"),
            "runId": format!("{facility}-run"), "note": format!("{facility} word"),
            "corrects": format!("018f0000-0000-7000-8000-{of:04}{:08}", number.saturating_sub(1)),
        },
        "sensitivity": "high",
    });
    for (name, value) in changes.as_object().unwrap() {
        record[name] = value.clone();
    }
    record
}
