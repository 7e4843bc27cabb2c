//! How model names are matched: whole words that must, may or must not occur.

/// A name as it is matched: its owner, and its words in lower case with `-` between them, so that
/// `Llama-3.1` and `llama_3_1` are the same and `CodeLlama-34b` has no word `llama-3`.
#[derive(Debug)]
pub(super) struct Name {
    owner: String,
    /// The words, with a `-` in front, behind and between.
    words: String,
}

impl Name {
    /// A model's name on the Hub, `owner/name`, or a name without an owner.
    pub(super) fn new(name: &str) -> Self {
        let name = name.trim().trim_matches('/').to_lowercase();
        let (owner, own) = name.rsplit_once('/').unwrap_or(("", &name));
        let words = own.split(|c: char| !c.is_alphanumeric()).filter(|word| !word.is_empty());
        let owner = owner.rsplit('/').next().unwrap_or_default().to_owned();
        Self { owner, words: words.fold("-".to_owned(), |all, word| all + word + "-") }
    }

    /// Whether it has these words, one after the other.
    fn has(&self, words: &str) -> bool {
        self.words.match_indices(words).any(|(at, found)| {
            let before = at.checked_sub(1).and_then(|at| self.words.get(at..=at));
            let after = self.words.get(at + found.len()..).and_then(|rest| rest.get(..1));
            before == Some("-") && after == Some("-")
        })
    }
}

/// Whether a name matches a pattern.
///
/// A pattern is a row of conditions, separated by blanks. `llama-3` must occur as whole words; of
/// `a|b` one must; `!a` must not; `@a` is the owner; `=a-b` are all words.
pub(super) fn matches(pattern: &str, name: &Name) -> bool {
    pattern.split(' ').all(|condition| match condition.split_at_checked(1) {
        Some(("!", unwanted)) => !unwanted.split('|').any(|one| name.has(one)),
        Some(("@", owner)) => owner.split('|').any(|one| name.owner == one),
        Some(("=", whole)) => name.words.trim_matches('-') == whole,
        _ => condition.split('|').any(|one| name.has(one)),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_must_occur_and_others_must_not() {
        let name = Name::new("meta-llama/Llama-3.1-8B_Instruct");
        for pattern in [
            "llama-3-1 instruct",
            "llama-3",
            "llama-3-3|llama-3-1 chat|instruct !guard",
            "@meta-llama llama",
            "=llama-3-1-8b-instruct",
        ] {
            assert!(matches(pattern, &name), "{pattern}");
        }
        for pattern in [
            "llama-3-1 !instruct",
            "llama-3-1 chat",
            "llama-3-1-8",
            "@meta llama",
            "=llama-3-1-8b",
            "meta-llama",
            "!chat|instruct",
        ] {
            assert!(!matches(pattern, &name), "{pattern}");
        }
    }

    #[test]
    fn words_are_whole() {
        assert!(!matches("llama-3", &Name::new("codellama/CodeLlama-34b-Instruct-hf")));
        assert!(!matches("llama-3", &Name::new("meta-llama/Llama-34b")));
        assert!(!matches("qwen2-5", &Name::new("Qwen/Qwen2-57B-A14B-Instruct")));
        assert!(matches("qwen2-5", &Name::new("Qwen/Qwen2.5-7B-Instruct")));
        assert!(matches("alpaca", &Name::new("Alpaca")) && !matches("alpaca", &Name::new("acme/alpacas")));
    }
}
