//! AWS's event-stream frames, written by hand.
//!
//! Owns the encoding of a payload part. <https://docs.aws.amazon.com/sagemaker/latest/APIReference/API_runtime_PayloadPart.html>

use bytes::{BufMut, Bytes, BytesMut};

/// A header's value is a text: type 7 of the format.
const STRING: u8 = 7;

const HEADERS: [(&str, &str); 3] =
    [(":event-type", "PayloadPart"), (":content-type", "application/octet-stream"), (":message-type", "event")];

/// A frame that carries these bytes.
#[must_use]
pub fn payload_part(payload: &[u8]) -> Bytes {
    let mut headers = BytesMut::new();
    for (name, value) in HEADERS {
        // The names and values above are shorter than 256 bytes.
        headers.put_u8(name.len() as u8);
        headers.put_slice(name.as_bytes());
        headers.put_u8(STRING);
        headers.put_u16(value.len() as u16);
        headers.put_slice(value.as_bytes());
    }
    let mut frame = BytesMut::new();
    frame.put_u32((12 + headers.len() + payload.len() + 4) as u32);
    frame.put_u32(headers.len() as u32);
    frame.put_u32(crc32fast::hash(&frame));
    frame.put_slice(&headers);
    frame.put_slice(payload);
    frame.put_u32(crc32fast::hash(&frame));
    frame.freeze()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_official_decoder_reads_it() {
        let message = aws_smithy_eventstream::frame::read_message_from(&mut payload_part(b"hello")).unwrap();
        assert_eq!((message.payload().as_ref(), message.headers().len()), (&b"hello"[..], 3));
    }
}
