#![doc = include_str!("../README.md")]
//!
//! # Where things are
//! This crate owns the choice of a provider by the prefix, and the re-exports. It has no logic beyond.

use std::{
    collections::BTreeMap,
    future::{Future, ready},
    pin::Pin,
    sync::Arc,
};

pub use sagewire_chat_template as chat_template;
pub use sagewire_credentials as credentials;
pub use sagewire_sagemaker as sagemaker;
pub use sagewire_sagemaker::{
    AsyncInput, AsyncInvocation, AsyncReceipt, Body, InvocationHeaders, ParameterPolicy, ReqwestTransport, SageMaker,
    SageMakerBuilder, Settings, TemplateChoice, TemplateSource, Timeouts, Transport, TransportError,
    TransportErrorKind,
};
pub use sagewire_types::*;

/// Sends each request to the provider of its model's prefix. Cloning is cheap.
#[derive(Clone, Debug)]
pub struct Client(Arc<BTreeMap<String, Arc<dyn Provider>>>);

/// Sets up a [`Client`].
#[derive(Debug, Default)]
#[must_use = "a builder does nothing until `build` is called"]
pub struct ClientBuilder(BTreeMap<String, Arc<dyn Provider>>);

impl Client {
    /// A client for SageMaker, set up from the environment as AWS's tools are.
    ///
    /// # Errors
    /// [`ErrorKind::Configuration`] where TLS cannot be set up.
    pub fn from_env() -> Result<Self, Error> {
        Ok(Self::builder().sagemaker(SageMaker::from_env()?).build())
    }

    /// A client to be set up.
    pub fn builder() -> ClientBuilder {
        ClientBuilder::default()
    }

    fn of(&self, model: &str) -> Result<&dyn Provider, Error> {
        let id: ModelId = model.parse().map_err(|error: ModelIdError| Error::invalid("model", error.to_string()))?;
        let known = || self.0.keys().map(String::as_str).collect::<Vec<_>>().join("/`, `");
        let none = || format!("no provider serves `{model}`: its prefix must be one of `{}/`", known());
        self.0.get(id.prefix()).map(|provider| &**provider).ok_or_else(|| Error::invalid("model", none()))
    }
}

impl ClientBuilder {
    /// Serves SageMaker's prefixes with this provider.
    pub fn sagemaker(self, sagemaker: SageMaker) -> Self {
        let sagemaker: Arc<dyn Provider> = Arc::new(sagemaker);
        SageMaker::PREFIXES.into_iter().fold(self, |builder, prefix| builder.provider(prefix, Arc::clone(&sagemaker)))
    }

    /// Serves the models `prefix/...` with this provider.
    pub fn provider(mut self, prefix: impl Into<String>, provider: Arc<dyn Provider>) -> Self {
        self.0.insert(prefix.into(), provider);
        self
    }

    /// The client.
    #[must_use]
    pub fn build(self) -> Client {
        Client(Arc::new(self.0))
    }
}

macro_rules! calls {
    ($($(#[$doc:meta])* $call:ident($request:ty) -> $answer:ty;)*) => {
        impl Client {
            $($(#[$doc])*
            ///
            /// # Errors
            /// Any [`ErrorKind`]; that of a prefix that nobody serves is [`ErrorKind::InvalidRequest`].
            pub async fn $call(&self, request: $request) -> Result<$answer, Error> {
                Provider::$call(self, request, &CallContext::new()).await
            })*
        }

        /// With a context of the operator's. As `async fn` each call would be a future in a future, both of them on the heap.
        impl Provider for Client {
            $(fn $call<'a, 'b, 'call>(
                &'a self,
                request: $request,
                context: &'b CallContext,
            ) -> Pin<Box<dyn Future<Output = Result<$answer, Error>> + Send + 'call>>
            where
                'a: 'call,
                'b: 'call,
                Self: 'call,
            {
                match self.of(&request.model) {
                    Ok(provider) => provider.$call(request, context),
                    Err(error) => Box::pin(ready(Err(error))),
                }
            })*
        }
    };
}

calls! {
    /// Answers a conversation as a whole.
    chat(ChatRequest) -> Reply<ChatResponse>;
    /// Answers a conversation piece by piece. After the first chunk the stream itself yields the error, and ends.
    chat_stream(ChatRequest) -> ChatStream;
    /// Embeds texts, one vector for each, in their order.
    embed(EmbedRequest) -> Reply<EmbedResponse>;
    /// Continues a raw prompt.
    complete(CompletionRequest) -> Reply<CompletionResponse>;
    /// Continues a raw prompt piece by piece, with the errors of [`chat_stream`](Self::chat_stream).
    complete_stream(CompletionRequest) -> CompletionStream;
}
