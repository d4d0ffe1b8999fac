//! Reads a stored body back.
//!
//! Invariant: [`Body::parse`] accepts exactly what `encode_body` can write, so that a body which
//! parses has one reading, and encodes to the same bytes again.
//! Knows nothing of the limits a record was accepted under: a log outlives its configuration.

use std::borrow::Cow;

use super::detail::{Detail, check_stored};
use super::error::{BodyError, SyntaxKind};
use super::ident::{AuditId, Salt, is_producer};
use super::member::Member;
use super::model::{ActorType, Outcome, Record, Sensitivity};
use super::plain;
use super::scan::{Container, Scanner, SyntaxError, Token};
use super::text::{Text, string_value};
use super::time::Timestamp;
use super::tokens::DetailTokens;

/// The bytes of a body before `,"received_at":"`: what idempotency compares (CONTRACT 1.9).
/// `None` where they are not there, which no body is like.
///
/// It is the last occurrence. A quote inside a string is always escaped, so these bytes stand only
/// where a member `received_at` with a string value begins. A `detail` may hold such members, but
/// it stands before; behind the real one come only its value, `ingested_by` and `salt`, which are
/// plain strings.
#[must_use]
pub fn content_of(body: &[u8]) -> Option<&[u8]> {
    const MARK: &[u8] = b",\"received_at\":\"";
    let at = body.windows(MARK.len()).rposition(|window| window == MARK)?;
    body.get(..at)
}

/// A body that is known to be one, read in place.
#[derive(Clone, PartialEq, Eq)]
pub struct Body<'a> {
    pub(super) bytes: &'a [u8],
    pub(super) tokens: [&'a str; Member::COUNT],
    /// Whether no member but `detail` has an escape in it.
    pub(super) plain: bool,
    pub(super) audit_id: AuditId,
    pub(super) timestamp: Timestamp,
    pub(super) actor_type: ActorType,
    pub(super) result: Outcome,
    pub(super) sensitivity: Sensitivity,
    pub(super) received_at: Timestamp,
    pub(super) salt: Salt,
}

impl<'a> Body<'a> {
    /// Reads a body.
    ///
    /// # Errors
    /// [`BodyError`] with the place where it stops being what the encoder writes.
    pub fn parse(bytes: &'a [u8]) -> Result<Self, BodyError> {
        let input = core::str::from_utf8(bytes).map_err(|error| BodyError::Syntax {
            offset: error.valid_up_to(),
            kind: SyntaxKind::InvalidUtf8,
        })?;
        plain::read(input).map_or_else(|| Self::general(input), Ok)
    }

    /// Reads any body, token by token.
    pub(super) fn general(input: &'a str) -> Result<Self, BodyError> {
        let mut reader = Reader::new(input);
        reader.run()?;
        reader.finish(input.as_bytes())
    }

