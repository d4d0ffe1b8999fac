//! Processes that are stopped and killed at random, and more than one on the same directory.
//!
//! Invariant: one process writes at a time, whoever else tries is told its pid, also while it is
//! stopped; what any of them printed stays.

use shoseki_lab::Rng;

use crate::binary::{Appending, lines, run, shoseki};
use crate::promise::{Told, keeps};
use crate::stage::{Stage, deep};

fn seed() -> u64 {
    std::env::var("SHOSEKI_SEED").ok().and_then(|text| text.parse().ok()).unwrap_or(1)
}

/// A second writer is refused by name, whichever command it is.
fn refuses(stage: &Stage, pid: u32) {
    let log = stage.log();
    for arguments in [&["append", "/dev/null"][..], &["seal"]] {
        let said = run(&mut shoseki(&log, arguments));
        assert_eq!(said.status, Some(3), "{said:?}");
        assert!(said.err.contains(&format!("pid {pid})")), "{said:?}");
        assert!(said.err.contains(&format!("wait for process {pid}")), "{said:?}");
    }
}

#[test]
fn a_stopped_writer_keeps_the_log_and_readers_work_beside_it() {
    let stage = Stage::new();
    let mut told = Told::default();
    let mut first = Appending::start(&stage.log(), &[]);
    first.give(&lines(0, 20));
    assert_eq!(first.listen(20, &mut told), 20);
    // A reader trusts what a younger frame calls durable: the mark, within a second.
    while run(&mut shoseki(&stage.log(), &["export"])).out.is_empty() {}
    first.signal("-STOP");
    refuses(&stage, first.pid());
    for arguments in [&["verify"][..], &["export"], &["query", "--actor-id", "u-1"], &["segments"]]
    {
        let said = run(&mut shoseki(&stage.log(), arguments));
        assert_eq!(said.status, Some(0), "{arguments:?}: {said:?}");
        assert!(!said.out.is_empty(), "{arguments:?}");
    }
    let copy = stage.at("copy");
    let said = run(&mut shoseki(&stage.log(), &["backup", copy.to_str().unwrap()]));
    assert_eq!(said.status, Some(0), "{said:?}");
    first.signal("-CONT");
    first.give(&lines(20, 20));
    assert_eq!(first.listen(20, &mut told), 20);
    refuses(&stage, first.pid());
    first.end(&mut told);
    keeps(&stage.log(), &told).unwrap();
}

/// Writers follow each other; each may be stopped for a while, with another one trying meanwhile,
/// and most are killed, running or stopped.
#[test]
fn stopped_and_killed_at_random_they_keep_every_receipt() {
    let mut rng = Rng::new(seed());
    println!("seed {}", seed());
    let stage = Stage::new();
    let config = stage.at("config");
    let config = config.to_str().unwrap();
    let (mut told, mut number) = (Told::default(), 0);
    let (mut refused, mut killed) = (0, 0);
    for _ in 0..if deep() { 400 } else { 25 } {
        let mut writer = Appending::start(&stage.log(), &["--config", config]);
        for _ in 0..rng.below(6) {
            let count = 1 + rng.below(30);
            writer.give(&lines(number, count));
            number += count;
            // Some receipts are read at once; the others wait in the pipe, as with a slow client.
            writer.listen(rng.below(count), &mut told);
            if rng.chance(40) {
                writer.signal("-STOP");
                // It may have been stopped before it had the lock: then the other one has it.
                let other = run(&mut shoseki(&stage.log(), &["append", "/dev/null"]));
                let named = other.err.contains(&format!("pid {})", writer.pid()));
                assert!(other.status == Some(0) || named, "{other:?}");
                refused += u64::from(named);
                if rng.chance(60) {
                    writer.signal("-CONT");
                } else {
                    break;
                }
            }
        }
        if rng.chance(80) {
            writer.kill(&mut told);
            killed += 1;
        } else {
            writer.signal("-CONT");
            writer.end(&mut told);
        }
    }
    println!("{} receipts, {killed} killed, {refused} others refused", told.len());
    assert!(told.len() > 0 && killed > 0 && refused > 0);
    keeps(&stage.log(), &told).unwrap();
}
