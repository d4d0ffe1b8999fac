//! The example file and the table of the document, both against the code.
//!
//! `SHOSEKI_WRITE_DOC=1` writes what is due.

use std::fmt::Write;
use std::path::{Path, PathBuf};

use shoseki_server::config::{Key, OTHER_VARIABLES, Profile, Settings, TABLES};

use crate::support::{Folder, compare};

const BEGIN: &str = "<!-- keys: written by the test `documents` -->\n";
const END: &str = "<!-- end of keys -->\n";

fn server(path: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join(path)
}

/// The example: keys without a default, and those whose default follows, as comments.
fn example() -> String {
    let mut text = String::from(
        "# Configuration of Shoseki: every key, with its default. A line that begins\n\
         # with `# name =` is unset by default. See docs/configuration.md. Variables go before this file.\n\n",
    );
    let mut last = "";
    for key in Key::all() {
        let (section, name) = key.split();
        if section != last {
            write!(text, "\n[{section}]\n").unwrap();
            last = section;
        }
        let off = if key.has_default() { "" } else { "# " };
        write!(text, "# {}\n{off}{name} = {}\n", key.about, key.shown).unwrap();
    }
    text.push_str(
        "\n# `sourceSystem` values that a producer may send; unset: server-modernized.\n\
         [ingest.source_systems]\n# clinic-1 = [\"server-modernized\"]\n\
         \n# What a client certificate stands for; one entry for each.\n\
         # [[identity.clients]]\n# certificate = \"dns:importer.clinic.example\"\n\
         # subject = \"importer\"\n# roles = [\"writer\"]\n# facilities = [\"clinic-1\"]\n",
    );
    text
}

fn table() -> String {
    let mut text =
        String::from("| Key | Default | Expected | What it is for |\n|---|---|---|---|\n");
    for key in Key::all() {
        let default = if key.has_default() { key.shown } else { "unset" };
        let expected = key.kind.expected().replace('|', "\\|");
        let row = format!("| `{}` | `{default}` | {expected} | {} |\n", key.path, key.about);
        text.push_str(&row.replace("`unset`", "unset"));
    }
    for (path, about) in TABLES {
        writeln!(text, "| `{path}` | none | a table, in the file only | {about} |").unwrap();
    }
    text
}

#[test]
fn the_example_lists_every_key_with_its_default() {
    compare(&server("shoseki.example.toml"), &example());
}

#[test]
fn the_example_changes_nothing() {
    let text = std::fs::read_to_string(server("shoseki.example.toml")).expect("there");
    let settings = Folder::new().load(&text).expect("valid");
    let usual = Settings::development(Path::new("./shoseki-data"));
    for key in Key::all() {
        assert_eq!(key.value_in(&settings), key.value_in(&usual), "{}", key.path);
        let name = key.split().1;
        assert!(text.contains(&format!("{name} = {}\n", key.shown)), "{}", key.path);
    }
    assert_eq!(settings.profile, Profile::Development);
}

#[test]
fn every_line_of_the_example_can_be_taken() {
    let text = std::fs::read_to_string(server("shoseki.example.toml")).expect("there");
    let is_key = |line: &str| {
        let name = line.split(" = ").next().unwrap_or_default();
        line.contains(" = ") && name.bytes().all(|b| b.is_ascii_lowercase() || b"_-1".contains(&b))
    };
    let on: Vec<&str> = text
        .lines()
        .map(|line| match line.strip_prefix("# ") {
            Some(rest) if is_key(rest) || rest.starts_with("[[") => rest,
            _ => line,
        })
        .collect();
    let text = on.join("\n").replace("client_auth = \"off\"", "client_auth = \"optional\"");
    let settings = Folder::new().read(&text).map_err(|faults| format!("{faults:#?}"));
    let settings = settings.expect("valid");
    let unset = Key::all().filter(|key| key.value_in(&settings).is_none()).map(|key| key.path);
    assert_eq!(unset.collect::<Vec<_>>(), Vec::<&str>::new());
    assert_eq!(settings.identity.clients.len(), 1);
}

#[test]
fn the_document_lists_every_key() {
    let path = server("docs/configuration.md");
    let text = std::fs::read_to_string(&path).expect("there");
    let (before, rest) = text.split_once(BEGIN).expect("the beginning of the table");
    let (_, after) = rest.split_once(END).expect("its end");
    compare(&path, &format!("{before}{BEGIN}{}{END}{after}", table()));
}

#[test]
fn variables_of_tests_are_those_that_the_tests_use() {
    let listed: Vec<&str> = OTHER_VARIABLES.to_vec();
    for known in ["SHOSEKI_CONFIG", "SHOSEKI_TESTDATA", "SHOSEKI_WRITE_DOC"] {
        assert!(listed.contains(&known), "{known}");
    }
    assert!(Key::all().all(|key| !listed.contains(&key.variable().as_str())));
}
