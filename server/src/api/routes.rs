//! Which path is answered by what.
//!
//! Invariant: a route stands in the OpenAPI document because it stands here.

use axum::Router;
use axum::middleware;
use axum::routing::{any, get};
use http::{HeaderName, Method, StatusCode, header};
use tower_http::compression::CompressionLayer;
use tower_http::compression::predicate::{NotForContentType, Predicate, SizeAbove};
use tower_http::cors::{AllowOrigin, CorsLayer};
use tower_http::decompression::RequestDecompressionLayer;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::write_check;
use super::{
    health, integrity, metrics, openapi, proofs, record, records, search, segments, stats, taken,
};
use crate::app::Shared;
use crate::correlation::{self, Observers};
use crate::problem::{ErrorCode, Problem};

/// Answers smaller than this are not worth compressing.
const COMPRESSED_MIN: u64 = 1024;

/// An answer with this extension is never compressed.
#[derive(Clone, Copy)]
pub(super) struct Plain;

/// All routes of the interface, with their description.
fn documented() -> OpenApiRouter<Shared> {
    OpenApiRouter::new()
        .routes(routes!(records::append, search::list))
        .routes(routes!(search::search))
        .routes(routes!(stats::stats))
        .routes(routes!(integrity::check))
        .routes(routes!(integrity::job))
        .routes(routes!(record::detail))
        .routes(routes!(record::history))
        .routes(routes!(proofs::prove_inclusion))
        .routes(routes!(proofs::prove_consistency))
        .routes(routes!(proofs::checkpoint))
        .routes(routes!(segments::list))
        .routes(routes!(segments::seal))
        .routes(routes!(segments::anchors))
        .routes(routes!(segments::anchor))
        .routes(routes!(write_check::write_check))
        .routes(routes!(health::healthz))
        .routes(routes!(health::readyz))
        .routes(routes!(openapi::openapi))
        .routes(routes!(openapi::record_schema))
}

/// What the routes say of themselves; `describe` adds what they have in common.
pub(super) fn described() -> utoipa::openapi::OpenApi {
    documented().split_for_parts().1
}

/// The router for clients.
pub fn router(app: &Shared, observers: Observers) -> Router {
    let (mut router, _) = documented().split_for_parts();
    // C2SP paths have any number of parts, which OpenAPI can't write.
    router = router.route("/tile/{*path}", get(proofs::tile)).merge(openapi::page());
    if app.settings.admin_listen.is_none() {
        router = router.route("/metrics", get(metrics::metrics));
    }
    finish(router, app, observers)
}

/// The router for operators: health and metrics.
pub fn admin_router(app: &Shared, observers: Observers) -> Router {
    let router = Router::new()
        .route("/healthz", get(health::healthz))
        .route("/readyz", get(health::readyz_whole))
        .route("/metrics", get(metrics::metrics));
    finish(router, app, observers)
}

fn finish(router: Router<Shared>, app: &Shared, observers: Observers) -> Router {
    let small = SizeAbove::new(COMPRESSED_MIN);
    // A stream of receipts is to arrive as it is written.
    let streams = NotForContentType::const_new("application/x-ndjson");
    // A compressor is memory, which nobody may take who need not say who it is; and what has a
    // strong tag keeps its bytes.
    let known = |_, _, _: &http::HeaderMap, of: &http::Extensions| of.get::<Plain>().is_none();
    let mut router = router
        .fallback(any(unknown))
        .method_not_allowed_fallback(not_allowed)
        .with_state(Shared::clone(app))
        .layer(middleware::from_fn_with_state(Shared::clone(app), taken::counted))
        .layer(RequestDecompressionLayer::new().pass_through_unaccepted(true))
        .layer(CompressionLayer::new().compress_when(small.and(streams).and(known)));
    if !app.settings.cors_origins.is_empty() {
        router = router.layer(cors(&app.settings.cors_origins));
    }
    router.layer(middleware::from_fn_with_state(observers, correlation::layer))
}

fn cors(origins: &[String]) -> CorsLayer {
    let origins = origins.iter().filter_map(|origin| origin.parse().ok());
    CorsLayer::new()
        .allow_origin(AllowOrigin::list(origins))
        .allow_methods([Method::GET, Method::HEAD, Method::POST])
        .allow_headers([
            header::AUTHORIZATION,
            header::CONTENT_TYPE,
            header::ACCEPT,
            HeaderName::from_static("traceparent"),
            HeaderName::from_static("tracestate"),
            HeaderName::from_static("x-request-id"),
            HeaderName::from_static("x-run-id"),
            HeaderName::from_static("idempotency-key"),
            HeaderName::from_static("prefer"),
        ])
        .expose_headers([
            header::LINK,
            header::LOCATION,
            header::RETRY_AFTER,
            HeaderName::from_static("x-request-id"),
            HeaderName::from_static("traceparent"),
        ])
}

async fn unknown() -> Problem {
    Problem::new(ErrorCode::NotFound, "there is nothing at this path")
}

/// What a path does not know; the router adds `Allow`.
async fn not_allowed(method: Method) -> Result<StatusCode, Problem> {
    if method == Method::OPTIONS {
        return Ok(StatusCode::NO_CONTENT);
    }
    Err(Problem::new(ErrorCode::MethodNotAllowed, "the method is not allowed here: see Allow"))
}
