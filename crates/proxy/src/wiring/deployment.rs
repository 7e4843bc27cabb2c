//! The settings of one deployment: what makes a provider of it.

use sagewire::{Error, Settings, credentials::seam::World};
use serde_json::{Map, Value};

use super::credentials::CredentialShelf;
use crate::{Config, config::DeploymentConfig};

/// The settings of a deployment.
pub(super) fn settings(
    deployment: &DeploymentConfig,
    config: &Config,
    world: &World,
    before: &CredentialShelf,
    shelf: &mut CredentialShelf,
) -> Result<Settings, Error> {
    let mut params = deployment.parameters.to_map();
    if let Some(Value::Object(extra)) = params.shift_remove("extra_body") {
        params.extend(extra);
    }
    if config.litellm_settings.drop_params && !params.contains_key("drop_params") {
        params.insert("drop_params".to_owned(), Value::Bool(true));
    }
    if config.sagewire_settings.log_prompts {
        params.insert("verbose".to_owned(), Value::Bool(true));
    }
    let (aws, others): (Map<_, _>, Map<_, _>) = params.into_iter().partition(|(name, _)| is_of_credentials(name));
    let credentials = shelf.settings(&deployment.id, aws, world, before)?;
    let mut settings = Settings::from_litellm_params(others, world)?.or(&credentials);
    settings.caller_may_set = deployment.routing.configurable_clientside_auth_params.clone();
    settings.forward_trace = Some(config.litellm_settings.forward_traceparent_to_llm_provider);
    Ok(settings)
}

fn is_of_credentials(name: &str) -> bool {
    name.starts_with("aws_") && name != "aws_sagemaker_allow_zero_temp"
}
