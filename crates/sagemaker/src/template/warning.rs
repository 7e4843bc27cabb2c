//! What an operator should know about a chosen template: that none is known, or that it was
//! guessed.

use std::fmt;

/// Why a prompt may not have the format that the model was trained on. Its text says what to set.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum TemplateWarning {
    /// No place has a template of the model, so that the messages' texts are joined.
    UnknownModel {
        /// The model's name on Hugging Face.
        model: String,
    },
    /// The endpoint's name tells nothing about its model, so that the messages' texts are joined.
    UnknownEndpoint {
        /// The endpoint's name.
        endpoint: String,
    },
    /// The endpoint serves a chat model of JumpStart whose format the catalog does not have, so
    /// that the messages' texts are joined.
    UnknownChatModel {
        /// The endpoint's name.
        endpoint: String,
    },
    /// The endpoint's name was cut, and could be a base model's as well.
    Guessed {
        /// The endpoint's name.
        endpoint: String,
        /// The family of the catalog that was taken.
        family: String,
    },
}

impl fmt::Display for TemplateWarning {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::UnknownModel { model } => write!(
                f,
                "no chat template is known for the model `{model}`, so the texts of the messages are joined: set `chat_template` or `hub_access`"
            ),
            Self::UnknownEndpoint { endpoint } => write!(
                f,
                "the model of the endpoint `{endpoint}` is not known, so the texts of the messages are joined: set `hf_model_name` or `chat_template`"
            ),
            Self::UnknownChatModel { endpoint } => write!(
                f,
                "no chat template is known for the chat model of the endpoint `{endpoint}`, so the texts of the messages are joined: \
                 set `chat_template`, or `hf_model_name` with `hub_access`"
            ),
            Self::Guessed { endpoint, family } => write!(
                f,
                "the name of the endpoint `{endpoint}` was cut and may mean several models; the chat template `{family}` is used: set `hf_model_name`"
            ),
        }
    }
}
