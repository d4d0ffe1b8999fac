//! Active files: place, file and checksums of frames.

use super::{number, put, put_crc};

const HEADER_LEN: usize = 256;
const FRAME_LEN: usize = 72;

/// With `anywhere`, every place with a frame's magic is taken for a frame; otherwise frames follow
/// each other from the header on.
pub(crate) fn active(bytes: &[u8], anywhere: bool) -> Vec<u8> {
    let mut file = bytes.to_vec();
    put_crc(&mut file, 0, HEADER_LEN - 4);
    let Some(tag) = file.get(24..32).and_then(|tag| <[u8; 8]>::try_from(tag).ok()) else {
        return file;
    };
    if anywhere {
        // Inner frames first: the outer one's checksum is over them.
        for at in (HEADER_LEN..file.len()).rev() {
            if file[at..].starts_with(b"SHFR") {
                frame(&mut file, at, tag);
            }
        }
        return file;
    }
    let mut at = HEADER_LEN;
    while let Some(end) = frame(&mut file, at, tag) {
        at = end;
    }
    file
}

fn frame(file: &mut [u8], at: usize, tag: [u8; 8]) -> Option<usize> {
    let payload = at.checked_add(FRAME_LEN)?;
    let end = payload.checked_add(number(file, at + 36, 4)?)?;
    put(file, at + 40, &tag);
    put(file, at + 48, &(at as u64).to_le_bytes());
    if let Some(covered) = file.get(payload..end) {
        let crc = crc32fast::hash(covered).to_le_bytes();
        put(file, at + 64, &crc);
    }
    put_crc(file, at, at + FRAME_LEN - 4);
    (end <= file.len()).then_some(end)
}
