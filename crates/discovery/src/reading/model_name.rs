//! Which model a container runs, and what a model's name tells of it.

use sagewire_chat_template::catalog;

use crate::description::Environment;

/// The longest owner, and the longest name of a model, on Hugging Face.
const LONGEST_PART: usize = 96;

/// What kind of model a name stands for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    Chat,
    /// It continues texts, and has no chat template.
    Base,
    Embedding,
    Reranker,
    /// It writes down recordings.
    Speech,
    Unknown,
}

/// Parts of the names of embedding models.
const EMBEDDING: [&str; 12] = [
    "embed",
    "sentence-transformers/",
    "minilm",
    "/bge-",
    "/gte-",
    "/e5-",
    "multilingual-e5",
    "mpnet",
    "/stella",
    "colbert",
    "splade",
    "/sfr-",
];

/// Parts of the names of models of speech recognition.
const SPEECH: [&str; 2] = ["whisper", "parakeet"];

/// Ends and parts of the names of chat models that the catalog does not have.
const CHAT: [&str; 5] = ["instruct", "chat", "-it", "thinking", "reasoning"];

/// What the name of a model on Hugging Face tells.
pub(super) fn kind(name: &str) -> Kind {
    let lower = name.to_ascii_lowercase();
    if lower.contains("rerank") {
        return Kind::Reranker;
    }
    if EMBEDDING.iter().any(|part| lower.contains(part)) {
        return Kind::Embedding;
    }
    if SPEECH.iter().any(|part| lower.contains(part)) {
        return Kind::Speech;
    }
    match catalog::by_model(name).map(catalog::Entry::is_for_base_models) {
        Some(true) => Kind::Base,
        Some(false) => Kind::Chat,
        None if CHAT.iter().any(|part| lower.contains(part)) => Kind::Chat,
        None => Kind::Unknown,
    }
}

/// A model's name and the variable that has it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Named<'a> {
    pub(super) name: &'a str,
    pub(super) variable: &'static str,
}

impl<'a> Named<'a> {
    /// The first of these variables that is set.
    pub(super) fn first(environment: &'a Environment, variables: &[&'static str]) -> Option<Self> {
        variables.iter().find_map(|variable| Some(Self { name: environment.get(variable)?, variable }))
    }

    /// Whether it is a name on Hugging Face, such as `owner/model`, and not a path or a URI.
    pub(super) fn is_on_hub(self) -> bool {
        let is_part = |part: &str| {
            (1..=LONGEST_PART).contains(&part.len())
                && !part.starts_with('.')
                && part.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-_.".contains(&byte))
        };
        self.name.split('/').count() <= 2 && self.name.split('/').all(is_part)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_tell_kinds() {
        for (name, expected) in [
            ("meta-llama/Llama-3.1-8B-Instruct", Kind::Chat),
            ("meta-llama/Llama-2-7b-hf", Kind::Base),
            ("Qwen/Qwen3-8B", Kind::Chat),
            ("someone/New-9B-Instruct", Kind::Chat),
            ("someone/New-9B", Kind::Unknown),
            ("BAAI/bge-m3", Kind::Embedding),
            ("Qwen/Qwen3-Embedding-8B", Kind::Embedding),
            ("sentence-transformers/all-MiniLM-L6-v2", Kind::Embedding),
            ("BAAI/bge-reranker-v2-m3", Kind::Reranker),
            ("Qwen/Qwen3-Reranker-4B", Kind::Reranker),
            ("openai/whisper-large-v3", Kind::Speech),
        ] {
            assert_eq!(kind(name), expected, "{name}");
        }
    }

    #[test]
    fn paths_are_no_names_on_the_hub() {
        let named = |name| Named { name, variable: "HF_MODEL_ID" };
        assert!(named("Qwen/Qwen3-8B").is_on_hub() && named("gpt2").is_on_hub());
        let long = format!("a/{}", "b".repeat(97));
        for path in
            ["/opt/ml/model", "s3://bucket/model", "./model", "a/b/c", "a/", "a\nb", "a/b\u{1b}[2J", "a b", &long]
        {
            assert!(!named(path).is_on_hub(), "{path}");
        }
    }
}
