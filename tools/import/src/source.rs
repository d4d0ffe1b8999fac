//! The files behind the arguments: directories are walked, gzip is unpacked.
//!
//! Invariant: the order is the order of the arguments, and by name inside a directory, so that two
//! runs see the same. Knows nothing about JSON.

use std::fmt;
use std::fs::{self, File};
use std::io::{self, BufRead, BufReader, Read};
use std::path::{Path, PathBuf};

use flate2::bufread::MultiGzDecoder;

use crate::error::InputFault;

/// Endings of the files that are taken from a directory, each also with `.gz`.
const ENDINGS: [&str; 4] = ["json", "jsonl", "ndjson", "log"];
/// Bytes read at once.
const BUFFER_LEN: usize = 256 * 1024;

/// One input.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub enum Input {
    /// Standard input (`-`).
    Stdin,
    /// A file.
    File(PathBuf),
}

impl Input {
    /// Opens it; gzip is recognised by its first two bytes, not by its name.
    ///
    /// # Errors
    /// The error of opening or reading it.
    pub fn open<'a>(&self, stdin: &'a mut dyn Read) -> io::Result<Box<dyn BufRead + 'a>> {
        match self {
            Self::Stdin => unpacked(stdin),
            Self::File(path) => unpacked(File::open(path)?),
        }
    }

    /// The file's path.
    #[must_use]
    pub fn path(&self) -> Option<&Path> {
        match self {
            Self::Stdin => None,
            Self::File(path) => Some(path),
        }
    }
}

impl fmt::Display for Input {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Stdin => f.write_str("standard input"),
            Self::File(path) => path.display().fmt(f),
        }
    }
}

/// The inputs behind these arguments; none means standard input.
///
/// # Errors
/// A path that does not exist or a directory that can't be read.
pub fn inputs(arguments: &[PathBuf]) -> Result<Vec<Input>, InputFault> {
    if arguments.is_empty() {
        return Ok(vec![Input::Stdin]);
    }
    let mut found = Vec::new();
    for argument in arguments {
        if argument.as_os_str() == "-" {
            found.push(Input::Stdin);
        } else {
            walk(argument, true, &mut found)
                .map_err(|source| InputFault { path: argument.clone(), source })?;
        }
    }
    Ok(found)
}

fn walk(path: &Path, named: bool, found: &mut Vec<Input>) -> io::Result<()> {
    // A link to a directory inside a directory is not followed: it could lead back.
    let is_dir = if named { path.metadata()? } else { path.symlink_metadata()? }.is_dir();
    if !is_dir {
        if named || is_wanted(path) {
            found.push(Input::File(path.to_owned()));
        }
        return Ok(());
    }
    let mut entries = fs::read_dir(path)?
        .map(|entry| entry.map(|entry| entry.path()))
        .collect::<io::Result<Vec<_>>>()?;
    entries.sort();
    entries.iter().try_for_each(|entry| walk(entry, false, found))
}

fn is_wanted(path: &Path) -> bool {
    let name = path.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
    let name = name.strip_suffix(".gz").unwrap_or(&name);
    let ending = name.rsplit_once('.').map_or("", |(_, ending)| ending);
    !name.starts_with('.') && ENDINGS.contains(&ending) && path.is_file()
}

fn unpacked<'a>(mut source: impl Read + 'a) -> io::Result<Box<dyn BufRead + 'a>> {
    let mut start = Vec::with_capacity(2);
    source.by_ref().take(2).read_to_end(&mut start)?;
    let packed = start == [0x1f, 0x8b];
    let whole = BufReader::with_capacity(BUFFER_LEN, io::Cursor::new(start).chain(source));
    if packed {
        return Ok(Box::new(BufReader::with_capacity(BUFFER_LEN, MultiGzDecoder::new(whole))));
    }
    Ok(Box::new(whole))
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use flate2::{Compression, write::GzEncoder};

    use super::*;

    fn gzip(text: &str) -> Vec<u8> {
        let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
        encoder.write_all(text.as_bytes()).expect("packed");
        encoder.finish().expect("packed")
    }

    fn read(input: &Input, stdin: &[u8]) -> io::Result<String> {
        let (mut text, mut stdin) = (String::new(), stdin);
        input.open(&mut stdin)?.read_to_string(&mut text).map(|_| text)
    }

    #[test]
    fn directories_are_walked_by_name_and_gzip_is_unpacked() {
        let dir = tempfile::tempdir().expect("a directory");
        let put = |name: &str, bytes: &[u8]| {
            let path = dir.path().join(name);
            fs::create_dir_all(path.parent().expect("a parent")).expect("made");
            fs::write(path, bytes).expect("written");
        };
        put("b.json", b"2");
        put("a/z.jsonl.gz", &[gzip("1"), gzip("one")].concat());
        put("c.txt", b"not taken from a directory");
        put(".hidden.json", b"not taken either");
        let found = inputs(&[dir.path().to_owned()]).expect("inputs");
        let texts: Vec<_> = found.iter().map(|input| read(input, b"").expect("read")).collect();
        assert_eq!(texts, ["1one", "2"]);
        let named = inputs(&[dir.path().join("c.txt")]).expect("inputs");
        assert_eq!(named.len(), 1);
        assert!(inputs(&[dir.path().join("none")]).is_err());
    }

    #[test]
    fn standard_input_may_be_packed_short_or_empty() {
        let all = inputs(&[]).expect("inputs");
        assert_eq!(all, inputs(&["-".into()]).expect("inputs"));
        for text in ["", "7", "[]", "long enough"] {
            assert_eq!(read(&all[0], text.as_bytes()).expect("read"), text);
            assert_eq!(read(&all[0], &gzip(text)).expect("read"), text);
        }
        let mut cut = gzip("long enough");
        cut.truncate(cut.len() - 9);
        assert!(read(&all[0], &cut).is_err(), "a cut gzip file is a fault, not an end");
    }
}
