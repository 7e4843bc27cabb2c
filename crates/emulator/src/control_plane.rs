//! SageMaker's control plane: lists and descriptions of the emulated account, page by page.
//!
//! Owns which operation answers with what. The resources are the account's.
//!
//! <https://docs.aws.amazon.com/sagemaker/latest/APIReference/API_Operations_Amazon_SageMaker_Service.html>

use bytes::Bytes;
use http::{HeaderValue, Response, header::CONTENT_TYPE};
use serde_json::{Map, Value, json};

use crate::{
    account::{Account, Resource, arn},
    aws_error::{ACCOUNT_ID, AwsError},
    body::{Body, whole},
    operation::Operation,
};

/// The size of a page where a request does not say.
const PAGE_SIZE: usize = 10;
const MAX_PAGE_SIZE: usize = 100;
/// What the token of a page begins with; the place of its first item follows.
const TOKEN: &str = "page-from-";

/// What the account answers to a request in this region, or its error.
pub(crate) fn answer(
    account: &Account,
    operation: Operation,
    body: &Bytes,
    region: &str,
    caller: &str,
) -> Result<Response<Body>, AwsError> {
    if account.denies(operation.as_str()) {
        return Err(AwsError::access_denied(format!(
            "User: {caller} is not authorized to perform: sagemaker:{operation} on resource: arn:aws:sagemaker:{region}:{ACCOUNT_ID}:*"
        )));
    }
    let input: Map<String, Value> = serde_json::from_slice(body)
        .map_err(|_| AwsError::front_door("SerializationException", 400, "the body is not a JSON object"))?;
    let request = ControlPlaneRequest { account, input: &input, region };
    let answer = match operation {
        Operation::ListEndpoints => request.list(Resource::Endpoint)?,
        Operation::ListInferenceComponents => request.list(Resource::InferenceComponent)?,
        Operation::ListInferenceRouters => request.list(Resource::InferenceRouter)?,
        Operation::ListGlobalInferenceGateways => request.list(Resource::GlobalInferenceGateway)?,
        Operation::ListTags => request.tags()?,
        Operation::DescribeEndpoint => request.describe(Resource::Endpoint)?,
        Operation::DescribeEndpointConfig => request.describe(Resource::EndpointConfig)?,
        Operation::DescribeModel => request.describe(Resource::Model)?,
        Operation::DescribeModelPackage => request.describe(Resource::ModelPackage)?,
        Operation::DescribeInferenceComponent => request.describe(Resource::InferenceComponent)?,
        Operation::DescribeInferenceRouter => request.describe(Resource::InferenceRouter)?,
        Operation::DescribeGlobalInferenceGateway => request.describe(Resource::GlobalInferenceGateway)?,
        _ => return Err(AwsError::unknown_operation()),
    };
    let mut response = Response::new(whole(answer.to_string()));
    response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static("application/x-amz-json-1.1"));
    Ok(response)
}

struct ControlPlaneRequest<'a> {
    account: &'a Account,
    input: &'a Map<String, Value>,
    region: &'a str,
}

