//! Files that the configuration names.

use std::fs;
use std::os::unix::fs::PermissionsExt;

use crate::support::Folder;

/// A certificate, its key and a key set, in files.
pub struct Certificates {
    pub certificate: String,
    pub key: String,
    pub keys: String,
}

impl Certificates {
    pub fn make(folder: &Folder) -> Self {
        let made = rcgen::generate_simple_self_signed(["localhost".to_owned()]).expect("made");
        let key = folder.write("server.key", made.signing_key.serialize_pem());
        fs::set_permissions(&key, fs::Permissions::from_mode(0o600)).expect("closed");
        let set = r#"{"keys":[{"kty":"OKP","crv":"Ed25519","kid":"1","x":"AA"}]}"#;
        Self {
            certificate: folder.write("server.crt", made.cert.pem()),
            key,
            keys: folder.write("tokens.jwks", set),
        }
    }

    pub fn section(&self) -> String {
        format!("[tls]\ncertificate = {:?}\nkey = {:?}\n", self.certificate, self.key)
    }
}

fn check(folder: &Folder, text: &str, expected: &[&str]) {
    let faults = folder.faults(text);
    // What libraries say of files is theirs, and may change.
    let is_as_expected = faults.len() == expected.len()
        && faults.iter().zip(expected).all(|(fault, start)| fault.starts_with(start));
    assert!(is_as_expected, "\n{text}\n{}", faults.join("\n"));
}

#[test]
fn a_certificate_and_its_key_are_taken() {
    let folder = Folder::new();
    let certificates = Certificates::make(&folder);
    check(&folder, &certificates.section(), &[]);
}

#[test]
fn files_that_are_not_there_or_of_another_kind() {
    let folder = Folder::new();
    let mut certificates = Certificates::make(&folder);
    let (certificate, key) = (certificates.certificate.clone(), certificates.key.clone());
    certificates.certificate = "/nowhere/server.crt".into();
    certificates.key = folder.write("empty.key", "");
    check(
        &folder,
        &certificates.section(),
        &[
            "shoseki.toml:2:15: tls.certificate: expected a file to read, got /nowhere/",
            "shoseki.toml:3:7: tls.key: expected a private key in PEM, got ",
        ],
    );
    certificates.certificate.clone_from(&key);
    certificates.key.clone_from(&certificate);
    check(
        &folder,
        &certificates.section(),
        &[
            "shoseki.toml:2:15: tls.certificate: expected certificates in PEM, got a file without",
            "shoseki.toml:3:7: tls.key: expected a private key in PEM, got ",
        ],
    );
    let broken = "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n";
    certificates.certificate = folder.write("broken.crt", broken);
    certificates.key = key;
    check(
        &folder,
        &certificates.section(),
        &[
            "shoseki.toml:2:15: tls.certificate: expected certificates in PEM, got one that can't be",
        ],
    );
}

#[test]
fn a_key_of_another_certificate_is_refused() {
    let (folder, other) = (Folder::new(), Folder::new());
    let mut certificates = Certificates::make(&folder);
    certificates.key = Certificates::make(&other).key;
    check(
        &folder,
        &certificates.section(),
        &["shoseki.toml:3:7: tls.key: expected the key of the certificate, got another key"],
    );
}

#[test]
fn authorities_are_read_where_clients_show_certificates() {
    let folder = Folder::new();
    let certificates = Certificates::make(&folder);
    let not_a_certificate = &certificates.keys;
    let section = certificates.section();
    let text = format!("{section}client_ca = {not_a_certificate:?}\n");
    check(&folder, &text, &[]);
    check(
        &folder,
        &format!("{text}client_auth = \"required\"\n"),
        &["shoseki.toml:4:13: tls.client_ca: expected certificates in PEM, got a file without any"],
    );
    let fine = format!(
        "{section}client_ca = {:?}\nclient_auth = \"optional\"\n",
        certificates.certificate
    );
    check(&folder, &fine, &[]);
}

#[test]
fn key_sets_hold_public_keys_only() {
    let folder = Folder::new();
    for (set, expected) in [
        ("[]", "no member \"keys\""),
        ("{\"keys\":[]}", "an empty set"),
        ("{\"keys\":[{\"kty\":\"oct\",\"k\":\"AA\"}]}", "a key that is not public (number 1)"),
        ("{\"keys\":[{\"kty\":\"OKP\",\"d\":\"AA\"}]}", "a private key (number 1)"),
        ("{", "no JSON"),
    ] {
        let path = folder.write("keys", set);
        let start = "shoseki.toml:2:8: identity.keys: expected a set of public keys, got ";
        let text = format!("[identity]\nkeys = {path:?}\n");
        check(&folder, &text, &[&format!("{start}{expected}")]);
    }
    check(
        &folder,
        "[identity]\ndeny_list = \"/nowhere/denied\"\n",
        &["shoseki.toml:2:13: identity.deny_list: expected a file to read, got "],
    );
}

#[test]
fn a_key_that_others_can_read_is_refused_outside_of_development() {
    let folder = Folder::new();
    let certificates = Certificates::make(&folder);
    fs::set_permissions(&certificates.key, fs::Permissions::from_mode(0o644)).expect("opened");
    check(&folder, &certificates.section(), &[]);
    let text = format!("profile = \"ci\"\n{}", certificates.section());
    let faults = folder.faults(&text);
    let about_mode = faults.iter().filter(|fault| fault.contains("mode 0644")).count();
    assert_eq!(about_mode, 1, "{faults:#?}");
}

#[test]
fn a_data_directory_that_is_a_file_is_refused() {
    let folder = Folder::new();
    let path = folder.write("data", "");
    check(
        &folder,
        &format!("data_dir = {path:?}\n"),
        &["shoseki.toml:1:12: data_dir: expected a folder, got data, which is a file"],
    );
}
