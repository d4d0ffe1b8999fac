//! What can be planned for a disk.
//!
//! Invariant: a fault names the call that it hits by its number, so that a seed gives the same
//! faults at the same calls. Knows nothing about how they are carried out.

use std::io;

/// What happens at a call.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum FaultKind {
    /// Power goes before the call had its effect.
    CrashBefore,
    /// Power goes after it.
    CrashAfter,
    /// The call fails without its effect (a write with a part of it).
    ErrorBefore(io::ErrorKind),
    /// The call has its effect and reports a failure.
    ErrorAfter(io::ErrorKind),
    /// From this call on every call of the kind counted fails without its effect, until the next
    /// life: the disk went away.
    Gone,
    /// The first write, from this call on, to a path that contains this reaches the cache as it is
    /// and the medium with one bit changed; nobody is told.
    Flip(&'static str),
    /// The thread that makes the call dies before it has its effect.
    Panic,
}

/// A fault at one call.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Fault {
    /// The number of the call, from 0.
    pub call: u64,
    /// Whether reading calls count; otherwise only those that change something or sync.
    pub reads: bool,
    /// What happens.
    pub kind: FaultKind,
}

/// A storage that does not keep what its documentation says: the lab must find each.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Lie {
    /// Syncs of directories do nothing.
    DirectorySyncIgnored,
    /// A sync that failed says that it succeeded.
    SyncErrorSwallowed,
    /// A sync returns before it is done; the next sync of the file does it.
    SyncReturnsEarly,
    /// Reading back comes from the cache.
    ReadBackFromCache,
}
