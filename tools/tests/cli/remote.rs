//! Commands with `--url` say what they say of a directory.

use serde_json::Value;

use crate::server::{Server, answer, fake};
use crate::support::{Place, Run, record};

/// A record of a facility, without an identifier where `id` is false.
fn placed(n: usize, id: bool) -> String {
    let text = record(n).replacen('{', "{\"facility_id\":\"F1\",", 1);
    let id_text = format!("\"audit_id\":\"00000000-0000-4000-8000-{n:012}\",");
    if id { text } else { text.replacen(&id_text, "", 1) }
}

fn lines(range: std::ops::Range<usize>, id: bool) -> String {
    range.map(|n| placed(n, id)).collect::<Vec<_>>().join("\n")
}

#[test]
fn a_server_answers_as_its_directory_does() {
    let place = Place::new();
    let server = Server::of(&place);
    let url = &server.url.clone();
    // More than one request, and more than one page.
    let run = place.run_with(&["append", "--url", url], &lines(0..1200, true)).ended(0);
    let receipts = run.lines();
    assert_eq!(receipts.len(), 1200);
    assert_eq!(run.out.lines().next().expect("one").matches("\":").count(), 4, "{}", run.out);
    assert!(run.err.contains("1200 appended"), "{}", run.err);

    let checkpoint = place.run(&["checkpoint", "--url", url, "--json"]).ended(0).lines().remove(0);
    assert!(checkpoint["tree_size"].as_u64().expect("a size") >= 1200, "{checkpoint}");

    let id = receipts[7]["audit_id"].as_str().expect("an id");
    let seq = receipts[7]["seq"].to_string();
    let own = ["--not-ingested-by", "shoseki"];
    let commands: [&[&str]; 11] = [
        &["query", "--actor-id", "O'Neill"],
        &["query", "--patient-id", "P7", "--order", "asc"],
        &["query", "--action", "READ_*", "--limit", "3"],
        &["query", "--word", "佐藤", "--detail", "dose=1.10", "--limit", "2"],
        &["stats", "--facility", "F1", "--by", "hour", "--utc-offset", "+09:00"],
        &["stats", "--top", "2"],
        &["export", "--facility", "F1"],
        &["export", "--format", "csv", "--result", "success", "--bom"],
        &["show", id],
        &["show", seq.as_str()],
        &["show", "0"],
    ];
    let commands = commands.map(|args| {
        let filters = if args[0] == "show" { &[][..] } else { &own[..] };
        [args, filters].concat()
    });
    let asked = commands.each_ref().map(|args| {
        let args = [&args[..], &["--url", url]].concat();
        place.run(&args).ended(0).out
    });
    server.end();
    for (args, there) in commands.iter().zip(asked) {
        let here = place.run(args).ended(0).out;
        let differs = there.lines().zip(here.lines()).find(|(there, here)| there != here);
        assert_eq!(differs, None, "{args:?}");
        assert_eq!(there.lines().count(), here.lines().count(), "{args:?}");
        assert!(!there.is_empty(), "{args:?}");
    }
}

#[test]
fn a_page_goes_on_where_the_one_before_ended() {
    let place = Place::new();
    let server = Server::of(&place);
    let url = server.url.as_str();
    place.run_with(&["append", "--url", url], &lines(0..5, true)).ended(0);
    let page = ["query", "--url", url, "--facility", "F1", "--limit", "3", "--explain"];
    let run = place.run(&page).ended(0);
    assert!(run.err.contains("matched     "), "{}", run.err);
    let (_, cursor) = run.err.split_once("--cursor ").expect("a cursor");
    let cursor = cursor.lines().next().expect("a cursor").to_owned();
    let next: Vec<&str> = page.into_iter().chain(["--cursor", cursor.as_str()]).collect();
    let seqs: Vec<Value> = [run, place.run(&next).ended(0)]
        .iter()
        .flat_map(Run::lines)
        .map(|line| line["seq"].clone())
        .collect();
    assert_eq!(seqs.len(), 5);
    assert!(seqs.windows(2).all(|pair| pair[0].as_u64() > pair[1].as_u64()), "{seqs:?}");
}

