//! Reads the project's files and tells Rust code from comments, literals and tests.
//!
//! Invariant: whatever is blanked keeps its line breaks, so line numbers stay true.
//! Knows nothing about rules.

use std::fs;

use shoseki_tests::workspace;

/// One text file of the project.
pub(crate) struct File {
    /// Relative to the workspace, with `/`.
    pub(crate) path: String,
    pub(crate) text: String,
}

impl File {
    pub(crate) fn is_rust(&self) -> bool {
        has_ending(&self.path, &["rs"])
    }

    /// A file that holds nothing but tests.
    pub(crate) fn is_test(&self) -> bool {
        self.path.starts_with("tests/")
            || self.path.split('/').any(|part| part == "tests" || part == "tests.rs")
    }
}

/// All text files with one of these endings; `""` takes files without any, such as `tests/run`.
pub(crate) fn files(endings: &[&str]) -> Vec<File> {
    let root = workspace::root();
    let names = workspace::files().unwrap_or_default();
    let wanted = names.into_iter().filter(|path| has_ending(path, endings));
    wanted
        .filter_map(|path| {
            fs::read_to_string(root.join(&path)).ok().map(|text| File { path, text })
        })
        .collect()
}

/// Panics, rather than passing on nothing, when the tree was not found.
pub(crate) fn rust_files_under(prefixes: &[&str]) -> Vec<File> {
    let mut found = files(&["rs"]);
    found.retain(|file| prefixes.iter().any(|prefix| file.path.starts_with(prefix)));
    assert!(!found.is_empty(), "no Rust files under {prefixes:?}: is this the workspace?");
    found
}

fn has_ending(path: &str, endings: &[&str]) -> bool {
    let name = path.rsplit('/').next().unwrap_or(path);
    let ending = name.rsplit_once('.').map_or("", |(_, ending)| ending);
    endings.contains(&ending)
}

/// Says all faults at once.
pub(crate) fn assert_none(rule: &str, faults: &[String]) {
    assert!(faults.is_empty(), "{rule}:\n{}", faults.join("\n"));
}

/// The text with comments and the insides of literals turned into spaces.
pub(crate) fn code_only(text: &str) -> String {
    let chars: Vec<char> = text.chars().collect();
    let mut out: Vec<char> = Vec::with_capacity(chars.len());
    let mut at = 0;
    while let Some(&here) = chars.get(at) {
        let rest = chars.get(at..).unwrap_or_default();
        let word_before = at.checked_sub(1).and_then(|i| chars.get(i)).is_some_and(is_word);
        let length = match here {
            '/' if rest.get(1) == Some(&'/') => line_comment(rest),
            '/' if rest.get(1) == Some(&'*') => block_comment(rest),
            'r' | 'b' if !word_before => raw_string(rest).unwrap_or(0),
            '"' => quoted(rest),
            '\'' => char_literal(rest).unwrap_or(0),
            _ => 0,
        };
        let blanked = rest.get(..length).unwrap_or(rest);
        out.extend(blanked.iter().map(|c| if *c == '\n' { '\n' } else { ' ' }));
        if length == 0 {
            out.push(here);
        }
        at += length.max(1);
    }
    out.into_iter().collect()
}

fn is_word(c: &char) -> bool {
    c.is_alphanumeric() || *c == '_'
}

fn line_comment(rest: &[char]) -> usize {
    rest.iter().position(|c| *c == '\n').unwrap_or(rest.len())
}

fn block_comment(rest: &[char]) -> usize {
    let mut depth = 0_usize;
    let mut at = 0;
    while at < rest.len() {
        match (rest.get(at), rest.get(at + 1)) {
            (Some('/'), Some('*')) => {
                depth += 1;
                at += 2;
            }
            (Some('*'), Some('/')) => {
                depth -= 1;
                at += 2;
                if depth == 0 {
                    return at;
                }
            }
            _ => at += 1,
        }
    }
    rest.len()
}

