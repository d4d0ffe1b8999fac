//! Single values: from TOML or the text of a variable to what a key wants.
//!
//! Invariant: a value that is read is within the bounds of its kind; sizes and times never
//! overflow. Knows nothing about which keys there are.

use std::net::{IpAddr, SocketAddr};
use std::path::PathBuf;
use std::time::Duration;

use ipnet::IpNet;
use shoseki_engine::types::Origin;

use super::fault::shown;
use super::web::{is_base_url, is_web_origin};

/// Characters of a text.
const TEXT_LEN_MAX: usize = 256;

/// What a key wants.
#[derive(Clone, Copy, PartialEq, Debug)]
pub enum Kind {
    /// One line of text.
    Text,
    /// Name of a log.
    Origin,
    /// Path of a file or folder.
    Path,
    /// `true` or `false`.
    Flag,
    /// Bytes, from and to: an integer, or text with `KiB`, `MiB`, `GiB`, `TiB`.
    Size(u64, u64),
    /// A number, from and to.
    Count(u64, u64),
    /// Seconds, from and to: text with `s`, `m`, `h`.
    Time(u64, u64),
    /// IP address and port.
    Address,
    /// Base of URLs.
    Url,
    /// Origins of web pages.
    WebOrigins,
    /// Networks in CIDR form, or single addresses.
    Networks,
    /// A list of texts.
    Texts,
    /// One of these.
    Choice(&'static [&'static str]),
}

/// What a key got.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Value {
    /// Text, also of a choice, an origin or a URL.
    Text(String),
    /// A path.
    Path(PathBuf),
    /// A flag.
    Flag(bool),
    /// A size or a count.
    Number(u64),
    /// A time.
    Time(Duration),
    /// An address.
    Address(SocketAddr),
    /// Networks.
    Networks(Vec<IpNet>),
    /// Texts.
    Texts(Vec<String>),
}

/// What came, before it is known whether it fits.
#[derive(Clone, PartialEq, Debug)]
pub enum Raw {
    /// Text of a file.
    Text(String),
    /// Text of a variable: numbers, flags and lists are read out of it.
    Variable(String),
    /// An integer that fits 64 bits.
    Integer(i64),
    /// A flag.
    Flag(bool),
    /// A list.
    List(Vec<Raw>),
    /// Anything else, by the name of its type.
    Other(&'static str),
}

impl Raw {
    /// As faults show it.
    pub fn shown(&self) -> String {
        match self {
            Self::Text(text) | Self::Variable(text) => shown(text),
            Self::Integer(number) => number.to_string(),
            Self::Flag(flag) => flag.to_string(),
            Self::List(list) => format!("a list of {}", list.len()),
            Self::Other(kind) => format!("a value of type {kind}"),
        }
    }

    fn text(&self) -> Option<&str> {
        match self {
            Self::Text(text) | Self::Variable(text) => Some(text),
            _ => None,
        }
    }

    fn number(&self) -> Option<u64> {
        match self {
            Self::Integer(number) => u64::try_from(*number).ok(),
            Self::Variable(text) => digits(text),
            _ => None,
        }
    }

    fn texts(&self) -> Option<Vec<String>> {
        match self {
            Self::List(list) => list.iter().map(|raw| raw.text().map(str::to_owned)).collect(),
            Self::Variable(text) if text.is_empty() => Some(Vec::new()),
            Self::Variable(text) => {
                Some(text.split(',').map(|part| part.trim().to_owned()).collect())
            }
            _ => None,
        }
    }
}

impl Kind {
    /// What is expected, for faults.
    pub fn expected(self) -> String {
        match self {
            Self::Text => format!("one line of 1 to {TEXT_LEN_MAX} characters"),
            Self::Origin => "1 to 200 characters of A-Z a-z 0-9 . _ / -".into(),
            Self::Path => "a path".into(),
            Self::Flag => "true or false".into(),
            Self::Size(min, max) => {
                format!("a size from {} to {}, such as \"16MiB\"", size(min), size(max))
            }
            Self::Count(min, max) => format!("a number from {min} to {max}"),
            Self::Time(min, max) => {
                format!("a time from {} to {}, such as \"30s\"", time(min), time(max))
            }
            Self::Address => "an IP address and a port, such as \"127.0.0.1:8080\"".into(),
            Self::Url => "a URL such as \"https://audit.example\"".into(),
            Self::WebOrigins => "a list of origins such as [\"https://console.example\"]".into(),
            Self::Networks => "a list of networks such as [\"10.0.0.0/8\"]".into(),
            Self::Texts => "a list of texts".into(),
            Self::Choice(names) => format!("one of {}", names.join(", ")),
        }
    }

