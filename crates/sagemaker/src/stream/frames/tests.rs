//! Frames cut at every byte, damaged at every byte, and with every length that no frame has.

use aws_smithy_eventstream::frame::write_message_to;
use aws_smithy_types::event_stream::{Header, HeaderValue, Message};

use super::*;

fn frame(headers: &[(&'static str, &'static str)], payload: &[u8]) -> Vec<u8> {
    let message = headers.iter().fold(Message::new(payload.to_vec()), |message, (name, value)| {
        message.add_header(Header::new(*name, HeaderValue::String((*value).into())))
    });
    let mut bytes = Vec::new();
    write_message_to(&message, &mut bytes).unwrap();
    bytes
}

fn part(payload: &[u8]) -> Vec<u8> {
    let headers =
        [(":event-type", "PayloadPart"), (":content-type", "application/octet-stream"), (":message-type", "event")];
    frame(&headers, payload)
}

/// A prelude with a right CRC, whatever its lengths are.
fn prelude(total: u32, headers: u32) -> Vec<u8> {
    let mut bytes = [total.to_be_bytes(), headers.to_be_bytes()].concat();
    bytes.extend(crc32fast::hash(&bytes).to_be_bytes());
    bytes
}

/// The payload parts of bytes that come in pieces, and what the reader says of them: while they
/// come, or at their end.
fn read<'a>(pieces: impl IntoIterator<Item = &'a [u8]>) -> (Vec<Bytes>, Outcome) {
    let (mut reader, mut parts, mut taken) = (FrameReader::default(), Vec::new(), 0);
    for piece in pieces {
        reader.push(Bytes::copy_from_slice(piece));
        taken += piece.len();
        loop {
            match reader.next() {
                Ok(Some(payload)) => parts.push(payload),
                Ok(None) => break,
                Err(error) => return (parts, Outcome::Refused { after: taken, error }),
            }
        }
    }
    match reader.finish() {
        Ok(()) => (parts, Outcome::Whole),
        Err(error) => (parts, Outcome::Cut(error)),
    }
}

#[derive(Debug)]
enum Outcome {
    /// The bytes end between two frames.
    Whole,
    /// The bytes end inside a frame.
    Cut(Error),
    /// Refused when so many bytes had come.
    Refused { after: usize, error: Error },
}

fn byte_by_byte(bytes: &[u8]) -> impl Iterator<Item = &[u8]> {
    bytes.chunks(1)
}

#[test]
fn frames_are_read_at_every_size_of_piece() {
    let payloads: [&[u8]; 4] = [b"{\"a\":", b"", "é😀".as_bytes(), b"}"];
    let bytes = payloads.map(part).concat();
    for size in 1..=bytes.len() {
        let (parts, outcome) = read(bytes.chunks(size));
        assert!(matches!(outcome, Outcome::Whole), "{outcome:?} in pieces of {size}");
        assert_eq!(parts, payloads, "in pieces of {size}");
    }
}

#[test]
fn a_cut_at_every_byte_is_an_error_except_between_frames() {
    let (first, second) = (part(b"one"), part(b"two"));
    let bytes = [first.clone(), second].concat();
    for at in 0..=bytes.len() {
        let cut = &bytes[..at];
        let whole_frames = usize::from(at >= first.len()) + usize::from(at == bytes.len());
        for (parts, outcome) in [read([cut]), read(byte_by_byte(cut))] {
            assert_eq!(parts.len(), whole_frames, "cut at {at}");
            let is_border = at == 0 || at == first.len() || at == bytes.len();
            match outcome {
                Outcome::Whole => assert!(is_border, "the cut at {at} passed as an end"),
                Outcome::Cut(error) => {
                    assert!(!is_border, "cut at {at}: {error}");
                    assert_eq!(error.kind(), ErrorKind::StreamBroken);
                }
                Outcome::Refused { error, .. } => panic!("cut at {at}: {error}"),
            }
        }
    }
}

#[test]
fn a_flip_of_every_bit_is_an_error_and_never_a_payload() {
    let bytes = part(b"one");
    for at in 0..bytes.len() {
        for bit in 0..8 {
            let mut damaged = bytes.clone();
            damaged[at] ^= 1 << bit;
            let (parts, outcome) = read(byte_by_byte(&damaged));
            assert!(parts.is_empty(), "bit {bit} of byte {at}");
            let Outcome::Refused { after, error } = outcome else { panic!("bit {bit} of byte {at}: {outcome:?}") };
            assert_eq!(error.kind(), ErrorKind::StreamBroken);
            // Damage in the prelude is seen when the prelude is there: nobody waits for the length that it
            // claims.
            let seen = if at < PRELUDE_LEN { PRELUDE_LEN } else { bytes.len() };
            assert_eq!(after, seen, "bit {bit} of byte {at}");
        }
    }
}

