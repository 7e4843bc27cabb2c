//! The operations of a provider, seen as one: what it is asked, and what it answers.
//!
//! Each operation is a file below: where its request names the model, how its tokens are estimated, and what its answer tells of them. A new one
//! is such a file, a variant of [`Call`] and of [`Answer`], and a typed method of [`Provider`](crate::Provider).

use crate::{
    ChatRequest, ChatResponse, ChatStream, CompletionRequest, CompletionResponse, CompletionStream, EmbedRequest,
    EmbedResponse, Error, ErrorKind, Reply, ReplyMeta, ReplyStream,
};
use bytes::Bytes;

pub use forward::{ForwardRequest, ForwardStream};
pub use tally::Tally;

mod chat;
mod completion;
mod embed;
mod forward;
mod tally;

/// What a provider is asked.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub enum Call {
    /// A conversation, answered as a whole: [`Answer::Chat`].
    Chat(Box<ChatRequest>),
    /// A conversation, answered in chunks: [`Answer::ChatStream`].
    ChatStream(Box<ChatRequest>),
    /// A raw prompt, continued as a whole: [`Answer::Complete`].
    Complete(Box<CompletionRequest>),
    /// A raw prompt, continued in chunks: [`Answer::CompleteStream`].
    CompleteStream(Box<CompletionRequest>),
    /// Texts to embed: [`Answer::Embed`].
    Embed(Box<EmbedRequest>),
    /// A route of the container's own, answered as a whole: [`Answer::Forward`].
    Forward(Box<ForwardRequest>),
    /// A route of the container's own, answered in pieces: [`Answer::ForwardStream`].
    ForwardStream(Box<ForwardRequest>),
}

/// What a provider answers.
#[derive(Debug)]
#[non_exhaustive]
pub enum Answer {
    /// The answer to [`Call::Chat`].
    Chat(Reply<ChatResponse>),
    /// The answer to [`Call::ChatStream`].
    ChatStream(ChatStream),
    /// The answer to [`Call::Complete`].
    Complete(Reply<CompletionResponse>),
    /// The answer to [`Call::CompleteStream`].
    CompleteStream(CompletionStream),
    /// The answer to [`Call::Embed`].
    Embed(Reply<EmbedResponse>),
    /// The answer to [`Call::Forward`].
    Forward(Reply<Bytes>),
    /// The answer to [`Call::ForwardStream`].
    ForwardStream(ForwardStream),
}

impl Call {
    /// The operation's name, as the method of [`Provider`](crate::Provider) is called.
    #[must_use]
    pub fn operation(&self) -> &'static str {
        match self {
            Self::Chat(_) => "chat",
            Self::ChatStream(_) => "chat_stream",
            Self::Complete(_) => "complete",
            Self::CompleteStream(_) => "complete_stream",
            Self::Embed(_) => "embed",
            Self::Forward(_) => "forward",
            Self::ForwardStream(_) => "forward_stream",
        }
    }

    /// The model that is asked.
    #[must_use]
    pub fn model(&self) -> &str {
        self.request().model()
    }

    /// Asks another model.
    pub fn set_model(&mut self, model: String) {
        *self.request_mut().model_mut() = model;
    }

    /// Whether the answer comes in chunks.
    #[must_use]
    pub fn is_stream(&self) -> bool {
        matches!(self, Self::ChatStream(_) | Self::CompleteStream(_) | Self::ForwardStream(_))
    }

    /// Whether the model writes the answer token by token, so that a longer answer takes longer.
    #[must_use]
    pub fn is_generated(&self) -> bool {
        self.request().is_generated()
    }

    /// About how many tokens the request has, guessed from the length of its text.
    #[must_use]
    pub fn estimated_tokens(&self) -> u64 {
        self.request().estimated_tokens()
    }

    /// The error of a provider that does not have this operation.
    #[must_use]
    pub fn unsupported(&self) -> Error {
        let message =
            format!("the provider of `{}` does not support `{}`; use another model", self.model(), self.operation());
        Error::new(ErrorKind::Unsupported, message).with_param("model")
    }

    fn request(&self) -> &dyn Request {
        match self {
            Self::Chat(request) | Self::ChatStream(request) => &**request,
            Self::Complete(request) | Self::CompleteStream(request) => &**request,
            Self::Embed(request) => &**request,
            Self::Forward(request) | Self::ForwardStream(request) => &**request,
        }
    }

    fn request_mut(&mut self) -> &mut dyn Request {
        match self {
            Self::Chat(request) | Self::ChatStream(request) => &mut **request,
            Self::Complete(request) | Self::CompleteStream(request) => &mut **request,
            Self::Embed(request) => &mut **request,
            Self::Forward(request) | Self::ForwardStream(request) => &mut **request,
        }
    }
}

