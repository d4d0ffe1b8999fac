//! JSON from clients: one record or an array of records, validated by CONTRACT 1.1.
//!
//! Invariant: either every record of the input is valid, or every fault of every record is told.
//! A syntax error alone stands for the whole input, since nothing behind it can be read.

use std::borrow::Cow;

use super::check::{check_len, check_text, oversize, pointer};
use super::detail::{WalkSpace, for_each_duplicate, read_detail};
use super::error::{FaultSink, InputError, Limits, Pointer};
use super::ident::AuditId;
use super::member::{Member, SERVER_NAMES};
use super::model::{ActorType, Outcome, Record, Sensitivity};
use super::scan::{Container, Scanner, SyntaxError, Token, utf8};
use super::sent::{SentDetail, SentRecord};
use super::text::Text;
use super::time::Timestamp;

/// Parses one object or an array of objects. An empty array is no fault: it holds no record.
///
/// # Errors
/// [`InputError::Syntax`] where the input is not JSON, [`InputError::TooMany`] for more than
/// `records_max` records, [`InputError::Invalid`] with every fault of every record.
pub fn parse_batch(
    input: &[u8],
    limits: &Limits,
    records_max: usize,
) -> Result<Vec<Record>, InputError> {
    let mut records = Vec::new();
    read_sent(input, limits, records_max, |record, _| {
        records.push(record.to_record());
        true
    })?;
    Ok(records)
}

/// As [`parse_batch`], but hands each valid record over where it stands in the input, together
/// with the outermost names of its detail, in any order. Once there was a fault, none is handed
/// over any more. Says whether all were taken: with the first for which `take` says no, reading
/// ends, and what stands behind it is not looked at.
///
/// # Errors
/// As [`parse_batch`]. Records that were handed over before must be given up then.
pub fn read_sent<'a>(
    input: &'a [u8],
    limits: &Limits,
    records_max: usize,
    take: impl FnMut(SentRecord<'a>, &[Cow<'a, str>]) -> bool,
) -> Result<bool, InputError> {
    let text = utf8(input).map_err(|error| error.locate(input))?;
    let mut batch = Batch {
        scanner: Scanner::new(text),
        limits,
        records_max,
        sink: FaultSink::new(limits),
        space: Space::default(),
        take,
    };
    match batch.run().map_err(|error| error.locate(input))? {
        Ended::TooMany => Err(InputError::TooMany { max: records_max }),
        Ended::Stopped => Ok(false),
        Ended::Whole if batch.sink.is_empty() => Ok(true),
        Ended::Whole => Err(InputError::Invalid(batch.sink.into_faults())),
    }
}

/// Parses exactly one object.
pub(super) fn parse_one(input: &[u8], limits: &Limits) -> Result<Record, InputError> {
    let mut sink = FaultSink::new(limits);
    let parsed = utf8(input).and_then(|text| {
        let mut scanner = Scanner::new(text);
        let first = scanner.next_token()?;
        let mut space = Space::default();
        let record = object(&first, "an object", &mut scanner, limits, &mut sink, &mut space)?;
        scanner.next_token()?;
        Ok(record)
    });
    match parsed.map_err(|error| error.locate(input))? {
        Some(record) if sink.is_empty() => Ok(record.to_record()),
        _ => Err(InputError::Invalid(sink.into_faults())),
    }
}

#[derive(PartialEq, Eq)]
enum Ended {
    Whole,
    TooMany,
    /// A record was not taken.
    Stopped,
}

/// Memory that serves one record after the other.
#[derive(Default)]
struct Space<'a> {
    /// Names that no record may have.
    other_names: Vec<Cow<'a, str>>,
    walk: WalkSpace<'a>,
}

struct Batch<'a, 'l, F> {
    scanner: Scanner<'a>,
    limits: &'l Limits,
    records_max: usize,
    sink: FaultSink,
    space: Space<'a>,
    take: F,
}

impl<'a, F: FnMut(SentRecord<'a>, &[Cow<'a, str>]) -> bool> Batch<'a, '_, F> {
    fn run(&mut self) -> Result<Ended, SyntaxError> {
        let first = self.scanner.next_token()?;
        if first == Token::Begin(Container::Array) {
            loop {
                let token = self.scanner.next_token()?;
                if token == Token::End {
                    break;
                }
                if self.sink.index >= self.records_max {
                    return Ok(Ended::TooMany);
                }
                if !self.record(&token, "an object")? {
                    return Ok(Ended::Stopped);
                }
                self.sink.index += 1;
            }
        } else if self.records_max == 0 {
            return Ok(Ended::TooMany);
        } else if !self.record(&first, "an object or an array of objects")? {
            return Ok(Ended::Stopped);
        }
        // Nothing may follow the value.
        self.scanner.next_token()?;
        Ok(Ended::Whole)
    }

    fn record(&mut self, first: &Token<'a>, expected: &str) -> Result<bool, SyntaxError> {
        let Self { scanner, limits, sink, space, .. } = self;
        let parsed = object(first, expected, scanner, limits, sink, space)?;
        // Once something is wrong, nothing is handed over: only faults are looked for.
        let Some(record) = parsed.filter(|_| self.sink.is_empty()) else { return Ok(true) };
        Ok((self.take)(record, self.space.walk.names()))
    }
}

