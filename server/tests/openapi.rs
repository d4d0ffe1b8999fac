//! The OpenAPI document: whole in itself, complete, and as it was when it was last looked at.
//!
//! Invariant: `server/openapi.json` changes only by `SHOSEKI_WRITE_DOC=1`, so a change of the
//! interface is seen in review. Knows nothing of how the server answers.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a failed step of a test is the test's failure"
)]

use std::collections::BTreeSet;
use std::path::Path;

use serde_json::Value;
use shoseki_engine::record::Member;
use shoseki_server::api::{document, record_schema};
use shoseki_server::door::MEMBERS;
use shoseki_server::problem::ErrorCode;

const METHODS: [&str; 8] = ["get", "put", "post", "delete", "options", "head", "patch", "trace"];

/// Path, method and operation.
fn operations(document: &Value) -> Vec<(String, String, Value)> {
    let mut found = Vec::new();
    for (path, item) in document["paths"].as_object().unwrap() {
        for (method, operation) in item.as_object().unwrap() {
            assert!(METHODS.contains(&method.as_str()), "{path} has {method}");
            found.push((path.clone(), method.clone(), operation.clone()));
        }
    }
    found
}

/// Every object in it, with the way to it.
fn each(value: &Value, way: &str, visit: &mut dyn FnMut(&str, &Value)) {
    visit(way, value);
    match value {
        Value::Object(members) => {
            for (name, member) in members {
                each(member, &format!("{way}/{name}"), visit);
            }
        }
        Value::Array(items) => {
            for (index, item) in items.iter().enumerate() {
                each(item, &format!("{way}/{index}"), visit);
            }
        }
        _ => {}
    }
}

/// References that lead nowhere, and schemas that nothing leads to.
fn broken(document: &Value) -> Vec<String> {
    let mut faults = Vec::new();
    let mut used = BTreeSet::new();
    each(document, "", &mut |way, value| {
        let Some(Value::String(reference)) = value.get("$ref") else { return };
        used.insert(reference.clone());
        let target = reference.strip_prefix('#').and_then(|pointer| document.pointer(pointer));
        if target.is_none() {
            faults.push(format!("{way} leads to {reference}"));
        }
    });
    for kind in ["schemas", "parameters", "headers"] {
        for name in document["components"][kind].as_object().into_iter().flatten() {
            let reference = format!("#/components/{kind}/{}", name.0);
            if !used.contains(&reference) {
                faults.push(format!("nothing leads to {reference}"));
            }
        }
    }
    faults
}

fn resolved<'d>(document: &'d Value, value: &'d Value) -> &'d Value {
    match value.get("$ref") {
        Some(Value::String(reference)) => document.pointer(&reference[1..]).unwrap(),
        _ => value,
    }
}

#[test]
fn the_document_is_the_one_that_was_looked_at() {
    let golden = Path::new(env!("CARGO_MANIFEST_DIR")).join("openapi.json");
    let text = serde_json::to_string_pretty(&document()).unwrap() + "\n";
    if std::env::var_os("SHOSEKI_WRITE_DOC").is_some() {
        std::fs::write(&golden, &text).unwrap();
    }
    let known = std::fs::read_to_string(&golden).unwrap();
    let differs = known.lines().zip(text.lines()).position(|(known, made)| known != made);
    assert!(
        known == text,
        "server/openapi.json differs from line {differs:?}: SHOSEKI_WRITE_DOC=1"
    );
}

#[test]
fn every_reference_leads_somewhere() {
    let document = document();
    assert_eq!(broken(&document), Vec::<String>::new());
    let mut planted = document.clone();
    planted["components"]["schemas"]["Page"]["properties"]["records"]["$ref"] =
        "#/components/schemas/Nothing".into();
    planted["components"]["schemas"]["Unused"] = Value::Bool(true);
    assert_eq!(broken(&planted).len(), 2);
    let schema = record_schema();
    each(&schema, "", &mut |way, value| {
        if let Some(Value::String(reference)) = value.get("$ref") {
            assert!(schema.pointer(&reference[1..]).is_some(), "{way} leads to {reference}");
        }
    });
}

#[test]
fn every_operation_is_named_once_and_complete() {
    let document = document();
    assert_eq!(document["openapi"], "3.1.0");
    let tags: Vec<&Value> =
        document["tags"].as_array().unwrap().iter().map(|tag| &tag["name"]).collect();
    let mut names = BTreeSet::new();
    for (path, method, operation) in operations(&document) {
        let name = operation["operationId"].as_str().unwrap().to_owned();
        assert!(names.insert(name), "{method} {path}: its name is another's");
        assert!(operation["summary"].as_str().is_some_and(|words| !words.is_empty()), "{path}");
        for tag in operation["tags"].as_array().unwrap() {
            assert!(tags.contains(&tag), "{method} {path}: {tag} is not described");
        }
        let responses = operation["responses"].as_object().unwrap();
        assert!(responses.keys().any(|status| status.starts_with('2')), "{method} {path}");
        assert!(responses.contains_key("500"), "{method} {path}");
        let public = operation["security"] == serde_json::json!([]);
        assert_eq!(responses.contains_key("401"), !public, "{method} {path}");
        for (status, response) in responses {
            assert!(!response["description"].as_str().unwrap().is_empty(), "{path} {status}");
            assert!(response["headers"]["x-request-id"].is_object(), "{path} {status}");
        }
        assert_eq!(
            operation["requestBody"].is_object(),
            method == "post" && !["/v1/segments/seal", "/v1/writecheck"].contains(&path.as_str()),
            "{path}"
        );
    }
}

