//! The `shoseki` binary under a name of this package, so that its tests find it as a process.
//!
//! Invariant: it is the same call as the shipped binary's and nothing else.

fn main() -> std::process::ExitCode {
    shoseki_tools::run_process()
}
