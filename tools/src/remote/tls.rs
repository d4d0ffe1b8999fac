//! TLS towards a server.
//!
//! Invariant: TLS 1.3, the provider of cryptography that the server has, and no way to leave the
//! certificate of the server unchecked.

use std::path::Path;
use std::sync::Arc;

use rustls::version::TLS13;
use rustls::{ClientConfig, RootCertStore};
use rustls_pki_types::pem::PemObject;
use rustls_pki_types::{CertificateDer, PrivateKeyDer};
use tokio_rustls::TlsConnector;

use super::args::RemoteArgs;
use crate::failure::Failure;

/// What the options ask for.
pub(super) fn connector(args: &RemoteArgs) -> Result<TlsConnector, Failure> {
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let builder = ClientConfig::builder_with_provider(provider)
        .with_protocol_versions(&[&TLS13])
        .map_err(Failure::could_not)?
        .with_root_certificates(authorities(args)?);
    let config = match (&args.cert, &args.key) {
        (Some(certificate), Some(key)) => {
            let chain = certificates(certificate)?;
            let key = PrivateKeyDer::from_pem_file(key).map_err(|error| unusable(key, &error))?;
            builder
                .with_client_auth_cert(chain, key)
                .map_err(|error| unusable(certificate, &error))?
        }
        _ => builder.with_no_client_auth(),
    };
    Ok(TlsConnector::from(Arc::new(config)))
}

fn authorities(args: &RemoteArgs) -> Result<RootCertStore, Failure> {
    let mut roots = RootCertStore::empty();
    match &args.ca {
        Some(path) => {
            for certificate in certificates(path)? {
                roots.add(certificate).map_err(|error| unusable(path, &error))?;
            }
        }
        None => {
            // One that can't be read is one that vouches for nobody.
            roots.add_parsable_certificates(rustls_native_certs::load_native_certs().certs);
            if roots.is_empty() {
                return Err(Failure::could_not("the system trusts no authority of certificates")
                    .next("name the server's authority with --ca FILE"));
            }
        }
    }
    Ok(roots)
}

fn certificates(path: &Path) -> Result<Vec<CertificateDer<'static>>, Failure> {
    let found = CertificateDer::pem_file_iter(path).and_then(Iterator::collect);
    let found: Vec<_> = found.map_err(|error| unusable(path, &error))?;
    if found.is_empty() { Err(unusable(path, &"no certificate in it")) } else { Ok(found) }
}

fn unusable(path: &Path, why: &dyn std::fmt::Display) -> Failure {
    Failure::could_not(format_args!("a certificate or key can't be used: {why}"))
        .at(path.display())
        .next("give a PEM file")
}
