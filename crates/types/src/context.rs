//! What the operator decides about a call, apart from what the caller asks.
//!
//! Owns deadline, trace and the room for typed extensions. JSON from a caller never fills it: only
//! a program, the router, or the proxy's configuration does. That keeps credentials, URLs and
//! headers out of a caller's reach.

use std::time::Instant;

/// The operator's side of one call.
///
/// A provider finds its own settings in the typed extensions; a setting that is not there has the
/// provider's default.
///
/// ```
/// use sagewire_types::{CallContext, Extension};
///
/// #[derive(Clone, Debug, PartialEq)]
/// struct Tenant(&'static str);
///
/// impl Extension for Tenant {}
///
/// let context = CallContext::new().with(Tenant("a"));
/// assert_eq!(context.get::<Tenant>(), Some(&Tenant("a")));
/// ```
#[derive(Clone, Debug, Default)]
#[non_exhaustive]
pub struct CallContext {
    /// When the whole call, with all its tries and its stream, must have ended.
    pub deadline: Option<Instant>,
    /// When the answer must be there: a whole one, or the first chunk of a stream.
    pub answer_by: Option<Instant>,
    /// The trace that the call is part of.
    pub trace: Option<TraceContext>,
    /// Who tries again after a failure.
    pub retries: Retries,
    extensions: http::Extensions,
}

impl CallContext {
    /// A context that leaves everything to the provider.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Sets when the whole call must have ended.
    #[must_use]
    pub fn with_deadline(mut self, deadline: Instant) -> Self {
        self.deadline = Some(deadline);
        self
    }

    /// Sets when the answer, or the first chunk of a stream, must be there.
    #[must_use]
    pub fn with_answer_by(mut self, answer_by: Instant) -> Self {
        self.answer_by = Some(answer_by);
        self
    }

    /// Sets the trace that the call is part of.
    #[must_use]
    pub fn with_trace(mut self, trace: TraceContext) -> Self {
        self.trace = Some(trace);
        self
    }

    /// Sets who tries again after a failure.
    #[must_use]
    pub fn with_retries(mut self, retries: Retries) -> Self {
        self.retries = retries;
        self
    }

    /// Adds an extension, in place of one of the same type.
    #[must_use]
    pub fn with<T: Extension>(mut self, extension: T) -> Self {
        self.extensions.insert(extension);
        self
    }

    /// The extension of this type, where there is one.
    #[must_use]
    pub fn get<T: Extension>(&self) -> Option<&T> {
        self.extensions.get()
    }
}

/// A type that is looked for in a [`CallContext`].
///
/// An extension is found by its type alone. A wrapped one would never be found, so that only the
/// types that somebody looks for can be added:
///
/// ```compile_fail
/// # use sagewire_types::{CallContext, Extension};
/// #[derive(Clone)]
/// struct Tenant(&'static str);
///
/// impl Extension for Tenant {}
///
/// let ignored = CallContext::new().with(std::sync::Arc::new(Tenant("a")));
/// ```
#[diagnostic::on_unimplemented(
    message = "nothing looks for `{Self}` in a call's context",
    note = "add the extension itself, not an `Arc`, `Option`, `Box` or reference of it; implement `Extension` for a type of your own"
)]
pub trait Extension: Clone + Send + Sync + 'static {}

/// Who tries again after a failure.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum Retries {
    /// The provider, by its own settings.
    #[default]
    Provider,
    /// The caller, which has other deployments to try: the provider makes one attempt, and at most
    /// one more where only a fresh signature was needed.
    Caller,
}

/// A [W3C trace context](https://www.w3.org/TR/trace-context/).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TraceContext {
    /// The `traceparent` header.
    pub traceparent: String,
    /// The `tracestate` header.
    pub tracestate: Option<String>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Clone, Debug, PartialEq)]
    struct Tenant(&'static str);

    #[derive(Clone, Debug, PartialEq)]
    struct Priority(u8);

    impl Extension for Tenant {}
    impl Extension for Priority {}

    #[test]
    fn an_extension_replaces_one_of_its_type_and_debug_shows_none() {
        let context = CallContext::new().with(Tenant("secret-one")).with(Tenant("secret-two")).with(Priority(7));
        assert_eq!(context.get(), Some(&Tenant("secret-two")));
        assert_eq!(context.get(), Some(&Priority(7)));
        assert!(!format!("{context:?}").contains("secret"), "{context:?}");
    }
}
