//! The one error of every provider.
//!
//! Owns its parts: a kind to act on, a sentence to read, what the service said, and the cause. It
//! maps to no HTTP status: that table is the proxy's.

use std::{error::Error as StdError, fmt, sync::Arc, time::Duration};

pub use kind::ErrorKind;
pub use upstream::Upstream;

mod kind;
mod upstream;

/// A call that failed: what kind of failure, a sentence that says what to do, and the facts behind
/// it.
///
/// `{}` prints this error's own sentence, free of secrets, account ids and console links; `{:?}`
/// adds the causes, the attempts and the request id, which is what `main` prints, and `{:#?}` shows
/// all fields. The causes are in [`source`](StdError::source), and what the service said is in
/// [`upstream`](Self::upstream). Match on [`kind`](Self::kind), never on text.
///
/// ```
/// use sagewire_types::{Error, ErrorKind};
///
/// let error = Error::new(ErrorKind::InvalidRequest, "`messages` is empty: add at least one").with_param("messages");
/// assert_eq!((error.kind(), error.param()), (ErrorKind::InvalidRequest, Some("messages")));
/// assert!(!error.is_retryable());
/// ```
#[derive(Clone)]
pub struct Error(Box<Inner>);

#[derive(Clone)]
struct Inner {
    kind: ErrorKind,
    message: String,
    param: Option<String>,
    upstream: Option<Upstream>,
    retryable: Option<bool>,
    is_callers_choice: bool,
    attempts: u32,
    elapsed: Option<Duration>,
    source: Option<Arc<dyn StdError + Send + Sync>>,
}

impl Error {
    /// An error of this kind, with a sentence that says what to do.
    #[must_use]
    pub fn new(kind: ErrorKind, message: impl Into<String>) -> Self {
        Self(Box::new(Inner {
            kind,
            message: message.into(),
            param: None,
            upstream: None,
            retryable: None,
            is_callers_choice: false,
            attempts: 0,
            elapsed: None,
            source: None,
        }))
    }

    /// A request that can never work as it is, because of this parameter.
    #[must_use]
    pub fn invalid(param: impl Into<String>, message: impl Into<String>) -> Self {
        Self::new(ErrorKind::InvalidRequest, message).with_param(param)
    }

    /// Keeps the cause.
    #[must_use]
    pub fn with_source(mut self, source: impl Into<Box<dyn StdError + Send + Sync>>) -> Self {
        self.0.source = Some(Arc::from(source.into()));
        self
    }

    /// The same error with another sentence.
    #[must_use]
    pub fn with_message(mut self, message: impl Into<String>) -> Self {
        self.0.message = message.into();
        self
    }

    /// Names the parameter at fault.
    #[must_use]
    pub fn with_param(mut self, param: impl Into<String>) -> Self {
        self.0.param = Some(param.into());
        self
    }

    /// Keeps what the service said.
    #[must_use]
    pub fn with_upstream(mut self, upstream: Upstream) -> Self {
        self.0.upstream = Some(upstream);
        self
    }

    /// Keeps AWS's id of the request, unless one is known already.
    #[must_use]
    pub fn with_request_id(mut self, request_id: &str) -> Self {
        self.0.upstream.get_or_insert_default().request_id.get_or_insert_with(|| request_id.to_owned());
        self
    }

    /// Says whether another try may help, where the kind alone does not tell.
    #[must_use]
    pub fn with_retryable(mut self, retryable: bool) -> Self {
        self.0.retryable = Some(retryable);
        self
    }

    /// Says that a choice of the caller's own led to this error: which part of an endpoint is
    /// asked, or with whose credentials. The endpoint is not to blame for it.
    #[must_use]
    pub fn with_callers_choice(mut self) -> Self {
        self.0.is_callers_choice = true;
        self
    }

    /// Says how long the call took until this error.
    #[must_use]
    pub fn with_elapsed(mut self, elapsed: Duration) -> Self {
        self.0.elapsed = Some(elapsed);
        self
    }

    /// Changes the texts that may repeat what was sent: the sentence, and what the service and the
    /// container said. `change` gives the new text where it changes one.
    #[must_use]
    pub fn with_texts(mut self, change: impl Fn(&str) -> Option<String>) -> Self {
        let Inner { message, upstream, .. } = &mut *self.0;
        if let Some(changed) = change(message) {
            *message = changed;
        }
        if let Some(upstream) = upstream {
            upstream.change_texts(change);
        }
        self
    }

    /// Counts the tries made until this error.
    #[must_use]
    pub fn with_attempts(mut self, attempts: u32) -> Self {
        self.0.attempts = attempts;
        self
    }

    /// There are no credentials to sign a call with; retrying it does not help.
    pub fn no_credentials(
        kind: ErrorKind,
        reason: impl fmt::Display,
        source: impl Into<Box<dyn StdError + Send + Sync>>,
    ) -> Self {
        Self::new(kind, format!("no AWS credentials: {reason}")).with_retryable(false).with_source(source)
    }

    /// What to act on.
    #[must_use]
    pub fn kind(&self) -> ErrorKind {
        self.0.kind
    }

    /// The sentence: the same as `{}`.
    #[must_use]
    pub fn message(&self) -> &str {
        &self.0.message
    }

    /// The parameter at fault, where there is one.
    #[must_use]
    pub fn param(&self) -> Option<&str> {
        self.0.param.as_deref()
    }

