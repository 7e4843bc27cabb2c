//! [`ServiceError`]: the error that an AWS service answered.

use std::fmt;

use bytes::Bytes;
use serde::Deserialize;

/// An error that an AWS service answered: HTTP status, and code, message and request id if the
/// answer had them.
///
/// It is the cause of a [`CredentialsError`](crate::CredentialsError): see
/// [`CredentialsError::find_cause`](crate::CredentialsError::find_cause).
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct ServiceError {
    /// The HTTP status.
    pub status: u16,
    /// AWS's code, such as `AccessDenied`.
    pub code: Option<String>,
    /// AWS's message.
    pub message: Option<String>,
    /// The request id, which AWS support asks for.
    pub request_id: Option<String>,
}

/// Codes of temporary errors, whatever the status: those of AWS's standard retry mode, and the one
/// of STS for an identity provider that it cannot reach.
const RETRYABLE_CODES: [&str; 12] = [
    "IDPCommunicationError",
    "InternalError",
    "InternalFailure",
    "PriorRequestNotComplete",
    "RequestLimitExceeded",
    "RequestThrottled",
    "RequestThrottledException",
    "RequestTimeout",
    "RequestTimeoutException",
    "ServiceUnavailable",
    "Throttling",
    "ThrottlingException",
];

impl ServiceError {
    /// An error of which only the status is known.
    #[must_use]
    pub fn new(status: u16) -> Self {
        Self { status, code: None, message: None, request_id: None }
    }

    /// What an answer with `status` reports. Its texts come from outside: they become one line
    /// each, without `secrets`, which are the keys and tokens of the request. A service or a proxy
    /// may quote them.
    pub(crate) fn reported(status: u16, texts: Reported<'_>, secrets: &[&str]) -> Self {
        let clean = |text: Option<&str>| text.map(|text| readable(text, secrets)).filter(|text| !text.is_empty());
        Self { status, code: clean(texts.code), message: clean(texts.message), request_id: clean(texts.request_id) }
    }

    /// The error in an answer of a service whose protocol is JSON. Its texts are made safe to
    /// print: one line each, without `secrets`, the keys and tokens of the request. The code is
    /// read from `x-amzn-errortype` or from [`__type`](https://smithy.io/2.0/aws/protocols/aws-json-1_1-protocol.html#operation-error-serialization).
    #[must_use]
    pub fn from_json(answer: &http::Response<Bytes>, secrets: &[&str]) -> Self {
        #[derive(Deserialize)]
        struct Refusal {
            #[serde(alias = "__type")]
            error: Option<String>,
            #[serde(alias = "error_description", alias = "Message")]
            message: Option<String>,
        }
        let header = |name| answer.headers().get(name).and_then(|value| value.to_str().ok());
        let refusal = serde_json::from_slice::<Refusal>(answer.body()).ok();
        let named = header("x-amzn-errortype").or(refusal.as_ref().and_then(|refusal| refusal.error.as_deref()));
        // `com.amazonaws.sso#UnauthorizedException:http://...`: neither the namespace nor the URL is needed.
        let code = named.and_then(|name| name.split(':').next()).map(|name| name.rsplit('#').next().unwrap_or(name));
        let texts = Reported {
            code,
            message: refusal.as_ref().and_then(|refusal| refusal.message.as_deref()),
            request_id: header("x-amzn-requestid"),
        };
        Self::reported(answer.status().as_u16(), texts, secrets)
    }

    /// Whether the same request may succeed if it is sent again.
    #[must_use]
    pub fn is_retryable(&self) -> bool {
        matches!(self.status, 429 | 500 | 502 | 503 | 504)
            || self
                .code
                .as_deref()
                .is_some_and(|code| RETRYABLE_CODES.contains(&code) || code == "TooManyRequestsException")
    }

    /// Whether AWS refused the time in the request's signature.
    #[must_use]
    pub fn is_clock_skew(&self) -> bool {
        let by_message = || {
            let message = self.message.as_deref().unwrap_or_default();
            message.contains("Signature expired") || message.contains("Signature not yet current")
        };
        match self.code.as_deref() {
            Some("RequestExpired" | "RequestInTheFuture" | "RequestTimeTooSkewed") => true,
            Some("SignatureDoesNotMatch" | "InvalidSignatureException") => by_message(),
            _ => false,
        }
    }
}

/// The texts of an answer that reports an error, as they were received.
#[derive(Clone, Copy, Default)]
pub(crate) struct Reported<'a> {
    pub(crate) code: Option<&'a str>,
    pub(crate) message: Option<&'a str>,
    pub(crate) request_id: Option<&'a str>,
}

