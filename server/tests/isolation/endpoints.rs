//! Every endpoint, asked by everybody.

use serde_json::{Value, json};
use shoseki_server::identity::Role;

use crate::harness::{Answer, request};
use crate::world::{FACILITIES, World, record};

/// Who may ask, and what one facility is answered, and the whole log.
struct Row {
    method: &'static str,
    path: &'static str,
    roles: &'static [Role],
    one: u16,
    all: u16,
}

const fn row(
    method: &'static str,
    path: &'static str,
    roles: &'static [Role],
    one: u16,
    all: u16,
) -> Row {
    Row { method, path, roles, one, all }
}

const READ: &[Role] = &[Role::Auditor, Role::Compliance];
const VERIFY: &[Role] = &[Role::Auditor, Role::Operator, Role::Compliance];
const INSPECT: &[Role] = &[Role::Auditor, Role::Operator, Role::Compliance, Role::Admin];
const OPERATE: &[Role] = &[Role::Operator];
/// Whoever it is, also nobody.
const ANYBODY: &[Role] = &[];

/// What SERVER.md 5 and 6 and the table of roles say.
const TABLE: &[Row] = &[
    row("get", "/v1/audit-logs", READ, 200, 200),
    row("post", "/v1/audit-logs", &[Role::Writer], 201, 201),
    row("post", "/v1/audit-logs/search", READ, 200, 200),
    row("get", "/v1/audit-logs/stats", READ, 200, 200),
    row("post", "/v1/audit-logs/integrity-check", VERIFY, 403, 200),
    row("get", "/v1/audit-logs/{audit_id}", READ, 200, 200),
    row("get", "/v1/audit-logs/{audit_id}/history", READ, 200, 200),
    row("get", "/v1/jobs/{job_id}", VERIFY, 404, 404),
    row("get", "/v1/proofs/inclusion", INSPECT, 403, 200),
    row("get", "/v1/proofs/consistency", INSPECT, 403, 200),
    row("get", "/v1/segments", INSPECT, 403, 200),
    row("post", "/v1/segments/seal", OPERATE, 403, 200),
    row("get", "/v1/anchors", INSPECT, 403, 200),
    row("get", "/v1/anchors/{date}", INSPECT, 403, 404),
    row("post", "/v1/writecheck", OPERATE, 200, 200),
    row("get", "/checkpoint", INSPECT, 403, 200),
    row("get", "/healthz", ANYBODY, 200, 200),
    row("get", "/readyz", ANYBODY, 200, 200),
    row("get", "/openapi.json", ANYBODY, 200, 200),
    row("get", "/schemas/record.json", ANYBODY, 200, 200),
];

/// Not in the document: C2SP paths can't be written there, metrics and pages are no interface.
const BESIDE: &[Row] = &[
    row("get", "/tile/0/000.p/24", INSPECT, 403, 200),
    row("get", "/metrics", ANYBODY, 200, 200),
    row("get", "/docs/", ANYBODY, 200, 200),
];

/// Path and body of a question, for a place whose own it is.
fn question(world: &World, row: &Row, place: usize, number: usize) -> (String, String) {
    let facility = FACILITIES[place];
    let path = row.path.replace("{audit_id}", &world.id(place, number));
    let path = path.replace("{job_id}", "0123456789abcdef0123456789abcdef");
    let path = path.replace("{date}", "1999-01-01");
    match row.path {
        "/v1/audit-logs" if row.method == "post" => {
            let id = json!({"audit_id": null, "actor_id": facility});
            (path, record(facility, number, &id).to_string())
        }
        "/v1/audit-logs/search" => {
            (path, json!({"actor_id": [format!("{facility}-actor")]}).to_string())
        }
        "/v1/audit-logs/integrity-check" => {
            (path, json!({"first_seq": 0, "last_seq": 3}).to_string())
        }
        "/v1/proofs/inclusion" => (path + "?seq=1", String::new()),
        "/v1/proofs/consistency" => (path + "?old=1&new=3", String::new()),
        _ => (path, String::new()),
    }
}

fn ask(world: &World, row: &Row, token: Option<&str>, (path, body): &(String, String)) -> Answer {
    let kind: &[(&str, &str)] =
        if body.is_empty() { &[] } else { &[("content-type", "application/json")] };
    let method = row.method.to_uppercase();
    world.server.ask(&request(&method, path, token, kind, body.as_bytes()))
}

