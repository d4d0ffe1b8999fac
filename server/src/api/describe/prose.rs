//! What the document says in words.
//!
//! Invariant: only what OpenAPI has no place for.

use serde_json::{Value, json};

/// `info.description`.
pub(super) const ABOUT: &str = "\
Records go in with `POST /v1/audit-logs` and are durable when the answer is 201. They come out \
with the hash that was taken of them, and with proofs that a program which trusts nothing here can \
check.

Times are RFC 3339; a period begins with `from` and ends before `to`. An unknown or empty \
parameter is an error. Beside the parameters that are listed, a search takes `detail.<path>`, such \
as `detail.after.inDays=3`: a string or number of this value at this place in `detail`; dots part \
the names, a backslash takes the character behind it as it is.

Every GET answers to HEAD too, every path to OPTIONS, and another method is a 405 with `Allow`. \
Bodies may be gzip or zstd (`Content-Encoding`), answers are where `Accept-Encoding` asks for it. \
Every error is `application/problem+json`; `errorCode` says which, `errors` lists every fault.

Tiles of the Merkle tree stand at `/tile/<level>/<index>`, bundles of entries at \
`/tile/entries/<index>`, both as C2SP tlog-tiles lays them out: an index has a part for each three \
digits (`x001/234`), and a tile that is not full ends in `.p/<width>`. OpenAPI can't write paths \
of any number of parts, so they are not listed below. They are public where `/checkpoint` is.

`GET /metrics` (Prometheus) and `GET /docs` (a page that shows this document) are not listed \
either.";

/// What a token is.
pub(super) const BEARER: &str = "\
A JSON Web Token. In development `shoseki serve` prints one and keeps it in `dev-token`; elsewhere \
tokens come from the identity provider of the configuration, or a client certificate stands in \
their place.";

/// The groups of operations.
pub(super) fn tags() -> Value {
    json!([
        {"name": "records", "description": "Records in, questions answered"},
        {"name": "integrity", "description": "Verification of a part of the log, or of all of it"},
        {"name": "proofs", "description": "What an outside verifier needs"},
        {"name": "segments", "description": "The files of the log and what was signed for them"},
        {"name": "health", "description": "Whether the server works"},
        {"name": "meta", "description": "What the interface is"},
    ])
}
