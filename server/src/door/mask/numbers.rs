//! Numbers that stand for a person: telephone, My Number, card, health insurance.
//!
//! Invariant: a number of bare digits, and a My Number or insurance number in any form, is found
//! only beside a word that says what it is. A telephone number with `+`, or in its usual groups,
//! and a card number in its groups say it themselves.

use std::ops::Range;

use super::folded::Folded;
use super::spans::Kind;

/// Most groups of one number.
const GROUPS_MAX: usize = 8;

/// Digits that nothing stands between.
struct Group {
    chars: Range<usize>,
    digits: String,
}

/// Groups that may be one number.
struct Candidate<'a> {
    groups: &'a [Group],
    digits: String,
    chars: Range<usize>,
    /// What stands between the groups.
    between: Vec<String>,
    plus: bool,
    /// Whether the first group stands in parentheses.
    area: bool,
}

/// The numbers of a text, in order. Where `strict`, none of them needs a word beside it.
pub(super) fn find(text: &Folded, strict: bool) -> Vec<(Kind, Range<usize>)> {
    let groups = groups(text);
    let mut found = Vec::new();
    let mut rest: &[Group] = &groups;
    while let Some((_, tail)) = rest.split_first() {
        let longest = rest.len().min(GROUPS_MAX);
        let hit = (1..=longest).rev().find_map(|count| {
            let candidate = Candidate::of(text, rest.get(..count)?)?;
            let kind = kind(text, &candidate, strict)?;
            Some((count, kind, candidate.chars))
        });
        match hit {
            Some((count, kind, chars)) => {
                found.push((kind, chars));
                rest = rest.get(count..).unwrap_or_default();
            }
            None => rest = tail,
        }
    }
    found
}

fn groups(text: &Folded) -> Vec<Group> {
    let mut groups = Vec::new();
    let mut at = 0;
    while let Some(c) = text.get(at) {
        let start = at;
        at += 1;
        if !c.is_ascii_digit() {
            continue;
        }
        while text.get(at).is_some_and(|c| c.is_ascii_digit()) {
            at += 1;
        }
        let digits = text.chars.get(start..at).unwrap_or_default().iter().collect();
        groups.push(Group { chars: start..at, digits });
    }
    groups
}

impl<'a> Candidate<'a> {
    /// These groups, where only what belongs into a number stands between and around them.
    fn of(text: &Folded, groups: &'a [Group]) -> Option<Self> {
        let (first, last) = (groups.first()?, groups.last()?);
        let mut between = Vec::new();
        let (mut before, mut open) = (None, false);
        for group in groups {
            if let Some(end) = before {
                let part: String = text.chars.get(end..group.chars.start)?.iter().collect();
                let known = ["-", " ", ".", "(", ")", " (", ") ", ")-", "-("];
                known.contains(&part.as_str()).then_some(())?;
                open |= part.contains('(');
                between.push(part);
            }
            before = Some(group.chars.end);
        }
        let mut start = first.chars.start;
        let area = text.before(start) == Some('(');
        start -= usize::from(area && between.iter().any(|part| part.contains(')')));
        let plus = text.before(start) == Some('+');
        start -= usize::from(plus);
        let end = last.chars.end + usize::from(open && text.get(last.chars.end) == Some(')'));
        let is_word = |c: char| c.is_ascii_alphanumeric() || c == '_';
        if text.before(start).is_some_and(is_word) || text.get(end).is_some_and(is_word) {
            return None;
        }
        // A part of a longer number, a version or a date is nothing by itself.
        let joined = |c: Option<char>| matches!(c, Some('-' | '.'));
        let inside = |near: Option<char>, far: Option<char>| {
            joined(near) && far.is_some_and(|c| c.is_ascii_alphanumeric())
        };
        if inside(text.get(end), text.get(end + 1))
            || inside(text.before(start), start.checked_sub(1).and_then(|at| text.before(at)))
            || text.in_arn(start)
        {
            return None;
        }
        let digits = groups.iter().map(|group| group.digits.as_str()).collect();
        Some(Self { groups, digits, chars: start..end, between, plus, area })
    }

    fn lens(&self) -> Vec<usize> {
        self.groups.iter().map(|group| group.digits.len()).collect()
    }

    fn is_bare(&self) -> bool {
        self.groups.len() == 1
    }

    /// Whether the groups are divided by one sign throughout.
    fn is_even(&self, sign: &str) -> bool {
        self.between.iter().all(|part| part == sign)
    }
}

