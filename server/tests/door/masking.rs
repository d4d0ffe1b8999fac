//! Personal data in messages: what is masked, what is left.
//!
//! The test data of others says what it finds; where we differ, the difference stands here.

use shoseki_server::door::{find, mask_excerpt, mask_text};

use super::test_data::test_data;

fn masked(text: &str) -> String {
    mask_text(text).map_or_else(|| text.to_owned(), |(masked, _)| masked)
}

#[test]
fn what_shows_itself_is_masked_anywhere() {
    for (text, expected) in [
        ("to taro.y+x@mail.example.co.jp failed", "to [email] failed"),
        ("no answer from 090-1234-5678.", "no answer from [phone]."),
        ("受信 090-1234-5678 です", "受信 [phone] です"),
        ("患者(03-1234-5678)", "患者([phone])"),
        ("from (03)1234-5678 or (03) 1234-5678", "from [phone] or [phone]"),
        ("to 0120-12-3456", "to [phone]"),
        ("to 090 1234 5678", "to [phone]"),
        ("to +81 90-1234-5678", "to [phone]"),
        ("to +81 (0)90-1234-5678", "to [phone]"),
        ("to +819012345678,", "to [phone],"),
        ("to +44 (20) 7123 4567", "to [phone]"),
        ("to (415) 555-0132 now", "to [phone] now"),
        ("paid by 4012-8888-8888-1881", "paid by [card]"),
        ("paid by 4012 8888 8888 1881", "paid by [card]"),
        ("paid by 3714-496353-98431", "paid by [card]"),
        ("０９０－１２３４－５６７８", "[phone]"),
    ] {
        assert_eq!(masked(text), expected);
    }
}

#[test]
fn bare_numbers_need_a_word_within_twenty_characters() {
    for (text, expected) in [
        ("tel 0312345678", "tel [phone]"),
        ("TEL:0312345678", "TEL:[phone]"),
        ("電話は0312345678へ", "電話は[phone]へ"),
        ("patientPhone=09012345678", "patientPhone=[phone]"),
        ("no contact 0312345678", "no contact 0312345678"),
        ("hotel 0312345678", "hotel 0312345678"),
        ("credit card: 4012888888881881", "credit card: [card]"),
        ("カード番号4012888888881881", "カード番号[card]"),
        ("order 4012888888881881", "order 4012888888881881"),
        ("card 4012888888881882", "card 4012888888881882"),
        ("マイナンバー：614106526000", "マイナンバー：[my_number]"),
        ("個人番号 6141-0652-6000", "個人番号 [my_number]"),
        ("614106526000 is my number", "[my_number] is my number"),
        ("マイナンバー 614106526001", "マイナンバー 614106526001"),
        ("account 614106526000", "account 614106526000"),
        ("account 6141-0652-6000", "account 6141-0652-6000"),
        ("保険者番号 06123456", "保険者番号 [insurance]"),
        ("insurance no. 06123456", "insurance no. [insurance]"),
        ("number 06123456", "number 06123456"),
        ("tel, and much later than that 0312345678", "tel, and much later than that 0312345678"),
    ] {
        assert_eq!(masked(text), expected);
    }
}

#[test]
fn evidence_is_left_alone() {
    for text in [
        "User: arn:aws:iam::614106526000:user/a@example.jp is not authorized",
        "card arn:aws:s3:::b/4012888888881881",
        "018f4e9a-7c3b-7d2e-9a51-3c6f0b8e2d14 not found",
        "01234567-0123-4123-8123-012345678901 not found",
        "2026-11-21T09:30:00.123456+09:00 timeout after 30000 ms",
        "2026-11-21 09:30:00",
        "connect 192.168.10.12:8080 refused",
        "version 1.10.0-2, build 20261121093000",
        "requestId=req_0312345678 line 1234567890",
        "at a.b.C.d(C.java:123)",
        "git@host: permission denied",
        "1-800",
        "",
    ] {
        assert_eq!(mask_text(text), None, "{text}");
    }
}

#[test]
fn excerpts_have_no_context_and_are_masked_more() {
    for (text, expected) in [
        ("4012888888881881", "[card]"),
        ("614106526000", "[my_number]"),
        ("09012345678", "[phone]"),
        ("taro@exam", "[email]"),
        ("2026-11-21T09:30:00", "2026-11-21T09:30:00"),
        ("1795253400", "1795253400"),
    ] {
        assert_eq!(mask_excerpt(text), expected);
    }
}

fn lines(name: &str) -> Option<Vec<serde_json::Value>> {
    let text = std::fs::read_to_string(test_data(&format!("pii/{name}"))?).unwrap();
    Some(text.lines().map(|line| serde_json::from_str(line).unwrap()).collect())
}

/// Telephones of the sample of which we find less or more on purpose: what we find, and why.
const DIFFERENCES: &[(&str, usize, &str)] = &[
    ("My Israeli number is 09-7625400", 0, "two groups, and no word for a telephone"),
    ("US: 415-555-0132", 0, "groups of 3, 3 and 4 alone may be an order number"),
    ("My CN number is 13812345678", 0, "bare digits, and no word for a telephone"),
    (
        "My US number is (415) 555-0132, and my international one is415-555-0132",
        1,
        "a number that is grown together with a word is an identifier",
    ),
    (
        "My US number is (415) 555-0132, and my international one is 91-415-555-0132",
        1,
        "no +, and no word for a telephone",
    ),
    (
        "My US number is (415) 555-0132, and my international one is +91 4155 550132",
        2,
        "the sample asks for one under another leniency, and for two elsewhere",
    ),
];

#[test]
fn the_samples_of_others_are_found() {
    let Some(rows) = lines("presidio-samples.jsonl") else { return };
    let mut met = 0;
    for row in rows {
        let (kind, text) = (row["kind"].as_str().unwrap(), row["text"].as_str().unwrap());
        let Some(given) = row["expected_len"].as_u64() else { continue };
        let given = usize::try_from(given).unwrap();
        match kind {
            "email" => assert_eq!(find(text).len(), given, "{text}"),
            // Most are bare digits, which need a word.
            "credit_card" => assert_eq!(find(&format!("card {text}")).len(), given, "{text}"),
            "phone" => {
                let difference = DIFFERENCES.iter().find(|(known, ..)| *known == text);
                let expected = difference.map_or(given, |(_, count, _)| *count);
                assert_eq!(find(text).len(), expected, "{text}");
            }
            _ => continue,
        }
        met += 1;
    }
    assert_eq!(met, 51);
}

#[test]
fn my_numbers_are_found_beside_their_name_by_their_check_digit() {
    let Some(rows) = lines("my-number.jsonl") else { return };
    assert_eq!(rows.len(), 29);
    for row in rows {
        let text = row["text"].as_str().unwrap();
        let with = find(&format!("マイナンバー {text}")).len();
        assert_eq!(with, usize::from(row["valid"] == true), "{text}");
        assert_eq!(find(&format!("account {text}")), [], "{text}");
    }
}

#[test]
fn japanese_telephones_are_found() {
    let Some(rows) = lines("validatorjs-japan.jsonl") else { return };
    for row in rows {
        let text = row["text"].as_str().unwrap();
        match (row["kind"].as_str(), row["valid"] == true) {
            (Some("jp_mobile"), true) => {
                assert_eq!(masked(&format!("電話 {text}")), "電話 [phone]");
            }
            // Invalid ones are telephones of other kinds, or none: nothing is said of them.
            (Some("jp_mobile"), false) => {}
            _ => assert_eq!(mask_text(text), None, "{text}"),
        }
    }
}
