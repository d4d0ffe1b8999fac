//! The usual body in one pass: its members in their order, no string with an escape.
//!
//! Invariant: what is read here is what the general reader of [`super::body`] would read, to the
//! last token. Whatever looks otherwise is `None`: it may still be a body, and the general reader
//! says whether. Allocates nothing; the nesting that it follows is bounded.

use super::body::Body;
use super::ident::{AuditId, Salt, is_producer};
use super::member::Member;
use super::model::{ActorType, Outcome, Record, Sensitivity};
use super::text::plain_run;
use super::time::Timestamp;

/// Levels below a detail that are followed.
const DEPTH_MAX: usize = 8;
/// Members of one object in a detail whose names are compared.
const NAMES_MAX: usize = 16;

/// What stands before the value of a string member that is not the first.
macro_rules! key {
    ($name:literal) => {
        concat!(",\"", $name, "\":\"")
    };
}

/// Reads a body; `None` where it is not of the usual form.
pub(super) fn read(input: &str) -> Option<Body<'_>> {
    let mut r = Plain { input, at: 0, tokens: [""; Member::COUNT] };
    let audit_id = AuditId::parse_canonical(r.text(Member::AuditId, "{\"audit_id\":\"")?)?;
    let timestamp = Timestamp::parse_canonical(r.text(Member::Timestamp, key!("timestamp"))?)?;
    let actor_type = ActorType::parse(r.text(Member::ActorType, key!("actor_type"))?)?;
    some(r.text(Member::ActorId, key!("actor_id"))?)?;
    r.text(Member::ActorRole, key!("actor_role"));
    some(r.text(Member::Action, key!("action"))?)?;
    r.text(Member::TargetType, key!("target_type"));
    r.text(Member::TargetId, key!("target_id"));
    r.text(Member::RequestId, key!("request_id"));
    r.text(Member::TraceId, key!("trace_id"));
    r.text(Member::FacilityId, key!("facility_id"));
    if let Some(source) = r.text(Member::SourceIp, key!("source_ip"))
        && source.len() > Record::SOURCE_IP_LEN_MAX
    {
        return None;
    }
    let result = Outcome::parse(r.text(Member::Result, key!("result"))?)?;
    if r.eat(",\"detail\":") {
        let start = r.at;
        r.object(DEPTH_MAX)?;
        r.note(Member::Detail, start)?;
    }
    if !r.eat(",\"pii_flag\":") {
        return None;
    }
    let start = r.at;
    if !r.eat("true") && !r.eat("false") {
        return None;
    }
    r.note(Member::PiiFlag, start)?;
    let sensitivity = Sensitivity::parse(r.text(Member::Sensitivity, key!("sensitivity"))?)?;
    let received_at = r.text(Member::ReceivedAt, key!("received_at"))?;
    let received_at = Timestamp::parse_canonical(received_at)?;
    if let Some(producer) = r.text(Member::IngestedBy, key!("ingested_by"))
        && !is_producer(producer)
    {
        return None;
    }
    let salt = Salt::parse(r.text(Member::Salt, key!("salt"))?)?;
    let whole = r.rest() == b"}" && received_at == received_at.to_micros();
    whole.then_some(Body {
        bytes: input.as_bytes(),
        tokens: r.tokens,
        plain: true,
        audit_id,
        timestamp,
        actor_type,
        result,
        sensitivity,
        received_at,
        salt,
    })
}

/// What must not be empty.
fn some(text: &str) -> Option<()> {
    (!text.is_empty()).then_some(())
}

struct Plain<'a> {
    input: &'a str,
    at: usize,
    tokens: [&'a str; Member::COUNT],
}

impl<'a> Plain<'a> {
    fn rest(&self) -> &'a [u8] {
        self.input.as_bytes().get(self.at..).unwrap_or_default()
    }

    /// Passes what is due here, if it is here.
    #[inline(always)]
    fn eat(&mut self, due: &str) -> bool {
        let here = self.rest().starts_with(due.as_bytes());
        self.at += if here { due.len() } else { 0 };
        here
    }

    /// Notes what was passed since `start` as a member's token.
    fn note(&mut self, member: Member, start: usize) -> Option<()> {
        *self.tokens.get_mut(member.place())? = self.input.get(start..self.at)?;
        Some(())
    }

    /// The value of the string member that `key` opens. Where it is not here, or has an escape, it
    /// is not passed: no other member can follow there.
    #[inline(always)]
    fn text(&mut self, member: Member, key: &str) -> Option<&'a str> {
        if !self.rest().starts_with(key.as_bytes()) {
            return None;
        }
        self.member_text(member, self.at + key.len())
    }

    fn member_text(&mut self, member: Member, start: usize) -> Option<&'a str> {
        let (text, end) = self.quoted(start)?;
        *self.tokens.get_mut(member.place())? = self.input.get(start - 1..end)?;
        self.at = end;
        Some(text)
    }

    /// A string that begins behind its quote, and where it ends, behind the other.
    fn quoted(&self, start: usize) -> Option<(&'a str, usize)> {
        let rest = self.input.as_bytes().get(start..)?;
        let len = plain_run(rest);
        (rest.get(len) == Some(&b'"')).then_some(())?;
        Some((self.input.get(start..start + len)?, start + len + 1))
    }

    fn object(&mut self, depth: usize) -> Option<()> {
        if !self.eat("{") {
            return None;
        }
        if self.eat("}") {
            return Some(());
        }
        let mut names = [""; NAMES_MAX];
        for count in 0..NAMES_MAX {
            if !self.eat("\"") {
                return None;
            }
            let (name, end) = self.quoted(self.at)?;
            if names.get(..count)?.contains(&name) {
                return None;
            }
            *names.get_mut(count)? = name;
            self.at = end;
            if !self.eat(":") {
                return None;
            }
            self.value(depth)?;
            if self.eat("}") {
                return Some(());
            }
            if !self.eat(",") {
                return None;
            }
        }
        None
    }

    fn array(&mut self, depth: usize) -> Option<()> {
        if !self.eat("[") {
            return None;
        }
        if self.eat("]") {
            return Some(());
        }
        loop {
            self.value(depth)?;
            if self.eat("]") {
                return Some(());
            }
            if !self.eat(",") {
                return None;
            }
        }
    }

    fn value(&mut self, depth: usize) -> Option<()> {
        match self.rest().first()? {
            b'"' => {
                (_, self.at) = self.quoted(self.at + 1)?;
                Some(())
            }
            b'{' => self.object(depth.checked_sub(1)?),
            b'[' => self.array(depth.checked_sub(1)?),
            b'-' | b'0'..=b'9' => self.number(),
            _ => (self.eat("true") || self.eat("false") || self.eat("null")).then_some(()),
        }
    }

    fn number(&mut self) -> Option<()> {
        self.eat("-");
        let whole = self.rest();
        // A zero at the front stands alone.
        if self.digits()? > 1 && whole.first() == Some(&b'0') {
            return None;
        }
        if self.eat(".") {
            self.digits()?;
        }
        if self.eat("e") || self.eat("E") {
            let _ = self.eat("+") || self.eat("-");
            self.digits()?;
        }
        Some(())
    }

    /// Passes digits; `None` where there are none.
    fn digits(&mut self) -> Option<usize> {
        let count = self.rest().iter().take_while(|b| b.is_ascii_digit()).count();
        self.at += count;
        (count > 0).then_some(count)
    }
}
