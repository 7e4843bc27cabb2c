//! The operations of a provider, seen as one: what it is asked, and what it answers.
//!
//! Each operation is a file below: how the tokens of its request are estimated, and what its answer
//! tells of them. A new one is such a file, a variant of [`Call`] and of [`Answer`], and a typed
//! method of [`Provider`](crate::Provider).

use crate::{
    ChatRequest, ChatResponse, ChatStream, CompletionRequest, CompletionResponse, CompletionStream, EmbedRequest,
    EmbedResponse, Error, ErrorKind, Reply, ReplyMeta, ReplyStream, RerankRequest, RerankResponse,
};

pub use forward::{ForwardRequest, ForwardStream, Forwarded, Reading};
pub use tally::Tally;
pub use transcribe::TranscribeRequest;

mod chat;
mod completion;
mod embed;
mod forward;
mod rerank;
mod tally;
mod transcribe;

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
    /// Documents to rank: [`Answer::Rerank`].
    Rerank(Box<RerankRequest>),
    /// A recording to transcribe, answered as a whole: [`Answer::Forward`].
    Transcribe(Box<TranscribeRequest>),
    /// A recording to transcribe, answered in the JSON of OpenAI's events:
    /// [`Answer::ForwardStream`].
    TranscribeStream(Box<TranscribeRequest>),
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
    /// The answer to [`Call::Rerank`].
    Rerank(Reply<RerankResponse>),
    /// The answer to [`Call::Forward`] and [`Call::Transcribe`].
    Forward(Reply<Forwarded>),
    /// The answer to [`Call::ForwardStream`] and [`Call::TranscribeStream`].
    ForwardStream(ForwardStream),
}

/// Does the same with the request of any operation.
macro_rules! on_request {
    ($call:expr, $request:ident => $does:expr) => {
        match $call {
            Call::Chat($request) | Call::ChatStream($request) => $does,
            Call::Complete($request) | Call::CompleteStream($request) => $does,
            Call::Embed($request) => $does,
            Call::Rerank($request) => $does,
            Call::Transcribe($request) | Call::TranscribeStream($request) => $does,
            Call::Forward($request) | Call::ForwardStream($request) => $does,
        }
    };
}

/// Does the same with the answer of any operation.
macro_rules! on_answer {
    ($any:expr, $answer:ident => $does:expr) => {
        match $any {
            Answer::Chat($answer) => $does,
            Answer::ChatStream($answer) => $does,
            Answer::Complete($answer) => $does,
            Answer::CompleteStream($answer) => $does,
            Answer::Embed($answer) => $does,
            Answer::Rerank($answer) => $does,
            Answer::Forward($answer) => $does,
            Answer::ForwardStream($answer) => $does,
        }
    };
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
            Self::Rerank(_) => "rerank",
            Self::Transcribe(_) => "transcribe",
            Self::TranscribeStream(_) => "transcribe_stream",
            Self::Forward(_) => "forward",
            Self::ForwardStream(_) => "forward_stream",
        }
    }

    /// The model that is asked.
    #[must_use]
    pub fn model(&self) -> &str {
        on_request!(self, request => &request.model)
    }

    /// Asks another model.
    pub fn set_model(&mut self, model: String) {
        on_request!(self, request => request.model = model);
    }

    /// Whether the answer comes in chunks.
    #[must_use]
    pub fn is_stream(&self) -> bool {
        matches!(
            self,
            Self::ChatStream(_) | Self::CompleteStream(_) | Self::TranscribeStream(_) | Self::ForwardStream(_)
        )
    }

    /// Whether the model writes the answer token by token, so that a longer answer takes longer.
    #[must_use]
    pub fn is_generated(&self) -> bool {
        matches!(self, Self::Chat(_) | Self::ChatStream(_) | Self::Complete(_) | Self::CompleteStream(_))
    }

    /// About how many tokens the request has, guessed from the length of its text.
    #[must_use]
    pub fn estimated_tokens(&self) -> u64 {
        on_request!(self, request => request.estimated_tokens())
    }

    /// The error of a provider that does not have this operation.
    #[must_use]
    pub fn unsupported(&self) -> Error {
        let message =
            format!("the provider of `{}` does not support `{}`; use another model", self.model(), self.operation());
        Error::new(ErrorKind::Unsupported, message).with_param("model")
    }
}

impl Answer {
    /// How the answer came.
    #[must_use]
    pub fn meta(&self) -> &ReplyMeta {
        on_answer!(self, answer => &answer.meta)
    }

    /// How the answer came, to be changed.
    pub fn meta_mut(&mut self) -> &mut ReplyMeta {
        on_answer!(self, answer => &mut answer.meta)
    }

    /// What a whole answer tells about its tokens; `None` for a stream, which tells it piece by
    /// piece.
    #[must_use]
    pub fn tally(&self) -> Option<Tally<'_>> {
        match self {
            Self::Chat(reply) => Some(reply.value.tally()),
            Self::Complete(reply) => Some(reply.value.tally()),
            Self::Embed(reply) => Some(reply.value.tally()),
            Self::Rerank(reply) => Some(reply.value.tally()),
            Self::Forward(reply) => Some(reply.value.tally()),
            Self::ChatStream(_) | Self::CompleteStream(_) | Self::ForwardStream(_) => None,
        }
    }

    /// Has an observer see a stream go by. For a whole answer nothing is left to see: the observer
    /// is dropped.
    pub fn observe(&mut self, observer: impl StreamObserver + 'static) {
        match self {
            Self::ChatStream(stream) => observe(stream, observer),
            Self::CompleteStream(stream) => observe(stream, observer),
            Self::ForwardStream(stream) => observe(stream, observer),
            Self::Chat(_) | Self::Complete(_) | Self::Embed(_) | Self::Rerank(_) | Self::Forward(_) => {}
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

/// A whole answer, or a piece of one, that tells about its tokens.
trait Counted {
    fn tally(&self) -> Tally<'_>;
}

fn observe<T: Counted>(stream: &mut ReplyStream<T>, mut observer: impl StreamObserver + 'static) {
    stream.watch(Box::new(move |item| match item {
        Ok(piece) => observer.piece(piece.tally()),
        Err(error) => observer.failed(error),
    }));
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
        "the provider answered a different operation than requested; report this to its author",
    )
}
