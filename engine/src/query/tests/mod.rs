//! Tests of what is asked for.
#![allow(clippy::indexing_slicing, reason = "a test may stop where it is wrong")]

mod cursors;
mod filters;
mod naive;
mod plans;
mod samples;
