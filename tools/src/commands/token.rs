//! `shoseki token`: tokens for clients of the server, and the keys that sign them.
//!
//! Invariant: `show` judges nothing, and says so; only `issue` signs. A private key is never
//! printed.

use std::fs;
use std::io::Read as _;
use std::path::PathBuf;
use std::time::{SystemTime, UNIX_EPOCH};

use clap::{Args, Subcommand};
use serde_json::json;
use shoseki_server::config::IdentitySettings;
use shoseki_server::identity::{
    NewToken, PRIVATE_KEY, Refusal, Role, SigningKey, TOKEN_LEN_MAX, new_token_id, peek_token,
};

use crate::failure::{Failure, Status, Stop};
use crate::output::{Form, Session};

/// Longest key file in bytes.
const KEY_LEN_MAX: u64 = 64 * 1024;
/// Longest lifetime that a server takes outside of development, in seconds.
const LIFETIME_USUAL: i64 = 24 * 60 * 60;

/// Arguments of `token`.
#[derive(Args, Debug)]
pub struct Token {
    /// What to do.
    #[command(subcommand)]
    pub what: What,
}

/// What to do with tokens.
#[derive(Subcommand, Debug)]
pub enum What {
    /// Sign a token and print it
    Issue(Issue),
    /// Print what a token says, without checking it
    Show {
        /// The token, or - for standard input
        token: String,
    },
    /// Print the public half of a key as a JWK set, for the server's configuration
    Jwks(Key),
}

/// Arguments of `token issue`.
#[derive(Args, Debug)]
pub struct Issue {
    /// Whom it is for: the producer of the records that it sends
    #[arg(long, value_name = "NAME")]
    pub subject: String,
    /// What that may be: writer, auditor, operator, compliance, admin
    #[arg(long, value_name = "ROLE", required = true, num_args = 1.., value_delimiter = ',',
          value_parser = role)]
    pub role: Vec<Role>,
    /// Where: facilities, or * for all of them
    #[arg(long, value_name = "FACILITY", required = true, num_args = 1.., value_delimiter = ',')]
    pub facility: Vec<String>,
    /// How long it lives: a number with s, m, h or d
    #[arg(long, value_name = "TIME", default_value = "1h", value_parser = lifetime)]
    pub ttl: i64,
    /// The issuer that the server expects [default: that of the development profile]
    #[arg(long, value_name = "NAME")]
    pub issuer: Option<String>,
    /// The audience that the server expects [default: that of the development profile]
    #[arg(long, value_name = "NAME")]
    pub audience: Option<String>,
    /// With which key
    #[command(flatten)]
    pub key: Key,
}

/// Which private key.
#[derive(Args, Debug)]
pub struct Key {
    /// Private key, PKCS#8 PEM of Ed25519, P-256 or RSA [default: that of the data directory]
    #[arg(long, value_name = "FILE")]
    pub key: Option<PathBuf>,
    /// What the key is called in tokens [default: its thumbprint, RFC 7638]
    #[arg(long, value_name = "NAME")]
    pub kid: Option<String>,
}

impl Token {
    /// Issues, shows or converts.
    ///
    /// # Errors
    /// A key that can't be read, or something that is no token.
    pub fn run(&self, session: &mut Session<'_>) -> Result<Status, Stop> {
        match &self.what {
            What::Issue(args) => args.run(session),
            What::Show { token } => show(token, session),
            What::Jwks(key) => {
                let set = key.read(session)?.public_set();
                session.out.json(&set)?;
                Ok(Status::Done)
            }
        }
    }
}

impl Issue {
    fn run(&self, session: &mut Session<'_>) -> Result<Status, Stop> {
        let key = self.key.read(session)?;
        let mut settings = IdentitySettings::development(session.shared.data_dir());
        if let Some(issuer) = &self.issuer {
            settings.issuer.clone_from(issuer);
        }
        if let Some(audience) = &self.audience {
            settings.audience.clone_from(audience);
        }
        let new = NewToken {
            subject: self.subject.clone(),
            roles: self.role.clone(),
            facilities: self.facility.clone(),
            id: new_token_id().map_err(Failure::could_not)?,
            issued_at: now()?,
            lifetime: self.ttl,
        };
        let claims = new.claims(&settings).map_err(|refusal| refused(refusal).at("arguments"))?;
        let token = key.token(&claims).map_err(Failure::could_not)?;
        if token.len() > TOKEN_LEN_MAX {
            let what = format!("a token of {} bytes: servers take {TOKEN_LEN_MAX}", token.len());
            return Err(Failure::invalid(what).next("name fewer facilities").into());
        }
        if self.ttl > LIFETIME_USUAL {
            session.notes.note("only a server in the development profile takes more than 24h");
        }
        if session.shared.json {
            session.out.json(&json!({ "token": token, "claims": claims }))?;
        } else {
            session.out.line(token)?;
        }
        Ok(Status::Done)
    }
}

