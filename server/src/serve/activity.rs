//! What goes on at the connections: which are idle, and which answers are not taken.
//!
//! Invariant: a connection with a request that was taken is never idle; one whose client leaves an
//! answer lying for longer than it may is told apart from one whose answer is still being made.

use std::pin::Pin;
use std::sync::{Arc, Weak};
use std::task::{Context, Poll};
use std::time::{Duration, Instant};

use axum::body::{Body, Bytes};
use http_body::{Body as HttpBody, Frame, SizeHint};
use parking_lot::Mutex;
use tokio_util::sync::CancellationToken;

/// A connection is idle only after this time, so that a request that is on its way arrives.
const IDLE_MIN: Duration = Duration::from_millis(200);

/// One connection.
pub struct Activity {
    state: Mutex<State>,
    /// Ends the connection at once.
    pub cut: CancellationToken,
}

struct State {
    requests: usize,
    idle_since: Instant,
    /// Since when each answer lies ready for the client; `None` while it is being made.
    answers: Vec<Weak<Mutex<Option<Instant>>>>,
}

impl Activity {
    /// A connection that was just accepted.
    #[must_use]
    pub fn new() -> Arc<Self> {
        let idle_since = Instant::now();
        let state = State { requests: 0, idle_since, answers: Vec::new() };
        Arc::new(Self { state: Mutex::new(state), cut: CancellationToken::new() })
    }

    /// Since when nothing was asked; `None` while something is being answered, and shortly after.
    fn idle_since(&self) -> Option<Instant> {
        let state = self.state.lock();
        let idle = state.requests == 0 && state.idle_since.elapsed() >= IDLE_MIN;
        idle.then_some(state.idle_since)
    }

    /// Whether an answer lies untaken for longer than this.
    #[must_use]
    pub fn is_stuck(&self, pause: Duration) -> bool {
        let mut state = self.state.lock();
        state.answers.retain(|answer| answer.strong_count() > 0);
        let lies = |answer: &Weak<Mutex<Option<Instant>>>| {
            let since = answer.upgrade().and_then(|answer| *answer.lock());
            since.is_some_and(|since| since.elapsed() > pause)
        };
        state.answers.iter().any(lies)
    }

    /// A request that was taken.
    #[must_use]
    pub fn begin(self: &Arc<Self>) -> Busy {
        self.state.lock().requests += 1;
        Busy(Arc::clone(self))
    }
}

/// A request from its head to the end of its answer.
pub struct Busy(Arc<Activity>);

impl Busy {
    /// The body of its answer, watched.
    pub fn answer(self, body: Body) -> Body {
        let since = Arc::new(Mutex::new(Some(Instant::now())));
        self.0.state.lock().answers.push(Arc::downgrade(&since));
        let len = body.size_hint().exact();
        if len == Some(0) {
            // Nothing to take: the head goes out with the next write.
            *since.lock() = None;
        }
        Body::new(Watched { body, since, _busy: self })
    }
}

impl Drop for Busy {
    fn drop(&mut self) {
        let mut state = self.0.state.lock();
        state.requests -= 1;
        state.idle_since = Instant::now();
    }
}

struct Watched {
    body: Body,
    since: Arc<Mutex<Option<Instant>>>,
    _busy: Busy,
}

impl HttpBody for Watched {
    type Data = Bytes;
    type Error = axum::Error;

    fn poll_frame(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, axum::Error>>> {
        let this = self.get_mut();
        let next = Pin::new(&mut this.body).poll_frame(context);
        // Whoever asks has room; with a part in hand it is the client's turn again.
        *this.since.lock() = next.is_ready().then(Instant::now);
        next
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}

/// All connections of a listener.
#[derive(Default)]
pub struct Connections(Mutex<Vec<Weak<Activity>>>);

impl Connections {
    /// One more.
    pub fn add(&self, activity: &Arc<Activity>) {
        let mut all = self.0.lock();
        all.retain(|other| other.strong_count() > 0);
        all.push(Arc::downgrade(activity));
    }

    /// Ends the one that is idle longest, so that another has its place.
    pub fn make_room(&self) {
        let all: Vec<Arc<Activity>> = self.0.lock().iter().filter_map(Weak::upgrade).collect();
        let open = all.iter().filter(|activity| !activity.cut.is_cancelled());
        let idle = open.filter_map(|one| one.idle_since().map(|since| (since, one)));
        if let Some((_, longest)) = idle.min_by_key(|(since, _)| *since) {
            longest.cut.cancel();
        }
    }
}
