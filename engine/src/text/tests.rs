//! Units of samples, and properties of any text.

use proptest::prelude::*;
use unicode_normalization::UnicodeNormalization;

use super::class::{Class, is_plain};
use super::*;

fn units(text: &str) -> Vec<String> {
    Units::of(text).iter().map(|unit| unit.text().to_owned()).collect()
}

#[test]
fn words_end_at_what_is_no_letter_or_digit() {
    for (text, expected) in [
        ("", &[][..]),
        ("-- ./_", &[]),
        ("READ_CHART", &["read", "chart"]),
        ("Don't", &["don", "t"]),
        ("a.b+c@example.org", &["a", "b", "c", "example", "org"]),
        ("/var/lib/x-1.log", &["var", "lib", "x", "1", "log"]),
        ("HbA1c 5.8%", &["hba1c", "5", "8"]),
        ("Straße ÖL", &["straße", "öl"]),
        ("İstanbul ISTANBUL", &["istanbul", "istanbul"]),
        ("ΟΔΟΣ οδος", &["οδοσ", "οδοσ"]),
        ("x\u{ad}y\u{200d}z", &["xyz"]),
        ("a\u{ad}\u{301} İ\u{301}", &["á", "í"]),
        ("हिन्दी", &["हिन्दी"]),
        ("한국어 검색", &["한국어", "검색"]),
    ] {
        assert_eq!(units(text), expected, "{text:?}");
    }
}

#[test]
fn scripts_without_spaces_give_single_characters() {
    for (text, expected) in [
        ("血圧120/80", &["血", "圧", "120", "80"][..]),
        ("ＣＴスキャン", &["ct", "ス", "キ", "ャ", "ン"]),
        ("ﾀﾞｲｱﾙ", &["ダ", "イ", "ア", "ル"]),
        ("か\u{3099}", &["が"]),
        ("人々のデータ", &["人", "々", "の", "デ", "ー", "タ"]),
        ("葛\u{e0100}城", &["葛", "城"]),
        ("２０２６年①", &["2026", "年", "1"]),
        ("㈱山田", &["株", "山", "田"]),
        ("ไม้", &["ไ", "ม", "\u{e49}"]),
        ("๑๒", &["๑๒"]),
        ("𠮷野家", &["𠮷", "野", "家"]),
        ("e\u{301}x", &["éx"]),
        ("あe\u{301}", &["あ", "é"]),
    ] {
        assert_eq!(units(text), expected, "{text:?}");
    }
    let kinds: Vec<Unit<'_>> = vec![Unit::Character("薬"), Unit::Word("a1")];
    assert_eq!(Units::of("薬A1").iter().collect::<Vec<_>>(), kinds);
}

#[test]
fn a_uuid_is_one_word_with_and_without_hyphens() {
    let plain = "550e8400e29b41d4a716446655440000";
    for text in [
        "550e8400-e29b-41d4-a716-446655440000",
        "550E8400-E29B-41D4-A716-446655440000",
        "５５０e8400－e29b-41d4-a716-446655440000",
        plain,
    ] {
        assert_eq!(units(text), [plain], "{text:?}");
    }
    let in_text = units("run-550e8400-e29b-41d4-a716-446655440000/550e8400-e29b");
    assert_eq!(in_text, ["run", plain, "550e8400", "e29b"]);
    for other in [
        "550e8400--e29b-41d4-a716-446655440000",
        "550e8400-e29b 41d4-a716-446655440000",
        "x550e8400-e29b-41d4-a716-446655440000",
        "550e8400-e29b-41d4-a716-446655440000f",
        "550e840g-e29b-41d4-a716-446655440000",
        "550e8400-血-41d4-a716-446655440000",
    ] {
        assert!(units(other).len() > 4, "{other:?}");
    }
}

