//! Where a model's chat template lies: in a model folder, in Hugging Face's cache on disk, on the
//! Hub.
//!
//! Names and paths only. Nothing here touches a disk or a network; callers that do ask here where
//! to look.

use std::path::PathBuf;

/// The tokenizer's configuration: special tokens, and the template unless it has its own file.
pub const TOKENIZER_CONFIG: &str = "tokenizer_config.json";

/// The template's own file. Where it exists, it replaces the configuration's template.
pub const CHAT_TEMPLATE: &str = "chat_template.jinja";

/// The template of models with a processor (vision, audio): a JSON object with a `chat_template`.
pub const PROCESSOR_TEMPLATE: &str = "chat_template.json";

/// The special tokens of older configurations.
pub const SPECIAL_TOKENS_MAP: &str = "special_tokens_map.json";

/// The folder of a model's further templates, each in a file `<name>.jinja`.
pub const ADDITIONAL_TEMPLATES: &str = "additional_chat_templates";

/// The names of further templates that models have: for tools, and for documents.
pub const ADDITIONAL_NAMES: [&str; 2] = ["tool_use", "rag"];

/// The revision that is meant when none is given.
pub const DEFAULT_REVISION: &str = "main";

/// The folder in which Hugging Face's tools keep what they downloaded.
///
/// `variable` looks an environment variable up. The first that is set counts: `HF_HUB_CACHE`,
/// `HUGGINGFACE_HUB_CACHE`, `HF_HOME` with `/hub`, `XDG_CACHE_HOME` with `/huggingface/hub`, `HOME`
/// with `/.cache/huggingface/hub`. <https://huggingface.co/docs/huggingface_hub/package_reference/environment_variables>
pub fn hub_cache(variable: impl Fn(&str) -> Option<String>) -> Option<PathBuf> {
    let set = |name: &str| variable(name).filter(|value| !value.is_empty()).map(PathBuf::from);
    set("HF_HUB_CACHE")
        .or_else(|| set("HUGGINGFACE_HUB_CACHE"))
        .or_else(|| set("HF_HOME").map(|home| home.join("hub")))
        .or_else(|| set("XDG_CACHE_HOME").map(|cache| cache.join("huggingface").join("hub")))
        .or_else(|| set("HOME").map(|home| home.join(".cache").join("huggingface").join("hub")))
}

/// A model on the Hub, by its checked name.
///
/// ```
/// use sagewire_chat_template::model_files::HubModel;
///
/// let model = HubModel::parse("Qwen/Qwen2.5-7B-Instruct").ok_or("not a name of the Hub")?;
/// assert_eq!(model.cached_reference("main"), "models--Qwen--Qwen2.5-7B-Instruct/refs/main");
/// assert_eq!(model.url_path("main", "tokenizer_config.json"), "/Qwen/Qwen2.5-7B-Instruct/resolve/main/tokenizer_config.json");
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HubModel {
    name: String,
}

impl HubModel {
    /// Checks a name: `name` or `owner/name`, of letters, digits, `-`, `_` and `.`, no part
    /// beginning or ending with `.` or `-`, without `--` and `..`, and 96 characters at most.
    /// So it is safe in paths and URLs. <https://huggingface.co/docs/huggingface_hub/package_reference/utilities#huggingface_hub.utils.validate_repo_id>
    #[must_use]
    pub fn parse(name: &str) -> Option<Self> {
        let part_is_valid = |part: &str| {
            let edge = |c: Option<char>| c.is_some_and(|c| c != '.' && c != '-');
            let allowed = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.');
            edge(part.chars().next()) && edge(part.chars().next_back()) && part.chars().all(allowed)
        };
        let valid = name.len() <= 96
            && !name.contains("--")
            && !name.contains("..")
            && !name.ends_with(".git")
            && name.split('/').count() <= 2
            && name.split('/').all(part_is_valid);
        valid.then(|| Self { name: name.to_owned() })
    }

    /// The name as it was given.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The model's folder inside the cache.
    #[must_use]
    pub fn cache_folder(&self) -> String {
        format!("models--{}", self.name.replace('/', "--"))
    }

    /// The file inside the cache that holds the commit a revision stands for.
    #[must_use]
    pub fn cached_reference(&self, revision: &str) -> String {
        format!("{}/refs/{revision}", self.cache_folder())
    }

    /// A file inside the cache, at a commit.
    #[must_use]
    pub fn cached_file(&self, commit: &str, file: &str) -> String {
        format!("{}/snapshots/{commit}/{file}", self.cache_folder())
    }

    /// The path of a file's URL on the Hub, such as `https://huggingface.co` or a mirror of it.
    #[must_use]
    pub fn url_path(&self, revision: &str, file: &str) -> String {
        format!("/{}/resolve/{revision}/{file}", self.name)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn cache(variables: &[(&str, &str)]) -> Option<PathBuf> {
        let lookup =
            |name: &str| variables.iter().find(|(known, _)| *known == name).map(|(_, value)| value.to_string());
        hub_cache(lookup)
    }

    #[test]
    fn the_most_specific_variable_wins() {
        let all = [("HOME", "/h"), ("XDG_CACHE_HOME", "/x"), ("HF_HOME", "/f"), ("HF_HUB_CACHE", "/c")];
        assert_eq!(cache(&all), Some(PathBuf::from("/c")));
        assert_eq!(cache(&all[..3]), Some(PathBuf::from("/f/hub")));
        assert_eq!(cache(&all[..2]), Some(PathBuf::from("/x/huggingface/hub")));
        assert_eq!(cache(&all[..1]), Some(PathBuf::from("/h/.cache/huggingface/hub")));
        assert_eq!(cache(&[("HF_HUB_CACHE", ""), ("HF_HOME", "/f")]), Some(PathBuf::from("/f/hub")));
        assert_eq!(cache(&[]), None);
    }

    #[test]
    fn names_that_could_leave_the_cache_are_refused() {
        for name in ["gpt2", "openai-community/gpt2", "a_b/c.d-e1"] {
            assert!(HubModel::parse(name).is_some(), "{name}");
        }
        for name in
            ["", "/", "a/", "/a", "a/b/c", "../x", "a/..", ".a", "a-", "a--b", "a b", "a/b?x", "a%2f", "é", "x.git"]
        {
            assert!(HubModel::parse(name).is_none(), "{name}");
        }
    }

    #[test]
    fn paths_follow_the_layout_of_the_cache() {
        let model = HubModel::parse("openai-community/gpt2").unwrap();
        assert_eq!(model.name(), "openai-community/gpt2");
        let file = model.cached_file("abc", TOKENIZER_CONFIG);
        assert_eq!(file, "models--openai-community--gpt2/snapshots/abc/tokenizer_config.json");
    }
}
