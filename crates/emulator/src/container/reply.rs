//! What a container answers.
//!
//! Owns [`ContainerReply`] and the three forms its body may have.

use std::{fmt, pin::Pin, time::Duration};

use bytes::{Bytes, BytesMut};
use futures_core::Stream;
use futures_util::StreamExt as _;
use serde::Serialize;

use super::cut::Parts;

/// A container's stream broke; the text says how.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub struct PartError(pub String);

/// A body that comes in parts, one by one.
pub type PartStream = Pin<Box<dyn Stream<Item = Result<Bytes, PartError>> + Send>>;

/// A container's body.
#[non_exhaustive]
pub enum ReplyBody {
    /// All at once. A streaming call gets it cut into parts at awkward places.
    Whole(Bytes),
    /// In parts with these borders.
    Parts(Vec<Bytes>),
    /// In parts, as they come. An error in it ends a streaming call with `ModelStreamError`, and
    /// makes another one a `ModelError`.
    Stream(PartStream),
}

/// One answer of a container.
#[derive(Debug)]
#[non_exhaustive]
pub struct ContainerReply {
    /// The HTTP status. Outside 200 to 299 it becomes a `ModelError`.
    pub status: u16,
    /// `Content-Type`.
    pub content_type: String,
    /// The body.
    pub body: ReplyBody,
    /// `X-Amzn-SageMaker-Custom-Attributes` of the answer.
    pub custom_attributes: Option<String>,
    /// `X-Amzn-SageMaker-Closed-Session-Id` of the answer.
    pub closed_session_id: Option<String>,
    /// `X-Amzn-SageMaker-New-Session-Id` of the answer.
    pub new_session_id: Option<String>,
    /// The wait before each part of a streaming answer, by tokio's clock.
    pub pace: Duration,
}

impl ContainerReply {
    /// An answer with a whole body.
    #[must_use]
    pub fn new(status: u16, content_type: impl Into<String>, body: impl Into<Bytes>) -> Self {
        Self {
            status,
            content_type: content_type.into(),
            body: ReplyBody::Whole(body.into()),
            custom_attributes: None,
            closed_session_id: None,
            new_session_id: None,
            pace: Duration::ZERO,
        }
    }

    /// An answer in JSON. What cannot be written as JSON becomes a 500.
    #[must_use]
    pub fn json(status: u16, body: &impl Serialize) -> Self {
        match serde_json::to_vec(body) {
            Ok(body) => Self::new(status, "application/json", body),
            Err(error) => Self::new(500, "text/plain", format!("the container's answer is not JSON: {error}")),
        }
    }

    /// A `200 OK` in parts with these borders.
    #[must_use]
    pub fn parts<P: Into<Bytes>>(content_type: impl Into<String>, parts: impl IntoIterator<Item = P>) -> Self {
        let parts = parts.into_iter().map(Into::into).collect();
        Self { body: ReplyBody::Parts(parts), ..Self::new(200, content_type, Bytes::new()) }
    }

    /// A `200 OK` whose parts come one by one.
    #[must_use]
    pub fn stream(content_type: impl Into<String>, parts: PartStream) -> Self {
        Self { body: ReplyBody::Stream(parts), ..Self::new(200, content_type, Bytes::new()) }
    }

    /// The same answer with `X-Amzn-SageMaker-Custom-Attributes`.
    #[must_use]
    pub fn with_custom_attributes(mut self, attributes: impl Into<String>) -> Self {
        self.custom_attributes = Some(attributes.into());
        self
    }

    /// The same answer, closing this session.
    #[must_use]
    pub fn closing_session(mut self, session_id: impl Into<String>) -> Self {
        self.closed_session_id = Some(session_id.into());
        self
    }

    /// The same answer, opening this session.
    #[must_use]
    pub fn opening_session(mut self, session_id: impl Into<String>) -> Self {
        self.new_session_id = Some(session_id.into());
        self
    }

    /// The same answer with a wait before each part, where it is streamed.
    #[must_use]
    pub fn paced(mut self, pace: Duration) -> Self {
        self.pace = pace;
        self
    }

    /// Is the status 200 to 299?
    #[must_use]
    pub fn is_success(&self) -> bool {
        (200..300).contains(&self.status)
    }
}

impl ReplyBody {
    /// The body in one piece.
    pub(crate) async fn collect(self) -> Result<Bytes, PartError> {
        let mut whole = BytesMut::new();
        match self {
            Self::Whole(bytes) => return Ok(bytes),
            Self::Parts(parts) => parts.iter().for_each(|part| whole.extend_from_slice(part)),
            Self::Stream(mut parts) => {
                while let Some(part) = parts.next().await {
                    whole.extend_from_slice(&part?);
                }
            }
        }
        Ok(whole.freeze())
    }

    /// The body in the parts a streaming call sends.
    pub(crate) fn into_parts(self, parts: Parts) -> PartStream {
        match self {
            Self::Whole(bytes) => Box::pin(futures_util::stream::iter(parts.of(&bytes).into_iter().map(Ok))),
            Self::Parts(parts) => Box::pin(futures_util::stream::iter(parts.into_iter().map(Ok))),
            Self::Stream(parts) => parts,
        }
    }
}

impl fmt::Debug for ReplyBody {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Whole(bytes) => write!(f, "Whole({} bytes)", bytes.len()),
            Self::Parts(parts) => write!(f, "Parts({} parts)", parts.len()),
            Self::Stream(_) => f.write_str("Stream"),
        }
    }
}
