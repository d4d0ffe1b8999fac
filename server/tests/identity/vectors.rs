//! Wycheproof's and the JOSE cookbook's tokens and keys, each with the answer it must get.
//!
//! They carry no claims: what is judged is the signature level, [`Signed::open`].

use std::collections::BTreeSet;
use std::path::Path;

use serde_json::{Value, json};
use shoseki_server::identity::{KeySet, Refusal, Signed};

use crate::test_data::test_data;

fn document(path: &Path) -> Value {
    serde_json::from_slice(&std::fs::read(path).unwrap()).unwrap()
}

/// What became of one vector.
#[derive(PartialEq, Eq, Clone, Debug)]
enum Answer {
    Accepted,
    /// The key set was refused, with this text.
    Keys(String),
    /// The token was refused.
    Token(Refusal),
}

fn answer(set: &Value, token: &str) -> Answer {
    match KeySet::parse(set.to_string().as_bytes()) {
        Err(error) => Answer::Keys(error.to_string()),
        Ok(keys) => match Signed::open(token.as_bytes(), &keys) {
            Ok(_) => Answer::Accepted,
            Err(refusal) => Answer::Token(refusal),
        },
    }
}

/// Every test of a Wycheproof file: group, id, name, whether it is called valid, and the answer.
fn each(path: &Path, mut look: impl FnMut(&Value, u64, &str, bool, Answer)) -> usize {
    let mut count = 0;
    for group in document(path)["testGroups"].as_array().unwrap() {
        let public = group.get("public").or_else(|| group.get("private")).unwrap();
        let is_set = public.get("keys").is_some();
        let set = if is_set { public.clone() } else { json!({ "keys": [public] }) };
        for test in group["tests"].as_array().unwrap() {
            let token = match &test["jws"] {
                Value::String(token) => token.clone(),
                other => other.to_string(),
            };
            let valid = test["result"] == "valid";
            let name = test["comment"].as_str().unwrap();
            look(&set, test["tcId"].as_u64().unwrap(), name, valid, answer(&set, &token));
            count += 1;
        }
    }
    count
}

/// Why a test with one of our keys must be refused.
fn refusal_of(id: u64, name: &str) -> Refusal {
    match name {
        // Three parts are a token, and no more and no fewer; an empty header is no JSON.
        "rejectsMissingSignatureAndSeparator"
        | "rejectsMissingPayloadAndSeparator"
        | "rejectsMissingHeader"
        | "rejectsMissingHeaderAndSeparator"
        | "rejectsMissingHeaderAndSignature"
        | "rejectsMissingHeaderSignatureAndSeparator"
        | "rejectsMissingHeaderSignatureAndSeparators"
        | "rejectsEmptyString" => Refusal::Form,
        // The `kid` is what was changed.
        "rejectsModifiedHeader" => Refusal::UnknownKey,
        "rejectsSymmetryConfusionAttacks_aesKeyFromEcVerificationKeyBytes" => Refusal::Algorithm,
        // Changed texts, missing signatures, an embedded key, padding and numbers out of range.
        _ => {
            let numbers = (46..=258).contains(&id) || (379..=401).contains(&id);
            let named = name.starts_with("rejectsModified")
                || name.starts_with("rejectsMissing")
                || name == "rejectsAttackerProvidedEmbeddedJwk";
            assert!(numbers || named, "{id} {name}: no expectation");
            Refusal::Signature
        }
    }
}

#[test]
fn every_wycheproof_token_gets_its_answer() {
    let Some(folder) = test_data("jwt") else { return };
    let path = folder.join("wycheproof-json_web_signature_test.json");
    let mut accepted = BTreeSet::new();
    let count = each(&path, |set, id, name, valid, answer| {
        let algorithm = set["keys"][0]["alg"].as_str().unwrap_or("none");
        match &answer {
            Answer::Accepted => {
                assert!(valid, "{id} {name} was accepted");
                accepted.insert(id);
            }
            // HS256 and its like are no algorithms of ours, valid or not.
            Answer::Keys(text) if text.contains("`k` belongs") => {
                assert!(algorithm.starts_with("HS"), "{id}");
            }
            Answer::Keys(text) if text.contains("`alg`") => {
                let others = ["RS384", "RS512", "PS256", "PS384", "PS512"];
                assert!(others.contains(&algorithm), "{id}: {text}");
            }
            Answer::Keys(text) if text.contains("`crv`") => assert_eq!(algorithm, "ES521", "{id}"),
            // Keys for encryption.
            Answer::Keys(text) => {
                assert!((353..=356).contains(&id), "{id}: {text}");
                assert!(text.contains("no key for signatures"), "{id}: {text}");
            }
            Answer::Token(refusal) => {
                assert!(!valid, "{id} {name}: {refusal}");
                assert_eq!(*refusal, refusal_of(id, name), "{id} {name}");
            }
        }
    });
    assert_eq!(count, 401);
    // All valid ones of ES256 and RS256.
    let expected = [18, 33, 259, 260, 261, 262, 263, 345, 349, 378];
    assert_eq!(accepted, BTreeSet::from(expected));
}

#[test]
fn every_wycheproof_key_set_gets_its_answer() {
    let Some(folder) = test_data("jwt") else { return };
    let path = folder.join("wycheproof-json_web_key_test.json");
    let count = each(&path, |_, id, name, _, answer| {
        // What the text that refuses the key set holds; `None` for the one that is taken.
        let expected = match id {
            5 => None,
            // Symmetric keys, good or bad, alone or beside others.
            1..=4 | 10..=18 | 25 | 26 => Some("private or symmetric key"),
            6 | 21 => Some("no key for signatures"),
            7 => Some("ROCA"),
            8 => Some("1024 bits"),
            9 => Some("`e` is odd"),
            19 | 20 => Some("`alg`"),
            22 => Some("no point of the curve"),
            23 => Some("`crv`"),
            24 => Some("`alg`"),
            _ => panic!("{id} {name}: no expectation"),
        };
        match (expected, answer) {
            (None, Answer::Accepted) => {}
            (Some(part), Answer::Keys(text)) if text.contains(part) => {}
            (_, other) => panic!("{id} {name}: {other:?}"),
        }
    });
    assert_eq!(count, 26);
}

#[test]
fn cookbook_tokens_of_our_algorithms_are_accepted() {
    let Some(folder) = test_data("jwt") else { return };
    let mut accepted = Vec::new();
    for entry in std::fs::read_dir(folder.join("cookbook")).unwrap() {
        let path = entry.unwrap().path();
        let name = path.file_name().unwrap().to_str().unwrap().to_owned();
        // Two of the files are no JSON as they were published.
        let bytes = std::fs::read(&path).unwrap();
        let Ok(example) = serde_json::from_slice::<Value>(&bytes) else { continue };
        let Some(token) = example["output"]["compact"].as_str() else { continue };
        let mut key = example["input"]["key"].clone();
        let private = json!({ "keys": [key] });
        assert!(matches!(answer(&private, token), Answer::Keys(_)), "{name}: a private key");
        let members = key.as_object_mut().unwrap();
        members.retain(|name, _| matches!(name.as_str(), "kty" | "crv" | "x" | "y" | "n" | "e"));
        let id = example["input"]["key"].get("kid").cloned().unwrap_or_else(|| json!("any"));
        members.insert("kid".to_owned(), id);
        if answer(&json!({ "keys": [key] }), token) == Answer::Accepted {
            accepted.push(name);
        }
    }
    accepted.sort();
    assert_eq!(accepted, ["curve25519_jws.json", "jws_4_1.rsa_v15_signature.json"]);
}
