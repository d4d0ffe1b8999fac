//! Keys and deny list that change, failures that add up, networks and logins.

use http::HeaderValue;
use serde_json::json;
use shoseki_server::identity::{
    FAILURES_PER_MINUTE, Identities, IdentityError, Refusal, Role, Roles, SigningKey,
};

use crate::support::{NOW, Place, bearer, claims, ed25519, p256, rsa, set_text};

fn token(key: &SigningKey) -> String {
    key.token(&claims(&json!({}))).unwrap()
}

#[test]
fn keys_rotate_by_kid_without_a_restart() {
    let place = Place::new();
    let identities = place.identities();
    let (old, new) = (token(&place.key), p256("k2"));
    let new_token = token(&new);
    assert!(place.ask(&identities, &old, NOW).is_ok());
    assert_eq!(place.ask(&identities, &new_token, NOW), Err(Refusal::UnknownKey));

    place.write("keys.jwks", &set_text(&[&place.key, &new]));
    let caller = place.ask(&identities, &old, NOW + 1).unwrap();
    assert!(place.ask(&identities, &new_token, NOW + 1).is_ok());

    place.write("keys.jwks", &set_text(&[&new]));
    assert_eq!(place.ask(&identities, &old, NOW + 2), Err(Refusal::UnknownKey));
    assert_eq!(identities.still(&caller, NOW + 2), Err(Refusal::UnknownKey), "streams too");
    assert!(place.ask(&identities, &new_token, NOW + 2).is_ok());

    place.write("keys.jwks", "{");
    assert!(place.ask(&identities, &new_token, NOW + 3).is_ok(), "a broken file keeps the keys");
    let faults = identities.faults();
    assert!(faults.len() == 1 && faults[0].contains("keys.jwks"), "{faults:?}");
    place.write("keys.jwks", &set_text(&[&place.key]));
    assert!(place.ask(&identities, &old, NOW + 4).is_ok());
    assert_eq!(identities.faults(), Vec::<String>::new());
}

#[test]
fn an_old_name_with_a_new_key_takes_over() {
    let place = Place::new();
    let identities = place.identities();
    let old = token(&place.key);
    assert!(place.ask(&identities, &old, NOW).is_ok());
    let other = ed25519("k1");
    place.write("keys.jwks", &set_text(&[&other]));
    assert_eq!(place.ask(&identities, &old, NOW + 1), Err(Refusal::Signature));
    assert!(place.ask(&identities, &token(&other), NOW + 1).is_ok());
}

#[test]
fn key_sets_that_can_not_be_trusted_stop_the_start() {
    let place = Place::new();
    let key = place.key.public_jwk();
    let without = |name: &str| {
        let mut key = key.clone();
        key.as_object_mut().unwrap().remove(name);
        key
    };
    let with = |name: &str, value: &str| {
        let mut key = key.clone();
        key.as_object_mut().unwrap().insert(name.to_owned(), json!(value));
        key
    };
    let rsa = rsa("k2").public_jwk();
    let mut padded = rsa.clone();
    padded["n"] = json!(format!("{}=", padded["n"].as_str().unwrap()));
    for (keys, part) in [
        (json!([key, key]), "stands twice"),
        (json!([without("kid")]), "`kid` is missing"),
        (json!([with("kid", "")]), "`kid` has 1"),
        (json!([with("d", "AA")]), "`d` belongs"),
        (json!([key, { "kty": "oct", "kid": "s", "k": "AA" }]), "`k` belongs"),
        (json!([{ "kty": "oct", "kid": "s" }]), "symmetric"),
        (json!([with("alg", "HS256")]), "`alg`"),
        (json!([with("alg", "none")]), "`alg`"),
        (json!([with("crv", "X25519")]), "`crv`"),
        (json!([with("crv", "Ed448")]), "`crv`"),
        (json!([with("x", "AAAA")]), "32 bytes"),
        (json!([with("kty", "EC")]), "`crv`"),
        (json!([with("kty", "XX")]), "not known"),
        (json!([without("kty")]), "`kty` is missing"),
        (json!([padded]), "base64url"),
        (json!([with("use", "enc")]), "no key for signatures"),
        (json!([]), "no key for signatures"),
        (json!(["key"]), "not an object"),
        (json!({}), "no array"),
    ] {
        place.write("keys.jwks", &json!({ "keys": keys }).to_string());
        let error = Identities::open(&place.settings).err().unwrap();
        assert!(matches!(error, IdentityError::Keys(_)));
        assert!(error.to_string().contains(part), "{error} says nothing of {part}");
    }
    // Keys for encryption beside ours are common and do no harm.
    let mut encryption = rsa;
    encryption["use"] = json!("enc");
    encryption["alg"] = json!("RSA-OAEP");
    place.write("keys.jwks", &json!({ "keys": [encryption, key] }).to_string());
    assert!(place.judge(&token(&place.key)).is_ok());
}

