//! A PostgreSQL server of this bench's own, on loopback.
//!
//! Invariant: data directory and port are nobody else's; it is stopped by its process id when this
//! is dropped, at the latest. It refuses to run as root, so root gives it to another user.

use std::fs::{self, File};
use std::net::TcpListener;
use std::os::unix::fs::{MetadataExt, chown};
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use ::postgres::{Client, NoTls};
use rustix::process::{Pid, Signal, kill_process};

use crate::Outcome;

/// Where Debian keeps the programs that are not for everybody's path, by version.
const DEBIAN: &str = "/usr/lib/postgresql";
/// Settings of the peer, beside what a server has by default.
const SETTINGS: [&str; 13] = [
    "listen_addresses=127.0.0.1",
    "unix_socket_directories=",
    "fsync=on",
    "synchronous_commit=on",
    "full_page_writes=on",
    "wal_sync_method=fdatasync",
    "shared_buffers=1GB",
    "wal_buffers=16MB",
    "max_wal_size=4GB",
    "checkpoint_timeout=15min",
    "max_connections=20",
    "random_page_cost=1.1",
    "effective_cache_size=8GB",
];
const USER: &str = "postgres";
const START_MAX: Duration = Duration::from_secs(300);

/// The programs of a server.
#[derive(Clone, Debug)]
pub(crate) struct Programs(PathBuf);

impl Programs {
    /// The newest version 15 or what the path has.
    pub(crate) fn find() -> Result<Self, String> {
        let path = std::env::var_os("PATH").unwrap_or_default();
        let debian = Path::new(DEBIAN).join("15/bin");
        std::iter::once(debian)
            .chain(std::env::split_paths(&path))
            .find(|dir| dir.join("postgres").is_file() && dir.join("initdb").is_file())
            .map(Self)
            .ok_or_else(|| "no programs postgres and initdb here".to_owned())
    }

    fn command(&self, program: &str, user: Option<(u32, u32)>) -> Command {
        let mut command = Command::new(self.0.join(program));
        if let Some((uid, gid)) = user {
            command.uid(uid).gid(gid);
        }
        // Of the caller's settings none may reach the server.
        command.env_clear().current_dir("/").stdin(Stdio::null());
        command
    }

    /// What the server says of itself: `PostgreSQL 15.18`.
    pub(crate) fn version(&self) -> Outcome<String> {
        let said = self.command("postgres", None).arg("--version").output()?.stdout;
        let said = String::from_utf8(said)?;
        let mut words = said.split_whitespace().skip_while(|word| !word.contains("PostgreSQL"));
        let version = words.nth(1).ok_or("a server without a version")?;
        Ok(format!("PostgreSQL {version}"))
    }

    /// Makes an empty cluster.
    pub(crate) fn init(&self, dir: &Path) -> Outcome {
        let user = other_user()?;
        fs::create_dir_all(dir)?;
        if let Some((uid, gid)) = user {
            chown(dir, Some(uid), Some(gid))?;
        }
        let mut init = self.command("initdb", user);
        init.arg("-D").arg(dir.canonicalize()?);
        init.args(["-U", USER, "--auth=trust", "--encoding=UTF8", "--locale=C"]);
        let done = init.output()?;
        if !done.status.success() {
            return Err(String::from_utf8_lossy(&done.stderr).into_owned().into());
        }
        Ok(())
    }

    /// Starts a server and waits until it answers.
    pub(crate) fn start(&self, dir: &Path) -> Outcome<(Server, Client)> {
        let port = TcpListener::bind("127.0.0.1:0")?.local_addr()?.port();
        let log_path = dir.with_extension("log");
        let log = File::create(&log_path)?;
        let mut start = self.command("postgres", other_user()?);
        start.arg("-D").arg(dir.canonicalize()?).args(["-p", &port.to_string()]);
        for setting in SETTINGS {
            start.args(["-c", setting]);
        }
        let child = start.stdout(log.try_clone()?).stderr(log).spawn()?;
        let mut server = Server { child: Some(child) };
        let begun = Instant::now();
        loop {
            if let Ok(client) = connect(port) {
                return Ok((server, client));
            }
            if server.has_ended()? || begun.elapsed() > START_MAX {
                return Err(fs::read_to_string(&log_path)?.into());
            }
            std::thread::sleep(Duration::from_millis(2));
        }
    }
}

fn connect(port: u16) -> Outcome<Client> {
    let address = format!("host=127.0.0.1 port={port} user={USER} dbname=postgres");
    let mut client = Client::connect(&address, NoTls)?;
    client.simple_query("SELECT 1")?;
    Ok(client)
}

/// A running server.
pub(crate) struct Server {
    child: Option<Child>,
}

impl Server {
    /// Id of its first process.
    pub(crate) fn id(&self) -> Option<u32> {
        self.child.as_ref().map(Child::id)
    }

    fn has_ended(&mut self) -> Outcome<bool> {
        Ok(match &mut self.child {
            Some(child) => child.try_wait()?.is_some(),
            None => true,
        })
    }

    /// Stops it: sessions are ended, everything is written, the processes are gone.
    pub(crate) fn stop(mut self) -> Outcome {
        self.end()
    }

    fn end(&mut self) -> Outcome {
        if let Some(mut child) = self.child.take() {
            // One that has ended already is not there to be told.
            let _ = kill_process(Pid::from_child(&child), Signal::INT);
            let status = child.wait()?;
            if !status.success() {
                return Err(format!("the server ended with {status}").into());
            }
        }
        Ok(())
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        // Whoever wants to know calls `stop`.
        let _ = self.end();
    }
}

/// For root the user that the server runs as; for others nobody else.
fn other_user() -> Outcome<Option<(u32, u32)>> {
    if fs::metadata("/proc/self")?.uid() != 0 {
        return Ok(None);
    }
    let users = fs::read_to_string("/etc/passwd")?;
    let of = |name: &str| {
        let line = users.lines().find(|line| line.split(':').next() == Some(name))?;
        let mut fields = line.split(':').skip(2);
        Some((fields.next()?.parse().ok()?, fields.next()?.parse().ok()?))
    };
    Ok(Some(of(USER).or_else(|| of("nobody")).ok_or("no user for the server")?))
}
