//! Proofs, checkpoints and keys, checked with the pure part of the engine.

use std::fs;

use serde_json::Value;
use shoseki_engine::proof::{
    Checkpoint, VerifierKey, base64_decode, leaf_hash, verify_consistency, verify_inclusion,
};
use shoseki_engine::types::{NodeHash, RecordHash};

use crate::support::{Place, record};

fn node(value: &Value) -> NodeHash {
    let bytes = base64_decode(value.as_str().expect("a string")).expect("base64");
    NodeHash(bytes.try_into().expect("32 bytes"))
}

fn nodes(value: &Value) -> Vec<NodeHash> {
    value.as_array().expect("an array").iter().map(node).collect()
}

fn number(value: &Value) -> u64 {
    value.as_u64().expect("a number")
}

#[test]
fn an_inclusion_proof_leads_to_the_signed_root() {
    let place = Place::with_records(300);
    place.run(&["seal"]).ended(0);
    place.append(&(300..333).map(record).collect::<Vec<_>>().join("\n"));
    let key = place.run(&["key", "vkey"]).ended(0).out;
    let key = VerifierKey::parse(key.trim_end()).expect("a key");
    for name in ["0", "299", "332", "00000000-0000-4000-8000-000000000255"] {
        let proof = place.run(&["proof", name]).ended(0).lines().remove(0);
        let note = proof["checkpoint"].as_str().expect("a note");
        let checkpoint = Checkpoint::open(note.as_bytes(), &key).expect("signed");
        assert_eq!(checkpoint.size.0, 333);
        assert_eq!(node(&proof["root"]), checkpoint.root);
        let hash = base64_decode(proof["hash"].as_str().expect("a string")).expect("base64");
        let leaf = leaf_hash(&RecordHash(hash.try_into().expect("64 bytes")));
        assert_eq!(leaf, node(&proof["leaf_hash"]));
        let index = number(&proof["leaf_index"]);
        let shown = place.run(&["show", name]).lines().remove(0);
        assert_eq!(shown["seq"], index);
        verify_inclusion(&leaf, index, 333, &nodes(&proof["hashes"]), &checkpoint.root)
            .expect("the proof holds");
    }
    let small = place.run(&["proof", "3", "--size", "4"]).ended(0).lines().remove(0);
    assert_eq!((number(&small["tree_size"]), &small["checkpoint"]), (4, &Value::Null));
    place.run(&["proof", "4", "--size", "4"]).ended(2);
    place.run(&["proof", "0", "--size", "999"]).ended(2);
    place.run(&["proof", "999"]).ended(2);
}

#[test]
fn a_consistency_proof_joins_two_sizes() {
    let place = Place::with_records(77);
    for (old, new) in [(1, 77), (40, 64), (64, 77), (77, 77)] {
        let args = ["proof", "--consistency", &old.to_string(), &new.to_string()];
        let proof = place.run(&args).ended(0).lines().remove(0);
        let (old_root, new_root) = (node(&proof["old_root"]), node(&proof["new_root"]));
        verify_consistency(old, new, &old_root, &new_root, &nodes(&proof["hashes"]))
            .expect("the proof holds");
    }
    place.run(&["proof", "--consistency", "5", "4"]).ended(2);
    place.run(&["proof", "--consistency", "5", "78"]).ended(2);
}

#[test]
fn a_checkpoint_kept_elsewhere_shows_a_log_that_went_back() {
    let place = Place::with_records(5);
    place.run(&["backup", &place.text("older"), "--with-key"]).ended(0);
    place.append(&record(5));
    let (note, key) = (place.text("note"), place.text("key"));
    fs::write(&note, place.run(&["checkpoint"]).ended(0).out).expect("written");
    fs::write(&key, place.run(&["key", "vkey"]).ended(0).out).expect("written");
    let given = ["--checkpoint", &note, "--vkey", &key, "--json"];
    let verify = |dir: &str| place.run(&[&["verify", &place.text(dir)], &given[..]].concat());
    let report = verify("log").ended(0).lines().remove(0);
    assert_eq!((&report["status"], &report["records"]), (&"valid".into(), &6.into()));
    let names: Vec<&String> = report.as_object().expect("an object").keys().collect();
    let all = "chain_hash findings notices records root segments status tree_size";
    assert_eq!(names, all.split(' ').collect::<Vec<_>>());
    let report = verify("older").ended(1).lines().remove(0);
    assert_eq!(report["findings"][0]["kind"], "rolled_back");
    let other = Place::with_records(1);
    fs::write(&key, other.run(&["key", "vkey"]).out).expect("written");
    verify("log").ended(1);
    fs::write(&key, "nonsense").expect("written");
    verify("log").ended(2);
}

#[test]
fn keys_rotate_and_the_old_signatures_stay_valid() {
    let place = Place::with_records(3);
    let old = place.run(&["key", "vkey"]).ended(0).out;
    place.run(&["seal"]).ended(0);
    let new = place.run(&["key", "rotate"]).ended(0).out;
    assert_ne!(old, new);
    place.append(&record(3));
    let keys = place.run(&["key", "show"]).ended(0).lines();
    assert_eq!(keys.len(), 2);
    assert_eq!((&keys[0]["key"], &keys[1]["key"]), (&old.trim().into(), &new.trim().into()));
    assert_eq!(keys[1]["valid_from"], 3);
    place.run(&["verify", &place.text("log")]).ended(0);
    place.run(&["segments", "verify"]).ended(0);
}
