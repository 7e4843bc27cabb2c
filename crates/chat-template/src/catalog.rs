//! The built-in catalog: templates of the model families that people host on SageMaker, and which
//! model has which.
//!
//! Most templates are written here, for messages of any form: content in parts, null content, tool
//! turns, system messages and turns of one role in a row are made to fit first. The others are the
//! models' own. The table of names is in `docs/chat-templates.md`.
//!
//! ```
//! use sagewire_chat_template::catalog;
//!
//! assert_eq!(catalog::by_model("mistralai/Mistral-7B-Instruct-v0.3").map(|entry| entry.name()), Some("mistral-v3"));
//! // JumpStart's endpoint names hold the model's id: `-f` is the chat model, without it it is the base model.
//! let chat = catalog::by_endpoint("jumpstart-dft-meta-textgeneration-llama-2-7b-f");
//! assert_eq!(chat.map(|entry| entry.name()), Some("llama-2"));
//! let base = catalog::by_endpoint("jumpstart-dft-meta-textgeneration-llama-2-7b");
//! assert_eq!(base.map(|entry| entry.name()), Some("plain"));
//! ```

mod families;
mod jumpstart;
mod pattern;

use std::sync::OnceLock;

use crate::adapt::Abilities;
use crate::special_tokens::SpecialTokens;
use crate::template::ChatTemplate;
use crate::tool_calls::ToolCallForm;

/// The family of base models, which have no format.
const PLAIN: &str = "plain";

/// One model family.
#[derive(Debug)]
pub struct Entry {
    name: &'static str,
    description: &'static str,
    patterns: &'static [&'static str],
    /// Joined, they are the template; none for a plain join.
    parts: &'static [&'static str],
    tokens: &'static [(&'static str, &'static str)],
    /// What messages are made to fit; none for a template that is the model's own.
    abilities: Option<Abilities>,
    tool_calls: Option<ToolCallForm>,
    stop: &'static [&'static str],
    compiled: OnceLock<ChatTemplate>,
}

impl Entry {
    /// The family's name, such as `llama-3.1`.
    #[must_use]
    pub fn name(&self) -> &'static str {
        self.name
    }

    /// Whether it stands for base models, which continue texts and have no chat format.
    #[must_use]
    pub fn is_for_base_models(&self) -> bool {
        self.name == PLAIN
    }

    /// One line about it: which models, and what is special.
    #[must_use]
    pub fn description(&self) -> &'static str {
        self.description
    }

    /// The patterns a model's name must match, any of them: whole words that must occur in the
    /// name, in lower case and with `-` between them. Of `a|b` one must occur, `!a` must not,
    /// `@a` is the owner, `=a` is the whole name.
    #[must_use]
    pub fn patterns(&self) -> &'static [&'static str] {
        self.patterns
    }

    /// The template's text, or nothing for a plain join.
    #[must_use]
    pub fn source(&self) -> String {
        self.parts.concat()
    }

    /// The special tokens that the template prints, by name and text.
    pub fn tokens(&self) -> impl Iterator<Item = (&'static str, &'static str)> {
        self.tokens.iter().copied()
    }

    /// How the family's models write calls of tools, for families whose template takes tools.
    #[must_use]
    pub fn tool_calls(&self) -> Option<ToolCallForm> {
        self.tool_calls
    }

    /// Sets how calls of tools are written.
    fn calling(mut self, form: ToolCallForm) -> Self {
        self.tool_calls = Some(form);
        self
    }

    /// The template, compiled at the first call and shared by all later ones.
    #[must_use]
    pub fn template(&self) -> ChatTemplate {
        self.compiled.get_or_init(|| self.compile()).clone()
    }

    #[expect(clippy::expect_used, reason = "the templates are part of this crate and a test compiles each")]
    fn compile(&self) -> ChatTemplate {
        if self.parts.is_empty() {
            return ChatTemplate::plain_join().named(self.name);
        }
        let tokens = self.tokens.iter().fold(SpecialTokens::new(), |tokens, (name, text)| tokens.with(*name, *text));
        let template = ChatTemplate::from_jinja(&self.source(), tokens).expect("a built-in template");
        let template = template.named(self.name).with_stop_strings(self.stop.iter().copied());
        match self.abilities {
            Some(abilities) => template.fitted(abilities, self.tool_calls),
            None => template.adapting().calling(self.tool_calls),
        }
    }
}

