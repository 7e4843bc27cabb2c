//! What the control plane answers about endpoints, as far as it tells how to call them.
//!
//! Owns the shapes of the answers. Fields that AWS leaves out, or will add, are no error: nothing
//! here is required but names.
//!
//! <https://docs.aws.amazon.com/sagemaker/latest/APIReference/API_Operations_Amazon_SageMaker_Service.html>

use serde::{Deserialize, de::IgnoredAny};

pub use self::models::{
    Container, Environment, ExecutionMode, HubAccess, InferenceSpecification, Model, ModelDataSource, ModelPackage,
    S3DataSource,
};

mod models;

/// One endpoint of [`ListEndpoints`](https://docs.aws.amazon.com/sagemaker/latest/APIReference/API_ListEndpoints.html).
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(default, rename_all = "PascalCase")]
#[non_exhaustive]
pub struct EndpointSummary {
    /// Its name.
    pub endpoint_name: String,
    /// Its ARN.
    pub endpoint_arn: String,
    /// Its status, such as `InService`.
    pub endpoint_status: String,
    /// When it was changed last, in seconds since 1970.
    pub last_modified_time: f64,
}

/// A tag of an endpoint.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(default, rename_all = "PascalCase")]
#[non_exhaustive]
pub struct Tag {
    /// Its key.
    pub key: String,
    /// Its value, which may be empty.
    pub value: String,
}

/// An answer of [`DescribeEndpoint`](https://docs.aws.amazon.com/sagemaker/latest/APIReference/API_DescribeEndpoint.html).
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(default, rename_all = "PascalCase")]
#[non_exhaustive]
pub struct Endpoint {
    /// Its name.
    pub endpoint_name: String,
    /// Its configuration, which never changes: an update gives the endpoint another one.
    pub endpoint_config_name: Option<String>,
    /// Its status, such as `InService`.
    pub endpoint_status: String,
    /// Why it failed.
    pub failure_reason: Option<String>,
    /// What runs now.
    pub production_variants: Vec<Variant>,
    /// Present if the endpoint takes asynchronous calls alone.
    pub async_inference_config: Option<AsyncInference>,
}

/// What a production variant runs on now.
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(default, rename_all = "PascalCase")]
#[non_exhaustive]
pub struct Variant {
    /// Its name.
    pub variant_name: String,
    /// The images of its containers.
    pub deployed_images: Vec<DeployedImage>,
    /// How many instances it has.
    pub current_instance_count: Option<u32>,
    /// How many it should have.
    pub desired_instance_count: Option<u32>,
    /// Present if it is serverless.
    pub current_serverless_config: Option<Serverless>,
}

/// An image as it was named, and as it was found.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(default, rename_all = "PascalCase")]
#[non_exhaustive]
pub struct DeployedImage {
    /// As the model names it, usually with a tag.
    pub specified_image: Option<String>,
    /// With its digest.
    pub resolved_image: Option<String>,
}

/// The size of a serverless variant.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(default, rename_all = "PascalCase")]
#[non_exhaustive]
pub struct Serverless {
    /// Its memory in MiB.
    #[serde(rename = "MemorySizeInMB")]
    pub memory_size_in_mb: u32,
    /// The most calls at the same time.
    pub max_concurrency: u32,
}

/// Present on endpoints that take asynchronous calls; what is in it does not change how they are
/// called.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct AsyncInference;

impl<'de> Deserialize<'de> for AsyncInference {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        IgnoredAny::deserialize(deserializer).map(|_| Self)
    }
}

/// An answer of [`DescribeEndpointConfig`](https://docs.aws.amazon.com/sagemaker/latest/APIReference/API_DescribeEndpointConfig.html).
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(default, rename_all = "PascalCase")]
#[non_exhaustive]
pub struct EndpointConfig {
    /// Its variants.
    pub production_variants: Vec<ConfiguredVariant>,
    /// Present if the endpoint takes asynchronous calls alone.
    pub async_inference_config: Option<AsyncInference>,
}

/// A production variant as it was configured.
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(default, rename_all = "PascalCase")]
#[non_exhaustive]
pub struct ConfiguredVariant {
    /// Its name.
    pub variant_name: String,
    /// Its model. None if it hosts inference components.
    pub model_name: Option<String>,
    /// The type of its instances. None if it is serverless.
    pub instance_type: Option<String>,
    /// Present if it is serverless.
    pub serverless_config: Option<Serverless>,
    /// How AWS spreads calls over its instances.
    pub routing_config: Option<Routing>,
}

/// How AWS spreads calls over instances.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(default, rename_all = "PascalCase")]
#[non_exhaustive]
pub struct Routing {
    /// `LEAST_OUTSTANDING_REQUESTS`, `RANDOM`, `PREFIX_AWARE` or `KV_AWARE`.
    pub routing_strategy: String,
}

/// One component of [`ListInferenceComponents`](https://docs.aws.amazon.com/sagemaker/latest/APIReference/API_ListInferenceComponents.html).
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(default, rename_all = "PascalCase")]
#[non_exhaustive]
pub struct ComponentSummary {
    /// Its name.
    pub inference_component_name: String,
    /// The endpoint that hosts it.
    pub endpoint_name: String,
    /// Its status, such as `InService`.
    pub inference_component_status: String,
    /// When it was changed last, in seconds since 1970.
    pub last_modified_time: f64,
}

