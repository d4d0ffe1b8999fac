//! What a client says comes back nowhere where it could be taken for something else.

use serde_json::{Value, json};

use crate::harness::{Server, request};
use crate::line;

#[test]
fn ids_with_anything_odd_are_replaced() {
    let server = Server::start(|_| {});
    let token = server.token_of_all();
    let long = "a".repeat(129);
    for odd in ["", " ", "a b", "a\tb", "\"", "<b>", "é", "a,b", "a;b", "a/b", "%0d%0a", &long] {
        let headers = [("x-request-id", odd), ("x-run-id", odd), ("traceparent", odd)];
        let answer = server.ask(&request("GET", "/nothing", Some(&token), &headers, b""));
        let id = answer.header("x-request-id").unwrap();
        assert!(id != odd && id.len() == 36, "{odd:?}: {id}");
        assert_eq!(answer.json()["requestId"], id);
        assert!(answer.header("traceparent").unwrap().starts_with("00-"));
    }
    // Twice is none.
    let headers = [("x-request-id", "one"), ("x-request-id", "two")];
    let answer = server.ask(&request("GET", "/nothing", Some(&token), &headers, b""));
    assert_eq!(answer.header("x-request-id").map(str::len), Some(36));
}

#[test]
fn nothing_that_was_sent_becomes_markup_or_a_header() {
    let server = Server::start(|_| {});
    let token = server.token_of_all();
    for path in [
        "/%3Cscript%3Ealert(1)%3C/script%3E",
        "/v1/audit-logs?%3Cscript%3E=1",
        "/v1/audit-logs?limit=%0d%0aset-cookie:%20a=b",
        "/v1/audit-logs?cursor=%0d%0aset-cookie:%20a=b",
        "/v1/audit-logs?limit=1&actor_id=%0d%0aset-cookie:%20a=b%3E;%20rel=%22x%22",
        "/%0d%0aset-cookie:%20a=b",
    ] {
        let answer = server.get(path, &token);
        assert_eq!(answer.header("set-cookie"), None, "{path}");
        let kind = answer.header("content-type").unwrap();
        assert!(["application/problem+json", "application/json"].contains(&kind), "{path}: {kind}");
        answer.json();
    }
    let mut client = server.connect();
    let head = format!(
        "GET /v1/audit-logs?limit=1 HTTP/1.1\r\nhost: evil.example\r\n\
         x-forwarded-host: evil.example\r\nx-forwarded-proto: https\r\n\
         forwarded: host=evil.example\r\nauthorization: Bearer {token}\r\n\r\n"
    );
    for _ in 0..2 {
        assert_eq!(server.post("/v1/audit-logs", &token, &line("linked")).status, 201);
    }
    client.send(head.as_bytes());
    let answer = client.answer();
    assert!(answer.header("link").unwrap().starts_with("</v1/audit-logs?"), "{:?}", answer.headers);
    assert!(!answer.everything().contains("evil"), "{}", answer.everything());
}

#[test]
fn other_origins_are_told_nothing() {
    let asked = [
        ("origin", "https://evil.example"),
        ("access-control-request-method", "POST"),
        ("access-control-request-headers", "authorization"),
    ];
    let server = Server::start(|_| {});
    for method in ["OPTIONS", "GET"] {
        let answer = server.ask(&request(method, "/v1/audit-logs", None, &asked, b""));
        let cors = answer.headers.iter().find(|(name, _)| name.starts_with("access-control"));
        assert_eq!(cors, None);
    }
    let server =
        Server::start(|settings| settings.cors_origins = vec!["https://good.example".to_owned()]);
    for origin in
        ["https://evil.example", "https://good.example.evil", "null", "http://good.example", "*"]
    {
        let asked = [&[("origin", origin)], &asked[1..]].concat();
        let answer = server.ask(&request("OPTIONS", "/v1/audit-logs", None, &asked, b""));
        assert_eq!(answer.header("access-control-allow-origin"), None, "{origin}");
    }
    let asked = [&[("origin", "https://good.example")], &asked[1..]].concat();
    let answer = server.ask(&request("OPTIONS", "/v1/audit-logs", None, &asked, b""));
    assert_eq!(answer.header("access-control-allow-origin"), Some("https://good.example"));
    assert_eq!(answer.header("access-control-allow-credentials"), None);
}

