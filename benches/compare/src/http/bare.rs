//! The peer: axum with a handler that parses the records and answers 201. No log, no disk, no
//! identity.

use std::collections::BTreeMap;
use std::net::SocketAddr;

use axum::Router;
use axum::body::Bytes;
use axum::extract::DefaultBodyLimit;
use axum::http::StatusCode;
use axum::routing::post;
use serde::Deserialize;
use serde_json::Value;

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
    let router =
        Router::new().route("/v1/audit-logs", post(take)).layer(DefaultBodyLimit::max(16 << 20));
    std::thread::spawn(move || runtime.block_on(async { axum::serve(listener, router).await }));
    Ok(address)
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
