//! Whole command lines, run in this process.

use std::io::{self, Write};

use clap::CommandFactory;

use super::*;

/// Runs `shoseki` with these arguments: status, standard output, standard error.
fn shoseki(args: &[&str]) -> (Status, String, String) {
    let (mut output, mut errors) = (Vec::new(), Vec::new());
    let console = Console {
        input: Box::new(io::empty()),
        output: &mut output,
        errors: &mut errors,
        screen: Screen::default(),
    };
    let args = std::iter::once("shoseki").chain(args.iter().copied()).map(OsString::from);
    let status = run(args, console);
    let text = |bytes| String::from_utf8(bytes).expect("UTF-8");
    (status, text(output), text(errors))
}

#[test]
fn the_model_is_sound_and_every_option_has_help() {
    let mut cli = Cli::command();
    cli.clone().debug_assert();
    cli.build();
    for command in std::iter::once(&cli).chain(cli.get_subcommands()) {
        for arg in command.get_arguments() {
            assert!(arg.get_help().is_some(), "{} {}", command.get_name(), arg.get_id());
        }
        assert!(command.get_about().is_some(), "{}", command.get_name());
    }
}

#[test]
fn help_and_version_are_results() {
    let (status, output, errors) = shoseki(&["--help"]);
    assert_eq!((status, errors.as_str()), (Status::Done, ""));
    assert!(output.contains("Usage: shoseki") && output.contains("Exit status"), "{output}");
    let (status, output, _) = shoseki(&["--version"]);
    assert_eq!(status, Status::Done);
    assert!(output.starts_with("shoseki "), "{output}");
}

#[test]
fn wrong_usage_is_status_2_on_standard_error() {
    for wrong in [&["no-such-command"][..], &["--no-such-option"], &[], &["completions", "csh"]] {
        let (status, output, errors) = shoseki(wrong);
        assert_eq!((status, output.as_str()), (Status::Invalid, ""), "{wrong:?}");
        assert!(!errors.is_empty(), "{wrong:?}");
    }
}

#[test]
fn completions_name_every_command() {
    for shell in ["bash", "zsh", "fish", "elvish", "powershell"] {
        let (status, output, _) = shoseki(&["completions", shell]);
        assert_eq!(status, Status::Done);
        for command in Cli::command().get_subcommands() {
            assert!(output.contains(command.get_name()), "{shell} {}", command.get_name());
        }
    }
}

#[test]
fn manual_pages_go_to_output_or_to_a_directory() {
    let (status, output, _) = shoseki(&["man"]);
    assert_eq!(status, Status::Done);
    assert!(output.contains(".TH shoseki 1"), "{output}");

    let dir = tempfile::tempdir().expect("a directory");
    let path = dir.path().join("man1");
    let (status, _, errors) = shoseki(&["man", path.to_str().expect("UTF-8")]);
    assert_eq!(status, Status::Done, "{errors}");
    for command in Cli::command().get_subcommands() {
        let page = path.join(format!("shoseki-{}.1", command.get_name()));
        assert!(page.is_file(), "{}", page.display());
    }
}

#[test]
fn a_reader_that_has_gone_is_no_error() {
    struct Gone;
    impl Write for Gone {
        fn write(&mut self, _: &[u8]) -> io::Result<usize> {
            Err(io::ErrorKind::BrokenPipe.into())
        }
        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }
    let mut errors = Vec::new();
    let console = Console {
        input: Box::new(io::empty()),
        output: &mut Gone,
        errors: &mut errors,
        screen: Screen::default(),
    };
    let args = ["shoseki", "completions", "bash"].map(OsString::from);
    assert_eq!(run(args, console), Status::Done);
    assert!(errors.is_empty());
}
