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

#[cfg(test)]
mod tests {
    use sagewire_types::{Answer, Call, ChatResponse, EmbedResponse, FinishReason, NumberList, Reply, Vector};
    use serde_json::Value;

    use super::*;

    /// Answers as the name of the model says.
    #[derive(Debug)]
    struct Named;

    #[async_trait]
    impl Provider for Named {
        async fn call(&self, call: Call, _: &CallContext) -> Result<Answer, Error> {
            match call {
                Call::Chat(request) => match request.model.as_str() {
                    "busy" => Err(Error::new(ErrorKind::Throttled, "busy")),
                    "no-key" => Err(Error::new(ErrorKind::Authentication, "no key")),
                    "bad" => Err(Error::new(ErrorKind::InvalidRequest, "that is bad")),
                    model => Ok(Reply::new(ChatResponse::text(model, "yes", FinishReason::Stop)).into()),
                },
                Call::Embed(request) => {
                    let numbers = NumberList::from_json("[1.50]".to_owned()).unwrap();
                    Ok(Reply::new(EmbedResponse::new(request.model, [Vector::Raw(numbers)])).into())
                }
                call => Err(call.unsupported()),
            }
        }
    }

    async fn asked(engine: &ProviderEngine, url: &str, body: &str) -> Outcome {
        let line = format!(r#"{{"custom_id":"a","method":"POST","url":"{url}","body":{body}}}"#);
        engine.answer(&Line::parse(line.as_bytes(), None).unwrap()).await
    }

    #[tokio::test]
    async fn lines_become_calls_of_the_provider_and_its_failures_what_they_mean_for_a_batch() {
        let engine = ProviderEngine::new(Arc::new(Named));
        let chat = |model: &str| format!(r#"{{"model":"{model}","messages":[{{"role":"user","content":"?"}}]}}"#);
        let answered = |outcome| match outcome {
            Outcome::Answered(Response { status: 200, body, .. }) => serde_json::from_slice::<Value>(&body).unwrap(),
            other => panic!("{other:?}"),
        };
        let body = answered(asked(&engine, "/v1/chat/completions", &chat("m")).await);
        assert_eq!((&body["model"], &body["choices"][0]["message"]["content"]), (&"m".into(), &"yes".into()));
        let other = engine.clone().with_model("mine");
        assert_eq!(answered(asked(&other, "/v1/chat/completions", &chat("m")).await)["model"], "mine");
        let body = answered(asked(&engine, "/v1/embeddings", r#"{"model":"m","input":"a"}"#).await);
        assert_eq!(body["data"][0]["embedding"], serde_json::json!([1.5]));

        let busy = asked(&engine, "/v1/chat/completions", &chat("busy")).await;
        assert!(matches!(busy, Outcome::Later(pause) if pause == Duration::from_secs(1)), "{busy:?}");
        let stopped = asked(&engine, "/v1/chat/completions", &chat("no-key")).await;
        assert!(matches!(&stopped, Outcome::Stop(error) if error.kind() == ErrorKind::Authentication), "{stopped:?}");
        let streamed = chat("m").replace('{', "{\"stream\":true,").replacen("{\"stream\":true,\"role", "{\"role", 1);
        for (url, body, says) in [
            ("/v1/chat/completions", chat("bad"), "that is bad"),
            ("/v1/chat/completions", r#"{"model":"m","messages":"secret"}"#.to_owned(), "invalid `body`"),
            ("/v1/chat/completions", streamed, "`stream` is not possible"),
            ("/v1/completions", r#"{"model":"m","prompt":"a"}"#.to_owned(), ""),
            ("/v1/rerank", r#"{"model":"m"}"#.to_owned(), "cannot be asked of a provider"),
        ] {
            match asked(&engine, url, &body).await {
                Outcome::Failed { message, .. } => {
                    assert!(message.contains(says) && !message.contains("secret"), "{message}");
                }
                other => panic!("{other:?}"),
            }
        }
    }
}
