//! [`ChatTemplate`]: every kind of template behind one `render`.

use std::fmt;
use std::sync::{Arc, OnceLock};
use std::time::SystemTime;

use serde_json::Value as Json;

use crate::adapt::{self, Abilities};
use crate::attempts::attempts;
use crate::continuation;
use crate::conversation::{Conversation, ConversationError};
use crate::error::TemplateError;
use crate::habits::Habits;
use crate::jinja::program::Program;
use crate::limits::{KeepGoing, Limits};
use crate::roles::RoleTemplate;
use crate::special_tokens::SpecialTokens;
use crate::tokenizer_config::{self, TemplateFiles};
use crate::tool_calls::ToolCallForm;
use crate::variables::{NullContent, variables};

/// Texts that end a turn in the formats models are trained on. Those that occur in a template are
/// its [stop strings](ChatTemplate::stop_strings).
const END_MARKS: [&str; 12] = [
    "<|im_end|>",
    "<|eot_id|>",
    "<|eom_id|>",
    "<|eot|>",
    "<end_of_turn>",
    "<|end|>",
    "<|end_of_text|>",
    "<|END_OF_TURN_TOKEN|>",
    "<|endoftext|>",
    "<｜end▁of▁sentence｜>",
    "<|return|>",
    "<|call|>",
];

/// A chat template: compiled once, immutable, cheap to clone, usable from any thread.
///
/// ```
/// use sagewire_chat_template::{ChatTemplate, Conversation, SpecialTokens};
///
/// let source = "{% for m in messages %}<|{{ m.role }}|>{{ m.content }}{{ eos_token }}{% endfor %}<|assistant|>";
/// let template = ChatTemplate::from_jinja(source, SpecialTokens::new().with("eos_token", "</s>"))?;
/// let messages = [serde_json::json!({"role": "user", "content": "Hi"})];
/// let prompt = template.render(&Conversation::new(&messages), &|| std::time::UNIX_EPOCH)?;
/// assert_eq!(prompt, "<|user|>Hi</s><|assistant|>");
/// # Ok::<(), sagewire_chat_template::TemplateError>(())
/// ```
#[derive(Clone)]
pub struct ChatTemplate {
    inner: Arc<Inner>,
}

#[derive(Debug, Clone)]
struct Inner {
    name: String,
    body: Body,
    /// What messages are made to fit before they are rendered.
    abilities: Option<Abilities>,
    /// Whether a refused conversation is tried again in a simpler form.
    adapting: bool,
    stop_strings: Vec<String>,
    tool_calls: Option<ToolCallForm>,
    limits: Limits,
}

#[derive(Debug, Clone)]
enum Body {
    Jinja { programs: Vec<Named>, tokens: SpecialTokens },
    Roles(RoleTemplate),
    PlainJoin,
}

/// One of a model's templates.
#[derive(Debug, Clone)]
struct Named {
    name: String,
    program: Arc<Program>,
    /// Found out when they are needed.
    habits: OnceLock<Habits>,
}

impl Named {
    fn habits(&self, tokens: &SpecialTokens) -> Habits {
        *self.habits.get_or_init(|| Habits::of(&self.program, tokens))
    }
}

impl ChatTemplate {
    /// Compiles any Jinja text, within the default [`Limits`].
    ///
    /// # Errors
    /// [`TemplateError::Syntax`] if it is no valid template, [`TemplateError::LimitExceeded`] if it
    /// is too large.
    pub fn from_jinja(source: &str, tokens: SpecialTokens) -> Result<Self, TemplateError> {
        Self::from_jinja_within(source, tokens, Limits::default())
    }

    /// Compiles any Jinja text, within the given limits.
    ///
    /// # Errors
    /// As [`from_jinja`](Self::from_jinja).
    pub fn from_jinja_within(source: &str, tokens: SpecialTokens, limits: Limits) -> Result<Self, TemplateError> {
        let sources = [("default".to_owned(), source.to_owned())];
        Self::compile("jinja", &sources, tokens, limits)
    }

