//! [`CredentialsError`]: the crate's one error, with its kinds and its format. Each source writes
//! its own message.

use std::borrow::Cow;
use std::error::Error;
use std::fmt;
use std::sync::Arc;

/// The kind of an error, for programs that react to it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum ErrorKind {
    /// The source is not configured. A chain tries its next source; if a chain returns it, no
    /// source is configured.
    NotConfigured,
    /// A setting is invalid or incomplete. Nothing was sent, and a retry fails until the setting is
    /// corrected.
    InvalidConfiguration,
    /// The source refused, failed, or gave an unusable answer.
    Provider,
    /// The source did not answer in time.
    Timeout,
}

impl ErrorKind {
    /// The kind in a few words, for messages.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::NotConfigured => "not configured",
            Self::InvalidConfiguration => "invalid configuration",
            Self::Provider => "failed",
            Self::Timeout => "timed out",
        }
    }
}

/// One source that a chain tried, and why it gave no credentials.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Attempt {
    /// The name of the source, such as `Environment`.
    pub source: Cow<'static, str>,
    /// Whether it is not configured or failed.
    pub kind: ErrorKind,
    /// The reason and its causes, in one line.
    pub reason: String,
}

impl Attempt {
    /// The attempt on `source` that ended with `error`.
    #[must_use]
    pub fn new(source: impl Into<Cow<'static, str>>, error: &CredentialsError) -> Self {
        Self { source: source.into(), kind: error.kind(), reason: describe(error) }
    }
}

/// An error of finding credentials.
///
/// `Display` says what is wrong and what to do; the cause is in [`source`](Error::source). Neither
/// contains a secret. A clone shares the same error, so that all callers that wait for one renewal
/// get it.
#[derive(Clone)]
pub struct CredentialsError(Arc<Inner>);

#[derive(Clone)]
struct Inner {
    kind: ErrorKind,
    provider: Option<Cow<'static, str>>,
    message: String,
    attempts: Vec<Attempt>,
    cause: Option<Arc<dyn Error + Send + Sync>>,
}

impl CredentialsError {
    /// An error of `kind`. The `message` says what to do. It is printed, so it must contain no
    /// secret.
    #[must_use]
    pub fn new(kind: ErrorKind, message: impl Into<String>) -> Self {
        Self(Arc::new(Inner { kind, provider: None, message: message.into(), attempts: Vec::new(), cause: None }))
    }

    /// The source is not configured.
    #[must_use]
    pub fn not_configured(message: impl Into<String>) -> Self {
        Self::new(ErrorKind::NotConfigured, message)
    }

    /// A setting is invalid or incomplete.
    #[must_use]
    pub fn invalid_configuration(message: impl Into<String>) -> Self {
        Self::new(ErrorKind::InvalidConfiguration, message)
    }

    /// The source refused, failed, or gave an unusable answer.
    #[must_use]
    pub fn provider(message: impl Into<String>) -> Self {
        Self::new(ErrorKind::Provider, message)
    }

    /// The source did not answer in time.
    #[must_use]
    pub fn timeout(message: impl Into<String>) -> Self {
        Self::new(ErrorKind::Timeout, message)
    }

    /// The same error with its cause.
    #[must_use]
    pub fn with_cause(mut self, cause: impl Into<Box<dyn Error + Send + Sync>>) -> Self {
        self.inner().cause = Some(Arc::from(cause.into()));
        self
    }

    /// The same error, of the source called `name`. The first name is kept, since it is the nearest
    /// to the fault.
    #[must_use]
    pub fn with_provider(mut self, name: impl Into<Cow<'static, str>>) -> Self {
        if self.0.provider.is_none() {
            self.inner().provider = Some(name.into());
        }
        self
    }

    /// The same error with the sources that were tried, in order.
    #[must_use]
    pub fn with_attempts(mut self, attempts: Vec<Attempt>) -> Self {
        self.inner().attempts = attempts;
        self
    }

    /// The error's kind.
    #[must_use]
    pub fn kind(&self) -> ErrorKind {
        self.0.kind
    }

