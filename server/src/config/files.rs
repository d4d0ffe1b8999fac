//! Files that the configuration names: there, readable, of the right kind, and matching.
//!
//! Invariant: nothing of a private key is shown or kept. Whether a certificate is trusted by
//! clients is theirs to say. Knows nothing about the profile but whether modes matter.

use std::fs;
use std::path::Path;
use std::sync::Arc;

use rustls::RootCertStore;
use rustls::crypto::aws_lc_rs::{default_provider, sign::any_supported_type};
use rustls::server::WebPkiClientVerifier;
use rustls::sign::{CertifiedKey, SigningKey};
use rustls_pki_types::pem::PemObject;
use rustls_pki_types::{CertificateDer, PrivateKeyDer};

use super::draft::Draft;
use super::settings::{ClientAuth, Profile, Settings, TlsSettings};

/// Bytes of a file that is named here.
const FILE_LEN_MAX: u64 = 16 << 20;

/// Checks every file that is named.
pub(super) fn check(draft: &mut Draft) {
    if let Some(tls) = draft.settings.tls.clone() {
        check_tls(draft, &tls);
    }
    if draft.is_said("identity.keys") {
        let path = draft.settings.identity.keys.clone();
        if let Some(bytes) = content(draft, "identity.keys", &path)
            && let Err(got) = check_key_set(&bytes)
        {
            let remedy = "name the issuer's JWK set (RFC 7517), public keys only";
            draft.fault("identity.keys", "a set of public keys", got, remedy);
        }
    }
    if let Some(path) = draft.settings.identity.deny_list.clone() {
        content(draft, "identity.deny_list", &path);
    }
    check_data_dir(draft);
}

/// The bytes of a file; a fault where it can't be read.
fn content(draft: &mut Draft, key: &str, path: &Path) -> Option<Vec<u8>> {
    if path.as_os_str().is_empty() {
        return None;
    }
    let read = || {
        let len = fs::metadata(path)?.len();
        if len > FILE_LEN_MAX {
            return Err(std::io::Error::other("the file is longer than 16MiB"));
        }
        fs::read(path)
    };
    match read() {
        Ok(bytes) => Some(bytes),
        Err(error) => {
            let got = format!("{}: {error}", path.display());
            draft.fault(key, "a file to read", got, "check the path and its permissions");
            None
        }
    }
}

fn check_tls(draft: &mut Draft, tls: &TlsSettings) {
    let chain = content(draft, "tls.certificate", &tls.certificate)
        .and_then(|bytes| certificates(draft, "tls.certificate", &bytes));
    let key = content(draft, "tls.key", &tls.key).and_then(|bytes| private_key(draft, &bytes));
    if key.is_some() {
        check_mode(draft, &tls.key);
    }
    if let (Some(chain), Some(key)) = (chain, key)
        && CertifiedKey::new(chain, key).keys_match().is_err()
    {
        let remedy = "name the key of the first certificate in tls.certificate";
        draft.fault("tls.key", "the key of the certificate", "another key", remedy);
    }
    if let (true, Some(path)) = (tls.client_auth != ClientAuth::Off, &tls.client_ca)
        && let Some(bytes) = content(draft, "tls.client_ca", path)
        && let Some(authorities) = certificates(draft, "tls.client_ca", &bytes)
        && let Err(got) = check_authorities(authorities)
    {
        draft.fault("tls.client_ca", "certificates of authorities", got, "");
    }
}

fn certificates(
    draft: &mut Draft,
    key: &str,
    bytes: &[u8],
) -> Option<Vec<CertificateDer<'static>>> {
    let read: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(bytes).collect();
    let got = match read {
        Ok(chain) if !chain.is_empty() => {
            let broken =
                chain.iter().position(|one| x509_parser::parse_x509_certificate(one).is_err());
            match broken {
                None => return Some(chain),
                Some(number) => format!("one that can't be read (number {})", number + 1),
            }
        }
        Ok(_) => "a file without any".to_owned(),
        Err(error) => format!("a file that can't be read: {error}"),
    };
    draft.fault(key, "certificates in PEM", got, "");
    None
}

