//! Deeds on the active file.

use shoseki_lab::evidence::{ActiveMaker, Log, Plan, body, frame_places};

use crate::forge::{Frame, changed, encode_active, parse_active, record};
use crate::harness::{audit, said};

/// Frames of the default log: seqs 59–61, 62, 63–66, 67–68, then a mark.
fn with_frames(log: &Log, deed: impl FnOnce(&mut Vec<Frame>)) -> Vec<String> {
    let path = log.active_path();
    let (header, mut frames) = parse_active(&log.files[&path]);
    deed(&mut frames);
    let mut files = log.files.clone();
    files.insert(path, encode_active(&header, frames));
    said(&audit(log, &files))
}

#[test]
fn putting_the_file_together_again_changes_nothing() {
    let log = Plan::default().make();
    assert_eq!(with_frames(&log, |_| {}), [""; 0]);
}

#[test]
fn a_changed_record_is_named() {
    let log = Plan::default().make();
    let deed = |frames: &mut Vec<Frame>| {
        let (_, body) = &mut frames[2].records[1];
        *body = changed(body);
    };
    assert_eq!(with_frames(&log, deed), ["changed 64"]);
    let thorough = |frames: &mut Vec<Frame>| {
        let other = changed(&frames[2].records[1].1);
        frames[2].records[1] = record(other);
    };
    assert_eq!(with_frames(&log, thorough), ["changed 63-66"]);
}

#[test]
fn removed_inserted_and_swapped_records_are_named() {
    let log = Plan::default().make();
    let removed = |frames: &mut Vec<Frame>| drop(frames[2].records.remove(1));
    assert_eq!(with_frames(&log, removed), ["removed 63-66"]);
    let inserted = |frames: &mut Vec<Frame>| {
        frames[2].records.insert(2, record(body(777, 30, 1)));
    };
    assert_eq!(with_frames(&log, inserted)[0], "inserted 65");
    let swapped = |frames: &mut Vec<Frame>| frames[2].records.swap(1, 3);
    assert_eq!(with_frames(&log, swapped), ["reordered 64-66"]);
}

#[test]
fn removed_repeated_and_swapped_frames_are_named() {
    let log = Plan::default().make();
    let removed = |frames: &mut Vec<Frame>| drop(frames.remove(1));
    assert_eq!(with_frames(&log, removed), ["removed 62"]);
    let repeated = |frames: &mut Vec<Frame>| frames.insert(2, frames[1].clone());
    assert_eq!(with_frames(&log, repeated), ["inserted 62"]);
    let swapped = |frames: &mut Vec<Frame>| frames.swap(1, 2);
    assert_eq!(with_frames(&log, swapped), ["reordered 62-66"]);
}

#[test]
fn the_file_of_a_copy_that_went_on_differently_is_told_by_the_checkpoint() {
    let log = Plan::default().make();
    let copy = Plan { differs_from: 63, ..Plan::default() }.make();
    let mut files = log.files.clone();
    files.insert(log.active_path(), copy.files[&log.active_path()].clone());
    let said = said(&audit(&log, &files));
    assert_eq!(said[0], "forked 0-68");
}

#[test]
fn a_file_of_another_log_is_told() {
    let log = Plan::default().make();
    let other = Plan { seed: 9, ..Plan::default() }.make();
    let mut files = log.files.clone();
    files.insert(log.active_path(), other.files[&log.active_path()].clone());
    assert_eq!(said(&audit(&log, &files))[0], "forked 59");
}

#[test]
fn a_tail_cut_at_any_frame_is_truncated() {
    for closed in [false, true] {
        let log = Plan { closed, ..Plan::default() }.make();
        let path = log.active_path();
        let file = &log.files[&path];
        let ends = ["truncated 59-68", "truncated 62-68", "truncated 63-68", "truncated 67-68"];
        for (place, want) in frame_places(file).iter().zip(ends) {
            for zeros in [0, 300] {
                let mut files = log.files.clone();
                let mut cut = file[..*place].to_vec();
                cut.resize(place + zeros, 0);
                files.insert(path.clone(), cut);
                assert_eq!(said(&audit(&log, &files)), [want], "{closed} {zeros}");
            }
        }
    }
}

#[test]
fn a_tail_cut_inside_a_frame_is_no_torn_write_where_a_checkpoint_covers_it() {
    let log = Plan::default().make();
    let path = log.active_path();
    let file = &log.files[&path];
    let places = frame_places(file);
    for end in (places[3] + 1..places[4]).step_by(41) {
        let mut files = log.files.clone();
        files.insert(path.clone(), file[..end].to_vec());
        let said = said(&audit(&log, &files));
        assert_eq!(said.len(), 1, "{end} {said:?}");
        assert!(["corrupt 67-68", "truncated 67-68"].contains(&said[0].as_str()), "{said:?}");
    }
}

#[test]
fn a_write_that_was_never_finished_is_a_notice() {
    let log = Plan::default().make();
    let path = log.active_path();
    let mut more = ActiveMaker::new(&log.identity, 59, log.chain[59], 0x5eed_0000_0000_0001);
    more.bytes.clone_from(&log.files[&path]);
    let begin = more.bytes.len();
    let mut again = parse_active(&log.files[&path]).1;
    let mut frame = again.remove(3);
    frame.header.first_seq.0 = 69;
    frame.header.durable_seq.0 = 69;
    frame.header.commit += 2;
    let (header, mut frames) = parse_active(&log.files[&path]);
    frames.push(frame);
    let whole = encode_active(&header, frames);
    // Every length of the frame that was being written but its whole one.
    for end in begin + 1..whole.len() {
        let mut files = log.files.clone();
        let mut torn = whole[..end].to_vec();
        torn.resize(whole.len() + 64, 0);
        files.insert(path.clone(), torn);
        let report = audit(&log, &files);
        if whole[end..].iter().any(|b| *b != 0) {
            assert_eq!(said(&report), [""; 0], "{end}");
            assert_eq!(report.notices.len(), 1, "{end} {:?}", report.notices);
            assert_eq!(report.notices[0].kind.as_str(), "torn");
        }
    }
}