impl<'a> ControlPlaneRequest<'a> {
    fn text(&self, name: &str) -> Option<&'a str> {
        self.input.get(name)?.as_str()
    }

    fn required(&self, name: &str) -> Result<&'a str, AwsError> {
        self.text(name).filter(|text| !text.is_empty()).ok_or_else(|| {
            validation(format!(
                "1 validation error detected: Value null at '{name}' failed to satisfy constraint: Member must not be null"
            ))
        })
    }

    /// The description of the resource that the request names.
    fn describe(&self, resource: Resource) -> Result<Value, AwsError> {
        let name = self.required(resource.identifier())?;
        let found = self.account.get(resource, name).filter(|description| self.is_here(resource, description));
        let Some(description) = found else {
            let arn = arn(resource, self.region, name);
            return Err(validation(format!("Could not find {} \"{arn}\".", resource.name())));
        };
        let mut description = self.with_arn(resource, description);
        for own in ["Tags", "Models"] {
            description.remove(own);
        }
        Ok(description.into())
    }

    /// A page of the resources that pass the request's filters.
    fn list(&self, resource: Resource) -> Result<Value, AwsError> {
        let status = resource.status().map(|(member, _)| member).unwrap_or_default();
        let passes = |name: &String, description: &Map<String, Value>| {
            let equals = |filter: &str, member: &str| {
                self.text(filter).is_none_or(|wanted| description.get(member).and_then(Value::as_str) == Some(wanted))
            };
            self.is_here(resource, description)
                && self.text("NameContains").is_none_or(|part| name.contains(part))
                && equals("StatusEquals", &status)
                && equals("EndpointNameEquals", "EndpointName")
                && equals("VariantNameEquals", "VariantName")
        };
        let found = self.account.all(resource).filter(|(name, description)| passes(name, description));
        let mut items: Vec<Value> = found.map(|(_, description)| self.summary(resource, description)).collect();
        if self.text("SortOrder") == Some("Descending") {
            items.reverse();
        }
        self.page(&resource.list_member(), items)
    }

    fn tags(&self) -> Result<Value, AwsError> {
        let wanted = self.required("ResourceArn")?;
        let mut endpoints = self.account.all(Resource::Endpoint).map(|(_, description)| description);
        let found = endpoints.find(|description| {
            self.with_arn(Resource::Endpoint, description).get("EndpointArn").and_then(Value::as_str) == Some(wanted)
        });
        let tags = found.and_then(|description| description.get("Tags")?.as_array().cloned());
        self.page("Tags", tags.unwrap_or_default())
    }

    fn page(&self, name: &str, items: Vec<Value>) -> Result<Value, AwsError> {
        let start = match self.text("NextToken") {
            Some(token) => token
                .strip_prefix(TOKEN)
                .and_then(|start| start.parse::<usize>().ok())
                .ok_or_else(|| validation("The pagination token is invalid."))?,
            None => 0,
        };
        let size = match self.input.get("MaxResults").map(Value::as_u64) {
            None => PAGE_SIZE,
            Some(size) => size
                .and_then(|size| usize::try_from(size).ok())
                .filter(|size| (1..=MAX_PAGE_SIZE).contains(size))
                .ok_or_else(|| validation("MaxResults must be between 1 and 100."))?,
        };
        let total = items.len();
        let page: Vec<Value> = items.into_iter().skip(start).take(size).collect();
        let end = start + page.len();
        let mut answer = Map::from_iter([(name.to_owned(), page.into())]);
        if end < total {
            answer.insert("NextToken".to_owned(), format!("{TOKEN}{end}").into());
        }
        Ok(answer.into())
    }

    /// A resource whose ARN names another region is not in this one.
    fn is_here(&self, resource: Resource, description: &Map<String, Value>) -> bool {
        let arn = description.get(&resource.arn_member()).and_then(Value::as_str);
        arn.is_none_or(|arn| arn.split(':').nth(3) == Some(self.region))
    }

    fn with_arn(&self, resource: Resource, description: &Map<String, Value>) -> Map<String, Value> {
        let mut description = description.clone();
        let name = description.get(resource.key()).and_then(Value::as_str).unwrap_or_default().to_owned();
        description.entry(resource.arn_member()).or_insert_with(|| arn(resource, self.region, &name).into());
        description
    }

    /// What a list says of a resource.
    fn summary(&self, resource: Resource, description: &Map<String, Value>) -> Value {
        let (arn, status) = (resource.arn_member(), resource.status().map(|(member, _)| member).unwrap_or_default());
        let mut members =
            vec![resource.key(), &arn, &status, "EndpointName", "VariantName", "CreationTime", "LastModifiedTime"];
        if resource == Resource::GlobalInferenceGateway {
            members.push("Name");
        }
        let mut summary = self.with_arn(resource, description);
        summary.retain(|member, _| members.contains(&member.as_str()));
        json!(summary)
    }
}

fn validation(message: impl Into<String>) -> AwsError {
    AwsError::front_door("ValidationException", 400, message)
}
