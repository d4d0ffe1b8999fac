//! Client certificates, alone and beside tokens.

use std::net::IpAddr;
use std::path::PathBuf;
use std::sync::Arc;

use rcgen::{CertificateParams, DistinguishedName, DnType, KeyPair, SanType, date_time_ymd};
use serde_json::json;
use shoseki_server::config::{ClientAuth, ClientRule, TlsSettings};
use shoseki_server::identity::{
    Caller, Facilities, Identities, IdentityError, Means, Refusal, Role, Roles,
};

use crate::support::{NOW, Place, bearer, claims};

fn certificate(names: &[(DnType, &str)], alternatives: Vec<SanType>) -> Vec<u8> {
    let mut params = CertificateParams::default();
    params.distinguished_name = DistinguishedName::new();
    for (kind, value) in names {
        params.distinguished_name.push(kind.clone(), *value);
    }
    params.subject_alt_names = alternatives;
    params.not_before = date_time_ymd(2026, 1, 1);
    params.not_after = date_time_ymd(2028, 1, 1);
    params.self_signed(&KeyPair::generate().unwrap()).unwrap().der().to_vec()
}

fn rule(certificate: &str, subject: &str) -> ClientRule {
    ClientRule {
        certificate: certificate.to_owned(),
        subject: subject.to_owned(),
        roles: vec![Role::Writer],
        facilities: vec!["F1".to_owned()],
    }
}

type Change = fn(&mut ClientRule);

fn with_rules(rules: Vec<ClientRule>, client_auth: ClientAuth) -> Place {
    let mut place = Place::new();
    place.settings.identity.clients = rules;
    place.settings.tls = Some(TlsSettings {
        certificate: PathBuf::new(),
        key: PathBuf::new(),
        client_ca: None,
        client_auth,
    });
    place
}

fn show(place: &Place, der: &[u8], now: i64) -> Result<Arc<Caller>, Refusal> {
    place.identities().authenticate([], Some(der), place.peer(), now)
}

#[test]
fn a_subject_or_an_alternative_name_stands_for_a_caller() {
    let names = [
        (DnType::CountryName, "JP"),
        (DnType::OrganizationName, "Clinic, East"),
        (DnType::CommonName, "gateway"),
    ];
    let alternatives = vec![
        SanType::DnsName("GW.clinic.example".try_into().unwrap()),
        SanType::URI("spiffe://clinic/gw".try_into().unwrap()),
        SanType::Rfc822Name("gw@clinic.example".try_into().unwrap()),
    ];
    let der = certificate(&names, alternatives);
    for name in [
        "CN=gateway,O=Clinic\\, East,C=JP",
        "dns:gw.CLINIC.example",
        "uri:spiffe://clinic/gw",
        "email:gw@clinic.example",
    ] {
        let place = with_rules(vec![rule("CN=other", "x"), rule(name, "gw")], ClientAuth::Optional);
        let caller = show(&place, &der, NOW).unwrap();
        assert_eq!(caller.subject(), "gw", "{name}");
        assert_eq!(caller.roles, Roles::of(&[Role::Writer]));
        assert_eq!(caller.facilities.only_one(), Some("F1"));
        assert!(caller.expires_at.is_some_and(|end| end > NOW));
        assert!(
            matches!(&caller.means, Means::Certificate { fingerprint } if fingerprint.len() == 64)
        );
    }
    for name in ["CN=gateway", "CN=gateway,O=Clinic, East,C=JP", "gw.clinic.example", "uri:gw"] {
        let place = with_rules(vec![rule(name, "gw")], ClientAuth::Optional);
        assert_eq!(show(&place, &der, NOW), Err(Refusal::Missing), "{name}");
    }
}

#[test]
fn a_value_can_not_pass_for_two() {
    let place = with_rules(vec![rule("CN=admin,O=Clinic", "admin")], ClientAuth::Optional);
    let right = [(DnType::OrganizationName, "Clinic"), (DnType::CommonName, "admin")];
    assert!(show(&place, &certificate(&right, Vec::new()), NOW).is_ok());
    for value in ["admin,O=Clinic", "admin\\,O=Clinic", "admin+O=Clinic"] {
        let der = certificate(&[(DnType::CommonName, value)], Vec::new());
        assert_eq!(show(&place, &der, NOW), Err(Refusal::Missing), "{value}");
    }
    // A name of one kind is none of another.
    let dns = SanType::URI("dns:gw".try_into().unwrap());
    let place = with_rules(vec![rule("dns:gw", "gw")], ClientAuth::Optional);
    assert_eq!(show(&place, &certificate(&[], vec![dns]), NOW), Err(Refusal::Missing));
}

