//! OpenAI-shaped answers, as vLLM and TGI give them.
//!
//! Owns what chat and plain completions have in common: how the two servers differ, stop strings,
//! usage, and how a stream of server-sent events is written. Validation is each container's own
//! business.

mod chat;
mod completion;
mod tools;

pub(super) use self::{chat::ChatRequest, completion::CompletionRequest};

use std::time::SystemTime;

use serde::Deserialize;
use serde_json::{Value, json};

use super::{
    invocation::Invocation,
    reply::ContainerReply,
    speech::{Finish, fingerprint},
};
use crate::clock::unix_seconds;

/// Whose manners an answer has.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Flavour {
    /// vLLM's OpenAI server.
    Vllm,
    /// Text Generation Inference.
    Tgi,
}

/// What every answer to one request repeats.
#[derive(Clone, Debug)]
pub(super) struct AnswerIdentity {
    flavour: Flavour,
    fingerprint: u64,
    created: i64,
    model: String,
}

impl AnswerIdentity {
    pub(super) fn new(flavour: Flavour, invocation: &Invocation, model: Option<&str>) -> Self {
        let unnamed = match flavour {
            Flavour::Vllm => "/opt/ml/model",
            Flavour::Tgi => "tgi",
        };
        Self {
            flavour,
            fingerprint: fingerprint(&invocation.body),
            created: unix_seconds(invocation.received_at.max(SystemTime::UNIX_EPOCH)),
            model: model.filter(|model| !model.is_empty()).unwrap_or(unnamed).to_owned(),
        }
    }

    /// `chatcmpl-0123456789abcdef`; TGI leaves its ids empty.
    fn id(&self, prefix: &str) -> String {
        match self.flavour {
            Flavour::Vllm => format!("{prefix}-{:016x}", self.fingerprint),
            Flavour::Tgi => String::new(),
        }
    }

    /// What surrounds the choices: of a whole answer, or of a chunk.
    fn envelope(&self, prefix: &str, object: &str, choices: &[Value], usage: Option<Usage>) -> Value {
        let body = json!({
            "id": self.id(prefix),
            "object": object,
            "created": self.created,
            "model": self.model,
            "system_fingerprint": self.system_fingerprint(),
            "choices": choices,
        });
        extended(body, usage.map(|usage| ("usage", usage.json())))
    }

    const fn system_fingerprint(&self) -> &'static str {
        match self.flavour {
            Flavour::Vllm => "vllm-emulated",
            Flavour::Tgi => "3.3.6-emulated",
        }
    }
}

/// `stop`: one string or several.
#[derive(Clone, Debug, Deserialize)]
#[serde(untagged)]
pub(super) enum Stop {
    One(String),
    Several(Vec<String>),
}

impl Stop {
    pub(super) fn strings(stop: Option<&Self>) -> Vec<String> {
        match stop {
            None => Vec::new(),
            Some(Self::One(one)) => vec![one.clone()],
            Some(Self::Several(several)) => several.clone(),
        }
    }
}

/// `stream_options`.
#[derive(Clone, Debug, Default, Deserialize)]
pub(super) struct StreamOptions {
    #[serde(default)]
    include_usage: bool,
    #[serde(default)]
    continuous_usage_stats: bool,
}

/// How many tokens went in and out.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Usage {
    prompt: usize,
    completion: usize,
}

impl Usage {
    fn json(self) -> Value {
        json!({"prompt_tokens": self.prompt, "total_tokens": self.prompt + self.completion, "completion_tokens": self.completion})
    }
}

/// The finish reason of a text, and vLLM's `stop_reason` beside it.
fn finish_reason(finish: &Finish) -> (&'static str, Value) {
    match finish {
        Finish::EndOfText => ("stop", Value::Null),
        Finish::Length => ("length", Value::Null),
        Finish::Stop(stop) => ("stop", Value::String(stop.clone())),
    }
}

/// A JSON object with more members.
pub(super) fn extended<'a>(mut object: Value, members: impl IntoIterator<Item = (&'a str, Value)>) -> Value {
    if let Some(map) = object.as_object_mut() {
        map.extend(members.into_iter().map(|(name, value)| (name.to_owned(), value)));
    }
    object
}

/// The events of a stream, with `[DONE]` at the end.
fn event_stream(chunks: &[Value]) -> ContainerReply {
    let mut body = String::new();
    for chunk in chunks {
        body.push_str(&format!("data: {chunk}\n\n"));
    }
    body.push_str("data: [DONE]\n\n");
    ContainerReply::new(200, "text/event-stream; charset=utf-8", body)
}
