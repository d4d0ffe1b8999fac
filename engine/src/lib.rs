//! Shoseki's engine: an append-only, tamper-evident audit log.
//!
//! A record becomes a *body* (one JSON object, byte for byte as it is stored and returned), the
//! body's SHA-512 is its *hash*, each hash is chained to the one before and is a leaf of an RFC
//! 6962 Merkle tree, and the tree's root is signed in *checkpoints* that any C2SP client can read.
//! What [`log::Log::append`] acknowledged is durable, chained, readable, and in every later
//! checkpoint.
//!
//! ```
//! use shoseki_engine::log::{Entry, Log, LogOptions};
//! use shoseki_engine::proof::verify_inclusion;
//! use shoseki_engine::query::{Filter, Order};
//! use shoseki_engine::record::{IntegrityStatus, Limits, Producer, Record};
//! use shoseki_engine::verify::{VerifyOptions, verify_path};
//!
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! # let scratch = tempfile::tempdir()?;
//! # let dir = scratch.path();
//! // Open, or make, the log in a directory.
//! let log = Log::open(dir, LogOptions::default())?;
//!
//! // Append: when it returns, the record is durable.
//! let record = Record::from_json(
//!     br#"{"timestamp":"2026-11-21T09:30:00+09:00","actor_type":"user","actor_id":"dr-sato",
//!          "action":"READ_PATIENT","target_id":"P-1042","result":"success",
//!          "detail":{"reason":"follow-up","amount":1.10}}"#,
//!     &Limits::default(),
//! )?;
//! let clinic = Producer::new("clinic-app")?;
//! let receipt = log.append(Some(&clinic), vec![record])?.receipts.remove(0);
//!
//! // Read: the bytes that were hashed, verified against the chain.
//! let reader = log.reader();
//! let Entry::Record(stored) = reader.read(receipt.seq)? else { panic!("not a record") };
//! assert!(stored.body().ends_with(b"\"}"));
//! assert_eq!(stored.hash, receipt.hash);
//!
//! // Query.
//! let mut filter = Filter::default();
//! filter.actor_id.push("dr-sato".to_owned());
//! let found = reader.query(&filter, Order::Descending, 100)?;
//! assert_eq!(found.entries.len(), 1);
//!
//! // Proof: the record is in the tree that the checkpoint signs.
//! log.checkpoint()?;
//! let signed = reader.checkpoint()?.expect("just signed");
//! let proof = reader.prove_inclusion(receipt.seq, signed.checkpoint.size)?;
//! let (leaf, size) = (&proof.leaf_hash, proof.tree_size.0);
//! verify_inclusion(leaf, proof.leaf_index, size, &proof.hashes, &signed.checkpoint.root)?;
//!
//! // Seal what is active: compressed, read back, read-only.
//! log.seal()?;
//! log.close()?;
//!
//! // Verify everything from the files alone.
//! let report = verify_path(dir, &VerifyOptions::default(), &())?;
//! assert_eq!(report.status(), IntegrityStatus::Valid);
//! # Ok(())
//! # }
//! ```
//!
//! Layers, each knowing only those before it: [`types`]; [`record`], [`mod@format`], [`proof`],
//! [`text`]
//! (pure); [`segment`]; [`recovery`], [`index`]; [`query`]; [`log`] on [`io`]. [`verify`] stands
//! apart: it shares formats and mathematics with the writer and nothing else. The byte formats are
//! specified in `docs/format.md`, the reasons in `docs/decisions/`.

pub mod format;
pub mod proof;
pub mod record;
pub mod types;

#[cfg(feature = "log")]
pub mod index;
#[cfg(feature = "log")]
pub mod io;
#[cfg(feature = "log")]
pub mod log;
#[cfg(feature = "mutants")]
#[doc(hidden)]
pub mod mutants;
#[cfg(feature = "log")]
pub mod query;
#[cfg(feature = "log")]
pub mod recovery;
#[cfg(feature = "log")]
pub mod segment;
#[cfg(feature = "log")]
pub mod text;
#[cfg(feature = "log")]
pub mod verify;
