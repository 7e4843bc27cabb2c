//! The other ways to a model: an inference router, a global inference gateway, and an endpoint's
//! OpenAI-compatible route.
//!
//! Owns what each adds to a call of the endpoint behind it. Which endpoints these are is the
//! account's to say.

use bytes::Bytes;
use http::{HeaderName, HeaderValue, Response};
use percent_encoding::percent_decode_str;
use serde_json::{Map, Value};

use super::{Call, insert, of_endpoint, refusal};
use crate::{
    aws_error::{ACCOUNT_ID, AwsError, Place, Protocol},
    body::{Body, BrokenOff},
    operation::Operation,
    socket::Ending,
    state::State,
};

const COMPONENT: HeaderName = HeaderName::from_static("x-amzn-sagemaker-inference-component");
const TARGET: HeaderName = HeaderName::from_static("x-amzn-sagemaker-routing-target-name");
const ROUTED_RESOURCE: HeaderName = HeaderName::from_static("x-amzn-sagemaker-invoked-routed-resource-arn");
const ROUTING_REASON: HeaderName = HeaderName::from_static("x-amzn-sagemaker-invoked-routing-reason");

/// An endpoint, or a component of it, that a call goes to.
struct Destination {
    endpoint: String,
    component: Option<String>,
    arn: String,
}

pub(super) async fn answer(state: &State, call: Call<'_>, ending: Ending) -> Result<Response<Body>, BrokenOff> {
    match call.operation {
        Operation::InvokeInferenceRouter | Operation::InvokeInferenceRouterAsync => routed(state, call, ending).await,
        Operation::OpenAiChatCompletions => openai(state, call, ending).await,
        _ => through_gateway(state, call, ending).await,
    }
}

/// What the call is refused with, in its own form.
fn refused(call: &Call<'_>, error: &AwsError) -> Response<Body> {
    let place = Place {
        protocol: call.protocol,
        request_id: call.request_id,
        region: call.region,
        endpoint: call.endpoint,
        container: "primary",
    };
    refusal(error, &place)
}

async fn routed(state: &State, call: Call<'_>, ending: Ending) -> Result<Response<Body>, BrokenOff> {
    let target = call.header(TARGET.as_str()).unwrap_or_default();
    let account = state.account();
    let Some(targets) = account.routing_targets(call.endpoint) else {
        let message = format!("Inference router {} of account {ACCOUNT_ID} not found.", call.endpoint);
        return Ok(refused(&call, &AwsError::modelled("ValidationException", 400, message)));
    };
    let destinations = targets.iter().find(|known| known.get("Name").and_then(Value::as_str) == Some(&target));
    let destinations = destinations.and_then(|target| target.get("Destinations")?.as_array());
    let arns = destinations
        .into_iter()
        .flatten()
        .filter(|destination| destination.get("RoutingStatus").and_then(Value::as_str) != Some("Unroutable"));
    let arns = arns.filter_map(|destination| destination.get("ResourceArn")?.as_str());
    let mut found: Vec<Destination> = arns.filter_map(|arn| destination(state, arn)).collect();
    // The local region first, which is AWS's default.
    found.sort_by_key(|found| region_of(&found.arn) != Some(call.region));
    let Some(chosen) = found.into_iter().next() else {
        let message = format!("Routing target {target} of inference router {} has no destination.", call.endpoint);
        return Ok(refused(&call, &AwsError::modelled("ValidationException", 400, message)));
    };
    let mut headers = call.headers.clone();
    headers.remove(COMPONENT);
    if let Some(component) = chosen.component.as_deref().and_then(|name| HeaderValue::from_str(name).ok()) {
        headers.insert(COMPONENT, component);
    }
    let operation = match call.operation {
        Operation::InvokeInferenceRouterAsync => Operation::InvokeEndpointAsync,
        _ => Operation::InvokeEndpoint,
    };
    let reason = if region_of(&chosen.arn) == Some(call.region) { "local-preferred" } else { "capacity-available" };
    let behind = Call { operation, endpoint: &chosen.endpoint, headers: &headers, ..call };
    let mut response = of_endpoint(state, behind, ending).await?;
    if response.status().is_success() {
        insert(response.headers_mut(), ROUTED_RESOURCE, &chosen.arn);
        insert(response.headers_mut(), ROUTING_REASON, reason);
    }
    Ok(response)
}

fn region_of(arn: &str) -> Option<&str> {
    arn.split(':').nth(3)
}

fn destination(state: &State, arn: &str) -> Option<Destination> {
    let (kind, name) = arn.rsplit_once(':')?.1.split_once('/')?;
    let (endpoint, component) = match kind {
        "endpoint" => (name.to_owned(), None),
        "inference-component" => (state.account().endpoint_of(name)?, Some(name.to_owned())),
        _ => return None,
    };
    state.endpoints.get(&endpoint).is_some().then(|| Destination { endpoint, component, arn: arn.to_owned() })
}

async fn through_gateway(state: &State, call: Call<'_>, ending: Ending) -> Result<Response<Body>, BrokenOff> {
    let not_found = |message: String| AwsError::modelled("ResourceNotFoundException", 404, message);
    let account = state.account();
    let Some(models) = account.gateway_models(call.endpoint) else {
        let error = not_found(format!("Global Inference Gateway: gateway {} not found.", call.endpoint));
        return Ok(refused(&call, &error));
    };
    let Ok(mut body) = serde_json::from_slice::<Map<String, Value>>(&call.body) else {
        let message = "inference gateway: the body is not a JSON object.";
        return Ok(refused(&call, &AwsError::modelled("ValidationException", 400, message)));
    };
    let model = body.get("model").and_then(Value::as_str).unwrap_or_default().to_owned();
    let endpoint = models.get(&model).and_then(Value::as_str);
    let Some(endpoint) = endpoint.filter(|name| state.endpoints.get(name).is_some()) else {
        let error = not_found(format!("inference gateway (model selector): model {model} not found."));
        return Ok(refused(&call, &error));
    };
    // The operation decides it, whatever the body says.
    let streams = call.operation == Operation::InvokeGlobalInferenceGatewayWithResponseStream;
    body.insert("stream".to_owned(), streams.into());
    let operation = if streams { Operation::InvokeEndpointWithResponseStream } else { Operation::InvokeEndpoint };
    let body = Bytes::from(Value::Object(body).to_string());
    let behind = Call { operation, endpoint, body, ..call };
    of_endpoint(state, behind, ending).await
}

async fn openai(state: &State, call: Call<'_>, ending: Ending) -> Result<Response<Body>, BrokenOff> {
    if call.headers.contains_key(COMPONENT) {
        let message = "The header X-Amzn-SageMaker-Inference-Component is not supported on this route.";
        return Ok(refused(&call, &AwsError::validation(message)));
    }
    let mut headers = call.headers.clone();
    let component = call.path.split_once("/inference-components/").and_then(|(_, rest)| rest.split('/').next());
    let component = component.map(|name| percent_decode_str(name).decode_utf8_lossy().into_owned());
    if let Some(component) = component.and_then(|name| HeaderValue::from_str(&name).ok()) {
        headers.insert(COMPONENT, component);
    }
    let body: Value = serde_json::from_slice(&call.body).unwrap_or_default();
    let streams = body.get("stream").and_then(Value::as_bool) == Some(true);
    let operation = if streams { Operation::InvokeEndpointWithResponseStream } else { Operation::InvokeEndpoint };
    let behind = Call { operation, headers: &headers, protocol: Protocol::OpenAi, ..call };
    of_endpoint(state, behind, ending).await
}
