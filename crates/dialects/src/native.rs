//! APIs that some containers speak themselves, beside chat: OpenAI's Responses API and Anthropic's
//! Messages API, and vLLM's routes for scores, classes, tokens, speech and images.
//!
//! Owns what is the same in all of them: how an answer is known for one, and which events begin and
//! end a stream. What an event says is its reader's business.
//!
//! <https://platform.openai.com/docs/api-reference/responses-streaming>, <https://docs.anthropic.com/en/docs/build-with-claude/streaming>

use std::borrow::Cow;

use bytes::Bytes;
use sagewire_types::{Error, ErrorKind, json, lenient::Lenient};
use serde::{Deserialize, de::IgnoredAny};
use serde_json::{Map, Value};

use crate::{
    StreamDecoder,
    dialect::Ending,
    failure_report::FailureReport,
    records::{Record, RecordFramer},
};

/// The API behind a route.
#[derive(Debug, PartialEq, Eq)]
pub struct Protocol {
    path: &'static str,
    mark: Mark,
    /// The first event of a stream and those that end it well.
    events: Option<(&'static str, &'static [&'static str])>,
}

/// What every whole answer has.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Mark {
    /// `object` of this value.
    Object(&'static str),
    /// `type` of this value.
    Type(&'static str),
    /// A count of tokens.
    InputTokens,
    /// A list of tokens.
    Tokens,
    /// A text.
    Prompt,
    /// A list of whatever is asked for.
    Data,
    /// Anything: the bytes of a sound.
    Any,
}

/// The APIs, by the path of their route.
pub static PROTOCOLS: [Protocol; 10] = [
    Protocol {
        path: "/v1/responses",
        mark: Mark::Object("response"),
        events: Some(("response.created", &["response.completed", "response.incomplete"])),
    },
    Protocol { path: "/v1/messages", mark: Mark::Type("message"), events: Some(("message_start", &["message_stop"])) },
    Protocol { path: "/v1/messages/count_tokens", mark: Mark::InputTokens, events: None },
    Protocol { path: "/v1/score", mark: Mark::Data, events: None },
    Protocol { path: "/classify", mark: Mark::Data, events: None },
    Protocol { path: "/pooling", mark: Mark::Data, events: None },
    Protocol { path: "/tokenize", mark: Mark::Tokens, events: None },
    Protocol { path: "/detokenize", mark: Mark::Prompt, events: None },
    Protocol { path: "/v1/images/generations", mark: Mark::Data, events: None },
    Protocol { path: "/v1/audio/speech", mark: Mark::Any, events: None },
];

/// Events that report a failure in place of an end.
const FAILURES: [&str; 2] = ["error", "response.failed"];

/// An event that says nothing.
const PING: &str = "ping";

/// What tells an answer or an event for what it is.
#[derive(Default, Deserialize)]
#[serde(default)]
struct Head {
    #[serde(rename = "type")]
    kind: Lenient<String>,
    object: Lenient<String>,
    input_tokens: Lenient<u64>,
    tokens: Option<IgnoredAny>,
    prompt: Lenient<String>,
    data: Option<IgnoredAny>,
}

impl Protocol {
    /// The API behind this path.
    #[must_use]
    pub fn of(path: &str) -> Option<&'static Self> {
        PROTOCOLS.iter().find(|protocol| protocol.path == path)
    }

    /// The path of the route.
    #[must_use]
    pub fn path(&self) -> &'static str {
        self.path
    }

    /// Whether a whole reply is an answer of this API.
    #[must_use]
    pub fn is_answer(&self, reply: &[u8]) -> bool {
        if self.mark == Mark::Any {
            return true;
        }
        let Ok(head) = json::from_reply::<Head>(reply) else { return false };
        match self.mark {
            Mark::Object(object) => head.object.0.as_deref() == Some(object),
            Mark::Type(kind) => head.kind.0.as_deref() == Some(kind),
            Mark::InputTokens => head.input_tokens.0.is_some(),
            Mark::Tokens => head.tokens.is_some(),
            Mark::Prompt => head.prompt.0.is_some(),
            Mark::Data => head.data.is_some(),
            Mark::Any => true,
        }
    }

    /// Whether its streams are events. Others are passed on as they come.
    #[must_use]
    pub fn has_events(&self) -> bool {
        self.events.is_some()
    }

    /// Reads a stream of this API: its pieces are the JSON of the events.
    #[must_use]
    pub fn decoder(&'static self) -> EventDecoder {
        EventDecoder { framer: RecordFramer::default(), events: Events { protocol: self, begun: false, ended: false } }
    }
}

/// A body with this name of the model, and everything else as it was.
///
/// # Errors
/// `InvalidRequest` if the body is not a JSON object.
pub fn with_model(body: &[u8], model: &str) -> Result<Bytes, Error> {
    let mut fields: Map<String, Value> = json::from_caller(body)
        .map_err(|error| Error::new(ErrorKind::InvalidRequest, "the body is not a JSON object").with_source(error))?;
    fields.insert("model".to_owned(), Value::from(model));
    Ok(json::restore_integers(Value::Object(fields).to_string().into()).into())
}

/// Reads the events of a stream. A reported failure is an error, and so is an end without its
/// event.
#[derive(Debug)]
pub struct EventDecoder {
    framer: RecordFramer,
    events: Events,
}

#[derive(Debug)]
struct Events {
    protocol: &'static Protocol,
    begun: bool,
    ended: bool,
}

impl Events {
    fn take(&mut self, text: &[u8], out: &mut Vec<Bytes>) -> Result<(), Error> {
        if self.ended {
            return Ok(());
        }
        let mut text = Cow::Borrowed(text);
        let head = serde_json::from_slice::<Head>(&text).ok().or_else(|| {
            text = Cow::Owned(json::repair_reply(&text)?);
            serde_json::from_slice(&text).ok()
        });
        let kind = head.and_then(|head| head.kind.0);
        let (first, ends) = self.protocol.events.unwrap_or_default();
        match kind.as_deref() {
            Some(failure) if FAILURES.contains(&failure) => return Err(reported(&text)),
            Some(PING) => {}
            Some(kind) if self.begun => self.ended = ends.contains(&kind),
            Some(kind) if kind == first => self.begun = true,
            None if self.begun => return Err(damaged()),
            Some(_) | None => return Err(Error::unknown_route(self.protocol.path)),
        }
        out.push(Bytes::copy_from_slice(&text));
        Ok(())
    }
}

impl StreamDecoder<Bytes> for EventDecoder {
    fn push(&mut self, bytes: &[u8], out: &mut Vec<Bytes>) -> Result<(), Error> {
        let events = &mut self.events;
        self.framer.push(bytes, |record| take(record, events, out))
    }

