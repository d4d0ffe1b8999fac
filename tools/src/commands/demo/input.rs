//! The records of a demonstration: a made-up day, or whatever the given input is.
//!
//! Invariant: the kind of an input is found out by trying; nothing of it is guessed into a record.

use std::convert::Infallible;
use std::io::{self, BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::time::{SystemTime, UNIX_EPOCH};

use shoseki_engine::record::{Limits, Record};

use crate::commands::import::{SHIPPED, mapping};
use crate::failure::Failure;
use shoseki_import::{Dialect, Importer, Input, Item, inputs};
use shoseki_lab::generate::clinic_day;

/// Records and what they are.
pub(super) struct Records {
    pub(super) records: Vec<Record>,
    /// What one of them was.
    pub(super) noun: &'static str,
    /// Where they are from.
    pub(super) of: String,
    pub(super) refused: usize,
}

/// Most records that a demonstration takes.
const RECORDS_MAX: usize = 200_000;
/// The day is made up, but always the same for the same date.
const SEED: u64 = 7;

/// Yesterday in a clinic in Japan.
pub(super) fn made_up() -> Records {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default().as_secs();
    let today = i64::try_from((since + 9 * 3_600) / 86_400).unwrap_or(1);
    let records = clinic_day(SEED, (today - 1).max(1));
    Records { records, noun: "record", of: " of a made-up day of a clinic".to_owned(), refused: 0 }
}

/// Records as `append` takes them, or the first kind of trail that fits.
pub(super) fn read(path: &Path) -> Result<Records, Failure> {
    let files = inputs(&[PathBuf::from(path)])?;
    if let Some(records) = plain(&files)? {
        return Ok(Records { records, noun: "record", of: String::new(), refused: 0 });
    }
    let known = [("CloudTrail", Dialect::CloudTrail), ("Kubernetes", Dialect::Kubernetes)];
    for (name, dialect) in known {
        if let Some(found) = trail(&files, name, dialect)? {
            return Ok(found);
        }
    }
    for (name, _) in SHIPPED {
        if let Some(found) = trail(&files, name, Dialect::Mapped(Box::new(mapping(name)?)))? {
            return Ok(found);
        }
    }
    Err(Failure::invalid("no event of the input fits a kind of trail that is known")
        .at(path.display())
        .next("write a mapping file and use `shoseki import jsonl --map FILE`"))
}

/// All lines as records, if the first one is.
fn plain(files: &[Input]) -> Result<Option<Vec<Record>>, Failure> {
    let limits = Limits::default();
    let mut records = Vec::new();
    for file in files {
        let mut none = io::empty();
        let reader = file.open(&mut none).map_err(|error| unreadable(&error, file))?;
        for line in BufReader::new(reader).split(b'\n') {
            let line = line.map_err(|error| unreadable(&error, file))?;
            match Record::from_json(&line, &limits) {
                Ok(record) => records.push(record),
                Err(_) if records.is_empty() && !line.trim_ascii().is_empty() => return Ok(None),
                Err(_) => {}
            }
            if records.len() == RECORDS_MAX {
                return Ok(Some(records));
            }
        }
    }
    Ok(Some(records).filter(|records| !records.is_empty()))
}

fn trail(files: &[Input], name: &str, dialect: Dialect) -> Result<Option<Records>, Failure> {
    let (root, limits) = (None, Limits::default());
    let importer = Importer { dialect, root, filters: Vec::new(), facility: None, limits };
    let (mut records, mut refused) = (Vec::new(), 0);
    for file in files {
        let mut none = io::empty();
        let mut reader = file.open(&mut none).map_err(|error| unreadable(&error, file))?;
        let read = importer.read(&mut *reader, &mut |_, item| {
            match item {
                Item::Record(record) if records.len() < RECORDS_MAX => records.push(*record),
                _ => refused += 1,
            }
            Ok::<(), Infallible>(())
        });
        if read.is_err() {
            return Ok(None);
        }
    }
    let of = format!(" of {name}");
    // A trail of another kind maps nothing, or a line by chance.
    Ok(Some(Records { records, noun: "event", of, refused })
        .filter(|found| found.records.len() > refused))
}

fn unreadable(error: &io::Error, file: &Input) -> Failure {
    Failure::could_not(format_args!("reading the input: {error}"))
        .at(file)
        .next("check the path and its permissions")
}
