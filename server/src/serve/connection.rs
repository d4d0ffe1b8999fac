//! One connection: handshake, protocol, and what each request is told of its peer.
//!
//! Invariant: every wait on the client has an end. A client that is slow, silent or gone costs one
//! place and nothing more.

use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::body::Body;
use hyper::body::Incoming;
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use hyper_util::server::conn::auto;
use hyper_util::server::graceful::Watcher;
use hyper_util::service::TowerToHyperService;
use ipnet::IpNet;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;
use tokio::time::timeout;
use tokio_rustls::TlsAcceptor;
use tower::util::ServiceExt as _;

use super::activity::Activity;
use super::address;
use super::drained::Drained;
use super::patience::Patient;
use crate::authenticated::PeerCertificate;
use crate::correlation::Peer;

/// A handshake that takes longer is given up.
const HANDSHAKE_TIMEOUT: Duration = Duration::from_secs(10);
/// Bytes of a head.
const HEAD_LEN_MAX: usize = 32 << 10;
/// Headers of a request.
const HEADERS_MAX: usize = 100;
/// Requests of one HTTP/2 connection at once.
const STREAMS_MAX: u32 = 128;
/// Bytes of an answer that wait for one HTTP/2 stream.
const SEND_BUFFER_LEN: usize = 256 << 10;

/// What every connection of a listener has in common.
#[derive(Clone)]
pub struct Door {
    /// What answers.
    pub router: Router,
    /// TLS, where the listener has it.
    pub tls: Option<TlsAcceptor>,
    /// Who may say for whom a request comes.
    pub trusted_proxies: Arc<[IpNet]>,
    /// How long a client may take for the head of a request (the pause before it included), and
    /// how long it may leave an answer untaken.
    pub patience: Duration,
}

impl Door {
    /// Serves one connection to its end, or until it is cut.
    pub async fn serve(
        self,
        socket: TcpStream,
        peer: IpAddr,
        watcher: Watcher,
        activity: Arc<Activity>,
    ) {
        // A receipt is small and is waited for.
        let _ = socket.set_nodelay(true);
        let (cut, patience) = (activity.cut.clone(), self.patience);
        let taken = async {
            let mut every = tokio::time::interval((patience / 4).max(Duration::from_millis(1)));
            while !activity.is_stuck(patience) {
                every.tick().await;
            }
        };
        tokio::select! {
            () = self.shake(socket, peer, watcher, &activity) => {}
            () = cut.cancelled() => tracing::debug!("an idle connection made room"),
            () = taken => tracing::debug!("an answer was left untaken"),
        }
    }

    async fn shake(
        self,
        socket: TcpStream,
        peer: IpAddr,
        watcher: Watcher,
        activity: &Arc<Activity>,
    ) {
        match self.tls.clone() {
            None => self.speak(socket, peer, None, watcher, activity).await,
            Some(tls) => {
                let limit = HANDSHAKE_TIMEOUT.min(self.patience);
                let handshake = timeout(limit, tls.accept(socket)).await;
                let stream = match handshake {
                    Ok(Ok(stream)) => stream,
                    Ok(Err(error)) => {
                        tracing::debug!(%error, "handshake failed");
                        return;
                    }
                    Err(_) => {
                        tracing::debug!("handshake took too long");
                        return;
                    }
                };
                let certificates = stream.get_ref().1.peer_certificates();
                let certificate = certificates.and_then(<[_]>::first);
                let certificate = certificate.map(|der| PeerCertificate(der.as_ref().into()));
                self.speak(stream, peer, certificate, watcher, activity).await;
            }
        }
    }

    async fn speak<S>(
        self,
        stream: S,
        peer: IpAddr,
        certificate: Option<PeerCertificate>,
        watcher: Watcher,
        activity: &Arc<Activity>,
    ) where
        S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
    {
        let Self { router, trusted_proxies, patience, .. } = self;
        let activity = Arc::clone(activity);
        let service = tower::service_fn(move |request: hyper::Request<Incoming>| {
            let busy = activity.begin();
            // Who waits to be told to send the body need not be heard out.
            let awaited = request.headers().contains_key(http::header::EXPECT);
            let body = |body| if awaited { Body::new(body) } else { Body::new(Drained::new(body)) };
            let mut request = request.map(body);
            let client = address::client(peer, request.headers(), &trusted_proxies);
            request.extensions_mut().insert(Peer(client));
            if let Some(certificate) = &certificate {
                request.extensions_mut().insert(certificate.clone());
            }
            let answer = router.clone().oneshot(request);
            async move { answer.await.map(|answer| answer.map(|body| busy.answer(body))) }
        });
        let mut builder = auto::Builder::new(TokioExecutor::new());
        builder
            .http1()
            .timer(TokioTimer::new())
            .header_read_timeout(patience)
            .max_headers(HEADERS_MAX)
            .max_buf_size(HEAD_LEN_MAX.max(64 << 10))
            .half_close(true);
        builder
            .http2()
            .timer(TokioTimer::new())
            .max_concurrent_streams(STREAMS_MAX)
            .max_header_list_size(u32::try_from(HEAD_LEN_MAX).unwrap_or(u32::MAX))
            .max_send_buf_size(SEND_BUFFER_LEN)
            .keep_alive_interval(Some(patience))
            .keep_alive_timeout(HANDSHAKE_TIMEOUT.min(patience));
        let stream = TokioIo::new(Patient::new(stream, patience));
        let connection = builder.serve_connection(stream, TowerToHyperService::new(service));
        if let Err(error) = watcher.watch(connection.into_owned()).await {
            tracing::debug!(%error, "connection ended");
        }
    }
}
