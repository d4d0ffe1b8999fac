//! The house rules as tests: layering, purity, sizes, leftovers, manifests, docs and code.
//!
//! Invariant: each rule is a function from text to faults, tried on a planted fault as well as on
//! the tree, so that no rule passes because it looks at nothing.
//! Knows nothing about what the code does.

mod headers;
mod layering;
mod layouts;
mod leftovers;
mod links;
mod manifests;
mod paths;
mod places;
mod sizes;
mod source;
mod tables;
