//! Text generation: `{"inputs", "parameters"}`, as Hugging Face's TGI and most text containers take it (`sagemaker/`).
//!
//! Owns the mapping of OpenAI's parameters to those of `/generate`; replies are generated text in its usual shapes.
//!
//! <https://huggingface.co/docs/text-generation-inference/reference/api_reference>

use sagewire_types::{ChatRequest, ChatResponse, Error, ErrorKind};
use serde_json::{Map, Value, json};

use super::{DecodeContext, Dialect, EncodeContext, Payload, StreamDecoder, generation};
use crate::parameters::apply_policy;

/// What TGI's `/generate` can carry; the rest needs the Messages API.
const SUPPORTED: &[&str] = &[
    "temperature",
    "top_p",
    "n",
    "stop",
    "max_tokens",
    "max_completion_tokens",
    "frequency_penalty",
    "logprobs",
    "top_logprobs",
    "seed",
    "response_format",
];

/// Sends one prompt with TGI's parameters.
#[derive(Debug)]
pub(crate) struct Tgi;

impl Dialect for Tgi {
    fn name(&self) -> &'static str {
        "tgi"
    }

    fn wants_prompt(&self) -> bool {
        true
    }

    fn encode(&self, mut request: ChatRequest, context: &EncodeContext<'_>) -> Result<Payload, Error> {
        let passed_on = apply_policy(&mut request, SUPPORTED, context.policy, self.name())?;
        let mut extra = std::mem::take(&mut request.extra);
        let extra_body = extra.shift_remove("extra_body");
        let mut parameters = parameters(&request, context)?;
        parameters.extend(passed_on.into_iter().map(|(name, value)| (name.to_owned(), value)));
        parameters.extend(extra);

        let mut body = Map::new();
        body.insert("inputs".to_owned(), json!(context.prompt.unwrap_or_default()));
        body.insert("parameters".to_owned(), Value::Object(parameters));
        if context.stream {
            body.insert("stream".to_owned(), Value::Bool(true));
        }
        if let Some(Value::Object(more)) = extra_body {
            body.extend(more);
        }
        Payload::json(&body)
    }

    fn decode(&self, reply: &[u8], context: &DecodeContext) -> Result<ChatResponse, Error> {
        generation::decode(reply, context, self.name())
    }

    fn stream_decoder(&self, context: DecodeContext) -> Box<dyn StreamDecoder> {
        Box::new(generation::GenerationStream::new(context, self.name()))
    }
}

fn parameters(request: &ChatRequest, context: &EncodeContext<'_>) -> Result<Map<String, Value>, Error> {
    let mut parameters = Map::new();
    let mut set = |name: &str, value: Value| {
        parameters.insert(name.to_owned(), value);
    };
    if let Some(temperature) = request.temperature {
        let temperature =
            if temperature == 0.0 { context.zero_temperature.unwrap_or(temperature) } else { temperature };
        set("temperature", json!(temperature));
    }
    // TGI refuses 1, which means the same as not limiting at all.
    if let Some(top_p) = request.top_p.filter(|top_p| *top_p < 1.0) {
        set("top_p", json!(top_p));
    }
    if let Some(n) = request.n.filter(|n| *n > 1) {
        if context.stream {
            return Err(Error::new(
                ErrorKind::Unsupported,
                "`n` above 1 cannot be streamed by a `tgi` container: ask without `stream`, or use `sagemaker_chat/`",
            )
            .with_param("n"));
        }
        set("best_of", json!(n));
        set("do_sample", json!(true));
        set("details", json!(true));
    }
    if let Some(stop) = &request.stop {
        set("stop", json!(stop.as_slice()));
    }
    if let Some(limit) = request.token_limit() {
        // At least one token must be asked for.
        set("max_new_tokens", json!(limit.max(1)));
    }
    if let Some(seed) = request.seed {
        set("seed", json!(seed));
    }
    if let Some(penalty) = request.frequency_penalty {
        set("frequency_penalty", json!(penalty));
    }
    if request.logprobs == Some(true) {
        set("details", json!(true));
        if let Some(top) = request.top_logprobs.filter(|top| *top > 0) {
            set("top_n_tokens", json!(top));
        }
    }
    if let Some(grammar) = request.response_format.as_ref().map(grammar).transpose()?.flatten() {
        set("grammar", grammar);
    }
    Ok(parameters)
}

/// OpenAI's [`response_format`](https://platform.openai.com/docs/api-reference/chat/create#chat_create-response_format) as TGI's
/// [`grammar`](https://huggingface.co/docs/text-generation-inference/conceptual/guidance).
fn grammar(format: &Value) -> Result<Option<Value>, Error> {
    match format.get("type").and_then(Value::as_str) {
        Some("text") => Ok(None),
        Some("json_object") => Ok(Some(json!({ "type": "json", "value": { "type": "object" } }))),
        Some("json_schema") => match format.pointer("/json_schema/schema") {
            Some(schema) => Ok(Some(json!({ "type": "json", "value": schema }))),
            None => Err(Error::invalid(
                "response_format",
                "`response_format.json_schema.schema` is missing: add the schema",
            )),
        },
        // TGI's own forms pass as they are.
        Some("json" | "regex") => Ok(Some(format.clone())),
        _ => Err(Error::invalid(
            "response_format",
            "`response_format.type` must be `text`, `json_object` or `json_schema`",
        )),
    }
}
