//! Whether a configuration can be served, without sending anything.
//!
//! Owns going through all deployments and files, so that every problem is named with its place, not
//! the first alone.

use std::{
    collections::{HashMap, HashSet},
    sync::PoisonError,
};

use sagewire::{
    Error, SageMaker,
    credentials::{
        SharedConfig, resolve_region,
        seam::{NoHttp, World},
    },
    sagemaker::{TemplateChoice, TemplateWarning},
};

use super::{CredentialShelf, Wiring, check_prefix, deployment};
use crate::{
    Config,
    config::{DeploymentConfig, Mode, Problem, Reading, Warning},
    server::check_tls,
};

/// What a check finds.
#[derive(Debug, Default)]
#[non_exhaustive]
pub struct Findings {
    /// What must be fixed: the proxy would not start, or each call of a deployment would fail.
    pub problems: Vec<Problem>,
    /// What may be a mistake.
    pub warnings: Vec<Warning>,
    /// The ids of the deployments that cannot be served, if `ignore_invalid_deployments` leaves
    /// them out. Each has a warning.
    pub left_out: HashSet<String>,
}

impl Findings {
    fn unusable(&mut self, deployment: &DeploymentConfig, is_left_out: bool, error: &Error, on_machine: bool) {
        let (id, message) = (&deployment.id, error.message());
        let parameter = error.param();
        if is_left_out {
            let key = format!("litellm_params.{}", parameter.unwrap_or("model"));
            let message = format!("the deployment `{id}` is left out: {message}");
            let warning = deployment.warning_at(parameter, &key, message);
            self.warnings.push(Warning { depends_on_machine: on_machine, ..warning });
            self.left_out.insert(id.clone());
        } else {
            let message = format!("the deployment `{id}` cannot be served: {message}");
            let problem = deployment.problem(parameter, message);
            self.problems.push(Problem { depends_on_machine: on_machine, ..problem });
        }
    }
}

impl Wiring {
    /// A file's configuration with everything that [`check`](Self::check) finds, and without the
    /// deployments that `ignore_invalid_deployments` leaves out.
    pub async fn checked(&self, mut reading: Reading) -> Reading {
        let Findings { problems, mut warnings, left_out } = self.check(&reading.config).await;
        warnings.extend(reading.config.leave_out(&left_out));
        reading.add(warnings, problems);
        reading
    }

    /// Everything about this configuration that can be known to fail without asking the network.
    /// Files that it names are read. A deployment of which a value could not be read is passed
    /// over.
    pub async fn check(&self, config: &Config) -> Findings {
        let mut findings = Findings::default();
        let provider = {
            let mut kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
            self.sagemaker(config, &mut kept)
        };
        let (world, sagemaker) = match provider {
            Ok(provider) => provider,
            Err(error) => {
                findings.problems.push(config.problem(error.to_string()));
                return findings;
            }
        };
        let offline = world.to_builder().with_http(NoHttp).build();
        let is_left_out = config.router_settings.ignore_invalid_deployments;
        let mut shelf = CredentialShelf::default();
        let mut regions: HashMap<Option<String>, bool> = HashMap::new();
        for deployment in config.deployments.iter().filter(|deployment| !deployment.is_broken) {
            if let Err(error) = check_prefix(deployment) {
                let error = Error::invalid("model", error.to_string());
                findings.unusable(deployment, is_left_out, &error, false);
                continue;
            }
            let settings = deployment::settings(deployment, config, &world, &CredentialShelf::default(), &mut shelf);
            let settings = match settings {
                Ok(settings) => settings,
                Err(error) => {
                    findings.unusable(deployment, is_left_out, &error, false);
                    continue;
                }
            };
            if deployment.model.starts_with(SageMaker::OPENAI_EMBEDDINGS) && deployment.mode != Some(Mode::Embedding) {
                findings.warnings.push(embeds_only(deployment));
            }
            if let Some(error) = unknown_profile(deployment, &offline).await {
                findings.unusable(deployment, is_left_out, &error, true);
            } else if settings.region.is_none() {
                let has_region = match regions.get(&settings.profile) {
                    Some(known) => *known,
                    None => resolve_region(&offline, None, settings.profile.as_deref()).await.is_ok(),
                };
                regions.insert(settings.profile.clone(), has_region);
                if !has_region {
                    findings.warnings.push(no_region(deployment));
                }
            }
            let names_a_file = matches!(settings.template, Some(TemplateChoice::Path(_)));
            let sagemaker = sagemaker.with_settings(settings);
            let mut errors = sagemaker.preflight(&deployment.model).await;
            if errors.is_empty()
                && deployment.mode.unwrap_or_default() == Mode::Chat
                && let Ok(model) = deployment.model.parse()
            {
                match sagemaker.template_warning(&model).await {
                    Ok(warning) => {
                        findings.warnings.extend(warning.map(|warning| guessed_prompts(deployment, &warning)));
                    }
                    Err(error) => errors.push(error),
                }
            }
            for error in errors {
                let on_machine = names_a_file && error.param() == Some("chat_template");
                findings.unusable(deployment, is_left_out, &error, on_machine);
            }
        }
        if let Some(reason) = super::batches::conflict(config) {
            findings.problems.push(config.problem(format!("`sagewire_settings.batches`: {reason}")));
        }
        if let Some(files) = &config.sagewire_settings.tls
            && let Err(error) = check_tls(files)
        {
            let causes = std::error::Error::source(&error).map_or_else(String::new, |cause| format!(": {cause}"));
            let problem = config.problem(format!("`sagewire_settings.tls`: {error}{causes}"));
            findings.problems.push(Problem { depends_on_machine: true, ..problem });
        }
        findings
    }
}

/// Why the profile of a deployment cannot be used: the shared files do not have it.
async fn unknown_profile(deployment: &DeploymentConfig, offline: &World) -> Option<Error> {
    let name = deployment.parameters.get("aws_profile_name")?.as_str()?;
    let files = SharedConfig::load(offline, Some(name)).await;
    if files.profile().is_some() || files.problems().next().is_some() {
        return None;
    }
    let message = format!("unknown profile `{name}`: add it to ~/.aws/config, or correct `aws_profile_name`");
    Some(Error::invalid("aws_profile_name", message))
}

fn guessed_prompts(deployment: &DeploymentConfig, warning: &TemplateWarning) -> Warning {
    let message = format!("the deployment `{}`: {warning}", deployment.id);
    // Hugging Face's cache may have the template of a named model.
    let depends_on_machine = matches!(warning, TemplateWarning::UnknownModel { .. });
    Warning { depends_on_machine, ..deployment.warning("litellm_params.hf_model_name", message) }
}

/// LiteLLM's route and AWS's have names that are easily confused.
fn embeds_only(deployment: &DeploymentConfig) -> Warning {
    let route = SageMaker::OPENAI_EMBEDDINGS;
    let message = format!(
        "the deployment `{}`: `{route}<endpoint>` only embeds texts, in OpenAI's form at the endpoint's invocations; it is not AWS's OpenAI-compatible \
         route `/openai/v1`: for chat write `sagemaker_chat/<endpoint>`, for embeddings add `mode: embedding` to `model_info`",
        deployment.id
    );
    deployment.warning("litellm_params.model", message)
}

fn no_region(deployment: &DeploymentConfig) -> Warning {
    let path = "litellm_params.aws_region_name";
    let message = format!(
        "the deployment `{}` has no region here, which is found only on an EC2 instance: set `aws_region_name` or `AWS_REGION`",
        deployment.id
    );
    Warning { depends_on_machine: true, ..deployment.warning(path, message) }
}
