//! Help, wrong usage, and places where there is no log.

use clap::CommandFactory;
use shoseki_tools::args::Cli;

use crate::support::Place;

#[test]
fn every_command_explains_itself() {
    let place = Place::new();
    let mut cli = Cli::command();
    cli.build();
    let mut waiting: Vec<(Vec<String>, clap::Command)> =
        cli.get_subcommands().map(|c| (vec![c.get_name().to_owned()], c.clone())).collect();
    let mut seen = 0;
    while let Some((path, command)) = waiting.pop() {
        let nested = command.get_subcommands().filter(|inner| inner.get_name() != "help");
        for inner in nested {
            let path = [path.clone(), vec![inner.get_name().to_owned()]].concat();
            waiting.push((path, inner.clone()));
        }
        if path[0] == "help" {
            continue;
        }
        let mut args: Vec<&str> = path.iter().map(String::as_str).collect();
        args.push("--help");
        let run = place.run(&args).ended(0);
        assert!(run.out.contains("Usage: shoseki"), "{args:?}: {}", run.out);
        assert_eq!(run.err, "", "{args:?}");
        seen += 1;
    }
    assert!(seen >= 20, "{seen} commands");
    assert!(!place.log().exists(), "help made a log");
}

#[test]
fn wrong_usage_ends_with_2() {
    let place = Place::with_records(1);
    let wrong: [&[&str]; 12] = [
        &["no-such-command"],
        &["query", "--no-such-option"],
        &["query", "--from", "yesterday"],
        &["query", "--result", "Success"],
        &["query", "--source-ip", "192.0.2.0/33"],
        &["query", "--cursor", "AAAA"],
        &["show", "one"],
        &["show", "7"],
        &["show", "00000000-0000-4000-8000-999999999999"],
        &["export", "--raw"],
        &["import", "jsonl", "x.json"],
        &["fork", "a", "b"],
    ];
    for args in wrong {
        let run = place.run(args).ended(2);
        assert!(!run.err.is_empty() && run.out.is_empty(), "{args:?}");
    }
}

#[test]
fn where_there_is_no_log_nothing_is_made_and_the_status_is_3() {
    let place = Place::new();
    let all: [&[&str]; 10] = [
        &["query"],
        &["show", "0"],
        &["tail"],
        &["export"],
        &["checkpoint"],
        &["segments"],
        &["proof", "0"],
        &["key", "show"],
        &["backup", "elsewhere"],
        &["publish", "elsewhere"],
    ];
    for args in all {
        let run = place.run(args).ended(3);
        assert!(run.err.contains("log.json is missing"), "{args:?}: {}", run.err);
        assert!(run.err.contains("next:  check --data-dir"), "{args:?}: {}", run.err);
    }
    for args in [&["seal"][..], &["key", "rotate"]] {
        assert_ne!(place.run(args).code, 0, "{args:?}");
    }
    assert!(!place.log().exists());
    place.run(&["verify", "nowhere"]).ended(3);
}
