//! Compression of the text part of a group.
//!
//! Invariant: decompression writes at most the length that the group table states, and exactly
//! that or it is an error: stored bytes can't make it allocate more. Contexts are kept per thread,
//! since making one costs more than using it. Knows nothing about what the bytes mean.

use std::cell::RefCell;

use zstd::zstd_safe::{CCtx, CDict, DCtx, DDict};

use crate::format::GroupEncoding;

thread_local! {
    static DECOMPRESS: RefCell<DCtx<'static>> = RefCell::new(DCtx::create());
    static COMPRESS: RefCell<CCtx<'static>> = RefCell::new(CCtx::create());
}

/// A segment's dictionary, ready for compression.
pub(crate) struct Encoder {
    level: i32,
    dictionary: Option<CDict<'static>>,
    /// What the last text became; used again.
    out: Vec<u8>,
}

impl Encoder {
    pub(crate) fn new(dictionary: &[u8], level: i32) -> Self {
        let dictionary = (!dictionary.is_empty()).then(|| CDict::create(dictionary, level));
        Self { level, dictionary, out: Vec::new() }
    }

    /// The shortest of the encodings that are at hand, and what it gives.
    pub(crate) fn encode<'a>(&'a mut self, text: &'a [u8]) -> (GroupEncoding, &'a [u8]) {
        let out = &mut self.out;
        out.clear();
        out.reserve(zstd::zstd_safe::compress_bound(text.len()));
        let (encoding, done) = COMPRESS.with_borrow_mut(|context| match &self.dictionary {
            Some(dictionary) => {
                let done = context.compress_using_cdict(out, text, dictionary);
                (GroupEncoding::ZstdDictionary, done)
            }
            None => (GroupEncoding::Zstd, context.compress(out, text, self.level)),
        });
        if done.is_ok() && out.len() < text.len() {
            (encoding, out)
        } else {
            (GroupEncoding::Plain, text)
        }
    }
}

/// A segment's dictionary, ready for decompression.
pub(crate) struct Decoder(Option<DDict<'static>>);

impl Decoder {
    /// A dictionary that can't be taken up is none: what was compressed with it can't be read.
    pub(crate) fn new(dictionary: &[u8]) -> Self {
        let used = Some(dictionary).filter(|dictionary| !dictionary.is_empty());
        Self(used.and_then(DDict::try_create))
    }

    /// The text of `raw_len` bytes; `None` where the bytes are no such text.
    pub(crate) fn decode(
        &self,
        encoding: GroupEncoding,
        stored: &[u8],
        raw_len: usize,
    ) -> Option<Vec<u8>> {
        let mut out = Vec::with_capacity(raw_len);
        let done = match (encoding, &self.0) {
            (GroupEncoding::Plain, _) => {
                out.extend_from_slice(stored);
                true
            }
            (GroupEncoding::Zstd, _) => {
                DECOMPRESS.with_borrow_mut(|context| context.decompress(&mut out, stored).is_ok())
            }
            (GroupEncoding::ZstdDictionary, Some(dictionary)) => {
                DECOMPRESS.with_borrow_mut(|context| {
                    context.decompress_using_ddict(&mut out, stored, dictionary).is_ok()
                })
            }
            (GroupEncoding::ZstdDictionary, None) => false,
        };
        (done && out.len() == raw_len).then_some(out)
    }
}

/// Texts below this many bytes are not worth a dictionary, which is stored beside them.
const TRAINING_LEN_MIN: usize = 96 << 10;
/// Beyond it a dictionary makes matches farther and texts longer; from 15.5 KiB on zstd takes its
/// settings for long texts: decision 0010.
const DICTIONARY_LEN_MAX: usize = 12 << 10;

/// A dictionary for texts like the samples; empty where it would not pay.
/// `total_len` is the length of all text that it is for, of which the samples are a part.
#[must_use]
pub fn train_dictionary(samples: &[Vec<u8>], total_len: u64) -> Vec<u8> {
    let sampled: usize = samples.iter().map(Vec::len).sum();
    let len = usize::try_from(total_len / 64).unwrap_or(usize::MAX).min(DICTIONARY_LEN_MAX);
    if sampled < TRAINING_LEN_MIN || samples.len() < 16 {
        return Vec::new();
    }
    let mut dictionary = zstd::dict::from_samples(samples, len.max(1 << 10)).unwrap_or_default();
    // Each text names its dictionary: one byte for a small number, four for a random one. Which
    // dictionary it is, the segment says.
    if let Some(id) = dictionary.get_mut(4..8) {
        id.copy_from_slice(&1_u32.to_le_bytes());
    }
    dictionary
}
