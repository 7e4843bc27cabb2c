//! What is rendered: messages, tools, documents and switches, as plain JSON.

use serde_json::{Map, Value};

/// One conversation, in OpenAI's message format. Everything is borrowed; nothing is changed.
///
/// `tools` and `documents` are `None` when not given: to a template an empty list is something
/// else.
///
/// ```
/// use sagewire_chat_template::Conversation;
///
/// let messages = [serde_json::json!({"role": "user", "content": "Hi"})];
/// let conversation = Conversation::new(&messages);
/// assert!(conversation.add_generation_prompt);
/// ```
#[derive(Clone, Copy)]
#[non_exhaustive]
pub struct Conversation<'a> {
    /// The messages: objects with `role`, `content`, `tool_calls` and so on. At least one.
    pub messages: &'a [Value],
    /// Tool definitions in OpenAI's form.
    pub tools: Option<&'a [Value]>,
    /// Documents for retrieval: objects, usually with `title` and `text`.
    pub documents: Option<&'a [Value]>,
    /// Whether the prompt ends with the start of the assistant's answer. On by
    /// [`Conversation::new`].
    pub add_generation_prompt: bool,
    /// Whether the prompt ends inside the last message, for the model to go on with it. Excludes
    /// `add_generation_prompt`.
    pub continue_final_message: bool,
    /// The name of the template to use, where a model has several.
    pub template: Option<&'a str>,
    /// More variables for the template (`enable_thinking`, ...), which go before the special
    /// tokens.
    pub kwargs: Option<&'a Map<String, Value>>,
}

impl<'a> Conversation<'a> {
    /// A conversation that asks for an answer to `messages`.
    #[must_use]
    pub fn new(messages: &'a [Value]) -> Self {
        Self {
            messages,
            tools: None,
            documents: None,
            add_generation_prompt: true,
            continue_final_message: false,
            template: None,
            kwargs: None,
        }
    }

    /// Adds tool definitions.
    #[must_use]
    pub fn tools(mut self, tools: &'a [Value]) -> Self {
        self.tools = Some(tools);
        self
    }

    /// Adds documents.
    #[must_use]
    pub fn documents(mut self, documents: &'a [Value]) -> Self {
        self.documents = Some(documents);
        self
    }

    /// Whether the prompt ends with the start of the assistant's answer.
    #[must_use]
    pub fn add_generation_prompt(mut self, add: bool) -> Self {
        self.add_generation_prompt = add;
        self
    }

    /// Makes the prompt end inside the last message, and turns the generation prompt off.
    #[must_use]
    pub fn continue_final_message(mut self) -> Self {
        self.continue_final_message = true;
        self.add_generation_prompt = false;
        self
    }

    /// Chooses a template by name, where a model has several (`default`, `tool_use`, ...).
    #[must_use]
    pub fn template(mut self, name: &'a str) -> Self {
        self.template = Some(name);
        self
    }

    /// Adds variables for the template.
    #[must_use]
    pub fn kwargs(mut self, kwargs: &'a Map<String, Value>) -> Self {
        self.kwargs = Some(kwargs);
        self
    }
}

impl std::fmt::Debug for Conversation<'_> {
    // Counts, not contents: conversations stay out of logs.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Conversation")
            .field("messages", &self.messages.len())
            .field("tools", &self.tools.map(<[Value]>::len))
            .field("documents", &self.documents.map(<[Value]>::len))
            .field("add_generation_prompt", &self.add_generation_prompt)
            .field("continue_final_message", &self.continue_final_message)
            .field("template", &self.template)
            .finish_non_exhaustive()
    }
}

/// Why a conversation cannot be rendered, whatever the template.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ConversationError {
    /// There are no messages.
    #[error("the conversation has no messages; send at least one")]
    Empty,
    /// A message is not an object.
    #[error("message {index} is not an object; send objects with a role and a content")]
    NotAnObject {
        /// Which message, from 0.
        index: usize,
    },
    /// A message holds something other than text, for a template that knows only text.
    #[error("message {index} holds something other than text, which this template cannot print; send text")]
    NotText {
        /// Which message, from 0.
        index: usize,
    },
    /// A document is not an object.
    #[error("document {index} is not an object; send objects with a title and a text")]
    DocumentNotAnObject {
        /// Which document, from 0.
        index: usize,
    },
    /// Some value is nested deeper than 128 levels.
    #[error("the conversation holds a value nested deeper than 128 levels; flatten it")]
    TooDeep,
    /// A variable would replace what the conversation itself sets.
    #[error("the template variable `{name}` is set by the conversation itself; choose another name")]
    ReservedVariable {
        /// The variable's name.
        name: String,
    },
    /// A parameter that shapes the prompt has the wrong type.
    #[error("invalid `{name}`: expected {expected}")]
    BadParameter {
        /// The parameter's name.
        name: &'static str,
        /// What it must be.
        expected: &'static str,
    },
    /// Both ways to end a prompt were asked for.
    #[error("`add_generation_prompt` and `continue_final_message` exclude each other; choose one")]
    ConflictingEndings,
    /// `continue_final_message` without a text to go on with.
    #[error("`continue_final_message` needs a text in the last message's content")]
    NothingToContinue,
    /// The template does not print the last message where it could be continued.
    #[error(
        "the template does not print the last message as it is, so that it cannot be continued; ask for a new turn"
    )]
    CannotContinue,
    /// The model has several templates, none of them asked for or called `default`.
    #[error("the model has several chat templates and none is the default; choose one of: {}", .names.join(", "))]
    NoDefaultTemplate {
        /// The names there are.
        names: Vec<String>,
    },
    /// There is no template of the given name.
    #[error("there is no chat template of that name; choose one of: {}", .names.join(", "))]
    UnknownTemplate {
        /// The names there are.
        names: Vec<String>,
    },
}
