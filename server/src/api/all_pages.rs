//! All pages of a search as one answer: JSON Lines or CSV.
//!
//! Invariant: nothing is cut silently. An answer that could not be finished breaks off, so that
//! the client sees that it is not whole. Memory is bounded by one page and what the client has not
//! read of it, and the pages of all such answers by a budget.

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
use super::taken::Part;
use crate::app::Shared;
use crate::audit::{PageSeen, Question};
use crate::correlation::Correlation;
use crate::problem::Problem;

/// Bytes that are handed over at once.
const PART_LEN: usize = 64 << 10;
/// Parts that wait for the client.
const PARTS_MAX: usize = 4;

/// What an entry takes beside its body.
const ENTRY_LEN: usize = 256;

type Piece = Result<Bytes, std::io::Error>;

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
    let first = Held { _part: app.untaken.take(len_of(&first))?, page: first };
    let session = Some(new_session()?);
    let opened = PageSeen { session, last: false, records: 0 };
    app.audit.query(&correlation, &question, opened).await?;
    let (sender, receiver) = mpsc::channel::<Piece>(PARTS_MAX);
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
    first: Held,
    sender: &mpsc::Sender<Piece>,
    records: &mut u64,
) -> Result<(), Unfinished> {
    let mut out = Vec::new();
    if form == Form::Csv {
        csv_header(&mut out);
    }
    let mut at_hand = first;
    loop {
        for entry in &at_hand.page.entries {
            write(form, entry, &mut out);
            *records += 1;
            if out.len() >= PART_LEN {
                send(app, sender, &mut out).await?;
            }
        }
        let Some(next) = at_hand.page.next.take() else { break };
        query.cursor = Some(next);
        drop(at_hand);
        at_hand = held(app, &query).await?;
    }
    send(app, sender, &mut out).await
}

/// A page, and its part of what all answers may hold.
struct Held {
    page: Page,
    _part: Part,
}

/// The next page. Where there is no room for it, it is read again once there is.
async fn held(app: &Shared, query: &Query) -> Result<Held, Unfinished> {
    let read = || async { page(app, query.clone()).await.map_err(|_| Unfinished) };
    let page = read().await?;
    let len = len_of(&page);
    if let Ok(part) = app.untaken.take(len) {
        return Ok(Held { page, _part: part });
    }
    drop(page);
    let part = timeout(app.settings.client_patience, app.untaken.wait(len)).await;
    let part = part.map_err(|_| Unfinished)?;
    Ok(Held { page: read().await?, _part: part })
}

/// Bytes of a page, about.
fn len_of(page: &Page) -> usize {
    let len = |entry: &Entry| ENTRY_LEN + entry.record().map_or(0, |record| record.body().len());
    page.entries.iter().map(len).sum()
}

async fn send(
    app: &Shared,
    sender: &mpsc::Sender<Piece>,
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
