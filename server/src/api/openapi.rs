//! `GET /openapi.json`: the interface as OpenAPI 3.1, and a page to read it;
//! `GET /schemas/record.json`: the JSON Schema of a record.
//!
//! Invariant: the document is made from the routes that are served; errors are those of the
//! register. Nothing is loaded from elsewhere.

use std::sync::LazyLock;

use axum::extract::Request;
use axum::response::Response;
use axum::{Router, middleware};
use bytes::Bytes;
use sha2::{Digest as _, Sha256};
use shoseki_engine::types::to_hex;
use utoipa_swagger_ui::{Config, SwaggerUi};

use super::routes::Plain;
use super::{describe, proofs};
use crate::app::Shared;

/// A text that is made once, and its tag.
type Tagged = LazyLock<(Bytes, String)>;

static DOCUMENT: Tagged = LazyLock::new(|| of(&describe::document()));
static RECORD_SCHEMA: Tagged = LazyLock::new(|| of(&describe::record_schema()));

fn of(document: &serde_json::Value) -> (Bytes, String) {
    let text = serde_json::to_vec_pretty(document).unwrap_or_default();
    let tag = to_hex(Sha256::digest(&text).get(..16).unwrap_or_default());
    (text.into(), format!("\"{tag}\""))
}

/// The document; needs no token.
#[utoipa::path(
    get, path = "/openapi.json", operation_id = "openapi", tag = "meta",
    responses((status = 200, description = "Done"))
)]
pub async fn openapi(request: Request) -> Response {
    let (text, tag) = &*DOCUMENT;
    proofs::tagged(request.headers(), "application/json", text.clone(), tag, false)
}

/// The JSON Schema of a record as it is sent; needs no token.
#[utoipa::path(
    get, path = "/schemas/record.json", operation_id = "getRecordSchema", tag = "meta",
    responses((status = 200, description = "Done"))
)]
pub async fn record_schema(request: Request) -> Response {
    let (text, tag) = &*RECORD_SCHEMA;
    proofs::tagged(request.headers(), "application/schema+json", text.clone(), tag, false)
}

/// A page that shows the document.
pub(super) fn page() -> Router<Shared> {
    let page: Router<Shared> = SwaggerUi::new("/docs").config(Config::from("/openapi.json")).into();
    page.layer(middleware::map_response(|response| async { plain(response) }))
}

fn plain(mut response: Response) -> Response {
    response.extensions_mut().insert(Plain);
    response
}
