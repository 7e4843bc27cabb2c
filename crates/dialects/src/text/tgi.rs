//! Text generation: `{"inputs", "parameters"}`, as Hugging Face's TGI and most text containers take
//! it (`sagemaker/`).
//!
//! Owns the mapping of OpenAI's parameters to those of `/generate`.
//!
//! <https://huggingface.co/docs/text-generation-inference/reference/api_reference>

use sagewire_types::{ChatRequest, Error};
use serde_json::{Value, json};

use super::inputs::{self, Parameters};
use crate::{Dialect, EncodeContext, Payload, parameters::apply_policy};

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

    /// TGI and LMI take them; the Hugging Face toolkit does not.
    fn details_may_be_refused(&self) -> bool {
        true
    }

    fn constrains_answers(&self) -> bool {
        true
    }

    fn encode(&self, mut request: ChatRequest, context: &EncodeContext<'_>) -> Result<Payload, Error> {
        let passed_on = apply_policy(&mut request, SUPPORTED, context.policy, self.name())?;
        let mut extra = std::mem::take(&mut request.extra);
        let extra_body = inputs::extra_body(&mut extra)?;
        let mut parameters = self.parameters(&request, context)?;
        parameters.extend(passed_on);
        parameters.extend(extra);
        inputs::payload(json!(context.prompt.unwrap_or_default()), parameters, context.stream, extra_body)
    }
}

impl Tgi {
    fn parameters(&self, request: &ChatRequest, context: &EncodeContext<'_>) -> Result<Parameters, Error> {
        let mut parameters = Parameters::default();
        // Streams tell why they end without being asked.
        if !context.stream && context.asks_for_details() {
            parameters.set("details", true);
        }
        parameters.set_temperature(request, context);
        parameters.set_top_p(request);
        if let Some(n) = request.n.filter(|n| *n > 1) {
            if context.stream {
                return Err(inputs::one_streamed_answer(self.name()));
            }
            // The best answer is in its usual place; the others come with the details.
            parameters.set("best_of", n);
            parameters.set("do_sample", true);
            parameters.set("details", true);
        }
        if let Some(stop) = &request.stop {
            parameters.set("stop", stop.as_slice());
        }
        parameters.set_token_limit(request);
        parameters.set_seed(request)?;
        if let Some(penalty) = request.frequency_penalty {
            parameters.set("frequency_penalty", penalty);
        }
        if request.logprobs == Some(true) {
            parameters.set("details", true);
            if let Some(top) = request.top_logprobs.filter(|top| *top > 0) {
                parameters.set("top_n_tokens", top);
            }
        }
        if let Some(grammar) = request.response_format.as_ref().map(grammar).transpose()?.flatten() {
            parameters.set("grammar", grammar);
        }
        Ok(parameters)
    }
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
