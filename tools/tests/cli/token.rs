//! `shoseki token`: what it signs, the server takes; what it can't sign, it says.

use serde_json::Value;
use shoseki_server::config::Settings;
use shoseki_server::identity::{KeySet, Signed, SigningKey, prepare_development};

use crate::support::Place;

/// A place with a private key in `key.pem`.
fn with_key() -> Place {
    let place = Place::new();
    let (_, pem) = SigningKey::generate().expect("a key");
    std::fs::write(place.path("key.pem"), pem).expect("written");
    place
}

fn issue<'a>(key: &'a str, more: &[&'a str]) -> Vec<&'a str> {
    let mut args = vec!["token", "issue", "--key", key, "--kid", "k1", "--subject", "clinic-app"];
    args.extend(["--role", "writer", "--facility", "F1"]);
    args.extend(more);
    args
}

#[test]
fn what_is_issued_verifies_with_the_printed_set() {
    let place = with_key();
    let key = place.text("key.pem");
    let set = place.run(&["token", "jwks", "--key", &key, "--kid", "k1"]).ended(0).out;
    assert!(!set.contains("\"d\""), "nothing private");
    let keys = KeySet::parse(set.as_bytes()).expect("a set");

    let more = ["--role", "auditor", "--ttl", "2h", "--issuer", "i", "--audience", "a", "--json"];
    let run = place.run(&issue(&key, &more)).ended(0);
    let line = run.lines().remove(0);
    let token = line["token"].as_str().expect("a token");
    let signed = Signed::open(token.as_bytes(), &keys).expect("it verifies");
    let claims: Value = serde_json::from_slice(&signed.payload).expect("claims");
    assert_eq!(line["claims"], claims);
    assert_eq!((&claims["iss"], &claims["aud"]), (&"i".into(), &"a".into()));
    assert_eq!(claims["sub"], "clinic-app");
    assert_eq!(claims["roles"], serde_json::json!(["writer", "auditor"]));
    assert_eq!(claims["facilities"], serde_json::json!(["F1"]));
    let times = [&claims["exp"], &claims["iat"]].map(|time| time.as_i64().expect("a time"));
    assert_eq!(times[0] - times[1], 2 * 60 * 60);

    let plain = place.run(&issue(&key, &[])).ended(0).out;
    assert_eq!(plain.lines().count(), 1);
    assert!(Signed::open(plain.trim_end().as_bytes(), &keys).is_ok());
    let again = place.run(&issue(&key, &[])).ended(0).out;
    assert_ne!(plain, again, "each has its own id");
}

#[test]
fn the_key_of_the_data_directory_is_used_where_none_is_named() {
    let place = Place::new();
    let settings = Settings::development(&place.log());
    let args = ["token", "issue", "--subject", "a", "--role", "admin", "--facility", "*"];
    let none = place.run(&args).ended(3);
    assert!(none.err.contains("--key"), "{}", none.err);
    prepare_development(&settings, 1_800_000_000).expect("keys");
    let token = place.run(&args).ended(0).out;
    let keys = std::fs::read(&settings.identity.keys).expect("the set");
    let keys = KeySet::parse(&keys).expect("keys");
    assert!(Signed::open(token.trim_end().as_bytes(), &keys).is_ok());
}

#[test]
fn a_token_is_shown_unjudged() {
    let place = with_key();
    let token = place.run(&issue(&place.text("key.pem"), &[])).ended(0).out;
    let (message, _) = token.trim_end().rsplit_once('.').expect("three parts");
    // Without a signature: it is shown all the same, and said.
    let run = place.run(&["token", "show", &format!("{message}.")]).ended(0);
    assert!(run.err.contains("not checked"), "{}", run.err);
    assert_eq!(run.lines()[0]["claims"]["sub"], "clinic-app");
    assert_eq!(run.lines()[0]["header"]["kid"], "k1");
    let piped = place.run_with(&["token", "show", "-"], &token).ended(0);
    assert_eq!(piped.lines()[0]["claims"]["sub"], "clinic-app");
    for wrong in ["", "a.b.c", "text", "{}"] {
        place.run(&["token", "show", wrong]).ended(2);
    }
    place.run_with(&["token", "show", "-"], &"a".repeat(10_000)).ended(2);
}

#[test]
fn what_no_server_would_take_is_not_issued() {
    let place = with_key();
    let key = place.text("key.pem");
    for (name, value) in [
        ("--subject", "shoseki"),
        ("--subject", "a#b"),
        ("--role", "gardener"),
        ("--ttl", "0s"),
        ("--ttl", "1"),
    ] {
        let mut args = vec!["token", "issue", "--key", &key, "--facility", "F1"];
        for (other, usual) in [("--subject", "a"), ("--role", "writer")] {
            args.extend([other, if name == other { value } else { usual }]);
        }
        if name == "--ttl" {
            args.extend([name, value]);
        }
        let run = place.run(&args).ended(2);
        assert_eq!(run.out, "", "{name} {value}");
    }
    place.run(&issue(&key, &["--facility", "*"])).ended(2);
    std::fs::write(place.path("other.pem"), "no key").expect("written");
    let other = place.text("other.pem");
    assert!(place.run(&issue(&other, &[])).ended(2).err.contains("PKCS#8"));
    place.run(&issue(&place.text("none.pem"), &[])).ended(3);
    let long = place.run(&issue(&key, &["--ttl", "2d"])).ended(0);
    assert!(long.err.contains("24h"), "{}", long.err);
}
