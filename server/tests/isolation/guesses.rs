//! Questions by whoever knows, or guesses, what another facility has.

use serde_json::{Value, json};
use shoseki_server::identity::Role;

use crate::harness::{Answer, request};
use crate::world::{FACILITIES, NOBODY, World, record};

/// An answer without what differs from request to request, and without what was asked.
fn bare(answer: &Answer, asked: &[&str]) -> Answer {
    let mut bare = answer.clone();
    bare.headers
        .retain(|(name, _)| !["x-request-id", "traceparent", "date"].contains(&name.as_str()));
    if answer.header("content-type") == Some("application/problem+json") {
        let mut problem = answer.json();
        for name in ["traceId", "requestId", "instance"] {
            assert!(problem[name].is_string());
            problem[name] = Value::Null;
        }
        bare.body = problem.to_string().into_bytes();
    }
    let mut text = bare.text();
    for said in asked {
        text = text.replace(said, "?");
    }
    bare.body = text.into_bytes();
    bare.headers.retain(|(name, _)| name != "content-length");
    bare
}

#[test]
fn an_id_of_another_is_an_id_of_nobody() {
    let world = World::new();
    let unknown = "018f0000-0000-7000-8000-777777777777";
    for (place, facility) in FACILITIES.iter().enumerate() {
        let token = world.auditor(facility);
        let none = record(NOBODY, 0, &json!({}))["audit_id"].as_str().unwrap().to_owned();
        let own = world
            .server
            .get("/v1/audit-logs?ingested_by=shoseki&facility_id=-", &world.auditor_of_all());
        let own = own.json()["records"][0]["audit_id"].as_str().unwrap().to_owned();
        for id in [world.id(1 - place, 0), world.id(1 - place, 23), none, own] {
            for tail in ["", "/history"] {
                for id in [id.clone(), id.to_uppercase()] {
                    let foreign = world.server.get(&format!("/v1/audit-logs/{id}{tail}"), &token);
                    let nobody =
                        world.server.get(&format!("/v1/audit-logs/{unknown}{tail}"), &token);
                    assert_eq!(foreign.status, 404);
                    assert_eq!(bare(&foreign, &[]), bare(&nobody, &[]));
                }
            }
        }
    }
}

/// `explain` says how much of the whole log was looked at, and what its indexes hold of a value
/// before the facility is asked for: it was answered to everybody who may search.
#[test]
fn who_sees_a_part_is_not_told_how_much_there_is() {
    let world = World::new();
    let explain = "/v1/audit-logs?explain=true&actor_id=zqtwo-actor";
    let answer = world.server.get(explain, &world.auditor(FACILITIES[0]));
    assert_eq!(answer.status, 403, "{}", answer.text());
    let answer = world.server.get(explain, &world.auditor_of_all());
    assert_eq!(answer.json()["explain"]["matched"], 24, "{}", answer.text());
}

#[test]
fn a_value_of_another_is_a_value_of_nobody() {
    let world = World::new();
    let parameters = [
        ("actor_id", "-actor"),
        ("actor_role", "-role"),
        ("action", "_ACTION"),
        ("action", "_ACT*"),
        ("target_type", "-type"),
        ("target_id", "-target-3"),
        ("request_id", "-request"),
        ("trace_id", "-trace"),
        ("source_ip", ".example"),
        ("patient_id", "-patient"),
        ("appointment_id", "-a"),
        ("claim_id", "-c"),
        ("document_id", "-d"),
        ("run_id", "-run"),
        ("word", ""),
        ("detail.note", " word"),
        ("ingested_by", "-writer"),
    ];
    for (place, facility) in FACILITIES.iter().enumerate() {
        let (token, other) = (world.auditor(facility), FACILITIES[1 - place]);
        for (name, tail) in parameters {
            for more in ["", "&order=asc", "&from=2026-03-01T00:00:00Z"] {
                let asked = |whose: &str| {
                    let value = format!("{whose}{tail}").replace(' ', "%20");
                    let answer = world.server.get(
                        &format!("/v1/audit-logs?{name}={value}&include_self=false{more}"),
                        &token,
                    );
                    bare(&answer, &[&value, whose])
                };
                assert_eq!(asked(other), asked("zqxyz"), "{name} {more}");
                if more.is_empty() {
                    let own = asked(facility);
                    assert!(own.text().contains("\"seq\""), "{name}: {}", own.text());
                }
            }
        }
        let named = world.server.get(&format!("/v1/audit-logs?facility_id={other}"), &token);
        let nobody = world.server.get("/v1/audit-logs?facility_id=zqxyz", &token);
        assert_eq!((named.status, bare(&named, &[])), (403, bare(&nobody, &[])));
        let stats = world.server.get(&format!("/v1/audit-logs/stats?facility_id={other}"), &token);
        assert_eq!(stats.status, 403);
        world.check(place, &stats, "stats of another");
    }
}

