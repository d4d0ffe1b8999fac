//! Counting what matches.
//!
//! Whole files and shards are counted from the index without reading a record; records are read
//! only where the index does not know enough. Invariant: the counts are those of the records; only
//! where a record can't be read, what the index says of it counts.

mod count;
mod tally;
mod values;
