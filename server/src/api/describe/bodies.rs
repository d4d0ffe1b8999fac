//! Bodies of requests.
//!
//! Invariant: an example here is taken by a server with nothing configured.

use serde_json::{Value, json};

use super::values::{schema, text};

/// Records: one, an array, or a stream of lines.
pub(super) fn records() -> Value {
    let one = json!({
        "timestamp": "2026-11-21T09:30:00Z", "actor_type": "user", "actor_id": "u-17",
        "action": "WORK_EVENT_CREATE", "facility_id": "f-1", "result": "success",
        "detail": {"patientId": "p-4", "after": {"inDays": 3}},
    });
    let failed = json!({
        "eventId": "018f4e9a-7c3b-7d2e-9a51-3c6f0b8e2d14",
        "occurredAt": "2026-11-21T18:30:00.123+09:00", "action": "read", "outcome": "FAILURE",
        "actorId": "u-17", "actorType": "USER", "facilityId": "f-1",
        "traceId": "4bf92f3577b34da6a3ce929d0e0e4736", "requestId": "r-9",
        "sourceSystem": "server-modernized", "requestPath": "/charts/{id}", "httpMethod": "GET",
        "httpStatus": 502, "patientId": "p-4", "documentId": 81, "errorMessage": "no answer",
        "errorCode": "UPSTREAM-502", "errorDetails": {"attempts": 3},
        "exceptionClass": "java.net.ConnectException", "cause": "network",
    });
    let lines = format!("{one}\n{failed}\n");
    json!({
        "required": true,
        "description": "One record, an array of at most 500 of which all are taken or none, or a \
            stream of lines of any length, each line a record of its own.",
        "content": {
            "application/json": {
                "schema": {"anyOf": [schema("Sent"), schema("SentArray")]},
                "examples": {
                    "record": {"summary": "One record", "value": one},
                    "event": {"summary": "The second dialect, in an array", "value": [failed]},
                },
            },
            "application/x-ndjson": {
                "schema": {
                    "description": "A record per line. What is wrong with a line is told in the \
                        answer, at its place.",
                },
                "examples": {"lines": {"summary": "Two lines", "value": lines}},
            },
        },
    })
}

/// A question.
pub(super) fn question() -> Value {
    json!({
        "required": true,
        "description": "The parameters of the search, so that names of patients stay out of URLs. \
            `null` means that a member is absent.",
        "content": {"application/json": {
            "schema": schema("Question"),
            "examples": {"patient": {
                "summary": "What was done to a patient's records",
                "value": {"patient_id": "p-4", "action": "READ_*", "limit": 20},
            }},
        }},
    })
}

/// A part of the log.
pub(super) fn part() -> Value {
    json!({
        "required": true,
        "description": "A period of arrival, a range of seqs, or `{}` for everything.",
        "content": {"application/json": {
            "schema": schema("PartOfLog"),
            "examples": {
                "everything": {"summary": "The whole log", "value": {}},
                "first": {"summary": "The first record", "value": {"first_seq": 0, "last_seq": 0}},
            },
        }},
    })
}

/// Receipts as lines, and what stands among them.
pub(super) fn receipt_lines() -> Value {
    let mut lines = text();
    lines["description"] = json!(
        "A line per line of the request, in order, sent as groups are committed: a `Receipt`, or \
         `{\"line\",\"status\",\"errorCode\",\"errorMessage\",\"errors\"}`. The last is \
         `{\"summary\":{\"accepted\",\"duplicates\",\"refused\",\"lines\"}}`; without it the \
         answer is not whole. A failure of the whole stream is `{\"error\":…,\"line\":N}`."
    );
    lines
}
