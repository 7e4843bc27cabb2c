//! The file as a whole: its sections, and the entries of its lists.
//!
//! Owns the names that may be at the top, in a deployment and in a shared credential. What is in
//! them is read where it belongs.

use std::{borrow::Cow, collections::BTreeMap};

use sagewire_router::RouterSettings;
use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Deserialize, de::IgnoredAny};

use super::{
    general_settings::{GeneralSettings, Text},
    litellm_params,
    litellm_settings::LitellmSettings,
    model_list::ModelInfo,
    sagewire_settings::ProxySettings,
};

/// The configuration of the sagewire proxy: LiteLLM's `config.yaml`, with one section of its own,
/// which LiteLLM ignores.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub(super) struct File {
    /// The deployments. Entries with the same `model_name` share its load.
    #[schemars(with = "Vec<Deployment>")]
    model_list: IgnoredAny,
    /// Credentials that several deployments share: each names one in `litellm_credential_name`.
    #[schemars(with = "Vec<Credential>")]
    credential_list: IgnoredAny,
    /// Further files of this configuration: a path, or a list of paths, relative to this file.
    /// Their lists are added to this file's and their mappings merged with it; of two other
    /// values the included one is used. A file may include others.
    #[schemars(with = "serde_json::Value")]
    include: IgnoredAny,
    /// Settings for every call. The same key in `router_settings` takes precedence.
    #[schemars(with = "LitellmSettings")]
    litellm_settings: IgnoredAny,
    /// Settings of the server.
    #[schemars(with = "GeneralSettings")]
    general_settings: IgnoredAny,
    /// How calls are distributed over deployments, retried and moved to others.
    #[schemars(with = "RouterSettings")]
    router_settings: IgnoredAny,
    /// Variables and their values, in place of the process's own: for `os.environ/NAME` in this
    /// file and for AWS settings.
    #[schemars(with = "BTreeMap<String, serde_json::Value>")]
    environment_variables: IgnoredAny,
    /// Settings that only sagewire has: keys, limits, TLS, what callers may see.
    #[schemars(with = "ProxySettings")]
    sagewire_settings: IgnoredAny,
}

/// One deployment of a model.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub(super) struct Deployment {
    /// The name that callers ask for. `sagemaker/*` matches every name with that prefix.
    #[schemars(with = "Text")]
    pub(super) model_name: String,
    #[schemars(with = "LitellmParams")]
    litellm_params: IgnoredAny,
    /// What is known about the model. Your own keys are shown by `/model/info` as they are.
    pub(super) model_info: ModelInfo,
}

/// A shared credential.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub(super) struct Credential {
    /// The name that deployments give in `litellm_credential_name`.
    #[schemars(with = "Text")]
    pub(super) credential_name: String,
    /// Keys of `litellm_params` with their values, for deployments that do not set them themselves.
    #[schemars(with = "BTreeMap<String, serde_json::Value>")]
    credential_values: IgnoredAny,
    /// Your own notes. They have no effect.
    #[schemars(with = "BTreeMap<String, serde_json::Value>")]
    credential_info: IgnoredAny,
}

/// The mapping of `litellm_params`, which has a table of its own.
struct LitellmParams;

impl JsonSchema for LitellmParams {
    fn inline_schema() -> bool {
        true
    }

    fn schema_name() -> Cow<'static, str> {
        "LitellmParams".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({
            "type": "object",
            "description": litellm_params::MEANING,
            "properties": litellm_params::schema(),
        })
    }
}
