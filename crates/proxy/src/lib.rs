//! An OpenAI-compatible HTTP server over any sagewire provider, configured by LiteLLM's `config.yaml`.

pub use auth::KeyDigest;
pub use config::{Config, ConfigError};
pub use limits::{ConnectionLimits, RequestLimits};

mod auth;
pub mod config;
mod limits;
