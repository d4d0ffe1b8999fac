//! The second dialect: what was sent, and the body that it becomes.

use super::support::{first, one, second, send, stored};

/// The body of [`second`] with changes: the members behind `actor_id`, and the detail.
fn check(changes: &[(&str, &str)], action: &str, target: &str, result: &str, detail: &str) {
    let body = stored(&one(&second(changes)));
    let expected = format!(
        r#"{{"audit_id":"018f4e9a-7c3b-7d2e-9a51-3c6f0b8e2d14","timestamp":"2026-11-21T09:30:00Z","actor_type":"user","actor_id":"doctor-7","action":"{action}"{target},"request_id":"r1","trace_id":"t1","facility_id":"F1","result":"{result}","detail":{{{detail}}},"pii_flag":false,"sensitivity":"low""#
    );
    assert_eq!(body, expected, "{changes:?}");
}

const READ: &str = r#""action":"read","outcome":"SUCCESS","actorType":"USER","sourceSystem":"server-modernized","requestPath":"/charts","httpMethod":"GET","httpStatus":200"#;

#[test]
fn the_required_members_become_columns_and_detail() {
    check(&[], "READ", "", "success", READ);
}

#[test]
fn the_most_specific_target_with_an_id_names_the_event() {
    let ids = [("patientId", "P"), ("appointmentId", "A"), ("claimId", "C"), ("documentId", "D")];
    let names = ["patient", "appointment", "claim", "document"];
    for count in 1..=ids.len() {
        let quoted: Vec<String> = ids.iter().map(|(_, id)| format!("\"{id}\"")).collect();
        let sent: Vec<(&str, &str)> =
            ids.iter().zip(&quoted).take(count).map(|((name, _), q)| (*name, q.as_str())).collect();
        let kind = names[count - 1];
        let target = format!(r#","target_type":"{kind}","target_id":"{}""#, ids[count - 1].1);
        let more: String =
            sent.iter().map(|(name, value)| format!(",\"{name}\":{value}")).collect();
        let action = format!("READ_{}", kind.to_uppercase());
        check(&sent, &action, &target, "success", &format!("{READ}{more}"));
    }
    // A number is the id by its token; an empty or absent id is none.
    let target = r#","target_type":"patient","target_id":"007""#;
    let sent = [("patientId", "\"007\""), ("documentId", "null"), ("claimId", "\"\"")];
    let detail = format!(r#"{READ},"patientId":"007","claimId":"""#);
    check(&sent, "READ_PATIENT", target, "success", &detail);
    let target = r#","target_type":"claim","target_id":"12345678901234567890""#;
    let detail = format!(r#"{READ},"claimId":12345678901234567890"#);
    let sent = [("claimId", "12345678901234567890")];
    check(&sent, "READ_CLAIM", target, "success", &detail);
}

#[test]
fn an_event_type_that_was_sent_is_the_action_and_stays_in_detail() {
    let sent = [("eventType", "\"Chart_Opened\""), ("patientId", "\"P\"")];
    let target = r#","target_type":"patient","target_id":"P""#;
    let detail = format!(r#"{READ},"eventType":"Chart_Opened","patientId":"P""#);
    check(&sent, "Chart_Opened", target, "success", &detail);
}

#[test]
fn outcomes_and_actor_types_are_named_as_the_log_names_them() {
    let partial = READ.replace("SUCCESS", "PARTIAL");
    check(&[("outcome", "\"PARTIAL\"")], "READ", "", "warning", &partial);
    let system = one(&second(&[("actorType", "\"SYSTEM\"")]));
    assert!(stored(&system).contains(r#""actor_type":"system""#));
    let failure = READ.replace("SUCCESS", "FAILURE");
    let error = r#""errorMessage":"no answer","errorCode":"E1","errorDetails":{"n":1.10},"exceptionClass":"X","cause":"network""#;
    let sent = [
        ("outcome", "\"FAILURE\""),
        ("errorMessage", "\"no answer\""),
        ("errorCode", "\"E1\""),
        ("errorDetails", "{\"n\": 1.10}"),
        ("exceptionClass", "\"X\""),
        ("cause", "\"network\""),
    ];
    check(&sent, "READ", "", "failure", &format!("{failure},{error}"));
}

#[test]
fn a_detail_that_was_sent_comes_first_and_tokens_stay() {
    let sent = [
        ("zz", "[1E400, -0.0, 1.10 ]"),
        ("detail", r#"{ "own": "\u00e9\ud800", "n": 12345678901234567890123 }"#),
        ("note", r#""\/\u3042""#),
        ("nothing", "null"),
        ("cacheHit", "true"),
        ("recordsReturned", "0"),
    ];
    let detail = format!(
        r#""own":"\u00e9\ud800","n":12345678901234567890123,{READ},"zz":[1E400,-0.0,1.10],"note":"\/\u3042","cacheHit":true,"recordsReturned":0"#
    );
    check(&sent, "READ", "", "success", &detail);
    check(&[("detail", "{}")], "READ", "", "success", READ);
    check(&[("detail", "null")], "READ", "", "success", READ);
}

#[test]
fn one_array_may_hold_both_dialects_in_order() {
    let batch = format!("[{},{},{}]", first(""), second(&[]), first(r#","detail":{"n":1.0}"#));
    let records = send(&batch).unwrap();
    let actions: Vec<&str> = records.iter().map(|record| record.action.as_str()).collect();
    assert_eq!(actions, ["READ_CHART", "READ", "READ_CHART"]);
    assert!(stored(&records[2]).contains(r#""detail":{"n":1.0}"#));
    // Alone and in an array a record is the same.
    assert_eq!(records[1], one(&second(&[])));
}

#[test]
fn names_may_be_sent_with_escapes() {
    let escaped = second(&[]).replacen("eventId", r"ev\u0065ntId", 1);
    assert_eq!(one(&escaped), one(&second(&[])));
}
