//! Large buffers that are used again: the pages of fresh memory cost more than filling them.
//!
//! Invariant: what is kept is bounded in number and size; a buffer comes empty. Knows nothing of
//! what is in them.

use std::ops::{Deref, DerefMut};
use std::sync::Arc;

use parking_lot::Mutex;

/// Smaller ones are left to the allocator.
const LEN_MIN: usize = 32 << 10;
/// Larger ones are given back to the system.
const LEN_MAX: usize = 4 << 20;
/// Most that are kept.
const KEPT_MAX: usize = 8;

/// Where they wait.
#[derive(Default)]
pub(crate) struct Buffers(Mutex<Vec<Vec<u8>>>);

impl Buffers {
    /// An empty buffer with room for `len` bytes.
    pub(crate) fn take(self: &Arc<Self>, len: usize) -> Buffer {
        let kept = if len < LEN_MIN { None } else { self.0.lock().pop() };
        let mut bytes = kept.unwrap_or_default();
        bytes.reserve(len);
        Buffer { bytes, home: Arc::clone(self) }
    }

    fn give(&self, mut bytes: Vec<u8>) {
        if !(LEN_MIN..=LEN_MAX).contains(&bytes.capacity()) {
            return;
        }
        bytes.clear();
        let mut kept = self.0.lock();
        if kept.len() < KEPT_MAX {
            kept.push(bytes);
        }
    }
}

/// Bytes whose memory goes back to where it came from.
pub(crate) struct Buffer {
    bytes: Vec<u8>,
    home: Arc<Buffers>,
}

impl Deref for Buffer {
    type Target = Vec<u8>;

    fn deref(&self) -> &Vec<u8> {
        &self.bytes
    }
}

impl DerefMut for Buffer {
    fn deref_mut(&mut self) -> &mut Vec<u8> {
        &mut self.bytes
    }
}

impl Drop for Buffer {
    fn drop(&mut self) {
        self.home.give(std::mem::take(&mut self.bytes));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_buffer_comes_back_empty_and_few_are_kept() {
        let buffers = Arc::new(Buffers::default());
        let mut first = buffers.take(LEN_MIN);
        first.extend_from_slice(&[7; LEN_MIN]);
        let place = first.as_ptr();
        drop(first);
        let again = buffers.take(LEN_MIN);
        assert!(again.is_empty() && again.as_ptr() == place);
        let many: Vec<Buffer> = (0..2 * KEPT_MAX).map(|_| buffers.take(LEN_MIN)).collect();
        drop(many);
        assert_eq!(buffers.0.lock().len(), KEPT_MAX);
        drop(buffers.take(LEN_MAX + 1));
        assert_eq!(buffers.0.lock().len(), KEPT_MAX - 1, "a large one stayed");
        drop(buffers.take(10));
        assert_eq!(buffers.0.lock().len(), KEPT_MAX - 1, "a small one stayed");
    }
}
