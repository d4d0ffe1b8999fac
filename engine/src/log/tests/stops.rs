//! What stops a writer, and what it says.

use std::io;
use std::sync::atomic::AtomicUsize;

use super::*;
use crate::index::ids::IdError;
use crate::io::OsStorage;
use crate::log::identity::{load, load_signing_key};
use crate::log::{AppendError, ErrorClass, LogError, Reader};
use crate::proof::Checkpoint;
use crate::types::{NodeHash, TreeSize};

/// Puts a checkpoint of `size` records and another root in place, signed with the log's own key.
fn forge(dir: &Path, size: u64) {
    let storage = OsStorage::new(dir);
    let identity = load(&storage).unwrap();
    let key = load_signing_key(&storage, &identity).unwrap();
    let origin = identity.log.origin;
    let forged = Checkpoint { origin, size: TreeSize(size), root: NodeHash([7; 32]) };
    std::fs::write(dir.join("checkpoint"), forged.sign(&key).unwrap()).unwrap();
}

#[test]
fn a_log_that_contradicts_its_checkpoint_can_only_be_read() {
    for (size, sealed) in [(5, false), (3, false), (5, true), (3, true)] {
        let dir = tempfile::tempdir().unwrap();
        let log = open(dir.path());
        log.append(None, records(0..5)).unwrap();
        if sealed {
            log.seal().unwrap();
        }
        log.close().unwrap();
        forge(dir.path(), size);
        let note = std::fs::read(dir.path().join("checkpoint")).unwrap();
        let log = open(dir.path());
        let found = log.step().unwrap_err();
        let LogError::Contradiction { signed, size: held } = found else { panic!("{found}") };
        assert_eq!((signed, held, found.class()), (size, 5, ErrorClass::Damaged));
        let text = found.to_string();
        assert!(text.contains("only be read") && text.contains('5'), "{text}");
        assert!(text.contains(&size.to_string()), "{text}");
        let refused = log.append(None, records(5..6)).unwrap_err();
        assert!(matches!(refused, AppendError::Contradiction { .. }), "{refused}");
        assert_eq!(refused.to_string(), text);
        log.seal().unwrap_err();
        log.checkpoint().unwrap_err();
        assert_eq!(log.size().0, 5);
        log.close().unwrap_err();
        // Nothing was signed over it, and everything is still read.
        assert_eq!(std::fs::read(dir.path().join("checkpoint")).unwrap(), note);
        assert_eq!(Reader::open(dir.path()).unwrap().size().0, 5);
    }
}

#[test]
fn an_error_of_the_id_index_is_no_damage_of_the_log() {
    let io =
        |kind: io::ErrorKind| IdError::Io { path: "ids/7.ids".to_owned(), source: kind.into() };
    let failed = LogError::index(io(io::ErrorKind::PermissionDenied));
    assert!(matches!(&failed, LogError::Index { path, .. } if path == "ids/7.ids"), "{failed}");
    assert_eq!(failed.class(), ErrorClass::Failed);
    let damaged = LogError::index(IdError::Damaged(3..9));
    assert_eq!(damaged.class(), ErrorClass::Failed);
    assert!(damaged.to_string().contains("id index"), "{damaged}");
    assert_eq!(LogError::index(io(io::ErrorKind::StorageFull)).class(), ErrorClass::Full);
}

/// Counts the calls for randomness.
#[derive(Debug, Default)]
struct Counting(AtomicUsize);

impl Environment for Counting {
    fn now_micros(&self) -> i64 {
        NOON
    }

    fn fill_random(&self, buffer: &mut [u8]) -> io::Result<()> {
        self.0.fetch_add(1, Ordering::Relaxed);
        OsEnvironment.fill_random(buffer)
    }
}

#[test]
fn a_batch_asks_for_randomness_once() {
    let dir = tempfile::tempdir().unwrap();
    let counting = Arc::new(Counting::default());
    let options = LogOptions { environment: Arc::clone(&counting) as _, ..by_hand().0 };
    let log = Log::open(dir.path(), options).unwrap();
    let before = counting.0.load(Ordering::Relaxed);
    let mixed = vec![record(0), with_id(1, 9), record(2), record(3)];
    let appended = log.append(None, mixed).unwrap();
    assert_eq!(counting.0.load(Ordering::Relaxed) - before, 1);
    let ids: Vec<_> = appended.receipts.iter().map(|r| *r.audit_id.as_bytes()).collect();
    assert_eq!(ids[1], [9; 16]);
    assert!(ids[0] != ids[2] && ids[2] != ids[3] && ids[0][6] >> 4 == 7);
}