#[test]
fn a_length_that_no_frame_has_is_refused_with_the_prelude() {
    let most = u32::try_from(MAX_FRAME_LEN).unwrap();
    let headers = u32::try_from(MAX_HEADERS_LEN).unwrap();
    let impossible = [
        (0, 0),
        (1, 0),
        (15, 0),
        (16, 1),
        (16, u32::MAX),
        (100, 85),
        (most, headers + 1),
        // One byte of payload beyond the limit, and no headers.
        (most - headers + 1, 0),
        (most + 1, 0),
        (u32::MAX, 0),
        (u32::MAX, u32::MAX),
    ];
    for (total, headers) in impossible {
        for bytes in [prelude(total, headers), [prelude(total, headers), vec![0; 64]].concat()] {
            let (parts, outcome) = read([&bytes[..]]);
            assert!(parts.is_empty());
            let Outcome::Refused { error, .. } = outcome else { panic!("{total}, {headers}: {outcome:?}") };
            assert_eq!(error.kind(), ErrorKind::StreamBroken);
        }
    }
}

#[test]
fn a_large_length_reserves_no_memory() {
    let mut reader = FrameReader::default();
    let (most, headers) = (u32::try_from(MAX_FRAME_LEN).unwrap(), u32::try_from(MAX_HEADERS_LEN).unwrap());
    reader.push(prelude(most, headers).into());
    assert_eq!(reader.next().unwrap(), None);
    assert!(reader.partial.capacity() < 1024, "{}", reader.partial.capacity());
    assert_eq!(reader.finish().unwrap_err().kind(), ErrorKind::StreamBroken);
}

#[test]
fn the_shortest_frame_is_a_frame() {
    let bytes = frame(&[], b"");
    assert_eq!(bytes.len(), MIN_FRAME_LEN);
    let mut reader = FrameReader::default();
    reader.push(bytes.into());
    assert!(reader.take_frame().unwrap().unwrap().payload().unwrap().is_empty());
    assert!(reader.finish().is_ok());
}

#[test]
fn events_without_payload_are_passed_over() {
    let bytes = [
        frame(&[(":message-type", "event"), (":event-type", "initial-response")], b"{}"),
        part(b"one"),
        frame(&[(":message-type", "event"), (":event-type", "Surprise")], b"?"),
        part(b"two"),
    ]
    .concat();
    let (parts, outcome) = read([&bytes[..]]);
    assert_eq!(parts, ["one", "two"]);
    assert!(matches!(outcome, Outcome::Whole), "{outcome:?}");
}

#[test]
fn what_the_service_reports_is_kept_behind_what_was_read() {
    let exception = |name| [(":message-type", "exception"), (":exception-type", name)];
    let cases: [(Vec<u8>, &str, &str); 5] = [
        (
            frame(&exception("ModelStreamError"), br#"{"Message":"slow","ErrorCode":"ModelInvocationTimeExceeded"}"#),
            "ModelStreamError/ModelInvocationTimeExceeded",
            "slow",
        ),
        (
            frame(&exception("ModelStreamError"), br#"{"Message":"gone","ErrorCode":"StreamBroken"}"#),
            "ModelStreamError/StreamBroken",
            "gone",
        ),
        (frame(&exception("InternalStreamFailure"), br#"{"message":"oh"}"#), "InternalStreamFailure", "oh"),
        (frame(&exception("Unheard"), b"no json"), "Unheard", ""),
        (
            frame(&[(":message-type", "error"), (":error-code", "InternalError"), (":error-message", "why")], b""),
            "InternalError",
            "why",
        ),
    ];
    for (failure, code, message) in cases {
        let bytes = [part(b"one"), failure].concat();
        let (parts, outcome) = read([&bytes[..]]);
        assert_eq!(parts, ["one"]);
        let Outcome::Refused { error, .. } = outcome else { panic!("{code}: {outcome:?}") };
        let upstream = error.upstream().unwrap();
        assert_eq!((upstream.code.as_deref(), upstream.message.as_deref()), (Some(code), Some(message)));
        assert_eq!(error.kind(), ErrorKind::StreamBroken);
    }
}

#[test]
fn a_frame_of_no_known_type_is_refused() {
    let without_a_name = frame(&[(":message-type", "event"), (":content-type", "application/octet-stream")], b"x");
    for bytes in [frame(&[], b"x"), frame(&[(":message-type", "rumour")], b"x"), without_a_name] {
        let (parts, outcome) = read([&bytes[..]]);
        assert!(parts.is_empty() && matches!(outcome, Outcome::Refused { .. }), "{outcome:?}");
    }
}

#[test]
fn a_header_that_comes_twice_is_refused() {
    let bytes = frame(&[(":message-type", "event"), (":event-type", "PayloadPart"), (":event-type", "Other")], b"x");
    let (parts, outcome) = read([&bytes[..]]);
    assert!(parts.is_empty() && matches!(outcome, Outcome::Refused { .. }), "{outcome:?}");
}

#[test]
fn a_part_whose_headers_are_known_is_checked_like_the_first() {
    let (first, second) = (part(b"one"), part(b"two"));
    for place in 0..second.len() {
        let mut damaged = second.clone();
        damaged[place] ^= 1;
        let (parts, outcome) = read([&first[..], &damaged]);
        assert!(!matches!(outcome, Outcome::Whole), "byte {place} is damaged, and nobody noticed");
        assert_eq!(parts, [&b"one"[..]], "byte {place}");
    }
    // An event that carries no payload part between two that do.
    let other = frame(&[(":event-type", "Other"), (":message-type", "event")], b"x");
    let (parts, outcome) = read([&first[..], &other, &second]);
    assert!(matches!(outcome, Outcome::Whole), "{outcome:?}");
    assert_eq!(parts, [&b"one"[..], b"two"]);
}
