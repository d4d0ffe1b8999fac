//! Counts what a thread allocates, so that a target can say how much a decoder may take.
//!
//! Invariant: counts of a thread are its own, and the allocations themselves are the system's.
//! An abort on too large a single allocation is libFuzzer's part (`-malloc_limit_mb`).

use std::alloc::{GlobalAlloc, Layout, System};
use std::cell::Cell;

thread_local! {
    static HELD: Cell<usize> = const { Cell::new(0) };
    static PEAK: Cell<usize> = const { Cell::new(0) };
}

/// The allocator of whoever runs targets: put it in place with `#[global_allocator]`.
pub struct Counting;

fn grow(bytes: usize) {
    // A thread that is going has no counts any more.
    let _ = HELD.try_with(|held| {
        held.set(held.get().wrapping_add(bytes));
        let _ = PEAK.try_with(|peak| peak.set(peak.get().max(held.get())));
    });
}

fn shrink(bytes: usize) {
    let _ = HELD.try_with(|held| held.set(held.get().saturating_sub(bytes)));
}

#[expect(
    unsafe_code,
    reason = "the trait is; every call goes to the system's allocator as it came"
)]
// SAFETY: each method hands its arguments on unchanged, so what holds for `System` holds here.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        grow(layout.size());
        // SAFETY: the caller's promise, handed on.
        unsafe { System.alloc(layout) }
    }

    unsafe fn alloc_zeroed(&self, layout: Layout) -> *mut u8 {
        grow(layout.size());
        // SAFETY: the caller's promise, handed on.
        unsafe { System.alloc_zeroed(layout) }
    }

    unsafe fn dealloc(&self, at: *mut u8, layout: Layout) {
        shrink(layout.size());
        // SAFETY: the caller's promise, handed on.
        unsafe { System.dealloc(at, layout) }
    }

    unsafe fn realloc(&self, at: *mut u8, layout: Layout, size: usize) -> *mut u8 {
        grow(size);
        shrink(layout.size());
        // SAFETY: the caller's promise, handed on.
        unsafe { System.realloc(at, layout, size) }
    }
}

/// Runs something that may hold `limit` more bytes of this thread at once, and no more.
pub(crate) fn within<T>(limit: usize, what: &str, run: impl FnOnce() -> T) -> T {
    let before = HELD.get();
    PEAK.set(before);
    let done = run();
    let took = PEAK.get().saturating_sub(before);
    assert!(took <= limit, "{what} took {took} bytes at once, {limit} at most");
    done
}
