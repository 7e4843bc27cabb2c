//! JumpStart model ids, as they occur in endpoint names, and the Hugging Face models they stand for.
//!
//! `jumpstart.tsv` holds one model per line: its id, the model's name on the Hub, and whether it is a `chat` or a
//! `base` model. <https://sagemaker.readthedocs.io/en/stable/doc_utils/pretrainedmodels.html>

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

/// The part of an endpoint's name that says which model it is: without JumpStart's prefix and the time it was made.
pub(super) fn core(endpoint: &str) -> String {
    let name = endpoint.to_lowercase();
    let name = name.strip_prefix("jumpstart-dft-").or_else(|| name.strip_prefix("jumpstart-")).unwrap_or(&name);
    // `-20240815-185614`, sometimes with milliseconds behind it.
    let mut parts: Vec<&str> = name.split('-').collect();
    let is_number = |part: &&str| !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_digit());
    let date = parts.iter().rposition(|part| part.len() == 8 && part.starts_with("20") && is_number(part));
    if let Some(date) = date.filter(|date| parts.iter().skip(*date).all(is_number)) {
        parts.truncate(date);
    }
    let name = parts.join("-");
    // Console names shorten the first word.
    match name.strip_prefix("hf-") {
        Some(rest) => format!("huggingface-{rest}"),
        None => name,
    }
}

/// The models an endpoint's name can mean: the one whose id it starts with or ends with, or all whose id was cut to
/// what is left of it.
pub(super) fn candidates(core: &str) -> Vec<Model> {
    let starts = |name: &str, id: &str| {
        name.strip_prefix(id).is_some_and(|rest| rest.is_empty() || rest.starts_with('-'))
            || name.strip_suffix(id).is_some_and(|rest| rest.ends_with('-'))
    };
    let by_length = |model: &Model| model.id.len();
    if let Some(found) = models().filter(|model| starts(core, &model.id.to_lowercase())).max_by_key(by_length) {
        // `...-llama-2-70b-b-f`: a variant between the id and the mark of a fine-tuned model.
        let tuned = format!("{}-f", found.id);
        let is_tuned = core.ends_with("-f") && !found.id.ends_with("-f");
        return match models().find(|model| is_tuned && model.id == tuned) {
            Some(tuned) => vec![tuned],
            None => vec![found],
        };
    }
    // An endpoint's name has 63 characters at most, so that long ids are cut.
    const SHORTEST_CUT: usize = 20;
    if core.len() < SHORTEST_CUT {
        return Vec::new();
    }
    models().filter(|model| model.id.to_lowercase().starts_with(core)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(endpoint: &str) -> Vec<&'static str> {
        candidates(&core(endpoint)).into_iter().map(|model| model.id).collect()
    }

    #[test]
    fn prefix_and_date_are_cut() {
        assert_eq!(core("jumpstart-dft-meta-textgeneration-llama-2-7b-f"), "meta-textgeneration-llama-2-7b-f");
        assert_eq!(core("jumpstart-dft-hf-llm-falcon-7b-20240815-185614"), "huggingface-llm-falcon-7b");
        assert_eq!(core("my-endpoint-2024"), "my-endpoint-2024");
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
    fn a_cut_name_means_all_that_begin_so() {
        let cut = names("jumpstart-dft-hf-textgeneration1-mp-20240815-185614");
        assert!(cut.len() > 1 && cut.iter().all(|id| id.starts_with("huggingface-textgeneration1-mpt")));
        assert!(names("meta").is_empty());
    }
}
