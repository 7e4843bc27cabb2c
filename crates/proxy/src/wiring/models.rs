//! Deployments as the router knows them, and the models that callers ask for.

use std::sync::Arc;

use sagewire::{ModelId, Provider, SageMaker};
use sagewire_router::{ModelNames, RouterSettings};

use super::WiringError;
use crate::{ServedDeployment, ServedModel, config::DeploymentConfig};

pub(super) fn check_prefix(deployment: &DeploymentConfig) -> Result<(), WiringError> {
    let known = deployment.model.parse::<ModelId>().is_ok_and(|id| SageMaker::PREFIXES.contains(&id.prefix()));
    if known {
        Ok(())
    } else {
        Err(WiringError::UnknownPrefix { deployment: deployment.id.clone(), model: deployment.model.clone() })
    }
}

pub(super) fn routed(deployment: &DeploymentConfig, provider: Arc<dyn Provider>) -> sagewire_router::Deployment {
    let small = |number: u64| u32::try_from(number).unwrap_or(u32::MAX);
    let mut routed =
        sagewire_router::Deployment::new(&deployment.model_name, &deployment.model, provider).with_id(&deployment.id);
    let routing = &deployment.routing;
    routed.weight = routing.weight;
    routed.rpm = routing.rpm;
    routed.tpm = routing.tpm;
    routed.max_parallel_requests = routing.max_parallel_requests.map(small);
    routed.timeout = routing.timeout;
    routed.stream_timeout = routing.stream_timeout;
    routed.order = routing.order.map_or(0, small);
    routed.max_input_tokens = deployment.max_input_tokens;
    routed.num_retries = routing.num_retries.map(small);
    routed.allowed_fails = routing.allowed_fails.map(small);
    routed.cooldown_time = routing.cooldown_time;
    routed
}

/// Adds the deployment to the model of its name. `found` says of one that was found whether it is open to all keys.
pub(super) fn serve(
    models: &mut Vec<ServedModel>,
    deployment: &DeploymentConfig,
    found: Option<bool>,
    served: ServedDeployment,
) {
    // A caller's parameter must mean the same whichever deployment answers: all of them have to allow
    // it.
    let allowed = deployment.routing.configurable_clientside_auth_params.as_deref().unwrap_or_default();
    match models.iter_mut().find(|model| model.name == deployment.model_name) {
        Some(model) => {
            model.caller_parameters.retain(|name| allowed.contains(name));
            model.deployments.push(served);
        }
        None => {
            let model = ServedModel::new(&deployment.model_name).with_mode(deployment.mode).with_deployment(served);
            let model = found.into_iter().fold(model, ServedModel::found);
            models.push(allowed.iter().fold(model, ServedModel::with_caller_parameter));
        }
    }
}

/// An alias is a model by itself, with the deployments of what it stands for.
pub(super) fn add_aliases(models: &mut Vec<ServedModel>, settings: &RouterSettings) {
    let names = ModelNames::new(models.iter().map(|model| (model.name.clone(), model.clone())));
    for (alias, target) in &settings.model_group_alias {
        if let Some(found) = names.find(&target.model_name) {
            let mut model = found.entry.alias(alias).with_hidden(target.hidden);
            for deployment in &mut model.deployments {
                deployment.model = found.fill(&deployment.model);
            }
            models.push(model);
        }
    }
}
