//! The models that are served, found by the name a caller asks for.
//!
//! Owns the look-up: an exact name first, then the longest `prefix*` that fits.

use std::{collections::HashMap, sync::Arc};

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
    pub(crate) mode: Mode,
    pub(crate) hidden: bool,
    /// Another name of a model that is there, too.
    pub(crate) is_alias: bool,
    /// Which of the operator's parameters a caller may set.
    pub(crate) caller_parameters: Vec<String>,
    pub(crate) deployments: Vec<ServedDeployment>,
    /// Real names that its callers do not see.
    pub(crate) hidden_names: Vec<HiddenName>,
    pub(crate) metrics: ModelMetrics,
    pub(crate) expected_output: Arc<ExpectedOutput>,
}

impl Model {
    fn new(served: ServedModel, metrics: &Metrics, outputs: &ExpectedOutputs) -> Self {
        Self {
            expected_output: outputs.of_model(&served.name),
            metrics: metrics.of_model(&served.name),
            hidden_names: hidden_names(&served),
            name: served.name,
            mode: served.mode,
            hidden: served.hidden,
            is_alias: served.is_alias,
            caller_parameters: served.caller_parameters,
            deployments: served.deployments,
        }
    }

    /// Whether a container behind it speaks the API of this route itself.
    pub(crate) fn has_route(&self, path: &str) -> bool {
        self.deployments.iter().any(|deployment| deployment.native_routes.iter().any(|route| route == path))
    }

    pub(crate) fn is_wildcard(&self) -> bool {
        self.name.ends_with('*')
    }
}

/// With a wildcard the caller names the endpoint itself, so there is nothing to hide.
fn hidden_names(served: &ServedModel) -> Vec<HiddenName> {
    let mut names = Vec::new();
    for real in served.deployments.iter().map(|deployment| &deployment.model).filter(|real| !real.ends_with('*')) {
        let endpoint = real.split_once('/').map_or(real.as_str(), |(_, endpoint)| endpoint);
        for real in [real.as_str(), endpoint] {
            if real != served.name {
                names.push(HiddenName { real: real.to_owned(), shown: served.name.clone() });
            }
        }
    }
    names
}

/// Every model that is served.
#[derive(Debug, Default)]
pub(crate) struct ModelTable {
    /// In the order they were put in.
    all: Vec<Arc<Model>>,
    exact: HashMap<String, Arc<Model>>,
    /// By prefix, the longest first.
    wildcards: Vec<(String, Arc<Model>)>,
}

impl ModelTable {
    pub(crate) fn new(served: Vec<ServedModel>, metrics: &Metrics, outputs: &ExpectedOutputs) -> Self {
        let mut table = Self::default();
        for model in served {
            let model = Arc::new(Model::new(model, metrics, outputs));
            match model.name.strip_suffix('*') {
                Some(prefix) => table.wildcards.push((prefix.to_owned(), Arc::clone(&model))),
                None => {
                    table.exact.insert(model.name.clone(), Arc::clone(&model));
                }
            }
            table.all.push(model);
        }
        table.wildcards.sort_by_key(|(prefix, _)| std::cmp::Reverse(prefix.len()));
        table
    }

    pub(crate) fn find(&self, name: &str) -> Option<&Arc<Model>> {
        self.exact.get(name).or_else(|| {
            let fits = |prefix: &str| name.strip_prefix(prefix).is_some_and(|rest| !rest.is_empty() && rest != "*");
            self.wildcards.iter().find(|(prefix, _)| fits(prefix)).map(|(_, model)| model)
        })
    }

    pub(crate) fn iter(&self) -> impl Iterator<Item = &Arc<Model>> {
        self.all.iter()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_exact_name_comes_first_and_then_the_longest_prefix() {
        let names = ["sagemaker/*", "sagemaker/special-*", "sagemaker/one"];
        let table =
            ModelTable::new(names.map(ServedModel::new).to_vec(), &Metrics::default(), &ExpectedOutputs::default());
        let found = |name: &str| table.find(name).map(|model| model.name.clone());
        assert_eq!(found("sagemaker/one").as_deref(), Some("sagemaker/one"));
        assert_eq!(found("sagemaker/special-x").as_deref(), Some("sagemaker/special-*"));
        assert_eq!(found("sagemaker/other").as_deref(), Some("sagemaker/*"));
        for none in ["sagemaker/", "sagemaker/*", "sagemaker", "", "other"] {
            assert_eq!(found(none), None, "{none}");
        }
    }

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
