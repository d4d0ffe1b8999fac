//! Memory of the process that holds an engine's data: this one or a server with its children.
//!
//! Invariant: of a server the proportional share (Pss) is summed, so that memory that its processes
//! share counts once; of this process it is what is resident, mapped pages of files included.

use std::fs;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::thread::JoinHandle;
use std::time::Duration;

use shoseki_benches::machine::Memory;

use crate::Outcome;

const SAMPLE_EVERY: Duration = Duration::from_millis(20);

/// Bytes now.
pub(crate) fn resident(server: Option<u32>) -> Outcome<u64> {
    match server {
        None => Ok(Memory::now()?.resident),
        Some(id) => share_of(id),
    }
}

/// Forgets this process's peak, so that what was before doesn't count.
pub(crate) fn forget_peak() -> Outcome {
    Ok(fs::write("/proc/self/clear_refs", "5")?)
}

/// The peak of this process since it was forgotten.
pub(crate) fn own_peak() -> Outcome<u64> {
    Ok(Memory::now()?.peak)
}

/// Looks at a server again and again until it is stopped.
pub(crate) struct Watch {
    stop: Arc<AtomicBool>,
    peak: Arc<AtomicU64>,
    thread: JoinHandle<()>,
}

impl Watch {
    pub(crate) fn start(server: u32) -> Self {
        let (stop, peak) = (Arc::new(AtomicBool::new(false)), Arc::new(AtomicU64::new(0)));
        let thread = std::thread::spawn({
            let (stop, peak) = (Arc::clone(&stop), Arc::clone(&peak));
            move || {
                while !stop.load(Ordering::Relaxed) {
                    // A process may end between two looks at it.
                    peak.fetch_max(share_of(server).unwrap_or(0), Ordering::Relaxed);
                    std::thread::sleep(SAMPLE_EVERY);
                }
            }
        });
        Self { stop, peak, thread }
    }

    /// The most that was seen.
    pub(crate) fn end(self) -> Outcome<u64> {
        self.stop.store(true, Ordering::Relaxed);
        self.thread.join().map_err(|_| "the watching thread panicked")?;
        Ok(self.peak.load(Ordering::Relaxed))
    }
}

/// Proportional share of a process and its children.
fn share_of(server: u32) -> Outcome<u64> {
    let mut sum = share(server)?;
    for entry in fs::read_dir("/proc")? {
        let name = entry?.file_name();
        let Some(id) = name.to_str().and_then(|name| name.parse::<u32>().ok()) else { continue };
        if parent(id) == Some(server) {
            // It may have ended meanwhile.
            sum += share(id).unwrap_or(0);
        }
    }
    Ok(sum)
}

fn share(id: u32) -> Outcome<u64> {
    let rollup = fs::read_to_string(format!("/proc/{id}/smaps_rollup"))?;
    let line = rollup.lines().find_map(|line| line.strip_prefix("Pss:")).ok_or("no Pss")?;
    let kib = line.split_whitespace().next().ok_or("no Pss")?;
    Ok(kib.parse::<u64>()? * 1024)
}

fn parent(id: u32) -> Option<u32> {
    let stat = fs::read_to_string(format!("/proc/{id}/stat")).ok()?;
    // The name in brackets may hold anything, brackets too.
    let (_, behind) = stat.rsplit_once(')')?;
    behind.split_whitespace().nth(1)?.parse().ok()
}
