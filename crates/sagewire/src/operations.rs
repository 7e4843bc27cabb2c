//! The methods of a client: each operation of [`Provider`], with a context and without.
//!
//! Dropping a call or its stream ends it and closes its connection.

use sagewire_types::{
    CallContext, ChatRequest, ChatResponse, ChatStream, CompletionRequest, CompletionResponse, CompletionStream,
    EmbedRequest, EmbedResponse, Error, ForwardRequest, ForwardStream, Forwarded, Provider, Reply, RerankRequest,
    RerankResponse, TranscribeRequest,
};

use crate::Client;

/// The operations. Those named `..._with` take a [`CallContext`]: a deadline, a trace, or
/// [`Settings`](crate::Settings) of this call. The others leave everything to the provider.
impl Client {
    /// Answers a conversation as a whole.
    pub async fn chat(&self, request: ChatRequest) -> Result<Reply<ChatResponse>, Error> {
        self.chat_with(request, &CallContext::new()).await
    }

    /// The same as [`chat`](Self::chat), with a context.
    pub async fn chat_with(&self, request: ChatRequest, context: &CallContext) -> Result<Reply<ChatResponse>, Error> {
        Provider::chat(self, request, context).await
    }

    /// Answers a conversation in chunks. After the first chunk the stream itself yields the error,
    /// and ends.
    pub async fn chat_stream(&self, request: ChatRequest) -> Result<ChatStream, Error> {
        self.chat_stream_with(request, &CallContext::new()).await
    }

    /// The same as [`chat_stream`](Self::chat_stream), with a context.
    pub async fn chat_stream_with(&self, request: ChatRequest, context: &CallContext) -> Result<ChatStream, Error> {
        Provider::chat_stream(self, request, context).await
    }

    /// Continues a raw prompt as a whole. No chat template is applied.
    pub async fn complete(&self, request: CompletionRequest) -> Result<Reply<CompletionResponse>, Error> {
        self.complete_with(request, &CallContext::new()).await
    }

    /// The same as [`complete`](Self::complete), with a context.
    pub async fn complete_with(
        &self,
        request: CompletionRequest,
        context: &CallContext,
    ) -> Result<Reply<CompletionResponse>, Error> {
        Provider::complete(self, request, context).await
    }

    /// Continues a raw prompt in chunks, with the errors of [`chat_stream`](Self::chat_stream).
    pub async fn complete_stream(&self, request: CompletionRequest) -> Result<CompletionStream, Error> {
        self.complete_stream_with(request, &CallContext::new()).await
    }

    /// The same as [`complete_stream`](Self::complete_stream), with a context.
    pub async fn complete_stream_with(
        &self,
        request: CompletionRequest,
        context: &CallContext,
    ) -> Result<CompletionStream, Error> {
        Provider::complete_stream(self, request, context).await
    }

    /// Embeds texts, one vector for each, in their order.
    pub async fn embed(&self, request: EmbedRequest) -> Result<Reply<EmbedResponse>, Error> {
        self.embed_with(request, &CallContext::new()).await
    }

    /// The same as [`embed`](Self::embed), with a context.
    pub async fn embed_with(
        &self,
        request: EmbedRequest,
        context: &CallContext,
    ) -> Result<Reply<EmbedResponse>, Error> {
        Provider::embed(self, request, context).await
    }

    /// Ranks documents by their relevance to a query, the best first.
    pub async fn rerank(&self, request: RerankRequest) -> Result<Reply<RerankResponse>, Error> {
        self.rerank_with(request, &CallContext::new()).await
    }

    /// The same as [`rerank`](Self::rerank), with a context.
    pub async fn rerank_with(
        &self,
        request: RerankRequest,
        context: &CallContext,
    ) -> Result<Reply<RerankResponse>, Error> {
        Provider::rerank(self, request, context).await
    }

    /// Transcribes a recording: the answer's bytes are the text in the format that the form asks
    /// for.
    pub async fn transcribe(&self, request: TranscribeRequest) -> Result<Reply<Forwarded>, Error> {
        self.transcribe_with(request, &CallContext::new()).await
    }

    /// The same as [`transcribe`](Self::transcribe), with a context.
    pub async fn transcribe_with(
        &self,
        request: TranscribeRequest,
        context: &CallContext,
    ) -> Result<Reply<Forwarded>, Error> {
        Provider::transcribe(self, request, context).await
    }

    /// Transcribes a recording: each piece is the JSON of an event.
    pub async fn transcribe_stream(&self, request: TranscribeRequest) -> Result<ForwardStream, Error> {
        self.transcribe_stream_with(request, &CallContext::new()).await
    }

    /// The same as [`transcribe_stream`](Self::transcribe_stream), with a context.
    pub async fn transcribe_stream_with(
        &self,
        request: TranscribeRequest,
        context: &CallContext,
    ) -> Result<ForwardStream, Error> {
        Provider::transcribe_stream(self, request, context).await
    }

    /// Passes a body on to a route of the container's own, and its answer back, as a whole.
    pub async fn forward(&self, request: ForwardRequest) -> Result<Reply<Forwarded>, Error> {
        self.forward_with(request, &CallContext::new()).await
    }

    /// The same as [`forward`](Self::forward), with a context.
    pub async fn forward_with(
        &self,
        request: ForwardRequest,
        context: &CallContext,
    ) -> Result<Reply<Forwarded>, Error> {
        Provider::forward(self, request, context).await
    }

    /// Passes a body on to a route of the container's own, and its answer back in pieces.
    pub async fn forward_stream(&self, request: ForwardRequest) -> Result<ForwardStream, Error> {
        self.forward_stream_with(request, &CallContext::new()).await
    }

    /// The same as [`forward_stream`](Self::forward_stream), with a context.
    pub async fn forward_stream_with(
        &self,
        request: ForwardRequest,
        context: &CallContext,
    ) -> Result<ForwardStream, Error> {
        Provider::forward_stream(self, request, context).await
    }
}
