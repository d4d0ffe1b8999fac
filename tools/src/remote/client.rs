//! A blocking client of one server: a connection that is kept, and made again when it is lost.
//!
//! Invariant: an answer is either whole or an error; nothing of it is taken into memory beyond the
//! bound that the caller gives. Redirections are not followed, so that a token goes nowhere else.

use std::time::Duration;

use bytes::Bytes;
use http::{HeaderMap, HeaderValue, Method, Request, header};
use http_body_util::{BodyExt, Full};
use hyper::body::Incoming;
use hyper::client::conn::http1::{self, SendRequest};
use hyper_util::rt::TokioIo;
use rustls_pki_types::ServerName;
use serde::de::DeserializeOwned;
use shoseki_engine::log::SignedCheckpoint;
use shoseki_engine::proof::{Checkpoint, Note};
use tokio::net::TcpStream;
use tokio::runtime::Runtime;
use tokio::time::timeout;
use tokio_rustls::TlsConnector;

use super::args::{Base, RemoteArgs};
use super::error::{Refusal, RemoteError};
use super::tls;
use crate::failure::{Failure, chain};

/// How long a connection may take.
const CONNECT_MAX: Duration = Duration::from_secs(10);
/// How long an answer may take to begin: a verification is answered when it is done.
const BEGIN_MAX: Duration = Duration::from_secs(600);
/// How long the next part of an answer may take.
const PART_MAX: Duration = Duration::from_secs(60);
/// Longest text of a refusal.
const REFUSAL_LEN_MAX: usize = 1 << 20;
/// Longest answer that is taken as one: a page of long records.
const ANSWER_LEN_MAX: usize = 256 << 20;
/// Tries of what may go better the next time.
pub(super) const TRIES: u32 = 6;

/// A request.
#[derive(Clone, Debug)]
pub(crate) struct Ask {
    pub(super) method: Method,
    pub(super) path: String,
    /// Type of the body, where there is one.
    pub(super) kind: &'static str,
    pub(super) accept: &'static str,
    pub(super) body: Bytes,
}

impl Ask {
    /// A question without a body.
    pub(crate) fn get(path: impl Into<String>) -> Self {
        let (kind, accept, body) = ("", "application/json", Bytes::new());
        Self { method: Method::GET, path: path.into(), kind, accept, body }
    }

    /// A question with a JSON body.
    pub(crate) fn post(path: &str, body: &serde_json::Value) -> Self {
        let body = body.to_string().into();
        let kind = "application/json";
        Self { method: Method::POST, kind, body, ..Self::get(path) }
    }

    /// The answer in this form.
    pub(crate) fn accept(self, accept: &'static str) -> Self {
        Self { accept, ..self }
    }
}

/// An answer that is still coming.
pub(crate) struct Answer(Incoming);

/// The client.
pub(crate) struct Client {
    runtime: Runtime,
    base: Base,
    token: Option<HeaderValue>,
    tls: Option<TlsConnector>,
    open: Option<SendRequest<Full<Bytes>>>,
    /// Whether it answered before: then a lost connection may come back.
    known: bool,
}

impl Client {
    pub(super) fn new(
        base: Base,
        token: Option<String>,
        args: &RemoteArgs,
    ) -> Result<Self, Failure> {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
        let runtime = runtime.map_err(Failure::could_not)?;
        let tls = if base.tls { Some(tls::connector(args)?) } else { None };
        let token = token.map(|token| HeaderValue::from_str(&format!("Bearer {token}")));
        let mut token = token.transpose().map_err(Failure::invalid)?;
        if let Some(token) = &mut token {
            token.set_sensitive(true);
        }
        Ok(Self { runtime, base, token, tls, open: None, known: false })
    }

    /// Where the server is.
    pub(crate) fn base(&self) -> &Base {
        &self.base
    }

    /// Asks for something that may be asked twice, and again where that may help.
    pub(crate) fn ask(&mut self, ask: &Ask) -> Result<Answer, RemoteError> {
        self.retried(|client| client.send(ask))
    }

