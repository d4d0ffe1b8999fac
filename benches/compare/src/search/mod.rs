//! The same questions to every peer over the same records.

mod agree;
mod answer;
mod corpus;
mod engine;
mod figures;
mod known;
mod measure;
mod memory;
mod question;
mod run;
mod step;
mod tables;
#[cfg(test)]
mod tests;

pub(crate) use answer::{Answer, Row, Statistics, TOP};
pub(crate) use corpus::Corpus;
pub(crate) use engine::{Clock, Engine, Loaded, Peer};
pub(crate) use question::{NEWEST, Question};
pub use run::{Arguments, run};
pub use step::{StepArguments, step};
