//! AWS's own event-stream vectors: what the emulator encodes is, byte for byte, what they hold.
//!
//! They are read from `$SAGEWIRE_VECTORS`, or from `shared/vectors` beside the project's root.
//! Where they are absent, the one case that stands for them is reported as ignored.
#![expect(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test may stop at the first surprise"
)]

use std::{
    fs,
    path::{Path, PathBuf},
};

use aws_smithy_eventstream::frame::read_message_from;
use aws_smithy_types::event_stream::{HeaderValue, Message};
use bytes::Bytes;
use libtest_mimic::{Arguments, Failed, Trial};
use sagewire_emulator::{Frame, FrameValue};
use serde_json::Value;

fn main() {
    let folder = folder();
    let mut trials = Vec::new();
    if folder.is_dir() {
        for path in files(&folder.join("frames"), "valid_") {
            let name = path.file_name().unwrap().to_string_lossy().into_owned();
            trials.push(Trial::test(name, move || same(&fs::read(&path).unwrap())));
        }
        let vectors: Value = serde_json::from_slice(&fs::read(folder.join("botocore_vectors.json")).unwrap()).unwrap();
        for vector in vectors["positive"].as_array().unwrap() {
            let frame = hex(vector["hex"].as_str().unwrap());
            trials.push(Trial::test(vector["name"].as_str().unwrap(), move || same(&frame)));
        }
        assert!(trials.len() > 5, "{} holds no vectors", folder.display());
    } else {
        trials
            .push(Trial::test("eventstream_vectors", || Err("the vectors are absent".into())).with_ignored_flag(true));
    }
    libtest_mimic::run(&Arguments::from_args(), trials).exit();
}

fn folder() -> PathBuf {
    #[expect(clippy::disallowed_methods, reason = "a test is told by its environment where the vectors are")]
    let root = std::env::var_os("SAGEWIRE_VECTORS")
        .map_or_else(|| Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared/vectors"), PathBuf::from);
    root.join("eventstream")
}

fn files(folder: &Path, prefix: &str) -> Vec<PathBuf> {
    let mut files: Vec<PathBuf> = fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.file_name().unwrap().to_string_lossy().starts_with(prefix))
        .collect();
    files.sort();
    files
}

fn hex(text: &str) -> Vec<u8> {
    (0..text.len()).step_by(2).map(|at| u8::from_str_radix(text.get(at..at + 2).unwrap(), 16).unwrap()).collect()
}

/// What the official decoder reads in `bytes`, the emulator writes as `bytes`.
fn same(bytes: &[u8]) -> Result<(), Failed> {
    let message = read_message_from(Bytes::copy_from_slice(bytes)).map_err(|error| error.to_string())?;
    let written = frame(&message).encode();
    if written == bytes { Ok(()) } else { Err(format!("{written:02x?} was written, not {bytes:02x?}").into()) }
}

fn frame(message: &Message) -> Frame {
    message.headers().iter().fold(Frame::new(message.payload().clone()), |frame, header| {
        let value = match header.value() {
            HeaderValue::Bool(value) => FrameValue::Bool(*value),
            HeaderValue::Byte(value) => FrameValue::Byte(*value),
            HeaderValue::Int16(value) => FrameValue::Int16(*value),
            HeaderValue::Int32(value) => FrameValue::Int32(*value),
            HeaderValue::Int64(value) => FrameValue::Int64(*value),
            HeaderValue::ByteArray(value) => FrameValue::Bytes(value.clone()),
            HeaderValue::String(value) => FrameValue::String(value.as_str().to_owned()),
            HeaderValue::Timestamp(value) => FrameValue::Timestamp(value.to_millis().unwrap()),
            HeaderValue::Uuid(value) => FrameValue::Uuid(*value),
            other => panic!("{other:?} has no type in the format"),
        };
        frame.header(header.name().as_str(), value)
    })
}
