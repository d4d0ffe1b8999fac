//! The end of the server under load: without a word, and in order.

use std::time::Instant;

use shoseki_lab::Rng;

use crate::load::{Load, Sent, Way};
use crate::process::{Process, verify};

/// Sends again what was not answered: afterwards each record is there once.
fn repeat(server: &Process, all: &[Sent]) {
    for sent in all.iter().filter(|sent| !sent.answered) {
        let answer = server.ask_as("POST", "/v1/audit-logs", sent.kind(), &sent.body);
        match sent.way {
            Way::Invalid => assert_eq!(answer.status, 422),
            Way::Lines => assert!(answer.text().contains("\"refused\":0"), "{}", answer.text()),
            Way::Single | Way::Array => {
                assert!([200, 201].contains(&answer.status), "{}", answer.text());
            }
        }
    }
}

#[test]
fn killed_under_load_it_keeps_what_it_said() {
    let rounds = if std::env::var_os("SHOSEKI_DEEP").is_some() { 50 } else { 8 };
    let seed = std::env::var("SHOSEKI_SEED").ok().and_then(|seed| seed.parse().ok()).unwrap_or(1);
    println!("seed {seed}");
    let mut rng = Rng::new(seed);
    let place = tempfile::tempdir().unwrap();
    let dir = place.path().join("log");
    let mut server = Process::start(&dir);
    let mut last = None;
    let (mut told, mut unanswered, mut whole) = (0, 0, 0);
    for round in 0..rounds {
        let load = Load::start(server.address, &server.token, round);
        load.wait(200 + usize::try_from(rng.below(3000)).unwrap());
        server.kill();
        let all = load.end();
        server = Process::start(&dir);
        verify(&dir);
        let found = server.records(last);
        for sent in &all {
            sent.check(&found);
            told += sent.told.len();
            unanswered += usize::from(!sent.answered);
            whole += usize::from(!sent.answered && found.by_id.contains_key(&sent.ids[0]));
        }
        repeat(&server, &all);
        let found = server.records(last);
        let valid = all.iter().filter(|sent| sent.way != Way::Invalid);
        let ids: usize = valid.map(|sent| sent.ids.len()).sum();
        assert_eq!(found.by_id.len(), ids, "after the repeats each record is there once");
        last = found.last;
    }
    println!(
        "{rounds} rounds: {told} told; of {unanswered} unanswered requests {whole} were there"
    );
    verify(&dir);
}

#[test]
fn told_to_end_under_load_it_ends_well() {
    let place = tempfile::tempdir().unwrap();
    let dir = place.path().join("log");
    let mut last = None;
    for round in 0..3 {
        let server = Process::start(&dir);
        let load = Load::start(server.address, &server.token, round);
        load.wait(1000);
        let began = Instant::now();
        server.signal("TERM");
        let status = server.ended();
        println!("ended in {:?}", began.elapsed());
        assert_eq!(status.code(), Some(0));
        let all = load.end();
        verify(&dir);
        let server = Process::start(&dir);
        let found = server.records(last);
        all.iter().for_each(|sent| sent.check(&found));
        repeat(&server, &all);
        last = server.records(last).last;
        server.signal("TERM");
        assert_eq!(server.ended().code(), Some(0));
    }
}
