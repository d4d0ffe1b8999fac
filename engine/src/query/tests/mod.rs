//! Tests of what is asked for.

mod cursors;
mod filters;
mod naive;
mod plans;
mod samples;
