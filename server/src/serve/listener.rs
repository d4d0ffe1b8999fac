//! Accepting connections, so many at once.
//!
//! Where all places are taken, the connection that is idle longest makes room for the next.
//! Invariant: an accept that fails (too many open files, a client that is gone) is no end; when it
//! is told to stop, nothing new is taken and what is there is finished in time or cut off.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use hyper_util::server::graceful::GracefulShutdown;
use tokio::net::{TcpListener, TcpSocket};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::task::JoinSet;
use tokio::time::{sleep, timeout};
use tokio_util::sync::CancellationToken;

use super::activity::{Activity, Connections};
use super::connection::Door;

/// Connections that wait to be accepted; beyond it the next ones try again in a second.
const WAITING_MAX: u32 = 4096;
/// Pause after an accept that failed for want of something.
const FAILED_PAUSE: Duration = Duration::from_millis(50);
/// Pause before it is looked again whether one of the connections is idle.
const ROOM_PAUSE: Duration = Duration::from_millis(50);

/// Binds a socket.
///
/// # Errors
/// What the operating system says.
pub fn bind(address: SocketAddr) -> std::io::Result<TcpListener> {
    let socket = match address {
        SocketAddr::V4(_) => TcpSocket::new_v4(),
        SocketAddr::V6(_) => TcpSocket::new_v6(),
    }?;
    // As every server does: connections that ended a moment ago are in nobody's way.
    socket.set_reuseaddr(true)?;
    socket.bind(address)?;
    socket.listen(WAITING_MAX)
}

/// Serves until it is told to stop, then finishes what is there within `grace`.
pub async fn run(
    listener: TcpListener,
    door: Door,
    connections_max: usize,
    stop: CancellationToken,
    grace: Duration,
) {
    let places = Arc::new(Semaphore::new(connections_max.clamp(1, Semaphore::MAX_PERMITS)));
    let graceful = GracefulShutdown::new();
    let mut connections = JoinSet::new();
    let open = Connections::default();
    loop {
        let accepted = tokio::select! {
            accepted = listener.accept() => accepted,
            () = stop.cancelled() => break,
        };
        // Where all are busy, this one waits, and with it those behind it.
        let place = tokio::select! {
            place = place(&places, &open) => place,
            () = stop.cancelled() => break,
        };
        let Some(place) = place else { break };
        // What ended is forgotten, so that the set does not grow.
        while connections.try_join_next().is_some() {}
        match accepted {
            Ok((socket, peer)) => {
                let (door, watcher) = (door.clone(), graceful.watcher());
                let activity = Activity::new();
                open.add(&activity);
                connections.spawn(async move {
                    door.serve(socket, peer.ip(), watcher, activity).await;
                    drop(place);
                });
            }
            Err(error) => {
                tracing::warn!(%error, "accepting a connection failed");
                sleep(FAILED_PAUSE).await;
            }
        }
    }
    drop(listener);
    if timeout(grace, graceful.shutdown()).await.is_err() {
        tracing::warn!(open = connections.len(), "connections were cut off at the end");
    }
    connections.shutdown().await;
}

/// A place for one more; where there is none, the one that is idle longest makes room.
async fn place(places: &Arc<Semaphore>, open: &Connections) -> Option<OwnedSemaphorePermit> {
    loop {
        if places.available_permits() == 0 {
            open.make_room();
        }
        // All may be busy now and idle in a moment.
        let place = timeout(ROOM_PAUSE, Arc::clone(places).acquire_owned()).await;
        if let Ok(place) = place {
            return place.ok();
        }
    }
}