#[test]
fn a_certificate_is_valid_in_its_time_and_whole() {
    let place = with_rules(vec![rule("CN=gw", "gw")], ClientAuth::Optional);
    let der = certificate(&[(DnType::CommonName, "gw")], Vec::new());
    let (begin, end) = (1_767_225_600, 1_830_297_600);
    for good in [begin, NOW, end] {
        assert!(show(&place, &der, good).is_ok(), "{good}");
    }
    for bad in [begin - 1, end + 1, 0] {
        assert_eq!(show(&place, &der, bad), Err(Refusal::Certificate), "{bad}");
    }
    let longer = [der.as_slice(), &[0]].concat();
    assert_eq!(show(&place, &longer, NOW), Err(Refusal::Certificate));
    for len in 0..der.len() {
        assert_eq!(show(&place, &der[..len], NOW), Err(Refusal::Certificate), "{len} bytes");
    }
    let identities = place.identities();
    let caller = identities.authenticate([], Some(&der), place.peer(), NOW).unwrap();
    assert_eq!(identities.still(&caller, end), Ok(()));
    assert_eq!(identities.still(&caller, end + 1), Err(Refusal::Expired));
}

#[test]
fn a_token_decides_where_both_come() {
    let der = certificate(&[(DnType::CommonName, "gw")], Vec::new());
    let both = |place: &Place, token: &str, der: Option<&[u8]>, now: i64| {
        let answer = place.identities().authenticate([&bearer(token)], der, place.peer(), now);
        answer.map(|caller| caller.subject().to_owned())
    };
    let after = 1_830_297_601;
    let required = with_rules(vec![rule("CN=gw", "gw")], ClientAuth::Required);
    let token = required.key.token(&claims(&json!({}))).unwrap();
    assert_eq!(both(&required, &token, Some(&der), NOW), Ok("clinic-app".to_owned()));
    assert_eq!(both(&required, &token, None, NOW), Err(Refusal::Certificate));
    assert_eq!(both(&required, &token, Some(b"no"), NOW), Err(Refusal::Certificate));
    assert_eq!(both(&required, "a.b.c", Some(&der), NOW), Err(Refusal::Form), "no falling back");
    let later = claims(&json!({ "iat": after, "exp": after + 10 }));
    let later = required.key.token(&later).unwrap();
    assert_eq!(both(&required, &later, Some(&der), after), Err(Refusal::Certificate));

    let optional = with_rules(Vec::new(), ClientAuth::Optional);
    let token = optional.key.token(&claims(&json!({}))).unwrap();
    assert_eq!(both(&optional, &token, None, NOW), Ok("clinic-app".to_owned()));
    assert_eq!(both(&optional, &token, Some(b"no"), NOW), Ok("clinic-app".to_owned()));
}

#[test]
fn rules_that_can_not_be_stop_the_start() {
    let changes: [(&str, Change); 7] = [
        ("subject", |rule| rule.subject = "shoseki".to_owned()),
        ("subject", |rule| rule.subject = "a#b".to_owned()),
        ("roles", |rule| rule.roles.clear()),
        ("roles", |rule| rule.roles = vec![Role::Admin, Role::Auditor]),
        ("facilities", |rule| rule.facilities.clear()),
        ("facilities", |rule| rule.facilities.push("*".to_owned())),
        ("certificate", |rule| rule.certificate.clear()),
    ];
    for (expected, change) in changes {
        let mut wrong = rule("CN=gw", "gw");
        change(&mut wrong);
        let place = with_rules(vec![rule("CN=a", "a"), wrong], ClientAuth::Optional);
        match Identities::open(&place.settings).err() {
            Some(IdentityError::Client { index: 1, fault, .. }) => assert_eq!(fault, expected),
            other => panic!("{expected}: {other:?}"),
        }
    }
    let mut all = rule("CN=gw", "gw");
    all.facilities = vec!["*".to_owned()];
    let place = with_rules(vec![all], ClientAuth::Optional);
    let der = certificate(&[(DnType::CommonName, "gw")], Vec::new());
    assert_eq!(show(&place, &der, NOW).unwrap().facilities, Facilities::All);
}

#[test]
fn certificates_do_without_tokens() {
    let mut place = with_rules(vec![rule("CN=gw", "gw")], ClientAuth::Required);
    place.settings.identity.keys = PathBuf::new();
    let der = certificate(&[(DnType::CommonName, "gw")], Vec::new());
    assert!(show(&place, &der, NOW).is_ok());
    let token = place.key.token(&claims(&json!({}))).unwrap();
    let peer: IpAddr = place.peer();
    let answer = place.identities().authenticate([&bearer(&token)], Some(&der), peer, NOW);
    assert_eq!(answer, Err(Refusal::UnknownKey));
}
