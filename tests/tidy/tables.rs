//! Reads the byte tables of a document: rows `| offset | size | name | meaning |` under a
//! `### heading`.
//!
//! Invariant: a table with a row that is not understood is a fault, never a shorter table.
//! Knows nothing about the structures themselves.

/// One row: `size` is `None` where the document says `n` or a formula (a variable length).
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Row {
    pub(crate) offset: Option<u64>,
    pub(crate) size: Option<u64>,
    pub(crate) name: String,
}

/// One byte table and the heading above it, in lower case, without back-quotes.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Table {
    pub(crate) heading: String,
    pub(crate) rows: Vec<Row>,
}

/// All byte tables of a document, in order.
pub(crate) fn byte_tables(document: &str) -> Result<Vec<Table>, String> {
    let mut tables: Vec<Table> = Vec::new();
    let mut heading = String::new();
    let mut inside = false;
    for (i, line) in document.lines().enumerate() {
        let line = line.trim();
        if let Some(title) = line.strip_prefix("### ") {
            heading = plain(title);
        }
        let Some(cells) = cells(line) else {
            inside = false;
            continue;
        };
        if is_title(&cells) {
            inside = true;
            tables.push(Table { heading: heading.clone(), rows: Vec::new() });
        } else if inside && !is_rule(&cells) {
            let row = row(&cells).ok_or_else(|| format!("line {}: not a row: {line}", i + 1))?;
            if let Some(table) = tables.last_mut() {
                table.rows.push(row);
            }
        }
    }
    Ok(tables)
}

fn cells(line: &str) -> Option<Vec<String>> {
    let inner = line.strip_prefix('|')?.strip_suffix('|')?;
    Some(inner.split('|').map(plain).collect())
}

fn plain(text: &str) -> String {
    text.replace('`', "").trim().to_lowercase()
}

fn is_title(cells: &[String]) -> bool {
    let mut titles = cells.iter().map(String::as_str);
    titles.next() == Some("offset")
        && titles.next() == Some("size")
        && titles.next() == Some("name")
}

fn is_rule(cells: &[String]) -> bool {
    cells.iter().all(|cell| !cell.is_empty() && cell.chars().all(|c| c == '-' || c == ':'))
}

fn row(cells: &[String]) -> Option<Row> {
    let (offset, size, name) = (cells.first()?, cells.get(1)?, cells.get(2)?);
    if offset.is_empty() || size.is_empty() || name.is_empty() {
        return None;
    }
    Some(Row { offset: offset.parse().ok(), size: size.parse().ok(), name: name.clone() })
}

#[test]
fn byte_tables_are_read_with_their_headings() {
    let document = concat!(
        "### `Frame` header\n\n| offset | size | name | meaning |\n|---|---:|---|---|\n",
        "| 0 | 4 | `magic` | x |\n| 4 | n | payload | y |\n\n| a | b |\n|---|---|\n| c | d |\n",
    );
    let tables = byte_tables(document).unwrap();
    let magic = Row { offset: Some(0), size: Some(4), name: "magic".to_owned() };
    let payload = Row { offset: Some(4), size: None, name: "payload".to_owned() };
    let expected = Table { heading: "frame header".to_owned(), rows: vec![magic, payload] };
    assert_eq!(tables, [expected]);
    assert!(byte_tables("| offset | size | name |\n|-|-|-|\n| 0 | | x |\n").is_err());
}
