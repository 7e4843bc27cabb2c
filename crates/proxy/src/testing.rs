//! What the workspace's fuzz targets reach into, behind the feature `testing`. No part of the
//! public interface: it may change with any version.
//!
//! Owns the reach alone: a body goes through the same steps as in a request, up to the call of the
//! provider.

use sagewire::sagemaker::parameters::{self, InRequest};
use sagewire_api::{messages::MessagesRequest, responses::ResponsesRequest};
use sagewire_types::{ChatRequest, CompletionRequest, EmbedRequest};
use serde::de::DeserializeOwned;
use serde_json::{Map, Value};

use crate::{
    CallerParameters, Limits, ServedModel,
    app::ModelTable,
    callers::{ExpectedOutputs, parameters::take_from},
    http::{body, disclosure::Disclosure, error::ApiError},
    telemetry::Metrics,
};

/// A refusal as the caller gets it.
#[derive(Debug)]
pub struct Refused {
    /// The HTTP status.
    pub status: u16,
    /// The body: OpenAI's error object.
    pub body: Vec<u8>,
}

impl From<ApiError> for Refused {
    fn from(error: ApiError) -> Self {
        Self { status: error.status().as_u16(), body: error.to_json() }
    }
}

/// A body that was taken.
#[derive(Debug)]
pub struct Taken<T> {
    /// What the provider is asked.
    pub request: T,
    /// What was taken out of it.
    pub parameters: CallerParameters,
}

/// A body of `/chat/completions`, for a model whose callers may set nothing of the operator's.
///
/// # Errors
/// As the caller gets it.
pub fn chat(bytes: &[u8]) -> Result<Taken<ChatRequest>, Refused> {
    take(bytes, None, |request: &mut ChatRequest| &mut request.extra)
}

/// A body of `/completions`.
///
/// # Errors
/// As the caller gets it.
pub fn completion(bytes: &[u8]) -> Result<Taken<CompletionRequest>, Refused> {
    take(bytes, Some("prompt"), |request: &mut CompletionRequest| &mut request.extra)
}

/// A body of `/embeddings`.
///
/// # Errors
/// As the caller gets it.
pub fn embedding(bytes: &[u8]) -> Result<Taken<EmbedRequest>, Refused> {
    take(bytes, Some("input"), |request: &mut EmbedRequest| &mut request.extra)
}

/// A body of `/messages`, as the chat request that is made of it.
///
/// # Errors
/// As the caller gets it.
pub fn messages(bytes: &[u8]) -> Result<Taken<ChatRequest>, Refused> {
    let request: MessagesRequest = body::parse(bytes, &Limits::default())?;
    let translated = request.into_chat().map_err(|error| ApiError::from_provider(&error, &Disclosure::none()))?;
    checked(translated.chat, |request| &mut request.extra)
}

/// A body of `/responses`, as the chat request that is made of it.
///
/// # Errors
/// As the caller gets it.
pub fn responses(bytes: &[u8]) -> Result<Taken<ChatRequest>, Refused> {
    let request: ResponsesRequest = body::parse(bytes, &Limits::default())?;
    let translated = request.into_chat().map_err(|error| ApiError::from_provider(&error, &Disclosure::none()))?;
    checked(translated.chat, |request| &mut request.extra)
}

/// Whether only the operator may set a parameter of this name.
#[must_use]
pub fn is_operators(name: &str) -> bool {
    matches!(parameters::in_request(name, &Value::Null), InRequest::Listed | InRequest::Operator | InRequest::Nested)
}

fn take<T: DeserializeOwned>(
    bytes: &[u8],
    token_ids: Option<&str>,
    extra: impl Fn(&mut T) -> &mut Map<String, Value>,
) -> Result<Taken<T>, Refused> {
    checked(body::parse_with_token_ids(bytes, &Limits::default(), token_ids)?, extra)
}

fn checked<T>(mut request: T, extra: impl Fn(&mut T) -> &mut Map<String, Value>) -> Result<Taken<T>, Refused> {
    const MODEL: &str = "m";
    let table = ModelTable::new(vec![ServedModel::new(MODEL)], &Metrics::default(), &ExpectedOutputs::default());
    let model = table.find(MODEL).ok_or_else(|| ApiError::unknown_model(MODEL))?;
    let mut callers = CallerParameters::default();
    take_from(&mut callers, extra(&mut request), model)?;
    Ok(Taken { request, parameters: callers })
}
