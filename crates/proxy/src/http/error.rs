//! Failures as callers see them: OpenAI's shape, the true status, and what to do.
//!
//! Owns the one table from [`ErrorKind`] to HTTP status, OpenAI's `type` and `code`. What a message
//! may not say is `disclosure`'s.
//!
//! OpenAI's shape: <https://platform.openai.com/docs/guides/error-codes>. Its SDKs raise their typed exceptions by status, and obey
//! `x-should-retry` and `retry-after`.

use std::{borrow::Cow, time::Duration};

use http::{HeaderMap, HeaderValue, Response, StatusCode, header};
use sagewire::sagemaker::parameters;
use sagewire_api::messages::ErrorBody;
use sagewire_types::{Error, ErrorKind};
use serde::Serialize;
use serde_json::Value;

use crate::{
    http::disclosure::Disclosure,
    http::response::{Body, json_response},
    http::route::{Answer, Route},
};

/// The status that logs show where the caller went away. It is never sent.
pub(crate) const CLIENT_CLOSED_REQUEST: u16 = 499;

/// In whose form a failure is told.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum ErrorForm {
    OpenAi,
    Anthropic,
}

impl ErrorForm {
    /// The form of a route, or of a client that speaks Anthropic's API on any route.
    pub(crate) fn of(route: Option<&Route>, headers: &HeaderMap) -> Self {
        let is_anthropic = headers.contains_key("anthropic-version")
            || route.is_some_and(|route| matches!(route.answer, Answer::Anthropic(..)));
        if is_anthropic { Self::Anthropic } else { Self::OpenAi }
    }
}

/// A failure, ready to be sent.
#[derive(Debug)]
pub(crate) struct ApiError(Box<Inner>);

#[derive(Debug)]
struct Inner {
    status: StatusCode,
    error_type: &'static str,
    code: Option<&'static str>,
    message: String,
    param: Option<String>,
    retry_after: Option<Duration>,
    retryable: Option<bool>,
    aws_request_id: Option<String>,
    upstream: Option<Value>,
    kind: &'static str,
    attempts: u32,
    upstream_status: Option<u16>,
}

/// OpenAI's error object, with two fields of ours that its SDKs pass over.
#[derive(Serialize)]
struct Wire<'a> {
    error: WireError<'a>,
}

#[derive(Serialize)]
struct WireError<'a> {
    message: &'a str,
    #[serde(rename = "type")]
    error_type: &'a str,
    param: Option<&'a str>,
    code: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    aws_request_id: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    upstream: Option<&'a Value>,
}

/// One row of the table: the status, OpenAI's `type` and `code`.
type Row = (StatusCode, &'static str, Option<&'static str>);

const INVALID: &str = "invalid_request_error";
const SERVER: &str = "server_error";
const RATE_LIMIT: &str = "rate_limit_error";

fn row(error: &Error) -> Row {
    match error.kind() {
        ErrorKind::InvalidRequest => (StatusCode::BAD_REQUEST, INVALID, None),
        ErrorKind::Unsupported => (StatusCode::BAD_REQUEST, INVALID, Some("unsupported_parameter")),
        ErrorKind::ContextTooLong => (StatusCode::BAD_REQUEST, INVALID, Some("context_length_exceeded")),
        ErrorKind::NotFound => (StatusCode::NOT_FOUND, INVALID, Some("model_not_found")),
        // AWS refuses the proxy, not the caller: a 401 or 403 would send the caller looking at its own key.
        ErrorKind::Authentication => (StatusCode::BAD_GATEWAY, SERVER, Some("upstream_authentication_failed")),
        ErrorKind::Permission => (StatusCode::BAD_GATEWAY, SERVER, Some("upstream_permission_denied")),
        ErrorKind::Configuration => (StatusCode::INTERNAL_SERVER_ERROR, SERVER, Some("proxy_misconfigured")),
        ErrorKind::Throttled => (StatusCode::TOO_MANY_REQUESTS, RATE_LIMIT, Some("rate_limit_exceeded")),
        ErrorKind::ModelNotReady => (StatusCode::SERVICE_UNAVAILABLE, SERVER, Some("model_not_ready")),
        ErrorKind::Overloaded if original_status(error) == Some(429) => {
            (StatusCode::TOO_MANY_REQUESTS, RATE_LIMIT, Some("model_overloaded"))
        }
        ErrorKind::Overloaded => (StatusCode::SERVICE_UNAVAILABLE, SERVER, Some("model_overloaded")),
        ErrorKind::ModelFailed => (StatusCode::BAD_GATEWAY, SERVER, Some("model_failed")),
        ErrorKind::ServiceFailed => (StatusCode::BAD_GATEWAY, SERVER, Some("upstream_failed")),
        ErrorKind::Timeout => (StatusCode::GATEWAY_TIMEOUT, SERVER, Some("timeout")),
        ErrorKind::Connection => (StatusCode::BAD_GATEWAY, SERVER, Some("upstream_unreachable")),
        ErrorKind::StreamBroken => (StatusCode::BAD_GATEWAY, SERVER, Some("stream_broken")),
        ErrorKind::Decode => (StatusCode::BAD_GATEWAY, SERVER, Some("upstream_invalid_response")),
        ErrorKind::Cancelled => (StatusCode::SERVICE_UNAVAILABLE, SERVER, Some("cancelled")),
        _ => (StatusCode::INTERNAL_SERVER_ERROR, SERVER, None),
    }
}

