//! A client of somebody else reads what we publish: notes by `signed_note`, checkpoint, tiles and
//! proofs by `tlog_tiles`, both written for other logs from the same C2SP and RFC 6962 texts.
//!
//! Invariant: nothing of ours is used to judge; ours only makes the log.

use std::path::PathBuf;

use shoseki_engine::log::{Log, LogOptions, Reader};
use shoseki_engine::types::{Seq, TreeSize};
use shoseki_lab::generate::Workload;
use signed_note::{Note, StandardVerifier, VerifierList};
use tlog_tiles::{
    Checkpoint, Error, Hash, Tile, TileHashReader, TileReader, check_record, check_tree,
    prove_record, prove_tree, record_hash,
};

/// The published directory, as a client would fetch it.
struct Published(PathBuf);

impl TileReader for Published {
    fn height(&self) -> u8 {
        8
    }

    fn read_tiles(&self, tiles: &[Tile]) -> Result<Vec<Vec<u8>>, Error> {
        let read = |tile: &Tile| {
            // The paths of C2SP leave out the height, which is always 8.
            let path = tile.path().replacen("tile/8/", "tile/", 1);
            std::fs::read(self.0.join(&path)).map_err(|_| Error::InvalidTile)
        };
        tiles.iter().map(read).collect()
    }

    fn save_tiles(&self, _: &[Tile], _: &[Vec<u8>]) {}
}

#[test]
fn a_client_of_somebody_else_accepts_checkpoint_tiles_and_proofs() {
    let dir = tempfile::tempdir().unwrap();
    let (live, public) = (dir.path().join("log"), dir.path().join("public"));
    let options = LogOptions { free_space_reserve: Some(0), ..LogOptions::default() };
    let log = Log::open(&live, options).unwrap();
    let mut records = Workload::new(11, 70_000).records();
    for n in 0..140 {
        log.append(None, records.by_ref().take(500).collect()).unwrap();
        if n == 50 {
            log.seal().unwrap();
        }
    }
    log.close().unwrap();
    let reader = Reader::open(&live).unwrap();
    reader.publish(&public).unwrap();

    let vkey = std::fs::read_to_string(live.join("log.vkey")).unwrap();
    let verifier = StandardVerifier::new(vkey.trim_end()).unwrap();
    let note = Note::from_bytes(&std::fs::read(public.join("checkpoint")).unwrap()).unwrap();
    let (verified, _) = note.verify(&VerifierList::new(vec![Box::new(verifier)])).unwrap();
    assert_eq!(verified.len(), 1);
    let checkpoint = Checkpoint::from_bytes(note.text()).unwrap();
    assert_eq!((checkpoint.origin(), checkpoint.size()), (reader.origin().as_str(), 70_000));

    let (size, root) = (checkpoint.size(), *checkpoint.hash());
    let tiles = Published(public);
    let hashes = TileHashReader::new(size, root, &tiles);
    for seq in [0, 1, 255, 256, 25_499, 25_500, 65_535, 65_536, 69_998, 69_999] {
        let proof = prove_record(size, seq, &hashes).unwrap();
        let ours = reader.prove_inclusion(Seq(seq), TreeSize(size)).unwrap();
        let leaf = record_hash(&ours.record_hash.0);
        check_record(&proof, size, root, seq, leaf).unwrap();
        // And the other way round: our proof, judged by them.
        let proof = ours.hashes.iter().map(|hash| Hash(hash.0)).collect();
        check_record(&proof, size, root, seq, leaf).unwrap();
    }
    for old in [1, 255, 25_500, 65_536, 69_999] {
        let then = Hash(reader.root_at(TreeSize(old)).unwrap().0);
        check_tree(&prove_tree(size, old, &hashes).unwrap(), size, root, old, then).unwrap();
        let ours = reader.prove_consistency(TreeSize(old), TreeSize(size)).unwrap();
        let ours = ours.hashes.iter().map(|hash| Hash(hash.0)).collect();
        check_tree(&ours, size, root, old, then).unwrap();
    }
}
