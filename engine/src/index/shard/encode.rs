//! From a shard in plain memory to its bytes.
//!
//! Invariant: equal records give equal bytes: everything is sorted, nothing depends on the order of
//! a hash map or on when the records came.

use super::builder::{ShardBuilder, Values, address_in, key_in, octet_in};
use super::header::{SECTIONS, SHARD_HEADER_LEN, Section, ShardHeader};
use super::input::Keyword;
use super::keys::{self, KeyShape};
use super::postings::{self, OCTET_PLACES, RECORD_PLACES};
use super::record_set::RecordSet;
use super::strings::StringsWriter;
use super::times::{TILE_RECORDS, TimesWriter};
use crate::format::Put;

impl ShardBuilder {
    /// The bytes of an encoded shard, for [`crate::index::file::IndexFileWriter`]; meaningless for
    /// a shard without records.
    #[must_use]
    pub fn encode(&self) -> Vec<u8> {
        let mut body = Vec::new();
        let mut lens = [0_u32; SECTIONS];
        let mut end = |section: Section, body: &[u8]| {
            let before: u64 = lens.iter().map(|len| u64::from(*len)).sum();
            if let Some(len) = lens.get_mut(section.place()) {
                *len = u32::try_from(body.len() as u64 - before).unwrap_or(u32::MAX);
            }
        };
        for (field, values) in Keyword::ALL.into_iter().zip(&self.fields) {
            self.values(values, &mut body);
            end(Section::Keyword(field), &body);
        }
        let wild = self.terms(&mut body);
        end(Section::Terms, &body);
        postings::encode(&wild, OCTET_PLACES, &mut body);
        end(Section::Wild, &body);
        let (addresses, _) = self.addresses.sorted();
        let pairs = addresses.iter().map(|entry| (address_in(*entry), octet_in(*entry)));
        keys::encode(pairs, KeyShape::ADDRESSES, &mut body);
        end(Section::Addresses, &body);
        self.times(&mut body);
        end(Section::Times, &body);
        postings::encode(&self.erased, RECORD_PLACES, &mut body);
        end(Section::Erased, &body);
        postings::encode(&self.unreadable, RECORD_PLACES, &mut body);
        end(Section::Unreadable, &body);
        let header =
            ShardHeader { first_seq: self.first_seq, count: self.count(), times: self.range, lens };
        let mut out = Vec::with_capacity(SHARD_HEADER_LEN + body.len());
        header.encode(&mut out);
        out.extend_from_slice(&body);
        out
    }

    /// Appends the terms; gives the octets that are left out.
    fn terms(&self, out: &mut Vec<u8>) -> Vec<u16> {
        let (entries, wild) = self.terms.sorted();
        let distinct = entries.chunk_by(|a, b| key_in(*a) == key_in(*b)).count() as u64;
        let pairs = entries.iter().map(|entry| (key_in(*entry), octet_in(*entry)));
        keys::encode(pairs, KeyShape::terms(distinct), out);
        wild
    }

    fn times(&self, out: &mut Vec<u8>) {
        let (first, end) = self.places();
        let mut writer = TimesWriter::default();
        let mut tile = Vec::with_capacity(TILE_RECORDS as usize);
        for (place, time) in (first..end).zip(&self.times) {
            if u16::try_from(place).is_ok_and(|place| self.live.contains(place)) {
                tile.push(*time);
            }
            if (place + 1).is_multiple_of(TILE_RECORDS) || place + 1 == end {
                writer.tile(&tile);
                tile.clear();
            }
        }
        writer.finish(out);
    }

    /// Appends a field: the list of the records without value, if it is needed, and the dictionary.
    /// The list of what at least half of the records have is left out: it is all the others.
    fn values(&self, values: &Values, out: &mut Vec<u8>) {
        let sorted = values.sorted();
        let live = self.live.len() as usize;
        let present: usize = sorted.iter().map(|(_, list)| list.len()).sum();
        let absent = live.saturating_sub(present);
        let half = |count: usize| count > 0 && count * 2 >= live;
        let rest =
            if half(absent) { None } else { sorted.iter().find(|(_, list)| half(list.len())) };
        let mut list = Vec::new();
        if rest.is_some() && absent > 0 {
            postings::encode(&self.absent(&sorted), RECORD_PLACES, &mut list);
        }
        out.varint(list.len() as u64);
        out.extend_from_slice(&list);
        let mut writer = StringsWriter::new(true);
        for (value, places) in &sorted {
            list.clear();
            let is_rest = rest.is_some_and(|(rest, _)| rest == value);
            if !is_rest {
                postings::encode(places, RECORD_PLACES, &mut list);
            }
            writer.push(value, places.len() as u64, (!is_rest).then_some(list.as_slice()));
        }
        writer.finish(out);
    }

    fn absent(&self, values: &[(&str, &[u16])]) -> Vec<u16> {
        let mut present = RecordSet::new();
        values.iter().flat_map(|(_, list)| *list).for_each(|place| present.insert(*place));
        let mut absent = self.live.clone();
        absent.subtract(&present);
        absent.iter().collect()
    }
}
