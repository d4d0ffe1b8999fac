//! Reading the body of a request, bounded in length, in time and over all requests.
//!
//! Invariant: no more bytes are held than the settings allow, also after decompression; what is
//! held is given back when the permit is dropped. Knows nothing about what the bytes say.

use std::sync::Arc;
use std::time::Duration;

use axum::body::Body;
use bytes::{Bytes, BytesMut};
use http::{HeaderMap, header};
use http_body_util::BodyExt;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::time::timeout;

use crate::problem::{ErrorCode, Problem};

/// Bytes that one permit stands for.
const UNIT: usize = 1024;

/// The bytes of all requests that are being taken.
#[derive(Clone)]
pub struct Budget {
    permits: Arc<Semaphore>,
}

/// A part of the budget; given back when it is dropped.
pub struct Held(Option<OwnedSemaphorePermit>);

/// The kinds of bodies that are taken.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum BodyKind {
    /// `application/json`.
    Json,
    /// `application/x-ndjson`.
    Lines,
}

impl Budget {
    /// A budget of so many bytes.
    #[must_use]
    pub fn new(len_max: usize) -> Self {
        let units = (len_max / UNIT).clamp(1, Semaphore::MAX_PERMITS);
        Self { permits: Arc::new(Semaphore::new(units)) }
    }

    /// Takes a part for so many bytes, at once or not at all.
    ///
    /// # Errors
    /// [`ErrorCode::Busy`].
    pub fn take(&self, len: usize) -> Result<Held, Problem> {
        let mut held = Held(None);
        self.grow(&mut held, len)?;
        Ok(held)
    }

    /// Makes a part large enough for so many bytes, at once or not at all.
    ///
    /// # Errors
    /// [`ErrorCode::Busy`].
    pub fn grow(&self, held: &mut Held, len: usize) -> Result<(), Problem> {
        let has = held.0.as_ref().map_or(0, OwnedSemaphorePermit::num_permits);
        let wanted = len.div_ceil(UNIT);
        if wanted <= has {
            return Ok(());
        }
        let more = u32::try_from(wanted - has).unwrap_or(u32::MAX);
        let permits = Arc::clone(&self.permits).try_acquire_many_owned(more);
        let permit = permits.map_err(|_| {
            Problem::new(ErrorCode::Busy, "too much is being received: try again").retry_after(1)
        })?;
        match &mut held.0 {
            Some(other) => other.merge(permit),
            none => *none = Some(permit),
        }
        Ok(())
    }
}

impl Held {
    /// Gives back what is more than so many bytes need.
    pub fn shrink(&mut self, len: usize) {
        if let Some(permit) = &mut self.0 {
            let more = permit.num_permits().saturating_sub(len.div_ceil(UNIT));
            drop(permit.split(more));
        }
    }
}

/// What kind of body the headers announce.
///
/// # Errors
/// [`ErrorCode::MediaType`] or [`ErrorCode::Encoding`]: gzip and zstd were taken off before.
pub fn kind(headers: &HeaderMap) -> Result<BodyKind, Problem> {
    let mut types = headers.get_all(header::CONTENT_TYPE).iter();
    let content_type = types.next().and_then(|value| value.to_str().ok()).unwrap_or_default();
    let mut parts = content_type.split(';').map(str::trim);
    let essence = parts.next().unwrap_or_default().to_ascii_lowercase();
    let charset = parts.filter_map(|part| part.split_once('=')).find_map(|(name, value)| {
        let is_charset = name.trim().eq_ignore_ascii_case("charset");
        is_charset.then(|| value.trim().trim_matches('"').to_ascii_lowercase())
    });
    let utf8 = charset.is_none_or(|charset| charset == "utf-8" || charset == "utf8");
    let kind = match essence.as_str() {
        "application/json" => Some(BodyKind::Json),
        "application/x-ndjson" => Some(BodyKind::Lines),
        _ => None,
    };
    let kind = kind.filter(|_| utf8 && types.next().is_none()).ok_or_else(|| {
        let expected = "expected application/json or application/x-ndjson, in UTF-8";
        Problem::new(ErrorCode::MediaType, expected)
    })?;
    let encodings = headers.get_all(header::CONTENT_ENCODING).iter();
    let plain = |value: &http::HeaderValue| {
        let text = value.to_str().unwrap_or("?").trim();
        text.is_empty() || text.eq_ignore_ascii_case("identity")
    };
    if !encodings.into_iter().all(plain) {
        let expected = "expected gzip, zstd or no content-encoding";
        return Err(Problem::new(ErrorCode::Encoding, expected));
    }
    Ok(kind)
}

