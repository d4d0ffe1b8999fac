//! Scanning an active file: clean, closed, torn at every byte, damaged at every bit.

use super::*;
use crate::format::{
    ACTIVE_HEADER_LEN, ActiveHeader, FrameHeader, FrameKind, RecordsPayload, encode_record_prefix,
};

const FILE_TAG: u64 = 77;

/// A file that a test puts together, frame by frame.
struct File {
    bytes: Vec<u8>,
    next: u64,
    /// Where each frame begins, with its commit and first seq.
    frames: Vec<(usize, u64, u64)>,
}

impl File {
    fn new() -> Self {
        let header = ActiveHeader {
            first_seq: Seq(10),
            file_tag: FILE_TAG,
            identity_sha256: [3; 32],
            chain_before: GENESIS,
            first_commit: 5,
        };
        Self { bytes: header.encode(), next: 10, frames: Vec::new() }
    }

    fn frame(mut self, kind: FrameKind, commit: u64, durable: u64, count: u64) -> Self {
        let header = |header| header;
        self.add(kind, commit, durable, count, header);
        self
    }

    fn records(self, commit: u64, durable: u64, count: u64) -> Self {
        self.frame(FrameKind::Records, commit, durable, count)
    }

    fn add(
        &mut self,
        kind: FrameKind,
        commit: u64,
        durable: u64,
        count: u64,
        change: impl FnOnce(FrameHeader) -> FrameHeader,
    ) {
        let end = self.next + count;
        let mut payload = Vec::new();
        for n in self.next..end {
            let body = body(n);
            payload.extend(encode_record_prefix(u32::try_from(body.len()).unwrap(), &hash(n)));
            payload.extend(body);
        }
        payload.extend(chain(GENESIS, 10..end).0);
        let header = FrameHeader {
            kind,
            commit,
            durable_seq: Seq(durable),
            first_seq: Seq(self.next),
            record_count: u32::try_from(count).unwrap(),
            payload_len: u32::try_from(payload.len()).unwrap(),
            file_tag: FILE_TAG,
            offset: self.bytes.len() as u64,
            received_at: 1000 + i64::try_from(end).unwrap(),
            payload_crc: crc32fast::hash(&payload),
        };
        self.frames.push((self.bytes.len(), commit, self.next));
        change(header).encode_into(&mut self.bytes);
        self.bytes.extend(payload);
        self.next = end;
    }

    fn zeros(mut self, len: usize) -> Self {
        self.bytes.resize(self.bytes.len() + len, 0);
        self
    }

    fn scan(&self) -> ActiveScan {
        scan_active(&self.bytes, &mut ()).unwrap()
    }
}

/// Three commits, the second of two frames.
fn three_commits() -> File {
    File::new().records(5, 10, 2).records(6, 12, 1).records(6, 12, 2).records(7, 15, 1)
}

/// Bodies in the order in which a scan shows them.
#[derive(Default)]
struct Bodies(Vec<Vec<u8>>);

impl FrameVisitor for Bodies {
    fn frame(&mut self, at: &ScanPosition, header: &FrameHeader, payload: &RecordsPayload<'_>) {
        assert_eq!(at.next_seq, header.first_seq);
        self.0.extend(payload.records.iter().map(|record| record.body.to_vec()));
    }
}

#[test]
fn a_clean_file_shows_every_record_in_order() {
    for zeros in [0, 1, 72, 5000] {
        let file = three_commits().zeros(zeros);
        let mut bodies = Bodies::default();
        let scan = scan_active(&file.bytes, &mut bodies).unwrap();
        assert_eq!(bodies.0, (10..16).map(body).collect::<Vec<_>>());
        assert_eq!(scan.tail, ScanTail::Clean);
        assert_eq!((scan.end.next_seq, scan.end.commit), (Seq(16), 7));
        assert_eq!(scan.end.chain, chain(GENESIS, 10..16));
        assert_eq!(scan.end.offset, (file.bytes.len() - zeros) as u64);
        assert_eq!((scan.durable_seq, scan.end.durable_seq), (Seq(15), Seq(15)));
        assert_eq!(scan.before_last_commit.next_seq, Seq(15));
    }
}

