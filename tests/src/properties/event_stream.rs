//! The reader of AWS's frames, against the official decoder.
//!
//! The checksums of the input are repaired first, so that a change of any byte comes farther than
//! the checksum.

use std::collections::HashSet;

use aws_smithy_eventstream::frame::read_message_from;
use aws_smithy_types::{
    DateTime,
    event_stream::{Header, HeaderValue, Message},
};
use bytes::{Buf as _, Bytes};
use sagewire_sagemaker::testing::{Frames, ReadFrame};
use sagewire_types::{Error, ErrorKind};

use super::{Bound, cuttings};

/// Length, length of the headers, and the checksum of both.
const PRELUDE: usize = 12;

/// The bytes are kept until they make a frame; a payload is a slice of them.
pub const BOUND: Bound = Bound::small(8, 60);

/// Reads frames as they come, with their checksums repaired.
pub fn read(input: &[u8]) {
    let mut frames = Frames::default();
    for piece in repaired(input).chunks(61) {
        frames.push(Bytes::copy_from_slice(piece));
        while let Ok(Some(_)) = frames.next_payload() {}
    }
    let _ = frames.finish();
}

/// The messages are those of the official decoder, and the same at every cut; damage is an error
/// after the messages before it.
///
/// Twice: as the bytes are, and with their checksums repaired.
///
/// # Panics
/// Where this is not so.
pub fn check(input: &[u8]) {
    check_as_it_is(input);
    check_as_it_is(&repaired(input));
}

fn check_as_it_is(input: &[u8]) {
    let (expected, sound) = officially(input);
    let whole = messages_of([input]);
    assert_eq!(whole.0, expected, "the messages are not those of the official decoder");
    assert_eq!(whole.1.is_ok(), sound, "the official decoder ends otherwise than {:?}", whole.1);
    if let Err(error) = &whole.1 {
        assert_eq!(error.kind(), ErrorKind::StreamBroken);
    }
    for pieces in cuttings(input) {
        let cut = messages_of(pieces.iter().copied());
        assert_eq!(cut.0, whole.0, "cut as {:?}", pieces.iter().map(|piece| piece.len()).collect::<Vec<_>>());
        assert_eq!(cut.1.is_ok(), whole.1.is_ok());
    }
    payloads_are_only_those_of_payload_parts(input, &whole.0);
}

/// What the official decoder reads, and whether it read to the end. A header twice is our own
/// refusal.
fn officially(input: &[u8]) -> (Vec<Message>, bool) {
    let (mut rest, mut messages) = (Bytes::copy_from_slice(input), Vec::new());
    while rest.has_remaining() {
        match read_message_from(&mut rest) {
            Ok(message) if has_each_header_once(&message) => messages.push(message),
            _ => return (messages, false),
        }
    }
    (messages, true)
}

fn has_each_header_once(message: &Message) -> bool {
    let mut names = HashSet::new();
    message.headers().iter().all(|header| names.insert(header.name().as_str()))
}

/// A frame of ours as the official crate has it.
///
/// # Panics
/// Where a value is not of its type's length.
#[must_use]
pub fn as_official(frame: &ReadFrame) -> Message {
    let headers = frame.headers.iter().map(|(name, kind, value)| {
        let value = match (kind, &value[..]) {
            (0, []) => HeaderValue::Bool(true),
            (1, []) => HeaderValue::Bool(false),
            (2, value) => HeaderValue::Byte(i8::from_be_bytes(value.try_into().unwrap())),
            (3, value) => HeaderValue::Int16(i16::from_be_bytes(value.try_into().unwrap())),
            (4, value) => HeaderValue::Int32(i32::from_be_bytes(value.try_into().unwrap())),
            (5, value) => HeaderValue::Int64(i64::from_be_bytes(value.try_into().unwrap())),
            (6, value) => HeaderValue::ByteArray(Bytes::copy_from_slice(value)),
            (7, value) => HeaderValue::String(Bytes::copy_from_slice(value).try_into().unwrap()),
            (8, value) => HeaderValue::Timestamp(DateTime::from_millis(i64::from_be_bytes(value.try_into().unwrap()))),
            (9, value) => HeaderValue::Uuid(u128::from_be_bytes(value.try_into().unwrap())),
            other => panic!("{other:?} is no header's value"),
        };
        Header::new(name.clone(), value)
    });
    headers.fold(Message::new(frame.payload.clone()), Message::add_header)
}

fn messages_of<'a>(pieces: impl IntoIterator<Item = &'a [u8]>) -> (Vec<Message>, Result<(), Error>) {
    let (mut frames, mut messages) = (Frames::default(), Vec::new());
    for piece in pieces {
        frames.push(Bytes::copy_from_slice(piece));
        loop {
            match frames.next() {
                Ok(Some(frame)) => messages.push(as_official(&frame)),
                Ok(None) => break,
                Err(error) => return (messages, Err(error)),
            }
        }
    }
    let end = frames.finish();
    (messages, end)
}

/// An event of another name, an exception and an error give no payload, and what AWS says in them
/// is shown by no error's sentence.
fn payloads_are_only_those_of_payload_parts(input: &[u8], messages: &[Message]) {
    let header = |message: &Message, name: &str| {
        let found = message.headers().iter().find(|header| header.name().as_str() == name);
        found.and_then(|header| header.value().as_string().ok()).map(|value| value.as_str().to_owned())
    };
    // An event without a type ends the reading: it may be a part of the answer.
    let is_event = |message: &&Message| {
        header(message, ":message-type").as_deref() == Some("event") && header(message, ":event-type").is_some()
    };
    let expected: Vec<&Bytes> = messages
        .iter()
        .take_while(is_event)
        .filter(|message| header(message, ":event-type").as_deref() == Some("PayloadPart"))
        .map(Message::payload)
        .collect();
    let (mut frames, mut payloads) = (Frames::default(), Vec::new());
    frames.push(Bytes::copy_from_slice(input));
    let error = loop {
        match frames.next_payload() {
            Ok(Some(payload)) => payloads.push(payload),
            Ok(None) => break None,
            Err(error) => break Some(error),
        }
    };
    assert!(payloads.iter().eq(expected), "a payload is no payload part's");
    let all_events = messages.iter().all(|message| is_event(&message));
    assert!(all_events || error.is_some(), "an exception was passed over");
}

/// The same bytes, with the checksums that they should have, as far as the lengths make frames.
#[must_use]
pub fn repaired(input: &[u8]) -> Vec<u8> {
    let mut bytes = input.to_vec();
    let mut at = 0;
    while let Some(frame) = bytes.get_mut(at..).filter(|rest| rest.len() >= PRELUDE + 4) {
        let declared = u32::from_be_bytes([frame[0], frame[1], frame[2], frame[3]]) as usize;
        let prelude = crc32fast::hash(&frame[..8]).to_be_bytes();
        frame[8..PRELUDE].copy_from_slice(&prelude);
        // A length that fits no frame stays: with a sound checksum, it is the length that must be refused.
        if declared < PRELUDE + 4 || declared > frame.len() {
            break;
        }
        let (message, checksum) = frame[..declared].split_at_mut(declared - 4);
        checksum.copy_from_slice(&crc32fast::hash(message).to_be_bytes());
        at += declared;
    }
    bytes
}
