//! Forward: a route of the container's own, whose body and answer are passed on as they are, whole
//! or in pieces.

use std::{borrow::Cow, fmt, ops::Range};

use bytes::Bytes;

use super::{
    Counted, answer,
    tally::{Tally, in_bytes, tokens},
};
use crate::{Error, ErrorKind, Reply, ReplyStream, Usage};

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

/// The answer of a container's own route, or a piece of one.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct Forwarded {
    /// What the container sent. A piece is cut anywhere, or is the JSON of one event on one line if
    /// the route's protocol is heeded.
    pub bytes: Bytes,
    /// What was read of it; `None` if no protocol is heeded.
    pub reading: Option<Box<Reading>>,
}

/// What was read of an answer, or of an event, whose form was checked.
#[derive(Clone, Debug, Default, PartialEq)]
#[non_exhaustive]
pub struct Reading {
    /// The event's name; empty for a whole answer.
    pub name: Cow<'static, str>,
    /// The event's place in its stream, if the protocol numbers them.
    pub number: Option<u64>,
    /// The generated text in bytes.
    pub text_bytes: usize,
    /// The tokens used, if the container tells them here.
    pub usage: Option<Usage>,
    /// Where the bytes have the model's name, quotes included.
    pub model: Option<Range<usize>>,
}

impl Reading {
    /// The reading of an event of this name, or of a whole answer if it is empty.
    #[must_use]
    pub fn new(name: impl Into<Cow<'static, str>>) -> Self {
        Self { name: name.into(), ..Self::default() }
    }
}

impl From<Bytes> for Forwarded {
    fn from(bytes: Bytes) -> Self {
        Self { bytes, reading: None }
    }
}

impl Forwarded {
    /// Adds what was read.
    #[must_use]
    pub fn with_reading(mut self, reading: Reading) -> Self {
        self.reading = Some(Box::new(reading));
        self
    }

    /// The bytes before the model's name and those behind it; `None` if they have no such name.
    #[must_use]
    pub fn around_model(&self) -> Option<(&[u8], &[u8])> {
        let Range { start, end } = self.reading.as_ref()?.model.clone()?;
        Some((self.bytes.get(..start)?, self.bytes.get(end..)?))
    }
}

/// The answer of a container's own route, in the pieces in which it came. Whether it is whole only
/// its protocol tells: a connection that breaks is an error, an answer that the container ends
/// early is not, unless the protocol is heeded.
pub type ForwardStream = ReplyStream<Forwarded>;

answer!(Forward, Reply<Forwarded>);
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

/// Bytes whose meaning is not known tell nothing.
impl Counted for Forwarded {
    fn tally(&self) -> Tally<'_> {
        self.reading
            .as_ref()
            .map_or_else(Tally::default, |reading| Tally::new(reading.usage.as_ref(), reading.text_bytes))
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
    fn a_piece_tells_what_was_read_of_it() {
        let piece = Forwarded::from(Bytes::from_static(b"{\"model\":\"x\",\"a\":1}"));
        assert_eq!((piece.tally().total(), piece.around_model()), (None, None));
        let mut reading = Reading::new("message_start");
        reading.usage = Some(Usage::reported(3, 4));
        reading.model = Some(9..12);
        let piece = piece.with_reading(reading);
        assert_eq!(piece.tally().total(), Some(7));
        assert_eq!(piece.around_model(), Some((&b"{\"model\":"[..], &b",\"a\":1}"[..])));
    }

    #[test]
    fn an_unknown_route_is_told_from_other_refusals() {
        let error = Error::unknown_route("/v1/responses");
        assert!(error.is_unknown_route() && error.with_attempts(2).is_unknown_route());
        assert!(!Error::new(ErrorKind::Unsupported, "x").with_param("path").is_unknown_route());
    }
}
