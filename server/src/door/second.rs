//! Records of the second dialect (REQUIREMENTS A2, SERVER.md 1).
//!
//! Invariant: every member that was sent with a value is in the record: in the member that it maps
//! to, in `detail`, or in both; its number and string tokens in `detail` are those that were sent.
//! Knows nothing of the caller: facilities and reserved names are checked for both dialects alike.

use std::collections::BTreeSet;

use shoseki_engine::record::{
    ActorType, AuditId, Detail, InputError, Member, Outcome, Record, SentMember, SentValue,
    Timestamp, sent_members,
};

use super::faults::{Faults, pointer};
use super::members::{MARKS, MEMBERS, Need, Place, SecondMember, Shape, TARGETS};
use super::rules::DoorRules;

/// Whether these are the members of a record of the second dialect: one of its marks has a value.
pub(super) fn is_second(members: &[SentMember<'_>]) -> bool {
    members.iter().any(|member| !is_null(member) && MARKS.contains(&member.name.as_ref()))
}

fn is_null(member: &SentMember<'_>) -> bool {
    member.value == SentValue::Null
}

/// Names that only the server gives, in both dialects.
const SERVER_NAMES: [&str; 4] = ["seq", "hash", "chain_hash", "integrity_status"];

/// Whether only a record of the first dialect has a member of this name.
fn is_first(name: &str) -> bool {
    let shared = matches!(name, "action" | "detail");
    !shared && (Member::from_name(name).is_some() || SERVER_NAMES.contains(&name))
}

/// Reads a record; `None` where faults were told.
pub(super) fn read(
    members: &[SentMember<'_>],
    rules: &DoorRules,
    faults: &mut Faults,
) -> Option<Record> {
    if members.iter().any(|member| !is_null(member) && is_first(&member.name)) {
        faults.push(String::new(), "members of one dialect", "mixed dialects");
        return None;
    }
    let before = faults.len();
    let sent = Sent { members, rules };
    sent.check_names(faults);
    sent.check_values(faults);
    sent.check_present(faults);
    let detail = sent.detail(faults);
    if faults.len() > before {
        return None;
    }
    let record = sent.record(detail?)?;
    match record.check(&rules.limits) {
        Ok(()) => Some(record),
        Err(found) => {
            for fault in found {
                let pointer = sent.pointer_of(&fault.pointer);
                faults.add(fault, pointer);
            }
            None
        }
    }
}

struct Sent<'m, 'a> {
    members: &'m [SentMember<'a>],
    rules: &'m DoorRules,
}

impl Sent<'_, '_> {
    /// The member of this name that has a value.
    fn get(&self, name: &str) -> Option<&SentMember<'_>> {
        self.members.iter().find(|member| member.name == name && !is_null(member))
    }

    fn text(&self, name: &str) -> Option<&str> {
        match &self.get(name)?.value {
            SentValue::Text(text) => Some(text),
            _ => None,
        }
    }

    fn check_names(&self, faults: &mut Faults) {
        let mut seen = BTreeSet::new();
        for member in self.members {
            if let Some(escape) = member.name_lone {
                faults.push(String::new(), "names without lone surrogate escapes", escape);
            } else if !seen.insert(member.name.as_ref()) {
                let twice = "a name that is given twice";
                faults.push(pointer(&member.name), "each name once", twice);
            }
        }
    }

    fn check_values(&self, faults: &mut Faults) {
        for member in self.members.iter().filter(|member| !is_null(member)) {
            let Some(known) = SecondMember::of(&member.name) else { continue };
            if let Err((expected, got)) = self.check(known, &member.value) {
                faults.push(pointer(known.name), expected, &got);
            }
        }
    }

    fn check(&self, known: &SecondMember, value: &SentValue<'_>) -> Result<(), (String, String)> {
        let shape = known.shape;
        let expected = |shown: &str| Err((shape.expected(), shown.to_owned()));
        let in_column = matches!(known.place, Place::Column(_) | Place::Both(_));
        match (shape, value) {
            (Shape::Any, _)
            | (Shape::Bool, SentValue::Bool(_))
            | (Shape::Object, SentValue::Object) => Ok(()),
            (Shape::Text, SentValue::LoneText(_)) if !in_column => Ok(()),
            (_, SentValue::LoneText(escape)) => {
                let expected = "a string without lone surrogate escapes";
                Err((expected.to_owned(), (*escape).to_owned()))
            }
            (Shape::Time, SentValue::Text(text)) => match Timestamp::parse(text) {
                Ok(_) => Ok(()),
                Err(error) => Err((error.to_string(), text.to_string())),
            },
            (Shape::Source, SentValue::Text(text)) => {
                let known = self.rules.source_systems.iter().any(|name| name == text);
                let names = self.rules.source_systems.join(", ");
                if known { Ok(()) } else { Err((format!("one of {names}"), text.to_string())) }
            }
            (_, SentValue::Text(text)) => {
                if fits_text(shape, text) {
                    Ok(())
                } else if text.is_empty() {
                    expected("an empty string")
                } else {
                    expected(if shape.takes_text() { text } else { "string" })
                }
            }
            (_, SentValue::Number(number)) if fits_number(shape, number) => Ok(()),
            // A number of the right kind that is out of range is shown.
            (Shape::Status | Shape::Count, SentValue::Number(number)) => expected(number),
            (_, other) => expected(other.type_name()),
        }
    }

    /// Reports what is missing.
    fn check_present(&self, faults: &mut Faults) {
        let failed = self.has_failed();
        for member in MEMBERS {
            let needed = match member.need {
                Need::Always => true,
                Need::OnFailure => failed,
                Need::No => false,
            };
            if needed && self.get(member.name).is_none() {
                let mut expected = member.shape.expected();
                if member.need == Need::OnFailure {
                    expected.push_str(", since the record tells of a failure");
                }
                faults.push(pointer(member.name), expected, "nothing");
            }
        }
    }

    /// Whether the record tells of a failure: by its outcome or by its status.
    fn has_failed(&self) -> bool {
        let status = self.get("httpStatus").and_then(|member| match member.value {
            SentValue::Number(number) => number.parse::<u16>().ok(),
            _ => None,
        });
        self.text("outcome") == Some("FAILURE") || status.is_some_and(|status| status >= 400)
    }

    /// `detail`: first the members of one that was sent, then all that stays there.
    fn detail(&self, faults: &mut Faults) -> Option<Detail> {
        let own = self.own_members();
        let mut names: BTreeSet<&str> = own.iter().map(|member| member.name.as_ref()).collect();
        let mut bytes = vec![b'{'];
        for member in &own {
            write(member, &mut bytes);
        }
        let stays = |member: &&SentMember<'_>| {
            let place = SecondMember::of(&member.name).map_or(Place::Detail, |known| known.place);
            !is_null(member) && matches!(place, Place::Detail | Place::Both(_))
        };
        let mut met = BTreeSet::new();
        for member in self.members.iter().filter(stays) {
            // One that is given twice was told of.
            if !met.insert(member.name.as_ref()) || member.name_lone.is_some() {
                continue;
            }
            if !names.insert(member.name.as_ref()) {
                let expected = "a name that `detail` does not have too";
                faults.push(pointer(&member.name), expected, "a name that is given twice");
                continue;
            }
            write(member, &mut bytes);
        }
        bytes.push(b'}');
        match Detail::parse(&bytes, &self.rules.limits) {
            Ok(detail) => Some(detail),
            Err(InputError::Invalid(found)) => {
                let own: BTreeSet<String> =
                    own.iter().map(|member| pointer(&member.name)).collect();
                for fault in found {
                    let pointer = in_detail(&fault.pointer, &own);
                    faults.add(fault, pointer);
                }
                None
            }
            Err(_) => None,
        }
    }

    /// The members of a `detail` that was sent.
    fn own_members(&self) -> Vec<SentMember<'_>> {
        let Some(own) = self.get("detail") else { return Vec::new() };
        sent_members(own.token).ok().flatten().unwrap_or_default()
    }

    /// Where in what was sent a place in the record was.
    fn pointer_of(&self, stored: &str) -> String {
        let column = stored.strip_prefix('/').unwrap_or_default();
        let is_from = |place| matches!(place, Place::Column(name) if name == column);
        let from = MEMBERS.iter().find(|member| is_from(member.place));
        from.map_or_else(|| stored.to_owned(), |member| pointer(member.name))
    }

    /// The record; `None` only where a value was at fault, which was told.
    fn record(&self, detail: Detail) -> Option<Record> {
        let actor_type = match self.text("actorType")? {
            "USER" => ActorType::User,
            _ => ActorType::System,
        };
        let result = match self.text("outcome")? {
            "SUCCESS" => Outcome::Success,
            "FAILURE" => Outcome::Failure,
            _ => Outcome::Warning,
        };
        let timestamp = Timestamp::parse(self.text("occurredAt")?).ok()?;
        let target = self.target();
        let action = self.event_type(target.as_ref().map(|target| target.0))?;
        let mut record = Record::new(timestamp, actor_type, self.text("actorId")?, action, result);
        record.audit_id = Some(AuditId::parse(self.text("eventId")?)?);
        if let Some((_, target_type, target_id)) = target {
            record.target_type = Some(target_type.to_owned());
            record.target_id = Some(target_id);
        }
        let own = |name| self.text(name).map(str::to_owned);
        record.facility_id = own("facilityId");
        record.trace_id = own("traceId");
        record.request_id = own("requestId");
        record.detail = Some(detail);
        Some(record)
    }

    /// The most specific target that has an id: its name in capitals, its type, its id.
    fn target(&self) -> Option<(&'static str, &'static str, String)> {
        TARGETS.into_iter().find_map(|(name, capitals, target_type)| {
            let id = match &self.get(name)?.value {
                SentValue::Text(text) => text.to_string(),
                SentValue::Number(number) => (*number).to_owned(),
                _ => return None,
            };
            (!id.is_empty()).then_some((capitals, target_type, id))
        })
    }

    /// `eventType` where it was sent, otherwise made of the action and the target.
    fn event_type(&self, target: Option<&str>) -> Option<String> {
        if let Some(sent) = self.text("eventType") {
            return Some(sent.to_owned());
        }
        let action = self.text("action")?.to_uppercase();
        Some(target.map_or_else(|| action.clone(), |target| format!("{action}_{target}")))
    }
}

