//! Routes that a container answers itself and that no other container's answer could be made into:
//! [vLLM's](https://docs.vllm.ai/en/latest/serving/openai_compatible_server.html) scores, classes, pooled vectors and tokens, and OpenAI's images and speech.
//!
//! Owns passing them on: only the model's name is written anew, on the way there and back. What a
//! body says is the container's business; a URL in it is not fetched here.

use http::HeaderValue;
use sagewire_types::{
    Error, ErrorKind, ForwardRequest, ReportedUsage, Usage,
    json::{self, Exact},
    lenient::Lenient,
};
use serde::Deserialize;
use serde_json::{Map, Value, json};

use super::{
    Exchange, answer,
    ask::{self, Ask, Prepared},
    body,
    error::ApiError,
    kinds, native,
    openapi::schema,
    route::{Access, Answer, Answered, Handler, Paths, Route, Verb},
    streaming,
};
use crate::{app::Model, callers::Wanted, limits::Limits};

/// A route at which vLLM reads texts.
const fn of_vllm(name: &'static str, paths: &'static [&'static str], summary: &'static str, handler: Handler) -> Route {
    Route {
        name,
        method: Verb::Post,
        paths: Paths::Fixed(paths),
        access: Access::Key,
        operation: Some(name),
        summary,
        request: Some(request_schema),
        answer: Answer::Json(schema::object),
        handler,
    }
}

pub(super) const SCORE: Route = of_vllm(
    "score",
    &["/score", "/v1/score"],
    "Scores pairs of texts, if the model's container has the route.",
    |exchange| Box::pin(whole(exchange, "/v1/score")),
);

pub(super) const CLASSIFY: Route = of_vllm(
    "classify",
    &["/classify", "/v1/classify"],
    "Classifies texts, if the model's container has the route.",
    |exchange| Box::pin(whole(exchange, "/classify")),
);

pub(super) const POOLING: Route = of_vllm(
    "pooling",
    &["/pooling", "/v1/pooling"],
    "Pools what a model makes of texts, if its container has the route.",
    |exchange| Box::pin(whole(exchange, "/pooling")),
);

pub(super) const TOKENIZE: Route = of_vllm(
    "tokenize",
    &["/tokenize", "/v1/tokenize"],
    "The tokens of a text, if the model's container has the route.",
    |exchange| Box::pin(whole(exchange, "/tokenize")),
);

pub(super) const DETOKENIZE: Route = of_vllm(
    "detokenize",
    &["/detokenize", "/v1/detokenize"],
    "The text of tokens, if the model's container has the route.",
    |exchange| Box::pin(whole(exchange, "/detokenize")),
);

pub(super) const IMAGES: Route = Route {
    paths: Paths::OfModel("/images/generations"),
    operation: Some("image_generation"),
    request: Some(image_schema),
    ..of_vllm("images", &[], "Makes images, if the model's container has the route.", |exchange| {
        Box::pin(whole(exchange, "/v1/images/generations"))
    })
};

pub(super) const SPEECH: Route = Route {
    paths: Paths::OfModel("/audio/speech"),
    operation: Some("speech"),
    request: Some(speech_schema),
    answer: Answer::Bytes,
    ..of_vllm("speech", &[], "Speaks a text, if the model's container has the route.", |exchange| {
        Box::pin(speech(exchange, "/v1/audio/speech"))
    })
};

/// A request of which only the model is known.
#[derive(Debug)]
struct Forwarded {
    model: String,
    /// Everything but the model.
    fields: Map<String, Value>,
    bytes: usize,
}

/// Passes a request on and gives its whole answer.
async fn whole(exchange: &mut Exchange, path: &'static str) -> Answered {
    let Prepared { request, context, model, asked, deadline } = prepare(exchange, path).await?;
    let provider = exchange.state.provider.clone();
    let call = async { native::known(provider.forward(request.into_forward(path), &context).await) };
    let Some(reply) = ask::ask(exchange, &model, deadline, call).await? else { return Err(no_route(&asked, path)) };
    let read = json::from_reply_marked::<Map<String, Value>>(&reply.value.bytes).map_err(|error| {
        Error::new(ErrorKind::Decode, "the container's answer is not a JSON object; retry the request")
            .with_source(error)
    });
    let mut answer = read.map_err(|error| ask::failed(exchange, &model, &error))?;
    if let Some(name) = answer.get_mut("model") {
        *name = Value::from(&*asked);
    }
    let usage = answer.get("usage").and_then(reported);
    answer::book(exchange, &reply.meta, usage, 0);
    answer::json(exchange, &Exact(&answer), &reply.meta)
}

/// Passes a request on and its answer back as it comes.
async fn speech(exchange: &mut Exchange, path: &'static str) -> Answered {
    let Prepared { request, context, model, asked, deadline } = prepare(exchange, path).await?;
    let provider = exchange.state.provider.clone();
    let call = async { native::known(provider.forward_stream(request.into_forward(path), &context).await) };
    let Some(stream) = ask::ask(exchange, &model, deadline, call).await? else { return Err(no_route(&asked, path)) };
    let content_type = sound_type(stream.meta.content_type.as_deref());
    Ok(streaming::respond_bytes(exchange, stream, &model, content_type, None))
}

/// Reads and checks a request whose model has the route.
async fn prepare(exchange: &mut Exchange, path: &'static str) -> Result<Prepared<Forwarded>, ApiError> {
    let bytes = ask::bytes(exchange).await?;
    let mut fields: Map<String, Value> = body::parse_with_token_ids(&bytes, &exchange.state.limits, Some("tokens"))?;
    let model = match fields.shift_remove("model") {
        Some(Value::String(model)) => model,
        None | Some(Value::Null) => String::new(),
        Some(_) => return Err(ApiError::invalid(Some("model"), "invalid value for `model`: expected a text")),
    };
    let prepared = ask::ready(exchange, Forwarded { model, fields, bytes: bytes.len() }).await?;
    let operation = exchange.call.as_ref().map_or("", |call| call.record.operation());
    check_route(&prepared.model, &prepared.asked, operation, path)?;
    Ok(prepared)
}

/// Refuses a route that no container of a model is known to have, before AWS is asked.
fn check_route(model: &Model, asked: &str, operation: &str, path: &str) -> Result<(), ApiError> {
    if model.has_route(path) || kinds::is_said(operation, model) {
        return Ok(());
    }
    Err(no_route(asked, path))
}

fn no_route(asked: &str, path: &str) -> ApiError {
    let shown = super::error::beginning(asked);
    let message = format!(
        "the model `{shown}` has no route `{path}`: use another model, or ask the proxy's operator to list the path in `native_routes` if the container has it"
    );
    ApiError::invalid(Some("model"), message)
}

/// The type of a sound, or of the events that it comes in. Any other type is not for a caller's
/// browser to act on.
fn sound_type(content_type: Option<&str>) -> HeaderValue {
    let known = content_type.filter(|name| name.starts_with("audio/") || name.starts_with("text/event-stream"));
    known
        .and_then(|name| HeaderValue::from_str(name).ok())
        .unwrap_or(const { HeaderValue::from_static("application/octet-stream") })
}

/// The tokens as OpenAI's images tell them.
#[derive(Default, Deserialize)]
#[serde(default)]
struct ImageUsage {
    input_tokens: Lenient<u64>,
    output_tokens: Lenient<u64>,
}

/// The tokens in the form of OpenAI's embeddings, or of its images; `None` if nothing is counted.
pub(super) fn reported(usage: &Value) -> Option<Usage> {
    let ReportedUsage(reported) = serde_json::from_value(usage.clone()).unwrap_or_default();
    reported.filter(|usage| usage.total_tokens > 0).or_else(|| {
        let ImageUsage { input_tokens, output_tokens } = ImageUsage::deserialize(usage).ok()?;
        let usage = Usage::reported(input_tokens.0.unwrap_or_default(), output_tokens.0.unwrap_or_default());
        (usage.total_tokens > 0).then_some(usage)
    })
}

impl Forwarded {
    fn into_forward(self, path: &'static str) -> ForwardRequest {
        let body = json::restore_integers(Value::Object(self.fields).to_string().into());
        ForwardRequest::new(self.model, path, body).checked()
    }
}

impl Ask for Forwarded {
    fn model(&mut self) -> &mut String {
        &mut self.model
    }

    fn extra(&mut self) -> &mut Map<String, Value> {
        &mut self.fields
    }

    fn wanted(&self) -> Wanted {
        Wanted { prompt: ask::tokens_of(self.bytes), answers: 0, max_output: None }
    }

    fn check(&self, limits: &Limits) -> Result<(), ApiError> {
        let inputs = ["input", "documents", "text_2", "data_2", "items", "queries"];
        let lists = inputs.into_iter().filter_map(|name| Some((name, self.fields.get(name)?.as_array()?.len())));
        for (name, length) in lists {
            ask::at_most(name, "items", length, limits.inputs, "max_inputs")?;
        }
        Ok(())
    }
}

fn request_schema() -> Value {
    schema::request("The container's own request, which is passed on.", &["model"], json!({}))
}

fn image_schema() -> Value {
    schema::request(
        "OpenAI's request for images, which is passed on to the container. URLs in it are not fetched by the proxy.",
        &["model", "prompt"],
        json!({ "prompt": schema::text(), "n": schema::count(), "size": schema::text() }),
    )
}

fn speech_schema() -> Value {
    schema::request(
        "OpenAI's request for speech, which is passed on to the container.",
        &["model", "input"],
        json!({ "input": schema::text(), "voice": schema::text(), "response_format": schema::text() }),
    )
}