impl Key {
    fn read(&self, session: &Session<'_>) -> Result<SigningKey, Failure> {
        let path = match &self.key {
            Some(path) => path.clone(),
            None => session.shared.data_dir().join(PRIVATE_KEY),
        };
        let mut pem = Vec::new();
        let file = fs::File::open(&path);
        file.and_then(|file| file.take(KEY_LEN_MAX).read_to_end(&mut pem)).map_err(|error| {
            Failure::could_not(format_args!("the private key can't be read: {error}"))
                .at(path.display())
                .next("name one with --key, or start the server once in the development profile")
        })?;
        SigningKey::from_pem(&pem, self.kid.as_deref()).map_err(|error| {
            Failure::invalid(error)
                .at(path.display())
                .next("make one: openssl genpkey -algorithm ed25519 -out key.pem")
        })
    }
}

fn show(token: &str, session: &mut Session<'_>) -> Result<Status, Stop> {
    let mut text = token.to_owned();
    if token == "-" {
        text.clear();
        // One byte more than a token and its newline may have.
        let mut input = session.take_input().take(TOKEN_LEN_MAX as u64 + 2);
        input.read_to_string(&mut text).map_err(|error| {
            Failure::could_not(format_args!("reading the token: {error}")).at("standard input")
        })?;
    }
    let peeked = peek_token(text.trim().as_bytes()).map_err(|refusal| match refusal {
        Refusal::Length => Failure::invalid(format!("longer than {TOKEN_LEN_MAX} bytes")),
        _ => Failure::invalid("not a token: three parts of base64url, the first two JSON objects"),
    })?;
    session.notes.note("the signature was not checked");
    let value = json!({ "header": peeked.header, "claims": peeked.claims });
    if session.out.form() == Form::Json {
        session.out.json(&value)?;
    } else {
        session.out.line(format_args!("{value:#}"))?;
    }
    Ok(Status::Done)
}

fn refused(refusal: Refusal) -> Failure {
    Failure::invalid(match refusal {
        Refusal::Subject => "a subject has 1 to 256 bytes, no # and is not the server's own name",
        Refusal::Facilities => "facilities are names, or * alone",
        Refusal::Roles => "no role",
        _ => "no server would take such a token",
    })
}

fn now() -> Result<i64, Failure> {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).map_err(Failure::could_not)?;
    i64::try_from(since.as_secs()).map_err(Failure::could_not)
}

fn role(name: &str) -> Result<Role, String> {
    Role::parse(name).ok_or_else(|| {
        let known = Role::ALL.map(Role::as_str).join(", ");
        format!("one of {known}")
    })
}

/// Seconds of `90s`, `15m`, `1h` or `7d`.
fn lifetime(text: &str) -> Result<i64, String> {
    let fault = || "a whole number with s, m, h or d, such as 15m".to_owned();
    let unit = text.chars().last().ok_or_else(fault)?;
    let seconds: i64 = match unit {
        's' => 1,
        'm' => 60,
        'h' => 60 * 60,
        'd' => 24 * 60 * 60,
        _ => return Err(fault()),
    };
    let number = text.strip_suffix(unit).unwrap_or_default();
    if number.is_empty() || !number.bytes().all(|byte| byte.is_ascii_digit()) {
        return Err(fault());
    }
    let number: i64 = number.parse().map_err(|_| fault())?;
    number.checked_mul(seconds).filter(|seconds| *seconds > 0).ok_or_else(fault)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lifetimes_have_a_number_and_a_unit() {
        let good = [("90s", 90), ("15m", 900), ("1h", 3600), ("7d", 604_800)];
        for (text, seconds) in good {
            assert_eq!(lifetime(text), Ok(seconds));
        }
        for text in ["", "h", "1", "-1h", "+1h", "0s", "1w", "1 h", "9223372036854775807d", "１h"]
        {
            assert!(lifetime(text).is_err(), "{text}");
        }
    }
}
