//! The engines that are asked.

#[cfg(any(feature = "sqlite", feature = "postgres", feature = "tantivy"))]
mod columns;
#[cfg(feature = "postgres")]
mod postgres;
#[cfg(feature = "postgres")]
mod server;
mod shoseki;
#[cfg(feature = "sqlite")]
mod sqlite;
#[cfg(feature = "tantivy")]
mod tantivy;

#[cfg(feature = "postgres")]
pub(crate) use postgres::Postgres;
pub(crate) use shoseki::Shoseki;
#[cfg(feature = "sqlite")]
pub(crate) use sqlite::Sqlite;
#[cfg(feature = "tantivy")]
pub(crate) use tantivy::Tantivy;
