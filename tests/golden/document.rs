//! The worked examples of engine/docs/format.md against what the code writes.
//!
//! When one differs, the text that belongs there is printed and, with `SHOSEKI_WRITE_DOC=1`,
//! written.

use std::fs;

use shoseki_engine::format::{
    ACTIVE_HEADER_LEN, BLOCK_HEAD_LEN, DIRECTORY_ENTRY_LEN, FRAME_HEADER_LEN, GROUP_ENTRY_LEN,
    RECORD_PREFIX_LEN, SEGMENT_HEADER_LEN, TAIL_LEN,
};
use shoseki_engine::proof::chain_next;
use shoseki_engine::segment::SealedSegment;
use shoseki_tests::workspace;

use crate::sample;

/// A part of a file: its first byte and what it is.
type Part = (usize, &'static str);

/// Hexadecimal lines of 16 bytes, begun anew with each part. Runs of zero lines are left out.
fn dump(bytes: &[u8], parts: &[Part]) -> String {
    let mut text = String::new();
    let ends = parts.iter().skip(1).map(|part| part.0).chain([bytes.len()]);
    for ((start, name), end) in parts.iter().zip(ends) {
        text.push_str(&format!("; {name}, {} bytes\n", end - start));
        let mut skipped = false;
        for (i, line) in bytes[*start..end].chunks(16).enumerate() {
            if line.iter().all(|b| *b == 0) && line.len() == 16 {
                if !skipped {
                    text.push_str("*  zeros\n");
                }
                skipped = true;
                continue;
            }
            skipped = false;
            let hex: Vec<String> = line.iter().map(|b| format!("{b:02x}")).collect();
            let printable = |b: &u8| if (32..127).contains(b) { char::from(*b) } else { '.' };
            let ascii: String = line.iter().map(printable).collect();
            text.push_str(&format!("{:06x}  {:<47}  {ascii}\n", start + i * 16, hex.join(" ")));
        }
    }
    text.lines().map(|line| format!("{}\n", line.trim_end())).collect()
}

fn active() -> String {
    let body = ACTIVE_HEADER_LEN + FRAME_HEADER_LEN + RECORD_PREFIX_LEN;
    let parts = [
        (0, "active file header: magic"),
        (8, "versions, reserved"),
        (16, "first_seq, file_tag"),
        (32, "identity_sha256"),
        (64, "chain_before"),
        (128, "first_commit"),
        (136, "reserved"),
        (252, "crc32"),
        (ACTIVE_HEADER_LEN, "frame header: magic, version, kind, reserved, commit"),
        (ACTIVE_HEADER_LEN + 16, "durable_seq, first_seq"),
        (ACTIVE_HEADER_LEN + 32, "record_count, payload_len, file_tag"),
        (ACTIVE_HEADER_LEN + 48, "offset, received_at"),
        (ACTIVE_HEADER_LEN + 64, "payload_crc32, header_crc32"),
        (ACTIVE_HEADER_LEN + FRAME_HEADER_LEN, "payload: length and locator of record 0"),
        (body, "its body"),
        (body + sample::body(0).len(), "chain hash behind record 0"),
    ];
    dump(&sample::active_file(&[1], false), &parts)
}

fn sealed() -> String {
    let file = sample::tiny_segment();
    let segment = SealedSegment::open(&file).unwrap();
    let (tail, footer) = (segment.tail(), segment.footer());
    let offset = |at: u64| usize::try_from(at).unwrap();
    let (directory, footer_at) = (offset(footer.directory_offset), offset(tail.footer_offset));
    let group = SEGMENT_HEADER_LEN + BLOCK_HEAD_LEN + GROUP_ENTRY_LEN + 4;
    let seal = offset(tail.seal_offset());
    let parts = [
        (0, "segment header"),
        (SEGMENT_HEADER_LEN, "block head"),
        (SEGMENT_HEADER_LEN + BLOCK_HEAD_LEN, "group entry"),
        (group - 4, "locator of record 0"),
        (group, "group, fixed part: kind, audit_id, salt"),
        (group + 29, "group, text part: lengths of middle and after"),
        (group + 31, "timestamp: unit, difference"),
        (group + 37, "received_at: unit, difference"),
        (group + 46, "middle (after is empty)"),
        (directory, "directory entry"),
        (footer_at, "footer, fixed part"),
        (footer_at + 464, "range nodes"),
        (footer_at + 496, "last tile"),
        (footer_at + 528, "anchor"),
        (seal - 4, "footer: crc32"),
        (seal, "file seal"),
        (file.len() - TAIL_LEN, "tail"),
    ];
    assert_eq!(footer_at - directory, DIRECTORY_ENTRY_LEN);
    dump(&file, &parts)
}

fn shell() -> String {
    let body = String::from_utf8(sample::body(0)).unwrap();
    format!("printf '%s' '{body}' | sha512sum\n{}\n", sample::hash(0))
}

fn python() -> String {
    let identity = sample::identity();
    format!(
        "from hashlib import sha256, sha512\n\
         log_id = bytes.fromhex('{}')\n\
         genesis = sha512(b'shoseki/v1\\n' + b'{}' + b'\\n' + log_id).digest()\n\
         hash_0 = bytes.fromhex('{}')\n\
         chain_0 = sha512(genesis + hash_0).digest()\n\
         root_1 = sha256(b'\\x00' + hash_0).digest()\n\
         assert genesis.hex() == '{}'\n\
         assert chain_0.hex() == '{}'\n\
         assert root_1.hex() == '{}'\n",
        identity.log_id,
        identity.origin,
        sample::hash(0),
        sample::genesis(),
        chain_next(&sample::genesis(), &sample::hash(0)),
        sample::root(1),
    )
}

/// The document with the block that begins with a line of three back-quotes and `text NAME`
/// replaced.
fn with_block(document: &str, name: &str, text: &str) -> String {
    let fence = format!("```text {name}\n");
    let (before, rest) = document.split_once(&fence).unwrap_or_else(|| panic!("no block {name}"));
    let (_, after) = rest.split_once("```").unwrap();
    format!("{before}{fence}{text}```{after}")
}

#[test]
fn the_worked_examples_are_what_the_code_writes() {
    let path = workspace::root().join("engine/docs/format.md");
    let document = fs::read_to_string(&path).unwrap();
    let blocks =
        [("shell", shell()), ("python", python()), ("active", active()), ("sealed", sealed())];
    let mut due = document.clone();
    for (name, text) in &blocks {
        due = with_block(&due, name, text);
    }
    if std::env::var_os("SHOSEKI_WRITE_DOC").is_some_and(|value| value == "1") {
        fs::write(&path, &due).unwrap();
    }
    for (name, text) in &blocks {
        let same = with_block(&document, name, text) == document;
        assert!(same, "block {name} of format.md; due:\n{text}");
    }
}

#[test]
fn the_text_part_of_the_example_lies_where_the_document_says() {
    let text = sealed();
    let line = |name: &str| {
        let (_, rest) = text.split_once(&format!("; {name}")).unwrap();
        rest.lines().nth(1).unwrap().to_owned()
    };
    assert!(line("middle (after is empty)").contains(r#","actor_type"#));
    assert!(line("anchor").contains("shoseki-anchor/v"));
    assert!(line("file seal").contains("shoseki-seal/v1"));
    assert!(line("tail").contains("  "));
}