    /// Does something that may be done twice, and again where that may help.
    pub(super) fn retried<T>(
        &mut self,
        mut exchange: impl FnMut(&mut Self) -> Result<T, RemoteError>,
    ) -> Result<T, RemoteError> {
        let mut tries = 0;
        loop {
            match exchange(self) {
                Err(error) if error.is_passing() && tries + 1 < TRIES => {
                    tries += 1;
                    std::thread::sleep(error.wait(tries));
                }
                done => return done,
            }
        }
    }

    /// Asks for JSON.
    pub(crate) fn json<T: DeserializeOwned>(&mut self, ask: &Ask) -> Result<T, Failure> {
        let text = self.text(ask)?;
        serde_json::from_slice(&text).map_err(|error| self.strange(&error))
    }

    /// Asks for a whole answer.
    pub(crate) fn text(&mut self, ask: &Ask) -> Result<Vec<u8>, Failure> {
        let answer = self.ask(ask).and_then(|mut answer| self.whole(&mut answer, ANSWER_LEN_MAX));
        answer.map_err(|error| error.failure(&self.base))
    }

    /// Asks once for a whole answer.
    pub(super) fn once(&mut self, ask: &Ask) -> Result<Vec<u8>, RemoteError> {
        let mut answer = self.send(ask)?;
        self.whole(&mut answer, ANSWER_LEN_MAX)
    }

    /// The newest checkpoint. Its signature is not checked.
    pub(crate) fn checkpoint(&mut self) -> Result<SignedCheckpoint, Failure> {
        let text = self.text(&Ask::get("/checkpoint").accept("text/plain, */*"))?;
        let note = String::from_utf8(text).map_err(|error| self.strange(&error))?;
        let parsed = Note::parse(note.as_bytes()).map_err(|error| self.strange(&error))?;
        let checkpoint = Checkpoint::parse(parsed.text());
        let checkpoint = checkpoint.map_err(|error| self.strange(&error))?;
        Ok(SignedCheckpoint { checkpoint, note })
    }

    /// An answer that is none of this server's.
    pub(crate) fn strange(&self, why: &dyn std::fmt::Display) -> Failure {
        RemoteError::Strange(why.to_string()).failure(&self.base)
    }

    /// Sends once. An answer that is no 200 is an error.
    pub(super) fn send(&mut self, ask: &Ask) -> Result<Answer, RemoteError> {
        let sent = self.begin(ask);
        let response = sent.inspect_err(|_| self.open = None)?;
        self.known = true;
        let (status, retry_after) = (response.status(), retry_after(response.headers()));
        let mut answer = Answer(response.into_body());
        if status.is_success() {
            return Ok(answer);
        }
        let text = self.whole(&mut answer, REFUSAL_LEN_MAX).unwrap_or_default();
        let mut refusal: Refusal = serde_json::from_slice(&text).unwrap_or_default();
        if refusal.message.is_empty() {
            refusal.message = status.canonical_reason().unwrap_or("no reason given").to_owned();
        }
        (refusal.status, refusal.retry_after) = (status.as_u16(), retry_after);
        Err(RemoteError::Refused(Box::new(refusal)))
    }

    fn begin(&mut self, ask: &Ask) -> Result<http::Response<Incoming>, RemoteError> {
        let request = self.request(ask)?;
        let Self { runtime, base, tls, open, known, .. } = self;
        runtime.block_on(async {
            let usable = match open {
                Some(sender) => sender.ready().await.is_ok(),
                None => false,
            };
            if !usable {
                let made = timeout(CONNECT_MAX, connect(base, tls.as_ref())).await;
                let made = made.unwrap_or_else(|_| Err("no answer within 10 s".to_owned()));
                *open = Some(made.map_err(|why| match *known {
                    true => RemoteError::Lost(why),
                    false => RemoteError::Connect(why),
                })?);
            }
            let Some(sender) = open else { return Err(RemoteError::Lost(String::new())) };
            match timeout(BEGIN_MAX, sender.send_request(request)).await {
                Ok(answered) => answered.map_err(|error| lost(&error)),
                Err(_) => Err(RemoteError::Silent(BEGIN_MAX)),
            }
        })
    }

