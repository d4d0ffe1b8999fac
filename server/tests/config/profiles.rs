//! What each profile asks for.

use std::fmt::Write;
use std::time::Duration;

use shoseki_server::config::{Profile, Settings, Sources};

use crate::files::Certificates;
use crate::support::Folder;

/// Keys of the faults, in order.
fn keys(text: &str) -> Vec<String> {
    let faults = Folder::new().load(text).err().unwrap_or_default();
    faults.into_iter().map(|fault| fault.key).collect()
}

#[test]
fn nothing_configured_is_development_on_loopback() {
    let settings = Settings::load(&Sources::default()).map_err(|faults| format!("{faults:?}"));
    let settings = settings.expect("valid");
    assert_eq!(settings.profile, Profile::Development);
    assert_eq!(settings.listen.to_string(), "127.0.0.1:8080");
    assert_eq!(settings.data_dir.to_str(), Some("./shoseki-data"));
    assert!(settings.tls.is_none() && settings.admin_listen.is_none());
}

#[test]
fn development_stays_on_loopback_without_tls_and_identities() {
    let folder = Folder::new();
    let listen = "[server]\nlisten = \"0.0.0.0:8080\"\n";
    assert_eq!(keys(listen), ["server.listen", "server.listen"]);
    assert_eq!(keys("[server]\nlisten = \"[::]:8080\"\n").len(), 2);
    let certificates = Certificates::make(&folder);
    let tls = format!("{listen}{}", certificates.section());
    assert_eq!(keys(&tls), ["server.listen"]);
    let identity = format!("[identity]\nissuer = \"a\"\nkeys = {:?}\n", certificates.keys);
    assert_eq!(keys(&format!("{listen}{identity}")), ["server.listen"]);
    assert_eq!(keys(&format!("{tls}{identity}")), Vec::<String>::new());
    let own = identity.replace("\"a\"", "\"shoseki-development\"");
    assert_eq!(keys(&format!("{tls}{own}")), ["server.listen"]);
    assert_eq!(keys("[server]\nadmin_listen = \"0.0.0.0:1\"\n"), ["server.admin_listen"]);
}

#[test]
fn production_lists_everything_that_is_missing() {
    let faults = Folder::new().faults("profile = \"production\"\n");
    let missing = [
        "data_dir: expected an absolute path, got ./shoseki-data; it must not depend on where the \
         server is started",
        "identity.audience: expected the audience of tokens, got nothing; name for whom tokens are \
         (`aud`)",
        "identity.issuer: expected the issuer of tokens, got nothing; name who issues tokens \
         (`iss`)",
        "identity.keys: expected the path of a JWK set, got nothing; name the file with the \
         issuer's public keys",
        "log.origin: expected the name of the log, got nothing; give the log a name; it is fixed \
         when the log is made",
        "masking.enabled: expected a decision, got nothing; say enabled = false in [masking] (on \
         is not available yet)",
        "server.public_url: expected a URL with https, got nothing; say under which URL clients \
         come",
        "tls.certificate: expected the path of a PEM file, got nothing; the profile production \
         needs TLS: set certificate and key in [tls]",
        "tls.key: expected the path of a PEM file, got nothing; the profile production needs TLS: \
         set certificate and key in [tls]",
    ];
    assert_eq!(faults, missing.map(|fault| format!("shoseki.toml: {fault}")));
}

#[test]
fn production_with_eleven_faults_lists_eleven() {
    let text = "profile = \"production\"\ndata_dir = \"data\"\n\
                [server]\npublic_url = \"http://a.example\"\ntrusted_proxies = [\"0.0.0.0/0\"]\n\
                admin_listen = \"0.0.0.0:8081\"\n\
                [identity]\nissuer = \"shoseki-development\"\naudience = \"shoseki\"\n\
                keys = \"/nowhere/keys.jwks\"\nlifetime_max = \"25h\"\n";
    let keys = keys(text);
    let expected = [
        "data_dir",
        "server.public_url",
        "server.trusted_proxies",
        "server.admin_listen",
        "identity.issuer",
        "identity.keys",
        "identity.lifetime_max",
        "log.origin",
        "masking.enabled",
        "tls.certificate",
        "tls.key",
    ];
    assert_eq!(keys, expected);
}

