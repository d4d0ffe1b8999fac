//! The published table of the second dialect is that of the code.

use shoseki_server::door::{MEMBERS, Need, Place};

#[test]
fn the_table_of_the_document_is_the_table_of_the_code() {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/docs/records.md");
    let text = std::fs::read_to_string(path).unwrap();
    let rows: Vec<&str> = text.lines().filter(|line| line.starts_with("| `")).collect();
    let expected: Vec<String> = MEMBERS
        .iter()
        .map(|member| {
            let need = match member.need {
                Need::Always => "yes",
                Need::OnFailure => "on failure",
                Need::No => "no",
            };
            let place = match member.place {
                Place::Column(name) => format!("`{name}`"),
                Place::Both(name) => format!("`{name}`, `detail`"),
                Place::Detail => "`detail`".to_owned(),
                Place::Members => "first members of `detail`".to_owned(),
            };
            format!("| `{}` | {need} | {} | {place} |", member.name, member.shape.expected())
        })
        .collect();
    assert_eq!(rows, expected, "\n{}", expected.join("\n"));
}
