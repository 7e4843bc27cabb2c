//! The trait that every provider, router and test double implements.
//!
//! Owns the one call and what it promises; how it is carried out is each provider's, and what the
//! operations are is [`operation`](crate::Call)'s.

use std::{
    fmt,
    future::Future,
    marker::PhantomData,
    pin::Pin,
    task::{Context, Poll},
};

use async_trait::async_trait;

use crate::{
    Answer, Call, CallContext, ChatRequest, ChatResponse, ChatStream, CompletionRequest, CompletionResponse,
    CompletionStream, EmbedRequest, EmbedResponse, Error, ForwardRequest, ForwardStream, Forwarded, Reply,
    RerankRequest, RerankResponse, TranscribeRequest,
};

/// Something that answers requests with a model.
///
/// Object-safe: hold it as `Arc<dyn Provider>`. A provider is given the whole model id and knows
/// its own prefixes. It has one method to implement, [`call`](Self::call); the others are the same
/// with the types of one operation.
///
/// ```
/// use async_trait::async_trait;
/// use sagewire_types::{Answer, Call, CallContext, ChatResponse, Error, FinishReason, Provider, Reply};
///
/// /// Answers every conversation with the model's own name.
/// #[derive(Debug)]
/// struct Named;
///
/// #[async_trait]
/// impl Provider for Named {
///     async fn call(&self, call: Call, _: &CallContext) -> Result<Answer, Error> {
///         match call {
///             Call::Chat(request) => {
///                 let name = request.model.clone();
///                 Ok(Reply::new(ChatResponse::text(request.model, name, FinishReason::Stop)).into())
///             }
///             other => Err(other.unsupported()),
///         }
///     }
/// }
/// ```
#[async_trait]
pub trait Provider: fmt::Debug + Send + Sync {
    /// Answers a call with the [`Answer`] of the same name; [`Call::unsupported`] is the error for
    /// an operation that the provider does not have.
    ///
    /// A stream is answered when its first chunk has been decoded, so that every earlier failure is
    /// the call's error, with the true status. The provider ends the call, and its stream, at
    /// the context's deadline and when it is cancelled; dropping the future or the stream
    /// ends it too.
    ///
    /// # Errors
    /// Any [`ErrorKind`](crate::ErrorKind). After its first chunk a stream yields the error and
    /// ends.
    async fn call(&self, call: Call, context: &CallContext) -> Result<Answer, Error>;

    /// Answers a conversation as a whole. Errors as for [`call`](Self::call).
    fn chat<'a>(&'a self, request: ChatRequest, context: &'a CallContext) -> CallFuture<'a, Reply<ChatResponse>> {
        CallFuture::new(self.call(Call::Chat(Box::new(request)), context))
    }

    /// Answers a conversation in chunks. Errors as for [`call`](Self::call).
    fn chat_stream<'a>(&'a self, request: ChatRequest, context: &'a CallContext) -> CallFuture<'a, ChatStream> {
        CallFuture::new(self.call(Call::ChatStream(Box::new(request)), context))
    }

