//! Damage of what belongs to others.

use std::path::{Path, PathBuf};

use shoseki_engine::verify::{VerifyOptions, verify_path};

use crate::harness::Answer;
use crate::world::{FACILITIES, World};

fn sealed(dir: &Path) -> PathBuf {
    let files = std::fs::read_dir(dir.join("sealed")).unwrap();
    let files = files.map(|file| file.unwrap().path());
    let mut files: Vec<PathBuf> =
        files.filter(|path| path.extension().is_some_and(|end| end == "seg")).collect();
    files.sort_by_key(|path| std::fs::metadata(path).unwrap().len());
    files.pop().unwrap()
}

/// Changes one byte so that exactly one record is damaged, and one of these.
fn damage(dir: &Path, seqs: &[u64]) -> u64 {
    let path = sealed(dir);
    let bytes = std::fs::read(&path).unwrap();
    let mut permissions = std::fs::metadata(&path).unwrap().permissions();
    std::os::unix::fs::PermissionsExt::set_mode(&mut permissions, 0o600);
    std::fs::set_permissions(&path, permissions).unwrap();
    for at in (bytes.len() / 8..bytes.len()).step_by(101) {
        let mut changed = bytes.clone();
        changed[at] ^= 1;
        std::fs::write(&path, changed).unwrap();
        let report = verify_path(dir, &VerifyOptions::default(), &()).unwrap();
        if let [finding] = report.findings.as_slice() {
            let seq = finding.seq.map(|seq| seq.0);
            if let Some(seq) = seq.filter(|seq| seqs.contains(seq)) {
                return seq;
            }
        }
    }
    panic!("no byte damages one of {seqs:?} alone");
}

fn stats(answer: &Answer) -> serde_json::Value {
    assert_eq!(answer.status, 200, "{}", answer.text());
    answer.json()
}

#[test]
fn what_is_damaged_of_others_changes_nothing() {
    let mut world = World::with(|settings| settings.log.group_records_max = 1);
    let token = world.auditor(FACILITIES[0]);
    let questions = [
        "/v1/audit-logs?include_self=false&limit=1000",
        "/v1/audit-logs?include_self=false&order=seq&limit=1000",
        "/v1/audit-logs?include_self=false&word=zqone",
        "/v1/audit-logs?include_self=false&from=2026-03-01T00:00:00Z&to=2026-04-01T00:00:00Z",
        "/v1/audit-logs/stats",
        "/v1/audit-logs/stats?bucket=day&top=1000",
    ];
    let answers = |world: &World| -> Vec<serde_json::Value> {
        questions.iter().map(|path| stats(&world.server.get(path, &token))).collect()
    };
    let before = answers(&world);
    let seqs: Vec<u64> =
        world.receipts[1][..12].iter().map(|r| r["seq"].as_u64().unwrap()).collect();
    let mut damaged = 0;
    world.server = world.server.again(|dir| damaged = damage(dir, &seqs));
    assert_eq!(answers(&world), before);
    let place = seqs.iter().position(|seq| *seq == damaged).unwrap();
    let id = world.id(1, place);
    for tail in ["", "/history"] {
        let answer = world.server.get(&format!("/v1/audit-logs/{id}{tail}"), &token);
        assert_eq!(answer.status, 404, "{}", answer.text());
        let unknown = "/v1/audit-logs/018f0000-0000-7000-8000-777777777777";
        let unknown = world.server.get(&format!("{unknown}{tail}"), &token);
        let mut both = [answer.json(), unknown.json()];
        for problem in &mut both {
            for name in ["traceId", "requestId", "instance"] {
                problem.as_object_mut().unwrap().remove(name);
            }
        }
        assert_eq!(both[0], both[1]);
    }
    // Its own facility does not see it either; who sees everything sees that it is tampered.
    let own = world.server.get(&format!("/v1/audit-logs/{id}"), &world.auditor(FACILITIES[1]));
    assert_eq!(own.status, 404);
    let all = world.auditor_of_all();
    let list = world.server.get("/v1/audit-logs?limit=1000", &all);
    assert_eq!(list.json()["damaged"], 1, "{}", list.text());
    let records = list.json()["records"].as_array().unwrap().clone();
    let one = records.iter().find(|record| record["seq"] == damaged).unwrap();
    assert_eq!(one["integrity_status"], "tampered");
    // By the id that its damaged bytes say, it is found and is tampered.
    if let Some(said) = one["audit_id"].as_str() {
        let one = world.server.get(&format!("/v1/audit-logs/{said}"), &all);
        assert_eq!(
            one.json()["record"]["integrity_status"],
            "tampered",
            "{said} {id}: {}",
            one.text()
        );
    }
    let check = world.server.post("/v1/audit-logs/integrity-check", &all, "{}");
    assert_eq!(check.json()["findings"][0]["seq"], damaged);
    assert_eq!(world.server.post("/v1/audit-logs/integrity-check", &token, "{}").status, 403);
}
