//! Containers that compute nothing: one repeats the request's body, one always gives the same
//! answer.

use std::{fmt, path::Path};

use async_trait::async_trait;
use bytes::Bytes;

use super::{Container, ContainerReply, Invocation};

/// A container that answers with the body that it was sent.
#[derive(Clone, Copy, Debug, Default)]
pub struct Echo;

/// A container that answers every request with the same body.
#[derive(Clone)]
pub struct Fixed {
    content_type: String,
    body: Bytes,
}

impl Fixed {
    /// Answers with this body.
    #[must_use]
    pub fn new(content_type: impl Into<String>, body: impl Into<Bytes>) -> Self {
        Self { content_type: content_type.into(), body: body.into() }
    }

    /// Answers with what this file holds now: JSON, server-sent events if its name ends with
    /// `.sse`, else plain text.
    ///
    /// # Errors
    /// If the file cannot be read.
    pub fn from_file(path: impl AsRef<Path>) -> std::io::Result<Self> {
        let path = path.as_ref();
        let content_type = match path.extension().and_then(|extension| extension.to_str()) {
            Some("json") => "application/json",
            Some("sse") => "text/event-stream",
            _ => "text/plain; charset=utf-8",
        };
        Ok(Self::new(content_type, std::fs::read(path)?))
    }
}

impl fmt::Debug for Fixed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let bytes = self.body.len();
        f.debug_struct("Fixed").field("content_type", &self.content_type).field("body_bytes", &bytes).finish()
    }
}

#[async_trait]
impl Container for Echo {
    async fn invoke(&self, invocation: Invocation) -> ContainerReply {
        let content_type = invocation.content_type.unwrap_or_else(|| "application/octet-stream".to_owned());
        ContainerReply::new(200, content_type, invocation.body)
    }
}

#[async_trait]
impl Container for Fixed {
    async fn invoke(&self, _invocation: Invocation) -> ContainerReply {
        ContainerReply::new(200, self.content_type.clone(), self.body.clone())
    }
}
