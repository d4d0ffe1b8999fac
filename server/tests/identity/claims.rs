//! What claims must say, and what they become.

use serde_json::{Value, json};
use shoseki_server::config::Profile;
use shoseki_server::identity::{Facilities, Means, Refusal, Role, Roles};

use crate::support::{NOW, Place, claims, signed};

#[test]
fn good_claims_become_a_caller() {
    let place = Place::new();
    let caller = place
        .judge_claims(&json!({
            "aud": ["other", "shoseki"], "roles": ["auditor", "gardener", "writer"],
            "facilities": ["F2", "F1"], "nbf": NOW, "exp": NOW as f64 + 60.5,
        }))
        .unwrap();
    assert_eq!(caller.subject(), "clinic-app");
    assert_eq!(caller.roles, Roles::of(&[Role::Writer, Role::Auditor]));
    assert!(caller.facilities.has(Some("F1")) && caller.facilities.has(Some("F2")));
    assert!(!caller.facilities.has(Some("F3")) && !caller.facilities.has(None));
    assert_eq!(caller.expires_at, Some(NOW + 60));
    let means = Means::Token { id: Some("t1".to_owned()), key: "k1".to_owned() };
    assert_eq!(caller.means, means);
}

#[test]
fn times_have_a_minute_of_leeway_and_no_more() {
    let place = Place::new();
    let day = 24 * 60 * 60;
    let good = [
        json!({ "exp": NOW - 59 }),
        json!({ "nbf": NOW + 60 }),
        json!({ "iat": NOW + 60 }),
        json!({ "iat": NOW - 10, "exp": NOW - 10 + day }),
        json!({ "iat": null, "exp": NOW + day }),
        json!({ "iat": 0, "exp": NOW - 30, "nbf": 0 }),
    ];
    // A token of 1970 that ends now is too long, not too old.
    let (longest, good) = good.split_last().unwrap();
    assert_eq!(place.judge_claims(longest), Err(Refusal::Lifetime));
    for change in good {
        assert!(place.judge_claims(change).is_ok(), "{change}");
    }
    for (change, refusal) in [
        (json!({ "exp": NOW - 60 }), Refusal::Expired),
        (json!({ "exp": NOW - 61 }), Refusal::Expired),
        (json!({ "exp": 0 }), Refusal::Expired),
        (json!({ "nbf": NOW + 61 }), Refusal::NotYet),
        (json!({ "iat": NOW + 61 }), Refusal::NotYet),
        (json!({ "iat": NOW - 10, "exp": NOW - 9 + day }), Refusal::Lifetime),
        (json!({ "iat": null, "exp": NOW + day + 1 }), Refusal::Lifetime),
    ] {
        assert_eq!(place.judge_claims(&change), Err(refusal), "{change}");
    }
}

#[test]
fn claims_that_are_missing_or_of_another_type_refuse_the_token() {
    let place = Place::new();
    for name in ["exp", "iss", "aud", "sub"] {
        assert_eq!(place.judge_claims(&json!({ name: null })), Err(Refusal::Claims), "{name}");
    }
    let wrong: Vec<Value> = vec![
        json!({ "exp": "1900000000" }),
        json!({ "exp": -1 }),
        json!({ "exp": 1e300 }),
        json!({ "exp": u64::MAX }),
        json!({ "nbf": "now" }),
        json!({ "nbf": false }),
        json!({ "iat": [] }),
        json!({ "iss": ["https://id.example"] }),
        json!({ "aud": 1 }),
        json!({ "aud": ["shoseki", 1] }),
        json!({ "sub": 7 }),
        json!({ "jti": 7 }),
        json!({ "jti": "" }),
        json!({ "jti": "x".repeat(257) }),
    ];
    for change in wrong {
        assert_eq!(place.judge_claims(&change), Err(Refusal::Claims), "{change}");
    }
    // A member that is `null` is not one that is missing.
    let header = r#"{"alg":"EdDSA","kid":"k1","typ":"JWT"}"#;
    let text = claims(&json!({ "nbf": 1 })).to_string().replace("\"nbf\":1", "\"nbf\":null");
    assert_eq!(place.judge(&signed(&place.key, header, &text)), Err(Refusal::Claims));
    assert!(place.judge_claims(&json!({ "jti": null })).is_ok(), "an id may be missing");
}

