//! The smallest call that shows whether a model answers: one token, or one vector.

use std::{sync::Arc, time::Duration};

use sagewire::{
    CallContext, ChatRequest, EmbedRequest, Error, ErrorKind, Message, Provider, ReplyMeta, ReqwestTransport,
    SageMaker, Settings, Transport,
    credentials::{
        Credentials, StaticCredentials,
        seam::{CA_BUNDLE_LIMIT, SystemFiles, World},
    },
};

use super::watch::{Log, Watched};

/// What is asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    Chat,
    Embedding,
}

/// A way to call the model.
#[derive(Debug)]
pub(super) struct Probe {
    pub(super) model: String,
    pub(super) settings: Settings,
    pub(super) world: World,
    pub(super) transport: Arc<dyn Transport>,
}

/// The network, as the provider uses it.
pub(super) fn network(world: &World) -> Result<Arc<dyn Transport>, Error> {
    let pem = match world.var("AWS_CA_BUNDLE") {
        Some(path) => SystemFiles::read_blocking(path.as_ref(), CA_BUNDLE_LIMIT).map_err(|error| {
            let message = format!("the CA bundle `{path}` cannot be read; correct or unset `AWS_CA_BUNDLE`");
            Error::new(ErrorKind::Configuration, message).with_source(error)
        })?,
        None => Default::default(),
    };
    let transport = ReqwestTransport::trusting(Duration::from_secs(5), &pem)
        .map_err(|error| Error::new(ErrorKind::Configuration, error.to_string()).with_source(error))?;
    Ok(Arc::new(transport))
}

impl Probe {
    /// Writes every call down; without `inner`, holds it back.
    pub(super) fn watched(
        model: &str,
        settings: Settings,
        world: &World,
        inner: Option<Arc<dyn Transport>>,
        log: &Log,
    ) -> Self {
        let watched = Watched { inner, clock: Arc::clone(world.clock()), log: log.clone() };
        Self { model: model.to_owned(), settings, world: world.clone(), transport: Arc::new(watched) }
    }

    /// Signs with placeholder keys, to show a request for which there are none.
    pub(super) fn with_placeholder_keys(mut self) -> Self {
        let keys = Credentials::new("none", "none");
        self.settings.credentials = Some(Arc::new(StaticCredentials::new(keys)));
        self
    }

    /// Asks once, in the given dialect or in the one that is set.
    pub(super) async fn ask(&self, kind: Kind, dialect: Option<&str>) -> Result<ReplyMeta, Error> {
        let mut settings = self.settings.clone();
        // One try: the doctor is to see the failure, and not to wait for it to pass.
        settings.max_attempts = Some(1);
        settings.wait_for_capacity = None;
        settings.fake_stream = None;
        match (kind, dialect) {
            (_, None) => {}
            (Kind::Chat, Some(dialect)) => settings.dialect = Some(dialect.parse()?),
            (Kind::Embedding, Some(dialect)) => settings.embedding_dialect = Some(dialect.parse()?),
        }
        let sagemaker = SageMaker::builder()
            .world(self.world.clone())
            .settings(settings)
            .transport(Arc::clone(&self.transport))
            .build()?;
        let context = CallContext::new();
        match kind {
            Kind::Chat => {
                let request = ChatRequest::new(self.model.as_str(), [Message::user("Hi")]).with_max_tokens(1);
                Ok(sagemaker.chat(request, &context).await?.meta)
            }
            Kind::Embedding => Ok(sagemaker.embed(EmbedRequest::new(self.model.as_str(), "Hi"), &context).await?.meta),
        }
    }
}
