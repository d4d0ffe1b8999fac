//! A log in a directory of its own, self-audit over it, and a clock that is set by hand.
//!
//! Invariant: every record that is read here has the keys that its kind promises.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};

use axum::extract::Request;
use axum::middleware::{self, Next};
use axum::response::Response;
use axum::{Router, body::Body};
use http::{HeaderMap, Method};
use serde_json::Value;
use shoseki_engine::log::{Log, LogOptions};
use shoseki_engine::query::Order;
use shoseki_engine::record::Producer;
use shoseki_server::audit::{EventKind, SelfAudit, SelfAuditOptions};
use shoseki_server::correlation::{self, Correlation, Observer, Observers, Peer};
use shoseki_server::identity::{Caller, Facilities, Means, Role, Roles};
use shoseki_server::intake::Intake;
use tempfile::TempDir;
use tower::ServiceExt;

pub const MINUTE: i64 = 60_000_000;

pub struct Fixture {
    pub dir: TempDir,
    pub log: Arc<Log>,
    pub intake: Intake,
    pub audit: SelfAudit,
    pub clock: Arc<AtomicI64>,
}

impl Fixture {
    pub fn new() -> Self {
        Self::at(tempfile::tempdir().unwrap(), LogOptions::default())
    }

    pub fn at(dir: TempDir, options: LogOptions) -> Self {
        let log = Arc::new(Log::open(&dir.path().join("log"), options).unwrap());
        let intake = Intake::start(&log, 1 << 20, 2).unwrap();
        let clock = Arc::new(AtomicI64::new(1_800_000_000_000_000));
        let of_audit = Arc::clone(&clock);
        let options = SelfAuditOptions {
            clock: Arc::new(move || of_audit.load(Ordering::Relaxed)),
            mask: |text| text.replace("secret", "***"),
        };
        let audit = SelfAudit::start(intake.clone(), dir.path(), options).unwrap();
        Self { dir, log, intake, audit, clock }
    }

    /// Lets time pass, in microseconds.
    pub fn pass(&self, micros: i64) {
        self.clock.fetch_add(micros, Ordering::Relaxed);
    }

    /// Ends everything but the directory.
    pub async fn end(self) -> TempDir {
        self.audit.close().await;
        self.intake.close();
        self.dir
    }

    /// All records of the log, as JSON.
    pub fn records(&self) -> Vec<Value> {
        let reader = self.log.reader();
        let entries = reader.scan(0..self.log.size().0, Order::Ascending);
        let body = |entry: shoseki_engine::log::Entry| {
            serde_json::from_slice(entry.record().unwrap().body()).unwrap()
        };
        let records: Vec<Value> = entries.map(|entry| body(entry.unwrap())).collect();
        records.iter().for_each(check_keys);
        records
    }

    /// `action` of all records.
    pub fn actions(&self) -> Vec<String> {
        self.records().iter().map(|record| record["action"].as_str().unwrap().to_owned()).collect()
    }

    /// Asks the routes with self-audit watching; the caller is authenticated within.
    pub async fn ask(&self, routes: Router, who: Option<Caller>, method: Method, path: &str) {
        self.ask_from(routes, who, method, path, "192.0.2.77").await;
    }

    pub async fn ask_from(
        &self,
        routes: Router,
        who: Option<Caller>,
        method: Method,
        path: &str,
        peer: &str,
    ) -> Response {
        let watching: Vec<Arc<dyn Observer>> = vec![Arc::new(self.audit.clone())];
        let app = routes
            .layer(middleware::from_fn(move |request: Request, next: Next| {
                let who = who.clone();
                async move {
                    if let Some(who) = who {
                        let correlation = request.extensions().get::<Correlation>().unwrap();
                        correlation.set_caller(Arc::new(who));
                    }
                    next.run(request).await
                }
            }))
            .layer(middleware::from_fn_with_state(Observers::new(watching), correlation::layer));
        let mut request = Request::new(Body::from("secret body"));
        *request.method_mut() = method;
        *request.uri_mut() = path.parse().unwrap();
        request.extensions_mut().insert(Peer(peer.parse().unwrap()));
        request.headers_mut().insert("x-request-id", "r-1".parse().unwrap());
        request.headers_mut().insert("x-run-id", "run-9".parse().unwrap());
        request.headers_mut().insert("authorization", "Bearer secret".parse().unwrap());
        app.oneshot(request).await.unwrap()
    }
}

fn check_keys(record: &Value) {
    let action = record["action"].as_str().unwrap();
    let kind =
        EventKind::ALL.into_iter().find(|kind| kind.action() == action).unwrap_or(EventKind::Error);
    assert!(action.starts_with(kind.action()), "{action}");
    let detail = record["detail"].as_object().unwrap();
    for key in kind.keys() {
        assert!(detail.contains_key(*key), "{action} without {key}: {record}");
    }
    assert_eq!(record["ingested_by"], "shoseki");
    assert!(record["facility_id"].is_string(), "{record}");
}

pub fn caller(subject: &str, roles: &[Role], facilities: &[&str]) -> Caller {
    let facilities: BTreeSet<String> = facilities.iter().map(ToString::to_string).collect();
    let all = facilities.contains("*");
    Caller {
        producer: Producer::new(subject).unwrap(),
        roles: Roles::of(roles),
        facilities: if all { Facilities::All } else { Facilities::Only(facilities) },
        means: Means::Token { id: Some("jti-1".to_owned()), key: "key-1".to_owned() },
        expires_at: Some(1_800_000_000),
    }
}

pub fn correlation_of(who: Option<Caller>) -> Correlation {
    let peer = Peer("2001:db8:1:2:3::4".parse().unwrap());
    let correlation = Correlation::from_headers(&HeaderMap::new(), Some(peer));
    if let Some(who) = who {
        correlation.set_caller(Arc::new(who));
    }
    correlation
}