impl fmt::Display for ServiceError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.code {
            Some(code) => f.write_str(code)?,
            None => write!(f, "HTTP status {}", self.status)?,
        }
        if let Some(message) = &self.message {
            write!(f, ": {message}")?;
        }
        if self.code.is_some() {
            write!(f, " (HTTP status {}", self.status)?;
            if let Some(id) = &self.request_id {
                write!(f, ", request {id}")?;
            }
            f.write_str(")")?;
        }
        Ok(())
    }
}

impl std::error::Error for ServiceError {}

/// A text as one line of at most 500 characters, without `secrets` and without the canonical
/// request, which services quote when a signature does not match: it contains the session token.
fn readable(text: &str, secrets: &[&str]) -> String {
    const LONGEST: usize = 500;
    // Shorter ones, which only test servers have, would garble other words.
    const SHORTEST_SECRET: usize = 6;
    let mut text = text.to_owned();
    for secret in secrets.iter().filter(|secret| secret.len() >= SHORTEST_SECRET) {
        text = text.replace(secret, "[hidden]");
    }
    let quoted = text.find("The Canonical String").or_else(|| text.find("The String-to-Sign"));
    text.truncate(quoted.unwrap_or(text.len()));
    let words: Vec<_> = text.split(|character: char| character.is_whitespace() || character.is_control()).collect();
    let words: Vec<_> = words.into_iter().filter(|word| !word.is_empty()).collect();
    words.join(" ").chars().take(LONGEST).collect()
}

#[cfg(test)]
mod tests {
    use super::{Reported, ServiceError};

    #[test]
    fn no_text_contains_what_was_sent() {
        let texts = Reported {
            code: Some("Denied\u{1b}[31m s3cret"),
            message: Some("No\n\nmatch for the-t0ken. The Canonical String for this request: the-t0ken"),
            request_id: Some("id of the-t0ken"),
        };
        let error = ServiceError::reported(403, texts, &["s3cret", "the-t0ken", "", "d"]);
        assert_eq!(
            error.to_string(),
            "Denied [31m [hidden]: No match for [hidden]. (HTTP status 403, request id of [hidden])"
        );
        let error = ServiceError::reported(403, Reported { code: Some(" "), ..Reported::default() }, &[]);
        assert_eq!(error, ServiceError::new(403));
    }

    #[test]
    fn the_code_of_json_is_in_a_header_or_in_the_body() {
        let answer = |header: Option<&str>, body: &str| {
            let mut answer = http::Response::builder().status(400).header("x-amzn-requestid", "r-1");
            if let Some(header) = header {
                answer = answer.header("x-amzn-errortype", header);
            }
            ServiceError::from_json(&answer.body(body.to_owned().into()).unwrap(), &["the-t0ken"])
        };
        for (header, body) in [
            (Some("ThrottlingException:http://internal.amazon.com/"), r#"{"message":"Rate of the-t0ken exceeded"}"#),
            (
                None,
                r#"{"__type":"com.amazonaws.sagemaker#ThrottlingException","Message":"Rate of the-t0ken exceeded"}"#,
            ),
        ] {
            let error = answer(header, body);
            assert_eq!(
                error.to_string(),
                "ThrottlingException: Rate of [hidden] exceeded (HTTP status 400, request r-1)"
            );
            assert!(error.is_retryable());
        }
        assert_eq!(answer(None, "<html>").code, None);
    }

    #[test]
    fn reads_as_one_line() {
        let mut error = ServiceError::new(403);
        assert_eq!(error.to_string(), "HTTP status 403");
        error.code = Some("AccessDenied".to_owned());
        error.message = Some("not allowed".to_owned());
        error.request_id = Some("r-1".to_owned());
        assert_eq!(error.to_string(), "AccessDenied: not allowed (HTTP status 403, request r-1)");
    }

    #[test]
    fn temporary_errors_are_retryable() {
        let with_code = |status, code: &str| ServiceError { code: Some(code.to_owned()), ..ServiceError::new(status) };
        assert!(ServiceError::new(503).is_retryable());
        assert!(with_code(400, "IDPCommunicationError").is_retryable());
        assert!(!with_code(400, "InvalidIdentityToken").is_retryable());
        assert!(!with_code(403, "AccessDenied").is_retryable());
        assert!(with_code(403, "RequestExpired").is_clock_skew());
        assert!(!with_code(403, "SignatureDoesNotMatch").is_clock_skew());
    }
}
