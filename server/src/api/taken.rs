//! The bytes of answers that their clients have not taken yet, all together.
//!
//! Invariant: long answers hold no more than the budget; one that does not fit is refused before
//! anything of it was sent. A part of the budget is given back when the last bytes are handed to
//! the connection, which holds little by itself. Knows nothing of what is answered.

use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};

use axum::body::Body;
use axum::extract::{Request, State};
use axum::middleware::Next;
use axum::response::Response;
use bytes::Bytes;
use http_body::{Frame, SizeHint};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use crate::app::Shared;
use crate::problem::{ErrorCode, Problem};

/// Bytes of one unit of the budget.
const UNIT: usize = 1024;
/// Answers up to this are not counted: connections are, and hold more by themselves.
const SMALL: u64 = 64 << 10;
/// Bytes that are handed to a connection at once.
const PART_LEN: usize = 64 << 10;

/// Bytes of all long answers.
pub struct Untaken {
    permits: Arc<Semaphore>,
    units: usize,
}

/// A part of the budget; given back when it is dropped.
pub struct Part {
    _permit: Option<OwnedSemaphorePermit>,
}

impl Untaken {
    /// A budget of so many bytes.
    #[must_use]
    pub fn new(len_max: usize) -> Self {
        let units = (len_max / UNIT).clamp(1, u32::MAX as usize >> 1);
        Self { permits: Arc::new(Semaphore::new(units)), units }
    }

    /// What is longer than everything is let in alone.
    fn units_of(&self, len: usize) -> u32 {
        u32::try_from(len.div_ceil(UNIT).min(self.units)).unwrap_or(u32::MAX)
    }

    /// A part for so many bytes, at once or not at all.
    ///
    /// # Errors
    /// [`ErrorCode::Busy`].
    pub fn take(&self, len: usize) -> Result<Part, Problem> {
        let permit = Arc::clone(&self.permits).try_acquire_many_owned(self.units_of(len));
        permit.map(|permit| Part { _permit: Some(permit) }).map_err(|_| {
            let detail = "too many long answers wait to be taken by their clients: try again";
            Problem::new(ErrorCode::Busy, detail).retry_after(1)
        })
    }

    /// The same, as soon as there is room.
    pub async fn wait(&self, len: usize) -> Part {
        // It is never closed.
        let permit = Arc::clone(&self.permits).acquire_many_owned(self.units_of(len));
        Part { _permit: permit.await.ok() }
    }
}

/// Counts each answer whose length is known; streams count what they hold themselves.
pub(super) async fn counted(
    State(app): State<Shared>,
    request: Request,
    next: Next,
) -> Result<Response, Problem> {
    let response = next.run(request).await;
    let len = http_body::Body::size_hint(response.body()).exact().filter(|len| *len > SMALL);
    let Some(len) = len.and_then(|len| usize::try_from(len).ok()) else { return Ok(response) };
    let part = app.untaken.take(len)?;
    Ok(response.map(|inner| Body::new(InParts { inner, rest: Bytes::new(), _part: part })))
}

/// A body that goes out a piece at a time, so that it is here until the connection has room for
/// the last one.
struct InParts {
    inner: Body,
    rest: Bytes,
    _part: Part,
}

impl http_body::Body for InParts {
    type Data = Bytes;
    type Error = axum::Error;

    fn poll_frame(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, axum::Error>>> {
        let this = self.get_mut();
        if this.rest.is_empty() {
            let frame = match ready!(Pin::new(&mut this.inner).poll_frame(context)) {
                Some(Ok(frame)) => frame,
                other => return Poll::Ready(other),
            };
            match frame.into_data() {
                Ok(data) => this.rest = data,
                Err(other) => return Poll::Ready(Some(Ok(other))),
            }
        }
        let len = this.rest.len().min(PART_LEN);
        Poll::Ready(Some(Ok(Frame::data(this.rest.split_to(len)))))
    }

    fn is_end_stream(&self) -> bool {
        self.rest.is_empty() && self.inner.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        let (rest, inner) = (self.rest.len() as u64, self.inner.size_hint());
        let mut hint = SizeHint::new();
        hint.set_lower(inner.lower().saturating_add(rest));
        if let Some(upper) = inner.upper() {
            hint.set_upper(upper.saturating_add(rest));
        }
        hint
    }
}

#[cfg(test)]
mod tests {
    use http_body_util::BodyExt as _;

    use super::*;

    #[test]
    fn what_does_not_fit_is_refused_and_what_is_given_back_fits() {
        let untaken = Untaken::new(100 << 10);
        let first = untaken.take(60 << 10).ok();
        assert!(first.is_some());
        let refused = untaken.take(50 << 10).err();
        assert_eq!(refused.map(|problem| problem.code), Some(ErrorCode::Busy));
        drop(first);
        // Longer than everything: alone.
        let alone = untaken.take(1 << 30).ok();
        assert!(alone.is_some() && untaken.take(1).is_err());
        drop(alone);
        assert!(untaken.take(1).is_ok());
    }

    #[tokio::test]
    async fn a_long_body_stays_the_same_in_parts() {
        let text: Vec<u8> = (0..200_000_u32).map(|n| n.to_le_bytes()[0]).collect();
        let part = Part { _permit: None };
        let mut body = InParts { inner: Body::from(text.clone()), rest: Bytes::new(), _part: part };
        let mut seen = Vec::new();
        loop {
            let left = (text.len() - seen.len()) as u64;
            assert_eq!(http_body::Body::size_hint(&body).exact(), Some(left));
            let Some(Ok(frame)) = body.frame().await else { break };
            let data = frame.into_data().unwrap_or_default();
            assert!(data.len() <= PART_LEN);
            seen.extend_from_slice(&data);
        }
        assert_eq!(seen, text);
    }
}
