//! One search for the template of a model, by its name on Hugging Face: the places one after the
//! other.

use sagewire_chat_template::{ChatTemplate, catalog, model_files::HubModel};
use sagewire_credentials::seam::World;

use super::{Found, Origin, TemplateSource, disk, error::LookupError, hub};

/// What one place has.
#[derive(Debug)]
pub(super) enum Look {
    /// The template.
    Template(ChatTemplate),
    /// None, and why.
    Nothing(String),
}

/// What all places have.
#[derive(Debug)]
pub(super) enum Outcome {
    Found(Found),
    /// None of them has one; each with its reason.
    Nothing {
        looked_at: Vec<String>,
    },
}

/// What is searched for, and where.
#[derive(Debug)]
pub(super) struct Search {
    pub(super) world: World,
    pub(super) name: String,
    pub(super) revision: String,
    pub(super) sources: Vec<TemplateSource>,
    pub(super) hub_access: bool,
}

impl Search {
    /// Looks at each place until one has a template.
    ///
    /// # Errors
    /// Where a place has a template that cannot be used: no later place makes up for it. Where the
    /// Hub is to be asked and does not answer.
    pub(super) async fn run(self) -> Result<Outcome, LookupError> {
        if !is_revision(&self.revision) {
            return Err(LookupError::broken(
                "hub_revision",
                "invalid `hub_revision`: expected the name of a branch, tag or commit; leave it out for `main`",
            ));
        }
        let model = HubModel::parse(&self.name);
        let mut looked_at = Vec::with_capacity(self.sources.len());
        for source in &self.sources {
            let (origin, look) = match (source, &model) {
                (TemplateSource::Catalog, _) => (Origin::Catalog, self.catalog()),
                (source, None) => {
                    looked_at
                        .push(format!("{source}: the name is not that of a model on Hugging Face, as in `owner/name`"));
                    continue;
                }
                (TemplateSource::HuggingFaceCache, Some(model)) => {
                    (Origin::HuggingFaceCache, disk::from_hub_cache(&self.world, model, &self.revision).await?)
                }
                (TemplateSource::Hub, Some(model)) => {
                    (Origin::Hub, hub::look(&self.world, model, &self.revision, self.hub_access).await?)
                }
            };
            match look {
                Look::Template(template) => return Ok(Outcome::Found(Found { template, origin })),
                Look::Nothing(why) => looked_at.push(why),
            }
        }
        Ok(Outcome::Nothing { looked_at })
    }

    fn catalog(&self) -> Look {
        match catalog::by_model(&self.name) {
            Some(entry) => Look::Template(entry.template()),
            None => Look::Nothing("the built-in catalog: does not know the model".to_owned()),
        }
    }
}

/// Whether this can be a branch, tag or commit, and is safe in paths and URLs.
fn is_revision(text: &str) -> bool {
    let part_is_valid = |part: &str| {
        !part.is_empty()
            && !part.starts_with(['.', '-'])
            && part.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"._-".contains(&byte))
    };
    text.len() <= 200 && !text.contains("..") && text.split('/').all(part_is_valid)
}

#[cfg(test)]
mod tests {
    use super::is_revision;

    #[test]
    fn revisions_that_could_leave_a_folder_or_a_url_are_refused() {
        for text in ["main", "v1.0", "refs/pr/12", "0123abc", "feature_x-1"] {
            assert!(is_revision(text), "{text}");
        }
        for text in ["", "/", "/main", "main/", "..", "a/../b", "a/.b", "-x", "a b", "a?b", "a#b", "a%2e", "a\\b", "é"]
        {
            assert!(!is_revision(text), "{text}");
        }
    }
}
