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
use shoseki_engine::types::{NodeHash, Seq};

use super::{json as answers, scope};
use crate::app::Shared;
use crate::audit::{PageSeen, Question};
use crate::authenticated::{May, Reads};
use crate::correlation::Correlation;
use crate::identity::Caller;
use crate::problem::{ErrorCode, Problem};

/// One record with its verification.
#[utoipa::path(
    get, path = "/v1/audit-logs/{audit_id}", operation_id = "getRecord", tag = "records",
    responses((status = 200, description = "Done"))
)]
pub async fn detail(
    State(app): State<Shared>,
    May { caller, .. }: May<Reads>,
    Path(id): Path<String>,
    request: Request,
) -> Result<Response, Problem> {
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
    let hashes = hashes_of(&proof.hashes);
    json!({"leaf_index": proof.leaf_index, "tree_size": proof.tree_size.0, "hashes": hashes})
}

/// Hashes of a proof in base64.
pub(super) fn hashes_of(hashes: &[NodeHash]) -> Vec<String> {
    hashes.iter().map(|hash| STANDARD.encode(hash.0)).collect()
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
    May { caller, .. }: May<Reads>,
    Path(id): Path<String>,
    request: Request,
) -> Result<Response, Problem> {
    no_query(&request)?;
    let correlation = Correlation::of(request.extensions());
    let id = AuditId::parse(&id).ok_or_else(not_found)?;
    let (reader, of) = (app.reader.clone(), std::sync::Arc::clone(&caller));
    let found = app.queries.run(move |_| chain_of(&reader, &of, id)).await?;
    if found.entries.is_empty() {
        return Err(not_found());
    }
    let records = found.entries.len() as u64;
    read(&app, &correlation, "/v1/audit-logs/{audit_id}/history", id, records).await?;
    let mut out = b"{\"records\":[".to_vec();
    for (index, entry) in found.entries.iter().enumerate() {
        if index > 0 {
            out.push(b',');
        }
        entry.write_export_line(&mut out);
    }
    out.push(b']');
    if found.truncated {
        out.extend_from_slice(b",\"truncated\":true");
    }
    out.push(b'}');
    Ok(answers::answer(StatusCode::OK, out))
}

/// What was found of a history.
struct Linked {
    entries: Vec<Entry>,
    /// Whether there are links that were not followed.
    truncated: bool,
}

/// The records that are linked with one by `detail.corrects`, both ways; the nearest first, where
/// there are too many.
fn chain_of(reader: &Reader, caller: &Caller, id: AuditId) -> Result<Linked, ReadError> {
    let mut found = std::collections::BTreeMap::new();
    let mut waiting = std::collections::VecDeque::from([id]);
    let mut known = std::collections::BTreeSet::from([id]);
    let (mut followed, mut truncated) = (0, false);
    while let Some(id) = waiting.pop_front() {
        if followed == LINKS_MAX {
            truncated = true;
            break;
        }
        followed += 1;
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
        let (entries, more) = correcting(reader, caller, id)?;
        truncated |= more;
        linked.extend(entries.iter().filter_map(Entry::audit_id));
        waiting.extend(linked.into_iter().filter(|id| known.insert(*id)));
    }
    Ok(Linked { entries: found.into_values().collect(), truncated })
}

/// The record that this one says it corrects.
fn corrected_by(entry: &Entry) -> Option<AuditId> {
    let record = entry.record()?;
    let body = shoseki_engine::record::Body::parse(record.body()).ok()?;
    AuditId::parse(&string_value(body.detail_member(&["corrects"])?)?)
}

/// The records that say that they correct this one, and whether there are more than these.
fn correcting(
    reader: &Reader,
    caller: &Caller,
    id: AuditId,
) -> Result<(Vec<Entry>, bool), ReadError> {
    let corrects = DetailFilter::member("corrects", vec![id.to_string()]);
    let mut filter = Filter { detail: vec![corrects], ..Filter::default() };
    if scope::narrow(caller, &mut filter).is_err() {
        return Ok((Vec::new(), false));
    }
    let query = Query { filter, order: Order::Ascending, limit: LINKS_MAX, ..Query::default() };
    let page = reader.search(&query)?;
    Ok((page.entries, page.next.is_some()))
}
