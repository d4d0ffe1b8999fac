//! Schemas of records: as they are sent in both dialects, and as they are answered.
//!
//! Invariant: the members are those of [`Member`] and [`MEMBERS`], in no list of their own.

use serde_json::{Map, Value, json};
use shoseki_engine::record::{ActorType, Member, Outcome, Record, Sensitivity};

use super::values::{
    about, count, full_text, hex, list, one_of, or_null, schema, text, time, time_sent, uuid,
    uuid_sent,
};
use crate::door::{MEMBERS, Need, SecondMember, Shape};

/// Members of `detail` at most.
const DETAIL_MEMBERS_MAX: usize = 10_000;

/// All of them, by name.
pub(super) fn schemas() -> Map<String, Value> {
    let sent = json!({"anyOf": [schema("RecordSent"), schema("EventSent")]});
    let sent = about(sent, "A record in either dialect.");
    let answered =
        json!({"oneOf": [schema("RecordStored"), schema("RecordErased"), schema("RecordDamaged")]});
    let answered = about(answered, "A record, or what stands in its place.");
    let array = list(schema("Sent"));
    let mut schemas = Map::new();
    for (name, schema) in [
        ("Sent", sent),
        ("SentArray", with(array, &[("minItems", json!(1)), ("maxItems", json!(500))])),
        ("RecordSent", record_sent()),
        ("EventSent", event_sent()),
        ("EventDone", event(false)),
        ("EventFailed", event(true)),
        ("Record", answered),
        ("RecordStored", record_stored()),
        ("RecordErased", record_erased()),
        ("RecordDamaged", record_damaged()),
    ] {
        schemas.insert(name.to_owned(), schema);
    }
    schemas
}

fn with(mut schema: Value, keywords: &[(&str, Value)]) -> Value {
    for (name, value) in keywords {
        schema[name] = value.clone();
    }
    schema
}

fn names<T: Copy>(all: &[T], name: fn(T) -> &'static str) -> Value {
    one_of(&all.iter().map(|value| name(*value)).collect::<Vec<_>>())
}

fn detail() -> Value {
    json!({
        "type": "object", "maxProperties": DETAIL_MEMBERS_MAX,
        "description": "Anything more, at most 64 levels deep, each name once. Numbers and strings \
            come back exactly as they were sent.",
    })
}

/// What a member holds; `sent` as clients may write it.
fn member(member: Member, sent: bool) -> Value {
    match member {
        Member::AuditId if sent => uuid_sent(),
        Member::AuditId => uuid(),
        Member::Timestamp if sent => time_sent(),
        Member::Timestamp | Member::ReceivedAt => time(),
        Member::ActorType => names(ActorType::ALL, ActorType::as_str),
        Member::ActorId | Member::Action | Member::IngestedBy => full_text(),
        Member::Result => names(Outcome::ALL, Outcome::as_str),
        Member::Detail => detail(),
        Member::PiiFlag => json!({"type": "boolean"}),
        Member::Sensitivity => names(Sensitivity::ALL, Sensitivity::as_str),
        Member::SourceIp => with(text(), &[("maxLength", json!(Record::SOURCE_IP_LEN_MAX))]),
        Member::Salt => json!({"type": "string", "pattern": "^[A-Za-z0-9_-]{16}$"}),
        _ => text(),
    }
}

fn words(member: Member) -> &'static str {
    match member {
        Member::AuditId => "Its identifier; one is made where none is sent.",
        Member::Timestamp => "When it happened.",
        Member::ActorType => "Who acted, by kind.",
        Member::ActorId => "Who acted.",
        Member::ActorRole => "In which role.",
        Member::Action => {
            "What was done. `AUDIT_*`, `INGEST_*`, `CONFIG_UPDATE` and \
            `RECORD_ERASED` belong to the server."
        }
        Member::TargetType => "To what, by kind.",
        Member::TargetId => "To what.",
        Member::RequestId => "The request that it belongs to.",
        Member::TraceId => "The trace that it belongs to.",
        Member::FacilityId => "Where. A caller of exactly one facility may leave it out.",
        Member::SourceIp => "An address, host or service name of at most 255 bytes.",
        Member::Result => "How it ended.",
        Member::Detail => {
            "Anything more, at most 64 levels deep, each name once. Numbers and \
            strings come back exactly as they were sent."
        }
        Member::PiiFlag => "Whether personal data is in it; `false` where it is not sent.",
        Member::Sensitivity => "How carefully it is to be handled; `low` where it is not sent.",
        Member::ReceivedAt => "When the server took it.",
        Member::IngestedBy => "Who sent it, and behind a `#` the key that signed it.",
        Member::Salt => "Random; keeps the hash from being guessed.",
    }
}

