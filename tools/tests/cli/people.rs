//! What a person sees on a terminal: the same commands in this process, on a pretended terminal.

use std::ffi::OsString;
use std::io;

use shoseki_tools::Status;
use shoseki_tools::console::{Console, Screen};
use unicode_width::UnicodeWidthStr;

use crate::support::{Place, record};

fn on_terminal(place: &Place, args: &[&str], no_color: bool) -> (Status, String, String) {
    let (mut output, mut errors) = (Vec::new(), Vec::new());
    let screen = Screen {
        output_is_terminal: true,
        errors_are_terminal: false,
        columns: Some(120),
        no_color,
    };
    let input = Box::new(io::empty());
    let console = Console { input, output: &mut output, errors: &mut errors, screen };
    let log = place.text("log");
    let args =
        ["shoseki", "--data-dir", &log].into_iter().chain(args.iter().copied()).map(OsString::from);
    let status = shoseki_tools::run(args, console);
    let text = |bytes| String::from_utf8(bytes).expect("UTF-8");
    (status, text(output), text(errors))
}

#[test]
fn one_thing_is_never_called_many() {
    let place = Place::with_records(1);
    let (log, copy, tiles) = (place.text("log"), place.text("copy"), place.text("tiles"));
    let (export, line) = (place.text("export"), place.text("line"));
    std::fs::write(&line, record(0)).expect("written");
    let mut said = Vec::new();
    let all: [&[&str]; 9] = [
        &["query"],
        &["verify", &log],
        &["export", "-o", &export],
        &["verify", &export],
        &["backup", &copy],
        &["publish", &tiles],
        &["seal"],
        &["segments", "verify"],
        &["demo", "--input", &line],
    ];
    for args in all {
        let (_, text, notes) = on_terminal(&place, args, true);
        said.push(format!("{args:?}\n{text}{notes}"));
    }
    let said = said.join("\n");
    for thing in ["record", "segment", "file", "byte", "finding", "line", "place", "input"] {
        for (at, _) in said.match_indices(&format!("1 {thing}s")) {
            let before = said[..at].chars().next_back();
            assert!(before.is_some_and(|c| c.is_ascii_digit() || c == ','), "{}", &said[at..]);
        }
    }
    assert!(said.contains("1 record in 1 segment, tree of 1"), "{said}");
}

#[test]
fn a_table_lines_up_with_full_width_names() {
    let place = Place::with_records(9);
    let (status, text, notes) = on_terminal(&place, &["query"], false);
    assert_eq!(status, Status::Done);
    assert!(notes.contains("9 records"), "{notes}");
    assert!(text.trim_start().starts_with("seq"), "{text}");
    let starts: Vec<usize> = text
        .lines()
        .skip(1)
        .map(|line| line.split_once("READ_CHART").expect("the action").0.width())
        .collect();
    assert_eq!(starts.len(), 9, "{text}");
    assert!(starts.iter().all(|start| *start == starts[0]), "{starts:?}\n{text}");
    let (_, json, _) = on_terminal(&place, &["query", "--json"], false);
    assert!(json.lines().all(|line| line.starts_with('{')), "{json}");
}

#[test]
fn a_terminal_gets_a_hundred_rows_and_a_card() {
    let place = Place::with_records(130);
    let (_, text, notes) = on_terminal(&place, &["query"], false);
    assert_eq!(text.lines().count(), 101);
    assert!(notes.contains("--limit N shows more"), "{notes}");
    let (_, card, _) = on_terminal(&place, &["show", "4"], false);
    assert!(card.contains("actor_id          佐藤 花子"), "{card}");
    assert!(card.contains("integrity_status  valid"), "{card}");
}

#[test]
fn colours_are_for_terminals_that_want_them() {
    let place = Place::with_records(1);
    let log = place.text("log");
    let verify = ["verify", log.as_str()];
    let escape = |text: &str| text.contains('\u{1b}');
    let (status, text, _) = on_terminal(&place, &verify, false);
    assert_eq!(status, Status::Done);
    assert!(escape(&text), "{text}");
    assert!(text.contains("key_not_independent"), "{text}");
    assert!(!escape(&on_terminal(&place, &verify, true).1));
    assert!(!escape(&on_terminal(&place, &["verify", &log, "--no-color"], false).1));
    assert!(!escape(&place.run(&verify).out));
}

#[test]
fn a_record_can_not_drive_the_terminal() {
    let place = Place::new();
    place.append(&record(0).replace("READ_CHART", "\\u001b[2J\\u202eX"));
    for args in [&["query", "--no-color"][..], &["show", "0", "--no-color"]] {
        let (_, text, _) = on_terminal(&place, args, false);
        assert!(text.contains("\\u{1b}[2J\\u{202e}X"), "{text}");
    }
}