#[test]
fn phrases_stand_in_a_row_whatever_separates_them() {
    for (phrase, text, expected) in [
        ("read chart", "READ_CHART", true),
        ("chart read", "READ_CHART", false),
        ("char", "READ_CHART", false),
        ("血圧", "高血圧症", true),
        ("血症", "高血圧症", false),
        ("血圧", "血 圧", true),
        ("ｶﾙﾃ", "電子カルテ", true),
        ("カルテ2", "カルテ２号", true),
        ("カルテ2", "カルテ22", false),
        ("P3", "p３", true),
        ("", "anything", true),
        ("--", "", true),
        ("550e8400e29b41d4a716446655440000", "550e8400-e29b-41d4-a716-446655440000", true),
    ] {
        let found = Phrase::new(phrase).is_in(text, &mut Units::new());
        assert_eq!(found, expected, "{phrase:?} in {text:?}");
    }
    let whole = |phrase: &str, text| Phrase::new(phrase).is_all_of(text, &mut Units::new());
    assert!(whole("R-1", "r 1"));
    assert!(!whole("r", "r-1"));
    assert!(whole("", "-"));
}

/// Texts of characters that meet each other badly.
fn text() -> impl Strategy<Value = String> {
    const ODD: &str = "aZ09-_. \n高血圧カﾀﾞが\u{3099}\u{301}éßΣςİ①㈱ー々ไม้２－\u{ad}한ㅎ\u{fe0f}f";
    let chars: Vec<char> = ODD.chars().collect();
    let odd = proptest::collection::vec(proptest::sample::select(chars), 0..40);
    let uuid = any::<[u8; 16]>().prop_map(|b| uuid::Uuid::from_bytes(b).to_string());
    prop_oneof![
        odd.prop_map(|chars| chars.into_iter().collect()),
        ".{0,30}",
        (uuid, "[-a-f0-9 ]{0,3}", "[-a-f0-9 ]{0,3}").prop_map(|(u, a, b)| format!("{a}{u}{b}")),
    ]
}

proptest! {
    #[test]
    fn composing_in_parts_is_composing_all(text in text()) {
        let whole: String = text.nfkc().collect();
        prop_assert_eq!(Units::of(&text), Units::of(&whole));
    }

    #[test]
    fn units_of_units_are_the_same(text in text()) {
        let once = Units::of(&text);
        prop_assert_eq!(&Units::of(once.as_str()), &once);
        for unit in once.iter() {
            prop_assert!(!unit.text().contains('\n'));
            let is_character = matches!(unit, Unit::Character(_));
            prop_assert_eq!(unit.text().chars().count() == 1 || !is_character, true);
        }
    }

    #[test]
    fn a_part_between_borders_is_in_the_whole(a in text(), b in text(), c in text()) {
        let phrase = Phrase::new(&b);
        let whole = format!("{a} {b} {c}");
        prop_assert!(phrase.is_in(&whole, &mut Units::new()));
    }

    #[test]
    fn the_quick_answer_is_that_of_the_units(phrase in text(), text in text()) {
        let expected = Units::of(&text).contain(&Units::of(&phrase));
        prop_assert_eq!(Phrase::new(&phrase).is_in(&text, &mut Units::new()), expected);
        let same = Units::of(&text) == Units::of(&phrase);
        prop_assert_eq!(Phrase::new(&phrase).is_all_of(&text, &mut Units::new()), same);
    }
}

#[test]
fn plain_characters_are_their_own_composition() {
    for c in (0..=0x10_ffff).filter_map(char::from_u32).filter(|c| is_plain(*c)) {
        assert!(c.nfkc().eq([c]), "{c:?}");
        assert!(!unicode_normalization::char::is_combining_mark(c), "{c:?}");
        assert!(c.is_ascii() || Class::of(c) != Class::Word, "{c:?}");
        for before in "aが가ᄀ".chars() {
            assert!([before, c].into_iter().nfkc().eq([before, c]), "{before:?} {c:?}");
        }
    }
}
