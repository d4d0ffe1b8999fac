//! Every bit of a small run, changed; every length, cut.

use std::sync::Arc;

use super::*;

const PATH: &str = "ids/00000000000000000100-00000000000000000180.ids";

fn small_run() -> (Arc<MemoryStorage>, Vec<u8>) {
    let storage = Arc::new(MemoryStorage::default());
    add_run(&open(&storage, 180), 100..180, 3);
    let bytes = storage.get(PATH);
    assert_eq!(bytes.len(), 128 + 3 * 64 + 80 * 10);
    (storage, bytes)
}

#[test]
fn a_changed_bit_never_panics_and_is_found_by_the_check() {
    let (storage, clean) = small_run();
    for bit in 0..clean.len() * 8 {
        let mut bytes = clean.clone();
        bytes[bit / 8] ^= 1 << (bit % 8);
        storage.put(PATH, &bytes);
        let index = open(&storage, 180);
        if bit < 128 * 8 {
            assert_eq!(index.snapshot().missing(100..180), [100..180], "header bit {bit}");
            assert_eq!(storage.names(), Vec::<String>::new());
            continue;
        }
        for number in 90..190 {
            let mut found = Vec::new();
            let print = fingerprint(index.key(), &id(number));
            let answer = index.snapshot().lookup(print, &mut found);
            match answer {
                Err(IdError::Damaged(seqs)) => assert_eq!(seqs, 100..180),
                // Only a filter's "no" is believed without its checksum.
                Ok(probes) if probes.buckets == 0 => assert!(found.is_empty()),
                Ok(_) => assert_eq!(found.contains(&number), (100..180).contains(&number)),
                Err(e) => panic!("bit {bit}: {e}"),
            }
        }
        assert_eq!(index.check_next().unwrap(), Checked::Damaged(100..180), "bit {bit}");
        assert_eq!(index.snapshot().missing(0..200), [0..200]);
        assert_eq!(storage.names(), Vec::<String>::new());
    }
}

#[test]
fn a_file_of_another_length_is_removed() {
    let (storage, clean) = small_run();
    for len in 0..clean.len() {
        storage.put(PATH, &clean[..len]);
        assert_eq!(open(&storage, 180).snapshot().runs(), 0, "{len} bytes");
        assert_eq!(storage.names(), Vec::<String>::new());
    }
    storage.put(PATH, &[&clean[..], &[0]].concat());
    assert_eq!(open(&storage, 180).snapshot().runs(), 0);
}

#[test]
fn a_merge_never_puts_a_fresh_checksum_on_a_changed_byte() {
    let storage = Arc::new(MemoryStorage::default());
    let index = open(&storage, 32);
    for run in 0..4 {
        add_run(&index, run * 8..run * 8 + 8, 1);
    }
    let path = "ids/00000000000000000008-00000000000000000016.ids";
    let clean = storage.get(path);
    for at in 128..clean.len() {
        let mut bytes = clean.clone();
        bytes[at] ^= 0x10;
        storage.put(path, &bytes);
        let index = open(&storage, 32);
        let met = index.maintain(&Window::EVERYTHING).unwrap();
        assert_eq!(met, Step::Damaged(8..16), "byte {at}");
        assert_eq!(index.snapshot().missing(0..32), [8..16]);
        assert_eq!(find(&index, 20), [20]);
    }
}

#[test]
fn the_bytes_of_a_run_are_these() {
    let storage = Arc::new(MemoryStorage::default());
    add_run(&open(&storage, 2), 0..2, 3);
    let bytes = storage.get("ids/00000000000000000000-00000000000000000002.ids");
    // Computed apart from this code, with another implementation of SipHash and CRC-32.
    let golden = concat!(
        "5348534b4944530a010000000000000007070707070707070707070707070707",
        "0909090909090909090909090909090900000000000000000200000000000000",
        "0200000000000000030000000000000001000000000000000000000000000000",
        "000000000000000000000000000000000000000000000000000000001dc8458f",
        "000000004cb2ff7a000000000000110000000000200008000000800010000000",
        "0000000040080000000000400000000000000000004200004000000000000800",
        "7aea12c6064801000000a08daf0c67dd00000000",
    );
    assert_eq!(crate::types::to_hex(&bytes), golden);
}