#[test]
fn cells_that_a_spreadsheet_would_run_are_text() {
    let server = Server::start(|_| {});
    let token = server.token_of_all();
    let odd = ["=1+1", "+1", "-1", "@x", "\tx", "\rx", "a\"b", "a\nb", "a,b"];
    for actor in odd {
        let mut record: Value = serde_json::from_str(&line(actor)).unwrap();
        record["target_id"] = json!(actor);
        record["source_ip"] = json!(actor);
        record["facility_id"] = json!(actor);
        let answer = server.post("/v1/audit-logs", &token, &record.to_string());
        assert_eq!(answer.status, 201, "{}", answer.text());
    }
    let headers = [("accept", "text/csv")];
    let asked = request("GET", "/v1/audit-logs?include_self=false", Some(&token), &headers, b"");
    let answer = server.ask(&asked);
    assert_eq!(answer.header("x-content-type-options"), Some("nosniff"));
    let text = answer.text();
    // Cells begin at a comma or a quote behind one; a quoted one begins behind the quote.
    for start in ["=", "+", "-", "@", "\t"] {
        for edge in [",", ",\"", "\n", "\n\""] {
            assert!(!text.contains(&format!("{edge}{start}")), "{edge:?}{start:?} in {text}");
        }
    }
    assert!(text.contains("'=1+1") && text.contains("\"a\"\"b\""), "{text}");
}

#[test]
fn who_is_not_trusted_can_not_say_where_it_comes_from() {
    let named = |trusted: &str| {
        let server = Server::start(|settings| {
            settings.trusted_proxies = vec![trusted.parse().unwrap()];
        });
        let token = server.token_of_all();
        let said = [("x-forwarded-for", "198.51.100.1, 192.0.2.9"), ("x-real-ip", "198.51.100.2")];
        server.ask(&request("GET", "/v1/audit-logs", Some(&token), &said, b""));
        let found = server.get("/v1/audit-logs?action=AUDIT_QUERY&order=asc", &token);
        found.json()["records"][0]["source_ip"].as_str().unwrap().to_owned()
    };
    assert_eq!(named("10.0.0.0/8"), "127.0.0.1");
    assert_eq!(named("127.0.0.0/8"), "192.0.2.9");
}

/// Thirty failures from one address shut it out, and nobody else behind the proxy.
#[test]
fn guessing_tokens_is_stopped_by_source_and_not_by_proxy() {
    let server = Server::start(|settings| {
        settings.trusted_proxies = vec!["127.0.0.1/32".parse().unwrap()];
    });
    let guess = |from: &str| {
        let said = [("x-forwarded-for", from)];
        server.ask(&request("GET", "/v1/audit-logs", Some("a.b.c"), &said, b"")).status
    };
    let statuses: Vec<u16> = (0..40).map(|_| guess("192.0.2.1")).collect();
    assert_eq!(statuses.iter().filter(|status| **status == 429).count(), 10, "{statuses:?}");
    assert_eq!(guess("192.0.2.2"), 401);
    let said = [("x-forwarded-for", "192.0.2.1")];
    let token = server.token_of_all();
    let good = server.ask(&request("GET", "/v1/audit-logs", Some(&token), &said, b""));
    assert_eq!(good.status, 429, "before any signature is computed");
}

/// Every way not to be somebody looks the same.
#[test]
fn refusals_of_tokens_say_nothing_of_why() {
    let server = Server::start(|_| {});
    let past = r#"{"exp":1000,"iat":900,"roles":["auditor"],"facilities":"*"}"#;
    let good = server.token_of_all();
    let cut = &good[..good.len() - 4];
    let tokens = [
        server.token_with(past),
        server.token_with(r#"{"aud":"other","roles":["auditor"],"facilities":"*"}"#),
        server.token_with(r#"{"roles":[],"facilities":"*"}"#),
        server.token_with(r#"{"roles":["auditor"],"facilities":[]}"#),
        server.token_with(r#"{"roles":["auditor"],"facilities":"*","sub":"shoseki"}"#),
        cut.to_owned(),
        "a.b.c".to_owned(),
        ".".repeat(5000),
    ];
    let mut seen = std::collections::BTreeSet::new();
    for token in &tokens {
        let answer = server.get("/v1/audit-logs", token);
        let mut problem = answer.json();
        for name in ["traceId", "requestId"] {
            problem.as_object_mut().unwrap().remove(name);
        }
        seen.insert((answer.status, problem.to_string()));
        assert_eq!(answer.header("www-authenticate"), Some("Bearer"));
    }
    assert_eq!(seen.len(), 1, "{seen:?}");
    assert_eq!(seen.first().map(|(status, _)| *status), Some(401));
}

/// Sizes, free space and faults of the configuration were told to anybody who could connect.
#[test]
fn clients_are_not_told_how_the_server_is_where_operators_have_their_own_listener() {
    let names = |server: &Server| -> Vec<String> {
        let answer = server.ask(&request("GET", "/readyz", None, &[], b""));
        assert_eq!(answer.status, 200);
        answer.json().as_object().unwrap().keys().cloned().collect()
    };
    let apart = Server::start(|settings| settings.admin_listen = Some(([127, 0, 0, 1], 0).into()));
    assert_eq!(names(&apart), ["ready", "reason"]);
    let answer = apart.ask(&request("GET", "/metrics", None, &[], b""));
    assert_eq!(answer.status, 404);
    assert!(names(&Server::start(|_| {})).contains(&"free_bytes".to_owned()));
}
