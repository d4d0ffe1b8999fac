//! The byte tables of engine/docs/format.md and index-format.md against the constants of the code.
//!
//! Invariant: each structure that the code lays out has exactly one table under a `### heading` of
//! the same name, row for row, and no table describes a structure that the code does not have.
//! Knows nothing about encoding: golden vectors check that.
//!
//! Contract with the engine: `LAYOUTS: &[(&str, &[Field])]` in `shoseki_engine::format` and in
//! `shoseki_engine::index::file`, the name being the heading in lower case, with
//! `Field { offset: usize, size: usize, name: &str }` for each part of fixed place and size, in
//! order of place. Rows of variable place or size (`n`) come last in a table and are not compared.

use std::fs;

use shoseki_engine::format::Field;
use shoseki_tests::workspace;

use crate::source::assert_none;
use crate::tables::{Row, Table, byte_tables};

/// (offset, size, name)
type Part = (u64, u64, String);

fn parts_of(layouts: &[(&str, &[Field])]) -> Vec<(String, Vec<Part>)> {
    let number = |value: usize| u64::try_from(value).unwrap_or(u64::MAX);
    let part = |offset, size, name: &str| (number(offset), number(size), name.to_lowercase());
    layouts
        .iter()
        .map(|(heading, fields)| {
            let parts = fields.iter().map(|f| part(f.offset, f.size, f.name)).collect();
            (heading.to_lowercase(), parts)
        })
        .collect()
}

fn fixed_part(row: &Row) -> Option<Part> {
    Some((row.offset?, row.size?, row.name.clone()))
}

fn compare(tables: &[Table], layouts: &[(String, Vec<Part>)]) -> Vec<String> {
    let mut faults = Vec::new();
    for (heading, parts) in layouts {
        let found: Vec<&Table> = tables.iter().filter(|table| table.heading == *heading).collect();
        let [table] = found.as_slice() else {
            faults.push(format!("{heading}: {} tables in the document", found.len()));
            continue;
        };
        let documented: Vec<Part> = table.rows.iter().filter_map(fixed_part).collect();
        if documented != *parts {
            faults.push(format!("{heading}:\n  document {documented:?}\n  code     {parts:?}"));
        }
        let mut end = 0;
        for (offset, size, name) in parts {
            if *offset != end {
                faults.push(format!("{heading}: {name} at {offset}, not at {end}"));
            }
            end = offset + size;
        }
    }
    for table in tables {
        if !layouts.iter().any(|(heading, _)| *heading == table.heading) {
            faults.push(format!("{}: in the document, not in the code", table.heading));
        }
    }
    faults
}

#[test]
fn byte_tables_equal_the_constants() {
    for (name, layouts) in [
        ("format.md", shoseki_engine::format::LAYOUTS),
        ("index-format.md", shoseki_engine::index::file::LAYOUTS),
    ] {
        let path = workspace::root().join("engine/docs").join(name);
        let document = fs::read_to_string(path).unwrap();
        assert!(!layouts.is_empty(), "the code lays out nothing");
        let faults = compare(&byte_tables(&document).unwrap(), &parts_of(layouts));
        assert_none(name, &faults);
    }
}

#[test]
fn planted_differences_are_found() {
    let document = "### a\n| offset | size | name | meaning |\n|-|-|-|-|\n| 0 | 4 | magic | |\n\
                    | 4 | n | rest | |\n";
    let tables = byte_tables(document).unwrap();
    let code = |heading: &str, offset: u64, size: u64| {
        vec![(heading.to_owned(), vec![(offset, size, "magic".to_owned())])]
    };
    assert_eq!(compare(&tables, &code("a", 0, 4)).len(), 0);
    assert_eq!(compare(&tables, &code("a", 0, 8)).len(), 1);
    assert_eq!(compare(&tables, &code("a", 1, 4)).len(), 2);
    assert_eq!(compare(&tables, &code("b", 0, 4)).len(), 2);
}
