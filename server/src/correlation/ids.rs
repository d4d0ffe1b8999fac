//! The ids of one request, and what becomes known about it on its way.
//!
//! Invariant: ids are taken over only in the forms that SERVER.md 8 allows; a trace id is never
//! zero. Knows nothing about answers.

use std::net::IpAddr;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, OnceLock};

use http::{HeaderMap, HeaderName, HeaderValue};

use super::trace_context::{TraceParent, parse_tracestate};
use crate::identity::Caller;

/// Header of the request's id, both ways.
pub(super) const X_REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");
/// Header of the trace, both ways.
pub(super) const TRACEPARENT: HeaderName = HeaderName::from_static("traceparent");
const TRACESTATE: HeaderName = HeaderName::from_static("tracestate");
const X_RUN_ID: HeaderName = HeaderName::from_static("x-run-id");
/// Longest id that is taken over.
const ID_LEN_MAX: usize = 128;
/// A trace that begins here has a random id; whether it is sampled, others decide.
const FLAGS_NEW: u8 = 0b10;

/// Where a request comes from, as far as that is trusted: an extension of the request.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Peer(pub IpAddr);

/// The ids of one request: an extension of it. Copies share what becomes known later.
#[derive(Clone, Debug)]
pub struct Correlation {
    inner: Arc<Inner>,
}

#[derive(Debug)]
struct Inner {
    /// Trace, span and flags as they stand in `traceparent`.
    traceparent: String,
    parent: Option<[u8; 8]>,
    tracestate: Option<String>,
    request_id: String,
    run_id: Option<String>,
    peer: Option<IpAddr>,
    caller: OnceLock<Arc<Caller>>,
    facility: OnceLock<String>,
}

impl Correlation {
    /// Takes over what the headers carry and makes the rest.
    #[must_use]
    pub fn from_headers(headers: &HeaderMap, peer: Option<Peer>) -> Self {
        let random = Random::new();
        let sent = one(headers, &TRACEPARENT).and_then(TraceParent::parse);
        let (trace_id, flags) =
            sent.map_or((random.trace_id, FLAGS_NEW), |sent| (sent.trace_id, sent.flags));
        // Without the trace that it belongs to, a state means nothing.
        let tracestate = sent.and_then(|_| {
            parse_tracestate(headers.get_all(TRACESTATE).iter().map(HeaderValue::as_bytes))
        });
        let request_id = one(headers, &X_REQUEST_ID).and_then(id).unwrap_or(random.request_id);
        Self {
            inner: Arc::new(Inner {
                traceparent: traceparent(&trace_id, &random.span_id, flags),
                parent: sent.map(|sent| sent.parent_id),
                tracestate,
                request_id,
                run_id: one(headers, &X_RUN_ID).and_then(id),
                peer: peer.map(|peer| peer.0),
                caller: OnceLock::new(),
                facility: OnceLock::new(),
            }),
        }
    }

    /// That of a request whose extensions these are; one of our own where the layer is missing.
    #[must_use]
    pub fn of(extensions: &http::Extensions) -> Self {
        extensions.get::<Self>().cloned().unwrap_or_else(Self::internal)
    }

    /// Of something that the server does by itself.
    #[must_use]
    pub fn internal() -> Self {
        Self::from_headers(&HeaderMap::new(), None)
    }

    /// The trace: 32 lower-case hex digits.
    #[must_use]
    pub fn trace_id(&self) -> &str {
        self.inner.traceparent.get(3..35).unwrap_or_default()
    }

    /// The span of this request: 16 lower-case hex digits.
    #[must_use]
    pub fn span_id(&self) -> &str {
        self.inner.traceparent.get(36..52).unwrap_or_default()
    }

    /// The span of whoever called, where it was sent.
    #[must_use]
    pub fn parent(&self) -> Option<[u8; 8]> {
        self.inner.parent
    }

    /// `traceparent` of the answer and of calls that this request makes.
    #[must_use]
    pub fn traceparent(&self) -> &str {
        &self.inner.traceparent
    }

