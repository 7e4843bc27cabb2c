//! SageMaker Runtime: its three operations, over requests whose signature is fine.
//!
//! Owns the way from a request through script or container to AWS's answer. Header limits are in
//! `limits`, event streams in `stream`, asynchronous calls in `later`. Rules: the service model of
//! [SageMaker Runtime](https://docs.aws.amazon.com/sagemaker/latest/APIReference/API_Operations_Amazon_SageMaker_Runtime.html).

mod doors;
mod later;
pub(crate) mod limits;
mod stream;

use std::time::{Duration, SystemTime};

use bytes::Bytes;
use http::{HeaderMap, HeaderName, HeaderValue, Response, StatusCode, header::CONTENT_TYPE};

use crate::{
    aws_error::{ACCOUNT_ID, AwsError, Place, Protocol},
    body::{Body, BrokenOff, whole},
    clock::iso8601,
    container::{ContainerReply, Invocation},
    operation::Operation,
    socket::Ending,
    state::State,
};

const VARIANT: HeaderName = HeaderName::from_static("x-amzn-invoked-production-variant");
const CUSTOM_ATTRIBUTES: HeaderName = HeaderName::from_static("x-amzn-sagemaker-custom-attributes");
const NEW_SESSION_ID: HeaderName = HeaderName::from_static("x-amzn-sagemaker-new-session-id");
const CLOSED_SESSION_ID: HeaderName = HeaderName::from_static("x-amzn-sagemaker-closed-session-id");

/// The session id that asks for a new session.
const NEW_SESSION: &str = "NEW_SESSION";
/// How long a new session is said to last.
const SESSION_LIFETIME: Duration = Duration::from_secs(20 * 60);
/// The variant that answers when the caller names none.
const DEFAULT_VARIANT: &str = "AllTraffic";

/// A request to SageMaker Runtime.
#[derive(Debug)]
pub(crate) struct Call<'a> {
    pub(crate) operation: Operation,
    pub(crate) protocol: Protocol,
    /// Still percent-encoded.
    pub(crate) path: &'a str,
    pub(crate) endpoint: &'a str,
    pub(crate) region: &'a str,
    pub(crate) request_id: &'a str,
    pub(crate) headers: &'a HeaderMap,
    pub(crate) body: Bytes,
    pub(crate) received_at: SystemTime,
}

impl Call<'_> {
    fn header(&self, name: &str) -> Option<String> {
        self.headers.get(name)?.to_str().ok().map(str::to_owned)
    }

    fn invocation(&self, session_id: Option<String>) -> Invocation {
        let in_own_header = self.operation != Operation::InvokeEndpoint;
        let later = self.operation == Operation::InvokeEndpointAsync;
        Invocation {
            operation: self.operation,
            endpoint: self.endpoint.to_owned(),
            content_type: self.header(if later { "x-amzn-sagemaker-content-type" } else { "content-type" }),
            accept: self.header(if in_own_header { "x-amzn-sagemaker-accept" } else { "accept" }),
            custom_attributes: self.header("x-amzn-sagemaker-custom-attributes"),
            target_model: self.header("x-amzn-sagemaker-target-model"),
            target_variant: self.header("x-amzn-sagemaker-target-variant"),
            target_container_hostname: self.header("x-amzn-sagemaker-target-container-hostname"),
            inference_component: self.header("x-amzn-sagemaker-inference-component"),
            session_id,
            inference_id: self.header("x-amzn-sagemaker-inference-id"),
            received_at: self.received_at,
            ..Invocation::new(self.body.clone())
        }
    }
}

/// AWS's answer to a call.
pub(crate) async fn answer(state: &State, call: Call<'_>, ending: Ending) -> Result<Response<Body>, BrokenOff> {
    if call.operation.is_other_door() {
        return doors::answer(state, call, ending).await;
    }
    of_endpoint(state, call, ending).await
}