/// As much of a name as helps to recognize it: a caller's megabytes are not sent back.
pub(super) fn beginning(name: &str) -> Cow<'_, str> {
    const LONGEST: usize = 256;
    match name.char_indices().nth(LONGEST) {
        Some((end, _)) => format!("{}...", name.get(..end).unwrap_or_default()).into(),
        None => name.into(),
    }
}

fn original_status(error: &Error) -> Option<u16> {
    error.upstream()?.original_status
}

impl ApiError {
    fn new(row: Row, message: impl Into<String>) -> Self {
        let (status, error_type, code) = row;
        Self(Box::new(Inner {
            status,
            error_type,
            code,
            message: message.into(),
            param: None,
            retry_after: None,
            retryable: None,
            aws_request_id: None,
            upstream: None,
            kind: code.unwrap_or("invalid_request"),
            attempts: 0,
            upstream_status: None,
        }))
    }

    /// A provider's failure, without what callers may not see.
    pub(crate) fn from_provider(error: &Error, disclosure: &Disclosure<'_>) -> Self {
        let mut message = disclosure.message(error);
        if let Some(id) = error.request_id() {
            message.push_str(&format!(" (AWS request id: {id})"));
        }
        let mut this = Self::new(row(error), message);
        let inner = &mut this.0;
        inner.param = error.param().map(str::to_owned);
        inner.retry_after = error.retry_after();
        inner.retryable = Some(error.is_retryable());
        inner.aws_request_id = error.request_id().map(str::to_owned);
        inner.upstream = disclosure.upstream(error);
        inner.kind = error.kind().as_str();
        inner.attempts = error.attempts();
        inner.upstream_status = error.status();
        this
    }

    /// A request that cannot be used, because of this parameter.
    pub(crate) fn invalid(param: Option<&str>, message: impl Into<String>) -> Self {
        let mut this = Self::new((StatusCode::BAD_REQUEST, INVALID, None), message);
        this.0.param = param.map(str::to_owned);
        this
    }

    /// A parameter of the operator's in a caller's request; `is_listable` if the operator may allow
    /// callers to set it.
    pub(crate) fn operator_parameter(name: &str, is_listable: bool) -> Self {
        let reason = parameters::without_effect(name).map_or_else(String::new, |reason| format!(" ({reason})"));
        let listing = if is_listable {
            ", or ask the proxy's operator to list it in `configurable_clientside_auth_params` of the deployment"
        } else {
            ""
        };
        let mut this = Self::new(
            (StatusCode::BAD_REQUEST, INVALID, Some("parameter_not_allowed")),
            format!("`{name}` cannot be set by a request{reason}: leave it out{listing}"),
        );
        this.0.param = Some(name.to_owned());
        this
    }

    /// A missing or wrong key.
    pub(crate) fn unauthorized(message: impl Into<String>) -> Self {
        Self::new((StatusCode::UNAUTHORIZED, INVALID, Some("invalid_api_key")), message)
    }

    /// A key that may not do this.
    pub(crate) fn forbidden(code: &'static str, message: impl Into<String>) -> Self {
        Self::new((StatusCode::FORBIDDEN, INVALID, Some(code)), message)
    }

    /// A header of which only one can count.
    pub(crate) fn duplicate_header(name: &str) -> Self {
        let mut this = Self::new(
            (StatusCode::BAD_REQUEST, INVALID, Some("duplicate_header")),
            format!("the header `{name}` was sent more than once; send it once"),
        );
        this.0.param = Some(name.to_owned());
        this
    }

    /// A model that is not served.
    pub(crate) fn unknown_model(model: &str) -> Self {
        let model = beginning(model);
        let mut this = Self::new(
            (StatusCode::NOT_FOUND, INVALID, Some("model_not_found")),
            format!(
                "The model `{model}` does not exist or you do not have access to it: `GET /v1/models` lists those there are"
            ),
        );
        this.0.param = Some("model".to_owned());
        this
    }

    /// A stored response that is not there, or not for the caller to see.
    pub(crate) fn unknown_response(id: &str) -> Self {
        Self::new(
            (StatusCode::NOT_FOUND, INVALID, Some("response_not_found")),
            format!("no stored response `{}`; it may have expired", beginning(id)),
        )
    }

    /// A path that is not served.
    pub(crate) fn unknown_path(path: &str) -> Self {
        let path = beginning(path);
        Self::new(
            (StatusCode::NOT_FOUND, INVALID, Some("unknown_url")),
            format!("There is nothing at `{path}`: `GET /openapi.json` lists what there is"),
        )
    }

    /// A method that the path does not know.
    pub(crate) fn wrong_method(method: &http::Method, path: &str, allowed: &str) -> Self {
        let (method, path) = (beginning(method.as_str()), beginning(path));
        Self::new(
            (StatusCode::METHOD_NOT_ALLOWED, INVALID, Some("method_not_allowed")),
            format!("`{path}` does not take {method}: use {allowed}"),
        )
    }