#[test]
fn who_is_on_the_list_is_out_at_once() {
    let mut place = Place::new();
    let list = place.write("deny.toml", "");
    place.settings.identity.deny_list = Some(list);
    let identities = place.identities();
    let token = token(&place.key);
    let caller = place.ask(&identities, &token, NOW).unwrap();
    let mut now = NOW;
    for (name, text, denied) in [
        ("jti", "jti = ['t1']", true),
        ("sub", "sub = ['clinic-app']", true),
        ("kid", r#"{"kid":["k1"]}"#, true),
        ("others", "jti = ['clinic-app', 'k1']\nsub = ['t1']\nkid = ['t1']", false),
    ] {
        place.write("deny.toml", text);
        now += 1;
        let expected = if denied { Err(Refusal::Denied) } else { Ok(()) };
        assert_eq!(place.ask(&identities, &token, now).map(|_| ()), expected, "{name}");
        assert_eq!(identities.still(&caller, now), expected, "{name}");
    }
    place.write("deny.toml", "sub = ['clinic-app'");
    assert!(place.ask(&identities, &token, now + 1).is_ok(), "the list of before stands");
    assert_eq!(identities.faults().len(), 1);
    assert!(matches!(Identities::open(&place.settings), Err(IdentityError::DenyList(_))));
}

#[test]
fn authority_ends_with_the_token() {
    let place = Place::new();
    let identities = place.identities();
    let caller = place.ask(&identities, &token(&place.key), NOW).unwrap();
    let end = NOW + 3600;
    assert_eq!(identities.still(&caller, end + 59), Ok(()));
    assert_eq!(identities.still(&caller, end + 60), Err(Refusal::Expired));
}

#[test]
fn a_source_that_fails_too_often_is_not_heard() {
    let place = Place::new();
    let identities = place.identities();
    let numbered = |id: u32| {
        let claims = claims(&json!({ "jti": format!("t{id}") }));
        bearer(&place.key.token(&claims).unwrap())
    };
    let (good, peer, bad) = (numbered(0), place.peer(), bearer("a.b.c"));
    let ask =
        |header: &HeaderValue, now| identities.authenticate([header], None, peer, now).map(|_| ());
    for id in 0..FAILURES_PER_MINUTE * 3 {
        assert_eq!(ask(&numbered(id), NOW), Ok(()), "success never counts");
        assert_eq!(identities.authenticate([], None, peer, NOW), Err(Refusal::Missing));
    }
    for _ in 0..FAILURES_PER_MINUTE {
        assert_eq!(ask(&bad, NOW), Err(Refusal::Form));
    }
    let Err(Refusal::Limited { retry_after }) = ask(&bad, NOW) else { panic!("still heard") };
    assert!((1..=60).contains(&retry_after));
    let new = numbered(1_000_000);
    assert_eq!(ask(&new, NOW), Err(Refusal::Limited { retry_after }), "no signature is computed");
    assert_eq!(ask(&good, NOW), Ok(()), "one that was verified before costs none");
    assert!(place.ask(&identities, &token(&place.key), NOW).is_ok(), "others are heard");
    assert_eq!(ask(&new, NOW + i64::from(retry_after)), Ok(()));
    assert_eq!(ask(&bad, NOW + 120), Err(Refusal::Form), "forgiven");
}

#[test]
fn a_token_that_was_verified_before_still_ends() {
    let place = Place::new();
    let identities = place.identities();
    let token = token(&place.key);
    assert!(place.ask(&identities, &token, NOW).is_ok());
    assert!(place.ask(&identities, &token, NOW + 3600 + 59).is_ok());
    assert_eq!(place.ask(&identities, &token, NOW + 3600 + 60), Err(Refusal::Expired));
    let padded = identities.authenticate([&bearer(&format!("{token} "))], None, place.peer(), NOW);
    assert_eq!(padded, Err(Refusal::Form));
}

#[test]
fn roles_stay_in_their_networks() {
    let mut place = Place::new();
    let networks = vec!["10.0.0.0/8".parse().unwrap(), "2001:db8::/32".parse().unwrap()];
    place.settings.identity.allow_networks.insert(Role::Auditor, networks);
    let identities = place.identities();
    let ask = |roles: &[&str], peer: &str| -> Result<Roles, Refusal> {
        let header = bearer(&place.key.token(&claims(&json!({ "roles": roles }))).unwrap());
        let answer = identities.authenticate([&header], None, peer.parse().unwrap(), NOW);
        answer.map(|caller| caller.roles)
    };
    let both = Roles::of(&[Role::Auditor, Role::Writer]);
    for inside in ["10.1.2.3", "::ffff:10.1.2.3", "2001:db8::1"] {
        assert_eq!(ask(&["auditor", "writer"], inside), Ok(both), "{inside}");
    }
    for outside in ["192.0.2.1", "2001:db9::1", "::1"] {
        assert_eq!(ask(&["auditor", "writer"], outside), Ok(Roles::of(&[Role::Writer])));
        assert_eq!(ask(&["auditor"], outside), Err(Refusal::Network), "{outside}");
    }
}

#[test]
fn threads_share_identities() {
    fn shared<T: Send + Sync>() {}
    shared::<Identities>();
}

#[test]
fn a_login_is_told_once() {
    let place = Place::new();
    let identities = place.identities();
    let first = place.ask(&identities, &token(&place.key), NOW).unwrap();
    let again = place.ask(&identities, &token(&place.key), NOW + 5).unwrap();
    assert!(identities.first_use(&first));
    assert!(!identities.first_use(&again));
    let other = place.key.token(&claims(&json!({ "jti": "t2" }))).unwrap();
    assert!(identities.first_use(&place.ask(&identities, &other, NOW).unwrap()));
}