/// All families, in the order in which they are tried.
#[must_use]
pub fn entries() -> &'static [Entry] {
    &families::ENTRIES
}

/// The family of that name: `llama-3.1`, `chatml`, ...
#[must_use]
pub fn by_name(name: &str) -> Option<&'static Entry> {
    entries().iter().find(|entry| entry.name.eq_ignore_ascii_case(name))
}

/// The family of a model, by its name on the Hub, such as `meta-llama/Llama-3.1-8B-Instruct`. Case
/// does not matter. Base models have the family `plain`. Nothing for models that are not known.
#[must_use]
pub fn by_model(hf_model_name: &str) -> Option<&'static Entry> {
    let name = pattern::Name::new(hf_model_name);
    entries().iter().find(|entry| entry.patterns.iter().any(|pattern| pattern::matches(pattern, &name)))
}

/// What an endpoint's name tells about its model.
#[derive(Debug, Clone, Copy)]
#[non_exhaustive]
pub enum Recognition {
    /// The family of the model, which may be that of base models.
    Family(&'static Entry),
    /// A family that may be the wrong one: the name was cut, and could be a chat model's or a base
    /// model's.
    Guess(&'static Entry),
    /// A chat model whose family is not known, or one of several.
    ChatModel,
    /// Nothing.
    Unknown,
}

impl Recognition {
    /// The family, if there is one.
    #[must_use]
    pub fn family(self) -> Option<&'static Entry> {
        match self {
            Self::Family(entry) | Self::Guess(entry) => Some(entry),
            Self::ChatModel | Self::Unknown => None,
        }
    }
}

/// The family of an endpoint, as [`recognise`] finds it.
#[must_use]
pub fn by_endpoint(endpoint_or_jumpstart_id: &str) -> Option<&'static Entry> {
    recognise(endpoint_or_jumpstart_id).family()
}

/// What an endpoint's name or a JumpStart model id tells: JumpStart puts the id into the names it
/// makes. It is looked up here, and sent to nobody.
///
/// A name that was cut, as the SDK and the console cut long ones, may stand for several models.
/// Then a chat model is meant before a base model; none if the chat models are of several families.
#[must_use]
pub fn recognise(endpoint_or_jumpstart_id: &str) -> Recognition {
    let core = jumpstart::Core::of(endpoint_or_jumpstart_id);
    let meant = core.models();
    let Some(first) = meant.models.first() else {
        let family = by_model(core.name()).filter(|entry| entry.name != PLAIN);
        return family.map_or(Recognition::Unknown, Recognition::Family);
    };
    let family = family_of_model(*first);
    let name = |entry: Option<&'static Entry>| entry.map(Entry::name);
    let agree = meant.models.iter().all(|model| name(family_of_model(*model)) == name(family));
    match family.filter(|_| agree) {
        Some(entry) if meant.is_guess => Recognition::Guess(entry),
        Some(entry) => Recognition::Family(entry),
        None => Recognition::ChatModel,
    }
}

/// The name on the Hub of a JumpStart model, by its whole id, such as
/// `meta-textgeneration-llama-3-8b-instruct`. Nothing for ids that are not known and for models
/// that are not on the Hub.
#[must_use]
pub fn hub_name(jumpstart_id: &str) -> Option<&'static str> {
    let found = jumpstart::models().find(|model| model.id.eq_ignore_ascii_case(jumpstart_id))?;
    Some(found.hf_name).filter(|name| !name.is_empty())
}

fn family_of_model(model: jumpstart::Model) -> Option<&'static Entry> {
    match model.is_base {
        true => by_name(PLAIN),
        // The id itself may tell more than the name on the Hub.
        false => by_model(model.hf_name).or_else(|| by_model(model.id)).filter(|entry| entry.name != PLAIN),
    }
}

#[cfg(test)]
mod tests;
