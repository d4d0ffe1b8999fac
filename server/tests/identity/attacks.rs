//! Attacks of our own on form and signature.

use aws_lc_rs::hmac;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use proptest::prelude::*;
use serde_json::json;
use shoseki_server::identity::{KeySet, Refusal, Signed, SigningKey, TOKEN_LEN_MAX};

use crate::support::{NOW, set_text};
use crate::support::{Place, bearer, claims, ed25519, p256, part, rsa, set, signed};

fn good(key: &SigningKey) -> String {
    key.token(&claims(&json!({}))).unwrap()
}

#[test]
fn tokens_of_all_three_algorithms_are_taken() {
    for key in [ed25519("k1"), p256("k1"), rsa("k1")] {
        let place = Place::new();
        place.write("keys.jwks", &set_text(&[&key]));
        let caller = place.judge(&good(&key)).unwrap();
        assert_eq!(caller.subject(), "clinic-app", "{}", key.algorithm());
    }
}

#[test]
fn an_algorithm_belongs_to_its_key() {
    let keys = [ed25519("k1"), p256("k2"), rsa("k3")];
    let known = set(&[&keys[0], &keys[1], &keys[2]]);
    let text = claims(&json!({})).to_string();
    for (key, own) in keys.iter().zip(["EdDSA", "ES256", "RS256"]) {
        for alg in
            ["none", "None", "NONE", "", "HS256", "EdDSA", "ES256", "RS256", "PS256", "eddsa"]
        {
            let header = json!({ "alg": alg, "kid": key.id(), "typ": "JWT" }).to_string();
            let answer = Signed::open(signed(key, &header, &text).as_bytes(), &known).err();
            let expected = (alg != own).then_some(Refusal::Algorithm);
            assert_eq!(answer, expected, "{own} as {alg}");
            let bare = format!("{}.{}.", part(&header), part(&text));
            let answer = Signed::open(bare.as_bytes(), &known).unwrap_err();
            assert_eq!(answer, expected.unwrap_or(Refusal::Signature), "{alg} without signature");
        }
        let header = json!({ "kid": key.id(), "typ": "JWT" }).to_string();
        let answer = Signed::open(signed(key, &header, &text).as_bytes(), &known).unwrap_err();
        assert_eq!(answer, Refusal::Algorithm, "none said");
        for other in &keys {
            // Signed by one key in the name of another, with the algorithm of either.
            let header = json!({ "alg": own, "kid": other.id(), "typ": "JWT" }).to_string();
            let answer = Signed::open(signed(key, &header, &text).as_bytes(), &known);
            assert_eq!(answer.is_ok(), key.id() == other.id());
            let header = json!({ "alg": other.algorithm(), "kid": other.id() }).to_string();
            let answer = Signed::open(signed(key, &header, &text).as_bytes(), &known);
            assert_eq!(answer.is_ok(), key.id() == other.id());
        }
    }
}

#[test]
fn a_public_key_is_no_secret() {
    for key in [ed25519("k1"), p256("k1"), rsa("k1")] {
        let known = set(&[&key]);
        let public = key.public_jwk();
        let coordinates = ["x", "n"].iter().find_map(|name| public[*name].as_str()).unwrap();
        let raw = URL_SAFE_NO_PAD.decode(coordinates).unwrap();
        for secret in [raw, public.to_string().into_bytes(), set_text(&[&key]).into_bytes()] {
            let header = r#"{"alg":"HS256","kid":"k1","typ":"JWT"}"#;
            let message = format!("{}.{}", part(header), part(&claims(&json!({})).to_string()));
            let mac = hmac::sign(&hmac::Key::new(hmac::HMAC_SHA256, &secret), message.as_bytes());
            let token = format!("{message}.{}", URL_SAFE_NO_PAD.encode(mac));
            assert_eq!(Signed::open(token.as_bytes(), &known).unwrap_err(), Refusal::Algorithm);
        }
    }
}

#[test]
fn keys_that_come_with_a_token_are_not_looked_at() {
    let (own, attacker) = (ed25519("k1"), ed25519("k1"));
    let known = set(&[&own]);
    let text = claims(&json!({})).to_string();
    let header = json!({
        "alg": "EdDSA", "kid": "k1", "typ": "JWT", "jwk": attacker.public_jwk(),
        "jku": "https://attacker.example/keys", "x5u": "https://attacker.example/x", "x5c": ["AA"],
    });
    let forged = signed(&attacker, &header.to_string(), &text);
    assert_eq!(Signed::open(forged.as_bytes(), &known).unwrap_err(), Refusal::Signature);
    // By the right key they say nothing.
    assert!(Signed::open(signed(&own, &header.to_string(), &text).as_bytes(), &known).is_ok());
    let stranger = json!({ "alg": "EdDSA", "kid": "k9", "jwk": attacker.public_jwk() });
    let stranger = signed(&attacker, &stranger.to_string(), &text);
    assert_eq!(Signed::open(stranger.as_bytes(), &known).unwrap_err(), Refusal::UnknownKey);
}

