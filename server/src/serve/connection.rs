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

use super::address;
use crate::authenticated::PeerCertificate;
use crate::correlation::Peer;

/// A handshake that takes longer is given up.
const HANDSHAKE_TIMEOUT: Duration = Duration::from_secs(10);
/// The head of a request takes at most this long, the pause between two requests included.
const HEAD_TIMEOUT: Duration = Duration::from_secs(30);
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
}

impl Door {
    /// Serves one connection to its end.
    pub async fn serve(self, socket: TcpStream, peer: IpAddr, watcher: Watcher) {
        // A receipt is small and is waited for.
        let _ = socket.set_nodelay(true);
        match self.tls.clone() {
            None => self.speak(socket, peer, None, watcher).await,
            Some(tls) => {
                let handshake = timeout(HANDSHAKE_TIMEOUT, tls.accept(socket)).await;
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
                self.speak(stream, peer, certificate, watcher).await;
            }
        }
    }

    async fn speak<S>(
        self,
        stream: S,
        peer: IpAddr,
        certificate: Option<PeerCertificate>,
        watcher: Watcher,
    ) where
        S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
    {
        let Self { router, trusted_proxies, .. } = self;
        let service = tower::service_fn(move |request: hyper::Request<Incoming>| {
            let mut request = request.map(Body::new);
            let client = address::client(peer, request.headers(), &trusted_proxies);
            request.extensions_mut().insert(Peer(client));
            if let Some(certificate) = &certificate {
                request.extensions_mut().insert(certificate.clone());
            }
            router.clone().oneshot(request)
        });
        let mut builder = auto::Builder::new(TokioExecutor::new());
        builder
            .http1()
            .timer(TokioTimer::new())
            .header_read_timeout(HEAD_TIMEOUT)
            .max_headers(HEADERS_MAX)
            .max_buf_size(HEAD_LEN_MAX.max(64 << 10))
            .half_close(true);
        builder
            .http2()
            .timer(TokioTimer::new())
            .max_concurrent_streams(STREAMS_MAX)
            .max_header_list_size(u32::try_from(HEAD_LEN_MAX).unwrap_or(u32::MAX))
            .max_send_buf_size(SEND_BUFFER_LEN)
            .keep_alive_interval(Some(HEAD_TIMEOUT))
            .keep_alive_timeout(HANDSHAKE_TIMEOUT);
        let connection =
            builder.serve_connection(TokioIo::new(stream), TowerToHyperService::new(service));
        if let Err(error) = watcher.watch(connection.into_owned()).await {
            tracing::debug!(%error, "connection ended");
        }
    }
}