    /// A key's own limit.
    pub(crate) fn rate_limited(
        code: &'static str,
        message: impl Into<String>,
        retry_after: Option<Duration>,
        retryable: bool,
    ) -> Self {
        let mut this = Self::new((StatusCode::TOO_MANY_REQUESTS, RATE_LIMIT, Some(code)), message);
        this.0.retry_after = retry_after;
        this.0.retryable = Some(retryable);
        this
    }

    /// More work than the proxy takes.
    pub(crate) fn busy(message: impl Into<String>, retry_after: Duration) -> Self {
        let mut this = Self::new((StatusCode::SERVICE_UNAVAILABLE, SERVER, Some("proxy_overloaded")), message);
        this.0.retry_after = Some(retry_after);
        this.0.retryable = Some(true);
        this
    }

    /// A limit of the request's form.
    pub(crate) fn refused(status: StatusCode, code: &'static str, message: impl Into<String>) -> Self {
        Self::new((status, INVALID, Some(code)), message)
    }

    /// Our own fault.
    pub(crate) fn internal(message: impl Into<String>) -> Self {
        Self::new((StatusCode::INTERNAL_SERVER_ERROR, SERVER, Some("internal_error")), message)
    }

    pub(crate) fn status(&self) -> StatusCode {
        self.0.status
    }

    /// What happened and what to do.
    pub(crate) fn message(&self) -> &str {
        &self.0.message
    }

    /// The parameter that is at fault.
    pub(crate) fn param(&self) -> Option<&str> {
        self.0.param.as_deref()
    }

    /// What kind of failure it was, for logs and metrics.
    pub(crate) fn kind(&self) -> &'static str {
        self.0.kind
    }

    pub(crate) fn attempts(&self) -> u32 {
        self.0.attempts
    }

    pub(crate) fn aws_request_id(&self) -> Option<&str> {
        self.0.aws_request_id.as_deref()
    }

    /// The same as a mistake of the operator's: a caller cannot fix a name that it has not chosen.
    pub(crate) fn misconfigured(mut self) -> Self {
        let inner = &mut self.0;
        inner.status = StatusCode::BAD_GATEWAY;
        inner.error_type = SERVER;
        inner.code = Some("proxy_misconfigured");
        inner.param = None;
        inner.retryable = Some(false);
        self
    }

    /// The status of AWS's answer, where AWS was asked.
    pub(crate) fn upstream_status(&self) -> Option<u16> {
        self.0.upstream_status
    }

    /// The body: OpenAI's error object.
    pub(crate) fn to_json(&self) -> Vec<u8> {
        let inner = &self.0;
        let wire = Wire {
            error: WireError {
                message: &inner.message,
                error_type: inner.error_type,
                param: inner.param.as_deref(),
                code: inner.code,
                aws_request_id: inner.aws_request_id.as_deref(),
                upstream: inner.upstream.as_ref(),
            },
        };
        // Texts and JSON values always have a JSON form.
        serde_json::to_vec(&wire).unwrap_or_default()
    }

    /// The body in Anthropic's form: <https://docs.anthropic.com/en/api/errors>
    pub(crate) fn to_anthropic(&self, request_id: Option<&HeaderValue>) -> Vec<u8> {
        let mut body = ErrorBody::new(self.0.status.as_u16(), self.0.message.as_str()).because_of(self.param());
        body.request_id = request_id.and_then(|id| id.to_str().ok()).map(str::to_owned);
        serde_json::to_vec(&body).unwrap_or_default()
    }

    /// The whole answer to the request with this id.
    pub(crate) fn to_response(&self, form: ErrorForm, request_id: &HeaderValue) -> Response<Body> {
        let json = match form {
            ErrorForm::OpenAi => self.to_json(),
            ErrorForm::Anthropic => self.to_anthropic(Some(request_id)),
        };
        let mut response = json_response(self.0.status, json.into());
        self.set_headers(response.headers_mut());
        response
    }

    fn set_headers(&self, headers: &mut HeaderMap) {
        let inner = &self.0;
        if let Some(wait) = inner.retry_after {
            // Whole seconds, rounded up: coming back early helps nobody.
            let seconds = wait.as_secs().saturating_add(u64::from(wait.subsec_nanos() > 0)).max(1);
            headers.insert(header::RETRY_AFTER, HeaderValue::from(seconds));
        }
        if inner.status.is_server_error() || inner.status == StatusCode::TOO_MANY_REQUESTS {
            let retry = inner.retryable.unwrap_or(false);
            headers.insert("x-should-retry", HeaderValue::from_static(if retry { "true" } else { "false" }));
        }
        if inner.status == StatusCode::UNAUTHORIZED {
            headers.insert(header::WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"));
        }
        if let Some(id) = inner.aws_request_id.as_deref().and_then(|id| HeaderValue::from_str(id).ok()) {
            headers.insert("x-amzn-requestid", id);
        }
    }
}

#[cfg(test)]
mod tests;
