//! A data directory that is copied while it is written.
//!
//! `cp` takes files one after the other, so a copy is of no one moment: a segment may be sealed and
//! its active file gone between the two lists, or the checkpoint be younger than the records. What
//! can be promised: the copy shows no wrong bytes; it opens with everything that was acknowledged
//! before the copy began, or it says that something is missing. `shoseki backup` is the way that
//! promises more: its copy always opens and verifies.
//! Invariant: whatever a copy gives out is what the receipt says.

use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::atomic::{AtomicBool, Ordering};

use shoseki_engine::log::{Entry, Reader};
use shoseki_engine::proof::record_hash;
use shoseki_engine::types::{Seq, to_hex};

use crate::binary::{Appending, Said, lines, run, shoseki};
use crate::promise::{Told, keeps, verify};
use crate::stage::{Stage, deep};

/// Records of what was told that a copy gives out, none of them wrong; an error says why none.
fn given_out(copy: &Path, told: &Told) -> Result<u64, String> {
    let reader = Reader::open(copy).map_err(|error| error.to_string())?;
    let mut count = 0;
    for (seq, hash) in told.hashes() {
        if let Ok(Entry::Record(record)) = reader.read(Seq(seq)) {
            assert_eq!(to_hex(&record_hash(record.body()).0), hash, "seq {seq} of a copy");
            count += 1;
        }
    }
    Ok(count)
}

/// The longer a copy takes, the more is written meanwhile and the longer the next one takes: so a
/// log is copied a few times only, and many times means many logs.
#[test]
fn a_copy_taken_in_use_is_whole_or_says_that_it_is_not() {
    for _ in 0..if deep() { 20 } else { 1 } {
        copies_of_one_log();
    }
}

fn copies_of_one_log() {
    let stage = Stage::new();
    let config = stage.at("config");
    let mut writer = Appending::start(&stage.log(), &["--config", config.to_str().unwrap()]);
    let (mut told, mut whole, mut refused, mut number) = (Told::default(), 0, 0, 0);
    let mut feed = |writer: &mut Appending, told: &mut Told| {
        writer.give(&lines(number, 5));
        number += 5;
        assert_eq!(writer.listen(5, told), 5);
    };
    for _ in 0..10 {
        feed(&mut writer, &mut told);
    }
    for round in 0..12 {
        let before = told.clone();
        let copy = stage.at(&format!("copy-{round}"));
        let mut copying = Command::new("cp");
        copying.arg("-r").arg(stage.log()).arg(&copy).stderr(Stdio::null());
        let mut copying = copying.spawn().unwrap();
        while copying.try_wait().unwrap().is_none() {
            feed(&mut writer, &mut told);
        }
        if let Err(why) = given_out(&copy, &told) {
            println!("copy {round} can't be read: {why}");
        }
        match keeps(&copy, &before) {
            Ok(()) => whole += 1,
            Err(why) => {
                // Never that records which were there before are simply absent.
                assert!(!why.contains("receipts"), "copy {round}: {why}");
                println!("copy {round}: {why}");
                refused += 1;
            }
        }
        std::fs::remove_dir_all(&copy).unwrap();
    }
    println!("{whole} copies were whole, {refused} said what they lack");
    writer.end(&mut told);
    keeps(&stage.log(), &told).unwrap();
}

/// The story: a backup of a log that was just made found no checkpoint yet, then copied segments
/// that were sealed meanwhile, and the copy was called tampered with. So each log is new.
#[test]
fn a_backup_taken_in_use_is_whole_every_time() {
    for _ in 0..if deep() { 60 } else { 4 } {
        let stage = Stage::new();
        let config = stage.at("config");
        let mut writer = Appending::start(&stage.log(), &["--config", config.to_str().unwrap()]);
        let (mut told, mut number) = (Told::default(), 60);
        writer.give(&lines(0, 60));
        assert_eq!(writer.listen(60, &mut told), 60);
        for round in 0..2 {
            let before = told.clone();
            let copy = stage.at(&format!("backup-{round}"));
            let said = backup_under_load(&stage, &copy, &mut writer, &mut told, &mut number);
            assert_eq!(said.status, Some(0), "{said:?}");
            verify(&copy).unwrap();
            // What no mark follows yet a reader does not trust; a mark comes within a second.
            let given = given_out(&copy, &before).unwrap();
            println!("{given} of {} acknowledged before it began", before.len());
        }
        writer.end(&mut told);
        keeps(&stage.log(), &told).unwrap();
    }
}

fn backup_under_load(
    stage: &Stage,
    copy: &Path,
    writer: &mut Appending,
    told: &mut Told,
    number: &mut u64,
) -> Said {
    let over = AtomicBool::new(false);
    std::thread::scope(|scope| {
        let over = &over;
        scope.spawn(move || {
            while !over.load(Ordering::Relaxed) {
                writer.give(&lines(*number, 5));
                *number += 5;
                assert_eq!(writer.listen(5, told), 5);
            }
        });
        let said = run(&mut shoseki(&stage.log(), &["backup", copy.to_str().unwrap()]));
        over.store(true, Ordering::Relaxed);
        said
    })
}
