//! Changes inside a frame's bytes.
//!
//! Owns the offsets. What is to be noticed by its length must not be noticed by its CRC, so CRCs
//! are repaired where a fault is elsewhere.

use bytes::{BufMut as _, Bytes, BytesMut};

/// Total length, headers' length and the CRC of both.
const PRELUDE: usize = 12;
const CRC: usize = 4;

/// The frame with the lowest bit of this byte turned over.
fn flipped(frame: &Bytes, at: usize) -> Bytes {
    let mut changed = BytesMut::from(frame.as_ref());
    if let Some(byte) = changed.get_mut(at) {
        *byte ^= 1;
    }
    changed.freeze()
}

pub(super) fn corrupt_prelude(frame: &Bytes) -> Bytes {
    flipped(frame, PRELUDE - 1)
}

pub(super) fn corrupt_message(frame: &Bytes) -> Bytes {
    flipped(frame, frame.len().saturating_sub(1))
}

/// Another total length, under a right prelude CRC.
pub(super) fn total_length(frame: &Bytes, length: u32) -> Bytes {
    match frame.get(4..8) {
        Some(headers) => resealed(&[&length.to_be_bytes(), headers], frame),
        None => frame.clone(),
    }
}

/// Another length of the headers, under a right prelude CRC.
pub(super) fn headers_length(frame: &Bytes, length: u32) -> Bytes {
    match frame.get(..4) {
        Some(total) => resealed(&[total, &length.to_be_bytes()], frame),
        None => frame.clone(),
    }
}

/// The two lengths with their CRC, and what followed them before with the CRC of the whole.
fn resealed(lengths: &[&[u8]; 2], frame: &Bytes) -> Bytes {
    let rest = frame.get(PRELUDE..frame.len().saturating_sub(CRC)).unwrap_or_default();
    let mut changed = BytesMut::from(lengths.concat().as_slice());
    changed.put_u32(crc32fast::hash(&changed));
    changed.put_slice(rest);
    changed.put_u32(crc32fast::hash(&changed));
    changed.freeze()
}

/// The same frame with so many zeros more, in pieces that share their memory.
pub(super) fn padded(frame: &Bytes, zeros: usize) -> Vec<Bytes> {
    const PIECE: &[u8] = &[0; 64 * 1024];
    let (Some(headers), Some(rest)) = (frame.get(4..8), frame.get(PRELUDE..frame.len().saturating_sub(CRC))) else {
        return vec![frame.clone()];
    };
    let total = u32::try_from(frame.len() + zeros).unwrap_or(u32::MAX);
    let mut begin = BytesMut::new();
    begin.put_u32(total);
    begin.put_slice(headers);
    begin.put_u32(crc32fast::hash(&begin));
    begin.put_slice(rest);
    let mut crc = crc32fast::Hasher::new();
    crc.update(&begin);
    let mut pieces = vec![begin.freeze()];
    let mut left = zeros;
    while let Some(piece) = PIECE.get(..left.min(PIECE.len())).filter(|piece| !piece.is_empty()) {
        crc.update(piece);
        pieces.push(Bytes::from_static(piece));
        left -= piece.len();
    }
    pieces.push(Bytes::copy_from_slice(&crc.finalize().to_be_bytes()));
    pieces
}

/// The same frame with more payload.
pub(super) fn lengthened(frame: &Bytes, more: &[u8]) -> Bytes {
    let (Some(headers), Some(rest)) = (frame.get(4..8), frame.get(PRELUDE..frame.len().saturating_sub(CRC))) else {
        return frame.clone();
    };
    let total = u32::try_from(frame.len() + more.len()).unwrap_or(u32::MAX).to_be_bytes();
    let longer = Bytes::from([frame.get(..PRELUDE).unwrap_or_default(), rest, more, &[0; CRC]].concat());
    resealed(&[&total, headers], &longer)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::frame::Frame;
    use aws_smithy_eventstream::{error::Error, frame::read_message_from};

    fn one() -> Bytes {
        Frame::payload_part("one").encode()
    }

    fn complaint(frame: Bytes) -> String {
        let error: Error = read_message_from(frame).unwrap_err();
        error.to_string()
    }

    #[test]
    fn each_change_is_found_by_what_it_is() {
        assert!(complaint(corrupt_prelude(&one())).contains("prelude checksum"));
        assert!(complaint(corrupt_message(&one())).contains("message checksum"));
        assert!(complaint(total_length(&one(), 15)).contains("message length"));
        assert!(complaint(headers_length(&one(), u32::MAX)).contains("headers length"));
        let claimed = total_length(&one(), u32::MAX);
        assert_eq!(claimed.get(..4).unwrap(), [0xff; 4]);
        assert_eq!(crc32fast::hash(claimed.get(..8).unwrap()).to_be_bytes(), claimed.get(8..12).unwrap());
    }

    #[test]
    fn a_longer_frame_is_a_right_one() {
        let longer = read_message_from(lengthened(&one(), b"\xff")).unwrap();
        assert_eq!(&longer.payload()[..], b"one\xff");
        assert_eq!(longer.headers(), read_message_from(one()).unwrap().headers());
    }

    #[test]
    fn a_frame_of_any_length_is_a_right_one() {
        for zeros in [0, 1, 64 * 1024, 200_000] {
            let whole = Bytes::from(padded(&one(), zeros).concat());
            let read = read_message_from(whole).unwrap();
            assert_eq!(&read.payload()[..], [&b"one"[..], &vec![0; zeros]].concat());
        }
    }

    #[test]
    fn what_is_no_frame_stays_what_it_is() {
        let short = Bytes::from_static(b"{}");
        assert_eq!(total_length(&short, 9), short);
        assert_eq!(headers_length(&short, 9), short);
        assert_eq!(lengthened(&short, b"x"), short);
        assert_eq!(padded(&short, 5).concat(), short);
        assert_eq!(corrupt_prelude(&short), short);
        assert_eq!(corrupt_message(&Bytes::new()), Bytes::new());
    }
}
