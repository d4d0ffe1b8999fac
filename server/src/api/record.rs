//! `GET /v1/audit-logs/{audit_id}`: one record with its proof; `…/history`: its corrections.
//!
//! Invariant: what the caller may not see is answered as what is not there. The proof is against a
//! checkpoint that is signed and stored.

use axum::extract::{Path, Request, State};
use axum::response::Response;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use http::StatusCode;
use serde_json::{Value, json};
use shoseki_engine::log::{
    Entry, InclusionProof, Query, ReadError, Reader, SegmentInfo, SignedCheckpoint,
};
use shoseki_engine::query::{DetailFilter, Filter, Order};
use shoseki_engine::record::{AuditId, string_value};
use shoseki_engine::types::Seq;

use super::{json as answers, scope};
use crate::app::Shared;
use crate::audit::{PageSeen, Question};
use crate::authenticated::Authenticated;
use crate::correlation::Correlation;
use crate::identity::{Caller, Permission};
use crate::problem::{ErrorCode, Problem};

/// One record with its verification.
#[utoipa::path(
    get, path = "/v1/audit-logs/{audit_id}", operation_id = "getRecord", tag = "records",
    responses((status = 200, description = "Done"))
)]
pub async fn detail(
    State(app): State<Shared>,
    Authenticated(caller): Authenticated,
    Path(id): Path<String>,
    request: Request,
) -> Result<Response, Problem> {
    caller.need(Permission::Read)?;
    no_query(&request)?;
    let correlation = Correlation::of(request.extensions());
    let id = AuditId::parse(&id).ok_or_else(not_found)?;
    let (entry, others) = first_seen(&app, &caller, id).await?;
    let signed = covering(&app, entry.seq()).await?;
    let size = signed.checkpoint.size;
    let (reader, seq) = (app.reader.clone(), entry.seq());
    let (proof, segment) = app
        .queries
        .run(move |_| {
            let proof = match reader.prove_inclusion(seq, size) {
                Ok(proof) => Some(proof),
                Err(ReadError::Damaged { .. }) => None,
                Err(other) => return Err(other),
            };
            Ok((proof, segment_of(&reader, seq)))
        })
        .await?;
    read(&app, &correlation, "/v1/audit-logs/{audit_id}", id, 1).await?;
    let verification = verification(&entry, proof.as_ref(), segment.as_ref(), &signed);
    let mut out = b"{\"record\":".to_vec();
    entry.write_export_line(&mut out);
    out.extend_from_slice(format!(",\"verification\":{verification}").as_bytes());
    if !others.is_empty() {
        let others = json!(others.iter().map(|seq| seq.0).collect::<Vec<_>>());
        out.extend_from_slice(format!(",\"others\":{others}").as_bytes());
    }
    out.push(b'}');
    Ok(answers::answer(StatusCode::OK, out))
}

/// Records that somebody reads what an id names.
async fn read(
    app: &Shared,
    correlation: &Correlation,
    resource: &str,
    id: AuditId,
    records: u64,
) -> Result<(), Problem> {
    let parameters = vec![("audit_id".to_owned(), id.to_string())];
    let resource = resource.to_owned();
    let question = Question { resource, parameters, ..Question::default() };
    let page = PageSeen { session: None, last: true, records };
    app.audit.query(correlation, &question, page).await
}

/// What concerns the whole log and takes no parameter: who may see it may ask.
pub(super) fn of_whole_log(
    caller: &Caller,
    permission: Permission,
    request: &Request,
) -> Result<(), Problem> {
    caller.need(permission)?;
    caller.need_all_facilities()?;
    no_query(request)
}

/// No parameter is known here.
pub(super) fn no_query(request: &Request) -> Result<(), Problem> {
    match request.uri().query() {
        None | Some("") => Ok(()),
        Some(_) => {
            let detail = "no parameter is known here";
            Err(Problem::new(ErrorCode::RequestParameter, detail))
        }
    }
}

fn not_found() -> Problem {
    Problem::new(ErrorCode::NotFound, "no such record")
}

/// The first record with this id that the caller may see, and the places of the others.
async fn first_seen(
    app: &Shared,
    caller: &std::sync::Arc<Caller>,
    id: AuditId,
) -> Result<(Entry, Vec<Seq>), Problem> {
    let (reader, of) = (app.reader.clone(), std::sync::Arc::clone(caller));
    let found = app.queries.run(move |_| {
        let mut first = None;
        let mut others = Vec::new();
        for seq in reader.find(id)?.into_iter().rev() {
            let entry = reader.read(seq)?;
            match scope::sees(&of, &entry) {
                true if first.is_none() => first = Some(entry),
                true => others.push(seq),
                false => {}
            }
        }
        Ok((first, others))
    });
    let (first, others) = found.await?;
    Ok((first.ok_or_else(not_found)?, others))
}

/// Signs a checkpoint over everything durable, and reads it back.
pub(super) async fn sign(app: &Shared) -> Result<Option<SignedCheckpoint>, Problem> {
    let (log, reader) = (app.log.clone(), app.reader.clone());
    let signed = tokio::task::spawn_blocking(move || {
        log.checkpoint().map_err(|error| {
            let detail = "no checkpoint can be signed: see readyz";
            Problem::new(ErrorCode::LogStopped, detail).caused_by(error)
        })?;
        reader.checkpoint().map_err(crate::queries::problem)
    });
    signed.await.map_err(|error| Problem::internal(&error))?
}

