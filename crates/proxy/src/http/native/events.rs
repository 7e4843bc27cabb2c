//! The events of a container that speaks its caller's API: each is passed on, with the caller's
//! name of the model.

use std::{borrow::Cow, sync::Arc};

use bytes::{BufMut as _, Bytes, BytesMut};
use sagewire_api::responses::ResponseError;
use sagewire_types::{
    Error, ErrorKind, Usage,
    json::{self, Exact},
    lenient::Lenient,
};
use serde::{Deserialize, Serialize, Serializer, ser::Error as _};
use serde_json::{Map, Value, json, value::RawValue};

use super::{Api, MESSAGES};
use crate::http::{
    error::ApiError,
    sse::{Events, Piece, Writer, write_named},
    streaming::Written,
};

/// An event.
#[derive(Debug)]
pub(super) struct NativeEvent {
    name: String,
    data: Bytes,
    /// Its place in a stream of the Responses API.
    number: Option<u64>,
    text_bytes: usize,
    usage: Option<Usage>,
    model: Arc<str>,
}

/// What is read of every event.
#[derive(Deserialize)]
struct Head<'a> {
    #[serde(borrow, rename = "type")]
    name: Cow<'a, str>,
    #[serde(default)]
    sequence_number: Lenient<u64>,
    #[serde(borrow, default)]
    delta: Option<&'a RawValue>,
    #[serde(default)]
    usage: Option<Value>,
}

/// The tokens of an answer, as both APIs tell them.
#[derive(Default, Deserialize)]
#[serde(default)]
struct NativeUsage {
    input_tokens: Lenient<u64>,
    output_tokens: Lenient<u64>,
    cache_creation_input_tokens: Lenient<u64>,
    cache_read_input_tokens: Lenient<u64>,
}

/// The usage in an answer; `None` if it counts nothing.
pub(in crate::http) fn usage(usage: &Value) -> Option<Usage> {
    let usage = NativeUsage::deserialize(usage).ok()?;
    let prompt = [usage.input_tokens, usage.cache_creation_input_tokens, usage.cache_read_input_tokens];
    let prompt = prompt.into_iter().filter_map(|tokens| tokens.0).fold(0, u64::saturating_add);
    let completion = usage.output_tokens.0.unwrap_or_default();
    (prompt > 0 || completion > 0).then(|| Usage::reported(prompt, completion))
}

impl NativeEvent {
    /// Reads an event and checks its form. `prompt_tokens` is what the stream's beginning told of
    /// the prompt, for an end that tells only the rest.
    pub(super) fn read(api: &Api, data: Bytes, prompt_tokens: &mut u64) -> Result<Self, Error> {
        let head: Head<'_> = serde_json::from_slice(&data).map_err(|error| {
            Error::new(ErrorKind::Decode, "the container sent an event that cannot be read; retry the request")
                .with_source(error)
        })?;
        (api.check_event)(&head.name, &data)?;
        let inner = |holder: &str| {
            let event: Value = serde_json::from_slice(&data).ok()?;
            usage(event.get(holder)?.get("usage")?)
        };
        let told = match &*head.name {
            "message_start" => {
                *prompt_tokens = inner("message").map_or(0, |usage| usage.prompt_tokens);
                None
            }
            "message_delta" => head.usage.as_ref().and_then(usage),
            "response.completed" | "response.incomplete" => inner("response"),
            _ => None,
        };
        let usage = told.map(|usage| match usage.prompt_tokens {
            0 => Usage::reported(*prompt_tokens, usage.completion_tokens),
            _ => usage,
        });
        Ok(Self {
            name: head.name.into_owned(),
            number: head.sequence_number.0,
            text_bytes: head.delta.map_or(0, |delta| delta.get().len().saturating_sub(2)),
            usage,
            model: Arc::default(),
            data,
        })
    }

    /// The field whose object names the model.
    fn holder(&self) -> Option<&'static str> {
        match self.name.as_str() {
            "message_start" => Some("message"),
            "response.created"
            | "response.in_progress"
            | "response.queued"
            | "response.completed"
            | "response.incomplete" => Some("response"),
            _ => None,
        }
    }
}

impl Serialize for NativeEvent {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let data: &RawValue = serde_json::from_slice(&self.data).map_err(S::Error::custom)?;
        data.serialize(serializer)
    }
}

impl Written for NativeEvent {
    fn text_bytes(&self) -> usize {
        self.text_bytes
    }
}

impl Piece for NativeEvent {
    type Writer = ();

    fn write(&self, (): &mut (), Writer(out): Writer<'_>) -> Result<(), serde_json::Error> {
        out.put_slice(&self.data);
        Ok(())
    }

    fn set_model(&mut self, model: Arc<str>) {
        self.model = model;
    }

    fn usage(&mut self) -> &mut Option<Usage> {
        &mut self.usage
    }

    fn choices(&self) -> usize {
        1
    }
}

/// Writes the events of a stream, and its failure in the API's own form.
pub(super) struct NativeEvents {
    api: &'static Api,
    /// The place of the next event.
    number: u64,
    /// The answer as the stream's beginning told it.
    response: Option<Map<String, Value>>,
}

impl NativeEvents {
    pub(super) fn new(api: &'static Api) -> Self {
        Self { api, number: 0, response: None }
    }
}

impl Events<NativeEvent> for NativeEvents {
    fn piece(&mut self, event: &NativeEvent, Writer(out): Writer<'_>) -> Result<(), Error> {
        if let Some(number) = event.number {
            self.number = number.saturating_add(1);
        }
        let holder = event.holder();
        if holder.is_none() && !event.data.contains(&b'\n') {
            out.put_slice(b"event: ");
            out.put_slice(event.name.as_bytes());
            out.put_slice(b"\ndata: ");
            out.put_slice(&event.data);
            out.put_slice(b"\n\n");
            return Ok(());
        }
        let mut data: Value = json::from_reply_marked(&event.data).map_err(|error| {
            Error::new(ErrorKind::Decode, "the container sent an event that cannot be read; retry the request")
                .with_source(error)
        })?;
        if let Some(model) = holder.and_then(|holder| data.get_mut(holder)?.get_mut("model")) {
            *model = Value::from(&*event.model);
        }
        write_named(&event.name, &Exact(&data), out)?;
        if event.name == "response.created" {
            self.response = data.get_mut("response").and_then(Value::as_object_mut).map(std::mem::take);
        }
        Ok(())
    }

    fn end(&mut self, _: Writer<'_>) -> Result<(), Error> {
        // The last event was the container's.
        Ok(())
    }

    fn failure(&mut self, error: &ApiError) -> Bytes {
        if self.api.is(&MESSAGES) {
            return [b"event: error\ndata: ", &*error.to_anthropic(None), b"\n\n"].concat().into();
        }
        let told = json!(ResponseError::new(error.status().as_u16(), error.message()));
        let mut failed =
            json!({ "type": "error", "param": error.param(), "sequence_number": self.number, "error": told });
        if let (Value::Object(failed), Value::Object(told)) = (&mut failed, &told) {
            failed.extend(told.clone());
        }
        let mut out = BytesMut::new();
        // Texts and numbers always have a JSON form.
        let _ = write_named("error", &failed, &mut out);
        if let Some(mut response) = self.response.clone() {
            response.insert("status".to_owned(), Value::from("failed"));
            response.insert("error".to_owned(), told);
            let failed = json!({ "type": "response.failed", "response": response, "sequence_number": self.number + 1 });
            let _ = write_named("response.failed", &Exact(&failed), &mut out);
        }
        out.freeze()
    }

    fn silence(&self) -> &'static [u8] {
        self.api.silence
    }
}