#[test]
fn a_file_without_frames_is_clean() {
    let scan = File::new().zeros(100).scan();
    assert_eq!(
        (scan.tail, scan.end.next_seq, scan.durable_seq),
        (ScanTail::Clean, Seq(10), Seq(10))
    );
}

#[test]
fn a_close_makes_everything_durable_until_frames_follow_it() {
    let closed = three_commits().frame(FrameKind::Mark, 8, 16, 0).frame(FrameKind::Close, 9, 16, 0);
    let scan = closed.scan();
    assert_eq!((scan.tail, scan.durable_seq, scan.end.commit), (ScanTail::Closed, Seq(16), 9));
    let reopened = closed.records(10, 16, 3).zeros(500).scan();
    assert_eq!((reopened.tail, reopened.durable_seq), (ScanTail::Clean, Seq(16)));
    assert_eq!(reopened.end.next_seq, Seq(19));
}

#[test]
fn a_scan_goes_on_from_where_another_ended() {
    let file = three_commits();
    let whole = file.scan();
    let mut positions = Positions::default();
    scan_active(&file.bytes, &mut positions).unwrap();
    for at in positions.0 {
        let rest = scan_from(&file.bytes, whole.header.clone(), at, &mut ()).unwrap();
        assert_eq!((rest.end, rest.tail), (whole.end, ScanTail::Clean));
    }
}

#[derive(Default)]
struct Positions(Vec<ScanPosition>);

impl FrameVisitor for Positions {
    fn frame(&mut self, at: &ScanPosition, _: &FrameHeader, _: &RecordsPayload<'_>) {
        self.0.push(*at);
    }
}

/// The frames that lie wholly before `len`: how many, and the seq behind them.
fn whole_frames(file: &File, len: usize) -> (usize, u64) {
    let ends = file.frames.iter().skip(1).map(|f| f.0).chain([file.bytes.len()]);
    let whole = ends.take_while(|end| *end <= len).count();
    (whole, file.frames.get(whole).map_or(file.next, |f| f.2))
}

#[test]
fn a_file_torn_at_every_byte_ends_at_its_last_whole_frame() {
    let file = three_commits();
    for len in ACTIVE_HEADER_LEN..file.bytes.len() {
        let (whole, seq) = whole_frames(&file, len);
        let end = file.frames.get(whole).map_or(file.bytes.len(), |f| f.0);
        for padded in [false, true] {
            let mut bytes = file.bytes[..len].to_vec();
            if padded {
                bytes.resize(file.bytes.len() + 100, 0);
            }
            let scan = scan_active(&bytes, &mut ()).unwrap();
            assert_eq!((scan.end.next_seq, scan.end.offset), (Seq(seq), end as u64), "{len}");
            match scan.tail {
                ScanTail::Clean => assert!(bytes[end..].iter().all(|b| *b == 0), "{len}"),
                ScanTail::Bad { islands, end: bad } => {
                    assert_eq!(islands, [], "{len}");
                    let last = bytes.iter().rposition(|b| *b != 0).unwrap();
                    assert_eq!(bad, last as u64 + 1, "{len}");
                }
                ScanTail::Closed => panic!("not closed"),
            }
        }
    }
    for len in 0..ACTIVE_HEADER_LEN {
        assert!(scan_active(&file.bytes[..len].to_vec(), &mut ()).is_err(), "{len}");
    }
}