/// Reads a body of at most `len_max` bytes, each part of it within `pause`.
///
/// # Errors
/// Too long, too slow, cut off, not decompressible, or too much at once.
pub async fn collect(
    headers: &HeaderMap,
    mut body: Body,
    len_max: usize,
    pause: Duration,
    budget: &Budget,
) -> Result<(Bytes, Held), Problem> {
    let announced = headers.get(header::CONTENT_LENGTH).and_then(|value| value.to_str().ok());
    let announced = announced.and_then(|text| text.parse::<usize>().ok()).unwrap_or(0);
    if announced > len_max {
        return Err(too_long(len_max));
    }
    // Only what came is held: a length that is announced and never comes keeps nobody out.
    let mut held = budget.take(UNIT)?;
    let whole = async {
        let mut first: Option<Bytes> = None;
        let mut rest = BytesMut::new();
        while let Some(data) = next(&mut body).await? {
            let len = first.as_ref().map_or(0, Bytes::len).max(rest.len()) + data.len();
            if len > len_max {
                return Err(too_long(len_max));
            }
            budget.grow(&mut held, len)?;
            match first.take() {
                None if rest.is_empty() => first = Some(data),
                None => rest.extend_from_slice(&data),
                Some(before) => {
                    rest.reserve(announced.max(before.len() + data.len()));
                    rest.extend_from_slice(&before);
                    rest.extend_from_slice(&data);
                }
            }
        }
        Ok(first.unwrap_or_else(|| rest.freeze()))
    };
    let bytes = timeout(pause, whole).await.map_err(|_| too_slow())??;
    Ok((bytes, held))
}

/// The next part of a body; `None` at its clean end.
///
/// # Errors
/// [`ErrorCode::RequestBody`].
pub async fn next(body: &mut Body) -> Result<Option<Bytes>, Problem> {
    loop {
        match body.frame().await {
            None => return Ok(None),
            Some(Ok(frame)) => {
                if let Ok(data) = frame.into_data()
                    && !data.is_empty()
                {
                    return Ok(Some(data));
                }
            }
            Some(Err(error)) => {
                let detail = "the body was cut off or can't be decompressed";
                return Err(Problem::new(ErrorCode::RequestBody, detail).caused_by(error));
            }
        }
    }
}

fn too_long(len_max: usize) -> Problem {
    Problem::new(ErrorCode::BodyTooLarge, format!("the body has more than {len_max} bytes"))
}

/// The body did not come in time.
#[must_use]
pub fn too_slow() -> Problem {
    Problem::new(ErrorCode::BodyTimeout, "the body did not come in time")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_held_keeps_others_out_until_it_is_given_back() {
        let budget = Budget::new(16 << 10);
        let mut first = budget.take(10 << 10).expect("there is room");
        assert_eq!(budget.take(10 << 10).err().map(|problem| problem.code), Some(ErrorCode::Busy));
        budget.grow(&mut first, 12 << 10).expect("there is still room");
        first.shrink(2 << 10);
        let second = budget.take(14 << 10).expect("there is room again");
        assert!(budget.grow(&mut first, 3 << 10).is_err());
        drop(second);
        budget.grow(&mut first, 16 << 10).expect("all of it");
        first.shrink(16 << 10);
        assert!(budget.take(1).is_err(), "shrinking to what is held gives nothing back");
    }
}
