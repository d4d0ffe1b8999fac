//! Tests of the encodings of a shard: against naive models, and with damage everywhere.
#![expect(clippy::indexing_slicing, reason = "tests index what they have just built")]

mod bits;
mod keys;
mod postings;
mod strings;
mod times;
