//! `GET /openapi.json`: the interface as OpenAPI 3.1, and a page to read it.
//!
//! Invariant: the document is made from the routes that are served; errors are those of the
//! register. Nothing is loaded from elsewhere.

use std::sync::LazyLock;

use axum::Router;
use axum::extract::Request;
use axum::response::Response;
use sha2::{Digest as _, Sha256};
use shoseki_engine::types::to_hex;
use utoipa_swagger_ui::{Config, SwaggerUi};

use super::{describe, proofs};
use crate::app::Shared;

/// The document as text, and its tag.
static DOCUMENT: LazyLock<(Vec<u8>, String)> = LazyLock::new(|| {
    let text = serde_json::to_vec_pretty(&describe::document()).unwrap_or_default();
    let tag = to_hex(Sha256::digest(&text).get(..16).unwrap_or_default());
    (text, format!("\"{tag}\""))
});

/// The document; needs no token.
#[utoipa::path(
    get, path = "/openapi.json", operation_id = "openapi", tag = "meta",
    responses((status = 200, description = "This document", content_type = "application/json")),
    security(())
)]
pub async fn openapi(request: Request) -> Response {
    let (text, tag) = &*DOCUMENT;
    proofs::tagged(request.headers(), "application/json", text.clone(), tag, false)
}

/// A page that shows the document.
pub(super) fn page() -> Router<Shared> {
    SwaggerUi::new("/docs").config(Config::from("/openapi.json")).into()
}
