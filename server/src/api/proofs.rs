//! Checkpoint, tiles and raw proofs, for anyone who checks the log from outside.
//!
//! Invariant: the bytes are those of C2SP tlog-checkpoint and tlog-tiles; a proof by seq needs the
//! facility `*`, since it says what there is.

use std::time::Duration;

use axum::extract::{Path, Request, State};
use axum::response::{IntoResponse, Response};
use bytes::Bytes;
use http::{HeaderMap, HeaderValue, StatusCode, header};
use serde_json::json;
use sha2::{Digest as _, Sha256};
use shoseki_engine::types::{Seq, TreeSize, to_hex};

use super::filter::{self, Reader};
use super::json as answers;
use super::parameters::{CONSISTENCY, INCLUSION, Kind, Known};
use super::record::{covering, hashes_of, inclusion, no_query, sign};
use super::routes::Plain;
use crate::app::Shared;
use crate::authenticated::{Inspects, May, MaybeAuthenticated};
use crate::identity::Permission;
use crate::problem::{ErrorCode, Problem};

/// The newest signed checkpoint.
#[utoipa::path(
    get, path = "/checkpoint", operation_id = "getCheckpoint", tag = "proofs",
    responses((status = 200, description = "Done"))
)]
pub async fn checkpoint(
    State(app): State<Shared>,
    caller: MaybeAuthenticated,
    request: Request,
) -> Result<Response, Problem> {
    public(&app, &caller)?;
    no_query(&request)?;
    let reader = app.reader.clone();
    let signed = app.queries.run(move |_| reader.checkpoint()).await?;
    let signed = match signed {
        Some(signed) => signed,
        // Of a log that has none yet.
        None => sign(&app)
            .await?
            .ok_or_else(|| Problem::new(ErrorCode::NotFound, "there is no checkpoint yet"))?,
    };
    let mut response = (StatusCode::OK, signed.note).into_response();
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("text/plain; charset=utf-8"));
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-cache"));
    Ok(response)
}

/// One tile or bundle of entries.
pub async fn tile(
    State(app): State<Shared>,
    caller: MaybeAuthenticated,
    Path(path): Path<String>,
    request: Request,
) -> Result<Response, Problem> {
    public(&app, &caller)?;
    no_query(&request)?;
    let path = format!("tile/{path}");
    let reader = app.reader.clone();
    let full = !path.contains(".p/");
    let found = app.queries.run(move |_| reader.tile(&path)).await?;
    let bytes = found.ok_or_else(|| Problem::new(ErrorCode::NotFound, "no such tile"))?;
    let tag = format!("\"{}\"", to_hex(Sha256::digest(&bytes).get(..16).unwrap_or_default()));
    Ok(tagged(request.headers(), "application/octet-stream", bytes.into(), &tag, full))
}

/// An answer with a strong `ETag`, the same bytes for everybody; 304 where the client has it.
pub(super) fn tagged(
    asked: &HeaderMap,
    kind: &'static str,
    bytes: Bytes,
    tag: &str,
    immutable: bool,
) -> Response {
    let has = asked.get_all(header::IF_NONE_MATCH).iter().filter_map(|value| value.to_str().ok());
    let has = has.flat_map(|value| value.split(',')).any(|one| {
        let one = one.trim();
        one == "*" || one.trim_start_matches("W/") == tag
    });
    let mut response = match has {
        true => StatusCode::NOT_MODIFIED.into_response(),
        false => (StatusCode::OK, bytes).into_response(),
    };
    let headers = response.headers_mut();
    if !has {
        headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(kind));
    }
    if let Ok(tag) = HeaderValue::from_str(tag) {
        headers.insert(header::ETAG, tag);
    }
    let cache = if immutable { "public, max-age=31536000, immutable" } else { "no-cache" };
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static(cache));
    response.extensions_mut().insert(Plain);
    response
}

fn public(app: &Shared, caller: &MaybeAuthenticated) -> Result<(), Problem> {
    if app.settings.public_tiles {
        return Ok(());
    }
    let caller = caller.need()?;
    caller.need(Permission::Inspect)?;
    caller.need_all_facilities()
}

