//! The search indexes of a log's files: where they are, who makes them, and what stands in for
//! those that are missing.
//!
//! An `.idx` file stands beside each sealed segment, and is written as soon as its active file is
//! finished; the file that is written is indexed in memory, and its finished windows have files
//! too. Whatever has no index that can be used is read through meanwhile.
//! Invariant: nothing here is needed for an answer to be right, and nothing here makes an append
//! wait. An index is used only for the records that it names by their chain hash; the bytes of one
//! are the same whether they were made while the records came in or from the sealed segment.

mod building;
mod check;
mod known;
mod orphans;
mod piece;
mod rebuild;
mod records;
mod status;
mod store;
#[cfg(test)]
mod tests;
mod windows;
mod worker;

pub use check::{IndexFault, IndexFaultKind};
pub(crate) use known::Indexes;
pub(crate) use piece::{IndexHandle, Piece};
pub use status::{IndexInfo, IndexState};
pub(crate) use store::path_if_ready;
pub(crate) use worker::{Did, Worker, complete, step};
