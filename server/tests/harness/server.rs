//! The server, in this process, on a free port of loopback.

use std::net::SocketAddr;
use std::sync::mpsc;
use std::thread::JoinHandle;

use serde_json::Value;
use shoseki_server::config::{Profile, Settings};
use shoseki_server::identity::{NewToken, Role, SigningKey, new_token_id};
use shoseki_server::serve::{StopSignal, serve};
use tempfile::TempDir;

use super::client::{Answer, Client, request};

/// A server that listens; it ends when it is told to.
pub(crate) struct Server {
    pub(crate) address: SocketAddr,
    pub(crate) dir: TempDir,
    pub(crate) settings: Settings,
    key: SigningKey,
    stop: StopSignal,
    thread: Option<JoinHandle<()>>,
}

impl Server {
    /// One with settings that are changed here; its log and its keys are in a directory of its own.
    pub(crate) fn start(change: impl FnOnce(&mut Settings)) -> Self {
        let dir = tempfile::tempdir().unwrap();
        let (key, _) = SigningKey::generate().unwrap();
        Self::start_in(dir, key, change)
    }

    fn start_in(dir: TempDir, key: SigningKey, change: impl FnOnce(&mut Settings)) -> Self {
        let mut settings = Settings::development(&dir.path().join("log"));
        settings.profile = Profile::Development;
        settings.listen = SocketAddr::from(([127, 0, 0, 1], 0));
        settings.identity.keys = dir.path().join("keys.jwks");
        std::fs::write(&settings.identity.keys, key.public_set().to_string()).unwrap();
        change(&mut settings);
        let (say, hear) = mpsc::channel();
        let stop = StopSignal::new();
        let (of_thread, given) = (stop.clone(), settings.clone());
        let thread = std::thread::spawn(move || {
            let mut runtime = tokio::runtime::Builder::new_multi_thread();
            let runtime = runtime.worker_threads(2).enable_all().build().unwrap();
            let ended = runtime.block_on(serve(given, of_thread, &mut |serving| {
                say.send(serving.address).unwrap();
            }));
            ended.unwrap().unwrap();
        });
        let address = hear.recv().unwrap();
        Self { address, dir, settings, key, stop, thread: Some(thread) }
    }

    /// Ends it in order.
    pub(crate) fn end(&mut self) {
        self.stop.stop();
        if let Some(thread) = self.thread.take() {
            thread.join().unwrap();
        }
    }

    /// Ends it in order, does something to its files and starts it again.
    pub(crate) fn again(mut self, between: impl FnOnce(&std::path::Path)) -> Self {
        self.end();
        let mut settings = self.settings.clone();
        settings.listen = SocketAddr::from(([127, 0, 0, 1], 0));
        between(&settings.data_dir);
        // What is dropped below must not take the directory along.
        let dir = std::mem::replace(&mut self.dir, tempfile::tempdir().unwrap());
        let (other, _) = SigningKey::generate().unwrap();
        let key = std::mem::replace(&mut self.key, other);
        Self::start_in(dir, key, |new| *new = settings)
    }

    /// A token for a subject with these roles in these facilities.
    pub(crate) fn token(&self, subject: &str, roles: &[Role], facilities: &[&str]) -> String {
        let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap();
        let token = NewToken {
            subject: subject.to_owned(),
            roles: roles.to_vec(),
            facilities: facilities.iter().map(ToString::to_string).collect(),
            id: new_token_id().unwrap(),
            issued_at: i64::try_from(now.as_secs()).unwrap(),
            lifetime: 3600,
        };
        let claims: Value = token.claims(&self.settings.identity).unwrap();
        self.key.token(&claims).unwrap()
    }

    /// A token with these members beside or instead of the usual ones.
    pub(crate) fn token_with(&self, members: &str) -> String {
        let members: Value = serde_json::from_str(members).unwrap();
        let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap();
        let identity = &self.settings.identity;
        let mut claims = serde_json::json!({
            "iss": identity.issuer, "aud": identity.audience, "sub": "somebody",
            "iat": now.as_secs(), "exp": now.as_secs() + 600, "jti": "t",
        });
        for (name, value) in members.as_object().unwrap() {
            claims[name] = value.clone();
        }
        self.key.token(&claims).unwrap()
    }

    /// One of everything, everywhere.
    pub(crate) fn token_of_all(&self) -> String {
        self.token("everybody", &Role::ALL, &["*"])
    }

    /// A connection to it.
    pub(crate) fn connect(&self) -> Client {
        Client::connect(self.address)
    }

    /// Asks on a connection of its own.
    pub(crate) fn ask(&self, bytes: &[u8]) -> Answer {
        let mut client = self.connect();
        client.send(bytes);
        client.answer()
    }

    /// The answer to `GET`.
    pub(crate) fn get(&self, path: &str, token: &str) -> Answer {
        self.ask(&request("GET", path, Some(token), &[], b""))
    }

    /// The answer to `POST` of JSON.
    pub(crate) fn post(&self, path: &str, token: &str, body: &str) -> Answer {
        let kind = [("content-type", "application/json")];
        self.ask(&request("POST", path, Some(token), &kind, body.as_bytes()))
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.stop.stop();
        if let Some(thread) = self.thread.take() {
            // It may have failed; the test says why.
            let _ = thread.join();
        }
    }
}