    /// Reads a model's `tokenizer_config.json`, and its `chat_template.jinja` if there is one,
    /// which then replaces the configuration's template. A configuration may hold several named
    /// templates: `tool_use` is chosen when tools are given, `default` otherwise, or the one
    /// [`Conversation::template`] names.
    ///
    /// # Errors
    /// [`TemplateError::Config`] for a file that cannot be used, or as
    /// [`from_jinja`](Self::from_jinja).
    pub fn from_tokenizer_config(json: &[u8], jinja_file: Option<&str>) -> Result<Self, TemplateError> {
        Self::from_tokenizer_config_within(json, jinja_file, Limits::default())
    }

    /// The same within the given limits.
    ///
    /// # Errors
    /// As [`from_tokenizer_config`](Self::from_tokenizer_config).
    pub fn from_tokenizer_config_within(
        json: &[u8],
        jinja_file: Option<&str>,
        limits: Limits,
    ) -> Result<Self, TemplateError> {
        let files = TemplateFiles::new().tokenizer_config(json);
        Self::from_files_within(&jinja_file.map_or(files.clone(), |source| files.chat_template(source)), limits)
    }

    /// Reads the files of a model as `save_pretrained` of `transformers` writes them.
    ///
    /// # Errors
    /// [`TemplateError::Config`] for a file that cannot be used, or as
    /// [`from_jinja`](Self::from_jinja).
    pub fn from_files(files: &TemplateFiles<'_>) -> Result<Self, TemplateError> {
        Self::from_files_within(files, Limits::default())
    }

    /// The same within the given limits.
    ///
    /// # Errors
    /// As [`from_files`](Self::from_files).
    pub fn from_files_within(files: &TemplateFiles<'_>, limits: Limits) -> Result<Self, TemplateError> {
        let config = tokenizer_config::read(files)?;
        Self::compile("tokenizer_config", &config.templates, config.tokens, limits)
    }

    /// A template made of affixes around each role's text: LiteLLM's custom templates.
    #[must_use]
    pub fn from_roles(roles: RoleTemplate) -> Self {
        let stop_strings = Some(roles.eos_token.clone()).filter(|eos| !eos.is_empty()).into_iter().collect();
        Self::of("roles", Body::Roles(roles), stop_strings, Limits::default())
    }

    /// The texts of all messages joined by one blank: what base models get, and LiteLLM's default.
    #[must_use]
    pub fn plain_join() -> Self {
        Self::of("plain", Body::PlainJoin, Vec::new(), Limits::default())
    }

    fn compile(
        name: &str,
        sources: &[(String, String)],
        tokens: SpecialTokens,
        limits: Limits,
    ) -> Result<Self, TemplateError> {
        let mut programs = Vec::with_capacity(sources.len());
        let mut stop_strings: Vec<String> = tokens.eos().map(str::to_owned).into_iter().collect();
        for (name, source) in sources {
            for mark in END_MARKS.iter().filter(|mark| source.contains(**mark)) {
                if !stop_strings.iter().any(|known| known == mark) {
                    stop_strings.push((*mark).to_owned());
                }
            }
            let program = Arc::new(Program::compile(source, &limits)?);
            programs.push(Named { name: name.clone(), program, habits: OnceLock::new() });
        }
        let mut template = Self::of(name, Body::Jinja { programs, tokens }, stop_strings, limits);
        let tool_calls = sources.iter().find_map(|(_, source)| ToolCallForm::of(source));
        Arc::make_mut(&mut template.inner).tool_calls = tool_calls;
        Ok(template)
    }

    fn of(name: &str, body: Body, stop_strings: Vec<String>, limits: Limits) -> Self {
        let name = name.to_owned();
        let (abilities, adapting, tool_calls) = (None, false, None);
        Self { inner: Arc::new(Inner { name, body, abilities, adapting, stop_strings, tool_calls, limits }) }
    }

    /// Names the template: what [`name`](Self::name) returns.
    #[must_use]
    pub fn named(mut self, name: impl Into<String>) -> Self {
        Arc::make_mut(&mut self.inner).name = name.into();
        self
    }

    /// Replaces the stop strings.
    #[must_use]
    pub fn with_stop_strings(mut self, texts: impl IntoIterator<Item = impl Into<String>>) -> Self {
        Arc::make_mut(&mut self.inner).stop_strings = texts.into_iter().map(Into::into).collect();
        self
    }

