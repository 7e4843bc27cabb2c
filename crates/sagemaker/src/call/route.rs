//! Which dialect a model is spoken to in.
//!
//! Owns the choice: a setting, else the model's prefix, else the documented rules by name. Every
//! choice is traced.

use std::borrow::Cow;

use sagewire_dialects::{
    ChatDialect, CompletionForm, Dialect, EmbeddingDialect, RerankDialect, TranscriptionDialect,
    embedding::EmbeddingFamily,
};
use sagewire_types::{Call, Error, ErrorKind, ModelId};

use crate::{Settings, request::door::Door};

/// How the ids of models begin that embed texts in OpenAI's form, as LiteLLM has them:
/// `sagemaker/openai/<endpoint>`.
///
/// This is not AWS's own OpenAI route (`/openai/v1`): the body goes to the endpoint's invocations
/// like any other. <https://docs.litellm.ai/docs/providers/aws_sagemaker>
pub(crate) const OPENAI_EMBEDDINGS: &str = "sagemaker/openai/";

/// The endpoint behind [`OPENAI_EMBEDDINGS`].
pub(crate) fn openai_endpoint(model: &str) -> Option<&str> {
    model.strip_prefix(OPENAI_EMBEDDINGS).filter(|endpoint| !endpoint.is_empty())
}

/// The id of the model that is asked for embeddings without the `openai/` of its route, and whether
/// it had that.
pub(crate) fn embedding_model(model: &str) -> (Cow<'_, str>, bool) {
    match openai_endpoint(model) {
        Some(endpoint) => (format!("sagemaker/{endpoint}").into(), true),
        None => (model.into(), false),
    }
}

/// The dialect of a chat or completion.
///
/// # Errors
/// `InvalidRequest` for a prefix that stands for none.
pub(crate) fn chat(setting: Option<ChatDialect>, model: &ModelId) -> Result<&'static dyn Dialect, Error> {
    if let Some(endpoint) = openai_endpoint(model.as_str()) {
        return Err(only_embeddings(endpoint));
    }
    let door = Door::of(model);
    if let Some(set) = setting
        .filter(|_| door.speaks_openai)
        .filter(|set| set.implementation().completion_form() != CompletionForm::OpenAi)
    {
        let message = format!("`{}/` takes bodies in OpenAI's format only; remove `dialect: {set}`", door.prefix);
        return Err(Error::new(ErrorKind::Configuration, message).with_param("dialect"));
    }
    let by_prefix = || door.chat.or_else(|| ChatDialect::of_prefix(model.prefix()));
    let chosen = setting.or_else(by_prefix).ok_or_else(|| unknown_prefix(model))?;
    tracing::debug!(target: "sagewire::route", model = %model, dialect = chosen.as_str(), by = if setting.is_some() { "setting" } else { "prefix" }, "dialect chosen");
    Ok(chosen.implementation())
}

/// The family of an embedding.
///
/// # Errors
/// As for [`chat`].
pub(crate) fn embeddings(
    setting: Option<EmbeddingDialect>,
    model: &ModelId,
) -> Result<&'static dyn EmbeddingFamily, Error> {
    let door = Door::of(model);
    let (chosen, why) = match setting {
        Some(family) => (family, "the setting says so"),
        None if door.chat.is_some() || ChatDialect::of_prefix(model.prefix()).is_some() => {
            EmbeddingDialect::of_endpoint(door.body_model(model.name()))
        }
        None => return Err(unknown_prefix(model)),
    };
    tracing::debug!(target: "sagewire::route", model = %model, family = chosen.as_str(), why, "embedding family chosen");
    Ok(chosen.implementation())
}

/// The family of a reranker.
///
/// # Errors
/// As for [`chat`].
pub(crate) fn rerank(settings: &Settings, model: &ModelId) -> Result<RerankDialect, Error> {
    let (chosen, why) = match (settings.rerank_dialect, settings.dialect) {
        _ if ChatDialect::of_prefix(model.prefix()).is_none() => return Err(unknown_prefix(model)),
        (Some(family), _) => (family, "the setting says so"),
        (None, Some(ChatDialect::Vllm)) => (RerankDialect::Vllm, "`dialect` is `vllm`"),
        (None, _) => RerankDialect::of_endpoint(model.name()),
    };
    tracing::debug!(target: "sagewire::route", model = %model, family = chosen.as_str(), why, "rerank family chosen");
    Ok(chosen)
}

