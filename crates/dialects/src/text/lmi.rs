//! DJL LMI's own schema: `{"inputs", "parameters"}` with DJL's names for the parameters.
//!
//! Owns the mapping of OpenAI's parameters to those of LMI's generation schema. An LMI container
//! that is sent `messages` speaks the Messages API instead.
//!
//! <https://docs.djl.ai/master/docs/serving/serving/docs/lmi/user_guides/lmi_input_output_schema.html>

use sagewire_types::{ChatRequest, Error};
use serde_json::json;

use super::inputs::{self, Parameters};
use crate::{Dialect, EncodeContext, Payload, parameters::apply_policy};

/// What LMI's generation schema can carry; the rest needs the Messages API.
const SUPPORTED: &[&str] = &[
    "temperature",
    "top_p",
    "n",
    "stop",
    "max_tokens",
    "max_completion_tokens",
    "presence_penalty",
    "frequency_penalty",
    "logprobs",
    "seed",
];

/// Sends one prompt with DJL's parameters.
///
/// The details are asked for unless the caller says otherwise: without them an answer that the
/// container cut, which it does after 30 tokens where no limit is given, looks like a finished one.
#[derive(Debug)]
pub(crate) struct Lmi;

impl Dialect for Lmi {
    fn name(&self) -> &'static str {
        "lmi"
    }

    fn wants_prompt(&self) -> bool {
        true
    }

    fn encode(&self, mut request: ChatRequest, context: &EncodeContext<'_>) -> Result<Payload, Error> {
        let passed_on = apply_policy(&mut request, SUPPORTED, context.policy, self.name())?;
        let mut extra = std::mem::take(&mut request.extra);
        let mut extra_body = inputs::extra_body(&mut extra)?;
        // The LoRA adapter stands beside the parameters.
        if let Some(adapters) = extra.shift_remove("adapters") {
            extra_body.entry("adapters").or_insert(adapters);
        }
        let mut parameters = self.parameters(&request, context)?;
        parameters.extend(passed_on);
        parameters.extend(extra);
        inputs::payload(json!(context.prompt.unwrap_or_default()), parameters, context.stream, extra_body)
    }
}

impl Lmi {
    fn parameters(&self, request: &ChatRequest, context: &EncodeContext<'_>) -> Result<Parameters, Error> {
        let mut parameters = Parameters::default();
        let several = request.n.is_some_and(|n| n > 1);
        if several && context.stream {
            return Err(inputs::one_streamed_answer(self.name()));
        }
        if context.asks_for_details() {
            parameters.set("details", true);
        }
        // Until LMI 0.32 nothing is sampled unless `do_sample` says so; greedy decoding is its exact
        // temperature 0.
        let greedy = request.temperature == Some(0.0);
        if several || (!greedy && (request.temperature.is_some() || request.top_p.is_some_and(|top_p| top_p < 1.0))) {
            parameters.set("do_sample", true);
        } else if greedy {
            parameters.set("do_sample", false);
        }
        if !greedy || several {
            parameters.set_temperature(request, context);
        }
        parameters.set_top_p(request);
        if let Some(n) = request.n.filter(|n| *n > 1) {
            parameters.set("n", n);
        }
        if let Some(stop) = &request.stop {
            parameters.set("stop_sequences", stop.as_slice());
        }
        parameters.set_token_limit(request);
        parameters.set_seed(request)?;
        if let Some(penalty) = request.presence_penalty {
            parameters.set("presence_penalty", penalty);
        }
        if let Some(penalty) = request.frequency_penalty {
            parameters.set("frequency_penalty", penalty);
        }
        Ok(parameters)
    }
}
