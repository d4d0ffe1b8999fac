//! What time and hardware do to bytes at rest.
//!
//! Invariant: a corruption changes at least one byte that was there, and says which. What has to be
//! reported is decided from the bytes as they were before, by the rule of the recovery table: below
//! the last durable mark that is left. Byte tables: format.md.

use std::ops::Range;

use shoseki_engine::format::{ACTIVE_HEADER_LEN, FrameHeader, FrameKind, RecordsPayload};
use shoseki_engine::segment::{ActiveScan, FrameVisitor, ScanPosition, scan_active};

use crate::{FaultyStorage, Rng};

const SECTOR: usize = 512;

/// A corruption at rest.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub enum Rot {
    /// One bit is another.
    Bit,
    /// Some bytes are others.
    Bytes,
    /// A sector is zeros.
    ZeroSector,
    /// A sector holds what belongs elsewhere.
    Misdirected,
    /// A sector stands in the place of its neighbour too.
    Duplicated,
    /// The file ends too early.
    Cut,
    /// The file is not there.
    Vanished,
}

impl Rot {
    /// All of them.
    pub const ALL: [Self; 7] = [
        Self::Bit,
        Self::Bytes,
        Self::ZeroSector,
        Self::Misdirected,
        Self::Duplicated,
        Self::Cut,
        Self::Vanished,
    ];

    /// Its name.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Bit => "bit flipped",
            Self::Bytes => "bytes changed",
            Self::ZeroSector => "sector zeroed",
            Self::Misdirected => "sector misdirected",
            Self::Duplicated => "sector duplicated",
            Self::Cut => "file cut",
            Self::Vanished => "file vanished",
        }
    }
}

/// What kind of file it is.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Kind {
    Active,
    Sealed,
    Checkpoint,
    Identity,
    Anchor,
    /// Made from evidence alone.
    Rebuildable,
    /// Not answered for.
    Other,
}

pub(crate) fn kind(path: &str) -> Kind {
    let inside = |dir: &str, end: &str| path.starts_with(dir) && path.ends_with(end);
    match path {
        "checkpoint" => Kind::Checkpoint,
        "log.json" | "log.vkeys" | "log.vkey" => Kind::Identity,
        "segments.cat" => Kind::Rebuildable,
        _ if inside("active/", ".log") => Kind::Active,
        _ if inside("sealed/", ".seg") => Kind::Sealed,
        _ if ["active/", "sealed/"].iter().any(|dir| inside(dir, ".idx")) => Kind::Rebuildable,
        _ if path.starts_with("ids/") => Kind::Rebuildable,
        _ if path.starts_with("anchors/") && !path.ends_with(".tmp") => Kind::Anchor,
        _ => Kind::Other,
    }
}

/// A corruption that was done.
#[derive(Clone, Debug)]
pub(crate) struct Done {
    pub(crate) rot: Rot,
    pub(crate) path: String,
    pub(crate) before: Vec<u8>,
    /// Bytes of `before` that are no longer what they were.
    pub(crate) touched: Range<usize>,
}

/// A corruption of a copy on a real disk.
#[derive(Clone, Debug)]
pub struct CopyRot {
    /// What was done.
    pub rot: Rot,
    /// The file, relative to the data directory.
    pub path: String,
    /// Its bytes now; `None` where it is gone.
    pub after: Option<Vec<u8>>,
    /// Whether verification has to find it: below the last durable mark, in evidence.
    pub due: bool,
}

/// Chooses a corruption of evidence in a copy of a log that was closed, whose files stand in
/// `storage`.
pub fn rot_of_copy(storage: &FaultyStorage, rng: &mut Rng) -> Option<CopyRot> {
    let mut paths = storage.paths();
    paths.retain(|path| !matches!(kind(path), Kind::Rebuildable | Kind::Other));
    let path = paths.get(usize::try_from(rng.below(paths.len() as u64)).ok()?)?;
    let rot = *Rot::ALL.get(usize::try_from(rng.below(Rot::ALL.len() as u64)).ok()?)?;
    let covered = checkpoint_size(storage);
    let done = corrupt(storage, path, rot, rng)?;
    let due = match kind(path) {
        Kind::Active => must_be_reported(&done, covered, false),
        // Without one from outside nobody can say that there was another.
        Kind::Checkpoint | Kind::Anchor => rot != Rot::Vanished,
        _ => true,
    };
    Some(CopyRot { rot, path: path.clone(), after: storage.bytes(path), due })
}

/// The size that the stored checkpoint covers.
pub(crate) fn checkpoint_size(storage: &FaultyStorage) -> u64 {
    let note = storage.bytes("checkpoint").unwrap_or_default();
    let text = String::from_utf8_lossy(&note).into_owned();
    text.lines().nth(1).and_then(|line| line.parse().ok()).unwrap_or(0)
}

/// Corrupts a file, if anything of it can be.
pub(crate) fn corrupt(
    storage: &FaultyStorage,
    path: &str,
    rot: Rot,
    rng: &mut Rng,
) -> Option<Done> {
    let before = storage.bytes(path).filter(|bytes| !bytes.is_empty())?;
    let path = path.to_owned();
    if rot == Rot::Vanished {
        storage.take(&path);
        let touched = 0..before.len();
        return Some(Done { rot, path, before, touched });
    }
    let elsewhere = elsewhere(storage, rng);
    for _ in 0..8 {
        let after = changed(&before, rot, &elsewhere, rng);
        let differs = before.iter().zip(&after).position(|(a, b)| a != b);
        let first = match differs {
            None if after.len() == before.len() => continue,
            None => after.len(),
            Some(first) => first,
        };
        let same_end = before.len() == after.len();
        let last = before.iter().zip(&after).rposition(|(a, b)| a != b).map_or(first, |at| at + 1);
        let touched = first..if same_end { last } else { before.len() };
        storage.rot(&path, |bytes| bytes.clone_from(&after));
        return Some(Done { rot, path, before, touched });
    }
    None
}

