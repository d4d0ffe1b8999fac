//! Keys and a token of the development profile, made at the first start.
//!
//! Invariant: nothing here runs in another profile, nor where other keys are configured; what is
//! secret is readable by its owner only. Time is an argument.

use std::fs;
use std::io::{self, Write as _};
use std::os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _};
use std::path::{Path, PathBuf};

use super::identities::IdentityError;
use super::issue::{NewToken, new_token_id};
use super::keys::KeySet;
use super::role::Role;
use super::signing::SigningKey;
use super::token::Rules;
use super::watched::FileError;
use crate::config::{IdentitySettings, Profile, Settings};

/// The private key of tokens, in the data directory.
pub const PRIVATE_KEY: &str = "keys/tokens.pem";
/// Who the development token is for.
pub const SUBJECT: &str = "developer";
/// The file of the development token, in the data directory.
pub const TOKEN_FILE: &str = "dev-token";
/// How long a development token lives, in seconds: a year.
const LIFETIME: i64 = 365 * 24 * 60 * 60;

/// The token of the development profile.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct DevelopmentToken {
    /// The file that holds it, in one line.
    pub path: PathBuf,
    /// The token.
    pub token: String,
    /// Whether it was made now: then it is told once.
    pub is_new: bool,
}

/// Makes what is missing of keys and token; `None` where the profile or the keys are others.
/// Belongs behind the lock of the log: two at once would write two keys.
///
/// # Errors
/// [`IdentityError`]: a file that can't be written or read, or keys that don't belong together.
pub fn prepare_development(
    settings: &Settings,
    now_unix: i64,
) -> Result<Option<DevelopmentToken>, IdentityError> {
    let own = IdentitySettings::development(&settings.data_dir).keys;
    if settings.profile != Profile::Development || settings.identity.keys != own {
        return Ok(None);
    }
    let key = private_key(&settings.data_dir.join(PRIVATE_KEY))?;
    if !own.exists() {
        write(&own, &format!("{}\n", key.public_set()), 0o644)?;
    }
    let keys = read(&own)?;
    let keys = KeySet::parse(&keys).map_err(|fault| {
        IdentityError::Keys(FileError::Content { path: own.clone(), fault: fault.to_string() })
    })?;
    let rules = Rules::of(settings);
    let path = settings.data_dir.join(TOKEN_FILE);
    let old = fs::read_to_string(&path).unwrap_or_default();
    let old = old.trim_end();
    if rules.caller(old.as_bytes(), &keys, now_unix).is_ok() {
        return Ok(Some(DevelopmentToken { path, token: old.to_owned(), is_new: false }));
    }
    let signing = |source| IdentityError::Signing { path: PRIVATE_KEY.to_owned(), source };
    let foreign = |refusal| IdentityError::DevelopmentKeys(refusal, own.display().to_string());
    let wanted = NewToken {
        subject: SUBJECT.to_owned(),
        roles: Role::ALL.to_vec(),
        facilities: vec!["*".to_owned()],
        id: new_token_id().map_err(signing)?,
        issued_at: now_unix,
        lifetime: LIFETIME,
    };
    let claims = wanted.claims(&settings.identity).map_err(foreign)?;
    let token = key.token(&claims).map_err(signing)?;
    rules.caller(token.as_bytes(), &keys, now_unix).map_err(foreign)?;
    write(&path, &format!("{token}\n"), 0o600)?;
    Ok(Some(DevelopmentToken { path, token, is_new: true }))
}

fn private_key(path: &Path) -> Result<SigningKey, IdentityError> {
    let signing = |source| IdentityError::Signing { path: path.display().to_string(), source };
    if path.exists() {
        return SigningKey::from_pem(&read(path)?, None).map_err(signing);
    }
    let (key, pem) = SigningKey::generate().map_err(signing)?;
    write(path, &pem, 0o600)?;
    Ok(key)
}

fn read(path: &Path) -> Result<Vec<u8>, IdentityError> {
    fs::read(path).map_err(failed("reading", path))
}

/// Writes a file whole or not at all, with this mode from its first byte on.
fn write(path: &Path, text: &str, mode: u32) -> Result<(), IdentityError> {
    let whole = || -> io::Result<()> {
        let folder = path.parent().unwrap_or(Path::new("."));
        fs::DirBuilder::new().recursive(true).mode(0o700).create(folder)?;
        let mut beside = path.as_os_str().to_owned();
        beside.push(".new");
        // One that a crash left behind may have another mode.
        match fs::remove_file(&beside) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
            _ => {}
        }
        let mut options = fs::OpenOptions::new();
        let mut file = options.write(true).create_new(true).mode(mode).open(&beside)?;
        file.write_all(text.as_bytes())?;
        file.sync_all()?;
        fs::rename(&beside, path)?;
        fs::File::open(folder)?.sync_all()
    };
    whole().map_err(failed("writing", path))
}

fn failed(what: &str, path: &Path) -> impl FnOnce(io::Error) -> IdentityError {
    let what = format!("{what} {}", path.display());
    move |source| IdentityError::Development { what, source }
}