#[test]
fn a_kid_is_a_name_and_nothing_else() {
    let key = ed25519("k1");
    let one = set(&[&key]);
    let text = claims(&json!({})).to_string();
    let names =
        ["../keys.jwks", "/dev/null", "k1' OR '1'='1", "k1\n", "k1\0", "K1", " k1", "", "*"];
    for name in names {
        let header = json!({ "alg": "EdDSA", "kid": name, "typ": "JWT" }).to_string();
        let answer = Signed::open(signed(&key, &header, &text).as_bytes(), &one);
        assert_eq!(answer.unwrap_err(), Refusal::UnknownKey, "{name:?}");
    }
    for kid in [json!(1), json!(null), json!(["k1"]), json!({ "k1": 1 })] {
        let header = json!({ "alg": "EdDSA", "kid": kid, "typ": "JWT" }).to_string();
        let answer = Signed::open(signed(&key, &header, &text).as_bytes(), &one);
        assert_eq!(answer.unwrap_err(), Refusal::Form, "{kid}");
    }
    let nameless = signed(&key, r#"{"alg":"EdDSA","typ":"JWT"}"#, &text);
    assert!(Signed::open(nameless.as_bytes(), &set(&[&key])).is_ok(), "there is just one key");
    let two = set(&[&key, &ed25519("k2")]);
    assert_eq!(Signed::open(nameless.as_bytes(), &two).unwrap_err(), Refusal::UnknownKey);
}

#[test]
fn forms_that_are_no_token_are_refused() {
    let place = Place::new();
    let token = good(&place.key);
    let (message, signature) = token.rsplit_once('.').unwrap();
    let (header, body) = message.split_once('.').unwrap();
    let known = set(&[&place.key]);
    let forms = [
        String::new(),
        "..".to_owned(),
        ".".to_owned(),
        "x".to_owned(),
        message.to_owned(),
        format!("{token}."),
        format!("{token}.{signature}"),
        format!("{token}="),
        format!("{token} "),
        format!(".{token}"),
        format!("{header}=.{body}.{signature}"),
        format!("{header}..{signature}.{body}"),
        format!("{header} .{body}.{signature}"),
        format!("{header}.{body}\n.{signature}"),
        format!("{message}.{}", signature.replace(['-', '_'], "+")) + "+",
        json!({ "payload": body, "protected": header, "signature": signature }).to_string(),
    ];
    for form in forms {
        let answer = Signed::open(form.as_bytes(), &known);
        assert_eq!(answer.unwrap_err(), Refusal::Form, "{form:?}");
    }
    // One byte more than a signature has.
    let longer = Signed::open(format!("{token}A").as_bytes(), &known).unwrap_err();
    assert_eq!(longer, Refusal::Signature);
    // Whole inside another, as `cty: JWT` would have it.
    let header = r#"{"alg":"EdDSA","kid":"k1","typ":"JWT","cty":"JWT"}"#;
    assert_eq!(place.judge(&signed(&place.key, header, &token)), Err(Refusal::Form));
}

#[test]
fn spare_bits_are_zero() {
    let key = ed25519("k1");
    let token = good(&key);
    // The last of the 86 characters of 64 bytes carries two bits; four are spare.
    let last = token.chars().last().unwrap();
    let alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
    let value = alphabet.find(last).unwrap();
    assert_eq!(value % 16, 0);
    for spare in 1..16 {
        let other = alphabet.chars().nth(value + spare).unwrap();
        let changed = format!("{}{other}", &token[..token.len() - 1]);
        assert_eq!(Signed::open(changed.as_bytes(), &set(&[&key])).unwrap_err(), Refusal::Form);
    }
}

#[test]
fn names_that_stand_twice_are_refused() {
    let place = Place::new();
    let header = r#"{"alg":"EdDSA","kid":"k1","typ":"JWT"}"#;
    let text = claims(&json!({})).to_string();
    assert!(place.judge(&signed(&place.key, header, &text)).is_ok());
    for twice in [
        r#"{"alg":"EdDSA","alg":"EdDSA","kid":"k1","typ":"JWT"}"#,
        r#"{"alg":"EdDSA","kid":"k1","typ":"JWT","\u006bid":"k1"}"#,
    ] {
        assert_eq!(place.judge(&signed(&place.key, twice, &text)), Err(Refusal::Form), "{twice}");
    }
    let twice = text.replacen('{', r#"{"sub":"somebody","#, 1);
    assert_eq!(place.judge(&signed(&place.key, header, &twice)), Err(Refusal::Form));
    for behind in [" x", "{}", "\0"] {
        let longer = format!("{text}{behind}");
        assert_eq!(place.judge(&signed(&place.key, header, &longer)), Err(Refusal::Form));
    }
    for other in ["[]", "null", "\"text\"", "1", ""] {
        assert_eq!(place.judge(&signed(&place.key, header, other)), Err(Refusal::Form), "{other}");
        assert_eq!(place.judge(&signed(&place.key, other, &text)), Err(Refusal::Form), "{other}");
    }
}

#[test]
fn what_must_be_understood_is_not() {
    let place = Place::new();
    let text = claims(&json!({})).to_string();
    for crit in ["[]", r#"["exp"]"#, r#"["b64"]"#, "null", r#"["kid"]"#] {
        let header =
            format!(r#"{{"alg":"EdDSA","kid":"k1","typ":"JWT","b64":true,"crit":{crit}}}"#);
        let answer = place.judge(&signed(&place.key, &header, &text));
        assert_eq!(answer, Err(Refusal::Critical), "{crit}");
    }
}

#[test]
fn a_token_has_a_longest_length() {
    let place = Place::new();
    let with = |len: usize| place.key.token(&claims(&json!({ "pad": "x".repeat(len) }))).unwrap();
    let (mut longest, mut pad) = (with(0), 0);
    while with(pad + 1).len() <= TOKEN_LEN_MAX {
        pad += if longest.len() + 100 < TOKEN_LEN_MAX { 50 } else { 1 };
        longest = with(pad);
    }
    assert!(place.judge(&longest).is_ok(), "{} bytes", longest.len());
    assert_eq!(place.judge(&with(pad + 2)), Err(Refusal::Length));
    assert_eq!(place.judge(&"a.".repeat(1 << 20)), Err(Refusal::Length));
}

#[test]
fn the_header_is_bearer_and_comes_once() {
    let place = Place::new();
    let identities = place.identities();
    let token = good(&place.key);
    let ask = |text: &str| {
        let header = http::HeaderValue::from_bytes(text.as_bytes()).unwrap();
        identities.authenticate([&header], None, place.peer(), NOW).map(|_| ())
    };
    for scheme in ["Bearer", "bearer", "BEARER"] {
        assert_eq!(ask(&format!("{scheme} {token}")), Ok(()));
    }
    for text in ["", "Bearer", "Bearer ", "Basic dTpw", "Bearerx y", "Béarer x", &token] {
        assert_eq!(ask(text), Err(Refusal::Header), "{text}");
    }
    let twice = [&bearer(&token), &bearer(&token)];
    let answer = identities.authenticate(twice, None, place.peer(), NOW);
    assert_eq!(answer, Err(Refusal::Header), "even the same one");
    let nobody = identities.authenticate([], None, place.peer(), NOW);
    assert_eq!(nobody, Err(Refusal::Missing));
}

#[test]
fn every_flipped_bit_of_a_token_is_seen() {
    let key = ed25519("k1");
    let known = set(&[&key]);
    let token = good(&key).into_bytes();
    assert!(Signed::open(&token, &known).is_ok());
    for place in 0..token.len() {
        for bit in 0..8 {
            let mut changed = token.clone();
            changed[place] ^= 1 << bit;
            assert!(Signed::open(&changed, &known).is_err(), "byte {place}, bit {bit}");
        }
    }
}

struct Known {
    keys: KeySet,
    tokens: Vec<Vec<u8>>,
}

fn known() -> &'static Known {
    static KNOWN: std::sync::OnceLock<Known> = std::sync::OnceLock::new();
    KNOWN.get_or_init(|| {
        let keys = [ed25519("k1"), p256("k2"), rsa("k3")];
        let tokens = keys.iter().map(|key| good(key).into_bytes()).collect();
        Known { keys: set(&[&keys[0], &keys[1], &keys[2]]), tokens }
    })
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 512, ..ProptestConfig::default() })]

    #[test]
    fn changed_bytes_are_seen_whatever_the_algorithm(
        which in 0..3_usize,
        place in any::<prop::sample::Index>(),
        byte in any::<u8>(),
        cut in any::<prop::sample::Index>(),
    ) {
        let Known { keys, tokens } = known();
        let token = &tokens[which];
        prop_assert!(Signed::open(token, keys).is_ok());
        let mut changed = token.clone();
        *place.get_mut(&mut changed) = byte;
        prop_assert_eq!(Signed::open(&changed, keys).is_ok(), changed == *token);
        let shorter = &token[..cut.index(token.len())];
        prop_assert!(Signed::open(shorter, keys).is_err());
    }

    #[test]
    fn no_bytes_make_it_panic(bytes in prop::collection::vec(any::<u8>(), 0..300)) {
        prop_assert!(Signed::open(&bytes, &known().keys).is_err());
        prop_assert!(KeySet::parse(&bytes).is_err());
    }
}
