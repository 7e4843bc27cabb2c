//! `POST /audio/transcriptions` and `/audio/translations`: <https://platform.openai.com/docs/api-reference/audio/createTranscription>
//!
//! Owns the way from an upload to a request. A recording is held once, since the signature needs all
//! of it: in the form in which it is sent on. Its file's name goes nowhere, and a URL in place of a
//! file is not fetched.

use std::sync::Arc;

use http::{HeaderValue, Response, StatusCode, header};
use sagewire_types::{AudioForm, AudioKind, Error, Reply, ReplyStream, TranscribeRequest};
use serde_json::{Map, Value, json};

use bytes::Bytes;
use futures_util::StreamExt as _;

use super::{
    Exchange, answer,
    ask::{self, Ask, Prepared},
    error::ApiError,
    forwarded,
    multipart::{Form, Part},
    openapi::schema,
    response::{self, Body},
    route::{Access, Answer, Answered, Paths, Route, Verb},
    streaming,
};
use crate::{app::Model, callers::Wanted, limits::Limits};

pub(super) const TRANSCRIPTIONS: Route = Route {
    name: "transcriptions",
    method: Verb::Post,
    paths: Paths::OfModel("/audio/transcriptions"),
    access: Access::Key,
    operation: Some("transcription"),
    summary: "Transcribes a recording, as a whole or as a stream.",
    request: Some(request_schema),
    answer: Answer::Transcript(answer_schema),
    handler: |exchange| Box::pin(transcribe(exchange, false)),
};

pub(super) const TRANSLATIONS: Route = Route {
    name: "translations",
    paths: Paths::OfModel("/audio/translations"),
    summary: "Transcribes a recording in English, whatever is spoken.",
    handler: |exchange| Box::pin(transcribe(exchange, true)),
    ..TRANSCRIPTIONS
};

/// What the form that is sent on may have beside what the caller's has: another boundary, and names.
const FORMS_DIFFER: u64 = 4096;

/// What the caller of a larger upload can do.
const ADVICE: &str = "send a shorter or compressed recording, or have the endpoint called asynchronously, by `InvokeEndpointAsync` with the file in S3, which \
                      takes up to 1 GB";

/// The parameter that is the recording.
const FILE: &str = "file";

/// The parameters of an upload.
#[derive(Debug)]
struct Fields {
    model: String,
    /// Everything else that is not a file, each a text.
    others: Map<String, Value>,
    /// Those that may be there several times, in their order.
    lists: Vec<(String, String)>,
    stream: bool,
    bytes: usize,
}

async fn transcribe(exchange: &mut Exchange, translates: bool) -> Answered {
    let state = Arc::clone(&exchange.state);
    let named = exchange.parameter.as_deref().and_then(|name| state.models.find(name));
    let most = match named {
        Some(model) => model.max_upload_bytes(),
        None => state.models.iter().map(|model| model.max_upload_bytes()).max().unwrap_or_default(),
    };
    let body = exchange.take_body();
    let announced = http_body::Body::size_hint(&body).exact();
    let accepted = most.saturating_add(FORMS_DIFFER);
    if announced.is_some_and(|length| length > accepted) {
        return Err(super::multipart::too_large(most, ADVICE));
    }
    let mut form = Form::open(&exchange.head.headers, body, accepted, ADVICE, state.limits.body_timeout)?;
    form.limit(most, FORMS_DIFFER)?;
    let length = announced.unwrap_or(accepted).min(accepted);
    // Held until the answer has begun, when the recording has been sent.
    let _held = state.lasting.uploads.hold(length, state.limits.upload_bytes)?;
    let mut fields = Fields { model: String::new(), others: Map::new(), lists: Vec::new(), stream: false, bytes: 0 };
    let mut recording = None;
    while let Some(mut part) = form.next().await? {
        if part.name() != FILE {
            fields.take(part).await?;
            if let Some(model) = state.models.find(&fields.model) {
                form.limit(model.max_upload_bytes(), FORMS_DIFFER)?;
            }
            continue;
        }
        if !part.is_file() {
            let message = "`file` must be an upload with a file's name: texts and URLs are not fetched";
            return Err(ApiError::invalid(Some(FILE), message));
        }
        if recording.is_some() {
            return Err(super::multipart::duplicate(FILE));
        }
        let kind = AudioKind::of(part.content_type().as_deref(), part.file_name());
        let mut writer = AudioForm::begin(kind, usize::try_from(length).unwrap_or(usize::MAX));
        while let Some(piece) = part.chunk().await? {
            fields.bytes += piece.len();
            writer.push(&piece);
        }
        recording = Some(writer);
    }
    let Some(recording) = recording else {
        return Err(ApiError::invalid(Some(FILE), "missing required parameter `file`: upload a recording"));
    };
    let prepared = ask::ready(exchange, fields).await?;
    let Prepared { request: fields, context, model, deadline, .. } = prepared;
    let (stream, name) = (fields.stream, fields.model.clone());
    let recording = recording.finish(fields.into_pairs()?).map_err(|error| invalid(&error))?;
    check_length(&recording, &model)?;
    let mut request = TranscribeRequest::new(name, recording);
    request.translates = translates;
    let provider = exchange.state.provider.clone();
    if stream {
        let call = provider.transcribe_stream(request, &context);
        let mut events = ask::ask(exchange, &model, deadline, call).await?;
        let meta = std::mem::take(&mut events.meta);
        let events =
            events.map(|event| event.map(|event| Bytes::from([b"data: ", &*event.bytes, b"\n\n"].concat()).into()));
        let events = ReplyStream::new(meta, events);
        let content_type = const { HeaderValue::from_static("text/event-stream; charset=utf-8") };
        return Ok(streaming::respond_bytes(exchange, events, &model, content_type, Some(failure)));
    }
    let call = provider.transcribe(request, &context);
    let Reply { value, meta } = ask::ask(exchange, &model, deadline, call).await?;
    answer::book(exchange, &meta, usage_of(&value.bytes), value.bytes.len());
    let content_type = meta.content_type.as_deref().and_then(|kind| HeaderValue::from_str(kind).ok());
    let mut response = Response::new(Body::from(value.bytes));
    *response.status_mut() = StatusCode::OK;
    *response.headers_mut() = response::headers();
    let content_type = content_type.unwrap_or(const { HeaderValue::from_static("application/octet-stream") });
    response.headers_mut().insert(header::CONTENT_TYPE, content_type);
    answer::add_meta(response.headers_mut(), &meta);
    Ok(response)
}

