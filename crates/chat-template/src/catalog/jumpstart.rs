//! JumpStart model ids, as they occur in endpoint names, and the Hugging Face models they stand
//! for.
//!
//! `jumpstart.tsv` holds one model per line: its id, the model's name on the Hub, and whether it is
//! a `chat` or a `base` model. <https://sagemaker.readthedocs.io/en/stable/doc_utils/pretrainedmodels.html>

/// One model of the table.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Model {
    pub(super) id: &'static str,
    pub(super) hf_name: &'static str,
    pub(super) is_base: bool,
}

/// All models.
pub(super) fn models() -> impl Iterator<Item = Model> {
    include_str!("jumpstart.tsv").lines().filter_map(|line| {
        let mut fields = line.split('\t');
        let (id, hf_name, kind) = (fields.next()?, fields.next()?, fields.next()?);
        Some(Model { id, hf_name, is_base: kind == "base" })
    })
}

/// The length of an id in a name that the SDK made and cut: 63 characters less the time.
/// <https://github.com/aws/sagemaker-python-sdk/blob/v2/src/sagemaker/utils.py> (`name_from_base`)
const CUT_BY_SDK: usize = 39;
/// The length of prefix and id in a name that the console made and cut.
const CUT_BY_CONSOLE: usize = 35;

/// The part of an endpoint's name that says which model it is: without JumpStart's prefix and the
/// time it was made.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Core {
    name: String,
    /// Whether the id may go on where the name ends.
    may_be_cut: bool,
}

impl Core {
    /// Takes prefix and time away.
    pub(super) fn of(endpoint: &str) -> Self {
        let lower = endpoint.trim().to_lowercase();
        let (whole, cut_at) = match without_time(&lower) {
            Some((name, Stamp::Sdk)) => (name, Some(CUT_BY_SDK)),
            Some((name, Stamp::Console)) => (name, Some(CUT_BY_CONSOLE)),
            None => (lower.as_str(), None),
        };
        let may_be_cut = cut_at == Some(whole.len());
        let own = whole.strip_prefix("jumpstart-dft-").or_else(|| whole.strip_prefix("jumpstart-")).unwrap_or(whole);
        let own = own.trim_end_matches('-');
        // Console names shorten the first word.
        let name = own.strip_prefix("hf-").map_or_else(|| own.to_owned(), |rest| format!("huggingface-{rest}"));
        Self { name, may_be_cut }
    }

    /// The name that is left.
    pub(super) fn name(&self) -> &str {
        &self.name
    }

    /// The models that are meant: the one whose id the name starts or ends with, or those whose id
    /// begins with the name. Where that could be a chat model and a base model, the chat
    /// models.
    pub(super) fn models(&self) -> Meant {
        let is_in = |name: &str, id: &str| {
            name.strip_prefix(id).is_some_and(|rest| rest.is_empty() || rest.starts_with('-'))
                || name.strip_suffix(id).is_some_and(|rest| rest.ends_with('-'))
        };
        let longer = |model: &Model| model.id.to_lowercase().starts_with(&self.name);
        if self.may_be_cut && models().any(|model| longer(&model)) {
            let mut meant: Vec<Model> = models().filter(longer).collect();
            let count = meant.len();
            if meant.iter().any(|model| !model.is_base) {
                meant.retain(|model| !model.is_base);
            }
            return Meant { is_guess: meant.len() < count, models: meant };
        }
        let whole = models().filter(|model| is_in(&self.name, &model.id.to_lowercase()));
        let Some(found) = whole.max_by_key(|model| model.id.len()) else { return Meant::default() };
        // `...-llama-2-70b-b-f`: a variant between the id and the mark of a fine-tuned model.
        let tuned = format!("{}-f", found.id);
        let is_tuned = self.name.ends_with("-f") && !found.id.ends_with("-f");
        let found = models().find(|model| is_tuned && model.id == tuned).unwrap_or(found);
        Meant { models: vec![found], is_guess: false }
    }
}