impl Answer {
    /// How the answer came.
    #[must_use]
    pub fn meta(&self) -> &ReplyMeta {
        self.any().meta()
    }

    /// How the answer came, to be changed.
    pub fn meta_mut(&mut self) -> &mut ReplyMeta {
        self.any_mut().meta_mut()
    }

    /// What a whole answer tells about its tokens; `None` for a stream, which tells it piece by piece.
    #[must_use]
    pub fn tally(&self) -> Option<Tally<'_>> {
        self.any().tally()
    }

    /// Has an observer see a stream go by. For a whole answer nothing is left to see: the observer is dropped.
    pub fn observe(&mut self, observer: impl StreamObserver + 'static) {
        self.any_mut().observe(Box::new(observer));
    }

    fn any(&self) -> &dyn AnyAnswer {
        match self {
            Self::Chat(reply) => reply,
            Self::ChatStream(stream) => stream,
            Self::Complete(reply) => reply,
            Self::CompleteStream(stream) => stream,
            Self::Embed(reply) => reply,
            Self::Forward(reply) => reply,
            Self::ForwardStream(stream) => stream,
        }
    }

    fn any_mut(&mut self) -> &mut dyn AnyAnswer {
        match self {
            Self::Chat(reply) => reply,
            Self::ChatStream(stream) => stream,
            Self::Complete(reply) => reply,
            Self::CompleteStream(stream) => stream,
            Self::Embed(reply) => reply,
            Self::Forward(reply) => reply,
            Self::ForwardStream(stream) => stream,
        }
    }
}

/// Sees the pieces of a stream go by. It is dropped when the stream ends, however it ends.
pub trait StreamObserver: Send {
    /// A piece came; this is what it tells about its tokens.
    fn piece(&mut self, tally: Tally<'_>);

    /// The stream ended with this error.
    fn failed(&mut self, error: &Error);
}

/// What a request tells about itself.
trait Request {
    fn model(&self) -> &str;
    fn model_mut(&mut self) -> &mut String;
    fn estimated_tokens(&self) -> u64;

    fn is_generated(&self) -> bool {
        true
    }
}

/// A whole answer, or a piece of one, that tells about its tokens.
trait Counted {
    fn tally(&self) -> Tally<'_>;
}

/// What whole answers and streams have in common.
trait AnyAnswer {
    fn meta(&self) -> &ReplyMeta;
    fn meta_mut(&mut self) -> &mut ReplyMeta;
    fn tally(&self) -> Option<Tally<'_>>;
    fn observe(&mut self, observer: Box<dyn StreamObserver>);
}

impl<T: Counted> AnyAnswer for Reply<T> {
    fn meta(&self) -> &ReplyMeta {
        &self.meta
    }

    fn meta_mut(&mut self) -> &mut ReplyMeta {
        &mut self.meta
    }

    fn tally(&self) -> Option<Tally<'_>> {
        Some(self.value.tally())
    }

    fn observe(&mut self, _: Box<dyn StreamObserver>) {}
}

impl<T: Counted> AnyAnswer for ReplyStream<T> {
    fn meta(&self) -> &ReplyMeta {
        &self.meta
    }

    fn meta_mut(&mut self) -> &mut ReplyMeta {
        &mut self.meta
    }

    fn tally(&self) -> Option<Tally<'_>> {
        None
    }

    fn observe(&mut self, mut observer: Box<dyn StreamObserver>) {
        self.watch(Box::new(move |item| match item {
            Ok(piece) => observer.piece(piece.tally()),
            Err(error) => observer.failed(error),
        }));
    }
}

/// Conversions between an answer of one operation and [`Answer`].
macro_rules! answer {
    ($variant:ident, $answer:ty) => {
        impl From<$answer> for $crate::Answer {
            fn from(answer: $answer) -> Self {
                Self::$variant(answer)
            }
        }

        impl TryFrom<$crate::Answer> for $answer {
            type Error = $crate::Error;

            fn try_from(answer: $crate::Answer) -> Result<Self, $crate::Error> {
                match answer {
                    $crate::Answer::$variant(answer) => Ok(answer),
                    _ => Err($crate::operation::other_answer()),
                }
            }
        }
    };
}
use answer;

/// The error of a provider that answers something else than it was asked.
fn other_answer() -> Error {
    Error::new(
        ErrorKind::Decode,
        "the provider answered another operation than it was asked; report this to its author",
    )
}