#[test]
fn every_flipped_bit_ends_the_walk_and_what_follows_is_an_island() {
    let file = three_commits();
    for bit in 0..file.bytes.len() * 8 {
        let mut bytes = file.bytes.clone();
        bytes[bit / 8] ^= 1 << (bit % 8);
        let Ok(scan) = scan_active(&bytes, &mut ()) else {
            assert!(bit / 8 < ACTIVE_HEADER_LEN, "bit {bit}");
            continue;
        };
        let hit = file.frames.iter().rposition(|f| f.0 <= bit / 8).unwrap();
        let (at, _, seq) = file.frames[hit];
        assert_eq!((scan.end.offset, scan.end.next_seq), (at as u64, Seq(seq)), "bit {bit}");
        let ScanTail::Bad { islands, end } = scan.tail else { panic!("bit {bit} unnoticed") };
        assert_eq!(end, bytes.len() as u64, "bit {bit}");
        let behind = file.frames.get(hit + 1);
        let island = behind.map(|(at, commit, seq)| Island {
            offset: *at as u64,
            end: bytes.len() as u64,
            first_seq: Seq(*seq),
            end_seq: Seq(16),
            first_commit: *commit,
            durable_seq: Seq(15),
        });
        assert_eq!(islands, island.into_iter().collect::<Vec<_>>(), "bit {bit}");
        // The frames behind the bad one still say what was durable.
        let durable = if behind.is_some() { 15 } else { 12 };
        assert_eq!(scan.durable_seq, Seq(durable), "bit {bit}");
    }
}

/// Frames that are whole and in their place, but not what may follow.
#[test]
fn a_frame_out_of_order_ends_the_walk() {
    let refused = |change: fn(FrameHeader) -> FrameHeader| {
        let mut file = three_commits();
        file.add(FrameKind::Records, 8, 16, 1, change);
        let scan = file.scan();
        let bad = matches!(scan.tail, ScanTail::Bad { .. });
        assert_eq!(scan.end.next_seq, Seq(if bad { 16 } else { 17 }));
        bad
    };
    assert!(!refused(|h| h));
    assert!(!refused(|h| FrameHeader { commit: 7, durable_seq: Seq(15), ..h }), "same commit");
    assert!(refused(|h| FrameHeader { commit: 9, ..h }), "a commit was left out");
    assert!(refused(|h| FrameHeader { commit: 6, ..h }), "an earlier commit");
    assert!(refused(|h| FrameHeader { durable_seq: Seq(14), ..h }), "durable falls");
    assert!(refused(|h| FrameHeader { received_at: 0, ..h }), "time falls");
    assert!(refused(|h| FrameHeader { first_seq: Seq(17), ..h }), "a gap");
    assert!(refused(|h| FrameHeader { file_tag: FILE_TAG + 1, ..h }), "another file's frame");
    assert!(refused(|h| FrameHeader { offset: h.offset + 1, ..h }), "another place's frame");
    assert!(refused(|h| FrameHeader { payload_crc: h.payload_crc ^ 1, ..h }), "payload");
}

/// Recycled space: a whole frame of an older file lies behind the end.
#[test]
fn frames_of_another_file_or_place_are_no_islands() {
    let mut file = three_commits();
    let old = file.bytes[file.frames[1].0..].to_vec();
    file.bytes.extend([1; 10]);
    file.bytes.extend(&old);
    let ScanTail::Bad { islands, .. } = file.scan().tail else { panic!("clean") };
    assert_eq!(islands, []);
}

/// A hole in the middle that reads as zeros, as after a lost write.
#[test]
fn zeros_in_the_middle_are_bad_when_frames_follow() {
    let file = three_commits();
    let mut bytes = file.bytes.clone();
    let (start, end) = (file.frames[1].0, file.frames[2].0);
    bytes[start..end].fill(0);
    let scan = scan_active(&bytes, &mut ()).unwrap();
    assert_eq!(scan.end.next_seq, Seq(12));
    let ScanTail::Bad { islands, .. } = scan.tail else { panic!("clean") };
    assert_eq!((islands.len(), islands[0].first_commit, islands[0].first_seq), (1, 6, Seq(13)));
    assert_eq!(scan.durable_seq, Seq(15));
}
