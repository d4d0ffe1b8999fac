//! The server as a process of its own, with its defaults, in a directory of its own.

use std::io::{self, BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

/// A server that runs.
pub(super) struct Served {
    child: Child,
    dir: tempfile::TempDir,
    /// Where it is.
    pub(super) base: String,
    /// Its development token.
    pub(super) token: String,
}

impl Served {
    /// Starts it; with TLS where it is asked for, by a certificate that openssl makes.
    pub(super) fn start(program: &Path, on: &Path, tls: bool) -> io::Result<Self> {
        let dir = tempfile::tempdir_in(on)?;
        let mut command = Command::new(program);
        command.args(["serve", "--listen", "127.0.0.1:0", "--log", "warn", "--data-dir"]);
        command.arg(dir.path().join("data"));
        if tls {
            command.arg("--config").arg(tls_config(dir.path())?);
        }
        let mut child = command.stderr(Stdio::piped()).spawn()?;
        let errors = child.stderr.take().ok_or_else(|| io::Error::other("no standard error"))?;
        let mut lines = BufReader::new(errors).lines();
        let mut base = None;
        let mut said = String::new();
        for line in lines.by_ref() {
            let line = line?;
            if let Some(at) = line.find("listening on ") {
                base = line.get(at + "listening on ".len()..).map(str::to_owned);
            }
            said.push_str(&line);
            said.push('\n');
            if base.is_some() && line.matches('.').count() == 2 && line.starts_with("ey") {
                break;
            }
        }
        // What it says later goes nowhere, but must be read.
        std::thread::spawn(move || lines.for_each(drop));
        let Some(base) = base else {
            return Err(io::Error::other(format!("the server does not listen:\n{said}")));
        };
        let token = std::fs::read_to_string(dir.path().join("data/dev-token"))?.trim().to_owned();
        Ok(Self { child, dir, base, token })
    }

    /// Its memory, in bytes: what is no page of a file, and the most that was resident.
    pub(super) fn memory(&self) -> io::Result<(u64, u64)> {
        let status = std::fs::read_to_string(format!("/proc/{}/status", self.child.id()))?;
        let value = |name: &str| {
            let line = status.lines().find_map(|line| line.strip_prefix(name));
            let kib = line.and_then(|rest| rest.split_whitespace().next());
            kib.and_then(|kib| kib.parse::<u64>().ok()).map_or(0, |kib| kib * 1024)
        };
        Ok((value("RssAnon:"), value("VmHWM:")))
    }

    /// Ends it in order and verifies what it kept; gives the number of records.
    pub(super) fn end(mut self, program: &Path) -> io::Result<u64> {
        let id = self.child.id().to_string();
        Command::new("kill").args(["-TERM", &id]).status()?;
        let status = self.child.wait()?;
        if !status.success() {
            return Err(io::Error::other(format!("the server ended with {status}")));
        }
        let said = Command::new(program)
            .args(["verify", "--json"])
            .arg(self.dir.path().join("data"))
            .output()?;
        let report: serde_json::Value = serde_json::from_slice(&said.stdout)?;
        match (report["status"].as_str(), report["records"].as_u64()) {
            (Some("valid"), Some(records)) => Ok(records),
            _ => Err(io::Error::other(format!("the log is not valid: {report}"))),
        }
    }
}

impl Drop for Served {
    fn drop(&mut self) {
        // Gone already where it ended in order.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn tls_config(dir: &Path) -> io::Result<PathBuf> {
    let path = |name: &str| dir.join(name);
    let made = Command::new("openssl")
        .args(["req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes"])
        .args(["-days", "2", "-subj", "/CN=localhost", "-addext", "subjectAltName=IP:127.0.0.1"])
        .arg("-keyout")
        .arg(path("key.pem"))
        .arg("-out")
        .arg(path("certificate.pem"))
        .output()?;
    if !made.status.success() {
        return Err(io::Error::other(String::from_utf8_lossy(&made.stderr).into_owned()));
    }
    let (certificate, key) = (path("certificate.pem"), path("key.pem"));
    let text = format!("[tls]\ncertificate = {certificate:?}\nkey = {key:?}\n");
    std::fs::write(path("shoseki.toml"), text)?;
    Ok(path("shoseki.toml"))
}
