//! The real binary on a disk that loses what was not synced, fails, or takes only a part.
//!
//! Invariant: after a power cut at any call that changes something, and whatever part of the
//! unsynced rest survives, every receipt that was printed has its record. A disk whose syncs do
//! nothing is what shows that these runs can fail.

use std::collections::BTreeMap;

use shoseki_lab::Rng;

use crate::binary::{Said, run, shoseki};
use crate::disk::Disk;
use crate::mounted::{Event, Mounted, disk_of};
use crate::promise::{Told, keeps};
use crate::stage::{APPEND, Stage, deep, sealed_and_active, torn};

const SIGBUS: i32 = 7;
const EIO: i32 = 5;
const ENOSPC: i32 = 28;
const EINTR: i32 = 4;

/// A log, and what is done to it.
struct Story {
    prepare: fn(&Stage) -> Told,
    arguments: &'static [&'static str],
}

const MAKE: Story = Story { prepare: |_| Told::default(), arguments: APPEND };
const ROLL: Story = Story { prepare: sealed_and_active, arguments: APPEND };
const TORN: Story =
    Story { prepare: torn, arguments: &["append", "--config", "@/config", "@/input-3"] };
const SEAL: Story = Story { prepare: sealed_and_active, arguments: &["seal"] };

/// A story with its stage set.
struct Set {
    stage: Stage,
    disk: Disk,
    told: Told,
    arguments: Vec<String>,
}

/// What came of one run.
struct Came {
    said: Said,
    told: Told,
    hit: Option<String>,
    calls: u64,
    kept: Result<(), String>,
}

impl Set {
    fn new(story: &Story) -> Self {
        let stage = Stage::new();
        let told = (story.prepare)(&stage);
        let disk = if stage.log().exists() {
            let holder = stage.at("holder");
            std::fs::create_dir(&holder).unwrap();
            std::fs::rename(stage.log(), holder.join("log")).unwrap();
            disk_of(&holder)
        } else {
            Disk::new()
        };
        let arguments = stage.expand(story.arguments);
        Self { stage, disk, told, arguments }
    }

    /// Runs it; then the power goes, if it has not gone, and everything is looked at.
    fn run(&self, event: Option<(u64, Event)>, seed: u64, lies: bool) -> Option<Came> {
        let mounted = Mounted::new(self.disk.clone(), event, seed)?;
        if lies {
            mounted.lie();
        }
        let arguments: Vec<&str> = self.arguments.iter().map(String::as_str).collect();
        let said = run(&mut shoseki(&mounted.path().join("log"), &arguments));
        let (hit, calls) = (mounted.hit(), mounted.calls());
        let cut = lies || event.is_none_or(|(_, event)| event == Event::Cut);
        // A process that met an error is followed by the next one: nothing is lost in between.
        let after = if cut { mounted.power_off() } else { mounted.unplug() };
        let mut told = self.told.clone();
        if arguments.first() == Some(&"append") {
            said.receipts(&mut told);
        }
        let copy = self.stage.at("copy");
        let _ = std::fs::remove_dir_all(&copy);
        after.copy_to(&copy);
        std::fs::create_dir_all(copy.join("log")).unwrap();
        let kept = keeps(&copy.join("log"), &told);
        Some(Came { said, told, hit, calls, kept })
    }
}

/// Every call or, in an ordinary run, about so many spread over all of them.
fn places(calls: u64, few: u64, offset: u64) -> impl Iterator<Item = u64> {
    let step = if deep() { 1 } else { calls.div_ceil(few).max(1) };
    (0..calls).filter(move |call| call % step == offset % step)
}

