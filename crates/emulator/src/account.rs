//! [`Account`]: what SageMaker's control plane says of the emulated account.
//!
//! Owns the resources, in the words of AWS's own descriptions. Requests are answered in
//! `control_plane`.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};

use serde::Deserialize;
use serde_json::{Map, Value, json};

use crate::{aws_error::ACCOUNT_ID, container::Container};

/// A description, as AWS answers it.
type Description = Map<String, Value>;

/// When everything was made where the account does not say, in seconds since 1970.
const CREATED: u64 = 1_700_000_000;

/// The resources of an AWS account, as SageMaker's control plane describes them.
///
/// Its JSON has lists of AWS's own answers: `endpoints` (of `DescribeEndpoint`; `Tags` may be among
/// them), `endpoint_configs`, `models`, `model_packages`, `inference_components`,
/// `inference_routers` and `global_inference_gateways`; and `denied`, the names of operations that
/// the caller may not call. Which endpoint a gateway has for a model is in its `Models`, which AWS
/// does not describe: `{"Qwen/Qwen3-8B": "my-endpoint"}`.
///
/// ```
/// use sagewire_emulator::Account;
///
/// let account = Account::from_json(r#"{
///     "endpoints": [{"EndpointName": "chat", "EndpointConfigName": "c"}],
///     "endpoint_configs": [{"EndpointConfigName": "c", "ProductionVariants": [{"VariantName": "v", "ModelName": "m"}]}],
///     "models": [{"ModelName": "m", "PrimaryContainer": {"Image": "763104351884.dkr.ecr.us-east-1.amazonaws.com/vllm:server-2.6"}}]
/// }"#)?;
/// assert_eq!(account.endpoints().collect::<Vec<_>>(), ["chat"]);
/// # Ok::<(), sagewire_emulator::AccountError>(())
/// ```
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Account {
    resources: BTreeMap<Resource, BTreeMap<String, Description>>,
    denied: BTreeSet<String>,
}

/// Why an account cannot be used.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum AccountError {
    /// The text is not JSON of the account's form.
    #[error("invalid account: expected lists of AWS's descriptions, such as `endpoints` and `models`")]
    Json(#[from] serde_json::Error),
    /// A description without the name of what it describes.
    #[error("invalid account: an entry of `{list}` has no `{name}`")]
    Unnamed {
        /// The list.
        list: &'static str,
        /// The missing member.
        name: &'static str,
    },
}

/// A kind of resource.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Resource {
    Endpoint,
    EndpointConfig,
    Model,
    ModelPackage,
    InferenceComponent,
    InferenceRouter,
    GlobalInferenceGateway,
}

impl Resource {
    const ALL: [Self; 7] = [
        Self::Endpoint,
        Self::EndpointConfig,
        Self::Model,
        Self::ModelPackage,
        Self::InferenceComponent,
        Self::InferenceRouter,
        Self::GlobalInferenceGateway,
    ];

