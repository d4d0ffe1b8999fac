//! Export lines and CSV rows.

use super::*;
use crate::types::{ChainHash, RecordHash, Seq};

const HASH: RecordHash = RecordHash([0xab; 64]);
const CHAIN: ChainHash = ChainHash([0x01; 64]);

fn proof_suffix(seq: u64, status: &str) -> String {
    format!(
        r#","seq":{seq},"hash":"{}","chain_hash":"{}","integrity_status":"{status}"}}"#,
        "ab".repeat(64),
        "01".repeat(64)
    )
}

#[test]
fn record_lines_are_the_body_with_a_suffix() {
    let body = body_of(&parse(&with(r#","detail":{"seq":1,"x":",\"seq\":1"}"#)).unwrap());
    let mut line = Vec::new();
    export_line(&body, Seq(1_234), &HASH, &CHAIN, &mut line);
    let text = String::from_utf8(line.clone()).unwrap();
    assert_eq!(
        text.strip_suffix(&proof_suffix(1_234, "valid")).unwrap().as_bytes(),
        &body[..body.len() - 1]
    );
    assert_eq!(
        parse_export_line(&line),
        Ok(ExportLine::Record {
            body,
            seq: Seq(1_234),
            hash: HASH,
            chain_hash: CHAIN,
            status: IntegrityStatus::Valid
        })
    );
}

#[test]
fn erased_and_damaged_lines() {
    let id = stamp(None).audit_id;
    let mut line = Vec::new();
    export_line_erased(&id, Seq(0), &HASH, &CHAIN, &mut line);
    let expected = format!(r#"{{"audit_id":"{id}","redacted":true{}"#, proof_suffix(0, "unknown"));
    assert_eq!(String::from_utf8_lossy(&line), expected);
    assert_eq!(
        parse_export_line(&line),
        Ok(ExportLine::Erased { audit_id: id, seq: Seq(0), hash: HASH, chain_hash: CHAIN })
    );
    for (audit_id, expected) in [
        (None, r#"{"seq":18446744073709551615,"integrity_status":"tampered"}"#.to_owned()),
        (
            Some(id),
            format!(
                r#"{{"audit_id":"{id}","seq":18446744073709551615,"integrity_status":"tampered"}}"#
            ),
        ),
    ] {
        let mut line = Vec::new();
        export_line_damaged(audit_id.as_ref(), Seq(u64::MAX), &mut line);
        assert_eq!(String::from_utf8_lossy(&line), expected);
        let damaged = ExportLine::Damaged { audit_id, seq: Seq(u64::MAX) };
        assert_eq!(parse_export_line(&line), Ok(damaged));
    }
}

#[test]
fn lines_that_are_not_of_this_form_are_refused() {
    let good = format!("{{\"a\":1{}", proof_suffix(7, "valid"));
    assert!(parse_export_line(good.as_bytes()).is_ok());
    for (from, to, why) in [
        ("\"seq\":7", "\"seq\":07", ExportError::Seq),
        ("\"seq\":7", "\"seq\":", ExportError::Seq),
        ("\"seq\":7", "\"seq\":18446744073709551616", ExportError::Seq),
        ("\"seq\":7", "\"seq\":-7", ExportError::Suffix),
        ("\"seq\":7", "\"seq\": 7", ExportError::Suffix),
        ("abab", "abaB", ExportError::Suffix),
        ("abab", "aba", ExportError::Suffix),
        ("0101", "010", ExportError::Suffix),
        ("valid", "VALID", ExportError::Suffix),
        ("\"}", "\"} ", ExportError::Suffix),
        ("\"}", "\"}\n", ExportError::Suffix),
        ("{\"a\"", "\"a\"", ExportError::Head),
        ("{\"a\":1", "", ExportError::Head),
    ] {
        let line = good.replacen(from, to, 1);
        assert_eq!(parse_export_line(line.as_bytes()), Err(why), "{line}");
    }
    for line in ["", "{}", "}", "\"}", r#"{"seq":x,"integrity_status":"tampered"}"#] {
        assert!(parse_export_line(line.as_bytes()).is_err(), "{line}");
    }
    // A redacted line that claims to be valid is a record line with a strange body: the hash tells.
    let id = stamp(None).audit_id;
    let line = format!(r#"{{"audit_id":"{id}","redacted":true{}"#, proof_suffix(0, "valid"));
    let parsed = parse_export_line(line.as_bytes());
    assert!(matches!(parsed, Ok(ExportLine::Record { status: IntegrityStatus::Valid, .. })));
}

fn row(json: &str, raw: bool) -> String {
    let body = body_of(&parse(json).unwrap());
    let mut out = Vec::new();
    csv_row(&Body::parse(&body).unwrap(), Seq(3), &HASH, &CHAIN, raw, &mut out);
    String::from_utf8(out).unwrap()
}

#[test]
fn csv_header_and_row_have_the_same_columns() {
    let mut header = Vec::new();
    csv_header(&mut header);
    assert_eq!(
        String::from_utf8(header).unwrap(),
        "audit_id,timestamp,actor_type,actor_id,actor_role,action,target_type,target_id,request_id,\
         trace_id,facility_id,source_ip,result,detail,pii_flag,sensitivity,received_at,ingested_by,\
         salt,seq,hash,chain_hash,integrity_status\r\n"
    );
    let json = with(r#","actor_role":"","target_id":"a,\"b\"\n","detail":{"k":[1.10,"\u0041"]}"#);
    let expected = [
        "018f4e9a-7c3b-7d2e-9a51-3c6f0b8e2d14,2026-11-21T09:30:00Z,user,a,\"\",X,,",
        "\"a,\"\"b\"\"\n\",,,,,success,\"{\"\"k\"\":[1.10,\"\"\\u0041\"\"]}\",false,low,",
        "2026-11-21T09:30:01.000250Z,,AAECAwQFBgcICfr_,3,",
        &"ab".repeat(64),
        ",",
        &"01".repeat(64),
        ",valid\r\n",
    ];
    assert_eq!(row(&json, false), expected.concat());
}

#[test]
fn formulas_are_disarmed_unless_raw() {
    for value in ["=1+1", "+1", "-1", "@SUM(A1)", r"\t=1", r"\r=1"] {
        let json = with(&format!(r#","target_id":"{value}""#));
        let shown = value.replace(r"\t", "\t").replace(r"\r", "\r");
        assert!(row(&json, false).contains(&format!("'{shown}")), "{value}");
        assert!(!row(&json, true).contains(&format!("'{shown}")), "{value}");
        assert!(row(&json, true).contains(&shown), "{value}");
    }
    for harmless in ["a=1", " =1", "'=1", "1-1"] {
        let json = with(&format!(r#","target_id":"{harmless}""#));
        assert_eq!(row(&json, false), row(&json, true));
    }
}

#[test]
fn csv_rows_without_a_body() {
    let id = stamp(None).audit_id;
    let mut out = Vec::new();
    csv_row_erased(&id, Seq(4), &HASH, &CHAIN, &mut out);
    let commas = ",".repeat(19);
    let (hash, chain) = (HASH.to_hex(), CHAIN.to_hex());
    assert_eq!(
        String::from_utf8(out).unwrap(),
        format!("{id}{commas}4,{hash},{chain},unknown\r\n")
    );
    let mut out = Vec::new();
    csv_row_damaged(None, Seq(5), &mut out);
    assert_eq!(String::from_utf8(out).unwrap(), format!("{commas}5,,,tampered\r\n"));
}