/// The family of a server of transcription.
///
/// # Errors
/// As for [`chat`].
pub(crate) fn transcription(settings: &Settings, model: &ModelId) -> Result<TranscriptionDialect, Error> {
    let (chosen, why) = match (settings.transcription_dialect, settings.dialect) {
        _ if ChatDialect::of_prefix(model.prefix()).is_none() => return Err(unknown_prefix(model)),
        (Some(family), _) => (family, "the setting says so"),
        (None, Some(ChatDialect::Vllm)) => (TranscriptionDialect::Vllm, "`dialect` is `vllm`"),
        (None, _) => TranscriptionDialect::of_endpoint(model.name()),
    };
    tracing::debug!(target: "sagewire::route", model = %model, family = chosen.as_str(), why, "transcription family chosen");
    Ok(chosen)
}

/// The container's own route that a call asks.
///
/// # Errors
/// As for [`rerank`].
pub(crate) fn of_call<'c>(call: &'c Call, settings: &Settings) -> Result<Option<&'c str>, Error> {
    Ok(match call {
        Call::Forward(request) | Call::ForwardStream(request) => Some(&request.path),
        // A model that cannot be read is refused with its own error later.
        Call::Rerank(request) => match request.model.parse() {
            Ok(model) => rerank(settings, &model)?.implementation().route(),
            Err(_) => None,
        },
        Call::Transcribe(request) | Call::TranscribeStream(request) => match request.model.parse() {
            Ok(model) => transcription(settings, &model)?.implementation().route(request.translates),
            Err(_) => None,
        },
        _ => None,
    })
}

fn only_embeddings(endpoint: &str) -> Error {
    Error::new(
        ErrorKind::InvalidRequest,
        format!("`{OPENAI_EMBEDDINGS}{endpoint}` serves embeddings only: for chat and completions write `sagemaker_chat/{endpoint}`"),
    )
    .with_param("model")
}

fn unknown_prefix(model: &ModelId) -> Error {
    Error::new(
        ErrorKind::InvalidRequest,
        format!("unsupported model prefix `{}`: write `sagemaker/{name}`, `sagemaker_chat/{name}` for the Messages API, `sagemaker_nova/{name}` for Nova, `sagemaker_openai/{name}` for AWS's OpenAI-compatible route, `sagemaker_router/<router>/<target>` or `sagemaker_gateway/<id>/<model>`", model.prefix(), name = model.name()),
    )
    .with_param("model")
}

#[cfg(test)]
mod tests {
    use std::{
        io,
        sync::{Arc, Mutex},
    };

    use super::*;

    #[derive(Clone, Default)]
    struct Logs(Arc<Mutex<Vec<u8>>>);

    impl io::Write for Logs {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            self.0.lock().unwrap().extend_from_slice(bytes);
            Ok(bytes.len())
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    #[test]
    fn every_choice_is_logged_with_its_reason() {
        let logs = Logs::default();
        let writer = logs.clone();
        let subscriber = tracing_subscriber::fmt()
            .with_max_level(tracing::Level::DEBUG)
            .with_ansi(false)
            .with_writer(move || writer.clone())
            .finish();
        tracing::subscriber::with_default(subscriber, || {
            let model: ModelId = "sagemaker/my-cohere".parse().unwrap();
            chat(None, &model).unwrap();
            chat(Some(ChatDialect::Lmi), &model).unwrap();
            embeddings(None, &model).unwrap();
            embeddings(Some(EmbeddingDialect::Tei), &model).unwrap();
        });
        let text = String::from_utf8(logs.0.lock().unwrap().clone()).unwrap();
        let lines: Vec<_> = text.lines().collect();
        assert_eq!(lines.len(), 4, "{text}");
        for (line, said) in lines.iter().zip([
            ["dialect=\"tgi\"", "by=\"prefix\""],
            ["dialect=\"lmi\"", "by=\"setting\""],
            ["family=\"cohere\"", "the endpoint's name contains `cohere`"],
            ["family=\"tei\"", "the setting says so"],
        ]) {
            assert!(line.contains("my-cohere") && said.iter().all(|said| line.contains(said)), "{line}");
        }
    }
}