/// Proves that a record is in a tree.
#[utoipa::path(
    get, path = "/v1/proofs/inclusion", operation_id = "proveInclusion", tag = "proofs",
    responses((status = 200, description = "Done"))
)]
pub async fn prove_inclusion(
    State(app): State<Shared>,
    _: May<Inspects>,
    request: Request,
) -> Result<Response, Problem> {
    let [seq, size] = numbers(&request, &INCLUSION)?;
    let seq = seq.ok_or_else(|| missing("seq"))?;
    let log_size = app.reader.size().0;
    if seq >= log_size {
        return Err(Problem::new(ErrorCode::NotFound, "no such record"));
    }
    let signed = covering(&app, Seq(seq)).await?;
    let size = size.unwrap_or(signed.checkpoint.size.0);
    if size <= seq || size > log_size {
        let detail = format!("no such tree with the record: size is {} to {log_size}", seq + 1);
        return Err(Problem::new(ErrorCode::NotFound, detail));
    }
    let reader = app.reader.clone();
    let proof = app.queries.run(move |_| reader.prove_inclusion(Seq(seq), TreeSize(size))).await?;
    Ok(answers::ok(&inclusion(&proof)))
}

/// Proves that the log only grew.
#[utoipa::path(
    get, path = "/v1/proofs/consistency", operation_id = "proveConsistency", tag = "proofs",
    responses((status = 200, description = "Done"))
)]
pub async fn prove_consistency(
    State(app): State<Shared>,
    _: May<Inspects>,
    request: Request,
) -> Result<Response, Problem> {
    let [old, new] = numbers(&request, &CONSISTENCY)?;
    let old = old.ok_or_else(|| missing("old"))?;
    if let Some(new) = new {
        shown(|| app.reader.size().0, new).await;
    }
    let log_size = app.reader.size().0;
    let new = new.unwrap_or(log_size);
    if new > log_size || old > log_size {
        let detail = format!("no such tree: the log has {log_size} records");
        return Err(Problem::new(ErrorCode::NotFound, detail));
    }
    let reader = app.reader.clone();
    let proof =
        app.queries.run(move |_| reader.prove_consistency(TreeSize(old), TreeSize(new))).await?;
    Ok(answers::ok(&json!({
        "old_size": proof.old_size.0, "new_size": proof.new_size.0,
        "hashes": hashes_of(&proof.hashes),
    })))
}

/// How long a commit may take from the file to the readers, about, and how often it is looked.
const SHOWN_LOOKS: u32 = 25;
const SHOWN_EVERY: Duration = Duration::from_millis(20);

/// Waits until so many records are shown, or none can be on their way any more: who reads the files
/// themselves, as a verification does, sees a commit before it is synced and shown here.
async fn shown(size: impl Fn() -> u64, wanted: u64) {
    for _ in 0..SHOWN_LOOKS {
        if size() >= wanted {
            break;
        }
        tokio::time::sleep(SHOWN_EVERY).await;
    }
}

fn missing(name: &str) -> Problem {
    Problem::new(ErrorCode::RequestParameter, format!("{name}: expected a number"))
}

/// Two parameters that are numbers, and no others.
fn numbers(request: &Request, known: &[Known; 2]) -> Result<[Option<u64>; 2], Problem> {
    let parameters = filter::of_query(request.uri().query());
    let mut reader = Reader::new(parameters.len());
    let mut found = [None, None];
    for (name, value) in parameters {
        match known.iter().position(|known| known.name == name) {
            Some(at) => {
                let digits = value.len() <= 19 && value.bytes().all(|byte| byte.is_ascii_digit());
                let number = digits.then(|| value.parse::<u64>().ok()).flatten();
                let fits = |number: &u64| match known.get(at).map(|known| known.kind) {
                    Some(Kind::Integer(min, max)) => (min..=max).contains(number),
                    _ => false,
                };
                if let Some(place) = found.get_mut(at) {
                    reader.once(&name, place, number.filter(fits), "a number", &value);
                }
            }
            None => reader.fault(&name, "no parameter of this name", ""),
        }
    }
    reader.finish(&shoseki_engine::query::Filter::default())?;
    Ok(found)
}

#[cfg(test)]
mod tests {
    use std::cell::Cell;

    use super::*;

    #[tokio::test(flavor = "current_thread")]
    async fn a_size_that_is_on_its_way_is_waited_for() {
        let looks = Cell::new(0);
        let size = || {
            looks.set(looks.get() + 1);
            4 + looks.get()
        };
        shown(size, 7).await;
        assert_eq!(looks.get(), 3);
        shown(size, 7).await;
        assert_eq!(looks.get(), 4, "it is there: nobody waits");
        let looks = Cell::new(0);
        shown(
            || {
                looks.set(looks.get() + 1);
                5
            },
            7,
        )
        .await;
        assert_eq!(looks.get(), SHOWN_LOOKS, "of what never comes, that is said");
    }
}
