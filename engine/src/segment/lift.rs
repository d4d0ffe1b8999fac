//! `request_id` and `trace_id` lifted out of a record's text: 16 random bytes instead of 36 or 32
//! characters that don't compress.
//!
//! Invariant: [`Lifted::write`] gives back the text that [`lift`] took apart, and [`put_back`]
//! finds the same places in the text without them. An id in any other spelling stays in the text.
//! Knows only the two member names; a name can't stand inside a string, where its quotes are
//! escaped.

use std::sync::LazyLock;

use memchr::memmem::Finder;

use crate::format::Put;
use crate::record::AuditId;
use crate::types::from_hex;

/// Members whose ids are lifted, in the order of the body. Making a finder costs more than a
/// search.
static MEMBERS: LazyLock<[Member; 2]> = LazyLock::new(|| {
    [
        Member { before: Finder::new(b",\"request_id\":\""), spelling: Spelling::Uuid },
        Member { before: Finder::new(b",\"trace_id\":\""), spelling: Spelling::Hex },
    ]
});

struct Member {
    /// Finds what stands before the id.
    before: Finder<'static>,
    spelling: Spelling,
}

#[derive(Clone, Copy)]
enum Spelling {
    /// Lower-case 8-4-4-4-12.
    Uuid,
    /// 32 lower-case digits.
    Hex,
}

impl Spelling {
    fn parse(self, text: &[u8]) -> Option<([u8; 16], &[u8])> {
        let (id, rest) = match self {
            Self::Uuid => {
                let (id, rest) = text.split_at_checked(36)?;
                let id = core::str::from_utf8(id).ok().and_then(AuditId::parse_canonical)?;
                (*id.as_bytes(), rest)
            }
            Self::Hex => {
                let (id, rest) = text.split_at_checked(32)?;
                (from_hex(id)?, rest)
            }
        };
        rest.starts_with(b"\"").then_some((id, rest))
    }

    fn write(self, id: [u8; 16], out: &mut Vec<u8>) {
        match self {
            Self::Uuid => AuditId::from_bytes(id).encode_into(out),
            Self::Hex => {
                write_hex(&id, out);
            }
        }
    }
}

fn write_hex(id: &[u8; 16], out: &mut Vec<u8>) {
    let digit = |half: u8| if half < 10 { b'0' + half } else { b'a' + half - 10 };
    let mut text = [0; 32];
    for ([high, low], byte) in text.as_chunks_mut::<2>().0.iter_mut().zip(id) {
        (*high, *low) = (digit(byte >> 4), digit(byte & 15));
    }
    out.bytes(&text);
}

/// A text without its ids.
pub(super) struct Lifted<'a> {
    /// Before the first id, between the two, behind the last; an id that is not lifted has an empty
    /// part before it.
    parts: [&'a [u8]; 3],
    ids: [Option<[u8; 16]>; 2],
}

/// Takes the ids out of a text.
pub(super) fn lift(text: &[u8]) -> Lifted<'_> {
    split(text, |member, rest, _| member.spelling.parse(rest))
}

/// The text `reduced` with the ids of `ids`; `None` where it has no place for one of them.
pub(super) fn put_back(reduced: &[u8], ids: [Option<[u8; 16]>; 2]) -> Option<Lifted<'_>> {
    let lifted = split(reduced, |_, rest, place| {
        let id = ids.get(place).copied().flatten()?;
        rest.starts_with(b"\"").then_some((id, rest))
    });
    (lifted.ids == ids).then_some(lifted)
}

fn split<'a>(
    text: &'a [u8],
    mut id_at: impl FnMut(&Member, &'a [u8], usize) -> Option<([u8; 16], &'a [u8])>,
) -> Lifted<'a> {
    let mut lifted = Lifted { parts: [&[]; 3], ids: [None; 2] };
    let mut rest = text;
    let places = lifted.parts.iter_mut().zip(&mut lifted.ids).zip(&*MEMBERS);
    for (place, ((part, id), member)) in places.enumerate() {
        let Some(at) = member.before.find(rest) else { continue };
        let (before, behind) = rest.split_at(at + member.before.needle().len());
        if let Some((found, behind)) = id_at(member, behind, place) {
            (*part, *id, rest) = (before, Some(found), behind);
        }
    }
    if let Some(last) = lifted.parts.last_mut() {
        *last = rest;
    }
    lifted
}

impl Lifted<'_> {
    /// Which ids were lifted, in the order of the body.
    pub(super) fn ids(&self) -> [Option<[u8; 16]>; 2] {
        self.ids
    }

    /// Bytes of the text without them.
    pub(super) fn reduced_len(&self) -> usize {
        self.parts.iter().map(|part| part.len()).sum()
    }

    /// The text without them, appended to `out`.
    pub(super) fn write_reduced(&self, out: &mut Vec<u8>) {
        for part in self.parts {
            out.bytes(part);
        }
    }

    /// The whole text, appended to `out`.
    pub(super) fn write(&self, out: &mut Vec<u8>) {
        let [first, second, last] = self.parts;
        for ((part, id), member) in [first, second].into_iter().zip(self.ids).zip(&*MEMBERS) {
            out.bytes(part);
            if let Some(id) = id {
                member.spelling.write(id, out);
            }
        }
        out.bytes(last);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const UUID: &str = "01890c5e-7d2a-7b3c-8d4e-5f60718293a4";
    const HEX: &str = "4bf92f3577b34da6a3ce929d0e0e4736";

    fn lifted(text: &str) -> [bool; 2] {
        let lifted = lift(text.as_bytes());
        let mut reduced = Vec::new();
        lifted.write_reduced(&mut reduced);
        assert_eq!(reduced.len(), lifted.reduced_len());
        let mut again = Vec::new();
        put_back(&reduced, lifted.ids()).unwrap().write(&mut again);
        assert_eq!(again, text.as_bytes());
        lifted.ids().map(|id| id.is_some())
    }

    #[test]
    fn ids_leave_and_come_back() {
        let both = format!(r#","request_id":"{UUID}","trace_id":"{HEX}","result":"success""#);
        assert_eq!(lifted(&both), [true, true]);
        assert_eq!(lifted(&format!(r#","trace_id":"{HEX}","detail":{{}}"#)), [false, true]);
        assert_eq!(lifted(r#","result":"success""#), [false, false]);
        // Another spelling stays, and so does what only begins like one.
        let upper = UUID.to_uppercase();
        assert_eq!(lifted(&format!(r#","request_id":"{upper}","trace_id":"{HEX}0""#)), [false; 2]);
        assert_eq!(lifted(r#","request_id":"","trace_id":"""#), [false, false]);
        // An equal member inside detail: it is lifted too, and comes back to its place.
        let inside = format!(r#","detail":{{"a":1,"request_id":"{UUID}","trace_id":""}}"#);
        assert_eq!(lifted(&inside), [true, false]);
        let quoted = format!(r#","actor_id":"\",\"request_id\":\"","request_id":"{UUID}""#);
        assert_eq!(lifted(&quoted), [true, false]);
    }

    #[test]
    fn a_text_without_the_place_takes_no_id() {
        let id = Some([7; 16]);
        assert!(put_back(br#","result":"success""#, [id, None]).is_none());
        assert!(put_back(br#","request_id":"x""#, [id, None]).is_none());
        assert!(put_back(br#","request_id":"""#, [id, id]).is_none());
    }
}
