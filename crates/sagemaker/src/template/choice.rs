//! What an operator says about chat templates: one of their own, and which places are looked at.

use std::{fmt, path::PathBuf, str::FromStr};

use sagewire_chat_template::ChatTemplate;
use sagewire_types::{Error, ErrorKind};

/// A chat template of the operator's choice.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub enum TemplateChoice {
    /// This one, as it is. [`ChatTemplate::adapting`] makes one of Jinja forgiving.
    Template(ChatTemplate),
    /// The one in this model folder or file (`tokenizer_config.json`, `chat_template.json`, or any
    /// file of Jinja), read at the first call.
    Path(PathBuf),
}

impl From<ChatTemplate> for TemplateChoice {
    fn from(template: ChatTemplate) -> Self {
        Self::Template(template)
    }
}

impl From<PathBuf> for TemplateChoice {
    fn from(path: PathBuf) -> Self {
        Self::Path(path)
    }
}

/// A place where the template of a model is looked for, by the model's name on Hugging Face.
///
/// ```
/// use sagewire_sagemaker::{Settings, TemplateSource};
///
/// // The built-in template first, then what this machine has; never the Hub.
/// let settings = Settings::new()
///     .with_hf_model_name("Qwen/Qwen2.5-7B-Instruct")
///     .with_template_sources([TemplateSource::Catalog, TemplateSource::HuggingFaceCache]);
/// # assert_eq!("hf_cache".parse::<TemplateSource>()?, TemplateSource::HuggingFaceCache);
/// # Ok::<(), sagewire_types::Error>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum TemplateSource {
    /// What Hugging Face's tools downloaded to this machine (`hf_cache`).
    /// <https://huggingface.co/docs/hub/local-cache>
    HuggingFaceCache,
    /// The built-in catalog (`catalog`). It also knows some models by the endpoint's name.
    Catalog,
    /// The Hub (`hub`), and what was fetched from it before; only with
    /// [`hub_access`](crate::Settings::hub_access).
    Hub,
}

impl TemplateSource {
    /// All places, in the order in which they are looked at unless it is set.
    pub const ALL: [Self; 3] = [Self::HuggingFaceCache, Self::Catalog, Self::Hub];

    /// Its name in a configuration.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::HuggingFaceCache => "hf_cache",
            Self::Catalog => "catalog",
            Self::Hub => "hub",
        }
    }
}

impl fmt::Display for TemplateSource {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl FromStr for TemplateSource {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self, Error> {
        Self::ALL.into_iter().find(|source| source.as_str() == text).ok_or_else(|| {
            let known = Self::ALL.map(Self::as_str).join("`, `");
            Error::new(ErrorKind::Configuration, format!("unknown template source `{text}`: write `{known}`"))
                .with_param("template_sources")
        })
    }
}