/// The event that ends a stream which failed.
fn failure(error: &ApiError) -> Bytes {
    [b"data: ", &*error.to_json(), b"\n\n"].concat().into()
}

/// The tokens of an answer in JSON that tells them.
fn usage_of(answer: &[u8]) -> Option<sagewire_types::Usage> {
    let answer: Value = serde_json::from_slice(answer).ok()?;
    answer.get("usage").and_then(forwarded::reported)
}

/// The form is what AWS's limit is about.
fn check_length(form: &AudioForm, model: &Model) -> Result<(), ApiError> {
    let most = model.max_upload_bytes();
    if u64::try_from(form.bytes().len()).unwrap_or(u64::MAX) > most {
        return Err(super::multipart::too_large(most, ADVICE));
    }
    Ok(())
}

fn invalid(error: &Error) -> ApiError {
    ApiError::invalid(error.param(), error.message())
}

impl Fields {
    /// Takes a part that is not the recording.
    async fn take(&mut self, part: Part<'_>) -> Result<(), ApiError> {
        let name = part.name().to_owned();
        if part.is_file() {
            let message = format!("`{name}` must be a text: only `file` is a file");
            return Err(ApiError::invalid(Some(&name), message));
        }
        let value = part.text().await?;
        let is_there = match name.as_str() {
            name if name.ends_with("[]") => {
                self.lists.push((name.to_owned(), value));
                return Ok(());
            }
            "model" => !std::mem::replace(&mut self.model, value).is_empty(),
            "stream" => {
                self.stream = flag(&value)?;
                self.others.insert(name.clone(), Value::Null).is_some()
            }
            _ => self.others.insert(name.clone(), typed(&name, value)?).is_some(),
        };
        if is_there {
            return Err(super::multipart::duplicate(&name));
        }
        Ok(())
    }

    /// The parameters that go into the form.
    fn into_pairs(self) -> Result<Vec<(String, String)>, ApiError> {
        let mut pairs = Vec::new();
        for (name, value) in self.others {
            match value {
                Value::String(value) => pairs.push((name, value)),
                // `stream`, which is written below.
                Value::Null => {}
                _ => return Err(ApiError::invalid(Some(&name), format!("`{name}` must be a text"))),
            }
        }
        pairs.extend(self.lists);
        if self.stream {
            pairs.push(("stream".to_owned(), "true".to_owned()));
        }
        Ok(pairs)
    }
}

/// A form has texts only: what is not the container's has its own type here.
fn typed(name: &str, value: String) -> Result<Value, ApiError> {
    if name != "timeout" {
        return Ok(Value::String(value));
    }
    let number = value.trim().parse::<f64>().ok().and_then(serde_json::Number::from_f64);
    number.map(Value::Number).ok_or_else(|| ApiError::invalid(Some(name), "`timeout` must be a number of seconds"))
}

fn flag(value: &str) -> Result<bool, ApiError> {
    match value.trim().to_ascii_lowercase().as_str() {
        "true" | "1" => Ok(true),
        "false" | "0" | "" => Ok(false),
        _ => Err(ApiError::invalid(Some("stream"), "invalid value for `stream`: expected `true` or `false`")),
    }
}

impl Ask for Fields {
    fn model(&mut self) -> &mut String {
        &mut self.model
    }

    fn extra(&mut self) -> &mut Map<String, Value> {
        &mut self.others
    }

    fn stream(&self) -> Option<bool> {
        Some(self.stream)
    }

    fn wanted(&self) -> Wanted {
        Wanted { prompt: AudioForm::estimated_tokens(self.bytes), answers: 1, max_output: None }
    }

    fn check(&self, _: &Limits) -> Result<(), ApiError> {
        Ok(())
    }
}

fn request_schema() -> Value {
    let mut schema = schema::request(
        "OpenAI's transcription request. Other fields are sent to the model's container as they are; URLs in them are not fetched.",
        &["model", "file"],
        json!({
            "file": schema::bytes(), "language": schema::text(), "prompt": schema::text(),
            "response_format": { "enum": ["json", "text", "srt", "vtt", "verbose_json"] }, "temperature": { "type": "number" },
            "timestamp_granularities[]": { "type": "array", "items": schema::text() },
        }),
    );
    schema::add(&mut schema, json!({ "stream": schema::flag() }));
    schema
}

fn answer_schema() -> Value {
    json!({ "type": "object", "required": ["text"], "properties": { "text": schema::text(), "segments": { "type": "array" } } })
}
