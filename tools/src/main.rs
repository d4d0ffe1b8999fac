//! The `shoseki` binary: nothing but the call of the library.

fn main() -> std::process::ExitCode {
    shoseki_tools::run_process()
}
