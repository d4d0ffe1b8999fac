//! Durable appends of one writer, in turns, in one process.

mod bare;
mod run;
mod shoseki;
mod sqlite;

pub(crate) use run::Round;
pub use run::{Arguments, run};
