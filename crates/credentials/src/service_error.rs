//! [`ServiceError`]: what an AWS service answered instead of credentials.

use std::fmt;

/// An AWS service's refusal or failure: HTTP status, error code, message and request id, as far as the answer held them.
///
/// It is the cause of a [`CredentialsError`](crate::CredentialsError): see [`CredentialsError::find_cause`](crate::CredentialsError::find_cause).
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct ServiceError {
    /// The HTTP status.
    pub status: u16,
    /// AWS's code, such as `AccessDenied`.
    pub code: Option<String>,
    /// AWS's message.
    pub message: Option<String>,
    /// What AWS's support asks for.
    pub request_id: Option<String>,
}

/// Codes of temporary trouble, whatever the status: those of AWS's standard retry mode, and STS's own for an identity provider out of reach.
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
    /// An answer of which only the status is known.
    #[must_use]
    pub fn new(status: u16) -> Self {
        Self { status, code: None, message: None, request_id: None }
    }

    /// Whether asking again, unchanged, may help.
    #[must_use]
    pub fn is_retryable(&self) -> bool {
        matches!(self.status, 429 | 500 | 502 | 503 | 504)
            || self
                .code
                .as_deref()
                .is_some_and(|code| RETRYABLE_CODES.contains(&code) || code == "TooManyRequestsException")
    }

    /// Whether AWS refused the request because of the time in its signature.
    pub(crate) fn is_clock_skew(&self) -> bool {
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

/// A service's message as one line of at most 500 characters, without `secrets`, and without the request that services quote to explain why
/// a signature does not match: session token and all.
pub(crate) fn readable(message: &str, secrets: &[&str]) -> String {
    const LONGEST: usize = 500;
    let mut message = message.to_owned();
    for secret in secrets.iter().filter(|secret| !secret.is_empty()) {
        message = message.replace(secret, "[hidden]");
    }
    let quoted = message.find("The Canonical String").or_else(|| message.find("The String-to-Sign"));
    message.truncate(quoted.unwrap_or(message.len()));
    let words: Vec<_> = message.split(|character: char| character.is_whitespace() || character.is_control()).collect();
    let words: Vec<_> = words.into_iter().filter(|word| !word.is_empty()).collect();
    words.join(" ").chars().take(LONGEST).collect()
}

#[cfg(test)]
mod tests {
    use super::ServiceError;

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
    fn tells_temporary_trouble_from_refusal() {
        let with_code = |status, code: &str| ServiceError { code: Some(code.to_owned()), ..ServiceError::new(status) };
        assert!(ServiceError::new(503).is_retryable());
        assert!(with_code(400, "IDPCommunicationError").is_retryable());
        assert!(!with_code(400, "InvalidIdentityToken").is_retryable());
        assert!(!with_code(403, "AccessDenied").is_retryable());
        assert!(with_code(403, "RequestExpired").is_clock_skew());
        assert!(!with_code(403, "SignatureDoesNotMatch").is_clock_skew());
    }
}
