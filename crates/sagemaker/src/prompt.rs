//! The one prompt text that a text container wants.
//!
//! Owns how messages become that text: which template makes it is looked up beside, and how it
//! renders is the template crate's.
//!
//! A template that prints the token that begins a text (`<s>`, `<|begin_of_text|>`) has it in the
//! prompt, as `transformers` and LiteLLM do. A container whose tokenizer adds that token to every
//! text sees it twice then; its template can be given without it.

use sagewire_chat_template::{ConversationError, Limit, PromptParameters, TemplateError};
use sagewire_dialects::{Dialect, ToolCallReading, drop_named};
use sagewire_types::{ChatRequest, Error, ErrorKind, Message, json};
use serde_json::{Map, Value};

pub(crate) use self::rendering::Renderings;
use self::rendering::{Failure, Rendering};
use crate::{
    call::{limits::out_of_time, plan::Prepared},
    client::Shared,
};

mod effort;
mod rendering;
mod tools;

/// What ends a turn of most models, for those whose template does not say.
const USUAL_END_TOKENS: [&str; 6] = ["</s>", "<|im_end|>", "<|eot_id|>", "<|endoftext|>", "<end_of_turn>", "<|end|>"];

/// A template that adds fewer characters than this does not mark its prompt: an answer may well
/// begin like it.
const FEWEST_MARKS: usize = 3;

/// A prompt, and what ends the model's turn after it.
#[derive(Clone, Debug, Default)]
pub(crate) struct Prompt {
    pub(crate) text: String,
    pub(crate) end_tokens: Vec<String>,
    /// Whether the template put marks of its own around the messages, with which no answer begins.
    pub(crate) is_marked: bool,
    /// How calls of tools are read out of the answer.
    pub(crate) tool_calls: Option<ToolCallReading>,
}

impl Prompt {
    /// A caller's own prompt, to which nothing is added.
    pub(crate) fn raw(text: String) -> Self {
        Self { text, ..Self::default() }
    }
}

/// The prompt for a dialect that wants one; `None` for the others. The template's variables, tools
/// and effort are taken out of the request.
///
/// # Errors
/// `Unsupported` for content that text cannot carry and for tools that the template or the dialect
/// cannot, `InvalidRequest` for a conversation that the model's template refuses, `Configuration`
/// for a template that cannot be used, `Connection` for a Hub that does not answer, `Timeout` for
/// one that takes too long.
pub(crate) async fn render(
    shared: &Shared,
    dialect: &dyn Dialect,
    request: &mut ChatRequest,
    prepared: &Prepared<'_>,
) -> Result<Option<Prompt>, Error> {
    if !dialect.wants_prompt() {
        return Ok(None);
    }
    let settings = &*prepared.settings;
    if let Some(policy) = &settings.parameters {
        drop_named(request, policy);
    }
    only_text(request)?;
    let mut parameters = take_parameters(&mut request.extra)?;
    let template = shared.templates.find(&shared.world, settings, prepared.model.name()).await?.template;
    let tools = tools::take(request, &template, dialect, settings)?;
    effort::take(request, &template, settings, &mut parameters);
    let said: usize = request.messages.iter().map(|message| letters(&message.text())).sum();
    // The prompt stands for the messages: they are not kept beside it.
    let (messages, now) = (messages(std::mem::take(&mut request.messages))?, shared.world.now());
    let rendering = Rendering { template: template.clone(), messages, tools: tools.offered, parameters, now };
    let text = shared.templates.renderings.render(rendering, prepared.limits.end()).await.map_err(not_rendered)?;
    let text = json::restore_integers_of_text(text);
    let end_tokens = match template.stop_strings() {
        [] => USUAL_END_TOKENS.map(str::to_owned).to_vec(),
        own => own.to_vec(),
    };
    let is_marked = letters(&text) >= said.saturating_add(FEWEST_MARKS);
    Ok(Some(Prompt { text, end_tokens, is_marked, tool_calls: tools.reading }))
}

/// How many characters a text has that are no blanks.
fn letters(text: &str) -> usize {
    text.chars().filter(|character| !character.is_whitespace()).count()
}

fn only_text(request: &ChatRequest) -> Result<(), Error> {
    let non_text = request
        .messages
        .iter()
        .filter_map(|message| message.content.as_ref())
        .find_map(|content| content.first_non_text());
    match non_text {
        None => Ok(()),
        Some(kind) => Err(Error::new(
            ErrorKind::Unsupported,
            format!("a text container takes no `{kind}` parts: use `sagemaker_chat/` with a container that does"),
        )
        .with_param("messages")),
    }
}

/// The parameters that shape the prompt, as parameters or within `extra_body`, which stands for
/// parameters too.
fn take_parameters(extra: &mut Map<String, Value>) -> Result<PromptParameters, Error> {
    let refused = |error: ConversationError| not_rendered(Failure::Template(error.into()));
    let own = PromptParameters::take(extra).map_err(refused)?;
    let within = extra.get_mut("extra_body").and_then(Value::as_object_mut).map(PromptParameters::take);
    Ok(own.or(within.transpose().map_err(refused)?.unwrap_or_default()))
}

fn messages(messages: Vec<Message>) -> Result<Vec<Value>, Error> {
    let as_json = |message: Message| {
        serde_json::to_value(message)
            .map_err(|error| Error::invalid("messages", "a message cannot be written as JSON").with_source(error))
    };
    let mut messages = messages.into_iter().map(as_json).collect::<Result<Vec<_>, _>>()?;
    json::mark_arguments(&mut messages);
    Ok(messages)
}

/// Whose the fault is: the template's, or that of the conversation that it was given.
fn not_rendered(failure: Failure) -> Error {
    let error = match failure {
        Failure::Template(TemplateError::Stopped) | Failure::OutOfTime => return out_of_time(),
        Failure::Lost(error) => {
            return Error::new(ErrorKind::Cancelled, "rendering the prompt was stopped").with_source(error);
        }
        Failure::Template(error) => error,
    };
    let (kind, param) = match &error {
        TemplateError::Conversation(ConversationError::ReservedVariable { .. }) => {
            (ErrorKind::InvalidRequest, "chat_template_kwargs")
        }
        TemplateError::Conversation(ConversationError::BadParameter { name, .. }) => (ErrorKind::InvalidRequest, *name),
        TemplateError::Conversation(
            ConversationError::ConflictingEndings
            | ConversationError::NothingToContinue
            | ConversationError::CannotContinue,
        ) => (ErrorKind::InvalidRequest, "continue_final_message"),
        TemplateError::Conversation(ConversationError::DocumentNotAnObject { .. }) => {
            (ErrorKind::InvalidRequest, "documents")
        }
        TemplateError::Syntax { .. }
        | TemplateError::Forbidden { .. }
        | TemplateError::Config(_)
        | TemplateError::Runtime { .. }
        | TemplateError::Conversation(
            ConversationError::NoDefaultTemplate { .. } | ConversationError::UnknownTemplate { .. },
        )
        | TemplateError::LimitExceeded {
            which: Limit::SourceBytes | Limit::Recursion | Limit::Complexity(_), ..
        } => (ErrorKind::Configuration, "chat_template"),
        _ => (ErrorKind::InvalidRequest, "messages"),
    };
    Error::new(kind, error.to_string()).with_param(param).with_source(error)
}

#[cfg(test)]
mod tests;