/// `r"…"`, `r#"…"#`, `br"…"`; not `r#name`.
fn raw_string(rest: &[char]) -> Option<usize> {
    let start = usize::from(rest.first() == Some(&'b'));
    if rest.get(start) != Some(&'r') {
        return None;
    }
    let hashes = rest.iter().skip(start + 1).take_while(|c| **c == '#').count();
    let open = start + 1 + hashes;
    if rest.get(open) != Some(&'"') {
        return None;
    }
    let ends = |at: usize| {
        rest.get(at) == Some(&'"')
            && rest.iter().skip(at + 1).take(hashes).filter(|c| **c == '#').count() == hashes
    };
    let close = (open + 1..rest.len()).find(|at| ends(*at));
    Some(close.map_or(rest.len(), |at| at + 1 + hashes))
}

fn quoted(rest: &[char]) -> usize {
    let mut at = 1;
    while let Some(c) = rest.get(at) {
        match c {
            '\\' => at += 2,
            '"' => return at + 1,
            _ => at += 1,
        }
    }
    rest.len()
}

/// `'x'`, `'\n'`, `'\u{1f600}'`; `None` for a lifetime.
fn char_literal(rest: &[char]) -> Option<usize> {
    if rest.get(1) == Some(&'\\') {
        let close = rest.iter().skip(3).position(|c| *c == '\'')?;
        return Some(close + 4);
    }
    (rest.get(2) == Some(&'\'')).then_some(3)
}

/// Code (already without comments and literals) with `#[cfg(test)]` items blanked.
pub(crate) fn without_tests(code: &str) -> String {
    split_tests(code).0
}

/// Code with its `#[cfg(test)]` items blanked, and those items with everything else blanked.
pub(crate) fn split_tests(code: &str) -> (String, String) {
    let chars: Vec<char> = code.chars().collect();
    let mut shipped = chars.clone();
    let mut tests: Vec<char> = chars.iter().map(|c| blank(*c)).collect();
    let mut at = 0;
    while let Some(begin) = find_test_item(&chars, at) {
        let end = item_end(&chars, begin);
        for i in begin..end {
            if let (Some(s), Some(t), Some(c)) =
                (shipped.get_mut(i), tests.get_mut(i), chars.get(i))
            {
                *s = blank(*c);
                *t = *c;
            }
        }
        at = end;
    }
    (shipped.into_iter().collect(), tests.into_iter().collect())
}

fn blank(c: char) -> char {
    if c == '\n' { '\n' } else { ' ' }
}

fn find_test_item(chars: &[char], from: usize) -> Option<usize> {
    let starts = |at: usize, what: &str| {
        what.chars().enumerate().all(|(i, c)| chars.get(at + i) == Some(&c))
    };
    let mut range = from..chars.len();
    range.find(|at| starts(*at, "#[cfg(test)]") || starts(*at, "#[cfg(all(test"))
}

/// The end of the item behind an attribute: its `;`, or the `}` that closes its first `{`.
fn item_end(chars: &[char], begin: usize) -> usize {
    let mut depth = 0_usize;
    for (i, c) in chars.iter().enumerate().skip(begin) {
        match c {
            '(' | '[' | '{' => depth += 1,
            ')' | ']' => depth = depth.saturating_sub(1),
            '}' => {
                depth = depth.saturating_sub(1);
                if depth == 0 {
                    return i + 1;
                }
            }
            ';' if depth == 0 => return i + 1,
            _ => {}
        }
    }
    chars.len()
}

#[test]
fn comments_and_literals_are_blanked_and_lines_kept() {
    let text =
        "a // x\n/* b /* c */ */ d(\"e \\\" f\", 'g', '\\'', r#\"h \" i\"#) 'life\nbr\"j\" k";
    let code = code_only(text);
    assert_eq!(code.split_whitespace().collect::<String>(), "ad(,,,)'lifek");
    assert_eq!(code.lines().count(), text.lines().count());
}

#[test]
fn test_items_are_cut_out_whole() {
    let code = concat!(
        "fn a() {}\n#[cfg(test)]\nmod tests {\n fn b() { c(); }\n}\n",
        "#[cfg(test)]\nmod d;\nfn e() {}",
    );
    let (shipped, tests) = split_tests(code);
    assert_eq!(shipped.split_whitespace().collect::<String>(), "fna(){}fne(){}");
    assert!(tests.contains("c();") && !tests.contains("fn e"));
}
