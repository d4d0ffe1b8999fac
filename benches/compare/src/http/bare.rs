//! The peer: axum with a handler that parses the records and answers 201, and another that hashes
//! and chains them before. No log, no disk, no identity.

use std::collections::BTreeMap;
use std::net::SocketAddr;

use std::sync::{Arc, Mutex, PoisonError};

use axum::Router;
use axum::body::Bytes;
use axum::extract::{DefaultBodyLimit, State};
use axum::http::StatusCode;
use axum::routing::post;
use serde::Deserialize;
use serde_json::Value;
use serde_json::value::RawValue;
use shoseki_engine::proof::{chain_next, record_hash};
use shoseki_engine::types::ChainHash;

/// A record as a service would take it: every member owned, `detail` as a tree.
#[derive(Deserialize)]
struct Sent {
    timestamp: String,
    actor_id: String,
    action: String,
    result: String,
    detail: Option<Value>,
    #[serde(flatten)]
    others: BTreeMap<String, Value>,
}

#[derive(Deserialize)]
#[serde(untagged)]
enum Batch {
    Many(Vec<Sent>),
    One(Box<Sent>),
}

/// Serves on a runtime of its own until the process ends; says where.
pub(super) fn start(threads: usize) -> std::io::Result<SocketAddr> {
    let runtime =
        tokio::runtime::Builder::new_multi_thread().worker_threads(threads).enable_all().build()?;
    let listener = runtime.block_on(tokio::net::TcpListener::bind(("127.0.0.1", 0)))?;
    let address = listener.local_addr()?;
    let router = Router::new()
        .route("/v1/audit-logs", post(take))
        .route("/hashing/v1/audit-logs", post(hash))
        .with_state(Arc::new(Mutex::new(ChainHash([0; ChainHash::LEN]))))
        .layer(DefaultBodyLimit::max(16 << 20));
    std::thread::spawn(move || runtime.block_on(async { axum::serve(listener, router).await }));
    Ok(address)
}

/// A record, borrowed from the request.
#[derive(Deserialize)]
struct Lent<'a> {
    timestamp: &'a str,
    actor_id: &'a str,
    action: &'a str,
    result: &'a str,
    #[serde(borrow)]
    detail: Option<&'a RawValue>,
}

/// Splits the request into its records, reads each, hashes it (SHA-512) and chains it under a lock.
async fn hash(
    State(last): State<Arc<Mutex<ChainHash>>>,
    body: Bytes,
) -> Result<(StatusCode, String), StatusCode> {
    let fault = |_| StatusCode::BAD_REQUEST;
    let records: Vec<&RawValue> = match body.first() {
        Some(b'[') => serde_json::from_slice(&body).map_err(fault)?,
        _ => vec![serde_json::from_slice(&body).map_err(fault)?],
    };
    let (mut weight, mut hashes) = (0, Vec::with_capacity(records.len()));
    for record in &records {
        let lent: Lent<'_> = serde_json::from_str(record.get()).map_err(fault)?;
        let texts = [lent.timestamp, lent.actor_id, lent.action, lent.result];
        weight += texts.iter().map(|text| text.len()).sum::<usize>();
        weight += lent.detail.map_or(0, |detail| detail.get().len());
        hashes.push(record_hash(record.get().as_bytes()));
    }
    let mut last = last.lock().unwrap_or_else(PoisonError::into_inner);
    *last = hashes.iter().fold(*last, |before, hash| chain_next(&before, hash));
    Ok((StatusCode::CREATED, format!("{{\"accepted\":{},\"weight\":{weight}}}", hashes.len())))
}

async fn take(body: Bytes) -> Result<(StatusCode, String), StatusCode> {
    let batch: Batch = serde_json::from_slice(&body).map_err(|_| StatusCode::BAD_REQUEST)?;
    let records = match batch {
        Batch::Many(records) => records,
        Batch::One(record) => vec![*record],
    };
    let weight = |sent: &Sent| {
        let texts = [&sent.timestamp, &sent.actor_id, &sent.action, &sent.result];
        let texts: usize = texts.iter().map(|text| text.len()).sum();
        texts + sent.others.len() + usize::from(sent.detail.is_some())
    };
    let weight: usize = records.iter().map(weight).sum();
    Ok((StatusCode::CREATED, format!("{{\"accepted\":{},\"weight\":{weight}}}", records.len())))
}