/// Where in what was sent a place in the stored `detail` was; `own` are the members of a `detail`
/// that was sent.
fn in_detail(stored: &str, own: &BTreeSet<String>) -> String {
    let step = stored.get(1..).and_then(|rest| rest.find('/')).map_or(stored.len(), |at| at + 1);
    if stored.get(..step).is_some_and(|step| own.contains(step)) {
        format!("/detail{stored}")
    } else {
        stored.to_owned()
    }
}

impl Shape {
    /// Whether a string can be right at all.
    fn takes_text(self) -> bool {
        !matches!(self, Self::Status | Self::Count | Self::Bool | Self::Object)
    }
}

fn fits_text(shape: Shape, text: &str) -> bool {
    match shape {
        Shape::Text | Shape::Id | Shape::Any => true,
        Shape::FullText => !text.is_empty(),
        Shape::Uuid => AuditId::parse(text).is_some(),
        Shape::OneOf(names) => names.contains(&text),
        Shape::Time | Shape::Source => false,
        Shape::Status | Shape::Count | Shape::Bool | Shape::Object => false,
    }
}

fn fits_number(shape: Shape, number: &str) -> bool {
    let digits = number.bytes().all(|b| b.is_ascii_digit());
    match shape {
        Shape::Status => digits && matches!(number.parse::<u16>(), Ok(100..=599)),
        Shape::Count => digits,
        Shape::Id => {
            digits || number.strip_prefix('-').is_some_and(|n| !n.contains(['.', 'e', 'E']))
        }
        _ => false,
    }
}

fn write(member: &SentMember<'_>, out: &mut Vec<u8>) {
    if out.len() > 1 {
        out.push(b',');
    }
    out.extend_from_slice(member.name_token.as_bytes());
    out.push(b':');
    out.extend_from_slice(member.token.as_bytes());
}
