//! [`CredentialsError`]: the crate's one error. Owns its kinds and how it reads; each source words its own message.

use std::borrow::Cow;
use std::error::Error;
use std::fmt;
use std::sync::Arc;

/// What went wrong, as far as a program needs to know it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum ErrorKind {
    /// Nothing tells this source to give credentials. A chain moves on; from a whole chain it means that none is configured.
    NotConfigured,
    /// A setting is wrong or incomplete. Nothing was sent; trying again is of no use until it is mended.
    InvalidConfiguration,
    /// The source was asked and refused, failed, or answered something that cannot be used.
    Provider,
    /// The source did not answer in time.
    Timeout,
}

impl ErrorKind {
    /// The kind in a few words, for sentences.
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

/// One source that a chain tried, and why it gave nothing.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Attempt {
    /// The name of the source, such as `Environment`.
    pub source: Cow<'static, str>,
    /// Whether it was passed over or failed.
    pub kind: ErrorKind,
    /// The reason, with those behind it, in one line.
    pub reason: String,
}

impl Attempt {
    /// The attempt on `source` that ended with `error`.
    #[must_use]
    pub fn new(source: impl Into<Cow<'static, str>>, error: &CredentialsError) -> Self {
        Self { source: source.into(), kind: error.kind(), reason: describe(error) }
    }
}

/// Why no credentials were given.
///
/// `Display` is one sentence that says what to do; what lies behind it is in [`source`](Error::source). Neither holds a secret. A clone
/// shares the same error, so that all waiters of one refresh get it.
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
    /// An error of `kind` whose `message` says what to do. The message is printed: no secret in it.
    #[must_use]
    pub fn new(kind: ErrorKind, message: impl Into<String>) -> Self {
        Self(Arc::new(Inner { kind, provider: None, message: message.into(), attempts: Vec::new(), cause: None }))
    }

    /// Nothing tells the source to give credentials.
    #[must_use]
    pub fn not_configured(message: impl Into<String>) -> Self {
        Self::new(ErrorKind::NotConfigured, message)
    }

    /// A setting is wrong or incomplete.
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

    /// The same error with what lies behind it.
    #[must_use]
    pub fn with_cause(mut self, cause: impl Into<Box<dyn Error + Send + Sync>>) -> Self {
        self.inner().cause = Some(Arc::from(cause.into()));
        self
    }

    /// The same error, of the source called `name`. The first name given stays: it is the one nearest to the fault.
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

    /// What went wrong.
    #[must_use]
    pub fn kind(&self) -> ErrorKind {
        self.0.kind
    }

    /// The one sentence that says what to do, without the list of what was tried.
    #[must_use]
    pub fn message(&self) -> &str {
        &self.0.message
    }

    /// The name of the source that failed, where there is one.
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
            f.write_str(" Tried, in this order:")?;
            for (index, attempt) in self.0.attempts.iter().enumerate() {
                let mark = if index == 0 { " " } else { "; " };
                write!(f, "{mark}{} ({}: {})", attempt.source, attempt.kind.as_str(), attempt.reason)?;
            }
            f.write_str(".")?;
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
        Self::invalid_configuration("No AWS endpoint can be made of the settings.").with_cause(error)
    }
}

/// `error` and everything behind it in one line, each level after a colon. A level that its parent already quotes is left out.
pub(crate) fn describe(error: &(dyn Error + 'static)) -> String {
    let mut text = error.to_string();
    let mut next = error.source();
    while let Some(cause) = next {
        let level = cause.to_string();
        if !text.ends_with(&level) {
            let end = text.trim_end_matches('.').len();
            text.truncate(end);
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
            CredentialsError::provider("could not read the token.").with_cause(io).with_provider("WebIdentityToken");
        assert_eq!(error.provider_name(), Some("WebIdentityToken"));
        assert_eq!(error.find_cause::<std::io::Error>().unwrap().kind(), std::io::ErrorKind::NotFound);
        assert_eq!(describe(&error), "could not read the token: no such file");
        assert_eq!(error.to_string(), "could not read the token.");
    }

    #[test]
    fn names_what_was_tried_in_order() {
        let first = CredentialsError::not_configured("AWS_ACCESS_KEY_ID is not set");
        let second = CredentialsError::timeout("no answer");
        let error = CredentialsError::new(ErrorKind::Timeout, "No credentials.")
            .with_attempts(vec![Attempt::new("Environment", &first), Attempt::new("InstanceMetadata", &second)]);
        assert_eq!(error.message(), "No credentials.");
        assert_eq!(
            error.to_string(),
            "No credentials. Tried, in this order: Environment (not configured: AWS_ACCESS_KEY_ID is not set); \
             InstanceMetadata (timed out: no answer)."
        );
    }
}
