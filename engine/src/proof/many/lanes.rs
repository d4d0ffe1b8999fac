//! Feeds messages of different lengths to lanes that advance block by block together.
//!
//! Invariant: a lane takes the next message as soon as its own is done, so short ones don't wait
//! for long ones. Knows nothing about instructions: those are in `x86`.
#![expect(clippy::big_endian_bytes, reason = "SHA-512 is defined on big-endian words")]

use crate::types::RecordHash;

/// Bytes of a SHA-512 block.
const BLOCK_LEN: usize = 128;
/// A message's last block ends with its length in bits; the part of a message before it has to
/// leave room for that and one byte more.
const REST_LEN_MAX: usize = BLOCK_LEN - 16;

/// Initial state of SHA-512 (FIPS 180-4, 5.3.5).
const INITIAL: [u64; 8] = [
    0x6a09_e667_f3bc_c908,
    0xbb67_ae85_84ca_a73b,
    0x3c6e_f372_fe94_f82b,
    0xa54f_f53a_5f1d_36f1,
    0x510e_527f_ade6_82d1,
    0x9b05_688c_2b3e_6c1f,
    0x1f83_d9ab_fb41_bd6b,
    0x5be0_cd19_137e_2179,
];

/// State words of `N` messages: first by word, then by lane.
pub(super) type State<const N: usize> = [[u64; N]; 8];
/// Message words of `N` blocks: first by word, then by lane.
pub(super) type Words<const N: usize> = [[u64; N]; 16];

/// A message on its way.
struct Lane<'a> {
    index: usize,
    /// Whole blocks that are still to come.
    blocks: &'a [[u8; BLOCK_LEN]],
    /// What follows them: the rest of the message, padded.
    tail: [[u8; BLOCK_LEN]; 2],
    /// Blocks of `tail` that are still to come.
    tail_left: usize,
}

impl<'a> Lane<'a> {
    fn new(index: usize, message: &'a [u8]) -> Self {
        let (blocks, rest) = message.as_chunks::<BLOCK_LEN>();
        let bits = (message.len() as u128 * 8).to_be_bytes();
        let mut tail = [[0; BLOCK_LEN]; 2];
        let mut bytes = tail.as_flattened_mut().iter_mut();
        rest.iter().chain(&[0x80]).zip(&mut bytes).for_each(|(from, to)| *to = *from);
        let tail_left = if rest.len() < REST_LEN_MAX { 1 } else { 2 };
        // One block of padding is the second one: the tail is taken from its end.
        if tail_left == 1 {
            tail.swap(0, 1);
        }
        let end = tail.as_flattened_mut().iter_mut().rev();
        end.zip(bits.iter().rev()).for_each(|(to, from)| *to = *from);
        Self { index, blocks, tail, tail_left }
    }

    /// The next block; `None` behind the last.
    fn next(&mut self) -> Option<&[u8; BLOCK_LEN]> {
        if let Some((first, rest)) = self.blocks.split_first() {
            self.blocks = rest;
            return Some(first);
        }
        self.tail_left = self.tail_left.checked_sub(1)?;
        self.tail.iter().rev().nth(self.tail_left)
    }

    fn is_done(&self) -> bool {
        self.blocks.is_empty() && self.tail_left == 0
    }
}

/// Hashes all messages with a function that compresses one block in each of `N` lanes.
pub(super) fn hash_all<const N: usize>(
    messages: &[&[u8]],
    each: &mut dyn FnMut(usize, RecordHash),
    compress: impl Fn(&mut State<N>, &Words<N>),
) {
    let mut waiting = messages.iter().enumerate().map(|(index, message)| Lane::new(index, message));
    let mut lanes: [Option<Lane<'_>>; N] = std::array::from_fn(|_| waiting.next());
    let mut state: State<N> = INITIAL.map(|word| [word; N]);
    let mut words: Words<N> = [[0; N]; 16];
    while lanes.iter().any(Option::is_some) {
        for (place, lane) in lanes.iter_mut().enumerate() {
            let Some(block) = lane.as_mut().and_then(Lane::next) else { continue };
            for (word, bytes) in words.iter_mut().zip(block.as_chunks::<8>().0) {
                if let Some(word) = word.get_mut(place) {
                    *word = u64::from_be_bytes(*bytes);
                }
            }
        }
        compress(&mut state, &words);
        for (place, slot) in lanes.iter_mut().enumerate() {
            if let Some(lane) = slot.take_if(|lane| lane.is_done()) {
                each(lane.index, take_digest(&mut state, place));
                *slot = waiting.next();
            }
        }
    }
}

/// The digest of one lane, which begins anew.
fn take_digest<const N: usize>(state: &mut State<N>, place: usize) -> RecordHash {
    let mut digest = [0; RecordHash::LEN];
    let bytes = digest.as_chunks_mut::<8>().0;
    for ((out, word), initial) in bytes.iter_mut().zip(state).zip(INITIAL) {
        if let Some(word) = word.get_mut(place) {
            *out = std::mem::replace(word, initial).to_be_bytes();
        }
    }
    RecordHash(digest)
}
