//! The file: from its text to values of keys, each with its line and column.
//!
//! Invariant: total over any text; what is wrong is listed, all of it, and nothing is ignored.
//! Knows nothing about what the values mean together.

use std::collections::BTreeMap;
use std::ops::Range;
use std::path::Path;

use toml::de::{DeTable, DeValue};

use super::draft::Draft;
use super::fault::{ConfigFault, NOTHING, Place, nearest, shown};
use super::keys::{Key, TABLES};
use super::settings::ClientRule;
use super::value::{Kind, Raw, Value, line};
use crate::identity::Role;

const CLIENTS: &str = "identity.clients";
const SYSTEMS: &str = "ingest.source_systems";
/// Names in an entry of `identity.clients`; all are needed.
pub(super) const CLIENT_NAMES: [&str; 4] = ["certificate", "subject", "roles", "facilities"];

/// A text and where its lines begin.
struct Document<'a> {
    path: &'a Path,
    text: &'a str,
    lines: Vec<usize>,
}

/// Reads the text of a file into the draft. Whether it was TOML throughout.
pub(super) fn read(draft: &mut Draft, path: &Path, text: &str) -> bool {
    let ends = text.bytes().enumerate().filter(|(_, byte)| *byte == b'\n');
    let lines = std::iter::once(0).chain(ends.map(|(at, _)| at + 1)).collect();
    let document = Document { path, text, lines };
    let (table, errors) = DeTable::parse_recoverable(text);
    let before = draft.faults.len();
    document.section(draft, "", table.get_ref());
    if errors.is_empty() {
        return true;
    }
    // What recovery made of a broken line is not what was meant.
    let broken: Vec<Place> =
        errors.iter().map(|error| document.place(&error.span().unwrap_or_default())).collect();
    let meant = draft.faults.split_off(before);
    draft.faults.extend(meant.into_iter().filter(|fault| !is_on_line_of(&fault.place, &broken)));
    for (error, place) in errors.iter().zip(&broken) {
        let message = error.message().split_whitespace().collect::<Vec<_>>().join(" ");
        draft.faults.push(ConfigFault::new(place, "", "TOML", format!("a fault in it: {message}")));
    }
    false
}

fn is_on_line_of(place: &Place, broken: &[Place]) -> bool {
    let Place::Line(_, line, _) = place else { return false };
    broken.iter().any(|other| matches!(other, Place::Line(_, number, _) if number == line))
}

