//! The configuration file: settings of the log and of imports, in TOML.
//!
//! Invariant: a name that is not known is a fault with the file, the line and the name; nothing is
//! ignored. Options on the command line go before the file. Knows nothing about commands.

use std::fs;
use std::path::Path;

use serde::Deserialize;
use shoseki_engine::log::LogOptions;
use shoseki_engine::record::Limits;
use shoseki_engine::types::Origin;

use crate::failure::Failure;

/// What a configuration file may say.
#[derive(Clone, PartialEq, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Config {
    /// How the log is opened for writing.
    pub log: LogSection,
    /// What a record may be at most.
    pub limits: LimitsSection,
    /// How trails are imported.
    pub import: ImportSection,
}

/// `[log]`.
#[derive(Clone, PartialEq, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct LogSection {
    /// Name of a log that is made.
    pub origin: Option<String>,
    /// Bytes after which an active file is closed.
    pub segment_raw_len_max: Option<u64>,
    /// Bytes of batches that may wait.
    pub queue_len_max: Option<usize>,
    /// Bytes that stay free on the file system.
    pub free_space_reserve: Option<u64>,
    /// Level of zstd for sealed segments, 1 to 22.
    pub compression_level: Option<i32>,
    /// Days within which a repeat is recognised.
    pub idempotency_days: Option<u32>,
    /// Last records among which a repeat is recognised.
    pub idempotency_records: Option<u64>,
    /// Bytes of decoded records that reads keep.
    pub cache_len_max: Option<usize>,
}

/// `[limits]`.
#[derive(Clone, PartialEq, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct LimitsSection {
    /// Bytes of a stored record.
    pub record_len_max: Option<usize>,
    /// Levels of `detail`.
    pub detail_depth_max: Option<usize>,
    /// Members of `detail`.
    pub detail_members_max: Option<usize>,
}

/// `[import]`.
#[derive(Clone, PartialEq, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct ImportSection {
    /// Name under which imported records stand.
    pub producer: Option<String>,
    /// `facility_id` of events that name none.
    pub facility: Option<String>,
}

impl Config {
    /// Reads a file.
    ///
    /// # Errors
    /// The file can't be read, or says something that is not known or can't be.
    pub fn read(path: &Path) -> Result<Self, Failure> {
        let text = fs::read_to_string(path).map_err(|error| {
            Failure::could_not(format_args!("reading the configuration: {error}"))
                .at(path.display())
                .next("check --config and SHOSEKI_CONFIG")
        })?;
        Self::parse(&text).map_err(|what| {
            Failure::invalid(format_args!("the configuration is not valid: {what}"))
                .at(path.display())
                .next("correct the file; `shoseki help` names the options that go without one")
        })
    }

    fn parse(text: &str) -> Result<Self, String> {
        let config: Self = toml::from_str(text).map_err(|error| error.to_string())?;
        if let Some(origin) = &config.log.origin {
            Origin::new(origin).map_err(|error| format!("log.origin: {error}"))?;
        }
        let level = config.log.compression_level;
        if level.is_some_and(|level| !(1..=22).contains(&level)) {
            return Err("log.compression_level: expected 1 to 22".to_owned());
        }
        if config.log.segment_raw_len_max == Some(0) || config.log.queue_len_max == Some(0) {
            return Err("log: a length of 0 leaves no room for a record".to_owned());
        }
        Ok(config)
    }

    /// Limits of a record.
    #[must_use]
    pub fn limits(&self) -> Limits {
        let (mut limits, own) = (Limits::default(), &self.limits);
        set(&mut limits.record_len_max, own.record_len_max);
        set(&mut limits.detail_depth_max, own.detail_depth_max);
        set(&mut limits.detail_members_max, own.detail_members_max);
        limits
    }

    /// How the log is opened for writing.
    #[must_use]
    pub fn log_options(&self) -> LogOptions {
        let (mut options, log) = (LogOptions::default(), &self.log);
        options.limits = self.limits();
        options.origin = log.origin.as_deref().and_then(|origin| Origin::new(origin).ok());
        options.free_space_reserve = log.free_space_reserve;
        set(&mut options.segment_raw_len_max, log.segment_raw_len_max);
        set(&mut options.queue_len_max, log.queue_len_max);
        set(&mut options.compression_level, log.compression_level);
        set(&mut options.idempotency_days, log.idempotency_days);
        set(&mut options.idempotency_records, log.idempotency_records);
        set(&mut options.cache_len_max, log.cache_len_max);
        options
    }
}

fn set<T>(place: &mut T, value: Option<T>) {
    if let Some(value) = value {
        *place = value;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_said_is_taken_and_the_rest_stays() {
        let text = "[log]\norigin = \"clinic.example/a\"\nsegment_raw_len_max = 4096\n\
                    [limits]\ndetail_depth_max = 9\n[import]\nproducer = \"trail\"\n";
        let config = Config::parse(text).expect("valid");
        let (options, usual) = (config.log_options(), LogOptions::default());
        assert_eq!(options.origin.map(|o| o.to_string()).as_deref(), Some("clinic.example/a"));
        assert_eq!(options.segment_raw_len_max, 4096);
        assert_eq!(options.queue_len_max, usual.queue_len_max);
        assert_eq!(options.limits.detail_depth_max, 9);
        assert_eq!(config.import.producer.as_deref(), Some("trail"));
        assert_eq!(Config::parse("").expect("valid"), Config::default());
    }

    #[test]
    fn what_is_not_known_is_named() {
        for (text, named) in [
            ("[log]\norigins = \"a\"\n", "origins"),
            ("[logs]\n", "logs"),
            ("[log]\nidempotency_days = \"many\"\n", "idempotency_days"),
            ("[log]\norigin = \"a b\"\n", "log.origin"),
            ("[log]\ncompression_level = 99\n", "log.compression_level"),
            ("[log", "["),
        ] {
            let fault = Config::parse(text).expect_err(text);
            assert!(fault.contains(named), "{text:?}: {fault}");
        }
    }
}