    fn request(&self, ask: &Ask) -> Result<Request<Full<Bytes>>, RemoteError> {
        let mut request = Request::builder()
            .method(ask.method.clone())
            .uri(self.base.target(&ask.path))
            .header(header::HOST, &self.base.authority)
            .header(header::USER_AGENT, concat!("shoseki/", env!("CARGO_PKG_VERSION")))
            .header(header::ACCEPT, ask.accept);
        if !ask.kind.is_empty() {
            request = request.header(header::CONTENT_TYPE, ask.kind);
        }
        if let Some(token) = &self.token {
            request = request.header(header::AUTHORIZATION, token);
        }
        let request = request.body(Full::new(ask.body.clone()));
        request.map_err(|error| RemoteError::Strange(error.to_string()))
    }

    /// The next part of an answer; `None` behind its end.
    pub(crate) fn part(&mut self, answer: &mut Answer) -> Result<Option<Bytes>, RemoteError> {
        let part = self.runtime.block_on(async {
            loop {
                match timeout(PART_MAX, answer.0.frame()).await {
                    Err(_) => return Err(RemoteError::Silent(PART_MAX)),
                    Ok(None) => return Ok(None),
                    Ok(Some(Err(error))) => return Err(lost(&error)),
                    // Trailers say nothing here.
                    Ok(Some(Ok(frame))) => {
                        if let Ok(data) = frame.into_data() {
                            return Ok(Some(data));
                        }
                    }
                }
            }
        });
        part.inspect_err(|_| self.open = None)
    }

    fn whole(&mut self, answer: &mut Answer, max: usize) -> Result<Vec<u8>, RemoteError> {
        let mut text = Vec::new();
        while let Some(part) = self.part(answer)? {
            if text.len() + part.len() > max {
                self.open = None;
                return Err(RemoteError::Strange(format!("more than {max} bytes")));
            }
            text.extend_from_slice(&part);
        }
        Ok(text)
    }
}

/// A connection, driven by a task of its own.
async fn connect(
    base: &Base,
    tls: Option<&TlsConnector>,
) -> Result<SendRequest<Full<Bytes>>, String> {
    let text = |error: &(dyn std::error::Error + 'static)| chain(error);
    let stream = TcpStream::connect((base.host.as_str(), base.port)).await;
    let stream = stream.map_err(|error| text(&error))?;
    // Requests are whole when they are written: waiting for more only costs time.
    let _ = stream.set_nodelay(true);
    let Some(tls) = tls else {
        let (sender, driver) =
            http1::handshake(TokioIo::new(stream)).await.map_err(|error| text(&error))?;
        tokio::spawn(driver);
        return Ok(sender);
    };
    let name = ServerName::try_from(base.host.clone()).map_err(|error| text(&error))?;
    let stream = tls.connect(name, stream).await.map_err(|error| text(&error))?;
    let (sender, driver) =
        http1::handshake(TokioIo::new(stream)).await.map_err(|error| text(&error))?;
    tokio::spawn(driver);
    Ok(sender)
}

/// A connection that broke; where TLS refused it, another try would end the same way.
fn lost(error: &hyper::Error) -> RemoteError {
    let mut cause: Option<&(dyn std::error::Error + 'static)> = Some(error);
    while let Some(inner) = cause {
        let io = inner.downcast_ref::<std::io::Error>().and_then(std::io::Error::get_ref);
        if let Some(refused) = io.and_then(|inner| inner.downcast_ref::<rustls::Error>()) {
            return RemoteError::Connect(refused.to_string());
        }
        cause = inner.source();
    }
    RemoteError::Lost(chain(error))
}

fn retry_after(headers: &HeaderMap) -> Option<Duration> {
    let seconds = headers.get(header::RETRY_AFTER)?.to_str().ok()?.parse().ok()?;
    Some(Duration::from_secs(seconds))
}
