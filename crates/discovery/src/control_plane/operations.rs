//! The operations of the control plane that are called, and their pages.

use sagewire_types::{Error, ErrorKind};
use serde::de::DeserializeOwned;
use serde_json::{Map, Value, json};

use super::{ControlPlane, unreadable};
use crate::description::{
    Component, ComponentSummary, Endpoint, EndpointConfig, EndpointSummary, Gateway, GatewaySummary, InferenceRouter,
    InferenceRouterSummary, Model, ModelPackage, Tag,
};

/// The largest page that AWS gives.
const PAGE_SIZE: u32 = 100;

/// How many pages are read: 100,000 endpoints. More is a service that never ends its list.
const MAX_PAGES: u32 = 1000;

impl ControlPlane {
    /// The region's endpoints, by name; with `name_contains`, only those whose names contain it.
    ///
    /// # Errors
    /// Those of AWS and of reaching it.
    pub async fn list_endpoints(&self, name_contains: Option<&str>) -> Result<Vec<EndpointSummary>, Error> {
        let mut input = by_name();
        if let Some(part) = name_contains {
            input.insert("NameContains".to_owned(), part.into());
        }
        self.pages("ListEndpoints", "Endpoints", input).await
    }

    /// The region's inference components, by name.
    ///
    /// # Errors
    /// Those of AWS and of reaching it.
    pub async fn list_inference_components(&self) -> Result<Vec<ComponentSummary>, Error> {
        self.pages("ListInferenceComponents", "InferenceComponents", by_name()).await
    }

    /// The tags of an endpoint.
    ///
    /// # Errors
    /// Those of AWS and of reaching it.
    pub async fn list_tags(&self, endpoint_arn: &str) -> Result<Vec<Tag>, Error> {
        self.pages("ListTags", "Tags", Map::from_iter([("ResourceArn".to_owned(), endpoint_arn.into())])).await
    }

    /// An endpoint.
    ///
    /// # Errors
    /// `NotFound` if there is none of this name, and those of AWS and of reaching it.
    pub async fn describe_endpoint(&self, name: &str) -> Result<Endpoint, Error> {
        self.call("DescribeEndpoint", &json!({ "EndpointName": name })).await
    }

    /// The configuration of an endpoint.
    ///
    /// # Errors
    /// As [`describe_endpoint`](Self::describe_endpoint).
    pub async fn describe_endpoint_config(&self, name: &str) -> Result<EndpointConfig, Error> {
        self.call("DescribeEndpointConfig", &json!({ "EndpointConfigName": name })).await
    }

    /// A model.
    ///
    /// # Errors
    /// As [`describe_endpoint`](Self::describe_endpoint).
    pub async fn describe_model(&self, name: &str) -> Result<Model, Error> {
        self.call("DescribeModel", &json!({ "ModelName": name })).await
    }

    /// A model package, by name or ARN.
    ///
    /// # Errors
    /// As [`describe_endpoint`](Self::describe_endpoint).
    pub async fn describe_model_package(&self, name: &str) -> Result<ModelPackage, Error> {
        self.call("DescribeModelPackage", &json!({ "ModelPackageName": name })).await
    }

    /// An inference component.
    ///
    /// # Errors
    /// As [`describe_endpoint`](Self::describe_endpoint).
    pub async fn describe_inference_component(&self, name: &str) -> Result<Component, Error> {
        self.call("DescribeInferenceComponent", &json!({ "InferenceComponentName": name })).await
    }

    /// The region's inference routers.
    ///
    /// # Errors
    /// Those of AWS and of reaching it.
    pub async fn list_inference_routers(&self) -> Result<Vec<InferenceRouterSummary>, Error> {
        self.pages("ListInferenceRouters", "InferenceRouters", page_size()).await
    }

    /// An inference router, with its targets.
    ///
    /// # Errors
    /// As [`describe_endpoint`](Self::describe_endpoint).
    pub async fn describe_inference_router(&self, name: &str) -> Result<InferenceRouter, Error> {
        self.call("DescribeInferenceRouter", &json!({ "InferenceRouterName": name })).await
    }

    /// The region's global inference gateways.
    ///
    /// # Errors
    /// Those of AWS and of reaching it.
    pub async fn list_global_inference_gateways(&self) -> Result<Vec<GatewaySummary>, Error> {
        self.pages("ListGlobalInferenceGateways", "GlobalInferenceGatewaySummaries", page_size()).await
    }

    /// A global inference gateway, by its id or ARN.
    ///
    /// # Errors
    /// As [`describe_endpoint`](Self::describe_endpoint).
    pub async fn describe_global_inference_gateway(&self, identifier: &str) -> Result<Gateway, Error> {
        self.call("DescribeGlobalInferenceGateway", &json!({ "Identifier": identifier })).await
    }

    /// All items of a list, which its answers have under the name `items`.
    async fn pages<T: DeserializeOwned>(
        &self,
        operation: &str,
        items: &str,
        mut input: Map<String, Value>,
    ) -> Result<Vec<T>, Error> {
        let mut all: Vec<T> = Vec::new();
        for _ in 0..MAX_PAGES {
            let mut page: Map<String, Value> = self.call(operation, &Value::Object(input.clone())).await?;
            if let Some(items) = page.remove(items) {
                let items: Vec<T> = serde_json::from_value(items).map_err(|error| unreadable(operation, error))?;
                all.extend(items);
            }
            let Some(Value::String(token)) = page.remove("NextToken").filter(|token| token != "") else {
                return Ok(all);
            };
            if input.get("NextToken") == Some(&token.as_str().into()) {
                return Err(Error::new(
                    ErrorKind::Decode,
                    format!("`{operation}` gives the same page again and again"),
                ));
            }
            input.insert("NextToken".to_owned(), token.into());
        }
        Err(Error::new(ErrorKind::Decode, format!("`{operation}` has more than {MAX_PAGES} pages")))
    }
}

fn page_size() -> Map<String, Value> {
    Map::from_iter([("MaxResults".to_owned(), PAGE_SIZE.into())])
}

/// The order in which nothing is missed or repeated while endpoints come and go.
fn by_name() -> Map<String, Value> {
    let input = [("SortBy", "Name".into()), ("SortOrder", "Ascending".into()), ("MaxResults", PAGE_SIZE.into())];
    input.into_iter().map(|(key, value): (_, Value)| (key.to_owned(), value)).collect()
}