    /// Makes rendering take OpenAI's conversations: arguments of calls become objects, `developer`
    /// is `system` for a template that does not know it, and content in parts is one text for a
    /// template that would print the parts. Null content is none. A conversation that the
    /// template still refuses or cannot read is tried again with smaller changes before larger
    /// ones: arguments as texts, ids of calls as Mistral wants them, turns of one role joined, the
    /// system message in the first user turn, tool turns as text. Without this,
    /// [`render`](Self::render) is exactly `apply_chat_template`.
    #[must_use]
    pub fn adapting(mut self) -> Self {
        Arc::make_mut(&mut self.inner).adapting = true;
        self
    }

    /// Whether tool definitions have a place in the prompt.
    #[must_use]
    pub fn takes_tools(&self) -> bool {
        self.reads("tools")
    }

    /// Whether the template reads a variable of this name, such as `enable_thinking`.
    #[must_use]
    pub fn reads(&self, variable: &str) -> bool {
        match &self.inner.body {
            Body::Jinja { programs, .. } => programs.iter().any(|named| named.program.reads(variable)),
            Body::Roles(_) | Body::PlainJoin => false,
        }
    }

    /// Always makes messages fit these abilities.
    pub(crate) fn fitted(mut self, abilities: Abilities, tool_calls: Option<ToolCallForm>) -> Self {
        let inner = Arc::make_mut(&mut self.inner);
        (inner.abilities, inner.tool_calls) = (Some(abilities), tool_calls);
        self
    }

    /// Sets how the model writes calls of tools, if that is known better than from the template's
    /// text.
    pub(crate) fn calling(mut self, form: Option<ToolCallForm>) -> Self {
        let inner = Arc::make_mut(&mut self.inner);
        inner.tool_calls = form.or(inner.tool_calls);
        self
    }

    /// How the model writes calls of tools, as far as the catalog or the template's text tells: in
    /// the answers to a prompt that holds tool definitions.
    #[must_use]
    pub fn tool_calls(&self) -> Option<ToolCallForm> {
        self.inner.tool_calls
    }

