#![doc = include_str!("../README.md")]
//!
//! # Where things are
//! This crate owns the choice of a provider by the prefix, the client's methods, and the
//! re-exports. It has no logic beyond.

use std::{collections::BTreeMap, sync::Arc};

use async_trait::async_trait;

pub use sagewire_chat_template as chat_template;
pub use sagewire_credentials as credentials;
pub use sagewire_sagemaker as sagemaker;
pub use sagewire_sagemaker::{
    AsyncInput, AsyncInvocation, AsyncObjects, AsyncReceipt, Body, CallerIdentity, ChatDialect, DetailsPolicy,
    EmbeddingDialect, IdSource, InvocationHeaders, ParameterPolicy, ReqwestTransport, RerankDialect, SageMaker,
    SageMakerBuilder, Settings, TemplateChoice, TemplateSource, Timeouts, TranscriptionDialect, Transport,
    TransportError, TransportErrorKind,
};
pub use sagewire_types::*;

#[cfg(feature = "batch")]
pub mod batch;
mod operations;

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

#[async_trait]
impl Provider for Client {
    async fn call(&self, call: Call, context: &CallContext) -> Result<Answer, Error> {
        self.of(call.model())?.call(call, context).await
    }
}
