//! Thirty-two clients that send until their connection breaks, and remember what they were told.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::mpsc::{Receiver, Sender, channel};
use std::thread::JoinHandle;

use serde_json::{Value, json};

use crate::client::{Client, request};
use crate::process::Found;

pub(crate) const CLIENTS: u64 = 32;

/// How records are sent.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Way {
    Single,
    Array,
    Lines,
    /// An array with one record that is not valid.
    Invalid,
}

/// One request.
pub(crate) struct Sent {
    pub(crate) way: Way,
    pub(crate) ids: Vec<String>,
    pub(crate) body: String,
    /// Hash by id of what the client was told.
    pub(crate) told: BTreeMap<String, String>,
    pub(crate) answered: bool,
}

impl Sent {
    pub(crate) fn kind(&self) -> &'static str {
        if self.way == Way::Lines { "application/x-ndjson" } else { "application/json" }
    }

    fn new(way: Way, round: u64, client: u64, number: u64) -> Self {
        let count = match way {
            Way::Single => 1,
            Way::Lines => 120,
            Way::Array | Way::Invalid => 25,
        };
        let id = |at: u64| format!("018f{round:04x}-{client:04x}-7000-8000-{number:08x}{at:04x}");
        let ids: Vec<String> = (0..count).map(id).collect();
        let mut records: Vec<Value> = ids.iter().map(|id| record(id)).collect();
        if way == Way::Invalid {
            records[7]["result"] = json!("perhaps");
        }
        let body = match way {
            Way::Single => records[0].to_string(),
            Way::Lines => records.iter().map(|record| format!("{record}\n")).collect(),
            Way::Array | Way::Invalid => json!(records).to_string(),
        };
        Self { way, ids, body, told: BTreeMap::new(), answered: false }
    }

    /// Sends it; false where the connection broke.
    fn send(&mut self, client: &mut Client, token: &str, tell: &Sender<usize>) -> bool {
        let headers = [("content-type", self.kind())];
        let bytes = request("POST", "/v1/audit-logs", Some(token), &headers, self.body.as_bytes());
        client.send(&bytes);
        let answer = client.answer();
        let text = answer.text();
        match (self.way, answer.status) {
            (_, 0) => {}
            (Way::Lines, 200) => {
                // A receipt counts once its line is whole.
                let whole = text.rfind('\n').map_or("", |end| &text[..=end]);
                for line in whole.lines() {
                    let line: Value = serde_json::from_str(line).unwrap();
                    self.answered |= line.get("summary").is_some();
                    if line.get("hash").is_some() {
                        self.note(&line);
                    }
                }
            }
            (Way::Single | Way::Array, 201) if answer.whole => {
                let answer = answer.json();
                let receipts = answer["records"].as_array().unwrap();
                receipts.iter().for_each(|receipt| self.note(receipt));
                assert_eq!(self.told.len(), self.ids.len());
                self.answered = true;
            }
            (Way::Invalid, 422) => self.answered = true,
            // Told to end, it takes no more; a part of an answer is none.
            (_, 503) => assert!(text.contains("SERVER-503") || !answer.whole, "{text}"),
            (_, status) => assert!(!answer.whole, "{:?}: {status} {text}", self.way),
        }
        let _ = tell.send(self.told.len());
        self.answered
    }

    fn note(&mut self, receipt: &Value) {
        let text = |name: &str| receipt[name].as_str().unwrap().to_owned();
        assert_eq!(receipt.get("duplicate"), None, "{receipt}");
        self.told.insert(text("audit_id"), text("hash"));
    }

    /// What it may have left in the log.
    pub(crate) fn check(&self, found: &Found) {
        for (id, hash) in &self.told {
            let there = found.by_id.get(id).map(|(_, hash)| hash);
            assert_eq!(there, Some(hash), "{:?}: {id} was told and is not there", self.way);
        }
        let there = self.ids.iter().map(|id| found.by_id.contains_key(id));
        let there: Vec<bool> = there.collect();
        let count = there.iter().filter(|there| **there).count();
        match self.way {
            Way::Invalid => assert_eq!(count, 0, "a refused array left records"),
            Way::Single | Way::Array => {
                assert!(count == 0 || count == there.len(), "{count} of {}", there.len());
            }
            Way::Lines => {
                let first = there.iter().take_while(|there| **there).count();
                assert_eq!(first, count, "a line is missing before another");
            }
        }
    }
}

fn record(id: &str) -> Value {
    json!({
        "audit_id": id, "timestamp": "2026-03-01T10:00:00Z", "actor_type": "user",
        "actor_id": "u-1", "action": "READ_PATIENT", "target_type": "patient", "target_id": id,
        "facility_id": "f1", "result": "success", "detail": {"padding": "x".repeat(id.len())},
    })
}

/// The clients of one round, sending.
pub(crate) struct Load {
    clients: Vec<JoinHandle<Vec<Sent>>>,
    told: Receiver<usize>,
}

impl Load {
    pub(crate) fn start(address: SocketAddr, token: &str, round: u64) -> Self {
        let (tell, told) = channel();
        let token: Arc<str> = token.into();
        let clients = (0..CLIENTS).map(|number| {
            let (tell, token) = (tell.clone(), Arc::clone(&token));
            std::thread::spawn(move || send_all(address, &token, (round, number), &tell))
        });
        Self { clients: clients.collect(), told }
    }

    /// Waits until so many receipts came.
    pub(crate) fn wait(&self, receipts: usize) {
        let mut came = 0;
        while came < receipts {
            came += self.told.recv().unwrap();
        }
    }

    /// What was sent, once all connections broke.
    pub(crate) fn end(self) -> Vec<Sent> {
        self.clients.into_iter().flat_map(|client| client.join().unwrap()).collect()
    }
}

fn send_all(
    address: SocketAddr,
    token: &str,
    (round, number): (u64, u64),
    tell: &Sender<usize>,
) -> Vec<Sent> {
    let mut client = Client::connect(address);
    let mut all: Vec<Sent> = Vec::new();
    loop {
        let way = match (number + all.len() as u64) % 8 {
            0..=3 => Way::Single,
            4 | 5 => Way::Array,
            6 => Way::Lines,
            _ => Way::Invalid,
        };
        let mut next = Sent::new(way, round, number, all.len() as u64);
        let goes_on = next.send(&mut client, token, tell);
        all.push(next);
        if !goes_on {
            return all;
        }
    }
}
