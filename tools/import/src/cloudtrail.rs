//! AWS CloudTrail events (record contents as AWS documents them, versions 1.02 to 1.11).
//!
//! Invariant: pure; the same event gives the same record. Knows nothing about files or envelopes:
//! one event comes in.

use serde_json::value::RawValue;
use shoseki_engine::record::{ActorType, Limits, Outcome, Record, Sensitivity};

use crate::cloudtrail_target::target_of;
use crate::error::MapError;
use crate::finish::finish;
use crate::raw::{Object, text};
use crate::time::TimeForm;

/// Maps one CloudTrail event.
///
/// `action` is `service:EventName` (`s3:GetObject`), `facility_id` the account that received the
/// event, `request_id` the API request. A failed console login and every `errorCode` are failures.
///
/// # Errors
/// [`MapError`] where `eventTime` or `eventName` is missing or the record would be outside the
/// limits.
pub fn map_cloudtrail(event: &RawValue, limits: &Limits) -> Result<Record, MapError> {
    let object = Object::of(event).ok_or(MapError::NotAnObject)?;
    let need = |member, name: &str| {
        let looked_at = name.to_owned();
        object.text(name).ok_or(MapError::Missing { member, looked_at })
    };
    let timestamp = TimeForm::Rfc3339.parse(&need("timestamp", "eventTime")?)?;
    let name = need("action", "eventName")?;
    let service = object.text("eventSource").map(|source| {
        source.strip_suffix(".amazonaws.com").map(ToOwned::to_owned).unwrap_or(source)
    });
    let service = service.as_deref().unwrap_or_default();
    let who = object.object("userIdentity");

    let action = if service.is_empty() { name.clone() } else { format!("{service}:{name}") };
    let outcome = outcome_of(&object);
    let actor = actor_id(&who).unwrap_or_else(|| "unknown".to_owned());
    let mut record = Record::new(timestamp, actor_type(&who), actor, action, outcome);
    record.actor_role = actor_role(&who);
    if let Some((kind, id)) = target_of(&object) {
        record.target_type = Some(kind);
        record.target_id = Some(id);
    }
    record.request_id = object.text("requestID");
    record.facility_id = object.text("recipientAccountId").or_else(|| who.text("accountId"));
    record.source_ip = object.text("sourceIPAddress");
    record.sensitivity = sensitivity_of(&object, &who, service, &name);
    finish(record, event, object.text("eventID").as_deref(), limits)
}

/// The most telling name: an ARN names account, role and session at once.
fn actor_id(who: &Object<'_>) -> Option<String> {
    let named = who.first_text(&["arn", "userName", "principalId", "invokedBy", "credentialId"]);
    let behalf = || who.object("onBehalfOf").text("userId");
    named.or_else(behalf).or_else(|| who.text("accountId"))
}

/// AWS itself is `system`, also where it acts through a role that only its service may take.
fn actor_type(who: &Object<'_>) -> ActorType {
    let issuer = who.object("sessionContext").object("sessionIssuer").text("arn");
    let linked = issuer.is_some_and(|arn| arn.contains(":role/aws-service-role/"));
    match who.text("type").as_deref() {
        Some("AWSService") => ActorType::System,
        None if who.get("arn").is_none() && who.get("userName").is_none() => ActorType::System,
        _ if linked => ActorType::System,
        _ => ActorType::User,
    }
}

/// The role that a session was taken from, or `Root`.
fn actor_role(who: &Object<'_>) -> Option<String> {
    let issuer = who.object("sessionContext").object("sessionIssuer");
    match who.text("type").as_deref() {
        Some("Root") => Some("Root".to_owned()),
        _ if issuer.text("type").as_deref() == Some("Role") => issuer.text("userName"),
        _ => None,
    }
}

fn outcome_of(event: &Object<'_>) -> Outcome {
    let code = event.text("errorCode");
    // The answer to a dry run is an error that says: it would have worked.
    if code.as_deref().is_some_and(|code| code.ends_with("DryRunOperation")) {
        return Outcome::Warning;
    }
    // Sign-in events carry their outcome under the event's own name.
    let answer = event.object("responseElements");
    let said = event.text("eventName").and_then(|name| answer.get(&name).and_then(text));
    if code.is_some() || event.text("errorMessage").is_some() || said.as_deref() == Some("Failure")
    {
        return Outcome::Failure;
    }
    Outcome::Success
}

/// Services whose changes decide who may do what, or whether anyone would see it.
const GUARDS: [&str; 8] = [
    "iam",
    "kms",
    "cloudtrail",
    "organizations",
    "sso",
    "identitystore",
    "guardduty",
    "secretsmanager",
];

/// Beginnings of the names of events that only read, for events without `readOnly`.
const READS: [&str; 8] =
    ["Get", "List", "Describe", "Lookup", "Head", "Search", "BatchGet", "Select"];

fn sensitivity_of(event: &Object<'_>, who: &Object<'_>, service: &str, name: &str) -> Sensitivity {
    let reads = match event.text("readOnly").as_deref() {
        Some("true") => true,
        Some(_) => false,
        None => READS.iter().any(|verb| name.starts_with(verb)),
    };
    let root = who.text("type").as_deref() == Some("Root");
    let secret = service == "secretsmanager" && name.ends_with("GetSecretValue");
    match (reads, root || secret, GUARDS.contains(&service)) {
        (_, true, _) | (false, _, true) => Sensitivity::High,
        (false, false, false) => Sensitivity::Medium,
        (true, false, _) => Sensitivity::Low,
    }
}