/// The models that a name may mean.
#[derive(Debug, Default)]
pub(super) struct Meant {
    pub(super) models: Vec<Model>,
    /// Whether base models were left out that it could be as well.
    pub(super) is_guess: bool,
}

/// Who wrote the time at the end of a name.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Stamp {
    /// `-2025-08-15-18-56-14-123`.
    Sdk,
    /// `-20240815-185614`, sometimes with milliseconds.
    Console,
}

/// A name without the time at its end.
fn without_time(name: &str) -> Option<(&str, Stamp)> {
    let is_number = |part: &str| !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_digit());
    let mut found = None;
    for (at, _) in name.match_indices('-') {
        let (own, time) = (name.get(..at)?, name.get(at + 1..)?);
        let parts: Vec<&str> = time.split('-').collect();
        if own.is_empty() || !time.starts_with("20") || !parts.iter().all(|part| is_number(part)) {
            continue;
        }
        found = match (parts.first().map_or(0, |part| part.len()), parts.len()) {
            (8, _) => Some((own, Stamp::Console)),
            (4, 6..) => Some((own, Stamp::Sdk)),
            _ => continue,
        };
        break;
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(endpoint: &str) -> Vec<&'static str> {
        Core::of(endpoint).models().models.into_iter().map(|model| model.id).collect()
    }

    #[test]
    fn prefix_and_time_are_cut() {
        for (endpoint, name) in [
            ("jumpstart-dft-meta-textgeneration-llama-2-7b-f", "meta-textgeneration-llama-2-7b-f"),
            ("jumpstart-dft-hf-llm-falcon-7b-20240815-185614", "huggingface-llm-falcon-7b"),
            ("huggingface-llm-falcon-7b-2025-08-15-18-56-14-123", "huggingface-llm-falcon-7b"),
            ("my-endpoint-2024", "my-endpoint-2024"),
            ("model-2512", "model-2512"),
            ("2025-08-15-18-56-14-123", "2025-08-15-18-56-14-123"),
        ] {
            assert_eq!(Core::of(endpoint).name(), name, "{endpoint}");
        }
    }

    #[test]
    fn the_longest_id_wins() {
        assert_eq!(
            names("jumpstart-dft-meta-textgeneration-llama-2-7b-f-20240101-000000"),
            ["meta-textgeneration-llama-2-7b-f"]
        );
        assert_eq!(names("meta-textgeneration-llama-2-7b"), ["meta-textgeneration-llama-2-7b"]);
        assert_eq!(names("jumpstart-dft-meta-textgeneration-llama-2-70b-b-f"), ["meta-textgeneration-llama-2-70b-f"]);
        assert_eq!(names("prod-huggingface-llm-mistral-7b-instruct"), ["huggingface-llm-mistral-7b-instruct"]);
        assert_eq!(names("meta-textgeneration-llama-2-7bx"), Vec::<&str>::new());
    }

    #[test]
    fn a_cut_name_never_makes_a_chat_model_a_base_model() {
        let is_base = |id: &str| models().any(|model| model.id == id && model.is_base);
        for model in models().filter(|model| !model.is_base) {
            let by_sdk: String = model.id.chars().take(CUT_BY_SDK).collect();
            let console = format!("jumpstart-dft-{}", model.id.replacen("huggingface-", "hf-", 1));
            let by_console: String = console.chars().take(CUT_BY_CONSOLE).collect();
            for name in [format!("{by_sdk}-2025-08-15-18-56-14-123"), format!("{by_console}-20250815-185614")] {
                let meant = names(&name);
                assert!(meant.contains(&model.id) && !meant.iter().any(|id| is_base(id)), "{name}: {meant:?}");
            }
        }
        assert!(names("meta").is_empty());
    }

    #[test]
    fn a_name_that_is_not_cut_is_the_model_it_names() {
        for model in models() {
            assert_eq!(names(model.id), [model.id]);
            let dated = format!("{}-2025-08-15-18-56-14-123", model.id);
            assert!(model.id.len() == CUT_BY_SDK || names(&dated) == [model.id], "{dated}");
        }
    }
}
