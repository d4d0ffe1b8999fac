//! The first start of the development profile, and those after it.

use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;

use shoseki_server::config::{Profile, Settings};
use shoseki_server::identity::{
    Facilities, Identities, IdentityError, PRIVATE_KEY, Role, Roles, SUBJECT, TOKEN_FILE,
    prepare_development,
};

use crate::support::{NOW, bearer, ed25519};

const YEAR: i64 = 365 * 24 * 60 * 60;

fn mode(path: &Path) -> u32 {
    std::fs::metadata(path).unwrap().permissions().mode() & 0o777
}

#[test]
fn the_first_start_makes_keys_and_a_token_that_may_everything() {
    let dir = tempfile::tempdir().unwrap();
    let settings = Settings::development(&dir.path().join("data"));
    let made = prepare_development(&settings, NOW).unwrap().unwrap();
    assert!(made.is_new);
    assert_eq!(made.path, settings.data_dir.join(TOKEN_FILE));
    assert_eq!(std::fs::read_to_string(&made.path).unwrap(), format!("{}\n", made.token));
    assert_eq!(mode(&made.path), 0o600);
    assert_eq!(mode(&settings.data_dir.join(PRIVATE_KEY)), 0o600);
    assert_eq!(mode(&settings.data_dir), 0o700);

    let identities = Identities::open(&settings).unwrap();
    let peer = [127, 0, 0, 1].into();
    let caller = identities.authenticate([&bearer(&made.token)], None, peer, NOW).unwrap();
    assert_eq!(caller.subject(), SUBJECT);
    assert_eq!(caller.roles, Roles::of(&Role::ALL));
    assert_eq!(caller.facilities, Facilities::All);
}

#[test]
fn later_starts_keep_the_token_while_it_holds() {
    let dir = tempfile::tempdir().unwrap();
    let settings = Settings::development(dir.path());
    let first = prepare_development(&settings, NOW).unwrap().unwrap();
    let again = prepare_development(&settings, NOW + 1000).unwrap().unwrap();
    assert_eq!((again.token.as_str(), again.is_new), (first.token.as_str(), false));

    let later = prepare_development(&settings, NOW + YEAR + 60).unwrap().unwrap();
    assert!(later.is_new && later.token != first.token, "expired");
    std::fs::write(dir.path().join(TOKEN_FILE), "damaged").unwrap();
    assert!(prepare_development(&settings, NOW).unwrap().unwrap().is_new);

    // Without the public half it is written again out of the private one.
    let before = prepare_development(&settings, NOW).unwrap().unwrap();
    std::fs::remove_file(&settings.identity.keys).unwrap();
    let after = prepare_development(&settings, NOW).unwrap().unwrap();
    assert_eq!((after.token, after.is_new), (before.token, false));
}

#[test]
fn keys_that_do_not_belong_together_are_said() {
    let dir = tempfile::tempdir().unwrap();
    let settings = Settings::development(dir.path());
    prepare_development(&settings, NOW).unwrap();
    std::fs::write(&settings.identity.keys, ed25519("k").public_set().to_string()).unwrap();
    let error = prepare_development(&settings, NOW).unwrap_err();
    assert!(matches!(error, IdentityError::DevelopmentKeys(..)), "{error}");
    std::fs::write(dir.path().join(PRIVATE_KEY), "no key").unwrap();
    let error = prepare_development(&settings, NOW).unwrap_err();
    assert!(matches!(error, IdentityError::Signing { .. }), "{error}");
}

#[test]
fn nothing_is_made_elsewhere() {
    let dir = tempfile::tempdir().unwrap();
    for profile in [Profile::Ci, Profile::Staging, Profile::Production] {
        let mut settings = Settings::development(dir.path());
        settings.profile = profile;
        assert_eq!(prepare_development(&settings, NOW).unwrap(), None);
    }
    let mut settings = Settings::development(dir.path());
    settings.identity.keys = dir.path().join("company.jwks");
    assert_eq!(prepare_development(&settings, NOW).unwrap(), None);
    assert_eq!(std::fs::read_dir(dir.path()).unwrap().count(), 0);
}
