//! The engine of a program: lines asked of a [`Provider`].
//!
//! Owns which operation an endpoint is, and the form of a failure.

use std::{sync::Arc, time::Duration};

use async_trait::async_trait;
use bytes::Bytes;
use sagewire_types::{CallContext, ChatRequest, CompletionRequest, EmbedRequest, Error, ErrorKind, Provider, json};
use serde::{Serialize, de::DeserializeOwned};

use crate::{
    Endpoint, Line,
    engine::{Engine, Outcome, Response},
};

/// Asks a provider: chat completions, completions and embeddings.
#[derive(Clone, Debug)]
pub struct ProviderEngine {
    provider: Arc<dyn Provider>,
    model: Option<String>,
    context: CallContext,
}

impl ProviderEngine {
    /// An engine over this provider.
    #[must_use]
    pub fn new(provider: Arc<dyn Provider>) -> Self {
        Self { provider, model: None, context: CallContext::new() }
    }

    /// Asks this model, whatever a line says.
    #[must_use]
    pub fn with_model(mut self, model: impl Into<String>) -> Self {
        self.model = Some(model.into());
        self
    }

    /// Sets the context of every call.
    #[must_use]
    pub fn with_context(mut self, context: CallContext) -> Self {
        self.context = context;
        self
    }

    fn model(&self, of_line: String) -> String {
        self.model.clone().unwrap_or(of_line)
    }

    async fn ask(&self, line: &Line) -> Result<(Vec<u8>, Option<String>), Error> {
        match line.endpoint {
            Endpoint::ChatCompletions => {
                let mut request: ChatRequest = read(line)?;
                request.model = self.model(request.model);
                refuse_stream(request.stream)?;
                let reply = self.provider.chat(request, &self.context).await?;
                Ok((write(&reply.value)?, reply.meta.request_id))
            }
            Endpoint::Completions => {
                let mut request: CompletionRequest = read(line)?;
                request.model = self.model(request.model);
                refuse_stream(request.stream)?;
                let reply = self.provider.complete(request, &self.context).await?;
                Ok((write(&reply.value)?, reply.meta.request_id))
            }
            Endpoint::Embeddings => {
                let mut request: EmbedRequest = read(line)?;
                request.model = self.model(request.model);
                let reply = self.provider.embed(request, &self.context).await?;
                Ok((reply.value.to_json().map_err(unwritable)?, reply.meta.request_id))
            }
            Endpoint::Responses | Endpoint::Rerank => {
                let message = format!(
                    "`{}` cannot be asked of a provider; run the batch with `sagewire batch run` or the proxy",
                    line.endpoint
                );
                Err(Error::new(ErrorKind::Unsupported, message).with_param("url"))
            }
        }
    }
}

#[async_trait]
impl Engine for ProviderEngine {
    async fn answer(&self, line: &Line) -> Outcome {
        match self.ask(line).await {
            Ok((body, request_id)) => Outcome::Answered(Response {
                status: 200,
                request_id: request_id.unwrap_or_default(),
                body: Bytes::from(json::restore_integers(body)),
            }),
            Err(error) if is_busy(&error) => Outcome::Later(error.retry_after().unwrap_or(Duration::from_secs(1))),
            // These hold for every line.
            Err(error)
                if matches!(
                    error.kind(),
                    ErrorKind::Authentication | ErrorKind::Permission | ErrorKind::Configuration
                ) =>
            {
                Outcome::Stop(error)
            }
            Err(error) => {
                Outcome::Failed { code: error.kind().as_str().to_owned(), message: error.message().to_owned() }
            }
        }
    }
}

fn is_busy(error: &Error) -> bool {
    matches!(error.kind(), ErrorKind::Throttled | ErrorKind::Overloaded | ErrorKind::ModelNotReady)
}

fn read<T: DeserializeOwned>(line: &Line) -> Result<T, Error> {
    json::from_caller(line.body.get().as_bytes()).map_err(|error| {
        // The error's own text may quote the line.
        Error::invalid("body", format!("invalid `body` (column {}); see the request's documentation", error.column()))
    })
}

fn refuse_stream(stream: Option<bool>) -> Result<(), Error> {
    match stream {
        Some(true) => Err(Error::invalid("stream", "`stream` is not possible in a batch; leave it out")),
        _ => Ok(()),
    }
}

fn write(value: &impl Serialize) -> Result<Vec<u8>, Error> {
    serde_json::to_vec(value).map_err(unwritable)
}

fn unwritable(error: serde_json::Error) -> Error {
    Error::new(ErrorKind::Decode, "the answer cannot be written as JSON").with_source(error)
}