    /// The whole body.
    #[must_use]
    pub fn as_bytes(&self) -> &'a [u8] {
        self.bytes
    }

    /// A member's raw token, a string with its quotes. `None` where it is absent.
    #[must_use]
    pub fn member(&self, member: Member) -> Option<&'a [u8]> {
        self.token(member).map(str::as_bytes)
    }

    fn token(&self, member: Member) -> Option<&'a str> {
        self.tokens.get(member.place()).copied().filter(|token| !token.is_empty())
    }

    /// The value of a string member. `None` where it is absent or no string.
    #[must_use]
    pub fn text(&self, member: Member) -> Option<Cow<'a, str>> {
        let token = self.token(member)?;
        // A string without escapes, as nearly all are, is what stands between its quotes.
        match token.strip_prefix('"').and_then(|text| text.strip_suffix('"')) {
            Some(text) if self.plain || !text.as_bytes().contains(&b'\\') => {
                Some(Cow::Borrowed(text))
            }
            _ => string_value(token.as_bytes()),
        }
    }

    /// The record's identifier.
    #[must_use]
    pub fn audit_id(&self) -> AuditId {
        self.audit_id
    }

    /// When it happened.
    #[must_use]
    pub fn timestamp(&self) -> Timestamp {
        self.timestamp
    }

    /// Who acted, by kind.
    #[must_use]
    pub fn actor_type(&self) -> ActorType {
        self.actor_type
    }

    /// Who acted.
    #[must_use]
    pub fn actor_id(&self) -> Cow<'a, str> {
        self.text(Member::ActorId).unwrap_or_default()
    }

    /// In which role.
    #[must_use]
    pub fn actor_role(&self) -> Option<Cow<'a, str>> {
        self.text(Member::ActorRole)
    }

    /// What was done.
    #[must_use]
    pub fn action(&self) -> Cow<'a, str> {
        self.text(Member::Action).unwrap_or_default()
    }

    /// To what, by kind.
    #[must_use]
    pub fn target_type(&self) -> Option<Cow<'a, str>> {
        self.text(Member::TargetType)
    }

    /// To what.
    #[must_use]
    pub fn target_id(&self) -> Option<Cow<'a, str>> {
        self.text(Member::TargetId)
    }

    /// The request that it belongs to.
    #[must_use]
    pub fn request_id(&self) -> Option<Cow<'a, str>> {
        self.text(Member::RequestId)
    }

    /// The trace that it belongs to.
    #[must_use]
    pub fn trace_id(&self) -> Option<Cow<'a, str>> {
        self.text(Member::TraceId)
    }

    /// Where.
    #[must_use]
    pub fn facility_id(&self) -> Option<Cow<'a, str>> {
        self.text(Member::FacilityId)
    }

    /// An address, host or service name.
    #[must_use]
    pub fn source_ip(&self) -> Option<Cow<'a, str>> {
        self.text(Member::SourceIp)
    }

    /// How it ended.
    #[must_use]
    pub fn result(&self) -> Outcome {
        self.result
    }

    /// The detail, a JSON object.
    #[must_use]
    pub fn detail(&self) -> Option<&'a [u8]> {
        self.member(Member::Detail)
    }

    /// The raw token inside `detail` that these names lead to, through objects only. Names are
    /// compared after unescaping; a string token keeps its quotes and escapes.
    #[must_use]
    pub fn detail_member(&self, path: &[&str]) -> Option<&'a [u8]> {
        let detail = core::str::from_utf8(self.detail()?).ok()?;
        find(detail, path).map(str::as_bytes)
    }

    /// The tokens of `detail`; none where it is absent.
    #[must_use]
    pub fn detail_tokens(&self) -> DetailTokens<'a> {
        DetailTokens::new(self.token(Member::Detail).unwrap_or_default())
    }

    /// Whether personal data is in it.
    #[must_use]
    pub fn pii_flag(&self) -> bool {
        self.member(Member::PiiFlag) == Some(b"true")
    }

    /// How carefully it is to be handled.
    #[must_use]
    pub fn sensitivity(&self) -> Sensitivity {
        self.sensitivity
    }

    /// When it came in, in microseconds.
    #[must_use]
    pub fn received_at(&self) -> Timestamp {
        self.received_at
    }

    /// The authenticated producer, with the key id where the request was signed.
    #[must_use]
    pub fn ingested_by(&self) -> Option<Cow<'a, str>> {
        self.text(Member::IngestedBy)
    }

    /// The producer's name: `ingested_by` before `#`.
    #[must_use]
    pub fn producer(&self) -> Option<Cow<'a, str>> {
        Some(match self.ingested_by()? {
            Cow::Borrowed(text) => Cow::Borrowed(before_hash(text)),
            Cow::Owned(text) => Cow::Owned(before_hash(&text).to_owned()),
        })
    }

    /// The salt.
    #[must_use]
    pub fn salt(&self) -> Salt {
        self.salt
    }

    /// The client's part, as it was before the server stamped it; `audit_id` is always there.
    #[must_use]
    pub fn to_record(&self) -> Record {
        let own = |member| self.text(member).map(Cow::into_owned);
        Record {
            audit_id: Some(self.audit_id),
            timestamp: self.timestamp,
            actor_type: self.actor_type,
            actor_id: self.actor_id().into_owned(),
            actor_role: own(Member::ActorRole),
            action: self.action().into_owned(),
            target_type: own(Member::TargetType),
            target_id: own(Member::TargetId),
            request_id: own(Member::RequestId),
            trace_id: own(Member::TraceId),
            facility_id: own(Member::FacilityId),
            source_ip: own(Member::SourceIp),
            result: self.result,
            detail: self.detail().map(Detail::from_checked),
            pii_flag: self.pii_flag(),
            sensitivity: self.sensitivity,
        }
    }
}

impl core::fmt::Debug for Body<'_> {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        write!(f, "Body({})", String::from_utf8_lossy(self.bytes))
    }
}

fn before_hash(ingested_by: &str) -> &str {
    ingested_by.split_once('#').map_or(ingested_by, |(name, _)| name)
}

/// Follows `path` through the objects of a compact, well-formed value.
fn find<'a>(value: &'a str, path: &[&str]) -> Option<&'a str> {
    let mut scanner = Scanner::new(value);
    let mut wanted = path.iter();
    let Some(mut name) = wanted.next() else { return Some(value) };
    if scanner.next_token().ok()? != Token::Begin(Container::Object) {
        return None;
    }
    while let Token::Name(text) = scanner.next_token().ok()? {
        let start = scanner.offset();
        let first = scanner.next_token().ok()?;
        if !text.is(name) {
            scanner.skip(&first).ok()?;
            continue;
        }
        let Some(next) = wanted.next() else {
            scanner.skip(&first).ok()?;
            return Some(scanner.since(start));
        };
        // Only an object leads further, and a name stands in it once.
        if first != Token::Begin(Container::Object) {
            return None;
        }
        name = next;
    }
    None
}

