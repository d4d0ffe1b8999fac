//! Accepting connections, so many at once.
//!
//! Invariant: an accept that fails (too many open files, a client that is gone) is no end; when it
//! is told to stop, nothing new is taken and what is there is finished in time or cut off.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use hyper_util::server::graceful::GracefulShutdown;
use tokio::net::TcpListener;
use tokio::sync::Semaphore;
use tokio::task::JoinSet;
use tokio::time::{sleep, timeout};
use tokio_util::sync::CancellationToken;

use super::connection::Door;

/// Pause after an accept that failed for want of something.
const FAILED_PAUSE: Duration = Duration::from_millis(50);

/// Binds a socket.
///
/// # Errors
/// What the operating system says.
pub async fn bind(address: SocketAddr) -> std::io::Result<TcpListener> {
    TcpListener::bind(address).await
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
    loop {
        let place = tokio::select! {
            place = Arc::clone(&places).acquire_owned() => place,
            () = stop.cancelled() => break,
        };
        let Ok(place) = place else { break };
        let accepted = tokio::select! {
            accepted = listener.accept() => accepted,
            () = stop.cancelled() => break,
        };
        // What ended is forgotten, so that the set does not grow.
        while connections.try_join_next().is_some() {}
        match accepted {
            Ok((socket, peer)) => {
                let (door, watcher) = (door.clone(), graceful.watcher());
                connections.spawn(async move {
                    door.serve(socket, peer.ip(), watcher).await;
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