    /// What the template is called: a family of the [catalog](crate::catalog), `tokenizer_config`,
    /// `jinja`, `roles` or `plain`.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.inner.name
    }

    /// Texts that end a turn in this format (`eos_token`, `<|im_end|>`, ...): an answer that ends
    /// with one should lose it, and a text endpoint should stop there.
    #[must_use]
    pub fn stop_strings(&self) -> &[String] {
        &self.inner.stop_strings
    }

    /// Renders the prompt. `clock` is read only if the template asks for the time, which it gets in
    /// UTC.
    ///
    /// # Errors
    /// [`TemplateError::Conversation`] for a conversation no template can render,
    /// [`TemplateError::Raised`] if this one refuses it, [`TemplateError::LimitExceeded`] if it
    /// goes past its limits, and the other kinds if it fails.
    pub fn render(
        &self,
        conversation: &Conversation<'_>,
        clock: &dyn Fn() -> SystemTime,
    ) -> Result<String, TemplateError> {
        self.render_while(conversation, clock, &KeepGoing::always())
    }

    /// Renders the prompt as long as `keep_going` says so: what a server uses that has other work,
    /// or a deadline.
    ///
    /// # Errors
    /// As [`render`](Self::render), and [`TemplateError::Stopped`].
    pub fn render_while(
        &self,
        conversation: &Conversation<'_>,
        clock: &dyn Fn() -> SystemTime,
        keep_going: &KeepGoing,
    ) -> Result<String, TemplateError> {
        let around = &Surroundings { clock, keep_going };
        if let Some(abilities) = self.inner.abilities {
            let messages = adapt::adapt(conversation.messages, abilities)?;
            return self.render_messages(conversation, &messages, around);
        }
        match &self.inner.body {
            Body::Jinja { programs, tokens } if self.inner.adapting => {
                let habits = program(programs, conversation)?.habits(tokens);
                self.render_adapting(conversation, habits, around)
            }
            _ => self.render_messages(conversation, conversation.messages, around),
        }
    }

    /// Renders the first form of the conversation that the template takes.
    fn render_adapting(
        &self,
        conversation: &Conversation<'_>,
        habits: Habits,
        around: &Surroundings<'_>,
    ) -> Result<String, TemplateError> {
        let mut first = None;
        for messages in attempts(conversation.messages, habits) {
            match self.render_messages(conversation, &messages?, around) {
                Err(error) if is_worth_adapting(&error) => _ = first.get_or_insert(error),
                done => return done,
            }
        }
        Err(first.unwrap_or_else(|| ConversationError::Empty.into()))
    }

    fn render_messages(
        &self,
        conversation: &Conversation<'_>,
        messages: &[Json],
        around: &Surroundings<'_>,
    ) -> Result<String, TemplateError> {
        if !conversation.continue_final_message {
            return self.run(conversation, messages, around);
        }
        if conversation.add_generation_prompt {
            return Err(ConversationError::ConflictingEndings.into());
        }
        let source = match &self.inner.body {
            Body::Jinja { programs, .. } => program(programs, conversation)?.program.text(),
            Body::Roles(_) | Body::PlainJoin => "content",
        };
        let (marked, text) = continuation::mark(messages, source)?;
        let prompt = self.run(conversation, &marked, around)?;
        Ok(continuation::cut(prompt, &text)?)
    }

    fn run(
        &self,
        conversation: &Conversation<'_>,
        messages: &[Json],
        around: &Surroundings<'_>,
    ) -> Result<String, TemplateError> {
        let limits = &self.inner.limits;
        match &self.inner.body {
            Body::Jinja { programs, tokens } => {
                let program = program(programs, conversation)?;
                let null = if self.inner.adapting { NullContent::Kept } else { NullContent::Dropped };
                let variables = variables(conversation, messages, tokens, null)?;
                program
                    .program
                    .run(variables, around.clock, around.keep_going)
                    .map_err(|error| error.with_bounds(limits))
            }
            Body::Roles(roles) => {
                let texts = texts(messages)?;
                let turns = texts.iter().map(|(role, text)| (*role, text.as_ref()));
                Ok(roles.render(turns, conversation.add_generation_prompt))
            }
            Body::PlainJoin => {
                let texts: Vec<_> = texts(messages)?.into_iter().map(|(_, text)| text).collect();
                Ok(texts.join(" "))
            }
        }
    }
}

impl fmt::Debug for ChatTemplate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ChatTemplate").field("name", &self.name()).finish_non_exhaustive()
    }
}

/// What a rendering reads besides the conversation.
struct Surroundings<'s> {
    clock: &'s dyn Fn() -> SystemTime,
    keep_going: &'s KeepGoing,
}

/// The program for a conversation: the one it names, `tool_use` if it has tools, `default`.
fn program<'p>(programs: &'p [Named], conversation: &Conversation<'_>) -> Result<&'p Named, ConversationError> {
    let find = |wanted: &str| programs.iter().find(|named| named.name == wanted);
    let names = || programs.iter().map(|named| named.name.clone()).collect();
    if let Some(wanted) = conversation.template {
        return find(wanted).ok_or_else(|| ConversationError::UnknownTemplate { names: names() });
    }
    let with_tools = conversation.tools.and_then(|_| find("tool_use"));
    with_tools.or_else(|| find("default")).ok_or_else(|| ConversationError::NoDefaultTemplate { names: names() })
}

/// Role and text of each message that says something.
fn texts(messages: &[Json]) -> Result<Vec<(&str, std::borrow::Cow<'_, str>)>, ConversationError> {
    if messages.is_empty() {
        return Err(ConversationError::Empty);
    }
    let mut texts = Vec::with_capacity(messages.len());
    for (index, message) in adapt::objects(messages)?.into_iter().enumerate() {
        // A message without content (an answer that only calls tools) has nothing to print.
        if message.get("content").is_none_or(Json::is_null) {
            continue;
        }
        texts.push((adapt::role_of(message), adapt::text_of(message, index)?));
    }
    Ok(texts)
}

/// Whether simpler messages could help.
fn is_worth_adapting(error: &TemplateError) -> bool {
    matches!(error, TemplateError::Raised { .. } | TemplateError::Undefined { .. } | TemplateError::Type { .. })
}
