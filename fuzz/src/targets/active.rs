//! Active files: header, frames, and the scan of a whole file, torn ends and damage included.
//!
//! With the checksums put right. Header and frames that are read encode to the same bytes, and a
//! scan that goes on from the last commit ends as the one from the start did.

use shoseki_engine::format::{
    ACTIVE_HEADER_LEN, ActiveHeader, FRAME_HEADER_LEN, FrameHeader, RecordsPayload,
};
use shoseki_engine::segment::{
    ActiveScan, FrameVisitor, ScanPosition, ScanTail, scan_active, scan_from,
};

use crate::memory::within;
use crate::{fixture, repair};

pub(super) fn run(data: &[u8]) {
    let (mode, bytes) = data.split_first().map_or((0, data), |(mode, bytes)| (*mode, bytes));
    let file = match mode & 3 {
        0 => bytes.to_vec(),
        // Frames one behind the other from the header on.
        1 => repair::active(bytes, false),
        // Every frame that the bytes may be meant for, also those behind damage.
        _ => repair::active(bytes, true),
    };
    // A record's place in memory is three times its prefix; islands are larger than frames are not.
    let limit = (1 << 16) + file.len() * 8;
    let mut frames = Frames { file: &file, count: 0, at: None };
    let scan = within(limit, "scanning", || scan_active(file.as_slice(), &mut frames));
    let Ok(scan) = scan else { return };
    assert_eq!(scan.header.encode(), repair::of_this_version(&file[..ACTIVE_HEADER_LEN], 8));
    check(&scan, &file);
    assert!(frames.count == 0 || frames.at == Some(scan.end));
    let from = scan.before_last_commit;
    let again = scan_from(file.as_slice(), scan.header.clone(), from, &mut ()).unwrap();
    assert_eq!((again.end, &again.tail), (scan.end, &scan.tail));
    assert_eq!(again.durable_seq, scan.durable_seq);
}

fn check(scan: &ActiveScan, file: &[u8]) {
    let len = file.len() as u64;
    assert!(scan.end.offset <= len && scan.before_last_commit.offset <= scan.end.offset);
    assert!(scan.before_last_commit.next_seq <= scan.end.next_seq);
    assert!(scan.end.durable_seq <= scan.durable_seq);
    if let ScanTail::Bad { islands, end } = &scan.tail {
        assert!(scan.end.offset < *end && *end <= len);
        let mut at = scan.end.offset;
        for island in islands {
            assert!(at <= island.offset && island.offset < island.end && island.end <= len);
            assert!(island.first_seq <= island.end_seq);
            at = island.end;
        }
        // An island may end in zeros that are its own.
        assert!(islands.last().is_none_or(|last| last.offset < *end));
    } else {
        assert!(file[usize::try_from(scan.end.offset).unwrap()..].iter().all(|b| *b == 0));
    }
}

/// Encodes every frame again.
struct Frames<'a> {
    file: &'a [u8],
    count: usize,
    at: Option<ScanPosition>,
}

impl FrameVisitor for Frames<'_> {
    fn frame(&mut self, at: &ScanPosition, header: &FrameHeader, payload: &RecordsPayload<'_>) {
        assert!(self.at.is_none_or(|before| before == *at));
        let mut again = Vec::new();
        header.encode_into(&mut again);
        for record in &payload.records {
            again.extend_from_slice(&u32::try_from(record.body.len()).unwrap().to_le_bytes());
            again.extend_from_slice(&record.locator);
            again.extend_from_slice(record.body);
        }
        again.extend_from_slice(&payload.chain_after.0);
        let start = usize::try_from(at.offset).unwrap();
        assert_eq!(again, self.file[start..start + again.len()]);
        assert_eq!(again.len() as u64, header.frame_len());
        assert_eq!(payload.records.len(), usize::try_from(header.record_count).unwrap());
        self.count += 1;
        self.at = Some(ScanPosition {
            offset: at.offset + header.frame_len(),
            next_seq: header.end_seq(),
            chain: payload.chain_after,
            commit: header.commit,
            durable_seq: header.durable_seq,
            received_at: header.received_at,
        });
    }
}

pub(super) fn seeds() -> Vec<Vec<u8>> {
    let mut files = Vec::new();
    for (closed, frames) in [(true, vec![1, 2]), (false, vec![2, 1, 1])] {
        let plan =
            shoseki_lab::evidence::Plan { sealed: vec![1], frames, closed, ..Default::default() };
        let log = plan.make();
        files.push(log.files[&log.active_path()].clone());
    }
    let header: ActiveHeader = ActiveHeader::decode(&files[0][..ACTIVE_HEADER_LEN]).unwrap();
    files.push(header.encode());
    let mut torn = files[1].clone();
    torn.truncate(torn.len() - FRAME_HEADER_LEN / 2);
    files.push(torn);
    let mut damaged = files[1].clone();
    damaged[ACTIVE_HEADER_LEN + FRAME_HEADER_LEN + 30] ^= 1;
    damaged.extend_from_slice(&[0; 64]);
    files.push(damaged);
    let written = &fixture::WRITTEN;
    let path = written.paths().into_iter().find(|path| path.starts_with("active/")).unwrap();
    files.push(written.bytes(&path).unwrap());
    let modes = (0_u8..3).cycle();
    files.iter().zip(modes).map(|(file, mode)| [&[mode], file.as_slice()].concat()).collect()
}