#[test]
fn an_id_that_another_used_is_free() {
    let world = World::new();
    for (place, facility) in FACILITIES.iter().enumerate() {
        let writer = world.writer(facility);
        let id = world.id(1 - place, 5);
        let mine = record(facility, 5, &json!({"audit_id": id, "action": "mine"}));
        let first = world.server.post("/v1/audit-logs", &writer, &mine.to_string());
        assert_eq!(first.status, 201, "{}", first.text());
        assert_eq!(first.json()["records"][0].get("duplicate"), None);
        let again = world.server.post("/v1/audit-logs", &writer, &mine.to_string());
        assert_eq!((again.status, &again.json()["records"][0]["duplicate"]), (200, &json!(true)));
        let other = record(facility, 5, &json!({"audit_id": id, "action": "another"}));
        let conflict = world.server.post("/v1/audit-logs", &writer, &other.to_string());
        assert_eq!(conflict.status, 409);
        world.check_but(place, &conflict, "a conflict", &id);
        let found = world.server.get(&format!("/v1/audit-logs/{id}"), &world.auditor(facility));
        assert_eq!(found.json()["record"]["action"], "mine");
        assert_eq!(found.json().get("others"), None);
        world.check_but(place, &found, "one's own", &id);
    }
    let all =
        world.server.get(&format!("/v1/audit-logs/{}", world.id(0, 5)), &world.auditor_of_all());
    assert_eq!(all.json()["others"].as_array().map(Vec::len), Some(1));
}

#[test]
fn nobody_writes_into_another_facility() {
    let world = World::new();
    let (own, other) = (FACILITIES[0], FACILITIES[1]);
    let writer = world.writer(own);
    let foreign = record(other, 3, &json!({"audit_id": null}));
    let mine = record(own, 3, &json!({"audit_id": null, "action": "half-a-batch"}));
    for (body, kind, prefer) in [
        (foreign.to_string(), "application/json", "handling=strict"),
        (json!([mine, foreign]).to_string(), "application/json", "handling=strict"),
        (format!("{foreign}\n"), "application/x-ndjson", "handling=strict"),
        (json!([foreign]).to_string(), "application/json", "handling=lenient"),
    ] {
        let headers = [("content-type", kind), ("prefer", prefer)];
        let asked = request("POST", "/v1/audit-logs", Some(&writer), &headers, body.as_bytes());
        let answer = world.server.ask(&asked);
        let refused = if kind.contains("ndjson") { 200 } else { 403 };
        assert_eq!(answer.status, refused, "{}", answer.text());
        assert!(answer.text().contains("AUTHZ-403-facility"), "{}", answer.text());
        world.check(0, &answer, "a refusal");
    }
    let count = |token: &str| {
        world.server.get("/v1/audit-logs/stats", token).json()["total"].as_u64().unwrap()
    };
    assert_eq!(count(&world.auditor(own)), 24);
    assert_eq!(count(&world.auditor(other)), 24);
    assert_eq!(count(&world.auditor_of_all()), 49);
}

/// A caller of both sees both, and leaves nothing that either alone could read of the other.
#[test]
fn what_somebody_of_both_asks_is_for_those_of_everywhere() {
    let world = World::new();
    let both = world.server.token("zqboth", &[Role::Auditor, Role::Writer], &FACILITIES);
    let patient = format!("/v1/audit-logs?patient_id={}-patient", FACILITIES[1]);
    assert_eq!(world.server.get(&patient, &both).json()["records"].as_array().unwrap().len(), 24);
    assert_eq!(world.server.get("/v1/segments", &both).status, 403);
    let neither = record(FACILITIES[1], 1, &json!({"facility_id": "zqxyz"})).to_string();
    assert_eq!(world.server.post("/v1/audit-logs", &both, &neither).status, 403);
    for (place, facility) in FACILITIES.iter().enumerate() {
        let answer = world.server.get("/v1/audit-logs?limit=1000", &world.auditor(facility));
        world.check(place, &answer, "after somebody of both");
        assert!(!answer.text().contains("zqboth"));
    }
    let found =
        world.server.get("/v1/audit-logs?actor_id=zqboth&limit=1000", &world.auditor_of_all());
    assert!(found.text().contains("AUDIT_QUERY"));
}

/// A facility may be named like the mark of what belongs to none.
#[test]
fn the_mark_of_no_facility_is_no_facility() {
    let world = World::new();
    world.server.get("/v1/audit-logs?limit=0", &world.auditor_of_all());
    let claims = r#"{"roles":["auditor"],"facilities":["-"]}"#;
    let token = world.server.token_with(claims);
    let answer = world.server.get("/v1/audit-logs", &token);
    assert_eq!(answer.status, 401, "{}", answer.text());
}
