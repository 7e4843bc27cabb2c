//! The smallest call that shows whether a model answers: one token, one vector, one score, or the
//! text of a moment of silence.

use std::{sync::Arc, time::Duration};

use sagewire::{
    AudioForm, CallContext, ChatRequest, EmbedRequest, Error, ErrorKind, Message, Provider, ReplyMeta,
    ReqwestTransport, RerankRequest, SageMaker, Settings, TranscribeRequest, Transport,
    batch::{Buckets, S3Results},
    credentials::{
        AwsParams, Credentials, StaticCredentials,
        seam::{CA_BUNDLE_LIMIT, SystemFiles, World},
    },
};
use sagewire_proxy::config::Mode;
use tokio::time::Instant;

use super::watch::{Log, Watched};

/// What is asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    Chat,
    Embedding,
    Rerank,
    Transcription,
}

/// How long the answer of an asynchronous endpoint is waited for.
const QUEUED: Duration = Duration::from_secs(60);

impl Kind {
    /// What is asked of a model of this mode. Routes of the container's own are not examined.
    pub(super) fn of(mode: Mode) -> Self {
        match mode {
            Mode::Embedding => Self::Embedding,
            Mode::Rerank => Self::Rerank,
            Mode::AudioTranscription => Self::Transcription,
            _ => Self::Chat,
        }
    }

    /// The parameter that sets its dialect.
    pub(super) fn dialect(self) -> &'static str {
        match self {
            Self::Chat => "dialect",
            Self::Embedding => "embedding_dialect",
            Self::Rerank => "rerank_dialect",
            Self::Transcription => "transcription_dialect",
        }
    }

    /// What comes of it.
    pub(super) fn answer(self) -> &'static str {
        match self {
            Self::Chat => "one token",
            Self::Embedding => "one vector",
            Self::Rerank => "one score",
            Self::Transcription => "one text",
        }
    }

    /// The dialect that is set.
    pub(super) fn set_in(self, settings: &Settings) -> Option<String> {
        match self {
            Self::Chat => settings.dialect.map(|dialect| dialect.to_string()),
            Self::Embedding => settings.embedding_dialect.map(|dialect| dialect.to_string()),
            Self::Rerank => settings.rerank_dialect.map(|dialect| dialect.to_string()),
            Self::Transcription => settings.transcription_dialect.map(|dialect| dialect.to_string()),
        }
    }
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
            (Kind::Rerank, Some(dialect)) => settings.rerank_dialect = Some(dialect.parse()?),
            (Kind::Transcription, Some(dialect)) => settings.transcription_dialect = Some(dialect.parse()?),
        }
        let mut context = CallContext::new();
        if settings.async_inference == Some(true) {
            context = context.with_deadline((Instant::now() + QUEUED).into_std());
        }
        let results = S3Results::new(Buckets::new(AwsParams::default(), self.world.clone()));
        let sagemaker = SageMaker::builder()
            .world(self.world.clone())
            .settings(settings)
            .transport(Arc::clone(&self.transport))
            .async_objects(Arc::new(results))
            .build()?;
        match kind {
            Kind::Chat => {
                let request = ChatRequest::new(self.model.as_str(), [Message::user("Hi")]).with_max_tokens(1);
                Ok(sagemaker.chat(request, &context).await?.meta)
            }
            Kind::Embedding => Ok(sagemaker.embed(EmbedRequest::new(self.model.as_str(), "Hi"), &context).await?.meta),
            Kind::Rerank => {
                Ok(sagemaker.rerank(RerankRequest::new(self.model.as_str(), "Hi", ["Hi"]), &context).await?.meta)
            }
            Kind::Transcription => {
                let request = TranscribeRequest::new(self.model.as_str(), AudioForm::silence()?);
                Ok(sagemaker.transcribe(request, &context).await?.meta)
            }
        }
    }
}
