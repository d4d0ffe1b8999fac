//! A place of the evidence that can never be read is never passed over by the auditor.
//!
//! Invariant: a range that a calm audit reads is evidence; where it can't be had, there is a
//! finding. Knows only ranges, not what stands in them, but for the frame that closes a file.
//!
//! The story: an error while the file seal of a segment was read left the seal unlooked at, and the
//! log was called valid.

use std::borrow::Cow;
use std::collections::BTreeSet;
use std::io;
use std::ops::Range;
use std::sync::{Arc, Mutex};

use shoseki_engine::segment::ByteSource;
use shoseki_engine::verify::{
    Bytes, DirEvidence, EvidenceSource, Report, VerifyOptions, verify_evidence,
};

use crate::stage::{Stage, deep, sealed_and_active};

/// Bytes of the frame that closes an active file.
const CLOSE_LEN: u64 = 136;

type Place = (String, Range<u64>);

/// A directory of which one place is bad; it notes what is read.
struct Scratched {
    whole: DirEvidence,
    bad: Option<Place>,
    read: Arc<Mutex<BTreeSet<(String, u64, u64)>>>,
}

struct ScratchedFile {
    whole: Bytes,
    path: String,
    bad: Option<Range<u64>>,
    read: Arc<Mutex<BTreeSet<(String, u64, u64)>>>,
}

impl EvidenceSource for Scratched {
    fn list(&self, dir: &str) -> io::Result<Vec<String>> {
        self.whole.list(dir)
    }

    fn open(&self, path: &str) -> io::Result<Option<Bytes>> {
        let bad = self.bad.as_ref().filter(|(of, _)| of == path).map(|(_, range)| range.clone());
        let read = Arc::clone(&self.read);
        let path = path.to_owned();
        let wrap =
            |whole| Box::new(ScratchedFile { whole, path: path.clone(), bad, read }) as Bytes;
        Ok(self.whole.open(&path)?.map(wrap))
    }
}

impl ByteSource for ScratchedFile {
    fn len(&self) -> u64 {
        self.whole.len()
    }

    fn bytes(&self, offset: u64, len: usize) -> io::Result<Cow<'_, [u8]>> {
        let end = offset + len as u64;
        if self.bad.as_ref().is_some_and(|bad| bad.start < end && offset < bad.end) {
            return Err(io::Error::from_raw_os_error(5));
        }
        self.read.lock().unwrap().insert((self.path.clone(), offset, end));
        self.whole.bytes(offset, len)
    }

    fn next_data(&self, offset: u64) -> Option<u64> {
        self.whole.next_data(offset)
    }
}

fn audit(stage: &Stage, bad: Option<Place>) -> (Report, BTreeSet<(String, u64, u64)>) {
    let whole = DirEvidence::new(&stage.log());
    let scratched = Scratched { whole, bad, read: Arc::default() };
    let report = verify_evidence(&scratched, &VerifyOptions::default(), &()).unwrap();
    let read = scratched.read.lock().unwrap().clone();
    (report, read)
}

#[test]
fn a_place_that_cannot_be_read_is_a_finding() {
    let stage = Stage::new();
    sealed_and_active(&stage);
    let (calm, read) = audit(&stage, None);
    assert!(calm.findings.is_empty(), "{:?}", calm.findings);
    assert!(read.len() > 20, "{read:?}");
    let mut passed = Vec::new();
    for (path, begin, end) in read {
        // One byte in the middle is a bad sector for all reads that touch it.
        let middle = begin + (end - begin) / 2;
        let places = if deep() { vec![begin, middle, end - 1] } else { vec![middle] };
        for at in places.into_iter().filter(|_| begin < end) {
            let (report, _) = audit(&stage, Some((path.clone(), at..at + 1)));
            // The frame that closes a file holds no record: without it the end looks torn.
            let len = std::fs::metadata(stage.log().join(&path)).unwrap().len();
            let closing = path.starts_with("active/") && at + CLOSE_LEN >= len;
            if report.findings.is_empty() && !closing {
                passed.push((path.clone(), at));
            }
        }
    }
    assert!(passed.is_empty(), "called valid although it can't be read: {passed:?}");
}