#[test]
fn refused_lines_are_named_and_a_repeat_is_told() {
    let place = Place::new();
    let server = Server::of(&place);
    let url = &server.url.clone();
    let append = ["append", "--url", url, "--facility", "F9"];
    let array = format!("[{},\n 7,\n{}]", record(2), record(3));
    let input = [&record(0), "{\"timestamp\":", &record(1), &array, "{\"seq\":1}"].join("\n");
    let run = place.run_with(&append, &input).ended(2);
    assert_eq!(run.lines().len(), 4);
    for begin in ["line 2: not JSON: column ", "line 5, record 1: ", "line 7: /"] {
        assert!(run.err.lines().any(|line| line.starts_with(begin)), "{begin}: {}", run.err);
    }
    assert!(run.err.contains("4 appended") && run.err.contains("3 refused"), "{}", run.err);
    let run = place.run_with(&append, &record(0)).ended(0);
    assert_eq!(run.lines()[0]["duplicate"], true);
    let other = record(0).replace("success", "failure");
    let run = place.run_with(&append, &other).ended(2);
    assert!(run.err.contains("line 1: conflict: "), "{}", run.err);
    // Without an id the same line is a new record.
    let run = place.run_with(&append, &placed(0, false)).ended(0);
    assert_eq!(run.lines()[0].get("duplicate"), None);
    server.end();
    let found = place.run(&["query", "--facility", "F9"]).ended(0).lines();
    assert_eq!(found.len(), 4);
}

#[test]
fn what_a_server_says_no_to_is_said_with_its_reason() {
    let place = Place::new();
    let server = Server::of(&place);
    let url = &server.url.clone();
    std::fs::write(place.path("token"), "a.b.c").expect("written");
    let token = place.text("token");
    let run = place.run(&["query", "--url", url, "--token-file", &token]).ended(3);
    assert!(run.err.contains("401") && run.err.contains("--token-file"), "{}", run.err);
    let run =
        place.run_with(&["append", "--url", url, "--token-file", &token], &record(0)).ended(3);
    assert!(run.err.contains("not acknowledged: line 1, "), "{}", run.err);
    // The token of the variable goes before that of the directory.
    let mut command = place.command(&["query", "--url", url]);
    let status = command.env("SHOSEKI_TOKEN", "a.b.c").status().expect("ended");
    assert_eq!(status.code(), Some(3));
    place.run(&["query", "--url", url, "--cursor", "nothing"]).ended(2);
    place.run(&["show", "--url", url, "99999"]).ended(2);
    place.run(&["show", "--url", url, "00000000-0000-4000-8000-000000000000"]).ended(2);
    place.run(&["stats", "--url", url, "--actor-id", "a"]).ended(2);
    place.run(&["append", "--url", url, "--producer", "p"]).ended(2);
    place.run(&["verify", "--url", url, "."]).ended(2);
    place.run(&["query", "--url", "nowhere"]).ended(2);
    drop(server);
    let run = place.run(&["checkpoint", "--url", url]).ended(3);
    assert!(run.err.contains("whether the server runs"), "{}", run.err);
}

#[test]
fn a_record_whose_bytes_a_server_changed_is_damaged() {
    let place = Place::with_records(2);
    let line = place.run(&["export"]).ended(0).out.lines().next().expect("one").to_owned();
    let changed = line.replace("\"result\":\"success\"", "\"result\":\"failure\"");
    let page = format!("{{\"records\":[{changed},{line}],\"next_cursor\":null}}");
    let url = fake(move |_| answer("200 OK", "application/json", &page));
    let run = place.run(&["query", "--url", &url]).ended(1);
    assert_eq!(run.lines()[0]["integrity_status"], "tampered", "{}", run.out);
    assert!(run.lines()[0].get("result").is_none());
    assert_eq!(run.lines()[1]["integrity_status"], "valid");
}

#[test]
fn names_stand_in_bodies_and_the_token_in_its_header() {
    let place = Place::new();
    std::fs::write(place.path("token"), "a.b.c\n").expect("written");
    let (send, asked) = std::sync::mpsc::channel();
    let url = fake(move |asked| {
        let seen = [asked.target.clone(), asked.head.clone(), asked.body.clone()];
        send.send(seen).expect("the test waits");
        answer("200 OK", "application/json", "{\"records\":[],\"next_cursor\":null}")
    });
    let token = place.text("token");
    place.run(&["query", "--url", &url, "--token-file", &token, "--word", "佐藤"]).ended(0);
    let [target, head, body] = asked.recv().expect("a request");
    assert_eq!(target, "/v1/audit-logs/search");
    assert!(head.contains("authorization: Bearer a.b.c\r\n"), "{head}");
    assert!(body.contains("佐藤") && !head.contains("佐藤"), "{body}");
}
