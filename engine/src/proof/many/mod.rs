//! Hashes of many records side by side.
//!
//! Record hashes don't depend on each other, so a vector register holds the state of eight (or
//! four) of them and every instruction works for all. Invariant: the same digests as
//! [`super::record_hash`], in the order of the bodies, on every machine; the processor only decides
//! how fast.

mod hashes;
#[cfg(target_arch = "x86_64")]
mod lanes;
#[cfg(test)]
mod tests;
#[cfg(target_arch = "x86_64")]
mod x86;

pub use hashes::record_hashes;
