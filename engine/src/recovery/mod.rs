//! What to do with what an open finds: DESIGN section 4's decision table as a pure function.
//!
//! Invariant: deciding is apart from reading and from acting; the same findings give the same plan,
//! and a reader uses the plan without acting on it.

mod plan;
#[cfg(test)]
mod tests;

pub use plan::{ActiveFound, CheckpointFound, Damage, Found, Plan, SealedFound, Tail, plan};
