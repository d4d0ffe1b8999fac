//! `shoseki checkpoint`: the newest signed checkpoint.

use clap::Args;
use serde::Serialize;
use shoseki_engine::log::SignedCheckpoint;
use shoseki_engine::proof::base64_encode;

use crate::explain;
use crate::failure::{Failure, Status, Stop};
use crate::logs;
use crate::output::Session;
use crate::remote::RemoteArgs;

/// Arguments of `checkpoint`.
#[derive(Args, Debug)]
#[command(after_help = "Keep it where whoever can change the log can't: `shoseki verify \
                        --checkpoint FILE` then finds what was cut off or made anew.")]
pub struct Checkpoint {
    /// The server to ask.
    #[command(flatten)]
    pub remote: RemoteArgs,
}

#[derive(Serialize)]
struct Signed<'a> {
    origin: &'a str,
    tree_size: u64,
    root: String,
    note: &'a str,
}

impl Checkpoint {
    /// Prints the signed note as it is stored.
    ///
    /// # Errors
    /// There is none, or it does not hold.
    pub fn run(&self, session: &mut Session<'_>) -> Result<Status, Stop> {
        let signed = match self.remote.client(session)? {
            Some(mut client) => client.checkpoint()?,
            None => stored(session)?,
        };
        if session.shared.json {
            let checkpoint = &signed.checkpoint;
            session.out.json(&Signed {
                origin: checkpoint.origin.as_str(),
                tree_size: checkpoint.size.0,
                root: base64_encode(&checkpoint.root.0),
                note: &signed.note,
            })?;
        } else {
            session.out.bytes(signed.note.as_bytes())?;
        }
        Ok(Status::Done)
    }
}

/// The newest of the data directory.
fn stored(session: &mut Session<'_>) -> Result<SignedCheckpoint, Failure> {
    let reader = logs::reader(session)?;
    let dir = session.shared.data_dir();
    let signed = reader.checkpoint().map_err(|error| explain::read(&error, dir))?;
    signed.ok_or_else(|| {
        Failure::could_not("the log has no checkpoint yet")
            .at(dir.display())
            .next("append something: a checkpoint is signed within a second")
    })
}
