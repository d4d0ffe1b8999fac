//! A real file system of its own: full, or without power. Needs root and loop devices; says so
//! where it can't have them.
//!
//! Invariant: whatever was mounted is unmounted when the test ends, also by a panic.

use std::fs::{self, File};
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::Command;

use shoseki_engine::log::{AppendError, BackupKey, ErrorClass, Log, LogOptions, Reader};
use tempfile::TempDir;

use crate::model::batch;
use crate::process::{Running, Told, check, verify};
use crate::threads::tell;

struct Mounted {
    at: PathBuf,
    image: PathBuf,
    _dir: TempDir,
}

fn run(program: &str, arguments: &[&str]) -> bool {
    Command::new(program).args(arguments).output().is_ok_and(|out| out.status.success())
}

fn mount(image: &Path, at: &Path) -> bool {
    let (image, at) = (image.to_str().unwrap(), at.to_str().unwrap());
    // Without a journal commit of its own for five minutes: only what was synced is on the disk.
    run("mount", &["-o", "loop,commit=300", image, at])
}

impl Mounted {
    fn new(mebibytes: u64) -> Option<Self> {
        let dir = tempfile::tempdir().unwrap();
        let (image, at) = (dir.path().join("image"), dir.path().join("at"));
        fs::create_dir(&at).unwrap();
        File::create(&image).unwrap().set_len(mebibytes << 20).unwrap();
        if run("mkfs.ext4", &["-q", image.to_str().unwrap()]) && mount(&image, &at) {
            return Some(Self { at, image, _dir: dir });
        }
        println!("skipped: no loop-mounted ext4 here (needs root, mkfs.ext4 and loop devices)");
        None
    }

    /// What the disk would hold if the power went now.
    fn after_power_cut(&self) -> Self {
        let dir = tempfile::tempdir().unwrap();
        let (image, at) = (dir.path().join("image"), dir.path().join("at"));
        fs::create_dir(&at).unwrap();
        fs::copy(&self.image, &image).unwrap();
        assert!(mount(&image, &at), "the copy can't be mounted");
        Self { at, image, _dir: dir }
    }
}

impl Drop for Mounted {
    fn drop(&mut self) {
        if !run("umount", &[self.at.to_str().unwrap()]) {
            run("umount", &["-l", self.at.to_str().unwrap()]);
        }
    }
}

fn options() -> LogOptions {
    LogOptions {
        free_space_reserve: Some(0),
        segment_raw_len_max: 2 << 20,
        ..LogOptions::default()
    }
}

#[test]
fn a_full_disk_refuses_appends_until_there_is_space() {
    let Some(disk) = Mounted::new(24) else { return };
    let ballast = disk.at.join("ballast");
    fs::write(&ballast, vec![7; 8 << 20]).unwrap();
    let path = disk.at.join("log");
    let log = Log::open(&path, options()).unwrap();
    let mut told = Told::new();
    let mut number = 0;
    let mut fill = |log: &Log, told: &mut Told| {
        loop {
            number += 1;
            match log.append(None, batch(number, 200)) {
                Ok(appended) => tell(told, &appended),
                Err(error) => return error,
            }
        }
    };
    let refused = fill(&log, &mut told);
    assert!(matches!(refused, AppendError::DiskFull { .. }), "{refused}");
    assert_eq!(refused.class(), ErrorClass::Full);
    assert!(!told.is_empty());
    // Nothing that is left: a process that had the last bytes.
    let rest = disk.at.join("rest");
    let refused = (900_000..).find_map(|number| {
        // A segment that is sealed meanwhile gives space back: it is taken too.
        let mut file = fs::OpenOptions::new().create(true).append(true).open(&rest).unwrap();
        let _ = file.write_all(&vec![1; 24 << 20]);
        let appended = log.append(None, batch(number, 200));
        appended.map(|appended| tell(&mut told, &appended)).err()
    });
    let refused = refused.unwrap();
    assert!(matches!(refused, AppendError::DiskFull { .. }), "{refused}");
    if let Err(error) = log.seal() {
        assert_eq!(error.class(), ErrorClass::Full, "{error}");
    }
    assert_eq!(check(&log.reader(), &told), told.len() as u64);
    fs::remove_file(&rest).unwrap();
    fs::remove_file(&ballast).unwrap();
    tell(&mut told, &log.append(None, batch(800_001, 200)).unwrap());
    log.seal().unwrap();
    tell(&mut told, &log.append(None, batch(800_002, 200)).unwrap());
    // Full again: closed and opened on a full disk it can be read and refuses as before.
    let refused = fill(&log, &mut told);
    assert!(matches!(refused, AppendError::DiskFull { .. }), "{refused}");
    let _ = fs::write(&rest, vec![1; 24 << 20]);
    let _ = log.close();
    let log = Log::open(&path, options()).unwrap();
    assert_eq!(check(&log.reader(), &told), told.len() as u64);
    fs::remove_file(&rest).unwrap();
    // Sealing in the background may have taken what that gave back.
    if let Err(error) = log.close() {
        assert_eq!(error.class(), ErrorClass::Full, "{error}");
    }
    check(&Reader::open(&path).unwrap(), &told);
}

#[test]
fn when_the_power_goes_everything_acknowledged_is_on_the_disk() {
    let Some(disk) = Mounted::new(64) else { return };
    let path = disk.at.join("log");
    let mut told = Told::new();
    let mut cut = 0;
    for round in 0..12 {
        let mut running = Running::start(&path, 100 + round, 150_000);
        running.listen(50 + round * 60, &mut told);
        // Stopped, so that the copy is one moment of the disk.
        assert!(run("kill", &["-STOP", &running.pid().to_string()]));
        let after = disk.after_power_cut();
        let log = Log::open(&after.at.join("log"), options()).unwrap();
        cut += u64::from(log.report().quarantined.is_some());
        check(&log.reader(), &told);
        log.append(None, batch(round, 10)).unwrap();
        log.seal().unwrap();
        check(&log.reader(), &told);
        log.close().unwrap();
        verify(&after.at.join("log"));
        running.kill(&mut told);
    }
    println!("{cut} torn ends cut");
}

#[test]
fn a_backup_taken_under_load_opens_and_goes_on() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("log");
    let mut told = Told::new();
    let mut running = Running::start(&path, 5, 100_000);
    for round in 0..4 {
        running.listen(300, &mut told);
        let copy = dir.path().join(format!("copy-{round}"));
        Reader::open(&path).unwrap().backup(&copy, BackupKey::With).unwrap();
        assert!(check(&Reader::open(&copy).unwrap(), &Told::new()) > 0);
        verify(&copy);
        let log = Log::open(&copy, options()).unwrap();
        log.append(None, batch(round, 3)).unwrap();
        log.close().unwrap();
        verify(&copy);
    }
    running.kill(&mut told);
    let log = Log::open(&path, options()).unwrap();
    check(&log.reader(), &told);
}
