//! What a run needs: inputs, a configuration, and a log that can be had again as it was.
//!
//! Invariant: the log stands under the same path each time, since paths are part of what is traced.

use std::fs;
use std::path::PathBuf;
use std::process::Command;

use tempfile::TempDir;

use crate::binary::{Said, lines, run, shoseki};
use crate::promise::Told;

/// Records of each file of input; each file is a commit of its own.
pub(crate) const RECORDS: u64 = 12;

/// Three commits, each in an active file of its own; `@` is the directory of the inputs.
pub(crate) const APPEND: &[&str] =
    &["append", "--config", "@/config", "@/input-3", "@/input-4", "@/input-5"];

/// A private directory with inputs, a configuration and a log.
pub(crate) struct Stage {
    root: TempDir,
}

impl Stage {
    pub(crate) fn new() -> Self {
        let root = tempfile::tempdir().unwrap();
        for file in 0..6 {
            let path = root.path().join(format!("input-{file}"));
            fs::write(path, lines(file * RECORDS, RECORDS)).unwrap();
        }
        // An active file holds the records of one input, so that the next one begins a new file.
        let config = "[log]\nsegment_raw_len_max = 9000\nfree_space_reserve = 0\n";
        fs::write(root.path().join("config"), config).unwrap();
        Self { root }
    }

    pub(crate) fn at(&self, name: &str) -> PathBuf {
        self.root.path().join(name)
    }

    pub(crate) fn log(&self) -> PathBuf {
        self.at("log")
    }

    pub(crate) fn expand(&self, arguments: &[&str]) -> Vec<String> {
        let root = self.root.path().to_str().unwrap();
        arguments.iter().map(|argument| argument.replace('@', root)).collect()
    }

    /// A fresh copy of the log under the same path: paths are part of what is traced.
    pub(crate) fn reset(&self) {
        let _ = fs::remove_dir_all(self.log());
        let kept = self.at("kept");
        if kept.exists() {
            let copied = Command::new("cp").arg("-a").arg(kept).arg(self.log()).status().unwrap();
            assert!(copied.success());
        }
    }

    pub(crate) fn keep(&self) {
        if self.log().exists() {
            fs::rename(self.log(), self.at("kept")).unwrap();
        }
    }

    pub(crate) fn does(&self, arguments: &[&str]) -> Said {
        let arguments = self.expand(arguments);
        let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
        let said = run(&mut shoseki(&self.log(), &arguments));
        assert_eq!(said.status, Some(0), "{said:?}");
        said
    }
}

/// Whether everything is to be tried, however long it takes.
pub(crate) fn deep() -> bool {
    std::env::var("SHOSEKI_DEEP").is_ok_and(|value| value == "1")
}

/// A log with a sealed segment and two commits behind it.
pub(crate) fn sealed_and_active(stage: &Stage) -> Told {
    let mut told = Told::default();
    stage.does(&["append", "@/input-0"]).receipts(&mut told);
    stage.does(&["seal"]);
    stage.does(&["append", "@/input-1"]).receipts(&mut told);
    stage.does(&["append", "@/input-2"]).receipts(&mut told);
    told
}

/// Behind the last frame stand bytes of a write that never came to its end.
pub(crate) fn torn(stage: &Stage) -> Told {
    let told = sealed_and_active(stage);
    let active = fs::read_dir(stage.log().join("active")).unwrap().next().unwrap().unwrap().path();
    let mut bytes = fs::read(&active).unwrap();
    bytes.extend([0xA7; 100]);
    fs::write(&active, bytes).unwrap();
    told
}