/// An answer of [`DescribeInferenceComponent`](https://docs.aws.amazon.com/sagemaker/latest/APIReference/API_DescribeInferenceComponent.html).
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(default, rename_all = "PascalCase")]
#[non_exhaustive]
pub struct Component {
    /// Its name.
    pub inference_component_name: String,
    /// The variant that it runs on.
    pub variant_name: Option<String>,
    /// Its status, such as `InService`.
    pub inference_component_status: String,
    /// Why it failed.
    pub failure_reason: Option<String>,
    /// What it runs.
    pub specification: Option<ComponentSpecification>,
    /// The same by the type of the instance.
    pub specifications: Vec<ComponentSpecification>,
    /// How many copies it has.
    pub runtime_config: Option<Copies>,
}

impl Component {
    /// What it runs: on the first type of instance, if that matters.
    #[must_use]
    pub fn runs(&self) -> Option<&ComponentSpecification> {
        self.specification.as_ref().or(self.specifications.first())
    }
}

/// What a component runs.
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(default, rename_all = "PascalCase")]
#[non_exhaustive]
pub struct ComponentSpecification {
    /// The model that its container is described by.
    pub model_name: Option<String>,
    /// Its container, if no model describes it.
    pub container: Option<Container>,
    /// The component whose model it adapts (LoRA).
    pub base_inference_component_name: Option<String>,
}

/// The copies of a component.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(default, rename_all = "PascalCase")]
#[non_exhaustive]
pub struct Copies {
    /// How many it should have.
    pub desired_copy_count: Option<u32>,
    /// How many it has.
    pub current_copy_count: Option<u32>,
}

/// One inference router of `ListInferenceRouters`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(default, rename_all = "PascalCase")]
#[non_exhaustive]
pub struct InferenceRouterSummary {
    /// Its name.
    pub inference_router_name: String,
    /// Its ARN.
    pub inference_router_arn: String,
}

/// An answer of `DescribeInferenceRouter`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(default, rename_all = "PascalCase")]
#[non_exhaustive]
pub struct InferenceRouter {
    /// Its name.
    pub inference_router_name: String,
    /// Its ARN.
    pub inference_router_arn: String,
    /// The models that it answers, each with the places that it may choose.
    pub routing_targets: Vec<RoutingTarget>,
    /// Its status, such as `InService`.
    pub status: String,
}

/// A model within an inference router.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(default, rename_all = "PascalCase")]
#[non_exhaustive]
pub struct RoutingTarget {
    /// Its name, which calls give.
    pub name: String,
    /// Where calls may go.
    pub destinations: Vec<Destination>,
    /// `LocalRegionFirst` or `InstancePoolOrder`.
    pub routing_preference: Option<String>,
    /// Present if it takes asynchronous calls.
    pub async_inference_config: Option<AsyncInference>,
}

/// A place that a router may choose.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(default, rename_all = "PascalCase")]
#[non_exhaustive]
pub struct Destination {
    /// The ARN of the endpoint or inference component, in any region and account.
    pub resource_arn: String,
    /// `Routable`, `Unroutable` or `Unknown`.
    pub routing_status: Option<String>,
}

/// One gateway of `ListGlobalInferenceGateways`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(default, rename_all = "PascalCase")]
#[non_exhaustive]
pub struct GatewaySummary {
    /// Its id, which calls give.
    pub id: String,
    /// Its ARN.
    pub arn: String,
    /// Its name.
    pub name: String,
    /// Its status, such as `ACTIVE`.
    pub status: String,
}

/// An answer of `DescribeGlobalInferenceGateway`. AWS does not say which models it has.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(default, rename_all = "PascalCase")]
#[non_exhaustive]
pub struct Gateway {
    /// Its id, which calls give.
    pub id: String,
    /// Its ARN.
    pub arn: String,
    /// Its name.
    pub name: String,
    /// Its status, such as `ACTIVE`.
    pub status: String,
    /// Its own URL.
    pub endpoint_url: Option<String>,
    /// Why it failed.
    pub failure_reason: Option<String>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_values_of_variables_are_not_shown() {
        let model: Model = serde_json::from_str(
            r#"{"PrimaryContainer": {"Environment": {"HF_TOKEN": "hf_hush", "HF_MODEL_ID": " a/b ", "EMPTY": " "}}}"#,
        )
        .unwrap();
        let text = format!("{model:?} {model:#?}");
        assert!(text.contains("HF_TOKEN") && !text.contains("hush"), "{text}");
        let environment = &model.primary_container.unwrap().environment;
        assert_eq!((environment.get("HF_MODEL_ID"), environment.get("EMPTY")), (Some("a/b"), None));
    }

    #[test]
    fn what_aws_adds_or_leaves_out_is_no_error() {
        let endpoint: Endpoint = serde_json::from_str(
            r#"{"EndpointName": "e", "New": [1], "AsyncInferenceConfig": {"OutputConfig": {}}, "ProductionVariants": [{"VariantName": "v"}]}"#,
        )
        .unwrap();
        assert!(endpoint.async_inference_config.is_some());
        assert_eq!(endpoint.production_variants[0].current_instance_count, None);
    }
}
