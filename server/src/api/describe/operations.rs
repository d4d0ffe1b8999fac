//! What each operation takes and answers.
//!
//! Invariant: keyed by the operation's name, which the route gives.

use ErrorCode as E;
use serde_json::{Value, json};

use super::super::parameters::{CONSISTENCY, INCLUSION, SEARCH, STATISTICS};
use super::answers::{answer, json as document, linked, text};
use super::parameters::{of_query, reference};
use super::values::schema;
use super::{bodies, values};
use crate::problem::ErrorCode;

/// What one operation takes and answers.
#[derive(Default)]
pub(super) struct Shape {
    /// Parameters, as OpenAPI writes them.
    pub(super) parameters: Vec<Value>,
    /// Body of the request.
    pub(super) body: Option<Value>,
    /// Answers that are no errors: status and response.
    pub(super) answers: Vec<(&'static str, Value)>,
    /// Errors.
    pub(super) errors: Vec<ErrorCode>,
    /// Where it is not that of the document.
    pub(super) security: Option<Value>,
}

/// Of every operation that needs a token.
const AUTHENTICATED: &[E] =
    &[E::Unauthenticated, E::AuthLimited, E::ForbiddenRole, E::ForbiddenNetwork];
/// Of what reads the log.
const READING: &[E] = &[E::Busy, E::QueryTimeout, E::Damaged];
/// Of what is recorded itself.
const RECORDED: &[E] = &[E::AuditFailed];
/// Of a body of JSON.
const BODY: &[E] = &[
    E::RequestNotJson,
    E::RequestBody,
    E::BodyTimeout,
    E::BodyTooLarge,
    E::MediaType,
    E::Encoding,
    E::InvalidRequest,
    E::Busy,
];
/// Of a search.
const SEARCHING: &[E] =
    &[E::RequestParameter, E::RequestCursor, E::CursorGone, E::NotAcceptable, E::ForbiddenFacility];
/// Of what writes records.
const WRITING: &[E] = &[E::Busy, E::LogStopped, E::Closing, E::DiskFull];

/// The shape of an operation.
pub(super) fn shape(id: &str) -> Shape {
    let public = || Some(json!([]));
    let mut shape = match id {
        "appendRecords" => append(),
        "searchRecords" | "searchRecordsByBody" => search(id == "searchRecords"),
        "countRecords" => statistics(),
        "getRecord" | "getHistory" => of_record(id == "getRecord"),
        "checkIntegrity" => integrity(),
        "getJob" => job(),
        "proveInclusion" | "proveConsistency" => proof(id == "proveInclusion"),
        "getCheckpoint" => checkpoint(),
        "listSegments" => whole("Segments", "The files, in the order of the log", READING),
        "sealSegments" => whole("Sealed", "What was active is sealed", &[E::LogStopped]),
        "listAnchors" => anchors(),
        "getAnchor" => anchor(),
        "checkWrite" => write_check(),
        "getHealth" => with("200", document("It lives", "Health", &[])),
        "getReadiness" => ready(),
        "openapi" => tagged("The document", json!({"type": "object"}), "application/json"),
        "getRecordSchema" => {
            tagged("The schema", json!({"type": "object"}), "application/schema+json")
        }
        _ => Shape::default(),
    };
    let is_public = ["getHealth", "getReadiness", "openapi", "getRecordSchema"].contains(&id);
    match is_public {
        true => shape.security = public(),
        false => shape.errors.extend(AUTHENTICATED),
    }
    shape
}

fn with(status: &'static str, answer: Value) -> Shape {
    Shape { answers: vec![(status, answer)], ..Shape::default() }
}

fn errors(lists: &[&[ErrorCode]]) -> Vec<ErrorCode> {
    lists.concat()
}

fn append() -> Shape {
    let applied = ("Preference-Applied", "PreferenceApplied");
    let id = "$response.body#/records/0/audit_id";
    let links = json!({
        "record": {"operationId": "getRecord", "parameters": {"audit_id": id}},
        "history": {"operationId": "getHistory", "parameters": {"audit_id": id}},
        "proof": {
            "operationId": "proveInclusion",
            "parameters": {"seq": "$response.body#/records/0/seq"},
        },
    });
    let created = document("Records are durable, some of them new", "Appended", &[applied]);
    let known = answer(
        "All records were there before; or a stream, answered as it is committed",
        &[
            ("application/json", schema("Appended")),
            ("application/x-ndjson", bodies::receipt_lines()),
        ],
        &[applied],
    );
    Shape {
        parameters: ["IdempotencyKey", "Prefer"].map(reference).into(),
        body: Some(bodies::records()),
        answers: vec![("200", known), ("201", linked(created, links))],
        errors: errors(&[
            BODY,
            WRITING,
            &[
                E::RequestHeader,
                E::ReservedName,
                E::ForbiddenFacility,
                E::Conflict,
                E::TooManyRecords,
                E::InvalidRecords,
            ],
        ]),
        security: None,
    }
}

fn search(by_url: bool) -> Shape {
    let forms = [
        ("application/json", schema("Page")),
        ("application/x-ndjson", values::about(values::text(), "All pages, a `Record` per line")),
        ("text/csv", values::about(values::text(), "All pages, with a header row")),
    ];
    let link: &[_] = if by_url { &[("Link", "Link")] } else { &[] };
    let found = answer("A page, or everything as lines", &forms, link);
    let id = "$response.body#/records/0/audit_id";
    let mut links = json!({
        "record": {"operationId": "getRecord", "parameters": {"audit_id": id}},
        "history": {"operationId": "getHistory", "parameters": {"audit_id": id}},
    });
    if by_url {
        links["next"] = json!({
            "operationId": "searchRecords",
            "parameters": {"cursor": "$response.body#/next_cursor"},
        });
    }
    let of_form: &[E] = if by_url { &[E::UriTooLong] } else { BODY };
    Shape {
        parameters: if by_url { of_query(SEARCH, &[]) } else { Vec::new() },
        body: (!by_url).then(bodies::question),
        answers: vec![("200", linked(found, links))],
        errors: errors(&[SEARCHING, READING, RECORDED, of_form]),
        security: None,
    }
}

fn statistics() -> Shape {
    Shape {
        parameters: of_query(STATISTICS, &[]),
        errors: errors(&[READING, RECORDED, &[E::RequestParameter, E::ForbiddenFacility]]),
        ..with("200", document("Counts", "Statistics", &[]))
    }
}

fn of_record(alone: bool) -> Shape {
    let found = match alone {
        true => document("The record and what proves it", "Found", &[]),
        false => document("Oldest first", "History", &[]),
    };
    let own: &[E] = if alone { &[E::LogStopped] } else { &[] };
    Shape {
        parameters: vec![reference("AuditId")],
        errors: errors(&[READING, RECORDED, own, &[E::RequestParameter, E::NotFound]]),
        ..with("200", found)
    }
}

fn integrity() -> Shape {
    let accepted = document("It takes longer: a job", "JobAccepted", &[("Location", "Location")]);
    let id = "$response.body#/job_id";
    let links = json!({"job": {"operationId": "getJob", "parameters": {"job_id": id}}});
    Shape {
        body: Some(bodies::part()),
        answers: vec![
            ("200", document("What was found", "Verdict", &[])),
            ("202", linked(accepted, links)),
        ],
        errors: errors(&[
            BODY,
            READING,
            RECORDED,
            &[E::RequestParameter, E::ForbiddenFacility, E::NotFound],
        ]),
        ..Shape::default()
    }
}

fn job() -> Shape {
    Shape {
        parameters: vec![reference("JobId")],
        errors: vec![E::RequestParameter, E::ForbiddenFacility, E::NotFound],
        ..with("200", document("Where it stands", "Job", &[]))
    }
}

fn proof(inclusion: bool) -> Shape {
    let (table, required, name) = match inclusion {
        true => (&INCLUSION, "seq", "InclusionProof"),
        false => (&CONSISTENCY, "old", "ConsistencyProof"),
    };
    let own: &[E] = if inclusion { &[E::LogStopped] } else { &[] };
    let common = [E::RequestParameter, E::NotFound, E::ForbiddenFacility];
    Shape {
        parameters: of_query(table, &[required]),
        errors: errors(&[READING, own, &common]),
        ..with("200", document("The proof", name, &[]))
    }
}

fn checkpoint() -> Shape {
    let note = text("A signed note, C2SP tlog-checkpoint", "text/plain", &[]);
    let common = [E::RequestParameter, E::NotFound, E::ForbiddenFacility, E::LogStopped];
    Shape {
        errors: errors(&[READING, &common]),
        // Public, unless the configuration says otherwise.
        security: Some(json!([{}, {"bearer": []}])),
        ..with("200", note)
    }
}

/// Of what concerns the log as a whole.
fn whole(name: &str, words: &str, own: &[ErrorCode]) -> Shape {
    Shape {
        errors: errors(&[own, &[E::RequestParameter, E::ForbiddenFacility]]),
        ..with("200", document(words, name, &[]))
    }
}

fn anchors() -> Shape {
    let name = "$response.body#/anchors/0/name";
    let links = json!({"anchor": {"operationId": "getAnchor", "parameters": {"date": name}}});
    let errors = whole("", "", READING).errors;
    Shape { errors, ..with("200", linked(document("The anchors", "Anchors", &[]), links)) }
}

fn anchor() -> Shape {
    Shape {
        parameters: vec![reference("AnchorName")],
        errors: errors(&[READING, &[E::RequestParameter, E::NotFound, E::ForbiddenFacility]]),
        ..with("200", text("A signed note", "text/plain", &[]))
    }
}

fn write_check() -> Shape {
    let done = document("Written and read back", "WriteCheck", &[("Age", "Age")]);
    Shape { errors: errors(&[WRITING, READING, &[E::RequestParameter]]), ..with("200", done) }
}

fn ready() -> Shape {
    let answers = vec![
        ("200", document("Records can be appended", "Readiness", &[])),
        ("503", document("They can't, and why", "Readiness", &[])),
    ];
    Shape { answers, ..Shape::default() }
}

fn tagged(words: &str, schema: Value, kind: &str) -> Shape {
    let etag = [("ETag", "ETag")];
    let unchanged = answer("The client has it", &[], &etag);
    let answers = vec![("200", answer(words, &[(kind, schema)], &etag)), ("304", unchanged)];
    Shape { parameters: vec![reference("IfNoneMatch")], answers, ..Shape::default() }
}