#[test]
fn every_endpoint_of_the_document_is_in_the_table() {
    let document = shoseki_server::api::document();
    let mut documented: Vec<(String, String)> = Vec::new();
    for (path, item) in document["paths"].as_object().unwrap() {
        let methods = item.as_object().unwrap().keys();
        let methods = methods.filter(|name| {
            ["get", "put", "post", "delete", "options", "head", "patch", "trace"]
                .contains(&name.as_str())
        });
        documented.extend(methods.map(|method| (method.clone(), path.clone())));
    }
    let mut known: Vec<(String, String)> =
        TABLE.iter().map(|row| (row.method.to_owned(), row.path.to_owned())).collect();
    documented.sort();
    known.sort();
    assert_eq!(documented, known);
}

#[test]
fn everybody_is_answered_what_the_table_says_and_nothing_of_others() {
    let world = World::new();
    let mut asked = 0;
    for row in TABLE.iter().chain(BESIDE) {
        for (place, facility) in FACILITIES.iter().enumerate() {
            let question = question(&world, row, place, 3);
            let what = format!("{} {}", row.method, row.path);
            let answer = ask(&world, row, None, &question);
            let expected = if row.roles.is_empty() { row.all } else { 401 };
            assert_eq!(answer.status, expected, "{what} by nobody: {}", answer.text());
            world.check(place, &answer, &what);
            for role in Role::ALL {
                for scope in [*facility, "*"] {
                    // Somebody of everywhere has a name that is nobody else's business.
                    let writes = role == Role::Writer;
                    let subject =
                        if scope == "*" && !writes { "everywhere-auditor" } else { "somebody" };
                    let token = world.server.token(subject, &[role], &[scope]);
                    let answer = ask(&world, row, Some(&token), &question);
                    let may = row.roles.is_empty() || row.roles.contains(&role);
                    let expected = match (may, scope) {
                        (false, _) => 403,
                        (true, "*") => row.all,
                        (true, _) => row.one,
                    };
                    let what = format!("{what} by {} of {scope}", role.as_str());
                    assert_eq!(answer.status, expected, "{what}: {}", answer.text());
                    if scope != "*" {
                        world.check(place, &answer, &what);
                    }
                    asked += 1;
                }
            }
        }
    }
    assert_eq!(asked, (TABLE.len() + BESIDE.len()) * 20);
}

/// All forms and pages of everything that one facility may see.
#[test]
fn no_form_of_an_answer_holds_anything_of_others() {
    let world = World::new();
    // The server's own records of everybody are there too.
    for facility in FACILITIES.iter().chain(&["*"]) {
        let token =
            world.server.token(&format!("{facility}-reader"), &[Role::Auditor], &[facility]);
        world.server.get("/v1/audit-logs?patient_id=x", &token);
        world.server.get("/v1/audit-logs?limit=0", &token);
        world.server.get("/v1/segments", &token);
    }
    for (place, facility) in FACILITIES.iter().enumerate() {
        let token = world.auditor(facility);
        let mut seen = 0;
        for accept in ["application/json", "application/x-ndjson", "text/csv"] {
            for query in ["", "?order=asc", "?order=seq", "?include_self=false", "?limit=1000"] {
                let path = format!("/v1/audit-logs{query}");
                let asked = request("GET", &path, Some(&token), &[("accept", accept)], b"");
                let answer = world.server.ask(&asked);
                assert_eq!(answer.status, 200);
                assert!(answer.whole);
                world.check(place, &answer, &format!("{path} as {accept}"));
                seen += answer.text().matches(&format!("{facility}-actor")).count();
            }
        }
        assert!(seen >= 15 * 24, "{seen}");
        let mut path = "/v1/audit-logs?limit=7".to_owned();
        loop {
            let answer = world.server.get(&path, &token);
            world.check(place, &answer, &path);
            let Value::String(cursor) = answer.json()["next_cursor"].clone() else { break };
            path = format!("/v1/audit-logs?limit=7&cursor={cursor}");
        }
    }
}

#[test]
fn statistics_count_ones_own_only() {
    let world = World::new();
    for (place, facility) in FACILITIES.iter().enumerate() {
        let token = world.auditor(facility);
        for query in
            ["", "?bucket=day", "?top=1000&include_self=true", "?bucket=month&utc_offset=Z"]
        {
            let path = format!("/v1/audit-logs/stats{query}");
            let answer = world.server.get(&path, &token);
            world.check(place, &answer, &path);
            let stats = answer.json();
            let of_facilities = stats["by_facility"].as_object().unwrap();
            assert_eq!(of_facilities.keys().collect::<Vec<_>>(), [facility], "{path}");
            if !query.contains("include_self") {
                assert_eq!(stats["total"], 24, "{path}");
                assert_eq!(stats["by_result"]["failure"], 8);
            }
            for member in ["total", "erased", "unreadable"] {
                assert!(stats[member].is_u64(), "{member}");
            }
        }
    }
}
