//! What values mean together, whatever runs with them.
//!
//! Invariant: settings without a fault here are consistent; what depends on the data directory or
//! on the profile is filled in.

use std::net::{Ipv4Addr, SocketAddr};
use std::time::Duration;

use super::draft::Draft;
use super::fault::NOTHING;
use super::settings::{ClientAuth, IdentitySettings, Profile};
use super::value::size;

/// Where health and metrics are outside of development.
const ADMIN_PORT: u16 = 8081;
/// Longest lifetime of tokens outside of development.
pub(super) const LIFETIME_MAX: Duration = Duration::from_secs(24 * 3600);

/// Fills in what follows from other values, and checks what belongs together.
pub(super) fn complete(draft: &mut Draft) {
    fill_in(draft);
    if !draft.is_whole {
        return;
    }
    check_tls(draft);
    let listen = draft.settings.listen;
    if listen.port() != 0 && draft.settings.admin_listen == Some(listen) {
        let expected = "another address than server.listen";
        draft.fault("server.admin_listen", expected, listen.to_string(), "");
    }
    let ingest = &draft.settings.ingest;
    if ingest.in_flight_len_max < ingest.body_len_max {
        let at_least = format!("at least ingest.body_len_max ({})", in_size(ingest.body_len_max));
        let got = in_size(ingest.in_flight_len_max);
        draft.fault("ingest.in_flight_len_max", &at_least, got, "raise it, or lower the other");
    }
    if draft.settings.masking == Some(true) {
        let remedy = "masking is not available yet; say false, and keep personal data out";
        draft.fault("masking.enabled", "false", "true", remedy);
    }
}

fn in_size(bytes: usize) -> String {
    u64::try_from(bytes).map(size).unwrap_or_default()
}

fn fill_in(draft: &mut Draft) {
    let says_keys = draft.is_said("identity.keys");
    let says_lifetime = draft.is_said("identity.lifetime_max");
    let says_both = draft.is_said("identity.admin_may_audit");
    let settings = &mut draft.settings;
    if !says_keys {
        settings.identity.keys = IdentitySettings::development(&settings.data_dir).keys;
    }
    if settings.profile == Profile::Development {
        return;
    }
    if settings.admin_listen.is_none() {
        settings.admin_listen = Some(SocketAddr::from((Ipv4Addr::LOCALHOST, ADMIN_PORT)));
    }
    if !says_lifetime {
        settings.identity.lifetime_max = Some(LIFETIME_MAX);
    }
    if !says_both {
        settings.identity.admin_may_audit = false;
    }
}

fn check_tls(draft: &mut Draft) {
    let clients = draft.settings.identity.clients.len();
    let Some(tls) = draft.settings.tls.clone() else {
        if clients > 0 {
            let got = format!("{clients} without [tls]");
            let remedy = "set [tls] with client_auth optional or required";
            draft.fault("identity.clients", "client certificates that are asked for", got, remedy);
        }
        return;
    };
    for (key, other) in [("tls.certificate", "tls.key"), ("tls.key", "tls.certificate")] {
        if !draft.is_said(key) {
            let remedy = format!("{other} and {key} go together");
            draft.fault(key, "the path of a PEM file", NOTHING, &remedy);
        }
    }
    if tls.client_auth == ClientAuth::Off && clients > 0 {
        let remedy = "say optional or required, or take the clients out";
        draft.fault("tls.client_auth", "optional or required for the clients", "off", remedy);
    }
    if tls.client_auth != ClientAuth::Off && tls.client_ca.is_none() {
        let remedy = "name the authorities of client certificates";
        draft.fault("tls.client_ca", "the path of a PEM file", NOTHING, remedy);
    }
}
