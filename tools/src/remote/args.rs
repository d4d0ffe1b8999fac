//! Where a server is, and as whom to speak to it.
//!
//! Invariant: a token is never an argument, where other users of the machine could read it; the
//! development token of a data directory goes to the same machine only.

use std::env;
use std::fs;
use std::path::{Path, PathBuf};
use std::str::FromStr;

use clap::Args;
use http::Uri;

use super::client::Client;
use crate::failure::Failure;
use crate::output::Session;

/// Longest token in bytes.
const TOKEN_LEN_MAX: usize = 16 << 10;
/// File of the development token in a data directory.
const DEV_TOKEN: &str = "dev-token";

/// Options of the commands that can speak to a server.
#[derive(Args, Clone, Debug, Default)]
#[command(next_help_heading = "Server")]
pub struct RemoteArgs {
    /// Ask the server at this address instead of a data directory, such as `https://audit.example`
    #[arg(long, value_name = "URL")]
    pub url: Option<Base>,
    /// File with the token; without it, the variable SHOSEKI_TOKEN, or the development token of
    /// the data directory where the server is on this machine
    #[arg(long, value_name = "FILE", env = "SHOSEKI_TOKEN_FILE", hide_env_values = true)]
    pub token_file: Option<PathBuf>,
    /// Authorities that may vouch for the server (PEM) [default: those of the system]
    #[arg(long, value_name = "FILE", requires = "url")]
    pub ca: Option<PathBuf>,
    /// Certificate to show to the server (PEM)
    #[arg(long, value_name = "FILE", requires = "key")]
    pub cert: Option<PathBuf>,
    /// Its private key (PEM)
    #[arg(long, value_name = "FILE", requires = "cert")]
    pub key: Option<PathBuf>,
}

impl RemoteArgs {
    /// A client of the server, where one is named.
    ///
    /// # Errors
    /// The token, a certificate or a key can't be read.
    pub(crate) fn client(&self, session: &mut Session<'_>) -> Result<Option<Client>, Failure> {
        let Some(base) = &self.url else { return Ok(None) };
        let token = self.token(base, session.shared.data_dir())?;
        if token.is_some() && !base.tls && !base.is_loopback() {
            session.notes.note(format_args!(
                "the token goes to {} unencrypted: whoever reads it may use it",
                base.host
            ));
        }
        Client::new(base.clone(), token, self).map(Some)
    }

    fn token(&self, base: &Base, data_dir: &Path) -> Result<Option<String>, Failure> {
        if let Some(path) = self.token_file.as_deref().filter(|path| !path.as_os_str().is_empty()) {
            return read(path).map(Some);
        }
        if let Some(text) = env::var_os("SHOSEKI_TOKEN").filter(|text| !text.is_empty()) {
            let text = text.into_string().unwrap_or_default();
            return checked(&text).map(Some).map_err(|failure| failure.at("SHOSEKI_TOKEN"));
        }
        let own = data_dir.join(DEV_TOKEN);
        if base.is_loopback() && own.is_file() { read(&own).map(Some) } else { Ok(None) }
    }
}

fn read(path: &Path) -> Result<String, Failure> {
    let text = fs::read_to_string(path).map_err(|error| {
        Failure::could_not(format_args!("reading the token: {error}"))
            .at(path.display())
            .next("check the path and its permissions")
    })?;
    checked(&text).map_err(|failure| failure.at(path.display()))
}

/// One line of printable ASCII.
fn checked(text: &str) -> Result<String, Failure> {
    let text = text.trim();
    let good = !text.is_empty() && text.len() <= TOKEN_LEN_MAX;
    if good && text.bytes().all(|byte| byte.is_ascii_graphic()) {
        return Ok(text.to_owned());
    }
    Err(Failure::invalid("no token: expected one line of letters, digits and signs")
        .next("make one with `shoseki token issue`"))
}

/// The address of a server: scheme, host, port, and a path where it is not at the root.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Base {
    pub(super) tls: bool,
    pub(super) host: String,
    pub(super) port: u16,
    /// As the header `Host` has it.
    pub(super) authority: String,
    path: String,
}

impl Base {
    /// The target of a request for `path`.
    pub(super) fn target(&self, path: &str) -> String {
        format!("{}{path}", self.path)
    }

    /// Whether it names this machine.
    fn is_loopback(&self) -> bool {
        let address = self.host.parse::<std::net::IpAddr>();
        self.host == "localhost" || address.is_ok_and(|address| address.is_loopback())
    }
}

impl std::fmt::Display for Base {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let scheme = if self.tls { "https" } else { "http" };
        write!(f, "{scheme}://{}{}", self.authority, self.path)
    }
}

impl FromStr for Base {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let wrong = || "expected an address such as https://audit.example".to_owned();
        let uri: Uri = text.parse().map_err(|_| wrong())?;
        let tls = match uri.scheme_str() {
            Some("https") => true,
            Some("http") => false,
            _ => return Err(wrong()),
        };
        let authority = uri.authority().ok_or_else(wrong)?;
        if authority.as_str().contains('@') || uri.query().is_some() {
            return Err("expected an address without user and query".to_owned());
        }
        let host = authority.host().trim_start_matches('[').trim_end_matches(']').to_owned();
        let port = authority.port_u16().unwrap_or(if tls { 443 } else { 80 });
        let path = uri.path().trim_end_matches('/').to_owned();
        if host.is_empty() {
            return Err(wrong());
        }
        Ok(Self { tls, host, port, authority: authority.as_str().to_owned(), path })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses() {
        let base: Base = "http://[::1]:8080/".parse().expect("good");
        assert_eq!((base.host.as_str(), base.port, base.tls), ("::1", 8080, false));
        assert!(base.is_loopback());
        assert_eq!(base.to_string(), "http://[::1]:8080");
        let base: Base = "https://audit.example/log".parse().expect("good");
        assert_eq!((base.port, base.target("/checkpoint")), (443, "/log/checkpoint".to_owned()));
        assert!(!base.is_loopback());
        for text in ["audit.example", "ftp://a", "http://u:p@a", "http://a?b", "/x", "http://", ""]
        {
            assert!(text.parse::<Base>().is_err(), "{text}");
        }
    }

    #[test]
    fn the_development_token_stays_on_this_machine() {
        let dir = tempfile::tempdir().expect("a directory");
        fs::write(dir.path().join(DEV_TOKEN), "a.b.c\n").expect("written");
        let args = RemoteArgs::default();
        let token = |text: &str| args.token(&text.parse().expect("good"), dir.path());
        assert_eq!(token("http://127.0.0.1:1").expect("read"), Some("a.b.c".to_owned()));
        assert_eq!(token("https://audit.example").expect("read"), None);
        fs::write(dir.path().join("other"), "two words").expect("written");
        let args = RemoteArgs { token_file: Some(dir.path().join("other")), ..args };
        assert!(args.token(&"http://localhost".parse().expect("good"), dir.path()).is_err());
    }
}