#[test]
fn issuer_and_audience_are_ours() {
    let place = Place::new();
    for iss in ["https://id.example/", "https://ID.example", "", "https://id.example.evil"] {
        assert_eq!(place.judge_claims(&json!({ "iss": iss })), Err(Refusal::Issuer), "{iss}");
    }
    for aud in [json!("other"), json!([]), json!(["shoseki2"]), json!("Shoseki"), json!("")] {
        assert_eq!(place.judge_claims(&json!({ "aud": aud })), Err(Refusal::Audience), "{aud}");
    }
}

#[test]
fn a_subject_can_be_a_producer_and_is_not_the_server() {
    let place = Place::new();
    let long = "x".repeat(256);
    for good in ["a", "医院", "Shoseki", "a b", long.as_str()] {
        assert_eq!(place.judge_claims(&json!({ "sub": good })).unwrap().subject(), good);
    }
    for bad in ["", "shoseki", "a#b", "a\nb", "a\0", "\u{85}", &format!("{long}x")] {
        let answer = place.judge_claims(&json!({ "sub": bad }));
        assert_eq!(answer, Err(Refusal::Subject), "{bad:?}");
    }
}

#[test]
fn roles_are_known_ones_and_admins_do_not_audit() {
    let mut place = Place::new();
    for bad in [json!([]), json!(["Writer"]), json!("none"), json!({}), json!(1), json!(null)] {
        assert_eq!(place.judge_claims(&json!({ "roles": bad })), Err(Refusal::Roles), "{bad}");
    }
    assert_eq!(place.judge_claims(&json!({ "roles": ["writer", 1] })), Err(Refusal::Roles));
    let one = place.judge_claims(&json!({ "roles": "operator" })).unwrap();
    assert_eq!(one.roles, Roles::of(&[Role::Operator]));
    let both = json!({ "roles": ["admin", "auditor"] });
    assert_eq!(place.judge_claims(&both), Err(Refusal::Roles));
    place.settings.identity.admin_may_audit = true;
    assert!(place.judge_claims(&both).is_ok());
}

#[test]
fn facilities_are_names_or_all() {
    let place = Place::new();
    for all in [json!("*"), json!(["*"])] {
        let caller = place.judge_claims(&json!({ "facilities": all })).unwrap();
        assert_eq!(caller.facilities, Facilities::All);
    }
    for bad in [
        json!([]),
        json!("F1"),
        json!(""),
        json!([""]),
        json!(["F1", ""]),
        json!(["F1", "*"]),
        json!(["F1", 2]),
        json!({}),
        json!(true),
        json!(null),
    ] {
        let answer = place.judge_claims(&json!({ "facilities": bad }));
        assert_eq!(answer, Err(Refusal::Facilities), "{bad}");
    }
}

#[test]
fn claims_are_found_where_the_settings_say() {
    let mut place = Place::new();
    place.settings.identity.roles_claim = "realm_access.roles".to_owned();
    place.settings.identity.facilities_claim = "https://example.com/facilities".to_owned();
    let change = json!({
        "realm_access": { "roles": ["auditor"] }, "https://example.com/facilities": ["F7"],
        "roles": ["admin"], "facilities": "*",
    });
    let caller = place.judge_claims(&change).unwrap();
    assert_eq!(caller.roles, Roles::of(&[Role::Auditor]));
    assert_eq!(caller.facilities.only_one(), Some("F7"));
    assert_eq!(place.judge_claims(&json!({})), Err(Refusal::Roles), "not where they were before");
}

#[test]
fn a_token_says_its_type() {
    let mut place = Place::new();
    let text = claims(&json!({})).to_string();
    let token = |place: &Place, kind: &str| {
        signed(&place.key, &format!(r#"{{"alg":"EdDSA","kid":"k1"{kind}}}"#), &text)
    };
    for kind in ["JWT", "jwt", "at+jwt", "AT+JWT", "application/at+jwt"] {
        assert!(place.judge(&token(&place, &format!(r#","typ":"{kind}""#))).is_ok(), "{kind}");
    }
    for kind in ["", "JWS", "JOSE", "dpop+jwt", "logout+jwt", "id+jwt", "jwt ", "text/jwt"] {
        let answer = place.judge(&token(&place, &format!(r#","typ":"{kind}""#)));
        assert_eq!(answer, Err(Refusal::Type), "{kind:?}");
    }
    assert_eq!(place.judge(&token(&place, r#","typ":null"#)), Err(Refusal::Form));
    assert_eq!(place.judge(&token(&place, "")), Err(Refusal::Type));
    place.settings.profile = Profile::Development;
    assert!(place.judge(&token(&place, "")).is_ok());
    assert_eq!(place.judge(&token(&place, r#","typ":"JWS""#)), Err(Refusal::Type));
}