/// Parses the record whose first token was `first`; reports where that is no object.
fn object<'a>(
    first: &Token<'a>,
    expected: &str,
    scanner: &mut Scanner<'a>,
    limits: &Limits,
    sink: &mut FaultSink,
    space: &mut Space<'a>,
) -> Result<Option<SentRecord<'a>>, SyntaxError> {
    if *first != Token::Begin(Container::Object) {
        sink.push("", expected, first.type_name());
        scanner.skip(first)?;
        return Ok(None);
    }
    space.other_names.clear();
    space.walk.clear();
    let (draft, given) = (Draft::default(), Members::default());
    let mut reader = Reader { scanner, limits, sink, space, draft, given, oversize: false };
    while let Token::Name(text) = reader.scanner.next_token()? {
        reader.member(text)?;
    }
    reader.finish_names();
    if reader.oversize {
        oversize(limits, "more", reader.sink);
        return Ok(None);
    }
    let record = reader.draft.finish();
    check_len(&record, limits, reader.sink);
    Ok(Some(record))
}

/// A set of members.
#[derive(Clone, Copy, Default)]
struct Members(u32);

impl Members {
    fn has(self, member: Member) -> bool {
        self.0 >> member.place() & 1 == 1
    }

    /// False where it was in it before.
    fn add(&mut self, member: Member) -> bool {
        let new = !self.has(member);
        self.0 |= 1 << member.place();
        new
    }
}

/// What was read of a record so far.
#[derive(Default)]
struct Draft<'a> {
    null: Members,
    audit_id: Option<AuditId>,
    timestamp: Option<Timestamp>,
    actor_type: Option<ActorType>,
    result: Option<Outcome>,
    detail: Option<SentDetail<'a>>,
    pii_flag: Option<bool>,
    sensitivity: Option<Sensitivity>,
    texts: Texts<'a>,
}

/// The members that are plain strings.
#[derive(Default)]
struct Texts<'a> {
    actor_id: Option<Cow<'a, str>>,
    actor_role: Option<Cow<'a, str>>,
    action: Option<Cow<'a, str>>,
    target_type: Option<Cow<'a, str>>,
    target_id: Option<Cow<'a, str>>,
    request_id: Option<Cow<'a, str>>,
    trace_id: Option<Cow<'a, str>>,
    facility_id: Option<Cow<'a, str>>,
    source_ip: Option<Cow<'a, str>>,
}

impl<'a> Texts<'a> {
    fn slot(&mut self, member: Member) -> Option<&mut Option<Cow<'a, str>>> {
        Some(match member {
            Member::ActorId => &mut self.actor_id,
            Member::ActorRole => &mut self.actor_role,
            Member::Action => &mut self.action,
            Member::TargetType => &mut self.target_type,
            Member::TargetId => &mut self.target_id,
            Member::RequestId => &mut self.request_id,
            Member::TraceId => &mut self.trace_id,
            Member::FacilityId => &mut self.facility_id,
            Member::SourceIp => &mut self.source_ip,
            _ => return None,
        })
    }
}

impl<'a> Draft<'a> {
    /// The record. What is missing was reported, and stands here with the shortest value, so that
    /// the length can be judged all the same.
    fn finish(self) -> SentRecord<'a> {
        let texts = self.texts;
        SentRecord {
            audit_id: self.audit_id,
            timestamp: self.timestamp.unwrap_or(Timestamp::MIN),
            actor_type: self.actor_type.unwrap_or(ActorType::User),
            actor_id: texts.actor_id.unwrap_or_default(),
            actor_role: texts.actor_role,
            action: texts.action.unwrap_or_default(),
            target_type: texts.target_type,
            target_id: texts.target_id,
            request_id: texts.request_id,
            trace_id: texts.trace_id,
            facility_id: texts.facility_id,
            source_ip: texts.source_ip,
            result: self.result.unwrap_or(Outcome::Success),
            detail: self.detail,
            pii_flag: self.pii_flag.unwrap_or(false),
            sensitivity: self.sensitivity.unwrap_or(Sensitivity::Low),
        }
    }
}