/// A sector of another place of the disk.
fn elsewhere(storage: &FaultyStorage, rng: &mut Rng) -> Vec<u8> {
    let paths = storage.paths();
    let chosen = usize::try_from(rng.below(paths.len() as u64)).unwrap_or(0);
    let bytes = paths.get(chosen).and_then(|path| storage.bytes(path)).unwrap_or_default();
    let sector = sector(used(&bytes), rng);
    bytes.get(sector).unwrap_or_default().to_vec()
}

/// Bytes up to the last that is not zero: behind it nothing can go wrong that matters.
fn used(bytes: &[u8]) -> usize {
    bytes.iter().rposition(|byte| *byte != 0).map_or(0, |at| at + 1)
}

fn sector(len: usize, rng: &mut Rng) -> Range<usize> {
    let number = usize::try_from(rng.below(len.div_ceil(SECTOR) as u64)).unwrap_or(0);
    number * SECTOR..(number * SECTOR + SECTOR).min(len)
}

fn changed(before: &[u8], rot: Rot, elsewhere: &[u8], rng: &mut Rng) -> Vec<u8> {
    let mut after = before.to_vec();
    // Mostly where something stands, sometimes in the space behind it.
    let len = if rng.chance(95) { used(before).max(1) } else { before.len() };
    let at = usize::try_from(rng.below(len as u64)).unwrap_or(0);
    let place = sector(len, rng);
    match rot {
        Rot::Bit => {
            if let Some(byte) = after.get_mut(at) {
                *byte ^= 1 << rng.below(8);
            }
        }
        Rot::Bytes => {
            let some = usize::try_from(1 + rng.below(16)).unwrap_or(1);
            for byte in after.iter_mut().skip(at).take(some) {
                *byte = rng.draw().to_le_bytes()[0];
            }
        }
        Rot::ZeroSector => {
            if let Some(sector) = after.get_mut(place) {
                sector.fill(0);
            }
        }
        Rot::Misdirected => {
            let sector = after.iter_mut().skip(place.start);
            sector.zip(elsewhere).for_each(|(byte, other)| *byte = *other);
        }
        Rot::Duplicated => {
            let copy = before.get(place.clone()).unwrap_or_default();
            let next = after.iter_mut().skip(place.end);
            next.zip(copy).for_each(|(byte, other)| *byte = *other);
        }
        Rot::Cut => after.truncate(at),
        Rot::Vanished => after.clear(),
    }
    after
}

/// A frame of an active file, as it was.
struct Frame {
    bytes: Range<u64>,
    end_seq: u64,
    records: u32,
    commit: u64,
    /// What it says was durable; of a close frame everything.
    durable: u64,
}

#[derive(Default)]
struct Frames(Vec<Frame>);

impl FrameVisitor for Frames {
    fn frame(&mut self, at: &ScanPosition, header: &FrameHeader, _: &RecordsPayload<'_>) {
        let closed = header.kind == FrameKind::Close;
        let durable = if closed { header.end_seq() } else { header.durable_seq };
        self.0.push(Frame {
            bytes: at.offset..at.offset + header.frame_len(),
            end_seq: header.end_seq().0,
            records: header.record_count,
            commit: header.commit,
            durable: durable.0,
        });
    }
}

/// Whether damage in an active file lies below a durable mark that is left elsewhere: `covered` is
/// the size that other files vouch for. `running`: only what holds records counts, because a log
/// that goes on has marks enough.
pub(crate) fn must_be_reported(done: &Done, covered: u64, running: bool) -> bool {
    let mut frames = Frames::default();
    let scan: Option<ActiveScan> = scan_active(&done.before, &mut frames).ok();
    let Some(scan) = scan else { return false };
    let touched = done.touched.start as u64..done.touched.end as u64;
    let hit = |f: &&Frame| f.bytes.start < touched.end && touched.start < f.bytes.end;
    let cut = matches!(done.rot, Rot::Cut | Rot::Vanished);
    // Behind a cut no frame is left; behind other damage those that were not touched are.
    let lost = |f: &&Frame| hit(f) || (cut && f.bytes.start >= touched.start);
    let left = |f: &&Frame| !lost(f);
    let durable = frames.0.iter().filter(left).map(|f| f.durable).max().unwrap_or(0).max(covered);
    let commit = frames.0.iter().filter(left).map(|f| f.commit).max().unwrap_or(0);
    if touched.start < ACTIVE_HEADER_LEN as u64 {
        // A file without records, or of which nothing vouches for any, may be as it was made.
        let first = scan.header.first_seq.0;
        return durable > first && scan.end.next_seq.0 > first;
    }
    let below = |f: &Frame| {
        let synced = f.records > 0 && f.end_seq <= durable;
        if running { synced } else { synced || commit > f.commit }
    };
    frames.0.iter().filter(hit).any(below)
}
