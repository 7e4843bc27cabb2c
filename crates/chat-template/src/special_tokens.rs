//! A tokenizer's named special tokens, which templates see as variables: `bos_token`, `eos_token`,
//! ...

/// Named special tokens, as text. A token that is not set is undefined for the template, not empty.
///
/// <https://huggingface.co/docs/transformers/main_classes/tokenizer#transformers.PreTrainedTokenizer.special_tokens_map>
///
/// ```
/// use sagewire_chat_template::SpecialTokens;
///
/// let tokens = SpecialTokens::new().with("bos_token", "<s>").with("eos_token", "</s>");
/// assert_eq!(tokens.eos(), Some("</s>"));
/// ```
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct SpecialTokens {
    tokens: Vec<(String, String)>,
}

impl SpecialTokens {
    /// No tokens.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Sets one token by its name, such as `bos_token`; a second one of the same name replaces the
    /// first.
    #[must_use]
    pub fn with(mut self, name: impl Into<String>, text: impl Into<String>) -> Self {
        let (name, text) = (name.into(), text.into());
        match self.tokens.iter_mut().find(|(known, _)| *known == name) {
            Some((_, known)) => *known = text,
            None => self.tokens.push((name, text)),
        }
        self
    }

    /// The text of a token.
    #[must_use]
    pub fn get(&self, name: &str) -> Option<&str> {
        self.tokens.iter().find(|(known, _)| known == name).map(|(_, text)| text.as_str())
    }

    /// `bos_token`: what a prompt starts with.
    #[must_use]
    pub fn bos(&self) -> Option<&str> {
        self.get("bos_token")
    }

    /// `eos_token`: what ends an answer.
    #[must_use]
    pub fn eos(&self) -> Option<&str> {
        self.get("eos_token")
    }

    /// All tokens, by name and text.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &str)> {
        self.tokens.iter().map(|(name, text)| (name.as_str(), text.as_str()))
    }
}
