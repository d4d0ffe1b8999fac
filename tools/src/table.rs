//! Tables for people.
//!
//! Invariant: columns line up for full-width text too, and no cell can drive the terminal: control
//! characters and direction overrides are shown as escapes. Knows nothing about what the rows mean.

use std::fmt::Write;

use comfy_table::{CellAlignment, ContentArrangement, presets};
use unicode_width::{UnicodeWidthChar, UnicodeWidthStr};

/// Which side of a column its cells stand on.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Align {
    /// Text.
    Left,
    /// Numbers.
    Right,
}

/// A table under construction.
pub struct Table {
    inner: comfy_table::Table,
    aligns: Vec<Align>,
}

impl Table {
    /// A table with these columns.
    #[must_use]
    pub fn new(columns: &[(&str, Align)]) -> Self {
        let mut inner = comfy_table::Table::new();
        inner.load_style(presets::NOTHING);
        inner.set_header(columns.iter().map(|(name, _)| *name));
        Self { inner, aligns: columns.iter().map(|(_, align)| *align).collect() }
    }

    /// Adds a row; cells are made safe to show.
    pub fn row<S: AsRef<str>>(&mut self, cells: impl IntoIterator<Item = S>) {
        self.inner.add_row(cells.into_iter().map(|cell| printable(cell.as_ref())));
    }

    /// The text, each line without trailing blanks; wrapped where `columns` is too narrow.
    #[must_use]
    pub fn render(&self, columns: Option<u16>) -> String {
        let mut table = self.inner.clone();
        if let Some(width) = columns {
            table.set_content_arrangement(ContentArrangement::Dynamic).set_width(width);
        }
        for (column, align) in table.column_iter_mut().zip(&self.aligns) {
            column.set_padding((0, 2));
            column.set_cell_alignment(match align {
                Align::Left => CellAlignment::Left,
                Align::Right => CellAlignment::Right,
            });
        }
        let mut out = String::new();
        for line in table.lines() {
            out.push_str(line.trim_end());
            out.push('\n');
        }
        out
    }
}

/// The text with every character escaped that a terminal would act on.
#[must_use]
pub fn printable(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        if c.is_control() || is_format_control(c) {
            let _ = write!(out, "\\u{{{:x}}}", u32::from(c));
        } else {
            out.push(c);
        }
    }
    out
}

/// The text cut to this many columns, with `…` where something is missing.
#[must_use]
pub fn cut(text: &str, columns: usize) -> String {
    if text.width() <= columns {
        return text.to_owned();
    }
    let (mut out, mut used) = (String::new(), 0);
    for c in text.chars() {
        used += c.width().unwrap_or(0);
        if used >= columns {
            break;
        }
        out.push(c);
    }
    out.push('…');
    out
}

/// Characters that reorder or hide their neighbours: a name could pose as another.
fn is_format_control(c: char) -> bool {
    matches!(c, '\u{200b}' | '\u{200e}' | '\u{200f}' | '\u{2028}'..='\u{202e}')
        || matches!(c, '\u{2060}'..='\u{206f}' | '\u{feff}' | '\u{fff9}'..='\u{fffb}')
}

#[cfg(test)]
mod tests {
    use super::*;

    const COLUMNS: [(&str, Align); 3] =
        [("actor", Align::Left), ("records", Align::Right), ("action", Align::Left)];

    #[test]
    fn full_width_text_lines_up() {
        let mut table = Table::new(&COLUMNS);
        let names = ["佐藤 花子", "ﾀｶﾊｼ", "O'Neill", "𠮷野 家", "髙橋 はしごだか 長い名前の職員"];
        for name in names {
            table.row([name, "7", "@READ"]);
        }
        let text = table.render(None);
        let starts: Vec<usize> = text
            .lines()
            .skip(1)
            .map(|line| line.split_once('@').expect("the last column").0.width())
            .collect();
        assert_eq!(starts.len(), names.len(), "{text}");
        assert!(starts.iter().all(|start| *start == starts[0]), "{starts:?}\n{text}");
        assert!(text.starts_with("actor"), "{text}");
    }

    #[test]
    fn a_narrow_terminal_wraps_within_its_width() {
        let mut table = Table::new(&COLUMNS);
        table.row(["診療所の長い名前 ".repeat(9).as_str(), "1", "UPDATE_CHART"]);
        let text = table.render(Some(60));
        assert!(text.lines().count() > 3, "{text}");
        assert!(text.lines().all(|line| line.width() <= 60), "{text}");
    }

    #[test]
    fn cut_text_keeps_within_its_columns() {
        assert_eq!(cut("abc", 3), "abc");
        assert_eq!(cut("abcd", 3), "ab…");
        assert_eq!(cut("佐藤花子", 8), "佐藤花子");
        assert_eq!(cut("佐藤花子", 7), "佐藤花…");
        assert_eq!(cut("佐藤花子", 6).width(), 5);
    }

    #[test]
    fn a_cell_can_not_drive_the_terminal() {
        assert_eq!(printable("a\u{1b}[2J\r\n\u{9b}"), "a\\u{1b}[2J\\u{d}\\u{a}\\u{9b}");
        assert_eq!(printable("admin\u{202e}exe"), "admin\\u{202e}exe");
        assert_eq!(printable("佐藤 花子 é"), "佐藤 花子 é");
    }
}
