//! The models that are served, with what their requests need at hand.
//!
//! What a caller's name stands for is the router's [`ModelNames`].

use std::sync::Arc;

use sagewire_router::{ModelNames, names};
use serde_json::Value;
use sha2::{Digest as _, Sha256};

use super::served::{ServedDeployment, ServedModel};
use crate::{
    callers::{ExpectedOutput, ExpectedOutputs},
    config::Mode,
    http::disclosure::HiddenName,
    telemetry::{Metrics, ModelMetrics},
};

/// A model with what its requests need at hand.
#[derive(Debug)]
pub(crate) struct Model {
    /// Its name, or `prefix*`: the label of its numbers.
    pub(crate) name: String,
    pub(crate) mode: Option<Mode>,
    pub(crate) hidden: bool,
    /// Another name of a model that is there, too.
    pub(crate) is_alias: bool,
    /// Whether it was found in the account.
    pub(crate) is_found: bool,
    /// Whether only keys that list it may use it.
    pub(crate) needs_listing: bool,
    /// Which of the operator's parameters a caller may set.
    pub(crate) caller_parameters: Vec<String>,
    pub(crate) deployments: Vec<ServedDeployment>,
    /// Real names that its callers do not see.
    pub(crate) hidden_names: Vec<HiddenName>,
    pub(crate) metrics: ModelMetrics,
    pub(crate) expected_output: Arc<ExpectedOutput>,
    /// Changes with the configuration of its deployments, so that answers of another one are not
    /// taken for its own.
    pub(crate) fingerprint: [u8; 32],
}

impl Model {
    fn new(served: ServedModel, metrics: &Metrics, outputs: &ExpectedOutputs) -> Self {
        Self {
            expected_output: outputs.of_model(&served.name),
            metrics: metrics.of_model(&served.name),
            hidden_names: hidden_names(&served),
            fingerprint: fingerprint(&served),
            name: served.name,
            mode: served.mode,
            hidden: served.hidden,
            is_alias: served.is_alias,
            is_found: served.is_found,
            needs_listing: served.needs_listing,
            caller_parameters: served.caller_parameters,
            deployments: served.deployments,
        }
    }

    /// Whether a container behind it speaks the API of this route itself.
    pub(crate) fn has_route(&self, path: &str) -> bool {
        self.deployments.iter().any(|deployment| deployment.native_routes.iter().any(|route| route == path))
    }

    /// The largest upload that each of its deployments takes.
    pub(crate) fn max_upload_bytes(&self) -> u64 {
        /// <https://docs.aws.amazon.com/sagemaker/latest/APIReference/API_runtime_InvokeEndpoint.html#API_runtime_InvokeEndpoint_RequestSyntax>
        const OF_AWS: u64 = 6_291_456;
        self.deployments.iter().map(|deployment| deployment.max_upload_bytes.unwrap_or(OF_AWS)).min().unwrap_or(OF_AWS)
    }

    pub(crate) fn is_wildcard(&self) -> bool {
        names::is_pattern(&self.name)
    }
}

fn fingerprint(served: &ServedModel) -> [u8; 32] {
    let deployments = served.deployments.iter();
    let parts: Vec<String> = deployments
        .flat_map(|deployment| {
            [
                deployment.model.clone(),
                Value::from(deployment.parameters.clone()).to_string(),
                deployment.revision.clone(),
            ]
        })
        .collect();
    Sha256::digest(format!("{parts:?}")).into()
}

/// With a wildcard the caller names the endpoint itself, so there is nothing to hide.
fn hidden_names(served: &ServedModel) -> Vec<HiddenName> {
    let mut hidden = Vec::new();
    for real in served.deployments.iter().map(|deployment| &deployment.model).filter(|real| !names::is_pattern(real)) {
        let endpoint = real.split_once('/').map_or(real.as_str(), |(_, endpoint)| endpoint);
        for real in [real.as_str(), endpoint] {
            if real != served.name {
                hidden.push(HiddenName { real: real.to_owned(), shown: served.name.clone() });
            }
        }
    }
    hidden
}

/// Every model that is served.
#[derive(Debug, Default)]
pub(crate) struct ModelTable(ModelNames<Arc<Model>>);

impl ModelTable {
    pub(crate) fn new(served: Vec<ServedModel>, metrics: &Metrics, outputs: &ExpectedOutputs) -> Self {
        let models = served.into_iter().map(|model| {
            let model = Arc::new(Model::new(model, metrics, outputs));
            (model.name.clone(), model)
        });
        Self(ModelNames::new(models))
    }

    pub(crate) fn find<'n>(&'n self, name: &'n str) -> Option<&'n Arc<Model>> {
        self.0.find(name).map(|found| found.entry)
    }

    pub(crate) fn iter(&self) -> impl Iterator<Item = &Arc<Model>> {
        self.0.iter()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn real_names_are_hidden_unless_the_caller_knows_them() {
        let served = |name: &str, real: &str| {
            hidden_names(&ServedModel::new(name).with_deployment(ServedDeployment::new("d", real)))
        };
        let real: Vec<_> = served("gpt-4", "sagemaker/llama").into_iter().map(|name| name.real).collect();
        assert_eq!(real, ["sagemaker/llama", "llama"]);
        assert_eq!(served("llama", "sagemaker/llama").len(), 1);
        assert_eq!(served("sagemaker/*", "sagemaker/*"), []);
    }
}
