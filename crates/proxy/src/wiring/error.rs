//! Why a configuration cannot be served.

use sagewire::Error;
use sagewire_router::BuildError;

use crate::{AppError, callers::StateFileError};

/// Why a configuration cannot be served, although each of its values is right.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum WiringError {
    /// No provider knows the model.
    #[error(
        "the deployment `{deployment}` has the unsupported model `{model}`: it must start with `sagemaker/`, `sagemaker_chat/`, `sagemaker_nova/`, `sagemaker_openai/`, `sagemaker_router/` or `sagemaker_gateway/`"
    )]
    UnknownPrefix {
        /// The deployment's id.
        deployment: String,
        /// Its model.
        model: String,
    },
    /// A deployment's parameters are of no use.
    #[error("the deployment `{deployment}` cannot be used: {source}")]
    Deployment {
        /// The deployment's id.
        deployment: String,
        /// Why.
        source: Error,
    },
    /// The provider cannot be set up.
    #[error("the provider cannot be set up")]
    Provider(#[source] Error),
    /// A Redis cannot be used.
    #[cfg(feature = "redis")]
    #[error("`{key}`: {source}")]
    Redis {
        /// The key that names it.
        key: &'static str,
        /// Why.
        source: sagewire_redis::SettingsError,
    },
    /// The configuration names a Redis, and this program knows none.
    #[cfg(not(feature = "redis"))]
    #[error("`{key}` names a Redis, and this program was built without the feature `redis`")]
    NoRedis {
        /// The key that names it.
        key: &'static str,
    },
    /// The store of files and batches cannot be used.
    #[error("`sagewire_settings.batches`: {0}")]
    Batches(String),
    /// The file that keeps budgets cannot be used.
    #[error(transparent)]
    StateFile(#[from] StateFileError),
    /// The router's settings contradict each other.
    #[error(transparent)]
    Router(#[from] BuildError),
    /// The app cannot be put together.
    #[error(transparent)]
    App(#[from] AppError),
}
