//! Schemas of answers, and of requests that are no records.
//!
//! Invariant: answers may gain members, so theirs are open; requests are closed.

use serde_json::{Map, Value, json};

use super::super::parameters::SEARCH;
use super::parameters::{of_detail, of_object};
use super::values::{
    about, count, full_text, hash256, hex, list, object, one_of, or_null, schema, text, time,
    time_sent, uuid,
};
use crate::problem::{ErrorCode, Problem};

/// Largest seq that a range may name.
const SEQ_END: u64 = (1 << 62) - 1;

/// All of them, by name.
pub(super) fn schemas() -> Map<String, Value> {
    let mut all = Map::new();
    for (name, schema) in [requests(), ingest(), search(), integrity(), proofs(), state()].concat()
    {
        all.insert(name.to_owned(), schema);
    }
    all
}

type Named = Vec<(&'static str, Value)>;

fn requests() -> Named {
    let path = "^detail\\.[^.\\\\]+(?:\\.[^.\\\\]+)*$";
    let question = json!({
        "type": "object", "additionalProperties": false, "properties": of_object(SEARCH),
        "patternProperties": {path: of_detail()},
    });
    let seq = || json!({"type": "integer", "minimum": 0, "maximum": SEQ_END});
    let closed = |required: &[&str], properties: Value| {
        json!({
            "type": "object", "additionalProperties": false, "required": required,
            "properties": properties,
        })
    };
    let period = json!({"from": or_null(time_sent()), "to": or_null(time_sent())});
    let range = json!({"first_seq": seq(), "last_seq": seq()});
    let period = about(closed(&[], period), "What was received in a period; `{}` is everything.");
    let range = about(closed(&["first_seq", "last_seq"], range), "Both are in it.");
    vec![
        ("Question", question),
        ("PartOfLog", json!({"anyOf": [schema("Period"), schema("SeqRange")]})),
        ("Period", period),
        ("SeqRange", range),
    ]
}

fn ingest() -> Named {
    let receipt = object(
        json!({
            "audit_id": uuid(), "seq": count(), "hash": hex(128), "chain_hash": hex(128),
        }),
        json!({"duplicate": about(
            json!({"type": "boolean", "const": true}),
            "The record was there before; this is its first receipt.",
        )}),
    );
    let refused = object(
        json!({
            "index": count(), "errorCode": text(), "errors": list(schema("Fault")),
        }),
        json!({}),
    );
    let one = json!({"oneOf": [schema("Receipt"), schema("Refused")]});
    let appended = object(
        json!({"accepted": about(count(), "New records.")}),
        json!({
            "first_seq": about(count(), "The first of the new records, where there are any."),
            "last_seq": count(),
            "refused": about(count(), "With `handling=lenient`: records that were refused."),
            "records": about(list(one), "In the order of the request; not with `return=minimal`."),
        }),
    );
    let fault = object(
        json!({}),
        json!({
            "index": about(count(), "Position of the record in the request."),
            "pointer": about(text(), "JSON pointer into the record."),
            "parameter": about(text(), "Name of the parameter."),
            "expected": about(text(), "What would have been right."),
            "got": about(text(), "A type, or at most 32 characters."),
            "audit_id": about(uuid(), "Of a conflict: the id that was used before."),
        }),
    );
    vec![
        ("Receipt", about(receipt, "The record is durable.")),
        ("Refused", about(refused, "Why a record was not taken.")),
        ("Appended", appended),
        ("Fault", fault),
        ("Problem", problem()),
    ]
}

fn problem() -> Value {
    let line = || json!({"type": "string", "pattern": "^[^\\r\\n]*$"});
    let codes: Vec<&str> = ErrorCode::ALL.iter().map(|code| code.as_str()).collect();
    object(
        json!({
            "type": {"type": "string", "format": "uri"},
            "title": line(), "status": {"type": "integer", "minimum": 400, "maximum": 599},
            "detail": line(), "instance": text(),
            "errorCode": one_of(&codes), "errorMessage": line(),
            "traceId": hex(32), "requestId": full_text(),
        }),
        json!({
            "errors": {
                "type": "array", "items": schema("Fault"), "minItems": 1,
                "maxItems": Problem::ERRORS_MAX,
            },
            "truncated": about(
                json!({"type": "boolean", "const": true}), "There are more faults than these.",
            ),
        }),
    )
}

fn search() -> Named {
    let page = object(
        json!({
            "records": list(schema("Record")),
            "next_cursor": about(or_null(full_text()), "`null` on the last page."),
        }),
        json!({
            "damaged": about(count(), "Records among these that are tampered with."),
            "explain": about(json!({"type": "object"}), "What was read to find them."),
        }),
    );
    let segment = object(
        json!({"first_seq": count(), "count": count(), "sealed": {"type": "boolean"}}),
        json!({}),
    );
    let status = || one_of(&["valid", "tampered", "unknown"]);
    let verification = object(
        json!({
            "hash": status(), "chain": status(), "segment": or_null(segment),
            "inclusion": or_null(schema("InclusionProof")),
            "checkpoint": about(full_text(), "The signed note that the proof leads to."),
        }),
        json!({}),
    );
    let found = object(
        json!({"record": schema("Record"), "verification": verification}),
        json!({"others": about(list(count()), "Seqs of other records with this id.")}),
    );
    let counts = || json!({"type": "object", "additionalProperties": count()});
    let top = || list(schema("NamedCount"));
    let bucket =
        object(json!({"start": time_of_day(), "total": count(), "failures": count()}), json!({}));
    let statistics = object(
        json!({
            "total": count(), "failure_rate": {"type": "number", "minimum": 0, "maximum": 1},
            "erased": count(), "unreadable": count(), "by_result": counts(),
            "by_sensitivity": counts(), "by_actor_type": counts(), "by_action": counts(),
            "by_facility": counts(), "top_actors": top(), "top_actions": top(),
            "buckets": about(list(bucket), "Only those with records, oldest first."),
        }),
        json!({}),
    );
    let cut = about(
        json!({"type": "boolean", "const": true}),
        "There are more than the hundred links that were followed.",
    );
    let history = object(json!({"records": list(schema("Record"))}), json!({"truncated": cut}));
    vec![
        ("Page", page),
        ("Found", found),
        ("History", about(history, "A record, what it corrects and what corrects it.")),
        ("NamedCount", object(json!({"value": text(), "count": count()}), json!({}))),
        ("Statistics", statistics),
    ]
}

/// A week or a month may begin before 1970.
fn time_of_day() -> Value {
    json!({"type": "string", "format": "date-time"})
}

fn integrity() -> Named {
    let kinds = [
        "changed",
        "removed",
        "inserted",
        "reordered",
        "truncated",
        "rolled_back",
        "forked",
        "signature",
        "corrupt",
        "missing",
    ];
    let finding = object(
        json!({"kind": one_of(&kinds), "message": text()}),
        json!({"seq": count(), "seq_last": count(), "segment": text()}),
    );
    let notice = object(json!({"kind": text(), "message": text()}), json!({"seq": count()}));
    let status = || one_of(&["valid", "tampered", "unknown"]);
    let last = object(json!({"at": time(), "status": status()}), json!({}));
    let verdict = object(
        json!({
            "status": status(), "records": count(), "segments": count(), "tree_size": count(),
            "root": hash256(), "chain_hash": hex(128),
            "findings": about(list(finding), "What is wrong."),
            "notices": about(list(notice), "What is worth knowing and changes nothing."),
            "last_full_pass": about(or_null(last), "When all of the log was verified last."),
        }),
        json!({}),
    );
    let states = ["QUEUED", "RUNNING", "SUCCEEDED", "FAILED"];
    let job = object(
        json!({
            "job_id": hex(32), "status": one_of(&states), "asked": {"type": "object"},
            "progress": {"type": "number", "minimum": 0, "maximum": 1},
        }),
        json!({"result": schema("Verdict")}),
    );
    let accepted = object(json!({"job_id": hex(32), "status": one_of(&states)}), json!({}));
    vec![("Verdict", verdict), ("Job", job), ("JobAccepted", accepted)]
}

fn proofs() -> Named {
    let inclusion = object(
        json!({"leaf_index": count(), "tree_size": count(), "hashes": list(hash256())}),
        json!({}),
    );
    let consistency = object(
        json!({"old_size": count(), "new_size": count(), "hashes": list(hash256())}),
        json!({}),
    );
    vec![
        ("InclusionProof", about(inclusion, "RFC 6962, from the leaf to the root.")),
        ("ConsistencyProof", about(consistency, "RFC 6962.")),
    ]
}

fn state() -> Named {
    let period = || or_null(object(json!({"from": time(), "to": time()}), json!({})));
    let segment = object(
        json!({
            "first_seq": count(), "count": count(), "path": text(),
            "sealed": {"type": "boolean"}, "file_len": count(), "evidence_bytes": count(),
            "timestamp": period(), "received": period(),
        }),
        json!({}),
    );
    let anchor = object(json!({"name": full_text(), "path": text()}), json!({}));
    let maybe = |schema: Value| or_null(schema);
    let readiness = object(
        json!({
            "ready": {"type": "boolean"}, "reason": maybe(text()), "size": maybe(count()),
            "checkpoint_size": maybe(count()), "unsealed_files": maybe(count()),
            "unsealed_bytes": maybe(count()), "free_bytes": maybe(count()),
            "background_failure": maybe(text()), "configuration_faults": list(text()),
            "clock_synchronised": maybe(json!({"type": "boolean"})),
        }),
        json!({}),
    );
    let write_check = object(
        json!({
            "inserted": {"type": "boolean", "const": true}, "seq": count(), "hash": hex(128),
            "durable_ms": {"type": "number", "minimum": 0},
        }),
        json!({}),
    );
    vec![
        ("Segments", object(json!({"segments": list(schema("Segment"))}), json!({}))),
        ("Segment", about(segment, "A file of the log.")),
        ("Sealed", object(json!({"sealed_segments": count(), "size": count()}), json!({}))),
        ("Anchors", object(json!({"anchors": list(anchor)}), json!({}))),
        ("Health", object(json!({"ok": {"type": "boolean", "const": true}}), json!({}))),
        ("Readiness", readiness),
        ("WriteCheck", write_check),
    ]
}
