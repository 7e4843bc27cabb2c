//! Which dialect a model is spoken to in.
//!
//! Owns the choice: a setting, else the model's prefix, else the documented rules by name. Every choice is traced.

use sagewire_types::{Error, ErrorKind, ModelId};

use crate::{
    checks::unknown_setting,
    dialect::{self, Dialect},
    embedding::{self, EmbeddingDialect},
};

/// The dialect of a chat or completion.
///
/// # Errors
/// `Configuration` for a setting or a prefix that names nothing we know.
pub(crate) fn chat(setting: Option<&str>, model: &ModelId) -> Result<&'static dyn Dialect, Error> {
    let names = || dialect::DIALECTS.iter().map(|dialect| dialect.name());
    let chosen = match setting {
        Some(name) => dialect::by_name(name).ok_or_else(|| unknown_setting("dialect", name, names()))?,
        None => dialect::by_prefix(model.prefix()).ok_or_else(|| unknown_prefix(model))?,
    };
    tracing::debug!(target: "sagewire::route", model = %model, dialect = chosen.name(), by = if setting.is_some() { "setting" } else { "prefix" }, "dialect chosen");
    Ok(chosen)
}

/// The family of an embedding.
///
/// # Errors
/// As for [`chat`].
pub(crate) fn embeddings(setting: Option<&str>, model: &ModelId) -> Result<&'static dyn EmbeddingDialect, Error> {
    let names = || embedding::FAMILIES.iter().map(|family| family.name());
    let (chosen, why) = match setting {
        Some(name) => (
            embedding::by_name(name).ok_or_else(|| unknown_setting("embedding_dialect", name, names()))?,
            "the setting says so",
        ),
        None if dialect::by_prefix(model.prefix()).is_some() => embedding::by_endpoint(model.name()),
        None => return Err(unknown_prefix(model)),
    };
    tracing::debug!(target: "sagewire::route", model = %model, family = chosen.name(), why, "embedding family chosen");
    Ok(chosen)
}

fn unknown_prefix(model: &ModelId) -> Error {
    Error::new(
        ErrorKind::InvalidRequest,
        format!("`{}` is no prefix of a SageMaker model: write `sagemaker/{name}`, `sagemaker_chat/{name}` for the Messages API, or `sagemaker_nova/{name}` for Nova", model.prefix(), name = model.name()),
    )
    .with_param("model")
}
