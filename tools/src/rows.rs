//! Records as rows and cards for people.
//!
//! Invariant: a damaged record has its place in every listing, and never a body.

use shoseki_engine::log::Entry;
use shoseki_engine::record::{Body, Member, string_value};

use crate::failure::Stop;
use crate::output::{Form, Results};
use crate::table::{Align, Table, printable};

/// A table of records.
pub(crate) fn table() -> Table {
    Table::new(&[
        ("seq", Align::Right),
        ("time", Align::Left),
        ("actor", Align::Left),
        ("action", Align::Left),
        ("target", Align::Left),
        ("result", Align::Left),
    ])
}

/// Adds one record.
pub(crate) fn add(table: &mut Table, entry: &Entry) {
    let seq = entry.seq().to_string();
    let without = |what: &str| [seq.clone(), String::new(), what.to_owned()].map(Some);
    let Some(body) = entry.record().and_then(|record| Body::parse(record.body()).ok()) else {
        let what = if entry.is_damaged() { "(bytes don't verify)" } else { "(erased)" };
        table.row(without(what).into_iter().flatten().chain((0..3).map(|_| String::new())));
        return;
    };
    let target = match (body.target_type(), body.target_id()) {
        (Some(kind), Some(id)) => format!("{kind} {id}"),
        (kind, id) => kind.or(id).unwrap_or_default().into_owned(),
    };
    table.row([
        seq,
        body.timestamp().to_string(),
        body.actor_id().into_owned(),
        body.action().into_owned(),
        target,
        body.result().to_string(),
    ]);
}

/// Writes one record as a card of its members.
pub(crate) fn card(out: &mut Results<'_>, entry: &Entry) -> Result<(), Stop> {
    let mut line =
        |name: &str, value: &str| out.line(format_args!("{name:<18}{}", printable(value)));
    line("seq", &entry.seq().to_string())?;
    if let Some(body) = entry.record().and_then(|record| Body::parse(record.body()).ok()) {
        for member in Member::ALL {
            if let Some(token) = body.member(member) {
                let text = string_value(token).unwrap_or_else(|| String::from_utf8_lossy(token));
                line(member.name(), &text)?;
            }
        }
    } else if let Some(id) = entry.audit_id() {
        line("audit_id", &id.to_string())?;
    }
    match entry {
        Entry::Record(record) => {
            line("hash", &record.hash.to_hex())?;
            line("chain_hash", &record.chain_hash.to_hex())?;
            line("integrity_status", "valid")
        }
        Entry::Erased { hash, chain_hash, .. } => {
            line("hash", &hash.to_hex())?;
            line("chain_hash", &chain_hash.to_hex())?;
            line("integrity_status", "unknown (erased)")
        }
        Entry::Damaged { .. } => line("integrity_status", "tampered"),
    }
}

/// Writes records as export lines or as a table, and counts the damaged ones.
pub(crate) struct Listing {
    table: Option<Table>,
    line: Vec<u8>,
    /// Records written.
    pub(crate) count: u64,
    /// How many of them are damaged.
    pub(crate) damaged: u64,
}

impl Listing {
    pub(crate) fn new(form: Form) -> Self {
        let table = (form == Form::Text).then(table);
        Self { table, line: Vec::new(), count: 0, damaged: 0 }
    }

    pub(crate) fn add(&mut self, entry: &Entry, out: &mut Results<'_>) -> Result<(), Stop> {
        self.count += 1;
        self.damaged += u64::from(entry.is_damaged());
        if let Some(table) = &mut self.table {
            add(table, entry);
            return Ok(());
        }
        self.line.clear();
        entry.write_export_line(&mut self.line);
        self.line.push(b'\n');
        out.bytes(&self.line)
    }

    /// Writes what was gathered for a person.
    pub(crate) fn finish(&self, out: &mut Results<'_>) -> Result<(), Stop> {
        match &self.table {
            Some(table) if self.count > 0 => out.table(table),
            _ => Ok(()),
        }
    }
}