#[test]
fn parameters_are_those_of_the_path_and_each_stands_once() {
    let document = document();
    for (path, method, operation) in operations(&document) {
        let mut in_path: Vec<&str> =
            path.split('/').filter_map(|part| part.strip_prefix('{')?.strip_suffix('}')).collect();
        let mut seen = BTreeSet::new();
        for parameter in operation["parameters"].as_array().unwrap() {
            let parameter = resolved(&document, parameter);
            let (place, name) = (&parameter["in"], parameter["name"].as_str().unwrap());
            assert!(seen.insert(format!("{place} {name}")), "{method} {path}: {name} twice");
            assert!(parameter["schema"].is_object(), "{method} {path}: {name}");
            if place == "path" {
                assert_eq!(parameter["required"], true, "{method} {path}: {name}");
                in_path.retain(|known| *known != name);
            }
        }
        assert!(in_path.is_empty(), "{method} {path}: {in_path:?} is not declared");
    }
}

#[test]
fn every_code_is_one_of_the_register_under_its_status() {
    let document = document();
    let mut met = BTreeSet::new();
    for (path, _, operation) in operations(&document) {
        for (status, response) in operation["responses"].as_object().unwrap() {
            let schema = &response["content"]["application/problem+json"]["schema"];
            let codes = &schema["allOf"][1]["properties"]["errorCode"]["enum"];
            for code in codes.as_array().into_iter().flatten() {
                let known = ErrorCode::ALL.iter().find(|known| code == known.as_str());
                let known = known.unwrap_or_else(|| panic!("{path}: {code}"));
                assert_eq!(known.status().as_str(), status, "{path}: {code}");
                met.insert(*known);
            }
        }
    }
    // What no operation has: paths and methods that are not there, and limits beside them.
    let elsewhere = [ErrorCode::MethodNotAllowed, ErrorCode::TooManyRequests];
    let missing: Vec<_> = ErrorCode::ALL
        .iter()
        .filter(|code| !met.contains(*code) && !elsewhere.contains(code))
        .collect();
    assert!(missing.is_empty(), "in no operation: {missing:?}");
}

#[test]
fn every_route_is_described_but_for_three() {
    let document = document();
    let source = include_str!("../src/api/routes.rs");
    let served = source.matches(".routes(routes!(").count();
    assert_eq!(document["paths"].as_object().unwrap().len(), served);
    // `/docs` is merged; the rest is routed by its path.
    for rest in source.split(".route(\"").skip(1) {
        let path = rest.split('"').next().unwrap();
        let described = document["paths"].get(path).is_some();
        assert!(described || ["/tile/{*path}", "/metrics"].contains(&path), "{path}");
    }
    let prose = document["info"]["description"].as_str().unwrap();
    for path in ["/tile/<level>/<index>", "/tile/entries/<index>", "/metrics", "/docs"] {
        assert!(prose.contains(path), "{path} is described nowhere");
    }
}

#[test]
fn records_have_the_members_of_the_tables() {
    let schema = record_schema();
    let names = |name: &str, part: &str| -> BTreeSet<String> {
        let part = &schema["$defs"][name][part];
        match part {
            Value::Object(members) => members.keys().cloned().collect(),
            other => serde_json::from_value(other.clone()).unwrap(),
        }
    };
    let of = |names: &[&str]| names.iter().map(|name| (*name).to_owned()).collect::<BTreeSet<_>>();
    let sent: Vec<_> = Member::ALL.into_iter().filter(|member| !member.is_server_only()).collect();
    let sent_names: Vec<_> = sent.iter().map(|member| member.name()).collect();
    assert_eq!(names("RecordSent", "properties"), of(&sent_names));
    let required = ["timestamp", "actor_type", "actor_id", "action", "result"];
    assert_eq!(names("RecordSent", "required"), of(&required));
    let mut stored: Vec<_> = Member::ALL.into_iter().map(Member::name).collect();
    stored.extend(["seq", "hash", "chain_hash", "integrity_status"]);
    assert_eq!(names("RecordStored", "properties"), of(&stored));
    let second: Vec<_> = MEMBERS.iter().map(|member| member.name).collect();
    for (name, errors) in [("EventDone", 0), ("EventFailed", 5)] {
        assert_eq!(names(name, "properties"), of(&second));
        assert_eq!(names(name, "required").len(), 13 + errors, "{name}");
    }
}
