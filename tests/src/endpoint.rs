//! An emulated SageMaker Runtime, and clients that know nothing but it.

use std::{error::Error as StdError, sync::Arc};

use sagewire::{
    ChatChunk, ChatRequest, Client, Error, Message, SageMaker, SageMakerBuilder, Settings,
    credentials::{
        Credentials, StaticCredentials,
        seam::{MapEnv, World},
    },
};
use sagewire_emulator::{EXAMPLE_ACCESS_KEY_ID, EXAMPLE_SECRET_ACCESS_KEY, Emulator};
use sagewire_sagemaker::Transport;

/// A world in which nothing is set: no variable, no file, no network, no process. Only the clock is
/// real.
#[must_use]
pub fn empty_world() -> World {
    World::builder().build()
}

/// A world with these environment variables and nothing else.
#[must_use]
pub fn world_with<const N: usize>(variables: [(&str, &str); N]) -> World {
    World::builder().with_env(MapEnv::from(variables)).build()
}

/// A builder for a provider that looks at nothing outside, and calls this URL with the example
/// keys.
pub fn builder_for(url: impl Into<String>) -> SageMakerBuilder {
    SageMaker::builder()
        .world(empty_world())
        .endpoint_url(url)
        .region("us-east-1")
        .keys(EXAMPLE_ACCESS_KEY_ID, EXAMPLE_SECRET_ACCESS_KEY)
}

/// Starts an emulator with its endpoints `tgi`, `messages` and `embedding`.
///
/// # Panics
/// Where no port can be bound.
pub async fn start() -> Emulator {
    Emulator::start().await.unwrap()
}

/// A provider for the emulator.
///
/// # Panics
/// Where TLS cannot be set up.
#[must_use]
pub fn sagemaker(emulator: &Emulator) -> SageMaker {
    builder_for(emulator.url()).build().unwrap()
}

/// A client for the emulator.
#[must_use]
pub fn client(emulator: &Emulator) -> Client {
    Client::builder().sagemaker(sagemaker(emulator)).build()
}

/// A client for the emulator whose provider has these settings, laid over those that reach the
/// emulator.
///
/// # Panics
/// Where TLS cannot be set up.
#[must_use]
pub fn client_with(emulator: &Emulator, settings: Settings) -> Client {
    Client::builder().sagemaker(builder_for(emulator.url()).settings(settings).build().unwrap()).build()
}

/// Settings that allow this many tries in all.
#[must_use]
pub fn tries(max_attempts: u32) -> Settings {
    let mut settings = Settings::default();
    settings.max_attempts = Some(max_attempts);
    settings
}

/// A client over this transport.
///
/// # Panics
/// Where TLS cannot be set up.
#[must_use]
pub fn client_over(transport: Arc<dyn Transport>, settings: Settings) -> Client {
    let sagemaker = builder_for("http://endpoint.invalid").settings(settings).transport(transport).build().unwrap();
    Client::builder().sagemaker(sagemaker).build()
}

/// Settings that sign with these keys.
#[must_use]
pub fn signing_with(credentials: Credentials) -> Settings {
    let mut settings = Settings::default();
    settings.credentials = Some(Arc::new(StaticCredentials::new(credentials)));
    settings
}

/// A short question to this model.
#[must_use]
pub fn question(model: &str) -> ChatRequest {
    ChatRequest::new(model, [Message::user("What is a llama?")]).with_max_tokens(40)
}

/// What a stream gave: its chunks, and the error that ended it.
#[derive(Debug)]
pub struct Streamed {
    /// The chunks, in order.
    pub chunks: Vec<ChatChunk>,
    /// The error, where the stream did not end well, before or after the first chunk.
    pub error: Option<Error>,
}

impl Streamed {
    /// The text of all chunks.
    #[must_use]
    pub fn text(&self) -> String {
        self.chunks.iter().map(ChatChunk::content).collect()
    }
}

/// Streams an answer to its end.
pub async fn stream(client: &Client, request: ChatRequest) -> Streamed {
    use futures_util::StreamExt as _;

    let mut streamed = Streamed { chunks: Vec::new(), error: None };
    match client.chat_stream(request).await {
        Err(error) => streamed.error = Some(error),
        Ok(mut stream) => {
            while let Some(piece) = stream.next().await {
                match piece {
                    Ok(chunk) => streamed.chunks.push(chunk),
                    Err(error) => {
                        assert!(streamed.error.replace(error).is_none(), "a second error came after the first");
                    }
                }
            }
        }
    }
    streamed
}

/// Every sentence of an error: its own, and its causes'.
#[must_use]
pub fn sentences(error: &(dyn StdError + 'static)) -> Vec<String> {
    let mut sentences = vec![error.to_string()];
    let mut cause = error.source();
    while let Some(error) = cause {
        sentences.push(error.to_string());
        cause = error.source();
    }
    sentences
}
