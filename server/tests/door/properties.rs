//! Random records and random bytes.

use proptest::prelude::*;
use shoseki_engine::record::{SentValue, sent_members};
use shoseki_server::door::{DoorRules, MEMBERS, Place, find, mask_excerpt, mask_text, take_line};

use super::support::{NOW, SECOND, caller, first, second, send, send_as, stored};

fn token() -> impl Strategy<Value = String> {
    prop_oneof![
        "-?(0|[1-9][0-9]{0,30})(\\.[0-9]{1,5})?([eE][-+]?[0-9]{1,3})?",
        "\"([a-z é漢@]|\\\\n|\\\\u00e9|\\\\ud800|\\\\/){0,12}\"",
        Just("true".to_owned()),
        Just("[1, {\"a\" : 1.10}]".to_owned()),
        Just("{\"x\":[]}".to_owned()),
    ]
}

proptest! {
    #[test]
    fn no_member_of_the_second_dialect_is_lost(
        more in prop::collection::btree_map("x[a-zA-Z_~/]{0,8}", token(), 0..8),
        own in prop::collection::btree_map("y[a-z]{0,4}", token(), 0..4),
        order in any::<prop::sample::Index>(),
        patient in "[A-Za-z0-9]{1,8}",
    ) {
        let own: Vec<String> = own.iter().map(|(n, v)| format!("\"{n}\":{v}")).collect();
        let own = format!("{{{}}}", own.join(","));
        let patient = format!("\"{patient}\"");
        let mut changes: Vec<(&str, &str)> = vec![("detail", &own), ("patientId", &patient)];
        changes.extend(more.iter().map(|(name, value)| (name.as_str(), value.as_str())));
        let places = changes.len();
        changes.rotate_left(order.index(places));
        let sent = second(&changes);
        let records = send(&sent).unwrap();
        let body = stored(&records[0]) + "}";
        let body = sent_members(&body).unwrap().unwrap();
        let get = |name: &str| body.iter().find(|member| member.name == name);
        let detail = sent_members(get("detail").unwrap().token).unwrap().unwrap();
        let pairs = [(", ", ","), ("\" :", "\":"), (": ", ":")];
        let compact = |token: &str| {
            pairs.iter().fold(token.to_owned(), |text, (from, to)| text.replace(from, to))
        };
        for member in sent_members(&sent).unwrap().unwrap() {
            let known = MEMBERS.iter().find(|known| known.name == member.name);
            match known.map_or(Place::Detail, |known| known.place) {
                Place::Members => {
                    let sent = sent_members(member.token).unwrap().unwrap();
                    for (at, own) in sent.iter().enumerate() {
                        prop_assert_eq!(&detail[at].name, &own.name);
                        prop_assert_eq!(detail[at].token, compact(own.token));
                    }
                }
                Place::Column("timestamp") => {
                    let time = SentValue::Text("2026-11-21T09:30:00Z".into());
                    prop_assert_eq!(&get("timestamp").unwrap().value, &time);
                }
                Place::Column(name) => {
                    prop_assert_eq!(&get(name).unwrap().value, &member.value);
                }
                place => {
                    let kept = detail.iter().find(|kept| kept.name == member.name).unwrap();
                    prop_assert_eq!(kept.token, compact(member.token));
                    if let Place::Both(name) = place {
                        prop_assert!(get(name).is_some());
                    }
                }
            }
        }
    }

    #[test]
    fn any_bytes_are_taken_or_refused(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
        let call = caller("app", &["F1"]);
        let _ = send_as(&bytes, &call, &DoorRules::default(), NOW);
        let _ = take_line(&bytes, &call, &DoorRules::default(), NOW);
    }

    #[test]
    fn a_damaged_record_is_taken_or_refused(
        at in any::<prop::sample::Index>(),
        byte in any::<u8>(),
        cut in any::<prop::sample::Index>(),
        alone in any::<bool>(),
        late in any::<bool>(),
    ) {
        let mut records = [second(&[("detail", r#"{"a":[1]}"#)]), first(r#","detail":{"b":[1]}"#)];
        if alone {
            records[0] = first("");
        }
        let mut bytes = format!("[{}]", records.join(",")).into_bytes();
        let place = at.index(bytes.len());
        bytes[place] = byte;
        let call = caller("app", &["*"]);
        let now = if late { NOW + 90_000_000_000 } else { NOW };
        let _ = send_as(&bytes, &call, &DoorRules::default(), now);
        bytes.truncate(cut.index(bytes.len()));
        prop_assert!(send_as(&bytes, &call, &DoorRules::default(), now).is_err());
    }

    #[test]
    fn members_that_are_objects_of_anything_never_panic(
        values in prop::collection::vec((prop::sample::select(SECOND), token()), 0..14),
    ) {
        let members: Vec<_> = values.iter().map(|((n, _), v)| format!("\"{n}\":{v}")).collect();
        let _ = send(&format!("{{{}}}", members.join(",")));
    }

    #[test]
    fn masking_is_total(
        text in "([0-9]{1,6}|[-+ ().@]|tel|カード|保険|[a-z.]{1,5}|\\PC){0,40}",
    ) {
        let mut end = 0;
        for found in find(&text) {
            prop_assert!(found.bytes.start >= end && text.get(found.bytes.clone()).is_some());
            end = found.bytes.end;
        }
        if let Some((masked, kinds)) = mask_text(&text) {
            prop_assert!(!kinds.is_empty());
            prop_assert!(masked != text);
        }
        let _ = mask_excerpt(&text);
    }
}
