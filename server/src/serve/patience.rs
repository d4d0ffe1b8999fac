//! The bytes of a connection, with an end to every wait on whoever is at its other side.
//!
//! Invariant: a client that does not say what it speaks, and one that does not take what is written
//! to it, is cut off. Knows of HTTP only how version 2 begins.

use std::io::{self, ErrorKind, IoSlice};
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::time::{Sleep, sleep};

/// As long as only a part of this came, the version is not known and nothing else watches the time.
const PREFACE: &[u8] = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";

/// A stream whose waits end.
pub struct Patient<S> {
    inner: S,
    pause: Duration,
    /// What came of the preface, and when the rest is due; `None` once the version is known.
    opening: Option<(usize, Pin<Box<Sleep>>)>,
    /// When what waits to be written is due.
    writing: Option<Pin<Box<Sleep>>>,
}

impl<S> Patient<S> {
    /// Waits on its client at most `pause` at a time.
    pub fn new(inner: S, pause: Duration) -> Self {
        Self { inner, pause, opening: Some((0, Box::pin(sleep(pause)))), writing: None }
    }

    fn came(&mut self, bytes: &[u8]) {
        let Some((len, _)) = &mut self.opening else { return };
        let expected = PREFACE.get(*len..).unwrap_or_default();
        if !bytes.is_empty() && bytes.len() < expected.len() && expected.starts_with(bytes) {
            *len += bytes.len();
        } else {
            self.opening = None;
        }
    }

    fn written<T>(
        &mut self,
        context: &mut Context<'_>,
        done: Poll<io::Result<T>>,
    ) -> Poll<io::Result<T>> {
        if done.is_ready() {
            self.writing = None;
            return done;
        }
        let due = self.writing.get_or_insert_with(|| Box::pin(sleep(self.pause)));
        ready!(due.as_mut().poll(context));
        Poll::Ready(Err(ErrorKind::TimedOut.into()))
    }
}

impl<S: AsyncRead + Unpin> AsyncRead for Patient<S> {
    fn poll_read(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let this = self.get_mut();
        let before = buffer.filled().len();
        if let Poll::Ready(read) = Pin::new(&mut this.inner).poll_read(context, buffer) {
            this.came(buffer.filled().get(before..).unwrap_or_default());
            return Poll::Ready(read);
        }
        if let Some((_, due)) = &mut this.opening {
            ready!(due.as_mut().poll(context));
            return Poll::Ready(Err(ErrorKind::TimedOut.into()));
        }
        Poll::Pending
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for Patient<S> {
    fn poll_write(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        let this = self.get_mut();
        let done = Pin::new(&mut this.inner).poll_write(context, bytes);
        this.written(context, done)
    }

    fn poll_write_vectored(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
        parts: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let this = self.get_mut();
        let done = Pin::new(&mut this.inner).poll_write_vectored(context, parts);
        this.written(context, done)
    }

    fn is_write_vectored(&self) -> bool {
        self.inner.is_write_vectored()
    }

    fn poll_flush(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        let this = self.get_mut();
        let done = Pin::new(&mut this.inner).poll_flush(context);
        this.written(context, done)
    }

    fn poll_shutdown(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        let this = self.get_mut();
        let done = Pin::new(&mut this.inner).poll_shutdown(context);
        this.written(context, done)
    }
}
