//! Failures in Anthropic's form: <https://docs.anthropic.com/en/api/errors>

use serde::{Deserialize, Serialize};

/// The body of a failed request, and the data of a stream's `error` event.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct ErrorBody {
    /// `error`.
    #[serde(rename = "type")]
    pub kind: String,
    /// What failed.
    pub error: ErrorDetail,
    /// The request's id; absent in events.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub request_id: Option<String>,
}

/// What failed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct ErrorDetail {
    /// Anthropic's name for the kind of failure; see [`error_type`].
    #[serde(rename = "type")]
    pub kind: String,
    /// What happened and what to do.
    pub message: String,
}

impl ErrorBody {
    /// A failure with this HTTP status.
    #[must_use]
    pub fn new(status: u16, message: impl Into<String>) -> Self {
        let error = ErrorDetail { kind: error_type(status).to_owned(), message: message.into() };
        Self { kind: "error".to_owned(), error, request_id: None }
    }
}

/// Anthropic's `type` for a failure with this HTTP status.
#[must_use]
pub fn error_type(status: u16) -> &'static str {
    match status {
        401 => "authentication_error",
        402 => "billing_error",
        403 => "permission_error",
        404 => "not_found_error",
        413 => "request_too_large",
        429 => "rate_limit_error",
        503 | 529 => "overloaded_error",
        408 | 504 => "timeout_error",
        400..=499 => "invalid_request_error",
        _ => "api_error",
    }
}
