//! The built-in catalog: templates of the model families that people host on SageMaker, and which model has which.
//!
//! The templates are written here, for messages of any form: content in parts, null content, tool turns, system
//! messages and turns of one role in a row are made to fit first. The table of names is in `docs/chat-templates.md`.
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
    abilities: Abilities,
    stop: &'static [&'static str],
    compiled: OnceLock<ChatTemplate>,
}

impl Entry {
    /// The family's name, such as `llama-3.1`.
    #[must_use]
    pub fn name(&self) -> &'static str {
        self.name
    }

    /// One line about it: which models, and what is special.
    #[must_use]
    pub fn description(&self) -> &'static str {
        self.description
    }

    /// The patterns a model's name must match, any of them: words that must occur in the name, in lower case and with
    /// `-` for `.` and `_`. Of `a|b` one must occur, `!a` must not, `=a` is the whole name.
    #[must_use]
    pub fn patterns(&self) -> &'static [&'static str] {
        self.patterns
    }

    /// The template's text, or nothing for a plain join.
    #[must_use]
    pub fn source(&self) -> String {
        self.parts.concat()
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
        template.named(self.name).with_stop_strings(self.stop.iter().copied()).fitted(self.abilities)
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

/// The family of a model, by its name on the Hub, such as `meta-llama/Llama-3.1-8B-Instruct`. Case does not matter.
/// Base models have the family `plain`. Nothing for models that are not known.
#[must_use]
pub fn by_model(hf_model_name: &str) -> Option<&'static Entry> {
    let name = pattern::normalise(hf_model_name.trim());
    entries().iter().find(|entry| entry.patterns.iter().any(|pattern| pattern::matches(pattern, &name)))
}

/// The family of an endpoint, by its name or by a JumpStart model id, as far as they tell: JumpStart puts the id into
/// the names it makes. Nothing if the name tells nothing; it is looked up here, and sent to nobody.
#[must_use]
pub fn by_endpoint(endpoint_or_jumpstart_id: &str) -> Option<&'static Entry> {
    let core = jumpstart::core(endpoint_or_jumpstart_id.trim());
    let mut families = jumpstart::candidates(&core).into_iter().map(family_of_model);
    if let Some(first) = families.next() {
        // A name that was cut short may stand for several models: they must agree.
        let same = |other: Option<&'static Entry>| other.map(Entry::name) == first.map(Entry::name);
        return if families.all(same) { first } else { None };
    }
    by_model(&core).filter(|entry| entry.name != PLAIN)
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
