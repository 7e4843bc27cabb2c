//! Models of different kinds: what a model does, and which route asks it for that.
//!
//! Owns the refusal of a request to a model of another kind, before AWS is asked. A model whose
//! configuration does not say what it does may be asked anything.

use super::error::ApiError;
use crate::{app::Model, config::Mode};

/// A kind of models.
struct Kind {
    /// The operations of the routes that ask them.
    operations: &'static [&'static str],
    /// The modes of such a model, each with the path that is usually asked.
    modes: &'static [(Mode, &'static str)],
    /// What such a model does.
    does: &'static str,
}

static KINDS: [Kind; 6] = [
    Kind {
        operations: &["chat", "text_completion"],
        modes: &[(Mode::Chat, "/v1/chat/completions"), (Mode::Completion, "/v1/completions")],
        does: "generates text",
    },
    Kind { operations: &["embeddings"], modes: &[(Mode::Embedding, "/v1/embeddings")], does: "embeds texts" },
    Kind { operations: &["rerank"], modes: &[(Mode::Rerank, "/v1/rerank")], does: "ranks documents" },
    Kind {
        operations: &["transcription"],
        modes: &[(Mode::AudioTranscription, "/v1/audio/transcriptions")],
        does: "transcribes audio",
    },
    Kind { operations: &["speech"], modes: &[(Mode::AudioSpeech, "/v1/audio/speech")], does: "speaks texts" },
    Kind {
        operations: &["image_generation"],
        modes: &[(Mode::ImageGeneration, "/v1/images/generations")],
        does: "makes images",
    },
];

/// Whether a deployment is said to be of the kind that an operation asks.
pub(super) fn is_said(operation: &str, model: &Model) -> bool {
    let asked = KINDS.iter().find(|kind| kind.operations.contains(&operation));
    asked.is_some_and(|asked| {
        let mut modes = model.deployments.iter().filter_map(|deployment| deployment.mode);
        modes.any(|mode| asked.modes.iter().any(|(known, _)| *known == mode))
    })
}

/// Checks that a model is of the kind that an operation asks.
pub(super) fn check(operation: &str, name: &str, model: &Model) -> Result<(), ApiError> {
    let Some(asked) = KINDS.iter().find(|kind| kind.operations.contains(&operation)) else { return Ok(()) };
    let mut other = None;
    for deployment in &model.deployments {
        match deployment.mode {
            Some(mode) if asked.modes.iter().all(|(known, _)| *known != mode) => other = Some(mode),
            _ => return Ok(()),
        }
    }
    let Some(mode) = other.or(model.mode.filter(|mode| asked.modes.iter().all(|(known, _)| known != mode))) else {
        return Ok(());
    };
    let kinds = KINDS.iter().flat_map(|kind| kind.modes.iter().map(move |(known, path)| (known, path, kind.does)));
    let Some((_, path, does)) = kinds.into_iter().find(|(known, ..)| **known == mode) else { return Ok(()) };
    let shown = super::error::beginning(name);
    let message =
        format!("the model `{shown}` {does} (`model_info.mode: {}`): send the request to `{path}`", mode.as_str());
    Err(ApiError::invalid(Some("model"), message))
}