impl Document<'_> {
    fn place(&self, span: &Range<usize>) -> Place {
        let number = self.lines.partition_point(|start| *start <= span.start).max(1);
        let start = self.lines.get(number - 1).copied().unwrap_or(0);
        let before = self.text.get(start..span.start).unwrap_or_default();
        Place::Line(self.path.to_owned(), number, before.chars().count() + 1)
    }

    fn section(&self, draft: &mut Draft, section: &str, table: &DeTable<'_>) {
        for (name, value) in table {
            let at = self.place(&value.span());
            let path = join(section, name.get_ref());
            if path == CLIENTS {
                self.clients(draft, value.get_ref(), &at);
                draft.places.insert(CLIENTS, at);
            } else if path == SYSTEMS {
                self.systems(draft, value.get_ref(), &at);
            } else if let (Some(key), false) = (Key::find(&path), name.get_ref().contains('.')) {
                draft.put(key, &raw(value.get_ref()), at);
            } else if is_section(&path) && !name.get_ref().contains('.') {
                match value.get_ref() {
                    DeValue::Table(inner) => self.section(draft, &path, inner),
                    other => draft.faults.push(
                        ConfigFault::new(&at, &path, "a section", raw(other).shown())
                            .remedy(format!("write [{path}] on a line of its own")),
                    ),
                }
            } else {
                let at = self.place(&name.span());
                draft.faults.push(unknown(&at, section, name.get_ref()));
            }
        }
    }

    fn clients(&self, draft: &mut Draft, value: &DeValue<'_>, at: &Place) {
        let DeValue::Array(list) = value else {
            let got = raw(value).shown();
            let fault = ConfigFault::new(at, CLIENTS, "a list of tables", got);
            draft.faults.push(fault.remedy("write [[identity.clients]] before each entry"));
            return;
        };
        for (number, entry) in list.iter().enumerate() {
            let path = format!("{CLIENTS}[{number}]");
            let at = self.place(&entry.span());
            match entry.get_ref() {
                DeValue::Table(table) => self.client(draft, &path, table, &at),
                other => {
                    let fault = ConfigFault::new(&at, &path, "a table", raw(other).shown());
                    draft.faults.push(fault);
                }
            }
        }
    }

    fn client(&self, draft: &mut Draft, path: &str, table: &DeTable<'_>, at: &Place) {
        let mut found = BTreeMap::new();
        for (name, value) in table {
            let name_at = self.place(&name.span());
            match CLIENT_NAMES.iter().find(|known| *known == name.get_ref()) {
                Some(known) => {
                    found.insert(*known, (raw(value.get_ref()), self.place(&value.span())));
                }
                None => {
                    let known = nearest(name.get_ref(), CLIENT_NAMES);
                    draft.faults.push(not_known(&name_at, path, name.get_ref(), known));
                }
            }
        }
        for name in CLIENT_NAMES.iter().filter(|name| !found.contains_key(**name)) {
            let fault = ConfigFault::new(at, &join(path, name), "a value", NOTHING);
            draft.faults.push(fault.remedy("every entry names all four"));
        }
        let mut field = |name: &str, kind: Kind| {
            let (raw, at) = found.get(name)?;
            draft.value(&join(path, name), kind, raw, at).map(|value| (value, at))
        };
        let certificate = field("certificate", Kind::Text);
        let subject = field("subject", Kind::Text);
        let roles = field("roles", Kind::Texts);
        let facilities = field("facilities", Kind::Texts);
        let roles = roles.and_then(|(value, at)| read_roles(draft, path, value, at));
        let facilities = facilities.and_then(|(value, at)| read_facilities(draft, path, value, at));
        let subject = subject.and_then(|(value, at)| read_subject(draft, path, value, at));
        let (Some((Value::Text(certificate), at)), Some(subject)) = (certificate, subject) else {
            return;
        };
        let (Some(roles), Some(facilities)) = (roles, facilities) else { return };
        if draft.settings.identity.clients.iter().any(|rule| rule.certificate == certificate) {
            let key = join(path, "certificate");
            let got = format!("{} twice", shown(&certificate));
            draft.faults.push(ConfigFault::new(at, &key, "each certificate once", got));
            return;
        }
        let rule = ClientRule { certificate, subject, roles, facilities };
        draft.settings.identity.clients.push(rule);
    }

    fn systems(&self, draft: &mut Draft, value: &DeValue<'_>, at: &Place) {
        let DeValue::Table(table) = value else {
            let got = raw(value).shown();
            draft.faults.push(ConfigFault::new(at, SYSTEMS, "a table of lists", got));
            return;
        };
        for (producer, value) in table {
            let at = self.place(&value.span());
            let key = join(SYSTEMS, producer.get_ref());
            if line(producer.get_ref()).is_none() {
                let got = shown(producer.get_ref());
                draft.faults.push(ConfigFault::new(&at, &key, "the name of a producer", got));
            } else if let Some(Value::Texts(systems)) =
                draft.value(&key, Kind::Texts, &raw(value.get_ref()), &at)
            {
                let producer = producer.get_ref().clone().into_owned();
                draft.settings.ingest.source_systems.insert(producer, systems);
            }
        }
    }
}

