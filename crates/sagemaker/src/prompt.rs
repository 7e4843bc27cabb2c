//! The one prompt text that a text container wants.
//!
//! Owns how messages become that text: which template makes it is looked up beside, and how it renders is the template crate's.

use sagewire_chat_template::{Conversation, TemplateError};
use sagewire_types::{ChatRequest, Error, ErrorKind, ModelId};
use serde_json::Value;

use crate::{dialect::Dialect, provider::Shared, settings::Settings};

/// What ends a turn of most models, for those whose template does not say.
const USUAL_END_TOKENS: [&str; 6] = ["</s>", "<|im_end|>", "<|eot_id|>", "<|endoftext|>", "<end_of_turn>", "<|end|>"];

/// A prompt, and what ends the model's turn after it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Prompt {
    pub(crate) text: String,
    pub(crate) end_tokens: Vec<String>,
}

impl Prompt {
    /// A caller's own prompt, to which nothing is added.
    pub(crate) fn raw(text: String) -> Self {
        Self { text, end_tokens: Vec::new() }
    }
}

/// The prompt for a dialect that wants one; `None` for the others.
///
/// # Errors
/// `Unsupported` for content that text cannot carry, `InvalidRequest` for a conversation that the model's template refuses,
/// `Configuration` for a template that cannot be used.
pub(crate) async fn render(
    shared: &Shared,
    dialect: &dyn Dialect,
    request: &mut ChatRequest,
    settings: &Settings,
    model: &ModelId,
) -> Result<Option<Prompt>, Error> {
    if !dialect.wants_prompt() {
        return Ok(None);
    }
    let non_text = request
        .messages
        .iter()
        .filter_map(|message| message.content.as_ref())
        .find_map(|content| content.first_non_text());
    if let Some(kind) = non_text {
        return Err(Error::new(
            ErrorKind::Unsupported,
            format!("a text container takes no `{kind}` parts: use `sagemaker_chat/` with a container that does"),
        )
        .with_param("messages"));
    }
    // vLLM's name for variables of the template, such as `enable_thinking`.
    let kwargs = match request.extra.shift_remove("chat_template_kwargs") {
        Some(Value::Object(kwargs)) => Some(kwargs),
        None | Some(Value::Null) => None,
        Some(_) => return Err(Error::invalid("chat_template_kwargs", "`chat_template_kwargs` must be an object")),
    };
    let template = shared.templates.find(&shared.world, settings, model).await?;
    let messages: Vec<Value> = request
        .messages
        .iter()
        .map(|message| {
            serde_json::to_value(message)
                .map_err(|error| Error::invalid("messages", "a message cannot be written as JSON").with_source(error))
        })
        .collect::<Result<_, _>>()?;
    let mut conversation = Conversation::new(&messages).add_generation_prompt(true);
    if let Some(kwargs) = &kwargs {
        conversation = conversation.kwargs(kwargs);
    }
    let text = template.render(&conversation, &|| shared.world.now()).map_err(not_rendered)?;
    let end_tokens = match template.stop_strings() {
        [] => USUAL_END_TOKENS.map(str::to_owned).to_vec(),
        own => own.to_vec(),
    };
    Ok(Some(Prompt { text, end_tokens }))
}

fn not_rendered(error: TemplateError) -> Error {
    let kind = match error {
        TemplateError::Syntax { .. } | TemplateError::Forbidden { .. } | TemplateError::Config(_) => {
            ErrorKind::Configuration
        }
        _ => ErrorKind::InvalidRequest,
    };
    Error::new(kind, error.to_string()).with_param("messages").with_source(error)
}
