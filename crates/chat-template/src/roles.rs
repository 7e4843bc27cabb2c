//! LiteLLM's custom templates: what to write before and after each role's text.
//! <https://docs.litellm.ai/docs/completion/prompt_formatting#format-prompt-yourself>

use std::collections::BTreeMap;

/// What stands around the messages of one role.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct RoleAffixes {
    /// Before the text.
    pub pre_message: String,
    /// After the text.
    pub post_message: String,
}

impl RoleAffixes {
    /// What stands before and after a role's text.
    #[must_use]
    pub fn new(pre_message: impl Into<String>, post_message: impl Into<String>) -> Self {
        Self { pre_message: pre_message.into(), post_message: post_message.into() }
    }
}

/// A template made of affixes. Roles it does not know are written as bare text.
///
/// `bos_token` opens the prompt and each new exchange, `eos_token` ends each answer of the
/// assistant, where they are set.
///
/// ```
/// use sagewire_chat_template::{ChatTemplate, Conversation, RoleTemplate};
///
/// let template = ChatTemplate::from_roles(
///     RoleTemplate::new().role("user", "<|user|>", "\n").final_prompt_value("<|assistant|>"),
/// );
/// let messages = [serde_json::json!({"role": "user", "content": "Hi"})];
/// let prompt = template.render(&Conversation::new(&messages), &|| std::time::UNIX_EPOCH)?;
/// assert_eq!(prompt, "<|user|>Hi\n<|assistant|>");
/// # Ok::<(), sagewire_chat_template::TemplateError>(())
/// ```
#[derive(Debug, Clone, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct RoleTemplate {
    /// The affixes of each role.
    pub roles: BTreeMap<String, RoleAffixes>,
    /// What the prompt starts with.
    pub initial_prompt_value: String,
    /// What the prompt ends with.
    pub final_prompt_value: String,
    /// The token that opens a prompt and each exchange after an answer.
    pub bos_token: String,
    /// The token that ends an answer.
    pub eos_token: String,
}

impl RoleTemplate {
    /// No affixes at all.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Sets the affixes of one role.
    #[must_use]
    pub fn role(mut self, role: impl Into<String>, pre: impl Into<String>, post: impl Into<String>) -> Self {
        self.roles.insert(role.into(), RoleAffixes::new(pre, post));
        self
    }

    /// Sets what the prompt starts with.
    #[must_use]
    pub fn initial_prompt_value(mut self, text: impl Into<String>) -> Self {
        self.initial_prompt_value = text.into();
        self
    }

    /// Sets what the prompt ends with.
    #[must_use]
    pub fn final_prompt_value(mut self, text: impl Into<String>) -> Self {
        self.final_prompt_value = text.into();
        self
    }

    /// Sets the tokens that open exchanges and end answers.
    #[must_use]
    pub fn tokens(mut self, bos: impl Into<String>, eos: impl Into<String>) -> Self {
        self.bos_token = bos.into();
        self.eos_token = eos.into();
        self
    }

    /// Writes the prompt for messages given as role and text.
    pub(crate) fn render<'m>(&self, messages: impl IntoIterator<Item = (&'m str, &'m str)>, add_final: bool) -> String {
        let mut prompt = String::new();
        prompt.push_str(&self.bos_token);
        prompt.push_str(&self.initial_prompt_value);
        let mut open = true;
        for (role, text) in messages {
            let answer = role == "assistant";
            if !open && !answer {
                prompt.push_str(&self.bos_token);
                open = true;
            }
            let affixes = self.roles.get(role);
            prompt.push_str(affixes.map_or("", |affixes| &affixes.pre_message));
            prompt.push_str(text);
            prompt.push_str(affixes.map_or("", |affixes| &affixes.post_message));
            if answer {
                prompt.push_str(&self.eos_token);
                open = false;
            }
        }
        if add_final {
            prompt.push_str(&self.final_prompt_value);
        }
        prompt
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn affixes_surround_texts_and_unknown_roles_are_bare() {
        let template = RoleTemplate::new()
            .role("system", "[SYS]", "[/SYS]")
            .role("user", "[U]", "[/U]")
            .initial_prompt_value("<<")
            .final_prompt_value(">>");
        let messages = [("system", "a"), ("user", "b"), ("tool", "c")];
        assert_eq!(template.render(messages, true), "<<[SYS]a[/SYS][U]b[/U]c>>");
        assert_eq!(template.render(messages, false), "<<[SYS]a[/SYS][U]b[/U]c");
    }

    #[test]
    fn tokens_frame_exchanges() {
        let template = RoleTemplate::new().tokens("<s>", "</s>");
        let messages = [("user", "a"), ("assistant", "b"), ("user", "c")];
        assert_eq!(template.render(messages, true), "<s>ab</s><s>c");
    }
}
