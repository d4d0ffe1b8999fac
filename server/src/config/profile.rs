//! What a profile asks for before a server may start.
//!
//! Invariant: nothing listens beyond loopback without TLS and identities; outside of development
//! nothing that matters is left to a default. Knows nothing about the content of files.

use std::path::PathBuf;

use super::checks::LIFETIME_MAX;
use super::draft::Draft;
use super::fault::NOTHING;
use super::files;
use super::settings::{IdentitySettings, Profile, Settings};
use super::value::time;
use crate::identity::Role;

/// Checks what the profile asks for, and the files that are named.
pub(super) fn check(draft: &mut Draft) {
    check_reach(draft);
    let profile = draft.settings.profile;
    if profile != Profile::Development {
        check_transport(draft);
        check_identity(draft);
        check_choices(draft);
    }
    if matches!(profile, Profile::Staging | Profile::Production) {
        check_paths(draft);
    }
    files::check(draft);
}

fn has_identities(draft: &Draft) -> bool {
    let identity = &draft.settings.identity;
    let says = |name| draft.is_said(name);
    says("identity.keys")
        && says("identity.issuer")
        && identity.issuer != IdentitySettings::development(&draft.settings.data_dir).issuer
}

/// What holds in every profile: CONTRACT 4.
fn check_reach(draft: &mut Draft) {
    let Settings { listen, admin_listen, .. } = draft.settings;
    let is_open = !listen.ip().is_loopback();
    if is_open && draft.settings.tls.is_none() {
        let remedy = "set [tls], or listen on 127.0.0.1";
        draft.fault("server.listen", "a loopback address without TLS", listen.to_string(), remedy);
    }
    if is_open && draft.settings.profile == Profile::Development && !has_identities(draft) {
        let remedy = "set issuer and keys in [identity], or listen on 127.0.0.1";
        let expected = "a loopback address with the identities of development";
        draft.fault("server.listen", expected, listen.to_string(), remedy);
    }
    let Some(admin) = admin_listen.filter(|admin| !admin.ip().is_loopback()) else { return };
    if draft.settings.tls.is_none() {
        let remedy = "set [tls], or use 127.0.0.1";
        let expected = "a loopback address without TLS";
        draft.fault("server.admin_listen", expected, admin.to_string(), remedy);
    }
}

/// A machine that tests may do without TLS as long as it talks to itself.
fn talks_to_itself(settings: &Settings) -> bool {
    settings.profile == Profile::Ci
        && settings.listen.ip().is_loopback()
        && settings.admin_listen.is_none_or(|admin| admin.ip().is_loopback())
}

fn check_transport(draft: &mut Draft) {
    let exempt = talks_to_itself(&draft.settings);
    let name = draft.settings.profile.as_str();
    if draft.settings.tls.is_none() && !exempt {
        let remedy = format!("the profile {name} needs TLS: set certificate and key in [tls]");
        for key in ["tls.certificate", "tls.key"] {
            draft.fault(key, "the path of a PEM file", NOTHING, &remedy);
        }
    }
    let url = draft.settings.public_url.clone();
    match url {
        Some(url) if !url.starts_with("https://") && !exempt => {
            let remedy = "clients must come by https";
            draft.fault("server.public_url", "a URL with https", url, remedy);
        }
        None if !exempt => {
            let remedy = "say under which URL clients come";
            draft.fault("server.public_url", "a URL with https", NOTHING, remedy);
        }
        _ => {}
    }
    if let Some(all) = draft.settings.trusted_proxies.iter().find(|net| net.prefix_len() == 0) {
        let got = all.to_string();
        let remedy = "name the proxies only: whoever is trusted may say to be anyone";
        draft.fault("server.trusted_proxies", "networks of proxies", got, remedy);
    }
}

fn check_identity(draft: &mut Draft) {
    let development = IdentitySettings::development(&draft.settings.data_dir).issuer;
    let wanted = [
        ("identity.issuer", "the issuer of tokens", "name who issues tokens (`iss`)"),
        ("identity.audience", "the audience of tokens", "name for whom tokens are (`aud`)"),
        ("identity.keys", "the path of a JWK set", "name the file with the issuer's public keys"),
    ];
    for (key, expected, remedy) in wanted {
        if !draft.is_said(key) {
            draft.fault(key, expected, NOTHING, remedy);
        }
    }
    if draft.is_said("identity.issuer") && draft.settings.identity.issuer == development {
        let expected = "an issuer other than that of development";
        let remedy = "tokens of development are not for this profile";
        draft.fault("identity.issuer", expected, development, remedy);
    }
    if let Some(lifetime) = draft.settings.identity.lifetime_max.filter(|it| *it > LIFETIME_MAX) {
        let got = time(lifetime.as_secs());
        let remedy = "tokens that live longer can't be called back in time";
        draft.fault("identity.lifetime_max", "at most 24h", got, remedy);
    }
    if !draft.settings.identity.admin_may_audit {
        check_double_roles(draft);
    }
}

fn check_double_roles(draft: &mut Draft) {
    let clients = draft.settings.identity.clients.iter();
    let double: Vec<String> = clients
        .filter(|rule| [Role::Admin, Role::Auditor].iter().all(|role| rule.roles.contains(role)))
        .map(|rule| rule.subject.clone())
        .collect();
    for subject in double {
        let got = format!("both for {subject:?}");
        let remedy = "take one away, or say identity.admin_may_audit = true";
        draft.fault("identity.clients", "admin or auditor, not both", got, remedy);
    }
}

fn check_choices(draft: &mut Draft) {
    if draft.settings.masking.is_none() {
        let remedy = "say enabled = false in [masking] (on is not available yet)";
        draft.fault("masking.enabled", "a decision", NOTHING, remedy);
    }
    if draft.settings.log.origin.is_none() && draft.settings.profile != Profile::Ci {
        let remedy = "give the log a name; it is fixed when the log is made";
        draft.fault("log.origin", "the name of the log", NOTHING, remedy);
    }
}

/// A path that depends on where the server is started is another one after a restart.
fn check_paths(draft: &mut Draft) {
    for (key, path) in paths(&draft.settings) {
        let is_named = draft.is_said(key) || key == "data_dir";
        if is_named && !path.is_absolute() && !path.as_os_str().is_empty() {
            let got = path.display().to_string();
            let remedy = "it must not depend on where the server is started";
            draft.fault(key, "an absolute path", got, remedy);
        }
    }
}

/// Every path that is set.
fn paths(settings: &Settings) -> Vec<(&'static str, PathBuf)> {
    let identity = &settings.identity;
    let mut paths =
        vec![("data_dir", settings.data_dir.clone()), ("identity.keys", identity.keys.clone())];
    paths.extend(identity.deny_list.clone().map(|path| ("identity.deny_list", path)));
    if let Some(tls) = &settings.tls {
        paths.push(("tls.certificate", tls.certificate.clone()));
        paths.push(("tls.key", tls.key.clone()));
        paths.extend(tls.client_ca.clone().map(|path| ("tls.client_ca", path)));
    }
    paths
}
