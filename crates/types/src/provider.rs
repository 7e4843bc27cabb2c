//! The trait that every provider, router and test double implements.
//!
//! Owns the calls and what they promise; how they are carried out is each provider's.

use async_trait::async_trait;

use crate::{
    CallContext, ChatRequest, ChatResponse, ChatStream, CompletionRequest, CompletionResponse, CompletionStream,
    EmbedRequest, EmbedResponse, Error, ErrorKind, Reply,
};

/// Something that answers requests with a model.
///
/// Object-safe: hold it as `Arc<dyn Provider>`. A provider is given the whole model id and knows its own prefixes. Dropping a call's
/// future or stream gives the call up.
#[async_trait]
pub trait Provider: std::fmt::Debug + Send + Sync {
    /// Answers a conversation as a whole.
    ///
    /// # Errors
    /// Any [`ErrorKind`].
    async fn chat(&self, request: ChatRequest, context: &CallContext) -> Result<Reply<ChatResponse>, Error>;

    /// Answers a conversation piece by piece.
    ///
    /// Resolves when the first chunk has been decoded, so that every earlier failure is its error, with the true status.
    ///
    /// # Errors
    /// Any [`ErrorKind`] before the first chunk; after it the stream yields the error and ends.
    async fn chat_stream(&self, request: ChatRequest, context: &CallContext) -> Result<ChatStream, Error>;

    /// Embeds texts, one vector for each, in their order.
    ///
    /// # Errors
    /// [`ErrorKind::Unsupported`] unless the provider embeds; else any kind.
    async fn embed(&self, request: EmbedRequest, context: &CallContext) -> Result<Reply<EmbedResponse>, Error> {
        let _ = context;
        Err(unsupported("embeddings", &request.model))
    }

    /// Continues a raw prompt; no chat template is applied.
    ///
    /// # Errors
    /// [`ErrorKind::Unsupported`] unless the provider completes; else any kind.
    async fn complete(
        &self,
        request: CompletionRequest,
        context: &CallContext,
    ) -> Result<Reply<CompletionResponse>, Error> {
        let _ = context;
        Err(unsupported("completions", &request.model))
    }

    /// Continues a raw prompt piece by piece, with the promises of [`chat_stream`](Self::chat_stream).
    ///
    /// # Errors
    /// [`ErrorKind::Unsupported`] unless the provider completes; else any kind.
    async fn complete_stream(
        &self,
        request: CompletionRequest,
        context: &CallContext,
    ) -> Result<CompletionStream, Error> {
        let _ = context;
        Err(unsupported("completions", &request.model))
    }
}

fn unsupported(what: &str, model: &str) -> Error {
    Error::new(ErrorKind::Unsupported, format!("the provider of `{model}` offers no {what}: use a model that does"))
        .with_param("model")
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use futures_util::FutureExt;

    use super::*;
    use crate::{FinishReason, Message, ReplyMeta};

    #[derive(Debug)]
    struct Echo;

    #[async_trait]
    impl Provider for Echo {
        async fn chat(&self, request: ChatRequest, _: &CallContext) -> Result<Reply<ChatResponse>, Error> {
            let said = request.messages.last().map(Message::text).unwrap_or_default().into_owned();
            Ok(Reply::new(ChatResponse::text(request.model, said, FinishReason::Stop)))
        }

        async fn chat_stream(&self, _: ChatRequest, _: &CallContext) -> Result<ChatStream, Error> {
            Ok(ChatStream::new(ReplyMeta::default(), futures_util::stream::empty()))
        }
    }

    #[test]
    fn a_provider_is_an_object_and_what_it_lacks_is_a_clear_error() {
        let provider: Arc<dyn Provider> = Arc::new(Echo);
        let context = CallContext::new();
        let reply = provider.chat(ChatRequest::new("echo/m", [Message::user("hi")]), &context);
        assert_eq!(reply.now_or_never().unwrap().unwrap().value.content(), "hi");
        let error = provider.embed(EmbedRequest::new("echo/m", "hi"), &context).now_or_never().unwrap().unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Unsupported);
        assert!(error.to_string().contains("echo/m"), "{error}");
    }
}
