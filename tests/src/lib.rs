//! The harness that the test packages share.
//!
//! Invariant: it never decides what is right; it only finds data and builds situations.
//! Knows nothing about the layout of frames and segments.

pub mod testdata;
pub mod workspace;