/// An endpoint's answer.
async fn of_endpoint(state: &State, call: Call<'_>, ending: Ending) -> Result<Response<Body>, BrokenOff> {
    let component = call.header("x-amzn-sagemaker-inference-component");
    let container = component.as_deref().map_or_else(|| "primary".to_owned(), container_name);
    let place = Place {
        protocol: call.protocol,
        request_id: call.request_id,
        region: call.region,
        endpoint: call.endpoint,
        container: &container,
    };
    if let Err(error) = limits::check(&call) {
        return Ok(refusal(&error, &place));
    }
    let script = state.prepared.next_script(Some(call.endpoint), call.operation);
    // Where asynchronous calls are run, a script is what comes of them.
    let is_run_later = call.operation == Operation::InvokeEndpointAsync && state.object_store.is_some();
    if let Some(script) = script.clone().filter(|_| !is_run_later) {
        return script.play(&place, ending).await;
    }
    let Some(container) = state.endpoints.get(call.endpoint) else {
        let error = AwsError::validation(format!("Endpoint {} of account {ACCOUNT_ID} not found.", call.endpoint));
        return Ok(refusal(&error, &place));
    };
    if let Err(error) = check_component(&state.components_of(call.endpoint), component.as_deref()) {
        return Ok(refusal(&error, &place));
    }
    if call.operation == Operation::InvokeEndpointAsync {
        return Ok(later::answer(state, &call, container, script.map(|script| (script, ending))));
    }
    let asked_session = call.header("x-amzn-sagemaker-session-id");
    let new_session = (asked_session.as_deref() == Some(NEW_SESSION)).then(|| state.next_generated_id());
    let invocation = call.invocation(new_session.clone().or(asked_session));
    let answering = async {
        if call.operation == Operation::InvokeEndpointWithResponseStream {
            container.stream(invocation).await
        } else {
            container.invoke(invocation).await
        }
    };
    let answered = match tokio::time::timeout(state.container_timeout, answering).await {
        Ok(reply) if reply.is_success() => Ok(reply),
        Ok(reply) => Err(model_error(reply).await),
        Err(_) => Err(timed_out()),
    };
    let mut response = match answered {
        Ok(reply) if call.operation == Operation::InvokeEndpointWithResponseStream => match call.protocol {
            Protocol::OpenAi => stream::plain(reply, state.parts, ending),
            _ => stream::answer(reply, state.parts, ending),
        },
        Ok(reply) => match unary(reply).await {
            Ok(response) => response,
            Err(error) => return Ok(refusal(&error, &place)),
        },
        Err(error) => return Ok(refusal(&error, &place)),
    };
    let variant = call.header("x-amzn-sagemaker-target-variant");
    insert(response.headers_mut(), VARIANT, variant.as_deref().unwrap_or(DEFAULT_VARIANT));
    // A container that opens sessions itself says so.
    if let Some(session) = new_session.filter(|_| !response.headers().contains_key(NEW_SESSION_ID)) {
        let end = iso8601(call.received_at + SESSION_LIFETIME);
        insert(response.headers_mut(), NEW_SESSION_ID, &format!("{session}; Expires={end}"));
    }
    Ok(response)
}

/// An endpoint with inference components is called by one of them. An endpoint without any takes
/// every name.
fn check_component(known: &[String], asked: Option<&str>) -> Result<(), AwsError> {
    match asked {
        _ if known.is_empty() => Ok(()),
        Some(name) if known.iter().any(|known| known == name) => Ok(()),
        Some(name) => {
            Err(AwsError::validation(format!("Inference Component {name} of account {ACCOUNT_ID} not found.")))
        }
        None => Err(AwsError::validation(
            "Inference Component Name header is required for endpoints to which you plan to deploy inference components. Please include \
             Inference Component Name header or consider using SageMaker models.",
        )),
    }
}

/// An error as a response.
pub(crate) fn refusal(error: &AwsError, place: &Place<'_>) -> Response<Body> {
    let (status, headers, body) = error.wire(place);
    let mut response = Response::new(whole(body));
    *response.status_mut() = status;
    *response.headers_mut() = headers;
    response
}

async fn unary(reply: ContainerReply) -> Result<Response<Body>, AwsError> {
    let ContainerReply { content_type, body, custom_attributes, closed_session_id, new_session_id, .. } = reply;
    let body = body
        .collect()
        .await
        .map_err(|error| AwsError::model_error(0, format!("{error} and could not load the entire response body")))?;
    let mut response = Response::new(whole(body));
    insert(response.headers_mut(), CONTENT_TYPE, &content_type);
    insert_optional(response.headers_mut(), CUSTOM_ATTRIBUTES, custom_attributes.as_deref());
    insert_optional(response.headers_mut(), CLOSED_SESSION_ID, closed_session_id.as_deref());
    insert_optional(response.headers_mut(), NEW_SESSION_ID, new_session_id.as_deref());
    *response.status_mut() = StatusCode::OK;
    Ok(response)
}

/// A container's failure, in SageMaker's words.
async fn model_error(reply: ContainerReply) -> AwsError {
    let status = reply.status;
    let message = match reply.body.collect().await {
        Ok(body) => String::from_utf8_lossy(&body).into_owned(),
        Err(error) => format!("{error} and could not load the entire response body"),
    };
    AwsError::model_error(status, message)
}

fn timed_out() -> AwsError {
    AwsError::model_error(
        0,
        "Your invocation timed out while waiting for a response from container primary. Review the latency metrics for each container \
         in Amazon CloudWatch, resolve the issue, and try again.",
    )
}

/// With inference components, SageMaker names the container at random; here the name follows from
/// the component's.
fn container_name(component: &str) -> String {
    format!("{:08x}", crc32fast::hash(component.as_bytes()))
}

/// A container's own header may hold what no header may; it is left out then.
fn insert(headers: &mut HeaderMap, name: HeaderName, value: &str) {
    if let Ok(value) = HeaderValue::from_str(value) {
        headers.insert(name, value);
    }
}

fn insert_optional(headers: &mut HeaderMap, name: HeaderName, value: Option<&str>) {
    if let Some(value) = value {
        insert(headers, name, value);
    }
}
