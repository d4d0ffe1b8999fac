//! What a builder writes against a naive reading of the same records.

use super::*;
use crate::format::{Counts, TimeRange};
use crate::proof::cover;
use crate::record::Body;
use crate::types::NodeHash;

/// RFC 6962 by its definition: no ranges, no stack.
fn naive_root(leaves: &[NodeHash]) -> NodeHash {
    match leaves {
        [] => crate::proof::empty_root(),
        [leaf] => *leaf,
        _ => {
            let split = leaves.len().next_power_of_two() / 2;
            let (left, right) = leaves.split_at(split);
            crate::proof::node_hash(&naive_root(left), &naive_root(right))
        }
    }
}

fn leaves(seqs: std::ops::Range<u64>) -> Vec<NodeHash> {
    seqs.map(|n| leaf_hash(&hash(n))).collect()
}

#[test]
fn footers_say_what_a_naive_tree_says() {
    for (first, end) in [
        (0, 1),
        (0, 255),
        (0, 256),
        (0, 257),
        (255, 256),
        (255, 257),
        (256, 512),
        (100, 200),
        (100, 600),
        (300, 512),
        (511, 769),
    ] {
        let (built, file) = build(first..end, &PLAIN);
        let footer = &built.footer;
        let case = format!("{first}..{end}");
        let nodes: Vec<NodeHash> =
            cover(first, end).map(|id| naive_root(&leaves(id.leaves().unwrap()))).collect();
        assert_eq!(footer.range_nodes, nodes, "{case}");
        assert_eq!(footer.segment_root, naive_root(&leaves(first..end)), "{case}");
        assert_eq!(footer.log_root, naive_root(&leaves(0..end)), "{case}");
        assert_eq!(built.frontier.root(), Ok(footer.log_root), "{case}");
        assert_eq!((footer.first_seq.0, footer.log_size.0), (first, end), "{case}");
        // The part of the first tile, if the segment begins inside it; that of the last, if it
        // ends inside another.
        let first_tile_end = first.next_multiple_of(256).min(end);
        let last_tile = (end / 256 * 256).max(first_tile_end);
        assert_eq!(footer.first_tile, leaves(first..first_tile_end), "{case}");
        assert_eq!(footer.last_tile, leaves(last_tile..end), "{case}");
        assert_eq!(footer.chain_after, chain(GENESIS, 0..end), "{case}");
        assert_eq!(built.file_len, file.len() as u64, "{case}");
        let segment = SealedSegment::open(file).unwrap();
        for (block, entry) in segment.directory().iter().enumerate() {
            let (start, end) = segment.block_range(block);
            assert_eq!(entry.root, naive_root(&leaves(start..end)), "{case} block {block}");
        }
    }
}

#[test]
fn zone_maps_and_counts_are_those_of_the_records() {
    let erased = |n: u64| n % 7 == 5;
    let (built, file) = build(100..600, &Shape { erased, ..PLAIN });
    let segment = SealedSegment::open(file).unwrap();
    let of = |seqs: std::ops::Range<u64>| {
        let (mut time, mut received) = (TimeRange::EMPTY, TimeRange::EMPTY);
        let (mut counts, mut raw) = (Counts::default(), 0);
        for n in seqs {
            let bytes = body(n);
            if erased(n) {
                counts.erased += 1;
                continue;
            }
            raw += bytes.len() as u64;
            let body = Body::parse(&bytes).unwrap();
            let nanos = body.timestamp().unix_nanos();
            time = TimeRange { min: time.min.min(nanos), max: time.max.max(nanos) };
            let nanos = body.received_at().unix_nanos();
            received = TimeRange { min: received.min.min(nanos), max: received.max.max(nanos) };
            counts.result[body.result() as usize] += 1;
            counts.sensitivity[body.sensitivity() as usize] += 1;
            counts.actor_type[body.actor_type() as usize] += 1;
            counts.pii += u64::from(body.pii_flag());
        }
        (time, received, counts, raw)
    };
    for (block, entry) in segment.directory().iter().enumerate() {
        let (start, end) = segment.block_range(block);
        let (time, received, counts, _) = of(start..end);
        assert_eq!((entry.timestamp, entry.received, &entry.counts), (time, received, &counts));
        assert_eq!(u64::from(entry.record_count), end - start);
    }
    let (time, received, counts, raw) = of(100..600);
    let footer = built.footer;
    assert_eq!((footer.timestamp, footer.received, footer.counts), (time, received, counts));
    assert_eq!(footer.raw_len, raw);
    assert!(footer.counts.pii > 0 && footer.counts.erased > 0 && footer.counts.result[1] > 0);
}

#[test]
fn equal_input_gives_equal_bytes() {
    assert_eq!(build(200..300, &PLAIN).1, build(200..300, &PLAIN).1);
}

#[test]
fn groups_end_at_their_count_at_64_kib_and_with_the_tile() {
    let (_, file) = build(250..300, &Shape { group: 4, ..PLAIN });
    let segment = SealedSegment::open(file).unwrap();
    let counts = |block| {
        let head = segment.block_head(block).unwrap();
        head.groups.iter().map(|g| g.record_count).collect::<Vec<_>>()
    };
    assert_eq!(counts(0), [4, 2]);
    assert_eq!(counts(1), [4; 11]);
    let long = |n: u64| {
        let mut record = crate::record::Body::parse(&body(n)).unwrap().to_record();
        record.actor_role = Some("x".repeat(40_000));
        let stamp = Stamp {
            audit_id: record.audit_id.unwrap(),
            received_at: Timestamp::from_unix_micros(RECEIVED_AT).unwrap(),
            ingested_by: None,
            salt: Salt::from_bytes([1; 12]),
        };
        let mut out = Vec::new();
        encode_body(&record, &stamp, &mut out);
        out
    };
    let params = SegmentParams {
        first_seq: Seq(0),
        count: 5,
        identity_sha256: [3; 32],
        chain_before: GENESIS,
        group_records_max: 16,
        compression_level: 6,
        dictionary: Vec::new(),
    };
    let mut builder = SegmentBuilder::new(params, Vec::new()).unwrap();
    for n in 0..5 {
        let body = long(n);
        builder.push(SegmentInput::Body(&body, record_hash(&body))).unwrap();
    }
    let note = |_: &_| String::new();
    let (_, file) = builder.finish(CompactRange::new(0), note, |_| String::new()).unwrap();
    let head = SealedSegment::open(file).unwrap().block_head(0).unwrap();
    assert_eq!(head.groups.iter().map(|g| g.record_count).collect::<Vec<_>>(), [2, 2, 1]);
}

#[test]
fn a_wrong_count_a_wrong_frontier_and_a_body_that_is_none_are_refused() {
    let params = |count| SegmentParams {
        first_seq: Seq(10),
        count,
        identity_sha256: [3; 32],
        chain_before: GENESIS,
        group_records_max: 16,
        compression_level: 6,
        dictionary: Vec::new(),
    };
    let built = |count, frontier| {
        let mut builder = SegmentBuilder::new(params(count), Vec::new()).unwrap();
        builder.push(SegmentInput::Body(&body(10), hash(10))).unwrap();
        builder.finish(frontier, |_| String::new(), |_| String::new()).map(|_| ())
    };
    assert!(built(1, range(0..10)).is_ok());
    assert!(built(2, range(0..10)).is_err());
    assert!(built(1, range(0..9)).is_err());
    let mut builder = SegmentBuilder::new(params(1), Vec::new()).unwrap();
    assert!(builder.push(SegmentInput::Body(b"{}", record_hash(b"{}"))).is_err());
}
