//! AWS's own event-stream vectors through the frame reader, whole and at every size of piece.
//!
//! Those of smithy-rs are read where they lie, inside the published sources of
//! `aws-smithy-eventstream`, and in `$SAGEWIRE_VECTORS` with those of botocore. A set that is not
//! there is reported as an ignored case.
#![expect(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test may stop at the first surprise")]

use std::{fs, path::Path};

use aws_smithy_eventstream::frame::read_message_from;
use aws_smithy_types::event_stream::{HeaderValue, Message};
use base64::{Engine as _, engine::general_purpose::STANDARD};
use bytes::Bytes;
use libtest_mimic::{Arguments, Failed, Trial};
use sagewire::{Error, ErrorKind};
use sagewire_sagemaker::testing::Frames;
use sagewire_tests::properties::event_stream::as_official;
use sagewire_tests::vectors;
use serde_json::Value;

/// Up to this length, frames are read at every size of piece; beyond it, at a few.
const EVERY_SIZE_UP_TO: usize = 4096;

fn main() {
    let arguments = Arguments::from_args();
    let mut trials = Vec::new();
    match vectors::published("aws-smithy-eventstream", "test_data") {
        Ok(folder) => trials.extend(raw_frames("published", &folder)),
        Err(why) => trials.push(absent("published", &why)),
    }
    match vectors::recorded("eventstream") {
        Ok(folder) => {
            trials.extend(raw_frames("recorded", &folder.join("frames")));
            trials.extend(described_frames(&folder.join("botocore_vectors.json")));
        }
        Err(why) => trials.push(absent("recorded", &why)),
    }
    libtest_mimic::run(&arguments, trials).exit();
}

fn absent(set: &str, why: &str) -> Trial {
    Trial::test(format!("{set}/absent: {why}"), || Err(Failed::from("these vectors are not there")))
        .with_ignored_flag(true)
}

/// One file for each frame; its name says whether it is valid.
fn raw_frames(set: &str, folder: &Path) -> Vec<Trial> {
    let mut files: Vec<_> = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    files.sort();
    let trials: Vec<_> = files
        .iter()
        .filter_map(|file| {
            let name = file.file_name()?.to_str()?.to_owned();
            let bytes = fs::read(file).unwrap();
            let trial_name = format!("{set}/{name}");
            if name.starts_with("valid_") {
                let expected = read_message_from(Bytes::from(bytes.clone())).unwrap();
                Some(Trial::test(trial_name, move || is_read(&bytes, |message| same(&expected, message))))
            } else if name.starts_with("invalid_") {
                Some(Trial::test(trial_name, move || is_refused(&bytes)))
            } else {
                None
            }
        })
        .collect();
    assert!(trials.len() > 5, "{} holds no vectors", folder.display());
    trials
}

/// Frames with their contents, and damaged ones with the name of the damage.
fn described_frames(file: &Path) -> Vec<Trial> {
    let vectors: Value = serde_json::from_slice(&fs::read(file).unwrap()).unwrap();
    let positive = vectors["positive"].as_array().unwrap().iter().map(|vector| {
        let (bytes, vector) = (bytes_of(vector), vector.clone());
        let name = format!("botocore/{}", vector["name"].as_str().unwrap());
        Trial::test(name, move || is_read(&bytes, |message| as_described(&vector, message)))
    });
    let negative = vectors["negative"].as_array().unwrap().iter().map(|vector| {
        let bytes = bytes_of(vector);
        let name = format!("botocore/{} ({})", vector["name"].as_str().unwrap(), vector["error"].as_str().unwrap());
        Trial::test(name, move || is_refused(&bytes))
    });
    let trials: Vec<_> = positive.chain(negative).collect();
    assert!(trials.len() > 10, "{} holds no vectors", file.display());
    trials
}

fn bytes_of(vector: &Value) -> Bytes {
    if let Some(text) = vector["hex"].as_str() {
        return hex(text);
    }
    let fill = vec![
        u8::try_from(vector["fill_byte"].as_u64().unwrap()).unwrap();
        vector["fill_len"].as_u64().unwrap() as usize
    ];
    [&hex(vector["prefix_hex"].as_str().unwrap())[..], &fill, &hex(vector["suffix_hex"].as_str().unwrap())]
        .concat()
        .into()
}

