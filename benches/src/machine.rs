//! What the operating system says about the machine, this process and a directory.
//!
//! Invariant: nothing is guessed; what can't be read is said to be unknown.

use std::fs::{self, File};
use std::io;
use std::path::Path;

/// Memory of this process, in bytes.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Memory {
    /// Resident now (`VmRSS`), pages of mapped files included.
    pub resident: u64,
    /// Of it what is no page of a file (`RssAnon`).
    pub anonymous: u64,
    /// Most that was ever resident (`VmHWM`).
    pub peak: u64,
}

impl Memory {
    /// Of this process, now.
    ///
    /// # Errors
    /// What reading `/proc` says.
    pub fn now() -> io::Result<Self> {
        let status = fs::read_to_string("/proc/self/status")?;
        let value = |name: &str| {
            let line = status.lines().find_map(|line| line.strip_prefix(name));
            let kib = line.and_then(|rest| rest.split_whitespace().nth(1));
            kib.and_then(|kib| kib.parse::<u64>().ok()).map_or(0, |kib| kib * 1024)
        };
        Ok(Self { resident: value("VmRSS"), anonymous: value("RssAnon"), peak: value("VmHWM") })
    }
}

/// Files that this process holds open.
///
/// # Errors
/// What reading `/proc` says.
pub fn open_files() -> io::Result<usize> {
    Ok(fs::read_dir("/proc/self/fd")?.count())
}

/// One line: processor, cores, kernel and load of the machine.
#[must_use]
pub fn machine() -> String {
    let unknown = || "unknown".to_owned();
    let read = |path: &str| fs::read_to_string(path).ok();
    let cpuinfo = read("/proc/cpuinfo").unwrap_or_default();
    let field = |name: &str| {
        let line = cpuinfo.lines().find(|line| line.starts_with(name));
        line.and_then(|line| line.split_once(": ")).map_or_else(unknown, |(_, v)| v.to_owned())
    };
    let flags = field("flags");
    let has = |flag: &str| flags.split(' ').any(|known| known == flag);
    let cores = std::thread::available_parallelism().map_or(0, usize::from);
    let kernel = read("/proc/sys/kernel/osrelease").unwrap_or_else(unknown);
    let load = read("/proc/loadavg").unwrap_or_else(unknown);
    format!(
        "{} family {} model {}, {cores} cores, sha_ni {}, avx512f {}, Linux {}, load {}",
        field("model name"),
        field("cpu family"),
        field("model\t"),
        has("sha_ni"),
        has("avx512f"),
        kernel.trim(),
        load.split(' ').take(2).collect::<Vec<_>>().join(" "),
    )
}

/// Bytes of all files below a directory.
///
/// # Errors
/// What walking it says.
pub fn bytes_below(dir: &Path) -> io::Result<u64> {
    let mut sum = 0;
    walk(dir, &mut |_, len| {
        sum += len;
        Ok(())
    })?;
    Ok(sum)
}

/// Drops the pages of all files below a directory from the page cache.
///
/// # Errors
/// What walking it or the operating system says.
pub fn forget_pages(dir: &Path) -> io::Result<()> {
    walk(dir, &mut |path, _| {
        let file = File::open(path)?;
        file.sync_all()?;
        rustix::fs::fadvise(&file, 0, None, rustix::fs::Advice::DontNeed)?;
        Ok(())
    })
}

fn walk(dir: &Path, visit: &mut dyn FnMut(&Path, u64) -> io::Result<()>) -> io::Result<()> {
    for entry in fs::read_dir(dir)? {
        let entry = entry?;
        let kind = entry.metadata()?;
        if kind.is_dir() {
            walk(&entry.path(), visit)?;
        } else if kind.is_file() {
            visit(&entry.path(), kind.len())?;
        }
    }
    Ok(())
}