fn kind(text: &Folded, candidate: &Candidate<'_>, strict: bool) -> Option<Kind> {
    let around = text.around(&candidate.chars);
    let said = |words: &[&str]| strict || has_word(&around, words);
    if candidate.plus {
        let fits = (8..=16).contains(&candidate.digits.len());
        return (fits && !candidate.digits.starts_with('0')).then_some(Kind::Phone);
    }
    if !(candidate.is_even("-") || candidate.is_even(" ")) {
        let fits = candidate.area && is_grouped_phone(candidate);
        return fits.then_some(Kind::Phone);
    }
    if is_card(&candidate.digits) {
        let grouped =
            matches!(*candidate.lens(), [4, 4, 4, 1..=4] | [4, 4, 4, 4, 1..=3] | [4, 6, 4 | 5]);
        let issuer = candidate.digits.starts_with(['2', '3', '4', '5', '6']);
        if grouped && issuer || has_word(&around, CARD) || strict && issuer {
            return Some(Kind::Card);
        }
    }
    if is_my_number(&candidate.digits) && said(MY_NUMBER) {
        return Some(Kind::MyNumber);
    }
    if is_grouped_phone(candidate) {
        return Some(Kind::Phone);
    }
    let len = candidate.digits.len();
    if (9..=15).contains(&len) && has_word(&around, PHONE)
        || strict
            && candidate.is_bare()
            && (10..=11).contains(&len)
            && candidate.digits.starts_with('0')
    {
        return Some(Kind::Phone);
    }
    ((6..=12).contains(&len) && has_word(&around, INSURANCE)).then_some(Kind::Insurance)
}

/// A telephone number that shows itself by its groups: Japanese with the leading 0, or with the
/// area in parentheses.
fn is_grouped_phone(candidate: &Candidate<'_>) -> bool {
    let lens = candidate.lens();
    let len = candidate.digits.len();
    let area = candidate.area && matches!(*lens, [2..=5, 1..=4, 3..=4]) && (9..=11).contains(&len);
    let [first, _, _] = *lens else { return false };
    let own = candidate.digits.starts_with('0') && matches!(*lens, [2..=5, 1..=4, 3..=4]);
    let mobile = first == 3 && candidate.digits.get(2..3) == Some("0");
    area || own && (10..=11).contains(&len) && (candidate.is_even("-") || mobile)
}

/// Words within a short reach of a number that say what it is.
const PHONE: &[&str] =
    &["phone", "mobile", " tel", " fax", " cell ", " call", "電話", "携帯", "連絡先", "ファックス"];
const CARD: &[&str] = &["credit", " card", "visa", "mastercard", "amex", "カ-ド", "クレジット"];
const MY_NUMBER: &[&str] =
    &["my number", "mynumber", "my_number", "my-number", "マイナンバ", "個人番号"];
const INSURANCE: &[&str] = &["insurance", "insured", "insurer", "hoken", "保険", "被保険者"];

/// Words begin at a letter; a leading blank in the list stands for anything but a letter.
fn has_word(around: &str, words: &[&str]) -> bool {
    let plain: String =
        around.chars().map(|c| if c.is_ascii_punctuation() { ' ' } else { c }).collect();
    let plain = format!(" {plain} ");
    words.iter().any(|word| {
        let as_sent = around.contains(word);
        as_sent || plain.contains(word) || {
            // Between scripts there is no blank: 「は」 before "tel" is no letter of its word.
            let core = word.trim_start();
            core.len() < word.len()
                && plain.match_indices(core).any(|(at, _)| {
                    plain
                        .get(..at)
                        .and_then(|head| head.chars().next_back())
                        .is_some_and(|c| !c.is_ascii_alphabetic())
                })
        }
    })
}

fn digit_values(digits: &str) -> impl DoubleEndedIterator<Item = u32> + '_ {
    digits.chars().filter_map(|c| c.to_digit(10))
}

/// 13 to 19 digits of which the last is right by Luhn's rule, and not all the same.
fn is_card(digits: &str) -> bool {
    let first = digits.chars().next();
    let sum: u32 = digit_values(digits)
        .rev()
        .enumerate()
        .map(|(at, value)| match (at % 2, value * 2) {
            (0, _) => value,
            (_, double) => double / 10 + double % 10,
        })
        .sum();
    (13..=19).contains(&digits.len())
        && sum.is_multiple_of(10)
        && digits.chars().any(|c| Some(c) != first)
}

/// 12 digits of which the last is right: weights 2 to 7 and 2 to 6 from the right, modulo 11.
fn is_my_number(digits: &str) -> bool {
    let mut values = digit_values(digits).rev();
    let check = values.next();
    let weights = (2..=7).chain(2..=6);
    let sum: u32 = values.zip(weights).map(|(value, weight)| value * weight).sum();
    let expected = match sum % 11 {
        0 | 1 => 0,
        rest => 11 - rest,
    };
    digits.len() == 12 && check == Some(expected)
}