    /// `tracestate` of calls that this request makes.
    #[must_use]
    pub fn tracestate(&self) -> Option<&str> {
        self.inner.tracestate.as_deref()
    }

    /// The request's id: the client's, or one made here.
    #[must_use]
    pub fn request_id(&self) -> &str {
        &self.inner.request_id
    }

    /// The run of a job that the request belongs to (`x-run-id`).
    #[must_use]
    pub fn run_id(&self) -> Option<&str> {
        self.inner.run_id.as_deref()
    }

    /// Where the request comes from.
    #[must_use]
    pub fn peer(&self) -> Option<IpAddr> {
        self.inner.peer
    }

    /// Says who calls, once that is verified; the first word stands.
    pub fn set_caller(&self, caller: Arc<Caller>) {
        // A request has one caller; a second word would be an error of ours that changes nothing.
        let _ = self.inner.caller.set(caller);
    }

    /// Who calls, once that is verified.
    #[must_use]
    pub fn caller(&self) -> Option<&Arc<Caller>> {
        self.inner.caller.get()
    }

    /// Says which facility the request concerns, where it is one; the first word stands.
    pub fn set_facility(&self, facility: impl Into<String>) {
        let _ = self.inner.facility.set(facility.into());
    }

    /// The facility that the request concerns, otherwise the only one of its caller.
    #[must_use]
    pub fn facility(&self) -> Option<&str> {
        let of_caller = || self.caller().and_then(|caller| caller.facilities.only_one());
        self.inner.facility.get().map(String::as_str).or_else(of_caller)
    }
}

/// The value of a header that was sent exactly once.
fn one<'a>(headers: &'a HeaderMap, name: &HeaderName) -> Option<&'a [u8]> {
    let mut values = headers.get_all(name).iter();
    let first = values.next()?;
    values.next().is_none().then_some(first.as_bytes())
}

/// An id in a form that can go into headers, logs and records unchanged.
fn id(value: &[u8]) -> Option<String> {
    let allowed = |byte: &u8| byte.is_ascii_alphanumeric() || b"._:-".contains(byte);
    let well = (1..=ID_LEN_MAX).contains(&value.len()) && value.iter().all(allowed);
    well.then(|| std::str::from_utf8(value).ok().map(str::to_owned)).flatten()
}

fn traceparent(trace_id: &[u8; 16], span_id: &[u8; 8], flags: u8) -> String {
    let mut text = String::with_capacity(55);
    text.push_str("00-");
    push_hex(&mut text, trace_id);
    text.push('-');
    push_hex(&mut text, span_id);
    text.push('-');
    push_hex(&mut text, &[flags]);
    text
}

/// Appends bytes as lower-case hex.
pub(crate) fn push_hex(text: &mut String, bytes: &[u8]) {
    let digit = |nibble: u8| char::from(if nibble < 10 { b'0' + nibble } else { b'W' + nibble });
    for byte in bytes {
        text.push(digit(byte >> 4));
        text.push(digit(byte & 0xf));
    }
}

/// What one request needs of chance.
struct Random {
    trace_id: [u8; 16],
    span_id: [u8; 8],
    request_id: String,
}

impl Random {
    fn new() -> Self {
        let mut bytes = [0; 40];
        if getrandom::fill(&mut bytes).is_err() {
            bytes = numbered();
        }
        let (mut trace_id, mut span_id, mut id) = ([0; 16], [0; 8], [0; 16]);
        let into = trace_id.iter_mut().chain(&mut span_id).chain(&mut id);
        into.zip(bytes).for_each(|(to, from)| *to = from);
        let request_id = uuid::Builder::from_random_bytes(id).into_uuid().to_string();
        Self { trace_id, span_id, request_id }
    }
}

/// Ids need not be secret: without random numbers they are at least distinct and not zero.
fn numbered() -> [u8; 40] {
    static NEXT: AtomicU64 = AtomicU64::new(1);
    let number = NEXT.fetch_add(1, Ordering::Relaxed).to_le_bytes();
    let mut bytes = [0; 40];
    bytes.iter_mut().zip(number.iter().cycle()).for_each(|(to, from)| *to = *from);
    bytes
}
