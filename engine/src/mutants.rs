//! Checks that a test can take out, to see that the fault lab notices.
//!
//! Invariant: compiled only with the feature `mutants`, which no program that is shipped asks for;
//! nothing is taken out before a test says so, and then only in its own thread.

use std::cell::Cell;

/// What is left out.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Mutant {
    /// A sealed file is not read back before its active file goes.
    NoReadBack,
    /// Recovery cuts a bad end without asking for marks behind it.
    TornTail,
    /// A commit is answered before its sync: the next one does it.
    AcknowledgedEarly,
    /// An error of a commit's sync is ignored.
    SyncErrorIgnored,
    /// The directory of a new active file is not synced.
    NoDirectorySync,
}

thread_local! {
    static MUTANT: Cell<Option<Mutant>> = const { Cell::new(None) };
}

/// Takes a check out in this thread, or puts all back.
pub fn set(mutant: Option<Mutant>) {
    MUTANT.set(mutant);
}

/// Whether this check is taken out.
pub(crate) fn is(mutant: Mutant) -> bool {
    MUTANT.get() == Some(mutant)
}
