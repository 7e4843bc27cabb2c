//! APIs that some containers speak themselves, beside chat: OpenAI's Responses API, Anthropic's
//! Messages API, and vLLM's routes for scores, classes, tokens, speech and images.
//!
//! Owns the table of them: how an answer is known for one, and which events begin and end a stream.
//! An answer, and each event of one, is parsed once: its form is checked, and what the way to the
//! caller needs of it is read.
//!
//! <https://platform.openai.com/docs/api-reference/responses-streaming>, <https://docs.anthropic.com/en/docs/build-with-claude/streaming>

use std::borrow::Cow;

use bytes::Bytes;
use sagewire_types::{Error, ErrorKind, Forwarded, Reading, json, lenient::Lenient};
use serde::Deserialize;
use serde_json::{Map, Value};

pub use self::events::EventDecoder;
use crate::failure_report::FailureReport;

mod events;
mod form;
mod messages;
mod plain;
mod refusal;
mod repeated;
mod responses;

/// The API behind a route.
#[derive(Debug)]
pub struct Protocol {
    path: &'static str,
    mark: Mark,
    /// Checks a whole answer and reads it.
    answer: fn(&str) -> Result<Reading, Error>,
    /// Checks an event and reads it.
    event: fn(&str, &mut SoFar) -> Result<Reading, Error>,
    /// Whether an event of this type must have a form.
    knows: fn(&str) -> bool,
    /// The first event of a stream, and those that end it well; nothing if the route has no
    /// streams.
    first: &'static str,
    ends: &'static [&'static str],
    /// Fields that other APIs demand and that no part of a request of this one may lack: a container
    /// that misses one has taken the request for one of another API.
    foreign: &'static [&'static str],
}

/// What the events of a stream have told that matters at its end.
#[derive(Debug, Default)]
struct SoFar {
    /// The tokens of the prompt.
    prompt_tokens: u64,
    /// Whether a reason was given why the answer ends.
    stopped: bool,
}

