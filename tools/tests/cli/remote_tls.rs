//! TLS towards the server: who vouches for it, and what it wants to see.

use std::fs;

use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, IsCa, KeyPair, SanType};

use crate::server::Server;
use crate::support::{Place, record};

/// An authority; certificates of it for the server and for a client; a configuration with them.
fn certified(place: &Place, client_auth: &str) -> String {
    let mut params = CertificateParams::default();
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    let key = || KeyPair::generate().expect("a key");
    let authority = CertifiedIssuer::self_signed(params, key()).expect("an authority");
    fs::write(place.path("ca.pem"), authority.pem()).expect("written");
    for (file, name) in [("server", "localhost"), ("client", "clinic.example")] {
        let mut params = CertificateParams::default();
        params.subject_alt_names = vec![SanType::DnsName(name.try_into().expect("a name"))];
        let key = key();
        let certificate = params.signed_by(&key, &authority).expect("signed");
        fs::write(place.path(&format!("{file}.pem")), certificate.pem()).expect("written");
        fs::write(place.path(&format!("{file}.key")), key.serialize_pem()).expect("written");
    }
    let [certificate, key, ca] =
        ["server.pem", "server.key", "ca.pem"].map(|name| place.text(name));
    let clients = if client_auth == "off" {
        ""
    } else {
        "[[identity.clients]]\ncertificate = \"dns:clinic.example\"\nsubject = \"clinic\"\n\
         roles = [\"writer\", \"auditor\"]\nfacilities = [\"F1\"]\n"
    };
    let config = format!(
        "[tls]\ncertificate = {certificate:?}\nkey = {key:?}\nclient_auth = {client_auth:?}\n\
         client_ca = {ca:?}\n{clients}"
    );
    let file = place.text("shoseki.toml");
    fs::write(&file, config).expect("written");
    file
}

fn localhost(server: &Server) -> String {
    format!("https://localhost:{}", server.port())
}

#[test]
fn the_server_must_be_vouched_for() {
    let place = Place::new();
    let config = certified(&place, "off");
    let server = Server::with(&place, &["--config", &config]);
    let url = localhost(&server);
    let ca = place.text("ca.pem");
    let input = record(0).replacen('{', "{\"facility_id\":\"F1\",", 1);
    let run = place.run_with(&["append", "--url", &url, "--ca", &ca], &input).ended(0);
    assert_eq!(run.lines().len(), 1);
    place.run(&["verify", "--url", &url, "--ca", &ca]).ended(0);
    let run = place.run(&["query", "--url", &url]).ended(3);
    assert!(run.err.contains("certificate") || run.err.contains("authority"), "{}", run.err);
    // The certificate is for another name.
    let address = format!("https://127.0.0.1:{}", server.port());
    let run = place.run(&["query", "--url", &address, "--ca", &ca]).ended(3);
    assert!(run.err.contains("certificate"), "{}", run.err);
    place.run(&["query", "--url", &url, "--ca", &place.text("server.key")]).ended(3);
}

#[test]
fn a_client_shows_its_certificate() {
    let place = Place::new();
    let config = certified(&place, "required");
    let server = Server::with(&place, &["--config", &config]);
    let url = localhost(&server);
    let [ca, cert, key] = ["ca.pem", "client.pem", "client.key"].map(|name| place.text(name));
    // Not the development token: the certificate alone says who it is.
    fs::remove_file(place.log().join("dev-token")).expect("gone");
    let shown = ["--url", &url, "--ca", &ca, "--cert", &cert, "--key", &key];
    let with = |command| std::iter::once(command).chain(shown).collect::<Vec<_>>();
    place.run_with(&with("append"), &record(0)).ended(0);
    let found = place.run(&with("query")).ended(0).lines();
    assert_eq!(found.last().expect("one")["ingested_by"], "clinic", "{found:?}");
    let run = place.run(&["query", "--url", &url, "--ca", &ca]).ended(3);
    assert!(run.err.contains("connecting to the server"), "{}", run.err);
    place.run(&["query", "--url", &url, "--ca", &ca, "--cert", &cert]).ended(2);
}
