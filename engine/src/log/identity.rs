//! `log.json`, `log.vkey`, `log.vkeys` and `keys/`: making and loading them.
//!
//! Invariant: `log.json` is written last, so that a creation that was cut short leaves a directory
//! in which a log can be created again. A rotation writes the new signing key, then the list, then
//! `log.vkey`; a crash between them is finished at the next open.

use super::error::OpenError;
use crate::io::{Environment, OpenMode, Storage, make_dir, write_atomic, write_atomic_private};
use crate::proof::{FORMAT, KeyList, LogIdentity, SigningKey, Zeroizing};
use crate::types::{LogId, Origin, TreeSize, to_hex};

pub(crate) const IDENTITY: &str = "log.json";
pub(crate) const VKEY: &str = "log.vkey";
pub(crate) const VKEYS: &str = "log.vkeys";
pub(crate) const KEYS: &str = "keys";

/// Who the log is and which keys speak for it.
pub(crate) struct Identity {
    pub(crate) log: LogIdentity,
    pub(crate) keys: KeyList,
}

/// Reads a small file whole; `None` where there is none.
pub(crate) fn read_small(storage: &dyn Storage, path: &str) -> Result<Option<Vec<u8>>, OpenError> {
    /// Nothing that is read whole comes near it.
    const LEN_MAX: u64 = 64 << 20;
    let file = match storage.open(path, OpenMode::Read) {
        Ok(file) => file,
        Err(e) if e.kind() == std::io::ErrorKind::NotFound => return Ok(None),
        Err(e) => return Err(OpenError::io(path)(e)),
    };
    let len = file.len().map_err(OpenError::io(path))?.min(LEN_MAX);
    let mut bytes = vec![0; usize::try_from(len).unwrap_or(0)];
    let read = file.read_at(0, &mut bytes).map_err(OpenError::io(path))?;
    bytes.truncate(read);
    Ok(Some(bytes))
}

/// Loads identity and verifier keys; writes nothing.
pub(crate) fn load(storage: &dyn Storage) -> Result<Identity, OpenError> {
    let bytes = read_small(storage, IDENTITY)?.ok_or(OpenError::NotALog)?;
    let log = LogIdentity::parse(&bytes).ok_or(OpenError::Identity)?;
    if log.format != FORMAT {
        return Err(OpenError::Format(log.format));
    }
    let bytes = read_small(storage, VKEYS)?.unwrap_or_default();
    let keys = KeyList::parse(&bytes)?;
    if *keys.origin() != log.origin {
        return Err(OpenError::Identity);
    }
    Ok(Identity { log, keys })
}

/// Makes a new log in an empty directory.
pub(crate) fn create(
    storage: &dyn Storage,
    environment: &dyn Environment,
    origin: Option<&Origin>,
) -> Result<Identity, OpenError> {
    let mut id = [0; LogId::LEN];
    environment.fill_random(&mut id).map_err(OpenError::io(IDENTITY))?;
    let log_id = LogId(id);
    let origin = origin.cloned().unwrap_or_else(|| Origin::local(&log_id));
    let log = LogIdentity { format: FORMAT, origin: origin.clone(), log_id };
    let key = new_key(storage, environment, origin)?;
    let keys = KeyList::create(&key);
    write_keys(storage, &keys)?;
    write_atomic(storage, IDENTITY, &log.to_bytes()).map_err(OpenError::io(IDENTITY))?;
    Ok(Identity { log, keys })
}

/// Makes a signing key and stores it, readable by the owner alone.
pub(crate) fn new_key(
    storage: &dyn Storage,
    environment: &dyn Environment,
    origin: Origin,
) -> Result<SigningKey, OpenError> {
    let mut seed = Zeroizing::new([0; 32]);
    environment.fill_random(&mut *seed).map_err(OpenError::io(KEYS))?;
    let key = SigningKey::generate(origin, &seed);
    let path = key_path(&key);
    let pem = key.to_pem().map_err(|source| OpenError::Key { path: path.clone(), source })?;
    make_dir(storage, KEYS).map_err(OpenError::io(KEYS))?;
    write_atomic_private(storage, &path, pem.as_bytes()).map_err(OpenError::io(&path))?;
    Ok(key)
}

fn key_path(key: &SigningKey) -> String {
    format!("{KEYS}/signing-{}.pem", to_hex(&key.verifier().id()))
}

/// Stores the key list, then the current key.
pub(crate) fn write_keys(storage: &dyn Storage, keys: &KeyList) -> Result<(), OpenError> {
    write_atomic(storage, VKEYS, keys.to_text().as_bytes()).map_err(OpenError::io(VKEYS))?;
    let line = format!("{}\n", keys.current());
    write_atomic(storage, VKEY, line.as_bytes()).map_err(OpenError::io(VKEY))
}

/// The signing key of the current verifier key.
pub(crate) fn load_signing_key(
    storage: &dyn Storage,
    identity: &Identity,
) -> Result<SigningKey, OpenError> {
    let current = identity.keys.current();
    let names = storage.list(KEYS).map_err(OpenError::io(KEYS))?;
    let mut unreadable = None;
    for name in names.iter().filter(|name| name.ends_with(".pem")) {
        let path = format!("{KEYS}/{name}");
        let Some(bytes) = read_small(storage, &path)? else { continue };
        let bytes = Zeroizing::new(bytes);
        let Ok(pem) = std::str::from_utf8(&bytes) else { continue };
        let key = match SigningKey::from_pem(identity.log.origin.clone(), pem) {
            Ok(key) => key,
            Err(source) => {
                // Matters only where the current key is nowhere else.
                unreadable.get_or_insert(OpenError::Key { path, source });
                continue;
            }
        };
        if key.verifier() == *current {
            return Ok(key);
        }
    }
    Err(unreadable.unwrap_or_else(|| OpenError::NoSigningKey(current.to_string())))
}

/// Makes and stores a key that takes over at `size`; the list with it is the caller's to store.
pub(crate) fn next_key(
    storage: &dyn Storage,
    environment: &dyn Environment,
    keys: &KeyList,
    current: &SigningKey,
    size: TreeSize,
) -> Result<(KeyList, SigningKey), OpenError> {
    let next = new_key(storage, environment, current.origin().clone())?;
    let list = keys.rotate(current, &next.verifier(), size)?;
    Ok((list, next))
}
