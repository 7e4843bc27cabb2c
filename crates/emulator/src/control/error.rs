//! What the control port refuses, and how it says so.

use http::StatusCode;

/// Why a request to the control port was refused. Its text says what to do.
#[derive(Debug, thiserror::Error)]
pub(super) enum ControlError {
    #[error("the control port is not for browsers: send the request without `origin` and `sec-fetch-site`")]
    Browser,
    #[error("the `host` is not this machine: call `127.0.0.1` or `localhost`, or start with `--control-token`")]
    Host,
    #[error("the token is missing or wrong: send `authorization: Bearer TOKEN`")]
    Token,
    #[error("unknown path: `GET /_sagewire/openapi.json` lists all of them")]
    Path,
    #[error("the method is not allowed here: use {0}")]
    Method(String),
    #[error("the body must be JSON: send `content-type: application/json`")]
    ContentType,
    #[error("the body is larger than the limit of a request")]
    TooLarge,
    #[error("unknown query parameter `{0}`")]
    Query(String),
    #[error("invalid body: {0}")]
    Body(#[source] serde_json::Error),
    #[error("{0}")]
    Value(String),
    #[error("there is no access key `{0}`")]
    NoKey(String),
    #[error("there is no endpoint `{0}`")]
    NoEndpoint(String),
}

impl ControlError {
    pub(super) fn status(&self) -> StatusCode {
        match self {
            Self::Browser | Self::Host => StatusCode::FORBIDDEN,
            Self::Token => StatusCode::UNAUTHORIZED,
            Self::Path | Self::NoKey(_) | Self::NoEndpoint(_) => StatusCode::NOT_FOUND,
            Self::Method(_) => StatusCode::METHOD_NOT_ALLOWED,
            Self::ContentType => StatusCode::UNSUPPORTED_MEDIA_TYPE,
            Self::TooLarge => StatusCode::PAYLOAD_TOO_LARGE,
            Self::Query(_) | Self::Body(_) | Self::Value(_) => StatusCode::BAD_REQUEST,
        }
    }
}