/// Reads the members of a body in their order.
struct Reader<'a> {
    scanner: Scanner<'a>,
    tokens: [&'a str; Member::COUNT],
    audit_id: Option<AuditId>,
    timestamp: Option<Timestamp>,
    actor_type: Option<ActorType>,
    result: Option<Outcome>,
    sensitivity: Option<Sensitivity>,
    received_at: Option<Timestamp>,
    salt: Option<Salt>,
}

impl From<SyntaxError> for BodyError {
    fn from(error: SyntaxError) -> Self {
        Self::Syntax { offset: error.offset, kind: error.kind }
    }
}

impl<'a> Reader<'a> {
    fn new(input: &'a str) -> Self {
        Self {
            scanner: Scanner::compact(input),
            tokens: [""; Member::COUNT],
            audit_id: None,
            timestamp: None,
            actor_type: None,
            result: None,
            sensitivity: None,
            received_at: None,
            salt: None,
        }
    }

    fn run(&mut self) -> Result<(), BodyError> {
        if self.scanner.next_token()? != Token::Begin(Container::Object) {
            return Err(BodyError::NotAnObject);
        }
        let mut places = Member::ALL.into_iter().zip(0..);
        while let Token::Name(name) = self.scanner.next_token()? {
            let start = self.scanner.offset();
            // Names are plain: an escaped one is no name of a body. Going on from the last place
            // refuses what is out of order, unknown or given twice.
            let place = places.find(|(member, _)| !name.escaped && member.name() == name.raw);
            let Some((member, place)) = place else {
                return Err(BodyError::Name { offset: start });
            };
            let token = self.scanner.next_token()?;
            if self.value(member, &token)?.is_none() {
                return Err(BodyError::Value { member, offset: self.scanner.offset() });
            }
            if let Some(slot) = self.tokens.get_mut::<usize>(place) {
                *slot = self.scanner.since(start);
            }
        }
        self.scanner.next_token()?;
        Ok(())
    }

    /// `None` where the value is not in the form in which it is stored.
    fn value(&mut self, member: Member, token: &Token<'a>) -> Result<Option<()>, BodyError> {
        Ok(match (member, token) {
            (Member::Detail, Token::Begin(Container::Object)) => {
                check_stored(&mut self.scanner)?.then_some(())
            }
            (Member::PiiFlag, Token::Bool(_)) => Some(()),
            (Member::Detail | Member::PiiFlag, _) => None,
            (_, Token::Str(text)) if text.is_canonical() => self.string(member, text),
            _ => None,
        })
    }

    fn string(&mut self, member: Member, text: &Text<'a>) -> Option<()> {
        let plain = (!text.escaped).then_some(text.raw);
        match member {
            Member::AuditId => self.audit_id = Some(AuditId::parse_canonical(plain?)?),
            Member::Timestamp => self.timestamp = Some(Timestamp::parse_canonical(plain?)?),
            Member::ActorType => self.actor_type = Some(ActorType::parse(plain?)?),
            Member::Result => self.result = Some(Outcome::parse(plain?)?),
            Member::Sensitivity => self.sensitivity = Some(Sensitivity::parse(plain?)?),
            Member::ReceivedAt => {
                let time = Timestamp::parse_canonical(plain?)?;
                self.received_at = Some((time == time.to_micros()).then_some(time)?);
            }
            Member::Salt => self.salt = Some(Salt::parse(plain?)?),
            Member::IngestedBy => return is_producer(&text.unescape()).then_some(()),
            Member::ActorId | Member::Action => return (!text.raw.is_empty()).then_some(()),
            Member::SourceIp => {
                let len = text.unescape().len();
                return (len <= Record::SOURCE_IP_LEN_MAX).then_some(());
            }
            _ => {}
        }
        Some(())
    }

    fn finish(self, bytes: &'a [u8]) -> Result<Body<'a>, BodyError> {
        for (member, token) in Member::ALL.into_iter().zip(self.tokens) {
            if token.is_empty() && member.is_always_present() {
                return Err(BodyError::Missing { member });
            }
        }
        let missing = |member| BodyError::Missing { member };
        Ok(Body {
            bytes,
            tokens: self.tokens,
            plain: false,
            audit_id: self.audit_id.ok_or(missing(Member::AuditId))?,
            timestamp: self.timestamp.ok_or(missing(Member::Timestamp))?,
            actor_type: self.actor_type.ok_or(missing(Member::ActorType))?,
            result: self.result.ok_or(missing(Member::Result))?,
            sensitivity: self.sensitivity.ok_or(missing(Member::Sensitivity))?,
            received_at: self.received_at.ok_or(missing(Member::ReceivedAt))?,
            salt: self.salt.ok_or(missing(Member::Salt))?,
        })
    }
}