/// A production without a fault.
fn production(folder: &Folder, profile: &str) -> String {
    let certificates = Certificates::make(folder);
    let mut text = format!("profile = \"{profile}\"\ndata_dir = {:?}\n", folder.path());
    text.push_str("[log]\norigin = \"clinic.example/audit\"\n[masking]\nenabled = false\n");
    text.push_str("[server]\nlisten = \"0.0.0.0:443\"\npublic_url = \"https://a.example\"\n");
    let keys = &certificates.keys;
    write!(text, "[identity]\nissuer = \"i\"\naudience = \"a\"\nkeys = {keys:?}\n").unwrap();
    text.push_str(&certificates.section());
    text
}

#[test]
fn production_with_everything_starts() {
    for profile in ["ci", "staging", "production"] {
        let folder = Folder::new();
        let text = production(&folder, profile);
        let settings = folder.load(&text).map_err(|faults| format!("{faults:#?}"));
        let settings = settings.expect("valid");
        assert_eq!(settings.identity.lifetime_max, Some(Duration::from_secs(24 * 3600)));
        assert_eq!(settings.admin_listen.map(|at| at.to_string()), Some("127.0.0.1:8081".into()));
        assert!(!settings.identity.admin_may_audit);
    }
}

#[test]
fn each_thing_that_is_taken_out_of_production_is_missed() {
    let folder = Folder::new();
    let whole = production(&folder, "production");
    for (line, key) in [
        ("origin", "log.origin"),
        ("enabled", "masking.enabled"),
        ("public_url", "server.public_url"),
        ("issuer", "identity.issuer"),
        ("audience", "identity.audience"),
        ("keys", "identity.keys"),
        ("certificate", "tls.certificate"),
        ("key ", "tls.key"),
        ("data_dir", "data_dir"),
    ] {
        let kept: Vec<&str> = whole.lines().filter(|it| !it.starts_with(line)).collect();
        assert_eq!(kept.len() + 1, whole.lines().count(), "{line}");
        assert_eq!(keys(&kept.join("\n")), [key], "{line}");
    }
}

#[test]
fn ci_needs_no_tls_on_loopback_and_no_name() {
    let folder = Folder::new();
    let certificates = Certificates::make(&folder);
    let identity =
        format!("[identity]\nissuer = \"i\"\naudience = \"a\"\nkeys = {:?}\n", certificates.keys);
    let text = format!("profile = \"ci\"\n[masking]\nenabled = false\n{identity}");
    assert_eq!(keys(&text), Vec::<String>::new());
    let open = format!("{text}[server]\nlisten = \"0.0.0.0:1\"\n");
    assert_eq!(keys(&open), ["server.listen", "server.public_url", "tls.certificate", "tls.key"]);
    let staging = text.replace("\"ci\"", "\"staging\"");
    assert!(keys(&staging).len() >= 4);
}

#[test]
fn admin_and_auditor_at_once_must_be_allowed() {
    let folder = Folder::new();
    let mut text = production(&folder, "production");
    text.push_str("client_auth = \"optional\"\n");
    let ca = Certificates::make(&folder).certificate;
    write!(text, "client_ca = {ca:?}\n[[identity.clients]]\ncertificate = \"dns:a\"\n").unwrap();
    text.push_str("subject = \"a\"\nroles = [\"admin\", \"auditor\"]\nfacilities = [\"*\"]\n");
    assert_eq!(keys(&text), ["identity.clients"]);
    let allowed = text.replace("[identity]\n", "[identity]\nadmin_may_audit = true\n");
    assert_eq!(keys(&allowed), Vec::<String>::new());
}
