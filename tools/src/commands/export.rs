//! `shoseki export`: records in the order of the log, as JSON Lines or CSV.

use std::fs::{self, File};
use std::io::{BufWriter, Write};
use std::path::{Path, PathBuf};

use clap::{Args, ValueEnum};
use shoseki_engine::log::Entry;
use shoseki_engine::query::Order;
use shoseki_engine::record::{Body, csv_header, csv_row, csv_row_damaged, csv_row_erased};
use shoseki_engine::types::counted;

use crate::commands::query::damaged;
use crate::explain;
use crate::failure::{Failure, Status, Stop};
use crate::filter_args::FilterArgs;
use crate::logs;
use crate::output::{Results, Session};
use crate::progress::Unit;
use crate::remote::{self, RemoteArgs, entries_of};

/// Arguments of `export`.
#[derive(Args, Debug)]
#[command(after_help = "An export is never cut: a file appears under its name only when it is \
                        whole. CSV is for spreadsheets; only JSON Lines can be verified.")]
pub struct Export {
    /// What to export; everything without a filter
    #[command(flatten)]
    pub filter: FilterArgs,
    /// Form of the export
    #[arg(long, value_enum, default_value_t = Format::Jsonl)]
    pub format: Format,
    /// File to write; standard output without it
    #[arg(short, long, value_name = "FILE")]
    pub output: Option<PathBuf>,
    /// CSV: leave cells alone that a spreadsheet would run as a formula
    #[arg(long)]
    pub raw: bool,
    /// CSV: begin with a byte-order mark, which some spreadsheets want
    #[arg(long)]
    pub bom: bool,
    /// The server to ask.
    #[command(flatten)]
    pub remote: RemoteArgs,
}

/// Form of an export.
#[derive(Clone, Copy, PartialEq, Eq, Debug, ValueEnum)]
pub enum Format {
    /// The bytes that were hashed, a record per line
    Jsonl,
    /// A row per record
    Csv,
}

/// What was written.
#[derive(Default)]
struct Written {
    /// Whether no part of the log was missing.
    whole: bool,
    records: u64,
    damaged: u64,
    seqs: Option<(u64, u64)>,
}

impl Export {
    /// Writes the export.
    ///
    /// # Errors
    /// Wrong options, or the log can't be read or the export can't be written.
    pub fn run(&self, session: &mut Session<'_>) -> Result<Status, Stop> {
        if self.format == Format::Jsonl && (self.raw || self.bom) {
            let wrong = Failure::invalid("--raw and --bom are for --format csv");
            return Err(wrong.next("leave them out, or add --format csv").into());
        }
        let written = match &self.output {
            Some(path) if path.as_os_str() != "-" => self.to_file(path, session)?,
            _ => self.write(session, |bytes, out| out.bytes(bytes))?,
        };
        let span = written.seqs.map(|(first, last)| format!(" (seq {first} to {last})"));
        let span = span.unwrap_or_default();
        session.notes.note(format_args!("{} exported{span}", counted(written.records, "record")));
        let status = damaged(written.damaged, &mut session.notes);
        Ok(if written.whole { status } else { Status::Found })
    }

    /// Writes beside the file and renames, so that the name never stands for a part.
    fn to_file(&self, path: &Path, session: &mut Session<'_>) -> Result<Written, Stop> {
        if fs::metadata(path).is_ok_and(|meta| !meta.is_file()) {
            return self.to_device(path, session);
        }
        let mut name = path.file_name().unwrap_or_default().to_owned();
        name.push(format!(".{}.part", std::process::id()));
        let part = path.with_file_name(name);
        let failed = |error| {
            Failure::could_not(format_args!("writing the export: {error}"))
                .at(path.display())
                .next("check the path and the free space, then run the command again")
        };
        let mut file = BufWriter::new(File::create_new(&part).map_err(failed)?);
        let done = self
            .write(session, |bytes, _| Ok(file.write_all(bytes).map_err(failed)?))
            .and_then(|written| {
                let whole = file.flush().and_then(|()| file.get_ref().sync_all());
                whole.and_then(|()| fs::rename(&part, path)).map_err(failed)?;
                Ok(written)
            });
        if done.is_err() {
            // What is left of it is of no use to anyone.
            let _ = fs::remove_file(&part);
        }
        done
    }

    /// A pipe or a device is written to as it is: a rename would put a file in its place.
    fn to_device(&self, path: &Path, session: &mut Session<'_>) -> Result<Written, Stop> {
        let failed = |error| {
            Failure::could_not(format_args!("writing the export: {error}"))
                .at(path.display())
                .next("check the path, then run the command again")
        };
        let device = File::options().write(true).open(path).map_err(failed)?;
        let mut device = BufWriter::new(device);
        let written =
            self.write(session, |bytes, _| Ok(device.write_all(bytes).map_err(failed)?))?;
        device.flush().map_err(failed)?;
        Ok(written)
    }

    fn write<'s>(
        &self,
        session: &mut Session<'s>,
        mut write: impl FnMut(&[u8], &mut Results<'s>) -> Result<(), Stop>,
    ) -> Result<Written, Stop> {
        let mut line = Vec::new();
        if self.bom {
            line.extend_from_slice("\u{feff}".as_bytes());
        }
        if self.format == Format::Csv {
            csv_header(&mut line);
        }
        let client = self.remote.client(session)?;
        let filter = self.filter.filter()?;
        let reader = if client.is_none() { Some(logs::reader(session)?) } else { None };
        let total = reader.as_ref().filter(|_| filter.is_empty()).map(|reader| reader.size().0);
        let progress = session.progress("exporting", Unit::Records, total);
        let Session { out, shared, .. } = session;
        write(&line, out)?;
        let whole = reader.as_ref().is_none_or(|reader| reader.damage().is_empty());
        let mut written = Written { whole, ..Written::default() };
        let mut each = |entry: Entry| {
            line.clear();
            self.line(&entry, &mut line);
            write(&line, out)?;
            let seq = entry.seq().0;
            written.records += 1;
            written.damaged += u64::from(entry.is_damaged());
            written.seqs = Some((written.seqs.map_or(seq, |(first, _)| first), seq));
            progress.advance(1);
            Ok::<(), Stop>(())
        };
        if let Some(mut client) = client {
            entries_of(&mut client, remote::filter(&self.filter)?, each)?;
        } else if let Some(reader) = reader {
            for entry in reader.select(&filter, Order::Ascending) {
                each(entry.map_err(|error| explain::read(&error, shared.data_dir()))?)?;
            }
        }
        Ok(written)
    }

    fn line(&self, entry: &Entry, out: &mut Vec<u8>) {
        if self.format == Format::Jsonl {
            entry.write_export_line(out);
            out.push(b'\n');
            return;
        }
        match entry {
            Entry::Record(record) => match Body::parse(record.body()) {
                Ok(body) => {
                    let (hash, chain) = (&record.hash, &record.chain_hash);
                    csv_row(&body, record.seq, hash, chain, self.raw, out);
                }
                // It has its hash, so it is what was stored, but nothing that has cells.
                Err(_) => csv_row_damaged(None, record.seq, out),
            },
            Entry::Erased { seq, audit_id, hash, chain_hash } => {
                csv_row_erased(audit_id, *seq, hash, chain_hash, out);
            }
            Entry::Damaged { seq, audit_id } => csv_row_damaged(audit_id.as_ref(), *seq, out),
        }
    }
}