/// The first dialect.
fn record_sent() -> Value {
    let mut properties = Map::new();
    let mut required = Vec::new();
    for of_client in Member::ALL.into_iter().filter(|member| !member.is_server_only()) {
        let value = about(member(of_client, true), words(of_client));
        let value = match of_client.is_required() {
            true => value,
            false => or_null(value),
        };
        required.extend(of_client.is_required().then_some(of_client.name()));
        properties.insert(of_client.name().to_owned(), value);
    }
    json!({
        "type": "object", "additionalProperties": false,
        "description": "A record of at most 256 KiB, or what the configuration says. `null` means \
            that a member is absent.",
        "required": required, "properties": properties,
        "examples": [{
            "timestamp": "2026-11-21T09:30:00Z", "actor_type": "user", "actor_id": "u-17",
            "action": "WORK_EVENT_CREATE", "facility_id": "f-1", "result": "success",
            "detail": {"after": {"inDays": 3}},
        }],
    })
}

/// The second dialect: two shapes, since a failure needs more.
fn event_sent() -> Value {
    json!({
        "description": "A record as application servers emit it. Members that are not listed go to \
            `detail`; a name must not stand there too.",
        "anyOf": [schema("EventDone"), schema("EventFailed")],
    })
}

fn event(failed: bool) -> Value {
    let mut properties = Map::new();
    let mut required = Vec::new();
    for known in MEMBERS {
        let always = known.need == Need::Always || failed && known.need == Need::OnFailure;
        required.extend(always.then_some(known.name));
        let value = event_member(known, failed);
        // `null` is no value, so it does for what may be absent.
        let value = if always { value } else { or_null(value) };
        properties.insert(known.name.to_owned(), value);
    }
    let first: Vec<&str> = Member::ALL.into_iter().map(Member::name).collect();
    let shared = |name: &&str| MEMBERS.iter().any(|known| known.name == *name);
    let mut others: Vec<&str> = first.into_iter().filter(|name| !shared(name)).collect();
    others.extend(["seq", "hash", "chain_hash", "integrity_status"]);
    let words = match failed {
        true => "A failure, by its outcome or by its status: it says why.",
        false => "What was done, wholly or in part.",
    };
    json!({
        "type": "object", "description": words, "required": required, "properties": properties,
        "propertyNames": {"not": {"enum": others}},
    })
}

fn event_member(known: &SecondMember, failed: bool) -> Value {
    match known.shape {
        Shape::Uuid => uuid_sent(),
        Shape::Time => time_sent(),
        Shape::Text => text(),
        Shape::FullText => full_text(),
        Shape::Id => json!({"type": ["string", "integer"]}),
        Shape::OneOf(values) if known.name == "outcome" && !failed => {
            let done: Vec<_> = values.iter().copied().filter(|value| *value != "FAILURE").collect();
            one_of(&done)
        }
        Shape::OneOf(values) => one_of(values),
        Shape::Source => about(
            with(full_text(), &[("examples", json!(["server-modernized"]))]),
            "One of the producer's list; `server-modernized` where it has none.",
        ),
        Shape::Status => {
            json!({"type": "integer", "minimum": 100, "maximum": if failed { 599 } else { 399 }})
        }
        Shape::Count => json!({"type": "integer", "minimum": 0}),
        Shape::Bool => json!({"type": "boolean"}),
        Shape::Object => detail(),
        // Anything but `null`, which is no value.
        Shape::Any => {
            json!({"type": ["string", "number", "boolean", "object", "array"]})
        }
    }
}

/// What follows a body.
fn suffix(status: &str) -> Map<String, Value> {
    let mut properties = Map::new();
    properties.insert("seq".to_owned(), about(count(), "Its place in the log."));
    properties.insert("hash".to_owned(), about(hex(128), "SHA-512 of the body."));
    let chain = about(hex(128), "SHA-512 of the chain hash before it and of its own hash.");
    properties.insert("chain_hash".to_owned(), chain);
    properties.insert("integrity_status".to_owned(), json!({"type": "string", "const": status}));
    properties
}

fn closed(properties: &Map<String, Value>, required: &[&str], words: &str) -> Value {
    json!({
        "type": "object", "additionalProperties": false, "description": words,
        "required": required, "properties": properties,
    })
}

fn record_stored() -> Value {
    let mut properties = suffix("valid");
    let mut required = vec!["seq", "hash", "chain_hash", "integrity_status"];
    for stored in Member::ALL {
        required.extend(stored.is_always_present().then_some(stored.name()));
        properties.insert(stored.name().to_owned(), about(member(stored, false), words(stored)));
    }
    let words = "A record with its proof values. Without `seq` and what follows it, and with `}` \
        in their place, the text is the very bytes that were hashed.";
    closed(&properties, &required, words)
}

fn record_erased() -> Value {
    let mut properties = suffix("unknown");
    properties.insert("audit_id".to_owned(), uuid());
    properties.insert("redacted".to_owned(), json!({"type": "boolean", "const": true}));
    let required = ["audit_id", "redacted", "seq", "hash", "chain_hash", "integrity_status"];
    closed(&properties, &required, "A record that was erased by order; its hash stays.")
}

fn record_damaged() -> Value {
    let mut properties = suffix("tampered");
    properties.retain(|name, _| !name.contains("hash"));
    properties.insert("audit_id".to_owned(), uuid());
    let words = "A record whose bytes are not those that were hashed.";
    closed(&properties, &["seq", "integrity_status"], words)
}
