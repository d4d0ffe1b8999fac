//! Kubernetes audit events (`audit.k8s.io`, v1 and its beta and alpha forms).
//!
//! Invariant: pure; the same event gives the same record. The stages of one request are different
//! records: only the last one takes the request's `auditID` as its own id.
//! Knows nothing about files.

use serde_json::value::RawValue;
use shoseki_engine::record::{ActorType, Limits, Outcome, Record, Sensitivity};

use crate::error::MapError;
use crate::finish::finish;
use crate::raw::{Object, text};
use crate::time::TimeForm;

/// Times of an event, the moment of the request first; `timestamp` is that of the old versions.
const TIMES: [&str; 3] = ["requestReceivedTimestamp", "stageTimestamp", "timestamp"];

/// Maps one Kubernetes audit event.
///
/// `action` is `k8s:verb:resource[/subresource]`, `request_id` the `auditID` that the stages of one
/// request share, `actor_id` who logged in; an impersonated user is in `actor_role`.
///
/// # Errors
/// [`MapError`] where it is no audit event or the record would be outside the limits.
pub fn map_k8s(event: &RawValue, limits: &Limits) -> Result<Record, MapError> {
    let object = Object::of(event).ok_or(MapError::NotAnObject)?;
    let version = object.text("apiVersion").unwrap_or_default();
    if object.text("kind").as_deref() != Some("Event") || !version.starts_with("audit.k8s.io/") {
        let expected = "an Event of audit.k8s.io/v1";
        return Err(MapError::value("apiVersion", expected, &version));
    }
    let need = |member, found: Option<String>, looked_at: &str| {
        found.ok_or(MapError::Missing { member, looked_at: looked_at.to_owned() })
    };
    let time = need("timestamp", object.first_text(&TIMES), "requestReceivedTimestamp")?;
    let verb = need("action", object.text("verb"), "verb")?;
    let user = object.object("user");
    let actor = need("actor_id", user.text("username"), "user.username")?;
    let target = Target::of(&object);

    let action = format!("k8s:{verb}:{}", target.what);
    let timestamp = TimeForm::Rfc3339.parse(&time)?;
    let mut record = Record::new(timestamp, actor_type(&actor), actor, action, outcome_of(&object));
    let impersonated = object.object("impersonatedUser").text("username");
    record.actor_role = impersonated.map(|name| format!("as {name}"));
    record.request_id = object.text("auditID");
    record.source_ip = object.elements("sourceIPs").first().and_then(|ip| text(ip));
    record.sensitivity = sensitivity_of(&verb, &target.what);
    record.target_type = Some(target.kind);
    record.target_id = target.id;
    let last = !matches!(
        object.text("stage").as_deref(),
        Some("RequestReceived" | "ResponseStarted" | "Panic")
    );
    finish(record, event, object.text("auditID").as_deref().filter(|_| last), limits)
}

/// What was asked for.
struct Target {
    /// `pods/exec`, or the path of a request for no resource.
    what: String,
    kind: String,
    id: Option<String>,
}

impl Target {
    fn of(event: &Object<'_>) -> Self {
        let reference = event.object("objectRef");
        let Some(resource) = reference.text("resource") else {
            let uri = event.text("requestURI").unwrap_or_default();
            let path = uri.split('?').next().unwrap_or_default().to_owned();
            return Self { what: path, kind: "url".to_owned(), id: Some(uri) };
        };
        let group = reference.text("apiGroup").map(|group| format!(".{group}"));
        let kind = format!("{resource}{}", group.unwrap_or_default());
        let what = match reference.text("subresource") {
            Some(part) => format!("{resource}/{part}"),
            None => resource,
        };
        // The name of what was created under a generated name is only in the answer.
        let made = || event.object("responseObject").object("metadata").text("name");
        let name = reference.text("name").or_else(made);
        let id = match (reference.text("namespace"), name) {
            (Some(namespace), Some(name)) => Some(format!("{namespace}/{name}")),
            (Some(namespace), None) => Some(format!("{namespace}/")),
            (None, name) => name,
        };
        Self { what, kind, id }
    }
}

/// Components and service accounts are `system`; the cluster's administrators and nobody are not.
fn actor_type(username: &str) -> ActorType {
    match username {
        "system:admin" | "system:anonymous" => ActorType::User,
        name if name.starts_with("system:") => ActorType::System,
        _ => ActorType::User,
    }
}

fn outcome_of(event: &Object<'_>) -> Outcome {
    let status = event.object("responseStatus");
    let code = status.text("code").and_then(|code| code.parse::<u16>().ok());
    let failed = status.text("status").as_deref() == Some("Failure");
    let decision = event.object("annotations").text("authorization.k8s.io/decision");
    let panicked = event.text("stage").as_deref() == Some("Panic");
    if failed || panicked || decision.as_deref() == Some("forbid") {
        return Outcome::Failure;
    }
    match code {
        Some(400..) => Outcome::Failure,
        Some(_) => Outcome::Success,
        // A request whose answer is still to come: saying success would be a guess.
        None => Outcome::Warning,
    }
}

/// Resources that hold secrets or decide who may do what.
const GUARDED: [&str; 7] = [
    "secrets",
    "roles",
    "clusterroles",
    "rolebindings",
    "clusterrolebindings",
    "serviceaccounts/token",
    "certificatesigningrequests",
];

fn sensitivity_of(verb: &str, what: &str) -> Sensitivity {
    let reads = matches!(verb, "get" | "list" | "watch" | "head" | "options");
    let shell = matches!(what, "pods/exec" | "pods/attach" | "pods/portforward" | "nodes/proxy");
    let guarded = GUARDED.contains(&what);
    match (reads, guarded, shell) {
        (_, _, true) | (false, true, _) => Sensitivity::High,
        (true, true, _) if what == "secrets" => Sensitivity::High,
        (false, false, _) => Sensitivity::Medium,
        (true, _, _) => Sensitivity::Low,
    }
}