    /// AWS's name of the kind.
    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::Endpoint => "Endpoint",
            Self::EndpointConfig => "EndpointConfig",
            Self::Model => "Model",
            Self::ModelPackage => "ModelPackage",
            Self::InferenceComponent => "InferenceComponent",
            Self::InferenceRouter => "InferenceRouter",
            Self::GlobalInferenceGateway => "GlobalInferenceGateway",
        }
    }

    /// The member of a description that names the resource.
    pub(crate) const fn key(self) -> &'static str {
        match self {
            Self::Endpoint => "EndpointName",
            Self::EndpointConfig => "EndpointConfigName",
            Self::Model => "ModelName",
            Self::ModelPackage => "ModelPackageName",
            Self::InferenceComponent => "InferenceComponentName",
            Self::InferenceRouter => "InferenceRouterName",
            Self::GlobalInferenceGateway => "Id",
        }
    }

    /// The member of a request that names the resource.
    pub(crate) const fn identifier(self) -> &'static str {
        match self {
            Self::GlobalInferenceGateway => "Identifier",
            _ => self.key(),
        }
    }

    /// The member of a description with its ARN.
    pub(crate) fn arn_member(self) -> String {
        match self {
            Self::GlobalInferenceGateway => "Arn".to_owned(),
            _ => format!("{}Arn", self.name()),
        }
    }

    /// The member of a description with its status, and the status where none is given.
    pub(crate) fn status(self) -> Option<(String, &'static str)> {
        match self {
            Self::Endpoint | Self::InferenceComponent => Some((format!("{}Status", self.name()), "InService")),
            Self::InferenceRouter => Some(("Status".to_owned(), "InService")),
            Self::GlobalInferenceGateway => Some(("Status".to_owned(), "ACTIVE")),
            _ => None,
        }
    }

    /// The member of a list's answer.
    pub(crate) fn list_member(self) -> String {
        match self {
            Self::GlobalInferenceGateway => "GlobalInferenceGatewaySummaries".to_owned(),
            _ => format!("{}s", self.name()),
        }
    }

    /// The kind in an ARN.
    const fn in_arn(self) -> &'static str {
        match self {
            Self::Endpoint => "endpoint",
            Self::EndpointConfig => "endpoint-config",
            Self::Model => "model",
            Self::ModelPackage => "model-package",
            Self::InferenceComponent => "inference-component",
            Self::InferenceRouter => "inference-router",
            Self::GlobalInferenceGateway => "global-inference-gateway",
        }
    }

    const fn list(self) -> &'static str {
        match self {
            Self::Endpoint => "endpoints",
            Self::EndpointConfig => "endpoint_configs",
            Self::Model => "models",
            Self::ModelPackage => "model_packages",
            Self::InferenceComponent => "inference_components",
            Self::InferenceRouter => "inference_routers",
            Self::GlobalInferenceGateway => "global_inference_gateways",
        }
    }
}

#[derive(Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
struct File {
    endpoints: Vec<Description>,
    endpoint_configs: Vec<Description>,
    models: Vec<Description>,
    model_packages: Vec<Description>,
    inference_components: Vec<Description>,
    inference_routers: Vec<Description>,
    global_inference_gateways: Vec<Description>,
    denied: BTreeSet<String>,
}

impl Account {
    /// The account in a JSON text.
    ///
    /// # Errors
    /// [`AccountError`] if the text does not have the account's form.
    pub fn from_json(text: &str) -> Result<Self, AccountError> {
        let file: File = serde_json::from_str(text)?;
        let lists = [
            file.endpoints,
            file.endpoint_configs,
            file.models,
            file.model_packages,
            file.inference_components,
            file.inference_routers,
            file.global_inference_gateways,
        ];
        let mut account = Self { resources: BTreeMap::new(), denied: file.denied };
        for (resource, list) in Resource::ALL.into_iter().zip(lists) {
            for description in list {
                account.insert(resource, description)?;
            }
        }
        Ok(account)
    }

    /// The names of its endpoints, in alphabetical order.
    pub fn endpoints(&self) -> impl Iterator<Item = &str> {
        self.all(Resource::Endpoint).map(|(name, _)| name.as_str())
    }

    /// An account with an endpoint for each of these containers, as far as a container says what it
    /// is.
    pub(crate) fn of_containers(containers: impl Iterator<Item = (String, Arc<dyn Container>)>) -> Self {
        let mut account = Self::default();
        for (name, container) in containers {
            let model = json!({"ModelName": name, "PrimaryContainer": {"Image": container.image()}});
            let variant = json!({"VariantName": "AllTraffic", "ModelName": name, "InstanceType": "ml.g5.2xlarge", "InitialInstanceCount": 1});
            let config = json!({"EndpointConfigName": name, "ProductionVariants": [variant]});
            let running = json!({"VariantName": "AllTraffic", "CurrentInstanceCount": 1, "DesiredInstanceCount": 1});
            let endpoint = json!({"EndpointName": name, "EndpointConfigName": name, "ProductionVariants": [running]});
            for (resource, description) in
                [(Resource::Endpoint, endpoint), (Resource::EndpointConfig, config), (Resource::Model, model)]
            {
                if let Value::Object(description) = description {
                    account.put(resource, name.clone(), description);
                }
            }
        }
        account
    }

    fn insert(&mut self, resource: Resource, description: Description) -> Result<(), AccountError> {
        let unnamed = || AccountError::Unnamed { list: resource.list(), name: resource.key() };
        let name = description.get(resource.key()).and_then(Value::as_str).ok_or_else(unnamed)?.to_owned();
        self.put(resource, name, description);
        Ok(())
    }