    /// The message without the list of the sources that were tried.
    #[must_use]
    pub fn message(&self) -> &str {
        &self.0.message
    }

    /// The name of the source that failed, if there is one.
    #[must_use]
    pub fn provider_name(&self) -> Option<&str> {
        self.0.provider.as_deref()
    }

    /// The sources that a chain tried, in order; empty for the error of a single source.
    #[must_use]
    pub fn attempts(&self) -> &[Attempt] {
        &self.0.attempts
    }

    /// The first error of type `E` among this one's causes.
    #[must_use]
    pub fn find_cause<E: Error + 'static>(&self) -> Option<&E> {
        let mut next = self.source();
        while let Some(error) = next {
            if let Some(found) = error.downcast_ref::<E>() {
                return Some(found);
            }
            next = error.source();
        }
        None
    }

    fn inner(&mut self) -> &mut Inner {
        Arc::make_mut(&mut self.0)
    }
}

impl fmt::Display for CredentialsError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0.message)?;
        if !self.0.attempts.is_empty() {
            f.write_str(" (tried in this order:")?;
            for (index, attempt) in self.0.attempts.iter().enumerate() {
                let mark = if index == 0 { " " } else { "; " };
                write!(f, "{mark}{} ({}: {})", attempt.source, attempt.kind.as_str(), attempt.reason)?;
            }
            f.write_str(")")?;
        }
        Ok(())
    }
}

impl fmt::Debug for CredentialsError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("CredentialsError")
            .field("kind", &self.0.kind)
            .field("provider", &self.0.provider)
            .field("message", &self.0.message)
            .field("attempts", &self.0.attempts)
            .field("cause", &self.0.cause)
            .finish()
    }
}

impl Error for CredentialsError {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        self.0.cause.as_ref().map(|cause| &**cause as &(dyn Error + 'static))
    }
}

/// A file that could not be read.
#[derive(Debug, thiserror::Error)]
#[error("failed to read `{}`", path.display())]
pub(crate) struct ReadError {
    pub(crate) path: std::path::PathBuf,
    pub(crate) source: std::io::Error,
}

impl From<crate::endpoint::EndpointError> for CredentialsError {
    fn from(error: crate::endpoint::EndpointError) -> Self {
        Self::invalid_configuration("could not determine the AWS endpoint from the settings").with_cause(error)
    }
}

/// `error` and its causes in one line, separated by colons. A cause that its parent already quotes
/// is left out.
pub(crate) fn describe(error: &(dyn Error + 'static)) -> String {
    let mut text = error.to_string();
    let mut next = error.source();
    while let Some(cause) = next {
        let level = cause.to_string();
        if !text.ends_with(&level) {
            text.push_str(": ");
            text.push_str(&level);
        }
        next = cause.source();
    }
    text
}

#[cfg(test)]
mod tests {
    use super::{Attempt, CredentialsError, ErrorKind, describe};

    #[test]
    fn keeps_its_cause_and_finds_it_by_type() {
        let io = std::io::Error::new(std::io::ErrorKind::NotFound, "no such file");
        let error =
            CredentialsError::provider("cannot read the token").with_cause(io).with_provider("WebIdentityToken");
        assert_eq!(error.provider_name(), Some("WebIdentityToken"));
        assert_eq!(error.find_cause::<std::io::Error>().unwrap().kind(), std::io::ErrorKind::NotFound);
        assert_eq!(describe(&error), "cannot read the token: no such file");
        assert_eq!(error.to_string(), "cannot read the token");
    }

    #[test]
    fn names_what_was_tried_in_order() {
        let first = CredentialsError::not_configured("AWS_ACCESS_KEY_ID is not set");
        let second = CredentialsError::timeout("no answer");
        let error = CredentialsError::new(ErrorKind::Timeout, "no credentials")
            .with_attempts(vec![Attempt::new("Environment", &first), Attempt::new("InstanceMetadata", &second)]);
        assert_eq!(error.message(), "no credentials");
        assert_eq!(
            error.to_string(),
            "no credentials (tried in this order: Environment (not configured: AWS_ACCESS_KEY_ID is not set); \
             InstanceMetadata (timed out: no answer))"
        );
    }
}