    fn ending(&self) -> Ending {
        if self.events.ended { Ending::Marked } else { Ending::Open }
    }

    fn finish(&mut self, out: &mut Vec<Bytes>) -> Result<(), Error> {
        let events = &mut self.events;
        self.framer.finish(|record| take(record, events, out))?;
        if self.events.ended {
            return Ok(());
        }
        Err(Error::new(
            ErrorKind::StreamBroken,
            "the container ended the stream before its last event; retry the request",
        ))
    }
}

fn take(record: Record<'_>, events: &mut Events, out: &mut Vec<Bytes>) -> Result<(), Error> {
    match record {
        Record::Json(text) | Record::Failure(text) => events.take(text, out),
        Record::Done => Ok(()),
    }
}

/// The failure that an event reports: in `error`, or in the `error` of its response.
fn reported(text: &[u8]) -> Error {
    let event: Value = serde_json::from_slice(text).unwrap_or_default();
    let inner = event.pointer("/response/error").map(|error| serde_json::json!({ "error": error }).to_string());
    FailureReport::in_error_event(inner.as_deref().map_or(text, str::as_bytes)).into_error()
}

fn damaged() -> Error {
    Error::new(ErrorKind::Decode, "the container sent an event without a `type`; retry the request")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(path: &str, text: &str, size: usize) -> (Vec<String>, Result<(), Error>) {
        let mut decoder = Protocol::of(path).unwrap().decoder();
        let mut out = Vec::new();
        let pushed = text.as_bytes().chunks(size).try_for_each(|piece| decoder.push(piece, &mut out));
        let outcome = pushed.and_then(|()| decoder.finish(&mut out));
        (out.into_iter().map(|event| String::from_utf8(event.to_vec()).unwrap()).collect(), outcome)
    }

    #[test]
    fn an_answer_is_known_by_its_mark() {
        for (path, reply, is_answer) in [
            ("/v1/responses", r#"{"id":"x","object":"response","output":[]}"#, true),
            ("/v1/responses", r#"{"object":"chat.completion"}"#, false),
            ("/v1/messages", r#"{"type":"message","content":[]}"#, true),
            ("/v1/messages", r#"{"object":"chat.completion","choices":[]}"#, false),
            ("/v1/messages/count_tokens", r#"{"input_tokens":3}"#, true),
            ("/v1/messages/count_tokens", "[1]", false),
            ("/v1/messages", "no json", false),
            ("/v1/score", r#"{"object":"list","data":[]}"#, true),
            ("/tokenize", r#"{"count":1,"tokens":[5]}"#, true),
            ("/tokenize", r#"{"object":"list","data":[]}"#, false),
            ("/detokenize", r#"{"prompt":"a"}"#, true),
            ("/pooling", r#"{"choices":[]}"#, false),
            ("/v1/audio/speech", "RIFF", true),
        ] {
            assert_eq!(Protocol::of(path).unwrap().is_answer(reply.as_bytes()), is_answer, "{path} {reply}");
        }
        assert_eq!(Protocol::of("/v1/rerank"), None);
    }

    #[test]
    fn a_stream_gives_its_events_and_must_have_its_end() {
        let events = [
            r#"{"type":"response.created"}"#,
            r#"{"type":"response.output_text.delta","delta":"ü"}"#,
            r#"{"type":"response.completed"}"#,
        ];
        let wire: String = events.iter().map(|event| format!("event: x\ndata: {event}\n\n")).collect();
        for size in 1..wire.len() {
            let (out, outcome) = read("/v1/responses", &wire, size);
            outcome.unwrap();
            assert_eq!(out, events);
        }
        for end in 1..wire.len() - r#"event: x data: {"type":"response.completed"}  "#.len() {
            if let Some(beginning) = wire.get(..end) {
                assert!(read("/v1/responses", beginning, 7).1.is_err(), "{end}");
            }
        }
    }

    #[test]
    fn failures_and_other_forms_are_errors() {
        let start = "data: {\"type\":\"message_start\"}\n\n";
        for (path, wire, kind) in [
            ("/v1/messages", "data: {\"choices\":[]}\n\n", ErrorKind::Unsupported),
            ("/v1/responses", start, ErrorKind::Unsupported),
            ("/v1/messages", start, ErrorKind::StreamBroken),
            ("/v1/messages", &format!("{start}data: {{}}\n\n"), ErrorKind::Decode),
            (
                "/v1/messages",
                &format!("{start}event: error\ndata: {{\"type\":\"error\",\"error\":{{\"message\":\"boom\"}}}}\n\n"),
                ErrorKind::ModelFailed,
            ),
            (
                "/v1/responses",
                "data: {\"type\":\"response.created\"}\n\ndata: {\"type\":\"response.failed\",\"response\":{\"error\":{\"message\":\"boom\"}}}\n\n",
                ErrorKind::ModelFailed,
            ),
        ] {
            let error = read(path, wire, 9).1.unwrap_err();
            assert_eq!(
                (error.kind(), error.is_unknown_route()),
                (kind, kind == ErrorKind::Unsupported),
                "{wire} {error}"
            );
            if kind == ErrorKind::ModelFailed {
                assert!(format!("{error:?}").contains("boom"), "{error:?}");
            }
        }
        let (out, outcome) = read(
            "/v1/messages",
            &format!(
                "data: {{\"type\":\"ping\"}}\n\n{start}data: {{\"type\":\"message_stop\"}}\n\ndata: [DONE]\n\ndata: late\n\n"
            ),
            11,
        );
        outcome.unwrap();
        assert_eq!(out.len(), 3);
    }

    #[test]
    fn the_model_is_written_anew() {
        let body = with_model(br#"{"a":1.0,"model":"x","b":[null]}"#, "").unwrap();
        assert_eq!(body, r#"{"a":1.0,"model":"","b":[null]}"#);
        assert_eq!(with_model(b"[]", "").unwrap_err().kind(), ErrorKind::InvalidRequest);
    }
}
