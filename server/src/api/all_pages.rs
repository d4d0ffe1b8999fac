//! All pages of a search as one answer: JSON Lines or CSV.
//!
//! Invariant: nothing is cut silently. An answer that could not be finished breaks off, so that
//! the client sees that it is not whole. Memory is bounded by one page and what the client has not
//! read of it.

use axum::body::Body;
use axum::response::{IntoResponse, Response};
use bytes::Bytes;
use http::{HeaderValue, header};
use shoseki_engine::log::{Entry, Page, Query};
use shoseki_engine::record::{csv_header, csv_row, csv_row_damaged, csv_row_erased};
use tokio::sync::mpsc;
use tokio::time::timeout;

use super::parameters::LIMIT_MAX;
use super::search::{Form, new_session, page};
use crate::app::Shared;
use crate::audit::{PageSeen, Question};
use crate::correlation::Correlation;
use crate::problem::Problem;

/// Bytes that are handed over at once.
const PART_LEN: usize = 64 << 10;
/// Parts that wait for the client.
const PARTS_MAX: usize = 4;

type Part = Result<Bytes, std::io::Error>;

/// Answers with all pages.
pub(super) async fn answer(
    app: Shared,
    correlation: Correlation,
    form: Form,
    question: Question,
    mut query: Query,
) -> Result<Response, Problem> {
    query.limit = LIMIT_MAX;
    let first = page(&app, query.clone()).await?;
    let session = Some(new_session()?);
    let opened = PageSeen { session, last: false, records: 0 };
    app.audit.query(&correlation, &question, opened).await?;
    let (sender, receiver) = mpsc::channel::<Part>(PARTS_MAX);
    let tasks = app.tasks.clone();
    tasks.spawn(async move {
        let mut records = 0;
        let sent = send_all(&app, form, query, first, &sender, &mut records).await;
        let closed = PageSeen { session, last: true, records };
        let audited = app.audit.query(&correlation, &question, closed).await;
        if sent.is_err() || audited.is_err() {
            let broken = std::io::Error::other("the answer could not be finished");
            let _ = timeout(app.settings.client_patience, sender.send(Err(broken))).await;
        }
    });
    let stream = futures_util::stream::unfold(receiver, |mut receiver| async {
        receiver.recv().await.map(|part| (part, receiver))
    });
    let mut response = Body::from_stream(stream).into_response();
    let kind = match form {
        Form::Csv => "text/csv; charset=utf-8; header=present",
        Form::Lines | Form::Page => "application/x-ndjson",
    };
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(kind));
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    headers.insert(header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    Ok(response)
}

/// The client is gone or does not read, or a page could not be read.
struct Unfinished;

async fn send_all(
    app: &Shared,
    form: Form,
    mut query: Query,
    first: Page,
    sender: &mpsc::Sender<Part>,
    records: &mut u64,
) -> Result<(), Unfinished> {
    let mut out = Vec::new();
    if form == Form::Csv {
        csv_header(&mut out);
    }
    let mut at_hand = first;
    loop {
        for entry in &at_hand.entries {
            write(form, entry, &mut out);
            *records += 1;
            if out.len() >= PART_LEN {
                send(app, sender, &mut out).await?;
            }
        }
        let Some(next) = at_hand.next.take() else { break };
        query.cursor = Some(next);
        at_hand = page(app, query.clone()).await.map_err(|_| Unfinished)?;
    }
    send(app, sender, &mut out).await
}

async fn send(
    app: &Shared,
    sender: &mpsc::Sender<Part>,
    out: &mut Vec<u8>,
) -> Result<(), Unfinished> {
    if out.is_empty() {
        return Ok(());
    }
    let part = Ok(std::mem::take(out).into());
    match timeout(app.settings.client_patience, sender.send(part)).await {
        Ok(Ok(())) => Ok(()),
        Ok(Err(_)) | Err(_) => Err(Unfinished),
    }
}

fn write(form: Form, entry: &Entry, out: &mut Vec<u8>) {
    match (form, entry) {
        (Form::Lines | Form::Page, entry) => {
            entry.write_export_line(out);
            out.push(b'\n');
        }
        (Form::Csv, Entry::Record(record)) => {
            // A body that was verified is one that the encoder wrote.
            if let Ok(body) = shoseki_engine::record::Body::parse(record.body()) {
                csv_row(&body, record.seq, &record.hash, &record.chain_hash, false, out);
            }
        }
        (Form::Csv, Entry::Erased { seq, audit_id, hash, chain_hash }) => {
            csv_row_erased(audit_id, *seq, hash, chain_hash, out);
        }
        (Form::Csv, Entry::Damaged { seq, audit_id }) => {
            csv_row_damaged(audit_id.as_ref(), *seq, out);
        }
    }
}