fn private_key(draft: &mut Draft, bytes: &[u8]) -> Option<Arc<dyn SigningKey>> {
    let key = PrivateKeyDer::from_pem_slice(bytes).map_err(|error| error.to_string());
    match key.and_then(|key| any_supported_type(&key).map_err(|error| error.to_string())) {
        Ok(key) => Some(key),
        Err(error) => {
            let remedy = "encrypted keys can't be read; protect the file by its mode";
            draft.fault("tls.key", "a private key in PEM", error, remedy);
            None
        }
    }
}

/// A key that others can read is theirs too.
fn check_mode(draft: &mut Draft, path: &Path) {
    use std::os::unix::fs::MetadataExt;
    /// Read, write and execute by others; write by the group.
    const UNWANTED: u32 = 0o027;
    if draft.settings.profile == Profile::Development {
        return;
    }
    // It was read a moment ago.
    let Ok(metadata) = fs::metadata(path) else { return };
    let mode = metadata.mode() & 0o777;
    if mode & UNWANTED != 0 {
        let got = format!("mode {mode:04o}");
        let remedy = format!("chmod 0600 {}", path.display());
        draft.fault("tls.key", "a file that others can't read", got, &remedy);
    }
}

fn check_authorities(authorities: Vec<CertificateDer<'static>>) -> Result<(), String> {
    let mut store = RootCertStore::empty();
    for authority in authorities {
        store.add(authority).map_err(|error| error.to_string())?;
    }
    let provider = Arc::new(default_provider());
    let verifier = WebPkiClientVerifier::builder_with_provider(Arc::new(store), provider);
    verifier.build().map(|_| ()).map_err(|error| error.to_string())
}

/// Whether it looks like public keys; what each of them is good for, `identity` says.
fn check_key_set(bytes: &[u8]) -> Result<(), String> {
    let set: serde_json::Value =
        serde_json::from_slice(bytes).map_err(|error| format!("no JSON: {error}"))?;
    let keys = set.get("keys").and_then(|keys| keys.as_array()).ok_or("no member \"keys\"")?;
    if keys.is_empty() {
        return Err("an empty set".to_owned());
    }
    for (number, key) in keys.iter().enumerate() {
        if key.get("d").is_some() {
            return Err(format!("a private key (number {})", number + 1));
        }
        if key.get("kty").is_none_or(|kty| kty == "oct") {
            return Err(format!("a key that is not public (number {})", number + 1));
        }
    }
    Ok(())
}

fn check_data_dir(draft: &mut Draft) {
    let path = draft.settings.data_dir.clone();
    if path.exists() && !path.is_dir() {
        let got = format!("{}, which is a file", path.display());
        draft.fault("data_dir", "a folder", got, "");
    }
}

/// What stops nobody but should be known.
pub(super) fn warnings(settings: &Settings) -> Vec<String> {
    // A folder that is not there yet will stand where its nearest ancestor does.
    let there = settings.data_dir.ancestors().find(|path| path.exists());
    let strict = matches!(settings.profile, Profile::Staging | Profile::Production);
    if strict && there.is_some_and(is_in_memory) {
        let path = settings.data_dir.display();
        return vec![format!("data_dir: {path} is in memory (tmpfs): a restart empties it")];
    }
    Vec::new()
}

fn is_in_memory(path: &Path) -> bool {
    const TMPFS: u64 = 0x0102_1994;
    const RAMFS: u64 = 0x8584_58f6;
    let kind = rustix::fs::statfs(path).map(|it| u64::try_from(it.f_type).unwrap_or(0));
    kind.is_ok_and(|kind| kind == TMPFS || kind == RAMFS)
}