/// The newest checkpoint, signed now where the stored one does not cover the record yet.
pub(super) async fn covering(app: &Shared, seq: Seq) -> Result<SignedCheckpoint, Problem> {
    let reader = app.reader.clone();
    let stored = app.queries.run(move |_| reader.checkpoint()).await?;
    if let Some(signed) = stored.filter(|signed| signed.checkpoint.size.0 > seq.0) {
        return Ok(signed);
    }
    let signed = sign(app).await?;
    let signed = signed.filter(|signed| signed.checkpoint.size.0 > seq.0);
    signed.ok_or_else(|| Problem::internal(&"a checkpoint that does not cover what is durable"))
}

pub(super) fn segment_of(reader: &Reader, seq: Seq) -> Option<SegmentInfo> {
    let holds =
        |info: &SegmentInfo| (info.first_seq.0..info.first_seq.0 + info.count).contains(&seq.0);
    reader.segments().into_iter().find(holds)
}

fn verification(
    entry: &Entry,
    proof: Option<&InclusionProof>,
    segment: Option<&SegmentInfo>,
    signed: &SignedCheckpoint,
) -> Value {
    let status = match entry {
        Entry::Record(_) => "valid",
        Entry::Erased { .. } => "unknown",
        Entry::Damaged { .. } => "tampered",
    };
    json!({
        "hash": status,
        "chain": if matches!(entry, Entry::Damaged { .. }) { "tampered" } else { "valid" },
        "segment": segment.map(|info| json!({
            "first_seq": info.first_seq.0, "count": info.count, "sealed": info.sealed,
        })),
        "inclusion": proof.map(inclusion),
        "checkpoint": signed.note,
    })
}

/// An inclusion proof as CONTRACT 3 writes it.
pub(super) fn inclusion(proof: &InclusionProof) -> Value {
    let hashes: Vec<String> = proof.hashes.iter().map(|hash| STANDARD.encode(hash.0)).collect();
    json!({"leaf_index": proof.leaf_index, "tree_size": proof.tree_size.0, "hashes": hashes})
}

/// Links of a history that are followed at most.
const LINKS_MAX: usize = 100;

/// A record, what it corrects and what corrects it, oldest first.
#[utoipa::path(
    get, path = "/v1/audit-logs/{audit_id}/history", operation_id = "getHistory", tag = "records",
    responses((status = 200, description = "Done"))
)]
pub async fn history(
    State(app): State<Shared>,
    Authenticated(caller): Authenticated,
    Path(id): Path<String>,
    request: Request,
) -> Result<Response, Problem> {
    caller.need(Permission::Read)?;
    no_query(&request)?;
    let correlation = Correlation::of(request.extensions());
    let id = AuditId::parse(&id).ok_or_else(not_found)?;
    let (reader, of) = (app.reader.clone(), std::sync::Arc::clone(&caller));
    let found = app.queries.run(move |_| chain_of(&reader, &of, id)).await?;
    if found.is_empty() {
        return Err(not_found());
    }
    let records = found.len() as u64;
    read(&app, &correlation, "/v1/audit-logs/{audit_id}/history", id, records).await?;
    let mut out = b"{\"records\":[".to_vec();
    for (index, entry) in found.iter().enumerate() {
        if index > 0 {
            out.push(b',');
        }
        entry.write_export_line(&mut out);
    }
    out.extend_from_slice(b"]}");
    Ok(answers::answer(StatusCode::OK, out))
}

/// The records that are linked with one by `detail.corrects`, both ways.
fn chain_of(reader: &Reader, caller: &Caller, id: AuditId) -> Result<Vec<Entry>, ReadError> {
    let mut found = std::collections::BTreeMap::new();
    let mut waiting = vec![id];
    let mut known = std::collections::BTreeSet::from([id]);
    while let Some(id) = waiting.pop() {
        if known.len() > LINKS_MAX {
            break;
        }
        let mut linked = Vec::new();
        for seq in reader.find(id)? {
            let entry = reader.read(seq)?;
            if scope::sees(caller, &entry) {
                linked.extend(corrected_by(&entry));
                found.insert(seq, entry);
            }
        }
        if found.is_empty() {
            break;
        }
        for entry in correcting(reader, caller, id)? {
            linked.extend(entry.audit_id());
        }
        waiting.extend(linked.into_iter().filter(|id| known.insert(*id)));
    }
    Ok(found.into_values().collect())
}

/// The record that this one says it corrects.
fn corrected_by(entry: &Entry) -> Option<AuditId> {
    let record = entry.record()?;
    let body = shoseki_engine::record::Body::parse(record.body()).ok()?;
    AuditId::parse(&string_value(body.detail_member(&["corrects"])?)?)
}

fn correcting(reader: &Reader, caller: &Caller, id: AuditId) -> Result<Vec<Entry>, ReadError> {
    let corrects = DetailFilter::member("corrects", vec![id.to_string()]);
    let mut filter = Filter { detail: vec![corrects], ..Filter::default() };
    if scope::narrow(caller, &mut filter).is_err() {
        return Ok(Vec::new());
    }
    let query = Query { filter, order: Order::Ascending, limit: LINKS_MAX, ..Query::default() };
    Ok(reader.search(&query)?.entries)
}
