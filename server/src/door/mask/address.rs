//! E-mail addresses.
//!
//! Invariant: an address has a local part of ASCII characters, and a domain with a dot whose last
//! label is no number.

use std::ops::Range;

use super::folded::Folded;

/// The address around the `@` at this place.
pub(super) fn around(text: &Folded, at: usize) -> Option<Range<usize>> {
    let head = text.chars.get(..at)?;
    let start = head.iter().rposition(|c| !is_local(*c)).map_or(0, |place| place + 1);
    let skipped = text.chars.get(start..at)?.iter().take_while(|c| **c == '.').count();
    let start = start + skipped;
    if start == at || text.in_arn(start) {
        return None;
    }
    let tail = text.chars.get(at + 1..)?;
    let ascii = domain_len(tail, |c| c.is_ascii_alphanumeric());
    // A name in another script stands where there is no ASCII one.
    let len = ascii.or_else(|| domain_len(tail, char::is_alphanumeric))?;
    Some(start..at + 1 + len)
}

fn is_local(c: char) -> bool {
    c.is_ascii_alphanumeric() || matches!(c, '.' | '_' | '%' | '+' | '-' | '\'')
}

/// Length of the domain at the start of these characters.
fn domain_len(tail: &[char], is_letter: fn(char) -> bool) -> Option<usize> {
    let end = tail.iter().position(|c| !(is_letter(*c) || matches!(c, '.' | '-')));
    let name: String = tail.get(..end.unwrap_or(tail.len()))?.iter().collect();
    let name = name.trim_end_matches(['.', '-']);
    let mut labels = name.split('.');
    let last = labels.next_back()?;
    let good = |label: &str| !label.is_empty() && !label.starts_with('-') && !label.ends_with('-');
    let is_number = last.chars().all(|c| c.is_ascii_digit());
    let known = last.chars().count() >= 2 && !is_number && good(last);
    let before = labels.clone().count() > 0 && labels.all(good);
    (known && before).then(|| name.chars().count())
}

impl Folded {
    /// The word around an `@` that was cut: what is left of an address in an excerpt.
    pub(super) fn cut_address(&self, at: usize) -> Option<Range<usize>> {
        let head = self.chars.get(..at)?;
        let start = head.iter().rposition(|c| !is_local(*c)).map_or(0, |place| place + 1);
        let tail = self.chars.get(at..)?;
        let end = tail.iter().position(|c| c.is_whitespace()).unwrap_or(tail.len());
        (start < at && !self.in_arn(start)).then_some(start..at + end)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(text: &str) -> Option<String> {
        let folded = Folded::new(text);
        let at = folded.chars.iter().position(|c| *c == '@')?;
        let range = folded.bytes(&around(&folded, at)?);
        text.get(range).map(str::to_owned)
    }

    #[test]
    fn addresses_end_where_they_end() {
        assert_eq!(found("to taro@example.jp.").as_deref(), Some("taro@example.jp"));
        assert_eq!(found("連絡先はtaro@example.jpです").as_deref(), Some("taro@example.jp"));
        assert_eq!(found("taro@例え.jp ").as_deref(), Some("taro@例え.jp"));
        let wide = "\u{ff54}\u{ff20}\u{ff45}\u{ff0e}\u{ff4a}\u{ff50}";
        assert_eq!(found(wide).as_deref(), Some(wide));
        for none in ["@example.jp", "a@b", "a@1.2.3.4", "a@.jp", "a@b.", "git@", "x @ y.jp"] {
            assert_eq!(found(none), None, "{none}");
        }
        assert_eq!(found("arn:aws:sts::1:assumed-role/r/a@example.jp"), None);
    }
}
