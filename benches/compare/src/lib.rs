//! Shoseki beside other engines: durable appends, and finding things again.
//!
//! Every peer is driven in process or over loopback from here, gets the same generated records and
//! is asked the same questions. Invariant: the answers of all peers are compared; a peer that
//! answers differently is an error and no figure. Peers are behind features, so that building the
//! workspace compiles none of them. Knows nothing about what a good figure is.

#[cfg(feature = "sqlite")]
pub mod append;
#[cfg(any(feature = "sqlite", feature = "postgres", feature = "tantivy"))]
mod encode;
pub mod http;
mod outcome;
pub mod peers;
pub mod search;

pub use outcome::Outcome;