/// The power goes before each call; what survives is chosen by the seed.
fn cut(story: &Story) {
    let set = Set::new(story);
    let Some(calm) = set.run(None, 1, false) else { return };
    assert_eq!(calm.said.status, Some(0), "{:?}", calm.said);
    calm.kept.unwrap();
    let (mut runs, mut receipts, mut problems) = (0, 0, Vec::new());
    for seed in 1..=if deep() { 12 } else { 2 } {
        for call in places(calm.calls, 20, seed * 3) {
            let came = set.run(Some((call, Event::Cut)), seed * 1000 + call, false).unwrap();
            runs += 1;
            receipts += came.told.len() - set.told.len();
            // A page of a mapped file that the disk does not give ends the process: it says nothing
            // more, and what it had said must be there all the same.
            let unmapped = came.said.signal == Some(SIGBUS);
            let ended = matches!(came.said.status, Some(0 | 3)) || unmapped;
            let calm = ended && !came.said.err.contains("panicked");
            if let (Err(_), _) | (_, false) = (&came.kept, calm) {
                let (hit, said) = (&came.hit, &came.said.err);
                let Said { status, signal, .. } = came.said;
                let ended = format!("status {status:?}, signal {signal:?}");
                problems.push(format!("seed {seed}, {hit:?}, {ended}: {:?}\n{said}", came.kept));
            }
        }
    }
    println!("{} calls, {runs} cuts, {receipts} receipts kept", calm.calls);
    assert!(problems.is_empty(), "{} problems\n{}", problems.len(), problems.join("\n---\n"));
}

#[test]
fn power_goes_while_a_log_is_made() {
    cut(&MAKE);
}

#[test]
fn power_goes_while_appends_roll_and_are_sealed() {
    cut(&ROLL);
}

#[test]
fn power_goes_while_a_torn_end_is_cut() {
    cut(&TORN);
}

#[test]
fn power_goes_while_a_segment_is_sealed() {
    cut(&SEAL);
}

/// The story of these runs: without this one nobody knew whether they can fail at all.
#[test]
fn a_disk_whose_syncs_do_nothing_is_found_out() {
    let set = Set::new(&ROLL);
    let lost = (1..40).find_map(|seed| {
        let came = set.run(None, seed, true)?;
        assert_eq!(came.said.status, Some(0), "{:?}", came.said);
        came.kept.err()
    });
    if Mounted::new(Disk::new(), None, 1).is_some() {
        println!("{}", lost.expect("forty power cuts of a disk that lies lost nothing"));
    }
}

#[test]
fn each_call_on_the_disk_fails_or_takes_a_part() {
    let mut problems = Vec::new();
    let mut tally: BTreeMap<String, u64> = BTreeMap::new();
    for story in [&MAKE, &ROLL, &TORN, &SEAL] {
        let set = Set::new(story);
        let Some(calm) = set.run(None, 1, false) else { return };
        let events = [
            Event::Error(EIO),
            Event::Error(ENOSPC),
            Event::Error(EINTR),
            Event::Short(1),
            Event::Short(37),
            Event::Short(4095),
        ];
        for (offset, event) in (0..).zip(events) {
            for call in places(calm.calls, 5, offset * 7) {
                let came = set.run(Some((call, event)), call, false).unwrap();
                let status = came.said.status;
                *tally.entry(format!("{event:?} {status:?}")).or_default() += 1;
                // A part that was written is no error: the rest has to follow.
                let short = matches!(event, Event::Short(_));
                let fits = status == Some(0) || status == Some(3) && !short;
                let calm = fits && !came.said.err.contains("panicked");
                if came.kept.is_err() || !calm {
                    let (hit, said) = (&came.hit, &came.said.err);
                    problems.push(format!("{hit:?} {event:?} {status:?}: {:?}\n{said}", came.kept));
                }
            }
        }
    }
    println!("{tally:?}");
    assert!(problems.is_empty(), "{} problems\n{}", problems.len(), problems.join("\n---\n"));
}

/// The log is closed, opened and cut again and again on one disk: what recovery writes is cut too.
#[test]
fn power_goes_again_and_again() {
    let stage = Stage::new();
    let rounds = if deep() { 200 } else { 12 };
    let mut rng = Rng::new(7);
    let (mut disk, mut told) = (Disk::new(), Told::default());
    let arguments = stage.expand(APPEND);
    let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
    for round in 0..rounds {
        let event = Some((rng.below(170), Event::Cut));
        let Some(mounted) = Mounted::new(disk.clone(), event, rng.draw()) else { return };
        let said = run(&mut shoseki(&mounted.path().join("log"), &arguments));
        let ended = matches!(said.status, Some(0 | 3)) || said.signal == Some(SIGBUS);
        assert!(ended, "round {round}: {said:?}");
        said.receipts(&mut told);
        disk = mounted.power_off();
    }
    let copy = stage.at("copy");
    disk.copy_to(&copy);
    println!("{} receipts in {rounds} rounds", told.len());
    keeps(&copy.join("log"), &told).unwrap();
    assert!(told.len() > 0);
}
