//! Forward: a route of the container's own, whose body and answer are passed on as they are, whole
//! or in pieces.

use std::fmt;

use bytes::Bytes;

use super::{
    Counted, answer,
    tally::{Tally, in_bytes, tokens},
};
use crate::{Error, ErrorKind, Reply, ReplyStream};

/// A request to a route that the container itself speaks, such as `/v1/responses` or `/v1/rerank`.
#[derive(Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct ForwardRequest {
    /// Which model: `prefix/name`, or an alias that a router or proxy knows.
    pub model: String,
    /// The route's path.
    pub path: String,
    /// The type of the body.
    pub content_type: String,
    /// The type that the answer shall have.
    pub accept: Option<String>,
    /// The body, sent as it is.
    pub body: Bytes,
    /// Whether the route's protocol is heeded: the body names the model as the container knows it,
    /// an answer of another form is an [unknown route](Error::is_unknown_route), and the pieces
    /// of a stream are the JSON of its events, of which the last one must come.
    pub checked: bool,
}

impl ForwardRequest {
    /// A JSON body for this route.
    #[must_use]
    pub fn new(model: impl Into<String>, path: impl Into<String>, body: impl Into<Bytes>) -> Self {
        Self {
            model: model.into(),
            path: path.into(),
            content_type: "application/json".to_owned(),
            accept: None,
            body: body.into(),
            checked: false,
        }
    }

    /// About how many tokens the request has, guessed from the length of its body.
    #[must_use]
    pub fn estimated_tokens(&self) -> u64 {
        tokens(in_bytes(self.body.len()))
    }

    /// Heeds the route's protocol.
    #[must_use]
    pub fn checked(mut self) -> Self {
        self.checked = true;
        self
    }

    /// Sets the type of the body.
    #[must_use]
    pub fn with_content_type(mut self, content_type: impl Into<String>) -> Self {
        self.content_type = content_type.into();
        self
    }

    /// Sets the type that the answer shall have.
    #[must_use]
    pub fn with_accept(mut self, accept: impl Into<String>) -> Self {
        self.accept = Some(accept.into());
        self
    }
}

impl fmt::Debug for ForwardRequest {
    /// Counts the body, which holds prompts.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ForwardRequest")
            .field("model", &self.model)
            .field("path", &self.path)
            .field("content_type", &self.content_type)
            .field("accept", &self.accept)
            .field("body_bytes", &self.body.len())
            .field("checked", &self.checked)
            .finish()
    }
}

/// The answer of a container's own route, in the pieces in which it came. Whether it is whole only
/// its protocol tells: a connection that breaks is an error, an answer that the container ends
/// early is not.
pub type ForwardStream = ReplyStream<Bytes>;

answer!(Forward, Reply<Bytes>);
answer!(ForwardStream, ForwardStream);

/// The parameter that an unknown route's error names.
const ROUTE: &str = "route";

impl Error {
    /// The error of a container that does not have a route. Nothing of an answer has been passed
    /// on.
    #[must_use]
    pub fn unknown_route(path: &str) -> Self {
        let message = format!("the container does not have the route `{path}`; leave it out of `native_routes`");
        Self::new(ErrorKind::Unsupported, message).with_param(ROUTE)
    }

    /// Whether the container does not have the route that was asked.
    #[must_use]
    pub fn is_unknown_route(&self) -> bool {
        self.kind() == ErrorKind::Unsupported && self.param() == Some(ROUTE)
    }
}

/// What the bytes mean is not known, so they tell nothing.
impl Counted for Bytes {
    fn tally(&self) -> Tally<'_> {
        Tally::default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn debug_counts_the_body() {
        let request = ForwardRequest::new("m", "/v1/rerank", "the prompt");
        assert_eq!(request.estimated_tokens(), 3);
        let shown = format!("{request:?}");
        assert!(shown.contains("body_bytes: 10") && !shown.contains("prompt"), "{shown}");
    }

    #[test]
    fn an_unknown_route_is_told_from_other_refusals() {
        let error = Error::unknown_route("/v1/responses");
        assert!(error.is_unknown_route() && error.with_attempts(2).is_unknown_route());
        assert!(!Error::new(ErrorKind::Unsupported, "x").with_param("path").is_unknown_route());
    }
}