    /// Continues a raw prompt as a whole; no chat template is applied. Errors as for
    /// [`call`](Self::call).
    fn complete<'a>(
        &'a self,
        request: CompletionRequest,
        context: &'a CallContext,
    ) -> CallFuture<'a, Reply<CompletionResponse>> {
        CallFuture::new(self.call(Call::Complete(Box::new(request)), context))
    }

    /// Continues a raw prompt in chunks. Errors as for [`call`](Self::call).
    fn complete_stream<'a>(
        &'a self,
        request: CompletionRequest,
        context: &'a CallContext,
    ) -> CallFuture<'a, CompletionStream> {
        CallFuture::new(self.call(Call::CompleteStream(Box::new(request)), context))
    }

    /// Embeds texts, one vector for each, in their order. Errors as for [`call`](Self::call).
    fn embed<'a>(&'a self, request: EmbedRequest, context: &'a CallContext) -> CallFuture<'a, Reply<EmbedResponse>> {
        CallFuture::new(self.call(Call::Embed(Box::new(request)), context))
    }

    /// Ranks documents by their relevance to a query, the best first. Errors as for
    /// [`call`](Self::call).
    fn rerank<'a>(&'a self, request: RerankRequest, context: &'a CallContext) -> CallFuture<'a, Reply<RerankResponse>> {
        CallFuture::new(self.call(Call::Rerank(Box::new(request)), context))
    }

    /// Transcribes a recording: the answer's bytes are the text in the format that the form asks
    /// for. Errors as for [`call`](Self::call).
    fn transcribe<'a>(
        &'a self,
        request: TranscribeRequest,
        context: &'a CallContext,
    ) -> CallFuture<'a, Reply<Forwarded>> {
        CallFuture::new(self.call(Call::Transcribe(Box::new(request)), context))
    }

    /// Transcribes a recording: each piece is the JSON of one of [OpenAI's events](https://platform.openai.com/docs/api-reference/audio/transcript-text-delta-event),
    /// and the last one has the whole text. Errors as for [`call`](Self::call).
    fn transcribe_stream<'a>(
        &'a self,
        request: TranscribeRequest,
        context: &'a CallContext,
    ) -> CallFuture<'a, ForwardStream> {
        CallFuture::new(self.call(Call::TranscribeStream(Box::new(request)), context))
    }

    /// Passes a body on to a route of the container's own, and its answer back, as a whole. Errors
    /// as for [`call`](Self::call).
    fn forward<'a>(&'a self, request: ForwardRequest, context: &'a CallContext) -> CallFuture<'a, Reply<Forwarded>> {
        CallFuture::new(self.call(Call::Forward(Box::new(request)), context))
    }

    /// Passes a body on to a route of the container's own, and its answer back in pieces. Errors as
    /// for [`call`](Self::call).
    fn forward_stream<'a>(
        &'a self,
        request: ForwardRequest,
        context: &'a CallContext,
    ) -> CallFuture<'a, ForwardStream> {
        CallFuture::new(self.call(Call::ForwardStream(Box::new(request)), context))
    }
}

/// The answer to a call, with the type of its operation. Dropping it ends the call.
#[must_use = "a call is made when it is awaited"]
pub struct CallFuture<'a, T> {
    answer: Pin<Box<dyn Future<Output = Result<Answer, Error>> + Send + 'a>>,
    expected: PhantomData<fn() -> T>,
}

impl<'a, T> CallFuture<'a, T> {
    fn new(answer: Pin<Box<dyn Future<Output = Result<Answer, Error>> + Send + 'a>>) -> Self {
        Self { answer, expected: PhantomData }
    }
}

impl<T: TryFrom<Answer, Error = Error>> Future for CallFuture<'_, T> {
    type Output = Result<T, Error>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        self.answer.as_mut().poll(cx).map(|answer| answer?.try_into())
    }
}

impl<T> fmt::Debug for CallFuture<'_, T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("CallFuture")
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use futures_util::FutureExt;

    use super::*;
    use crate::{ErrorKind, FinishReason, Message};

    /// Answers conversations with what was said last, and everything else as if it were one.
    #[derive(Debug)]
    struct Echo;

    #[async_trait]
    impl Provider for Echo {
        async fn call(&self, call: Call, _: &CallContext) -> Result<Answer, Error> {
            match call {
                Call::Chat(request) => {
                    let said = request.messages.last().map(Message::text).unwrap_or_default().into_owned();
                    Ok(Reply::new(ChatResponse::text(request.model, said, FinishReason::Stop)).into())
                }
                Call::Complete(request) => Ok(Reply::new(EmbedResponse::new(request.model, [])).into()),
                other => Err(other.unsupported()),
            }
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
        assert!(error.to_string().contains("`echo/m` does not support `embed`"), "{error}");
    }

    #[test]
    fn an_answer_of_another_operation_is_an_error() {
        let completion = Echo.complete(CompletionRequest::new("echo/m", "hi"), &CallContext::new()).now_or_never();
        assert_eq!(completion.unwrap().unwrap_err().kind(), ErrorKind::Decode);
    }
}
