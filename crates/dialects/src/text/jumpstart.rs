//! Legacy JumpStart Llama 2 images: dialogs of plain messages, and raw prompts, behind an end-user
//! licence.
//!
//! Owns both bodies and the licence's custom attribute. Newer JumpStart models are TGI, LMI or vLLM
//! containers, with the dialects of these.
//!
//! <https://docs.aws.amazon.com/sagemaker/latest/dg/jumpstart-foundation-models-choose.html>

use sagewire_types::{ChatRequest, Content, Error, ErrorKind, Message};
use serde_json::{Value, json};

use super::inputs::{self, Parameters};
use crate::{CompletionForm, Dialect, EncodeContext, Payload, parameters::apply_policy};

/// What these images can carry. Stop texts are cut here, for the images know none.
const SUPPORTED: &[&str] = &["temperature", "top_p", "stop", "max_tokens", "max_completion_tokens"];

/// The custom attribute without which these images refuse every request: the licence was accepted
/// when the model was deployed.
const ACCEPT_EULA: &str = "accept_eula=true";

/// Sends a dialog, or a raw prompt where it is given one. The images reply as a whole, on streams
/// too.
#[derive(Debug)]
pub(crate) struct JumpStart;

impl Dialect for JumpStart {
    fn name(&self) -> &'static str {
        "jumpstart"
    }

    fn completion_form(&self) -> CompletionForm {
        CompletionForm::Prompt
    }

    fn encode(&self, mut request: ChatRequest, context: &EncodeContext<'_>) -> Result<Payload, Error> {
        let passed_on = apply_policy(&mut request, SUPPORTED, context.policy, self.name())?;
        let mut extra = std::mem::take(&mut request.extra);
        let extra_body = inputs::extra_body(&mut extra)?;
        let mut parameters = Parameters::default();
        parameters.set_temperature(&request, context);
        parameters.set_top_p(&request);
        parameters.set_token_limit(&request);
        parameters.extend(passed_on);
        parameters.extend(extra);
        let inputs = match context.prompt {
            Some(prompt) => json!(prompt),
            None => Value::Array(vec![Value::Array(dialog(request.messages)?)]),
        };
        let mut payload = inputs::payload(inputs, parameters, false, extra_body)?;
        payload.custom_attributes = Some(ACCEPT_EULA);
        Ok(payload)
    }
}

/// The messages as these images know them: a role and a text each.
fn dialog(messages: Vec<Message>) -> Result<Vec<Value>, Error> {
    messages
        .into_iter()
        .map(|message| {
            if !message.tool_calls.is_empty() || message.tool_call_id.is_some() {
                return Err(not_text("a tool call"));
            }
            match message.content.as_ref().and_then(Content::first_non_text) {
                Some(kind) => Err(not_text(&format!("a part of type `{kind}`"))),
                None => Ok(json!({ "role": message.role, "content": message.text() })),
            }
        })
        .collect()
}

fn not_text(what: &str) -> Error {
    Error::new(
        ErrorKind::Unsupported,
        format!(
            "{what} in a message cannot be sent to a `jumpstart` container, which reads text alone: send text, or use the route \
             `sagemaker_chat/` if the container speaks the Messages API"
        ),
    )
    .with_param("messages")
}
