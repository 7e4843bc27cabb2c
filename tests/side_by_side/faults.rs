//! The faults that both proxies meet, and what a container says under each.

use bytes::Bytes;
use sagewire_emulator::{AwsError, Fault, Frame, Scripted};
use sagewire_tests::replies::{openai_reply, openai_stream, tgi_reply, tgi_stream};

const WORDS: [&str; 5] = ["A llama", " is é", " an", " animal", "."];
/// What the container says.
pub(crate) const TEXT: &str = "A llama is é an animal.";

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    /// The whole answer is there, or another attempt gets it.
    Harmless,
    /// The answer cannot be whole.
    Fatal,
}

/// One fault, on one route.
pub(crate) struct Case {
    pub(crate) name: &'static str,
    /// The name in `config.yaml`.
    pub(crate) model: &'static str,
    pub(crate) stream: bool,
    pub(crate) kind: Kind,
    /// What the endpoint says, one answer after the other.
    pub(crate) script: fn() -> Vec<Scripted>,
    pub(crate) faults: fn() -> Vec<Fault>,
}

const fn streamed(name: &'static str, model: &'static str, kind: Kind, script: fn() -> Vec<Scripted>) -> Case {
    Case { name, model, stream: true, kind, script, faults: Vec::new }
}

const fn spoiled(name: &'static str, model: &'static str, kind: Kind, faults: fn() -> Vec<Fault>) -> Case {
    Case { name, model, stream: true, kind, script: if model.len() == TGI.len() { tgi } else { chat }, faults }
}

const TGI: &str = "tgi-stream";
const CHAT: &str = "chat-stream";

fn cut(text: &str, length: usize) -> Scripted {
    Scripted::stream(text.as_bytes().chunks(length).map(Bytes::copy_from_slice))
}

/// One event in each frame.
fn tgi() -> Vec<Scripted> {
    let stream = tgi_stream(&WORDS);
    vec![Scripted::stream(stream.split_inclusive("\n\n").map(str::to_owned)); 8]
}

fn chat() -> Vec<Scripted> {
    let stream = openai_stream(&WORDS);
    vec![Scripted::stream(stream.split_inclusive("\n\n").map(str::to_owned)); 8]
}

/// Twice as many events as frames.
fn two_in_a_frame(stream: &str) -> Vec<Scripted> {
    let events: Vec<&str> = stream.split_inclusive("\n\n").collect();
    vec![Scripted::stream(events.chunks(2).map(<[&str]>::concat))]
}

fn exception() -> Vec<Fault> {
    vec![Fault::Instead {
        of: 3,
        frame: Frame::exception("ModelStreamError", Some("StreamBroken"), "The model's stream broke."),
    }]
}

fn error_frame() -> Vec<Fault> {
    vec![Fault::Instead { of: 3, frame: Frame::error("InternalError", "The stream failed.") }]
}

/// After some answers' worth of time the endpoint is itself again.
fn then_well(error: AwsError) -> Vec<Scripted> {
    let mut answers = vec![Scripted::error(error)];
    answers.extend(vec![Scripted::ok(tgi_reply(TEXT)); 8]);
    answers
}

pub(crate) static CASES: &[Case] = &[
    spoiled("nothing, `sagemaker/`", TGI, Kind::Harmless, Vec::new),
    spoiled("nothing, `sagemaker_chat/`", CHAT, Kind::Harmless, Vec::new),
    streamed("an event cut over several frames, `sagemaker/`", TGI, Kind::Harmless, || {
        vec![cut(&tgi_stream(&WORDS), 50)]
    }),
    streamed("an event cut over several frames, `sagemaker_chat/`", CHAT, Kind::Harmless, || {
        vec![cut(&openai_stream(&WORDS), 50)]
    }),
    streamed("a letter cut over two frames, `sagemaker_chat/`", CHAT, Kind::Harmless, || {
        vec![cut(&openai_stream(&WORDS), 1)]
    }),
    streamed("two events in a frame, `sagemaker/`", TGI, Kind::Harmless, || two_in_a_frame(&tgi_stream(&WORDS))),
    streamed("two events in a frame, `sagemaker_chat/`", CHAT, Kind::Harmless, || {
        two_in_a_frame(&openai_stream(&WORDS))
    }),
    spoiled("an `initial-response` event before the first", CHAT, Kind::Harmless, || {
        vec![Fault::Insert { before: 0, frame: Frame::initial_response() }]
    }),
    spoiled("the body ends between two frames, `sagemaker/`", TGI, Kind::Fatal, || vec![Fault::EndAt(600)]),
    spoiled("the body ends inside a frame, `sagemaker_chat/`", CHAT, Kind::Fatal, || vec![Fault::EndAt(777)]),
    spoiled("the connection breaks in the stream, `sagemaker/`", TGI, Kind::Fatal, || vec![Fault::CutAt(777)]),
    spoiled("the connection breaks in the stream, `sagemaker_chat/`", CHAT, Kind::Fatal, || vec![Fault::CutAt(777)]),
    spoiled("`ModelStreamError` in the stream, `sagemaker/`", TGI, Kind::Fatal, exception),
    spoiled("`ModelStreamError` in the stream, `sagemaker_chat/`", CHAT, Kind::Fatal, exception),
    spoiled("an error frame in the stream, `sagemaker_chat/`", CHAT, Kind::Fatal, error_frame),
    spoiled("a wrong message CRC, `sagemaker/`", TGI, Kind::Fatal, || vec![Fault::CorruptMessage(2)]),
    spoiled("a wrong message CRC, `sagemaker_chat/`", CHAT, Kind::Fatal, || vec![Fault::CorruptMessage(2)]),
    spoiled("a wrong prelude CRC, `sagemaker_chat/`", CHAT, Kind::Fatal, || vec![Fault::CorruptPrelude(2)]),
    Case {
        name: "one `ThrottlingException` (429), then well",
        model: "tgi",
        stream: false,
        kind: Kind::Harmless,
        script: || then_well(AwsError::throttling().with_status(429)),
        faults: Vec::new,
    },
    Case {
        name: "one `ThrottlingException` (400, AWS's usual), then well",
        model: "tgi",
        stream: false,
        kind: Kind::Harmless,
        script: || then_well(AwsError::throttling()),
        faults: Vec::new,
    },
    Case {
        name: "one `ServiceUnavailable` (503), then well",
        model: "tgi",
        stream: false,
        kind: Kind::Harmless,
        script: || then_well(AwsError::service_unavailable()),
        faults: Vec::new,
    },
    Case {
        name: "one connection reset, then well",
        model: "tgi",
        stream: false,
        kind: Kind::Harmless,
        script: || vec![Scripted::ok(tgi_reply(TEXT)); 8],
        faults: || vec![Fault::ResetBeforeHeaders],
    },
    Case {
        name: "`ModelError` (424) of a container's 400",
        model: "chat",
        stream: false,
        kind: Kind::Fatal,
        script: || vec![Scripted::error(AwsError::model_error(400, "max_tokens must be at least 1")); 8],
        faults: Vec::new,
    },
    Case {
        name: "a whole reply that is cut short",
        model: "chat",
        stream: false,
        kind: Kind::Harmless,
        script: || vec![Scripted::ok(openai_reply(TEXT)); 8],
        faults: || vec![Fault::CutAt(60)],
    },
];
