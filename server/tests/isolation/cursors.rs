//! Cursors in the hands of others, and cursors that were made up.

use shoseki_server::identity::Role;

use crate::world::{FACILITIES, World};

fn cursor(world: &World, token: &str, query: &str) -> String {
    let answer = world.server.get(&format!("/v1/audit-logs?limit=5{query}"), token);
    answer.json()["next_cursor"].as_str().unwrap().to_owned()
}

#[test]
fn a_cursor_is_of_one_subject_its_facilities_and_one_filter() {
    let world = World::new();
    let [one, two] = FACILITIES;
    let subject = "a-reader";
    let token =
        |name: &str, facilities: &[&str]| world.server.token(name, &[Role::Auditor], facilities);
    let given = cursor(&world, &token(subject, &[one]), "");
    let ask = |token: &str, query: &str| {
        world.server.get(&format!("/v1/audit-logs?cursor={given}{query}"), token)
    };
    assert_eq!(ask(&token(subject, &[one]), "").status, 200);
    assert_eq!(ask(&token(subject, &[one]), "&limit=9").status, 200, "a page may be longer");
    for (who, query) in [
        (token("another", &[one]), ""),
        (token(subject, &[two]), ""),
        (token(subject, &[one, two]), ""),
        (token(subject, &["*"]), ""),
        (token("another", &["*"]), ""),
        (token(subject, &[one]), "&action=x"),
        (token(subject, &[one]), "&order=asc"),
        (token(subject, &[one]), "&order=seq"),
        (token(subject, &[one]), &format!("&facility_id={one}")),
        (token(subject, &[one]), "&include_self=false"),
    ] {
        let answer = ask(&who, query);
        assert_eq!(answer.status, 400, "{query} {}", answer.text());
        assert!(answer.text().contains("REQUEST-400-cursor"));
        assert!(!answer.text().contains("seq\""), "{}", answer.text());
    }
    let of_all = cursor(&world, &token(subject, &["*"]), "");
    let path = format!("/v1/audit-logs?cursor={of_all}");
    assert_eq!(world.server.get(&path, &token(subject, &[one])).status, 400);
}

#[test]
fn no_byte_of_a_cursor_can_be_changed() {
    let world = World::new();
    let token = world.auditor(FACILITIES[0]);
    let given = cursor(&world, &token, "&include_self=false");
    let mut client = world.server.connect();
    let mut ask = |cursor: &str| {
        let path = format!("/v1/audit-logs?include_self=false&cursor={cursor}");
        client.send(&crate::harness::request("GET", &path, Some(&token), &[], b""));
        client.answer().status
    };
    assert_eq!(ask(&given), 200);
    let (key, rest) = given.split_once('.').unwrap();
    for at in 0..given.len() {
        let mut bytes = given.clone().into_bytes();
        bytes[at] = if bytes[at] == b'A' { b'B' } else { b'A' };
        let status = ask(std::str::from_utf8(&bytes).unwrap());
        // Another key id that could be one is a key of before.
        let gone = at < key.len() && bytes[at].is_ascii_hexdigit();
        assert_eq!(status, if gone { 410 } else { 400 }, "at {at}");
        assert_eq!(ask(&given[..at]).clamp(400, 410), ask(&given[..at]), "cut at {at}");
    }
    for made_up in [
        "",
        ".",
        "..",
        "...",
        "%00",
        "%C3%A9",
        &format!("{key}."),
        &format!("{given}."),
        &format!("{given}{given}"),
        rest,
        &format!("{key}..{rest}"),
        &"A".repeat(900),
    ] {
        assert_eq!(ask(made_up), 400, "{made_up:?}");
    }
}

#[test]
fn a_cursor_outlives_the_server_but_not_its_key() {
    let world = World::new();
    let token = world.auditor(FACILITIES[0]);
    let path = format!("/v1/audit-logs?cursor={}", cursor(&world, &token, ""));
    let server = world.server.again(|_| {});
    assert_eq!(server.get(&path, &token).status, 200);
    let server = server.again(|dir| std::fs::remove_file(dir.join("keys/cursors.key")).unwrap());
    assert_eq!(server.get(&path, &token).status, 410);
}
