//! A record made ready to be sent more than once.
//!
//! Invariant: every record that is sent as an object has an identifier, so that sending it again
//! does no harm. Nothing else of it is touched: what is not understood here, the server judges.

use serde::{Deserialize, Deserializer};
use serde_json::value::RawValue;

use shoseki_engine::record::AuditId;

/// A record as it is sent.
pub(super) struct Prepared {
    /// One line, without its end.
    pub(super) text: Vec<u8>,
    /// The identifier, where it was made here.
    pub(super) made: Option<AuditId>,
}

/// The members that decide what is added. Those of the second dialect have other names.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Members<'a> {
    #[serde(borrow, default, rename = "audit_id", deserialize_with = "given")]
    audit_id: Option<&'a RawValue>,
    #[serde(borrow, default, deserialize_with = "given")]
    event_id: Option<&'a RawValue>,
    #[serde(borrow, default, rename = "facility_id", deserialize_with = "given")]
    first_facility: Option<&'a RawValue>,
    #[serde(borrow, default, rename = "facilityId", deserialize_with = "given")]
    second_facility: Option<&'a RawValue>,
    #[serde(borrow, default, deserialize_with = "given")]
    occurred_at: Option<&'a RawValue>,
    #[serde(borrow, default, deserialize_with = "given")]
    outcome: Option<&'a RawValue>,
    #[serde(borrow, default, deserialize_with = "given")]
    actor_id: Option<&'a RawValue>,
    #[serde(borrow, default, deserialize_with = "given")]
    actor_type: Option<&'a RawValue>,
}

/// A member that is there, `null` too.
fn given<'de: 'a, 'a, D: Deserializer<'de>>(from: D) -> Result<Option<&'a RawValue>, D::Error> {
    <&RawValue>::deserialize(from).map(Some)
}

/// Adds an identifier and a facility where there are none, and puts it on one line.
///
/// # Errors
/// No random bytes for the identifier.
pub(super) fn prepare(
    text: &[u8],
    facility: Option<&str>,
    unix_ms: u64,
) -> Result<Prepared, getrandom::Error> {
    let text = text.trim_ascii();
    let mut prepared = Prepared { text: text.to_vec(), made: None };
    // Between the tokens of what is JSON; what is none is refused either way.
    for byte in &mut prepared.text {
        if matches!(byte, b'\n' | b'\r') {
            *byte = b' ';
        }
    }
    let Ok(members) = serde_json::from_slice::<Members<'_>>(text) else { return Ok(prepared) };
    if !text.starts_with(b"{") {
        return Ok(prepared);
    }
    let Members { event_id, occurred_at, outcome, actor_id, actor_type, .. } = &members;
    let second = [event_id, occurred_at, outcome, actor_id, actor_type];
    let second = second.into_iter().any(Option::is_some);
    let (id, id_name) = match second {
        true => (members.event_id, "eventId"),
        false => (members.audit_id, "audit_id"),
    };
    let (place, place_name) = match second {
        true => (members.second_facility, "facilityId"),
        false => (members.first_facility, "facility_id"),
    };
    let mut edits = Vec::new();
    if let Some(edit) = Edit::of(text, id, id_name) {
        let mut random = [0; 10];
        getrandom::fill(&mut random)?;
        let made = AuditId::v7(unix_ms, random);
        prepared.made = Some(made);
        edits.push((edit, serde_json::Value::from(made.to_string())));
    }
    if let Some(facility) = facility
        && let Some(edit) = Edit::of(text, place, place_name)
    {
        edits.push((edit, facility.into()));
    }
    // The last place first, so that the others stay where they are.
    edits.sort_by_key(|(edit, _)| std::cmp::Reverse(edit.at));
    for (edit, value) in edits {
        edit.apply(&value, &mut prepared.text);
    }
    Ok(prepared)
}

/// A value to put in.
struct Edit {
    at: usize,
    /// The name, where the member is not there; otherwise a `null` is replaced.
    name: Option<&'static str>,
}

impl Edit {
    fn of(text: &[u8], value: Option<&RawValue>, name: &'static str) -> Option<Self> {
        let Some(raw) = value.map(RawValue::get) else {
            return Some(Self { at: 1, name: Some(name) });
        };
        let at = raw.as_ptr().addr().checked_sub(text.as_ptr().addr())?;
        (raw == "null").then_some(Self { at, name: None })
    }

    fn apply(&self, value: &serde_json::Value, text: &mut Vec<u8>) {
        let (end, new) = match self.name {
            Some(name) => {
                let rest = text.get(self.at..).unwrap_or_default().trim_ascii_start();
                let comma = if rest.starts_with(b"}") { "" } else { "," };
                (self.at, format!("\"{name}\":{value}{comma}"))
            }
            None => (self.at + "null".len(), value.to_string()),
        };
        text.splice(self.at..end.min(text.len()), new.into_bytes());
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    fn prepared(text: &str, facility: Option<&str>) -> (String, Option<String>) {
        let done = prepare(text.as_bytes(), facility, 1_795_253_400_000).expect("random");
        let text = String::from_utf8(done.text).expect("UTF-8");
        (text, done.made.map(|id| id.to_string()))
    }

    #[test]
    fn what_has_none_gets_an_identifier_and_the_rest_keeps_its_bytes() {
        for (text, name) in [
            (r#"{"timestamp":"x","detail":{"dose":1.10}}"#, "audit_id"),
            (r#"{ "audit_id" : null , "a":1.10}"#, "audit_id"),
            (r#"{"occurredAt":"x","dose":1.10}"#, "eventId"),
            ("{}", "audit_id"),
        ] {
            let (sent, made) = prepared(text, None);
            let value: Value = serde_json::from_str(&sent).expect("JSON");
            assert_eq!(value[name], json!(made.expect("made")), "{sent}");
            assert_eq!(sent.contains("1.10"), text.contains("1.10"), "{sent}");
        }
        let own = r#"{"audit_id":"0198c2f0-0000-7000-8000-000000000001"}"#;
        assert_eq!(prepared(own, None), (own.to_owned(), None));
        let own = r#"{"eventId":"e","outcome":"SUCCESS"}"#;
        assert_eq!(prepared(own, None), (own.to_owned(), None));
    }

    #[test]
    fn a_facility_is_added_where_none_is_named() {
        let sent =
            |text| serde_json::from_str::<Value>(&prepared(text, Some("F1")).0).expect("JSON");
        assert_eq!(sent(r#"{"a":1}"#)["facility_id"], "F1");
        assert_eq!(sent(r#"{"facility_id":null,"audit_id":null}"#)["facility_id"], "F1");
        assert_eq!(sent(r#"{"facility_id":"F2"}"#)["facility_id"], "F2");
        assert_eq!(sent(r#"{"outcome":"SUCCESS"}"#)["facilityId"], "F1");
    }

    #[test]
    fn what_is_no_object_is_left_to_the_server_on_one_line() {
        for text in ["7", "{\"a\":", "[1]", "{\"audit_id\":1,\"audit_id\":2}"] {
            assert_eq!(prepared(text, Some("F1")), (text.to_owned(), None));
        }
        assert!(!prepared("{\n\"a\":\r\n1}", None).0.contains(['\n', '\r']));
    }
}
