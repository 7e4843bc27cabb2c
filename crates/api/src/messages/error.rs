//! Failures in Anthropic's form: <https://docs.anthropic.com/en/api/errors>

use serde::{Deserialize, Serialize};

/// The parameter of a conversation that Anthropic's servers store.
pub(super) const THREAD: &str = "thread";

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
    /// What Anthropic's SDKs act on.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub details: Option<ErrorDetails>,
}

/// A failure in terms that a program acts on.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct ErrorDetails {
    /// `thread_unsupported_request`: the SDKs then send the whole conversation.
    pub error_code: String,
    /// What is not supported.
    pub unsupported: Vec<String>,
}

impl ErrorBody {
    /// A failure with this HTTP status.
    #[must_use]
    pub fn new(status: u16, message: impl Into<String>) -> Self {
        let error = ErrorDetail { kind: error_type(status).to_owned(), message: message.into(), details: None };
        Self { kind: "error".to_owned(), error, request_id: None }
    }

    /// The same failure, because of this parameter.
    #[must_use]
    pub fn because_of(mut self, param: Option<&str>) -> Self {
        self.error.details = param.filter(|param| *param == THREAD).map(|param| ErrorDetails {
            error_code: "thread_unsupported_request".to_owned(),
            unsupported: vec![param.to_owned()],
        });
        self
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_status_has_anthropics_type() {
        for (status, kind) in [
            (400, "invalid_request_error"),
            (401, "authentication_error"),
            (402, "billing_error"),
            (403, "permission_error"),
            (404, "not_found_error"),
            (408, "timeout_error"),
            (413, "request_too_large"),
            (422, "invalid_request_error"),
            (429, "rate_limit_error"),
            (500, "api_error"),
            (502, "api_error"),
            (503, "overloaded_error"),
            (504, "timeout_error"),
            (529, "overloaded_error"),
        ] {
            assert_eq!(error_type(status), kind, "{status}");
        }
    }
}
