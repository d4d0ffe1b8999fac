//! How far into the free space a write may go.
//!
//! Below the reserve only what the log says of itself is still written, down to a quarter of it;
//! that quarter is left for checkpoints and seals. So a producer that fills the disk does not keep
//! the log from saying who reads it.
//! Invariant: a commit that holds one ordinary batch stops at the whole reserve.
//! Knows nothing about what the records say.

use crate::io::Space;

/// Whose records a batch holds.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Room {
    /// Refused where the free space would fall below the reserve.
    Ordinary,
    /// The log's own: refused where it would fall below a quarter of the reserve.
    Reserve,
}

/// What must stay free.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Bound {
    /// As configured.
    pub(crate) wanted: Option<u64>,
    pub(crate) room: Room,
}

/// Of the reserve, what even the log's own records leave free is this part.
const KEPT_PART: u64 = 4;

/// Bytes that ordinary records leave free.
pub(crate) fn reserve(space: Space, wanted: Option<u64>) -> u64 {
    wanted.unwrap_or_else(|| (32 << 20).min(space.total / 20))
}

impl Bound {
    /// The bound of ordinary records.
    pub(crate) fn ordinary(wanted: Option<u64>) -> Self {
        Self { wanted, room: Room::Ordinary }
    }

    /// Bytes that must stay free.
    pub(crate) fn bytes(self, space: Space) -> u64 {
        let reserve = reserve(space, self.wanted);
        match self.room {
            Room::Ordinary => reserve,
            Room::Reserve => reserve / KEPT_PART,
        }
    }
}
