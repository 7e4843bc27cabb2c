//! `prefix/name`: which provider serves a model, and what that provider calls it.
//!
//! Owns the split alone. What a name may contain is the provider's to say.

use std::{fmt, str::FromStr};

/// A model's id in the form `prefix/name`, such as `sagemaker/my-endpoint`.
///
/// The prefix ends at the first `/`; the name may hold more of them.
///
/// ```
/// use sagewire_types::ModelId;
///
/// let id: ModelId = "sagemaker_chat/llama-3".parse()?;
/// assert_eq!((id.prefix(), id.name()), ("sagemaker_chat", "llama-3"));
/// # Ok::<(), sagewire_types::ModelIdError>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct ModelId {
    text: String,
    slash: usize,
}

impl ModelId {
    /// The part before the first `/`: it names the provider and its route.
    #[must_use]
    pub fn prefix(&self) -> &str {
        self.text.get(..self.slash).unwrap_or_default()
    }

    /// The part after the first `/`: on SageMaker, the endpoint's name.
    #[must_use]
    pub fn name(&self) -> &str {
        self.text.get(self.slash + 1..).unwrap_or_default()
    }

    /// The whole id.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.text
    }
}

impl FromStr for ModelId {
    type Err = ModelIdError;

    fn from_str(text: &str) -> Result<Self, ModelIdError> {
        match text.split_once('/') {
            Some((prefix, name)) if !prefix.is_empty() && !name.is_empty() => {
                Ok(Self { text: text.to_owned(), slash: prefix.len() })
            }
            _ => Err(ModelIdError { text: text.to_owned() }),
        }
    }
}

impl fmt::Display for ModelId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

/// A text that is no model id: the prefix, the `/` or the name is missing.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("invalid model `{text}`: expected `prefix/name`, as in `sagemaker/my-endpoint`")]
pub struct ModelIdError {
    text: String,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_name_keeps_further_slashes() {
        let id: ModelId = "sagemaker/a/b".parse().unwrap();
        assert_eq!((id.prefix(), id.name(), id.as_str()), ("sagemaker", "a/b", "sagemaker/a/b"));
    }

    #[test]
    fn each_missing_part_is_refused_with_an_example() {
        for text in ["", "sagemaker", "/endpoint", "sagemaker/", "/"] {
            let error = text.parse::<ModelId>().unwrap_err().to_string();
            assert!(error.contains("sagemaker/my-endpoint"), "{error}");
        }
    }
}