    /// Adds a description, with the status and the times that every one has.
    fn put(&mut self, resource: Resource, name: String, mut description: Description) {
        if let Some((member, status)) = resource.status() {
            description.entry(member).or_insert_with(|| status.into());
        }
        for time in ["CreationTime", "LastModifiedTime"] {
            description.entry(time).or_insert_with(|| CREATED.into());
        }
        self.resources.entry(resource).or_default().insert(name, description);
    }

    /// All resources of a kind, by name.
    pub(crate) fn all(&self, resource: Resource) -> impl Iterator<Item = (&String, &Description)> {
        self.resources.get(&resource).into_iter().flatten()
    }

    /// A resource by its name, or by its ARN.
    pub(crate) fn get(&self, resource: Resource, name: &str) -> Option<&Description> {
        let by_name = self.resources.get(&resource)?;
        by_name.get(name).or_else(|| {
            let member = resource.arn_member();
            by_name.values().find(|description| description.get(&member).and_then(Value::as_str) == Some(name))
        })
    }

    /// The names of an endpoint's inference components.
    pub(crate) fn components_of<'a>(&'a self, endpoint: &'a str) -> impl Iterator<Item = &'a str> {
        let of_endpoint =
            move |description: &Description| description.get("EndpointName").and_then(Value::as_str) == Some(endpoint);
        self.all(Resource::InferenceComponent)
            .filter(move |(_, description)| of_endpoint(description))
            .map(|(name, _)| name.as_str())
    }

    /// The targets of an inference router.
    pub(crate) fn routing_targets(&self, router: &str) -> Option<&Vec<Value>> {
        self.get(Resource::InferenceRouter, router)?.get("RoutingTargets")?.as_array()
    }

    /// The endpoints of a gateway, by the models that they answer.
    pub(crate) fn gateway_models(&self, id: &str) -> Option<&Map<String, Value>> {
        self.get(Resource::GlobalInferenceGateway, id)?.get("Models")?.as_object()
    }

    /// The endpoint that hosts an inference component.
    pub(crate) fn endpoint_of(&self, component: &str) -> Option<String> {
        self.get(Resource::InferenceComponent, component)?.get("EndpointName")?.as_str().map(str::to_owned)
    }

    /// Whether the caller may not call this operation.
    pub(crate) fn denies(&self, operation: &str) -> bool {
        self.denied.contains(operation)
    }

    /// The image of an endpoint's first container, if the account tells: by it a built-in container
    /// is chosen.
    pub(crate) fn image_of(&self, endpoint: &str) -> Option<&str> {
        let config = self.get(Resource::Endpoint, endpoint)?.get("EndpointConfigName")?.as_str()?;
        let variant = self.get(Resource::EndpointConfig, config)?.get("ProductionVariants")?.get(0)?;
        let image_of_model = |name: &Value| {
            let model = self.get(Resource::Model, name.as_str()?)?;
            let container = model.get("PrimaryContainer").or_else(|| model.get("Containers")?.get(0))?;
            container.get("Image")?.as_str()
        };
        match variant.get("ModelName") {
            Some(model) => image_of_model(model),
            None => {
                let mut components = self.all(Resource::InferenceComponent).map(|(_, component)| component);
                let component = components.find(|component| component.get("EndpointName") == Some(&endpoint.into()))?;
                let runs = component.get("Specification").or_else(|| component.get("Specifications")?.get(0))?;
                runs.get("Container")
                    .and_then(|container| container.get("DeployedImage")?.get("SpecifiedImage")?.as_str())
                    .or_else(|| image_of_model(runs.get("ModelName")?))
            }
        }
    }
}

/// The ARN of a resource of the emulated account.
pub(crate) fn arn(resource: Resource, region: &str, name: &str) -> String {
    format!("arn:aws:sagemaker:{region}:{ACCOUNT_ID}:{}/{}", resource.in_arn(), name.to_lowercase())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_broken_account_is_refused_with_its_place() {
        let error = Account::from_json(r#"{"models": [{}]}"#).unwrap_err();
        assert_eq!(error.to_string(), "invalid account: an entry of `models` has no `ModelName`");
        assert!(matches!(Account::from_json(r#"{"endpoint": []}"#), Err(AccountError::Json(_))));
    }
}