    /// What the service and the container said, where they were asked at all.
    #[must_use]
    pub fn upstream(&self) -> Option<&Upstream> {
        self.0.upstream.as_ref()
    }

    /// The HTTP status of the service's answer.
    #[must_use]
    pub fn status(&self) -> Option<u16> {
        self.upstream()?.status
    }

    /// AWS's id of the request.
    #[must_use]
    pub fn request_id(&self) -> Option<&str> {
        self.upstream()?.request_id.as_deref()
    }

    /// How long the service asks to wait before the next try.
    #[must_use]
    pub fn retry_after(&self) -> Option<Duration> {
        self.upstream()?.retry_after
    }

    /// How many tries were made until this error; 0 where nothing was sent.
    #[must_use]
    pub fn attempts(&self) -> u32 {
        self.0.attempts
    }

    /// How long the call took until this error, where that is known.
    #[must_use]
    pub fn elapsed(&self) -> Option<Duration> {
        self.0.elapsed
    }

    /// Whether a choice of the caller's own led to it, so that the endpoint is not to blame.
    #[must_use]
    pub fn is_callers_choice(&self) -> bool {
        self.0.is_callers_choice
    }

    /// Whether the same request may well work a moment later, here or on another deployment.
    #[must_use]
    pub fn is_retryable(&self) -> bool {
        self.0.retryable.unwrap_or_else(|| self.0.kind.is_transient())
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0.message)
    }
}

impl fmt::Debug for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Inner { kind, message, param, upstream, retryable, is_callers_choice, attempts, elapsed, source } =
            &*self.0;
        if f.alternate() {
            return f
                .debug_struct("Error")
                .field("kind", kind)
                .field("message", message)
                .field("param", param)
                .field("upstream", upstream)
                .field("retryable", retryable)
                .field("is_callers_choice", is_callers_choice)
                .field("attempts", attempts)
                .field("elapsed", elapsed)
                .field("source", source)
                .finish();
        }
        f.write_str(message)?;
        let mut cause = self.source();
        while let Some(inner) = cause {
            write!(f, ": {inner}")?;
            cause = inner.source();
        }
        let mut facts = vec![kind.to_string()];
        if *attempts > 0 {
            facts.push(format!("{attempts} {}", if *attempts == 1 { "attempt" } else { "attempts" }));
        }
        facts.extend(elapsed.map(|elapsed| format!("{:.1} s", elapsed.as_secs_f64())));
        facts.extend(self.request_id().map(|id| format!("request id {id}")));
        write!(f, " ({})", facts.join(", "))
    }
}

impl StdError for Error {
    fn source(&self) -> Option<&(dyn StdError + 'static)> {
        let source: &(dyn StdError + 'static) = self.0.source.as_deref()?;
        Some(source)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn display_is_this_level_alone_and_the_cause_is_the_source() {
        let cause = std::io::Error::other("the cause");
        let error = Error::new(ErrorKind::Connection, "no connection").with_source(cause);
        assert_eq!(error.to_string(), "no connection");
        assert_eq!(error.source().unwrap().to_string(), "the cause");
    }

    #[test]
    fn debug_is_for_people_and_its_long_form_has_the_fields() {
        let upstream = Upstream { request_id: Some("r-1".to_owned()), ..Upstream::default() };
        let error = Error::new(ErrorKind::Connection, "no connection")
            .with_source(std::io::Error::other("the cause"))
            .with_upstream(upstream)
            .with_attempts(3)
            .with_elapsed(Duration::from_millis(4200));
        let copy = error.clone();
        assert_eq!(format!("{copy:?}"), "no connection: the cause (connection, 3 attempts, 4.2 s, request id r-1)");
        let fields = format!("{error:#?}");
        assert!(fields.contains("kind: Connection") && fields.contains("attempts: 3"), "{fields}");
    }

    #[test]
    fn every_text_that_came_from_outside_can_be_changed() {
        let upstream = Upstream {
            code: Some("a secret".to_owned()),
            message: Some("a secret".to_owned()),
            request_id: Some("a secret".to_owned()),
            original_message: Some("a secret".to_owned()),
            log_stream_arn: Some("a secret".to_owned()),
            body: Some("a secret".into()),
            ..Upstream::default()
        };
        let error = Error::new(ErrorKind::ModelFailed, "a secret").with_upstream(upstream);
        let error = error.with_texts(|text| text.contains("secret").then(|| text.replace("secret", "[redacted]")));
        let told = format!("{error} {error:?} {error:#?}");
        assert!(!told.contains("secret"), "{told}");
        assert_eq!(error.upstream().unwrap().body.as_deref(), Some("a [redacted]".as_bytes()));
    }

    #[test]
    fn the_case_overrules_the_kind() {
        let failed = Error::new(ErrorKind::ModelFailed, "x");
        assert!(!failed.is_retryable());
        assert!(failed.with_retryable(true).is_retryable());
        assert!(Error::new(ErrorKind::Throttled, "x").is_retryable());
    }

    #[test]
    fn upstream_facts_are_reached_through_the_error() {
        let upstream = Upstream { status: Some(424), request_id: Some("r".to_owned()), ..Upstream::default() };
        let error = Error::new(ErrorKind::ModelFailed, "x").with_upstream(upstream).with_attempts(3);
        assert_eq!((error.status(), error.request_id(), error.attempts()), (Some(424), Some("r"), 3));
    }
}
