//! The five calls of a provider, seen as one.
//!
//! Owns what differs between them: where the model's name stands, how long the prompt is, and which method is called.

use futures_util::future::BoxFuture;
use sagewire_types::{
    CallContext, ChatRequest, ChatResponse, ChatStream, CompletionRequest, CompletionResponse, CompletionStream,
    EmbedRequest, EmbedResponse, Error, Provider, Reply,
};

use crate::{answer::Answer, estimate, state::Measure};

/// One of a provider's calls.
pub(crate) trait Operation {
    type Request: Clone + Send + Sync;
    type Output: Answer;
    /// What its time is compared by.
    const MEASURE: Measure;

    fn model(request: &Self::Request) -> &str;
    fn set_model(request: &mut Self::Request, model: String);
    fn estimate(request: &Self::Request) -> u64;
    fn call<'a>(
        provider: &'a dyn Provider,
        request: Self::Request,
        context: &'a CallContext,
    ) -> BoxFuture<'a, Result<Self::Output, Error>>;
}

macro_rules! operation {
    ($name:ident, $request:ty => $output:ty, $method:ident, $measure:ident, $estimate:path) => {
        pub(crate) struct $name;

        impl Operation for $name {
            type Request = $request;
            type Output = $output;
            const MEASURE: Measure = Measure::$measure;

            fn model(request: &$request) -> &str {
                &request.model
            }

            fn set_model(request: &mut $request, model: String) {
                request.model = model;
            }

            fn estimate(request: &$request) -> u64 {
                $estimate(request)
            }

            fn call<'a>(
                provider: &'a dyn Provider,
                request: $request,
                context: &'a CallContext,
            ) -> BoxFuture<'a, Result<$output, Error>> {
                provider.$method(request, context)
            }
        }
    };
}

operation!(Chat, ChatRequest => Reply<ChatResponse>, chat, PerToken, estimate::of_chat);
operation!(ChatInChunks, ChatRequest => ChatStream, chat_stream, FirstChunk, estimate::of_chat);
operation!(Embed, EmbedRequest => Reply<EmbedResponse>, embed, Whole, estimate::of_embed);
operation!(Complete, CompletionRequest => Reply<CompletionResponse>, complete, PerToken, estimate::of_completion);
operation!(CompleteInChunks, CompletionRequest => CompletionStream, complete_stream, FirstChunk, estimate::of_completion);
