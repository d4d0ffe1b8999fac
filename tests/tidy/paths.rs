//! The paths that a piece of Rust code names, with `use` trees written out.
//!
//! Invariant: a path appears once for each place that names it, with its line.
//! Knows nothing about layers; macros are not expanded, glob imports end in `*`.

use std::fmt;

/// `crate::format::Frame`, as written, at a line counted from 1.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct NamedPath {
    pub(crate) line: usize,
    pub(crate) segments: Vec<String>,
}

impl fmt::Display for NamedPath {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.segments.join("::"))
    }
}

impl NamedPath {
    /// Does the path, read from its start, name `prefix` (`std::fs`) or something in it?
    pub(crate) fn is_in(&self, prefix: &str) -> bool {
        let mut own = self.segments.iter().map(String::as_str);
        prefix.split("::").all(|part| own.next() == Some(part))
    }

    /// With `self` and `super` resolved against the module that names it.
    pub(crate) fn resolved(&self, module: &[String]) -> Self {
        let mut rest = self.segments.as_slice();
        let mut base: Vec<String> = Vec::new();
        if let Some(("self" | "super", _)) = rest.split_first().map(|(s, r)| (s.as_str(), r)) {
            base.push("crate".to_owned());
            base.extend_from_slice(module);
            while let Some((first, behind)) = rest.split_first() {
                match first.as_str() {
                    "self" => {}
                    "super" if base.len() > 1 => drop(base.pop()),
                    _ => break,
                }
                rest = behind;
            }
        }
        base.extend_from_slice(rest);
        Self { line: self.line, segments: base }
    }
}

/// All paths of two or more segments and all `use` paths. `code` holds no comments or literals.
pub(crate) fn named(code: &str) -> Vec<NamedPath> {
    let tokens = tokens(code);
    let mut found = Vec::new();
    let mut at = 0;
    while let Some(token) = tokens.get(at) {
        if token.text == "use" {
            at = use_tree(&tokens, at + 1, &[], &mut found);
        } else if token.is_word() {
            let (path, next) = plain_path(&tokens, at);
            if path.segments.len() > 1 {
                found.push(path);
            }
            at = next;
        } else {
            at += 1;
        }
    }
    found
}

#[derive(Debug)]
struct Token {
    line: usize,
    text: String,
}

impl Token {
    fn is_word(&self) -> bool {
        self.text.starts_with(|c: char| c.is_alphanumeric() || c == '_')
    }
}

fn tokens(code: &str) -> Vec<Token> {
    let mut tokens: Vec<Token> = Vec::new();
    for (i, line) in code.lines().enumerate() {
        let mut chars = line.chars().peekable();
        while let Some(c) = chars.next() {
            let mut text = c.to_string();
            if c.is_alphanumeric() || c == '_' {
                while let Some(more) = chars.next_if(|c| c.is_alphanumeric() || *c == '_') {
                    text.push(more);
                }
            } else if c == ':' && chars.next_if_eq(&':').is_some() {
                text.push(':');
            } else if c.is_whitespace() {
                continue;
            }
            tokens.push(Token { line: i + 1, text });
        }
    }
    tokens
}

fn plain_path(tokens: &[Token], begin: usize) -> (NamedPath, usize) {
    let line = tokens.get(begin).map_or(0, |token| token.line);
    let mut segments: Vec<String> = Vec::new();
    let mut at = begin;
    while let Some(token) = tokens.get(at).filter(|token| token.is_word()) {
        segments.push(token.text.clone());
        at += 1;
        match tokens.get(at) {
            Some(separator) if separator.text == "::" => at += 1,
            _ => break,
        }
    }
    (NamedPath { line, segments }, at.max(begin + 1))
}

/// Reads one `use` tree up to its `;`, `,` or `}`; returns the place of that token.
fn use_tree(
    tokens: &[Token],
    begin: usize,
    prefix: &[String],
    found: &mut Vec<NamedPath>,
) -> usize {
    let mut segments = prefix.to_vec();
    let mut at = begin;
    while let Some(token) = tokens.get(at) {
        match token.text.as_str() {
            "::" => at += 1,
            "{" => return use_group(tokens, at + 1, &segments, found),
            "as" => at += 2,
            ";" | "," | "}" => break,
            _ => {
                segments.push(token.text.clone());
                at += 1;
            }
        }
    }
    if segments.len() > prefix.len() {
        let line = tokens.get(begin).map_or(0, |token| token.line);
        found.push(NamedPath { line, segments });
    }
    at
}

fn use_group(
    tokens: &[Token],
    begin: usize,
    prefix: &[String],
    found: &mut Vec<NamedPath>,
) -> usize {
    let mut at = begin;
    while let Some(token) = tokens.get(at) {
        at = match token.text.as_str() {
            "}" => return at + 1,
            "," => at + 1,
            _ => use_tree(tokens, at, prefix, found),
        };
    }
    at
}

#[test]
fn use_trees_are_written_out_and_inline_paths_found() {
    let code = "use crate::{a, b::{self, C as D}};\nuse std::fs;\nfn f() -> e::G { crate::h::i() }";
    let found = named(code);
    let listed: Vec<String> = found.iter().map(|p| format!("{} {p}", p.line)).collect();
    let expected =
        ["1 crate::a", "1 crate::b::self", "1 crate::b::C", "2 std::fs", "3 e::G", "3 crate::h::i"];
    assert_eq!(listed, expected);
    assert!(found.iter().any(|path| path.is_in("std::fs")));
    assert!(!found.iter().any(|path| path.is_in("std::f")));
}

#[test]
fn relative_paths_are_resolved_against_their_module() {
    let module = ["record".to_owned(), "json".to_owned()];
    let resolve = |text: &str| named(text).first().map(|p| p.resolved(&module).to_string());
    assert_eq!(resolve("super::super::log::Log"), Some("crate::log::Log".to_owned()));
    assert_eq!(resolve("super::fault::Fault"), Some("crate::record::fault::Fault".to_owned()));
    assert_eq!(resolve("self::x::Y"), Some("crate::record::json::x::Y".to_owned()));
    assert_eq!(resolve("std::fs::File"), Some("std::fs::File".to_owned()));
}
