//! The body of a request, read on for a while when nobody wants it any more.
//!
//! Invariant: a client that is still sending sees the answer instead of a reset; no more than
//! 1 MiB and 5 s are spent on it (SERVER.md 10).

use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use http_body::{Body, Frame, SizeHint};
use http_body_util::BodyExt as _;
use hyper::body::{Bytes, Incoming};
use tokio::time::timeout;

/// Bytes that are read and thrown away.
const LEN_MAX: usize = 1 << 20;
/// How long they may take.
const TIME_MAX: Duration = Duration::from_secs(5);

/// A body that is drained when it is dropped before its end.
pub struct Drained(Option<Incoming>);

impl Drained {
    /// Of a request that does not wait to be told to send (`Expect: 100-continue`).
    #[must_use]
    pub fn new(body: Incoming) -> Self {
        Self(Some(body))
    }
}

impl Body for Drained {
    type Data = Bytes;
    type Error = hyper::Error;

    fn poll_frame(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, hyper::Error>>> {
        let this = self.get_mut();
        let Some(body) = &mut this.0 else { return Poll::Ready(None) };
        let next = Pin::new(body).poll_frame(context);
        if matches!(next, Poll::Ready(None | Some(Err(_)))) {
            this.0 = None;
        }
        next
    }

    fn is_end_stream(&self) -> bool {
        self.0.as_ref().is_none_or(Body::is_end_stream)
    }

    fn size_hint(&self) -> SizeHint {
        self.0.as_ref().map_or_else(|| SizeHint::with_exact(0), Body::size_hint)
    }
}

impl Drop for Drained {
    fn drop(&mut self) {
        let rest = self.0.take().filter(|body| !body.is_end_stream());
        if let (Some(body), Ok(runtime)) = (rest, tokio::runtime::Handle::try_current()) {
            runtime.spawn(timeout(TIME_MAX, drain(body)));
        }
    }
}

async fn drain(mut body: Incoming) {
    let mut len = 0;
    while len < LEN_MAX {
        let Some(Ok(frame)) = body.frame().await else { return };
        len += frame.data_ref().map_or(0, Bytes::len);
    }
}