/// Reads the members of one record into a draft.
struct Reader<'a, 's> {
    scanner: &'s mut Scanner<'a>,
    limits: &'s Limits,
    sink: &'s mut FaultSink,
    space: &'s mut Space<'a>,
    draft: Draft<'a>,
    /// The members that were given, `null` included.
    given: Members,
    oversize: bool,
}

impl<'a> Reader<'a, '_> {
    /// One member: its name was consumed, its value was not.
    fn member(&mut self, name: Text<'a>) -> Result<(), SyntaxError> {
        let value = self.scanner.next_token()?;
        if let Some(escape) = name.lone_escape() {
            self.sink.push("", "names without lone surrogate escapes", escape);
            return self.scanner.skip(&value);
        }
        let name = name.unescape();
        let known = Member::from_name(&name);
        if let Some(member) = known.filter(|member| !member.is_server_only()) {
            if !self.given.add(member) {
                self.twice(member.name());
            }
            return self.known(member, &value);
        }
        let by_server = known.is_some() || SERVER_NAMES.contains(&name.as_ref());
        // `null` means absent, and absent is what a member of the server must be.
        if !(by_server && value == Token::Null) {
            let expected = if by_server {
                "nothing: the server gives this member"
            } else {
                "no member of this name"
            };
            let mut pointer = Pointer::new("");
            pointer.push(&name);
            self.sink.push(pointer, expected, value.type_name());
        }
        self.space.other_names.push(name);
        self.scanner.skip(&value)
    }

    fn twice(&mut self, name: &str) {
        let mut pointer = Pointer::new("");
        pointer.push(name);
        self.sink.push(pointer, "each name once", "a name that is given twice");
    }

    /// Reports what only the end of the object shows: names given twice, and missing members.
    fn finish_names(&mut self) {
        let mut names = std::mem::take(&mut self.space.other_names);
        for_each_duplicate(&mut names, |name| self.twice(name));
        for member in Member::ALL.into_iter().filter(|member| member.is_required()) {
            if !self.given.has(member) || self.draft.null.has(member) {
                self.sink.push(pointer(member), member.expected(), "nothing");
            }
        }
    }

    fn known(&mut self, member: Member, value: &Token<'a>) -> Result<(), SyntaxError> {
        match (member, value) {
            (_, Token::Null) => {
                self.draft.null.add(member);
            }
            (Member::Detail, Token::Begin(Container::Object)) => {
                let (limits, space) = (self.limits, &mut self.space.walk);
                self.draft.detail = read_detail(self.scanner, "/detail", limits, self.sink, space)?;
            }
            (Member::PiiFlag, Token::Bool(flag)) => self.draft.pii_flag = Some(*flag),
            (Member::Detail | Member::PiiFlag, _) => return self.wrong_type(member, value),
            (_, Token::Str(text)) => self.string(member, *text),
            _ => return self.wrong_type(member, value),
        }
        Ok(())
    }

    fn wrong_type(&mut self, member: Member, value: &Token<'a>) -> Result<(), SyntaxError> {
        self.sink.push(pointer(member), member.expected(), value.type_name());
        self.scanner.skip(value)
    }

    fn string(&mut self, member: Member, text: Text<'a>) {
        if let Some(escape) = text.lone_escape() {
            self.sink.push(pointer(member), "a string without lone surrogate escapes", escape);
            return;
        }
        // Six characters of an escape become one byte at least: this can't fit, and needs no copy.
        if text.raw.len() / 6 > self.limits.record_len_max {
            self.oversize = true;
            return;
        }
        let value = text.unescape();
        let draft = &mut self.draft;
        let understood = match member {
            Member::AuditId => keep(&mut draft.audit_id, AuditId::parse(&value)),
            Member::ActorType => keep(&mut draft.actor_type, ActorType::parse(&value)),
            Member::Result => keep(&mut draft.result, Outcome::parse(&value)),
            Member::Sensitivity => keep(&mut draft.sensitivity, Sensitivity::parse(&value)),
            Member::Timestamp => match Timestamp::parse(&value) {
                Ok(time) => keep(&mut draft.timestamp, Some(time)),
                Err(error) => {
                    self.sink.push(pointer(member), &error.to_string(), &value);
                    return;
                }
            },
            _ => {
                check_text(member, &value, self.sink);
                if let Some(slot) = draft.texts.slot(member) {
                    *slot = Some(value);
                }
                return;
            }
        };
        if !understood {
            self.sink.push(pointer(member), member.expected(), &value);
        }
    }
}

/// Stores a value that could be read. False where it could not.
fn keep<T>(slot: &mut Option<T>, value: Option<T>) -> bool {
    let understood = value.is_some();
    *slot = value;
    understood
}
