//! The one prompt text that a text container wants.
//!
//! Owns how messages become that text.

use sagewire_types::{ChatRequest, Error, ErrorKind, Message, ModelId};

use crate::{dialect::Dialect, settings::Settings};

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
/// `Unsupported` for content that text cannot carry.
pub(crate) fn render(
    dialect: &dyn Dialect,
    request: &ChatRequest,
    _settings: &Settings,
    _model: &ModelId,
) -> Result<Option<Prompt>, Error> {
    if !dialect.wants_prompt() {
        return Ok(None);
    }
    if let Some(kind) = request
        .messages
        .iter()
        .filter_map(|message| message.content.as_ref())
        .find_map(|content| content.first_non_text())
    {
        return Err(Error::new(
            ErrorKind::Unsupported,
            format!("a text container takes no `{kind}` parts: use `sagemaker_chat/` with a container that does"),
        )
        .with_param("messages"));
    }
    let texts: Vec<_> = request.messages.iter().map(Message::text).collect();
    Ok(Some(Prompt::raw(texts.join(" "))))
}
