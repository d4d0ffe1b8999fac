//! A server that listens, tokens for whoever may call it, and a client that can send any bytes.
//!
//! Invariant: the client knows nothing of the server's code, so that nothing is encoded or parsed
//! by what is under test.
#![allow(dead_code, reason = "each test target takes the part that it needs")]

mod client;
mod server;

#[allow(unused_imports, reason = "not every test target speaks to the client")]
pub(crate) use client::{Answer, Client, request};
pub(crate) use server::Server;