/// What every whole answer has.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Mark {
    /// `object` of this value.
    Object(&'static str),
    /// `type` of this value.
    Type(&'static str),
    /// What the reading of the answer demands.
    Read,
    /// Nothing: the bytes of a sound.
    Any,
}

/// The APIs, by the path of their route.
pub static PROTOCOLS: [Protocol; 10] = [
    Protocol {
        path: "/v1/responses",
        mark: Mark::Object("response"),
        answer: responses::answer,
        event: responses::event,
        knows: responses::knows,
        first: "response.created",
        ends: &["response.completed", "response.incomplete"],
        foreign: &["messages", "prompt", "inputs"],
    },
    Protocol {
        path: "/v1/messages",
        mark: Mark::Type("message"),
        answer: messages::answer,
        event: messages::event,
        knows: messages::knows,
        first: "message_start",
        ends: &["message_stop"],
        foreign: &["prompt", "inputs"],
    },
    Protocol {
        path: "/v1/messages/count_tokens",
        answer: plain::input_tokens,
        foreign: &["prompt", "inputs"],
        ..PLAIN
    },
    Protocol { path: "/v1/score", answer: plain::data, foreign: &["messages", "prompt", "inputs", "input"], ..PLAIN },
    Protocol { path: "/classify", answer: plain::data, foreign: &["prompt", "inputs"], ..PLAIN },
    Protocol { path: "/pooling", answer: plain::data, foreign: &["prompt", "inputs"], ..PLAIN },
    Protocol { path: "/tokenize", answer: plain::tokens, foreign: &["inputs", "input"], ..PLAIN },
    Protocol {
        path: "/detokenize",
        answer: plain::prompt,
        foreign: &["messages", "prompt", "inputs", "input"],
        ..PLAIN
    },
    Protocol {
        path: "/v1/images/generations",
        answer: plain::data,
        foreign: &["messages", "inputs", "input"],
        ..PLAIN
    },
    Protocol { path: "/v1/audio/speech", mark: Mark::Any, foreign: &["messages", "prompt", "inputs"], ..PLAIN },
];

/// A route whose answer is known by one field, and whose streams have no events.
const PLAIN: Protocol = Protocol {
    path: "",
    mark: Mark::Read,
    answer: plain::data,
    event: plain::event,
    knows: plain::knows,
    first: "",
    ends: &[],
    foreign: &[],
};

/// What tells an answer or an event for what it is.
#[derive(Default, Deserialize)]
#[serde(default)]
struct Head {
    #[serde(rename = "type")]
    kind: Lenient<String>,
    object: Lenient<String>,
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

    /// Reads a whole answer.
    ///
    /// # Errors
    /// An [unknown route](Error::is_unknown_route) if the reply is not of this API, `Decode` if it
    /// lacks what the API demands, `ModelFailed` if it says that it failed.
    pub fn read(&self, reply: Bytes) -> Result<Forwarded, Error> {
        if self.mark == Mark::Any {
            return Ok(reply.into());
        }
        form::check_depth(&reply)?;
        match read_text(&reply, self.answer) {
            (Cow::Borrowed(_), Ok(reading)) => Ok(Forwarded::from(reply).with_reading(reading)),
            (Cow::Owned(repaired), Ok(reading)) => Ok(Forwarded::from(Bytes::from(repaired)).with_reading(reading)),
            (text, Err(_)) if !self.marks(&text) => Err(Error::unknown_route(self.path)),
            (_, Err(error)) => Err(error),
        }
    }

    /// Whether a reply bears the mark of this API.
    fn marks(&self, reply: &[u8]) -> bool {
        let Ok(head) = json::from_reply::<Head>(reply) else { return false };
        match self.mark {
            Mark::Object(object) => head.object.0.as_deref() == Some(object),
            Mark::Type(kind) => head.kind.0.as_deref() == Some(kind),
            Mark::Read | Mark::Any => false,
        }
    }

    /// Whether its streams are events. Others are passed on as they come.
    #[must_use]
    pub fn has_events(&self) -> bool {
        !self.first.is_empty()
    }

    /// Reads a stream of this API: its pieces are the events.
    #[must_use]
    pub fn decoder(&'static self) -> EventDecoder {
        EventDecoder::new(self)
    }
}

/// Reads a text, repaired if it is nearly JSON.
fn read_text<T>(text: &[u8], mut read: impl FnMut(&str) -> Result<T, Error>) -> (Cow<'_, [u8]>, Result<T, Error>) {
    let mut read = |text: &[u8]| read(std::str::from_utf8(text).map_err(|error| form::invalid().with_source(error))?);
    match read(text) {
        Ok(value) => (Cow::Borrowed(text), Ok(value)),
        Err(error) => match json::repair_reply(text) {
            Some(repaired) => {
                let outcome = read(&repaired);
                (Cow::Owned(repaired), outcome)
            }
            None => (Cow::Borrowed(text), Err(error)),
        },
    }
}

/// The failure that an event or an answer reports: in `error`, or in the `error` of its response.
fn reported(text: &[u8]) -> Error {
    let event: Value = serde_json::from_slice(text).unwrap_or_default();
    let inner = event.pointer("/response/error").map(|error| serde_json::json!({ "error": error }).to_string());
    FailureReport::in_error_event(inner.as_deref().map_or(text, str::as_bytes)).into_error()
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

#[cfg(test)]
mod tests {
    use super::*;

    fn read(path: &str, reply: &str) -> Result<Forwarded, Error> {
        Protocol::of(path).unwrap().read(Bytes::copy_from_slice(reply.as_bytes()))
    }

    #[test]
    fn an_answer_of_another_form_means_that_the_route_is_missing() {
        for (path, reply) in [
            ("/v1/responses", r#"{"object":"chat.completion"}"#),
            ("/v1/messages", r#"{"object":"chat.completion","choices":[]}"#),
            ("/v1/messages/count_tokens", "[1]"),
            ("/v1/messages/count_tokens", r#"{"count":3,"tokens":[5]}"#),
            ("/tokenize", r#"{"object":"list","data":[]}"#),
            ("/tokenize", r#"{"tokens":5}"#),
            ("/pooling", r#"{"choices":[]}"#),
            ("/v1/messages", "no json"),
        ] {
            assert!(read(path, reply).unwrap_err().is_unknown_route(), "{path} {reply}");
        }
        // These are answers of the API, and damaged.
        for (path, reply) in [
            ("/v1/responses", r#"{"id":"x","object":"response","output":[]}"#),
            ("/v1/messages", r#"{"type":"message","content":[]}"#),
        ] {
            assert_eq!(read(path, reply).unwrap_err().kind(), ErrorKind::Decode, "{path} {reply}");
        }
        // Brackets in texts, or beside one another, are not deep.
        for (count, is_read) in [(127, true), (128, false), (100_000, false)] {
            let reply = format!(
                r#"{{"input_tokens":3,"a":"{}","b":[{}1],"c":{}1{}}}"#,
                "[".repeat(500),
                "[],".repeat(500),
                "[".repeat(count),
                "]".repeat(count)
            );
            assert_eq!(read("/v1/messages/count_tokens", &reply).is_ok(), is_read, "{count}");
        }
        for (path, reply) in [
            ("/v1/messages/count_tokens", r#"{"input_tokens":3}"#),
            ("/v1/score", r#"{"object":"list","data":[]}"#),
            ("/tokenize", r#"{"count":1,"tokens":[5]}"#),
            ("/detokenize", r#"{"prompt":"a"}"#),
            ("/v1/audio/speech", "RIFF"),
        ] {
            assert_eq!(read(path, reply).unwrap().bytes, reply, "{path}");
        }
        assert!(Protocol::of("/v1/rerank").is_none());
    }

    #[test]
    fn an_answer_keeps_its_bytes_and_shows_its_model() {
        let message = r#"{ "id":"m","type":"message","role":"assistant", "model" : "x\u00e4","content":[{"type":"text","text":"four"}],"stop_reason":"end_turn","usage":{"input_tokens":3,"output_tokens":4},"new":123456789012345678901234567890}"#;
        let answer = read("/v1/messages", message).unwrap();
        assert_eq!(answer.bytes, message);
        let reading = answer.reading.as_ref().unwrap();
        assert_eq!((reading.text_bytes, reading.usage.clone()), (4, Some(sagewire_types::Usage::reported(3, 4))));
        let (before, after) = answer.around_model().unwrap();
        assert!(before.ends_with(br#""model" : "#) && after.starts_with(br#","content""#), "{answer:?}");
        // What is nearly JSON is repaired.
        let odd = message.replace("123456789012345678901234567890", "NaN");
        assert_eq!(
            read("/v1/messages", &odd).unwrap().bytes,
            message.replace("123456789012345678901234567890", "null")
        );
    }

    #[test]
    fn the_model_is_written_anew() {
        let body = with_model(br#"{"a":1.0,"model":"x","b":[null]}"#, "").unwrap();
        assert_eq!(body, r#"{"a":1.0,"model":"","b":[null]}"#);
        assert_eq!(with_model(b"[]", "").unwrap_err().kind(), ErrorKind::InvalidRequest);
    }
}
