//! From the bytes of one input to records, refusals and what a filter left out.
//!
//! Invariant: every event of the input is handed on exactly once, in order, with its place. Knows
//! nothing about files or the log.

use std::fmt;
use std::io::BufRead;

use serde_json::value::RawValue;
use shoseki_engine::record::{Limits, Record};

use crate::cloudtrail::map_cloudtrail;
use crate::error::{Interrupted, MapError, ReadFault};
use crate::filter::Filter;
use crate::k8s::map_k8s;
use crate::mapping::Mapping;
use crate::path::Path;
use crate::raw::{Object, elements};
use crate::split::split;

/// Whose events they are.
#[derive(Clone, PartialEq, Debug)]
pub enum Dialect {
    /// AWS CloudTrail: delivery files (`Records`), single events, EventBridge envelopes.
    CloudTrail,
    /// Kubernetes audit: events and `EventList`s.
    Kubernetes,
    /// Anything else, by a mapping file.
    Mapped(Box<Mapping>),
}

/// What to import and how.
#[derive(Clone, PartialEq, Debug)]
pub struct Importer {
    /// Whose events they are.
    pub dialect: Dialect,
    /// Where the events are inside each value of the input; the value itself without it.
    pub root: Option<Path>,
    /// All must pass.
    pub filters: Vec<Filter>,
    /// `facility_id` of events that name none.
    pub facility: Option<String>,
    /// Limits of a record.
    pub limits: Limits,
}

/// Where in its input an event stands.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Place {
    /// Line from 1.
    pub line: u64,
    /// Element of the array of events that begins there, from 0.
    pub item: Option<usize>,
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "line {}", self.line)?;
        self.item.map_or(Ok(()), |item| write!(f, ", event {item}"))
    }
}

/// What became of one event.
#[derive(Debug)]
pub enum Item {
    /// It is a record now.
    Record(Box<Record>),
    /// A filter left it out.
    Filtered,
    /// It can't be mapped.
    Refused(MapError),
    /// There is no event to map.
    Unreadable(ReadFault),
}

/// Receives the events in order.
pub type Events<'s, E> = dyn FnMut(Place, Item) -> Result<(), E> + 's;

impl Importer {
    /// Reads one input to its end.
    ///
    /// # Errors
    /// An I/O error of the input, or what `events` stops with.
    pub fn read<E>(
        &self,
        input: &mut dyn BufRead,
        events: &mut Events<'_, E>,
    ) -> Result<(), Interrupted<E>> {
        split(input, &mut |line, value| match value {
            Ok(raw) => self.value(line, raw, events),
            Err(fault) => events(Place { line, item: None }, Item::Unreadable(fault)),
        })
    }

    fn value<E>(&self, line: u64, raw: &RawValue, events: &mut Events<'_, E>) -> Result<(), E> {
        let Some(items) = self.items(raw) else {
            let path = self.wanted();
            let fault = Item::Unreadable(ReadFault::NoEvents { path });
            return events(Place { line, item: None }, fault);
        };
        match items {
            Items::One(event) => events(Place { line, item: None }, self.event(event)),
            Items::Many(many) => {
                for (index, event) in many.into_iter().enumerate() {
                    events(Place { line, item: Some(index) }, self.event(event))?;
                }
                Ok(())
            }
        }
    }

    /// The events inside one value of the input.
    fn items<'a>(&self, raw: &'a RawValue) -> Option<Items<'a>> {
        let raw = match &self.root {
            Some(root) => root.find(&Object::of(raw)?)?,
            None => raw,
        };
        if let Some(list) = elements(raw) {
            return Some(Items::Many(list));
        }
        let Some(object) = Object::of(raw) else { return Some(Items::One(raw)) };
        let list = match &self.dialect {
            Dialect::CloudTrail => object.get("Records").and_then(elements),
            Dialect::Kubernetes => {
                let list = object.text("kind").as_deref() == Some("EventList");
                object.get("items").filter(|_| list).and_then(elements)
            }
            Dialect::Mapped(mapping) => match &mapping.items {
                Some(path) => return path.find(&object).and_then(elements).map(Items::Many),
                None => None,
            },
        };
        Some(list.map_or(Items::One(raw), Items::Many))
    }

    fn event(&self, raw: &RawValue) -> Item {
        let inner = match (&self.dialect, Object::of(raw)) {
            (Dialect::CloudTrail, Some(object)) if object.get("detail-type").is_some() => {
                object.get("detail").unwrap_or(raw)
            }
            (Dialect::Mapped(mapping), Some(object)) => match &mapping.event {
                Some(path) => match path.find(&object) {
                    Some(inner) => inner,
                    None => {
                        return Item::Unreadable(ReadFault::NoEvents { path: path.to_string() });
                    }
                },
                None => raw,
            },
            _ => raw,
        };
        if !self.filters.is_empty() {
            let Some(object) = Object::of(inner) else {
                return Item::Refused(MapError::NotAnObject);
            };
            if !self.filters.iter().all(|filter| filter.passes(&object)) {
                return Item::Filtered;
            }
        }
        match self.map(inner) {
            Ok(record) => Item::Record(Box::new(record)),
            Err(error) => Item::Refused(error),
        }
    }

    fn map(&self, event: &RawValue) -> Result<Record, MapError> {
        let mut record = match &self.dialect {
            Dialect::CloudTrail => map_cloudtrail(event, &self.limits),
            Dialect::Kubernetes => map_k8s(event, &self.limits),
            Dialect::Mapped(mapping) => mapping.map(event, &self.limits),
        }?;
        if record.facility_id.is_none() {
            record.facility_id.clone_from(&self.facility);
        }
        Ok(record)
    }

    /// Where the events should have been.
    fn wanted(&self) -> String {
        let items = match &self.dialect {
            Dialect::Mapped(mapping) => mapping.items.as_ref(),
            _ => None,
        };
        let places = self.root.iter().chain(items).map(ToString::to_string);
        places.collect::<Vec<_>>().join(", ")
    }
}

enum Items<'a> {
    One(&'a RawValue),
    Many(Vec<&'a RawValue>),
}