fn read_roles(draft: &mut Draft, path: &str, value: Value, at: &Place) -> Option<Vec<Role>> {
    let Value::Texts(names) = value else { return None };
    let key = join(path, "roles");
    let known = Role::ALL.map(Role::as_str);
    let expected = || format!("some of {}", known.join(", "));
    if names.is_empty() {
        draft.faults.push(ConfigFault::new(at, &key, expected(), "an empty list"));
        return None;
    }
    let mut roles = Vec::new();
    for name in &names {
        match Role::parse(name) {
            Some(role) => roles.push(role),
            None => draft.faults.push(ConfigFault::new(at, &key, expected(), shown(name))),
        }
    }
    (roles.len() == names.len()).then_some(roles)
}

fn read_facilities(draft: &mut Draft, path: &str, value: Value, at: &Place) -> Option<Vec<String>> {
    let Value::Texts(names) = value else { return None };
    let all = names.iter().any(|name| name == "*");
    if names.is_empty() || (all && names.len() > 1) {
        let key = join(path, "facilities");
        let got = if all { "\"*\" beside others" } else { "an empty list" };
        draft.faults.push(ConfigFault::new(at, &key, "facilities, or [\"*\"] alone", got));
        return None;
    }
    Some(names)
}

/// Names that records can carry as their producer, and that are not the server's own.
fn read_subject(draft: &mut Draft, path: &str, value: Value, at: &Place) -> Option<String> {
    const SUBJECT_LEN_MAX: usize = 256;
    let Value::Text(name) = value else { return None };
    if name.contains('#') || name == "shoseki" || name.len() > SUBJECT_LEN_MAX {
        let key = join(path, "subject");
        let expected = "a name of at most 256 bytes without `#`, other than \"shoseki\"";
        draft.faults.push(ConfigFault::new(at, &key, expected, shown(&name)));
        return None;
    }
    Some(name)
}

fn join(section: &str, name: &str) -> String {
    if section.is_empty() { name.to_owned() } else { format!("{section}.{name}") }
}

fn is_section(path: &str) -> bool {
    let inside = |whole: &str| whole.strip_prefix(path).is_some_and(|rest| rest.starts_with('.'));
    Key::all().any(|key| inside(key.path)) || TABLES.iter().any(|(table, _)| inside(table))
}

/// All sections and keys directly in a section, by their names in it.
fn names_in(section: &str) -> impl Iterator<Item = &'static str> {
    let paths = Key::all().map(|key| key.path).chain(TABLES.iter().map(|(path, _)| *path));
    let inside: Vec<&'static str> = paths
        .filter_map(|path| {
            let rest = if section.is_empty() {
                path
            } else {
                path.strip_prefix(section)?.strip_prefix('.')?
            };
            rest.split('.').next()
        })
        .collect();
    inside.into_iter()
}

fn unknown(at: &Place, section: &str, name: &str) -> ConfigFault {
    if let Some(near) = nearest(name, names_in(section)) {
        return not_known(at, section, name, Some(near));
    }
    let elsewhere = Key::all().find(|key| key.split().1 == name || key.path == name);
    let fault = not_known(at, section, name, None);
    match elsewhere.map(Key::split) {
        Some(("", _)) => fault.remedy("it stands at the top, before the first section"),
        Some((section, name)) => fault.remedy(format!("`{name}` stands in [{section}]")),
        None => fault,
    }
}

fn not_known(at: &Place, section: &str, name: &str, near: Option<&str>) -> ConfigFault {
    let fault = ConfigFault::new(at, &join(section, name), "a key that is known", shown(name));
    match near {
        Some(near) => fault.remedy(format!("did you mean `{near}`?")),
        None => fault.remedy("take it out, or see configuration.md for what there is"),
    }
}

fn raw(value: &DeValue<'_>) -> Raw {
    match value {
        DeValue::String(text) => Raw::Text(text.clone().into_owned()),
        DeValue::Integer(number) => match i64::from_str_radix(number.as_str(), number.radix()) {
            Ok(number) => Raw::Integer(number),
            Err(_) => Raw::Other("integer beyond 64 bits"),
        },
        DeValue::Boolean(flag) => Raw::Flag(*flag),
        DeValue::Array(list) => Raw::List(list.iter().map(|one| raw(one.get_ref())).collect()),
        other => Raw::Other(other.type_str()),
    }
}
