//! Whether a configuration can be served, without sending anything.
//!
//! Owns going through all deployments and files, so that every problem is named with its place, not the first alone.

use std::{collections::HashMap, sync::PoisonError};

use sagewire::{
    SageMaker,
    credentials::{resolve_region, seam::NoHttp},
    sagemaker::TemplateWarning,
};

use super::{CredentialShelf, Wiring, check_prefix, deployment};
use crate::{
    Config,
    config::{DeploymentConfig, Mode, Problem, Warning},
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
}

impl Wiring {
    /// Everything about this configuration that can be known to fail without asking the network. Files that it names are read.
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
        let mut shelf = CredentialShelf::default();
        let mut regions: HashMap<Option<String>, bool> = HashMap::new();
        for deployment in &config.deployments {
            let problem = |param: Option<&str>, message: String| {
                deployment.problem(param, format!("the deployment `{}` cannot be served: {message}", deployment.id))
            };
            if let Err(error) = check_prefix(deployment) {
                findings.problems.push(deployment.problem(Some("model"), error.to_string()));
                continue;
            }
            let settings = deployment::settings(deployment, config, &world, &CredentialShelf::default(), &mut shelf);
            let settings = match settings {
                Ok(settings) => settings,
                Err(error) => {
                    findings.problems.push(problem(error.param(), error.message().to_owned()));
                    continue;
                }
            };
            if deployment.model.starts_with(SageMaker::OPENAI_EMBEDDINGS) && deployment.mode != Mode::Embedding {
                findings.warnings.push(embeds_only(deployment));
            }
            if settings.region.is_none() {
                let has_region = match regions.get(&settings.profile) {
                    Some(known) => *known,
                    None => resolve_region(&offline, None, settings.profile.as_deref()).await.is_ok(),
                };
                regions.insert(settings.profile.clone(), has_region);
                if !has_region {
                    findings.warnings.push(no_region(deployment));
                }
            }
            let sagemaker = sagemaker.with_settings(settings);
            let mut errors = sagemaker.preflight(&deployment.model).await;
            if errors.is_empty()
                && deployment.mode == Mode::Chat
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
                findings.problems.push(problem(error.param(), error.message().to_owned()));
            }
        }
        if let Some(files) = &config.sagewire_settings.tls
            && let Err(error) = check_tls(files)
        {
            let causes = std::error::Error::source(&error).map_or_else(String::new, |cause| format!(": {cause}"));
            findings.problems.push(config.problem(format!("`sagewire_settings.tls`: {error}{causes}")));
        }
        findings
    }
}

fn guessed_prompts(deployment: &DeploymentConfig, warning: &TemplateWarning) -> Warning {
    deployment.warning("litellm_params.hf_model_name", format!("the deployment `{}`: {warning}", deployment.id))
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
    deployment.warning(path, message)
}
