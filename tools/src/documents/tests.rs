//! Inputs taken apart.

use std::io::Write;

use super::*;

/// Documents as `line:column text`, `line:column [array` and `line:column ! why`.
fn all(text: &[u8]) -> Vec<String> {
    let lines = Lines::new(Box::new(io::Cursor::new(text.to_vec()))).expect("a thread");
    let mut documents = Documents::new(lines);
    let mut seen = Vec::new();
    loop {
        let (at, text) = match documents.next(true).expect("readable") {
            Document::Line(at, text) => (at, String::from_utf8_lossy(text).into_owned()),
            Document::Array(at, text) => (at, String::from_utf8_lossy(text).replace('\n', "~")),
            Document::Broken(at, why) => (at, format!("! {why}")),
            Document::Idle => continue,
            Document::End => return seen,
        };
        seen.push(format!("{}:{} {text}", at.line, at.column));
    }
}

#[test]
fn lines_and_arrays_mix_on_one_line_and_on_many() {
    let text = b"{1}\n[2]\r\n\n[3,\n4] [5][\n\n6] {7} \n{8}\n[\n]\n  [9]  ";
    let expected = [
        "1:0 {1}",
        "2:0 [2]",
        "4:0 [3,~4]",
        "5:3 [5]",
        "5:6 [~~6]",
        "7:3 {7}",
        "8:0 {8}",
        "9:0 [~]",
        "11:2 [9]",
    ];
    assert_eq!(all(text), expected);
}

#[test]
fn brackets_in_strings_are_no_brackets() {
    let text = br#"["]","\"]","\\"] {}"#;
    assert_eq!(all(text), [r#"1:0 ["]","\"]","\\"]"#, "1:17 {}"]);
}

#[test]
fn an_array_that_nothing_closes_costs_one_line() {
    let why = "the array that begins here has no end";
    let cut = "[{\"a\":1},\n{\"b\":2}\n[3]\n{\"c\":4}";
    let expected = [&format!("1:0 ! {why}"), "2:0 {\"b\":2}", "3:0 [3]", "4:0 {\"c\":4}"];
    assert_eq!(all(cut.as_bytes()), expected);
    let why = "the brackets of the array that begins here don't match";
    assert_eq!(all(b"[{]\n[1]"), [&format!("1:0 ! {why}"), "2:0 [1]"]);
    assert_eq!(
        all(b"[\n{\n[1]\n]\n{}"),
        [&format!("1:0 ! {why}"), "2:0 {", "3:0 [1]", "4:0 ]", "5:0 {}"]
    );
    let why = "a string in the array that begins here has no end on its line";
    assert_eq!(all(b"[\"x\n[1]"), [&format!("1:0 ! {why}"), "2:0 [1]"]);
}

#[test]
fn an_array_that_was_cut_off_with_its_input_is_one_fault() {
    let why = "the array that begins here has no end";
    for cut in ["", "\"a", "\"a\": 1", "\"a\": 1 },\n"] {
        let text = format!("{{}}\n[\n {{\n  \"a\": 1\n }},\n {{{cut}");
        assert_eq!(all(text.as_bytes()), ["1:0 {}", &format!("2:0 ! {why}")], "{cut}");
    }
}

#[test]
fn an_array_that_comes_bit_by_bit_is_taken_as_it_stands() {
    let (reader, mut writer) = io::pipe().expect("a pipe");
    let mut documents = Documents::new(Lines::new(Box::new(reader)).expect("a thread"));
    writer.write_all(b"{}\n[\n").expect("written");
    while documents.open.is_none() {
        let next = documents.next(false).expect("readable");
        assert!(matches!(next, Document::Line(..) | Document::Idle), "{next:?}");
    }
    assert_eq!(documents.next(false).expect("readable"), Document::Idle);
    writer.write_all(b"1]\n").expect("written");
    drop(writer);
    let begin = At { line: 2, column: 0 };
    assert_eq!(documents.next(true).expect("readable"), Document::Array(begin, b"[\n1]"));
    assert_eq!(documents.next(true).expect("readable"), Document::End);
}

#[test]
fn a_hostile_input_costs_a_fault_for_each_line_and_little_work() {
    let deep = "[{\n".repeat(3_000);
    let seen = all(deep.as_bytes());
    assert_eq!(seen.len(), 3_000, "{:?}", seen.last());
    let flat = format!("[\n{}", "1\n".repeat(200_000));
    assert_eq!(all(flat.as_bytes()).len(), 200_001);
}
