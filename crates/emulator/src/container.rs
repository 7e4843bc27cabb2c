//! What stands behind an endpoint: a container that answers `POST /invocations`.
//!
//! Owns the [`Container`] trait, what a container is asked ([`Invocation`]) and what it answers
//! ([`ContainerReply`]). Each built-in container has a file of its own. Turning an answer into
//! SageMaker's is `runtime`'s business.

mod agent;
mod cut;
mod embedding;
mod fixed;
mod forward;
mod invocation;
mod lmi;
mod messages;
mod omni;
mod openai;
mod pooling;
mod reply;
mod rerank;
mod route;
mod speech;
mod tei;
mod tgi;
mod toolkit;
mod transcription;

pub(crate) use self::forward::Forward;
pub use self::{
    agent::Agent,
    cut::Parts,
    embedding::Embedding,
    fixed::{Echo, Fixed},
    invocation::Invocation,
    lmi::Lmi,
    messages::Messages,
    omni::Omni,
    pooling::Pooling,
    reply::{ContainerReply, PartError, PartStream, ReplyBody},
    rerank::{CohereRerank, Rerank},
    tgi::Tgi,
    toolkit::Toolkit,
    transcription::{SpeechRecognition, Transcription},
};

use std::{fmt, sync::Arc, time::Duration};

use async_trait::async_trait;

/// The built-in container of this name, which waits so long before each part of a stream.
///
/// # Errors
/// With the names that there are.
pub(crate) fn built_in(name: &str, pace: Duration) -> Result<Arc<dyn Container>, &'static str> {
    Ok(match name {
        "tgi" => Arc::new(Tgi::new().paced(pace)),
        "messages" | "vllm" => Arc::new(Messages::new().paced(pace)),
        "embedding" => Arc::new(Embedding::new()),
        "lmi" => Arc::new(Lmi::new().paced(pace)),
        "rerank" => Arc::new(Rerank),
        "cohere-rerank" => Arc::new(CohereRerank),
        "pooling" => Arc::new(Pooling),
        "transcription" => Arc::new(Transcription),
        "speech-recognition" => Arc::new(SpeechRecognition),
        "omni" => Arc::new(Omni),
        "toolkit" => Arc::new(Toolkit::new()),
        "agent" => Arc::new(Agent::new().paced(pace)),
        "native-agent" => Arc::new(Agent::new().with_native_routes().paced(pace)),
        "text-agent" => Arc::new(Agent::new().with_prompts().paced(pace)),
        "echo" => Arc::new(Echo),
        _ => {
            return Err(
                "tgi, lmi, messages, vllm, embedding, rerank, cohere-rerank, pooling, transcription, speech-recognition, omni, toolkit, agent, native-agent, text-agent, echo",
            );
        }
    })
}

/// A model server behind an endpoint.
///
/// ```
/// use async_trait::async_trait;
/// use sagewire_emulator::{Container, ContainerReply, Emulator, Invocation};
///
/// #[derive(Debug)]
/// struct Shout;
///
/// #[async_trait]
/// impl Container for Shout {
///     async fn invoke(&self, invocation: Invocation) -> ContainerReply {
///         ContainerReply::new(200, "text/plain", String::from_utf8_lossy(&invocation.body).to_uppercase())
///     }
/// }
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), sagewire_emulator::EmulatorError> {
/// let emulator = Emulator::builder().endpoint("shout", Shout).start().await?;
/// # emulator.shutdown().await;
/// # Ok(())
/// # }
/// ```
#[async_trait]
pub trait Container: Send + Sync + fmt::Debug {
    /// Answers one request.
    ///
    /// A status outside 200 to 299 becomes a `ModelError` for the client.
    async fn invoke(&self, invocation: Invocation) -> ContainerReply;

    /// Answers one request of `InvokeEndpointWithResponseStream`.
    ///
    /// By default it is [`invoke`](Self::invoke): a model server sees the same request either way.
    /// A whole body is then cut into parts at awkward places; a body that is given in parts
    /// keeps its own borders.
    async fn stream(&self, invocation: Invocation) -> ContainerReply {
        self.invoke(invocation).await
    }

    /// The image that SageMaker's control plane names for it.
    fn image(&self) -> &str {
        "123456789012.dkr.ecr.us-east-1.amazonaws.com/custom:latest"
    }

    /// Is the container ready, as `GET /ping` would tell?
    ///
    /// # Errors
    /// With the reason, for a person to read.
    async fn ping(&self) -> Result<(), String> {
        Ok(())
    }
}

/// The built-in container that is nearest to one of this image.
pub(crate) fn of_image(image: &str, pace: Duration) -> Arc<dyn Container> {
    let repository = image.rsplit('/').next().unwrap_or(image);
    match repository.split(':').next().unwrap_or(repository) {
        "tei" | "tei-cpu" => Arc::new(Embedding::new()),
        "huggingface-pytorch-tgi-inference" | "djl-inference" => Arc::new(Tgi::new().paced(pace)),
        "huggingface-pytorch-inference" => Arc::new(Toolkit::new()),
        "whisperx" => Arc::new(Transcription),
        _ => Arc::new(Messages::new().paced(pace)),
    }
}