fn hex(text: &str) -> Bytes {
    (0..text.len()).step_by(2).map(|at| u8::from_str_radix(text.get(at..at + 2).unwrap(), 16).unwrap()).collect()
}

/// All frames of bytes that come in pieces of a size, and how it ended.
fn read(bytes: &Bytes, size: usize) -> (Vec<Message>, Result<(), Error>) {
    let (mut frames, mut messages) = (Frames::default(), Vec::new());
    let mut rest = bytes.clone();
    while !rest.is_empty() {
        frames.push(rest.split_to(size.min(rest.len())));
        loop {
            match frames.next() {
                Ok(Some(frame)) => messages.push(as_official(&frame)),
                Ok(None) => break,
                Err(error) => return (messages, Err(error)),
            }
        }
    }
    (messages, frames.finish())
}

fn sizes(len: usize) -> Vec<usize> {
    if len <= EVERY_SIZE_UP_TO { (1..=len).collect() } else { vec![4096, 65_521, len] }
}

/// The frame, and two of it in a row, are read as one and two messages that pass `check`.
fn is_read(bytes: &[u8], check: impl Fn(&Message) -> Result<(), Failed>) -> Result<(), Failed> {
    for copies in [1, 2] {
        let bytes = Bytes::from(bytes.repeat(copies));
        for size in sizes(bytes.len()) {
            let (messages, end) = read(&bytes, size);
            end.map_err(|error| format!("in pieces of {size}: {error}"))?;
            if messages.len() != copies {
                return Err(format!("{} messages of {copies} in pieces of {size}", messages.len()).into());
            }
            messages.iter().try_for_each(&check)?;
        }
    }
    Ok(())
}

/// No message comes out of the bytes, and they are no clean end.
fn is_refused(bytes: &[u8]) -> Result<(), Failed> {
    let bytes = Bytes::copy_from_slice(bytes);
    for size in sizes(bytes.len()) {
        match read(&bytes, size) {
            (messages, Err(error)) if messages.is_empty() && error.kind() == ErrorKind::StreamBroken => {}
            (messages, end) => return Err(format!("{messages:?}, {end:?} in pieces of {size}").into()),
        }
    }
    Ok(())
}

fn same(expected: &Message, message: &Message) -> Result<(), Failed> {
    if expected == message { Ok(()) } else { Err(format!("{message:?} was read, not {expected:?}").into()) }
}

fn as_described(vector: &Value, message: &Message) -> Result<(), Failed> {
    let payload = STANDARD.decode(vector["payload_b64"].as_str().unwrap()).unwrap();
    let headers: Value =
        message.headers().iter().map(|header| (header.name().as_str().to_owned(), described(header.value()))).collect();
    if message.payload()[..] == payload[..] && headers == vector["headers"] {
        Ok(())
    } else {
        Err(format!("{:?} and {headers} were read, not {vector}", message.payload()).into())
    }
}

/// A header's value in the vectors' own form.
fn described(value: &HeaderValue) -> Value {
    let int = |value: i64| serde_json::json!({ "int": value });
    let bytes = |value: &[u8]| serde_json::json!({ "bytes_b64": STANDARD.encode(value) });
    match value {
        HeaderValue::Bool(value) => serde_json::json!({ "bool": value }),
        HeaderValue::Byte(value) => int((*value).into()),
        HeaderValue::Int16(value) => int((*value).into()),
        HeaderValue::Int32(value) => int((*value).into()),
        HeaderValue::Int64(value) => int(*value),
        HeaderValue::ByteArray(value) => bytes(value),
        HeaderValue::String(value) => serde_json::json!({ "string": value.as_str() }),
        HeaderValue::Timestamp(value) => int(value.to_millis().unwrap()),
        HeaderValue::Uuid(value) => bytes(&value.to_be_bytes()),
        other => serde_json::json!({ "unknown": format!("{other:?}") }),
    }
}
