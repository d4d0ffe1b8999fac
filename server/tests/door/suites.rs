//! JSONTestSuite through the door: alone, as an element and as a value of the second dialect.

use std::collections::BTreeMap;

use shoseki_engine::record::InputError;
use shoseki_server::door::{DoorError, DoorRules};

use super::support::{NOW, caller, second, send_as};
use super::test_data::test_data;

fn files() -> Option<BTreeMap<String, Vec<u8>>> {
    let folder = test_data("json/test_parsing")?;
    let entries = std::fs::read_dir(folder).unwrap().map(Result::unwrap);
    let read = |entry: std::fs::DirEntry| {
        (entry.file_name().into_string().unwrap(), std::fs::read(entry.path()).unwrap())
    };
    Some(entries.map(read).collect())
}

#[test]
fn every_file_is_refused_as_a_record_for_the_right_reason() {
    let Some(files) = files() else { return };
    assert!(files.len() > 300, "{}", files.len());
    for (name, bytes) in files {
        let answer = send_as(&bytes, &caller("app", &["F1"]), &DoorRules::default(), NOW);
        let is_json = match answer {
            Err(DoorError::NotJson { .. }) => false,
            Err(DoorError::Invalid(_) | DoorError::Empty) => true,
            other => panic!("{name}: {other:?}"),
        };
        match name.as_bytes().first() {
            Some(b'y') => assert!(is_json, "{name}"),
            Some(b'n') => assert!(!is_json, "{name}"),
            _ => {}
        }
    }
}

#[test]
fn every_value_is_kept_token_by_token_or_refused() {
    let Some(files) = files() else { return };
    let mut kept = 0;
    for (name, bytes) in files {
        let whole = second(&[("value", "@")]);
        let (head, tail) = whole.split_once('@').unwrap();
        let body = [head.as_bytes(), &bytes, tail.as_bytes()].concat();
        let answer = send_as(&body, &caller("app", &["F1"]), &DoorRules::default(), NOW);
        // The engine's own reading of the value as a detail decides.
        let detail = [b"{\"value\":", &bytes[..], b"}"].concat();
        let limits = DoorRules::default().limits;
        match (shoseki_engine::record::Detail::parse(&detail, &limits), answer) {
            (Ok(detail), Ok(records)) => {
                let inner = detail.as_bytes().strip_prefix(b"{").unwrap();
                if inner != b"\"value\":null}" {
                    let own = records[0].detail.as_ref().unwrap().as_bytes();
                    assert!(own.ends_with(&[b",", inner].concat()), "{name}");
                }
                kept += 1;
            }
            (Err(InputError::Invalid(_)), Err(DoorError::Invalid(_)))
            | (Err(InputError::Syntax { .. }), Err(DoorError::NotJson { .. })) => {}
            other => panic!("{name}: {other:?}"),
        }
    }
    assert!(kept > 95, "{kept}");
}
