//! The configuration file.

use std::fs;

use crate::support::{Place, record};

#[test]
fn an_unknown_key_is_named_with_its_file() {
    let place = Place::new();
    let file = place.text("shoseki.toml");
    fs::write(&file, "[log]\nsegment_len = 5\n").expect("written");
    let run = place.run_with(&["--config", &file, "append"], &record(0)).ended(2);
    assert!(run.err.contains("segment_len") && run.err.contains(&file), "{}", run.err);
    assert!(!place.log().exists());
    let run = place.run(&["--config", "nowhere.toml", "query"]).ended(3);
    assert!(run.err.contains("nowhere.toml"), "{}", run.err);
    place.run(&["--config", &file, "completions", "bash"]).ended(0);
}

#[test]
fn what_it_says_holds_for_the_log() {
    let place = Place::new();
    let file = place.text("shoseki.toml");
    let text = "[log]\norigin = \"clinic.example/day\"\nsegment_raw_len_max = 4096\n\
                [limits]\ndetail_members_max = 1\n[import]\nproducer = \"trail\"\n";
    fs::write(&file, text).expect("written");
    let input: Vec<String> = (0..30).map(|n| record(n).replace(",\"dose\":1.10", "")).collect();
    for line in &input {
        place.run_with(&["--config", &file, "append"], line).ended(0);
    }
    let run = place.run(&["checkpoint"]).ended(0);
    assert!(run.out.starts_with("clinic.example/day\n30\n"), "{}", run.out);
    assert!(place.run(&["segments"]).lines().len() > 2);
    let run = place.run_with(&["--config", &file, "append"], &record(40)).ended(2);
    assert!(run.err.contains("/detail"), "{}", run.err);
    let mut command = place.command(&["append"]);
    let status = command.env("SHOSEKI_CONFIG", "nowhere.toml").status().expect("ended");
    assert_eq!(status.code(), Some(3));
}
