//! The index file.
