//! `errorMessage`: one line, and always masked (CONTRACT 4, SERVER.md 1).
//!
//! Invariant: a message that is one line without personal data keeps its bytes; what was masked is
//! listed in `detail._masked`, and its record has `pii_flag`.
//! Knows nothing of the configurable rules for other members.

use shoseki_engine::record::{
    Detail, Limits, Record, SentMember, sent_members, string_value, write_json_string,
};

use super::mask::{Kind, mask_text};
use super::skew::with_member;

const NAME: &str = "errorMessage";
const MASKED: &str = "_masked";

/// Cleans `detail.errorMessage`. False where the record no longer fits its limits.
pub(super) fn clean(record: &mut Record, limits: &Limits) -> bool {
    let found = record.detail.as_ref().and_then(|detail| cleaned(detail.as_bytes()));
    let Some((detail, kinds)) = found else { return true };
    let listed = if kinds.is_empty() {
        None
    } else {
        record.pii_flag = true;
        with_member(Some(&detail), &listing(&kinds), limits)
    };
    // A list that was sent stays, and none is added: its name may stand there only once.
    record.detail = Some(listed.unwrap_or(detail));
    record.check(limits).is_ok()
}

/// Whether a detail with this outermost name is one that [`clean`] may change.
pub(super) fn concerns(name: &str) -> bool {
    name == NAME
}

/// Whether [`clean`] leaves this detail as it is.
pub(super) fn is_clean(detail: &[u8]) -> bool {
    cleaned(detail).is_none()
}

/// The detail with a clean message, and what was masked in it; `None` where it is clean.
fn cleaned(detail: &[u8]) -> Option<(Detail, Vec<Kind>)> {
    let text = core::str::from_utf8(detail).ok()?;
    // The name can stand there with escapes only where there are such escapes.
    if !text.contains(NAME) && !text.contains("\\u") {
        return None;
    }
    let members = sent_members(text).ok()??;
    let message = members.iter().find(|member| member.name == NAME)?;
    let sent = string_value(message.token.as_bytes())?;
    let line = one_line(&sent);
    let masked = mask_text(line.as_deref().unwrap_or(&sent));
    let (clean, mut kinds) = match (masked, line) {
        (Some(masked), _) => masked,
        (None, Some(line)) => (line, Vec::new()),
        (None, None) => return None,
    };
    kinds.sort_unstable();
    kinds.dedup();
    let whole = Limits {
        record_len_max: usize::MAX,
        detail_depth_max: usize::MAX,
        detail_members_max: usize::MAX,
        number_len_max: usize::MAX,
        faults_max: 1,
    };
    let bytes = with_message(&members, &clean);
    Some((Detail::parse(&bytes, &whole).ok()?, kinds))
}

fn with_message(members: &[SentMember<'_>], message: &str) -> Vec<u8> {
    let mut out = vec![b'{'];
    for member in members {
        if out.len() > 1 {
            out.push(b',');
        }
        out.extend_from_slice(member.name_token.as_bytes());
        out.push(b':');
        if member.name == NAME {
            write_json_string(message, &mut out);
        } else {
            out.extend_from_slice(member.token.as_bytes());
        }
    }
    out.push(b'}');
    out
}

/// The text with one blank for each run of line ends and other control characters; `None` where it
/// has none.
fn one_line(text: &str) -> Option<String> {
    let breaks = |c: char| c.is_control() && c != '\t' || matches!(c, '\u{2028}' | '\u{2029}');
    text.contains(breaks).then(|| {
        let lines = text.split(breaks).filter(|line| !line.is_empty());
        lines.collect::<Vec<_>>().join(" ")
    })
}

fn listing(kinds: &[Kind]) -> String {
    let places: Vec<String> = kinds
        .iter()
        .map(|kind| format!(r#"{{"pointer":"/detail/{NAME}","rule":"{}"}}"#, kind.as_str()))
        .collect();
    format!(r#""{MASKED}":[{}]"#, places.join(","))
}
