//! What a command of this bench ends with.
//!
//! Knows no kinds of errors: whatever goes wrong ends the run and is printed.

use std::error::Error;

/// A result with whatever went wrong.
pub type Outcome<T = ()> = Result<T, Box<dyn Error + Send + Sync>>;
