//! The life of the server: start, serve, end.
//!
//! Invariant: the end comes in this order: no new connections; what is taken is finished; the
//! self-audit is written; the intake is closed; a checkpoint covers everything and the log is
//! closed. Within the configured time.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use shoseki_engine::log::LogError;
use tokio::time::timeout;
use tokio_rustls::TlsAcceptor;
use tokio_util::sync::CancellationToken;

use super::clock::Clocks;
use super::connection::Door;
use super::files;
use super::listener;
use super::signal::StopSignal;
use super::start::{StartError, open};
use super::tls;
use crate::api;
use crate::app::{App, Shared};
use crate::audit::Event;
use crate::config::{Profile, Settings};
use crate::correlation::Observers;
use crate::identity::DevelopmentToken;

/// What the end may take beside the connections: self-audit, checkpoint, closing.
const CLOSING_SHARE: u32 = 3;

/// What the server is: told once it listens.
pub struct Serving<'a> {
    /// Where clients come.
    pub address: SocketAddr,
    /// Whether by TLS.
    pub tls: bool,
    /// Where health and metrics are, if apart.
    pub admin_address: Option<SocketAddr>,
    /// For what it runs.
    pub profile: Profile,
    /// The token of the development profile.
    pub token: Option<&'a DevelopmentToken>,
    /// The state.
    pub app: &'a Shared,
}

/// Is told that the server listens.
pub type Notices<'a> = &'a mut dyn FnMut(&Serving<'_>);

/// Serves until `stop`, then ends in order.
///
/// # Errors
/// [`StartError`] where it does not come to listen.
pub async fn serve(
    settings: Settings,
    stop: StopSignal,
    listening: Notices<'_>,
) -> Result<Result<(), LogError>, StartError> {
    let stop = stop.0;
    let acceptor = match &settings.tls {
        None => None,
        Some(tls_settings) => {
            let config = tls::server_config(tls_settings);
            let config = config.map_err(|error| StartError::Tls(error.to_string()))?;
            Some(TlsAcceptor::from(Arc::new(config)))
        }
    };
    let bound = bind(settings.listen)?;
    let admin = settings.admin_listen.map(bind).transpose()?;
    let connections_max = files::connections(settings.connections_max);
    let grace = settings.shutdown_timeout;
    let opened = tokio::task::spawn_blocking({
        let runtime = tokio::runtime::Handle::current();
        move || {
            let _inside = runtime.enter();
            open(settings)
        }
    });
    let opened = opened
        .await
        .map_err(|error| StartError::Process { what: "start", why: error.to_string() })?;
    let (app, token) = opened?;
    match app.audit.recover().await {
        Ok(0) => {}
        Ok(count) => tracing::warn!(count, "accesses that were noted beside the log are in it now"),
        Err(error) => tracing::error!(%error, "accesses that were noted beside the log stay there"),
    }
    let observers = Observers::new(vec![
        Arc::new(crate::telemetry::Access),
        Arc::new(app.metrics.clone()),
        Arc::new(app.audit.clone()),
    ]);
    let address = local(&bound, app.settings.listen);
    let admin_address = admin.as_ref().and_then(|bound| bound.local_addr().ok());
    let door = Door {
        router: api::router(&app, observers.clone()),
        tls: acceptor.clone(),
        trusted_proxies: app.settings.trusted_proxies.clone().into(),
        patience: app.settings.client_patience,
    };
    let tls = door.tls.is_some();
    let profile = app.settings.profile;
    let token = token.as_ref();
    listening(&Serving { address, tls, admin_address, profile, token, app: &app });
    // Without systemd there is nobody to tell.
    let _ = sd_notify::notify(&[sd_notify::NotifyState::Ready]);
    let connections = grace - grace / CLOSING_SHARE;
    let clients = listener::run(bound, door, connections_max, stop.clone(), connections);
    let upkeep = upkeep(&app, stop.clone());
    let closing = closing(&app, &stop);
    match admin {
        None => {
            tokio::join!(clients, upkeep, closing);
        }
        Some(bound) => {
            let router = api::admin_router(&app, observers);
            let trusted_proxies = Arc::from([]);
            // Plain on loopback only.
            let tls = acceptor.filter(|_| !address_of(&bound).is_loopback());
            let patience = app.settings.client_patience;
            let door = Door { router, tls, trusted_proxies, patience };
            // Health is answered until the end of the others.
            let operators = listener::run(bound, door, 64, stop.clone(), connections);
            tokio::join!(clients, operators, upkeep, closing);
        }
    }
    Ok(end(app, grace / CLOSING_SHARE).await)
}

fn bind(address: SocketAddr) -> Result<tokio::net::TcpListener, StartError> {
    listener::bind(address).map_err(|source| StartError::Listen { address, source })
}

fn local(bound: &tokio::net::TcpListener, asked: SocketAddr) -> SocketAddr {
    bound.local_addr().unwrap_or(asked)
}

fn address_of(bound: &tokio::net::TcpListener) -> std::net::IpAddr {
    bound.local_addr().map_or(std::net::IpAddr::V4(std::net::Ipv4Addr::UNSPECIFIED), |a| a.ip())
}

/// Says that the end has come.
async fn closing(app: &App, stop: &CancellationToken) {
    stop.cancelled().await;
    app.closing.store(true, Ordering::Relaxed);
    let _ = sd_notify::notify(&[sd_notify::NotifyState::Stopping]);
}

/// What has to be done every few seconds.
async fn upkeep(app: &App, stop: CancellationToken) {
    let mut every = tokio::time::interval(Duration::from_secs(5));
    let mut clocks = Clocks::now();
    loop {
        tokio::select! {
            _ = every.tick() => app.metrics.upkeep(),
            () = stop.cancelled() => return,
        }
        let now = Clocks::now();
        if let Some(step) = now.step_since(clocks) {
            let [from, to] = step.times();
            tracing::warn!(from, to, "the clock was set");
            app.audit.note(Event::clock_step(step.by / 1_000, &from, &to));
        }
        clocks = now;
    }
}

async fn end(app: Shared, grace: Duration) -> Result<(), LogError> {
    app.tasks.close();
    if timeout(grace, app.tasks.wait()).await.is_err() {
        tracing::warn!("streams were cut off at the end");
    }
    app.audit.close().await;
    let ended = tokio::task::spawn_blocking(move || {
        app.intake.close();
        app.own_intake.close();
        let log = match Arc::try_unwrap(app) {
            Ok(app) => app.log,
            // Somebody still asks; whoever is last closes the log.
            Err(shared) => Arc::clone(&shared.log),
        };
        match Arc::into_inner(log) {
            Some(log) => log.close(),
            None => Ok(()),
        }
    });
    match ended.await {
        Ok(closed) => closed,
        Err(error) => {
            tracing::error!(%error, "closing failed");
            Ok(())
        }
    }
}
