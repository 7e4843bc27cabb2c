//! Every key of the file that we or LiteLLM know, with what it means.
//!
//! Owns the tables: the check of the file, its JSON schema and its documentation are made from them.

pub(super) use file::{CREDENTIAL, DEPLOYMENT, FILE, MODEL_INFO};
pub(super) use general_settings::GENERAL_SETTINGS;
pub(super) use litellm_settings::LITELLM_SETTINGS;
pub(super) use router_settings::{ALLOWED_FAILS_POLICY, RETRY_POLICY, ROUTER_SETTINGS};
pub(super) use sagewire_settings::{CORS, HEALTH_CHECK, KEYS, LIMITS, OTLP, SAGEWIRE_SETTINGS, TLS};

mod file;
mod general_settings;
mod litellm_settings;
mod router_settings;
mod sagewire_settings;