    /// The value, or what of it does not fit (as faults show it).
    pub fn read(self, raw: &Raw) -> Result<Value, String> {
        let unfit = || raw.shown();
        let text = || raw.text().ok_or_else(unfit);
        match self {
            Self::Text => line(text()?).map(Value::Text).ok_or_else(unfit),
            Self::Origin => {
                let text = text()?;
                Origin::new(text).map(|_| Value::Text(text.to_owned())).map_err(|_| unfit())
            }
            Self::Path => path(text()?).map(Value::Path).ok_or_else(unfit),
            Self::Flag => flag(raw).map(Value::Flag).ok_or_else(unfit),
            Self::Size(min, max) => {
                let number = raw.number().or_else(|| raw.text().and_then(read_size));
                number.filter(|n| (min..=max).contains(n)).map(Value::Number).ok_or_else(unfit)
            }
            Self::Count(min, max) => {
                let number = raw.number().filter(|n| (min..=max).contains(n));
                number.map(Value::Number).ok_or_else(unfit)
            }
            Self::Time(min, max) => {
                let seconds = read_time(text()?).filter(|n| (min..=max).contains(n));
                seconds.map(|n| Value::Time(Duration::from_secs(n))).ok_or_else(unfit)
            }
            Self::Address => text()?.parse().map(Value::Address).map_err(|_| unfit()),
            Self::Url => {
                let text = Some(text()?).filter(|text| is_base_url(text)).ok_or_else(unfit)?;
                Ok(Value::Text(text.trim_end_matches('/').to_owned()))
            }
            Self::Choice(names) => {
                let text = text()?;
                let known = names.contains(&text).then(|| Value::Text(text.to_owned()));
                known.ok_or_else(unfit)
            }
            Self::Networks | Self::WebOrigins | Self::Texts => self.read_list(raw),
        }
    }

    fn read_list(self, raw: &Raw) -> Result<Value, String> {
        let texts = raw.texts().ok_or_else(|| raw.shown())?;
        for (number, text) in texts.iter().enumerate() {
            if texts.iter().take(number).any(|before| before == text) {
                return Err(format!("{} twice", shown(text)));
            }
        }
        let fits = |text: &str| self != Self::WebOrigins || is_web_origin(text);
        if self == Self::Networks {
            let networks = texts.iter().map(|text| network(text).ok_or_else(|| shown(text)));
            return networks.collect::<Result<_, _>>().map(Value::Networks);
        }
        match texts.iter().find(|text| line(text).is_none() || !fits(text)) {
            Some(text) => Err(shown(text)),
            None => Ok(Value::Texts(texts)),
        }
    }
}

/// A text without control characters, neither empty nor long.
pub fn line(text: &str) -> Option<String> {
    let fits = !text.is_empty()
        && text.chars().count() <= TEXT_LEN_MAX
        && !text.chars().any(char::is_control);
    fits.then(|| text.to_owned())
}

fn path(text: &str) -> Option<PathBuf> {
    const PATH_LEN_MAX: usize = 4096;
    let fits =
        !text.is_empty() && text.len() <= PATH_LEN_MAX && !text.chars().any(char::is_control);
    fits.then(|| PathBuf::from(text))
}

fn flag(raw: &Raw) -> Option<bool> {
    match raw {
        Raw::Flag(flag) => Some(*flag),
        Raw::Variable(text) => text.parse().ok(),
        _ => None,
    }
}

fn network(text: &str) -> Option<IpNet> {
    let whole: Option<IpNet> = text.parse().ok();
    let network = whole.or_else(|| text.parse::<IpAddr>().map(IpNet::from).ok())?;
    // `10.1.2.3/8` is a slip more often than a wish.
    (network.trunc() == network).then_some(network)
}

/// Decimal digits, nothing else.
fn digits(text: &str) -> Option<u64> {
    text.bytes().all(|byte| byte.is_ascii_digit()).then(|| text.parse().ok()).flatten()
}

const SIZES: [(&str, u64); 5] =
    [("TiB", 1 << 40), ("GiB", 1 << 30), ("MiB", 1 << 20), ("KiB", 1 << 10), ("B", 1)];
const TIMES: [(&str, u64); 3] = [("h", 3600), ("m", 60), ("s", 1)];

fn with_unit(text: &str, units: &[(&str, u64)]) -> Option<u64> {
    let (number, factor) = units.iter().find_map(|(unit, factor)| {
        text.strip_suffix(unit).map(|number| (number.trim_end(), *factor))
    })?;
    digits(number)?.checked_mul(factor)
}

fn read_size(text: &str) -> Option<u64> {
    with_unit(text, &SIZES)
}

fn read_time(text: &str) -> Option<u64> {
    with_unit(text, &TIMES)
}

/// A size in the largest unit that divides it.
pub fn size(bytes: u64) -> String {
    in_units(bytes, &SIZES)
}

/// A time in the largest unit that divides it.
pub fn time(seconds: u64) -> String {
    in_units(seconds, &TIMES)
}

fn in_units(number: u64, units: &[(&str, u64)]) -> String {
    let fitting =
        units.iter().find(|(_, factor)| number >= *factor && number.is_multiple_of(*factor));
    let (unit, factor) = fitting.or(units.last()).copied().unwrap_or(("", 1));
    format!("{}{unit}", number / factor)
}
