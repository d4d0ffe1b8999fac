//! Writes the seeds of a target into a folder, or names all targets.
//!
//! Invariant: file names follow from contents, so that the same seeds give the same folder.
#![allow(clippy::print_stdout, reason = "a program")]

use std::path::Path;
use std::{env, fs, io};

use sha2::{Digest, Sha256};
use shoseki_fuzz::{TARGETS, target};

fn main() -> io::Result<()> {
    let arguments: Vec<String> = env::args().skip(1).collect();
    let [name, folder] = arguments.as_slice() else {
        TARGETS.iter().for_each(|target| println!("{}", target.name));
        return Ok(());
    };
    fs::create_dir_all(folder)?;
    for seed in (target(name).seeds)() {
        let digest = Sha256::digest(&seed);
        let file: String = digest.iter().take(10).map(|byte| format!("{byte:02x}")).collect();
        fs::write(Path::new(folder).join(file), seed)?;
    }
    Ok(())
}
