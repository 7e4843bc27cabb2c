//! [`SageMaker`]: the provider. It wires the stages of a call and holds no logic of its own.

use std::{borrow::Cow, num::NonZeroUsize, sync::Arc, time::UNIX_EPOCH};

use async_trait::async_trait;
use bytes::Bytes;
use futures_util::{
    FutureExt, TryFutureExt,
    future::{BoxFuture, ready},
};
use http::HeaderMap;
use sagewire_credentials::{SharedCredentialsProvider, endpoint::Service, seam::World};
use sagewire_dialects::Payload;
use sagewire_types::{Answer, Call, CallContext, Error, ModelId, Provider, ReplyMeta};

use crate::{
    builder::SageMakerBuilder,
    call::{
        attempt::Sender,
        caller::{self, CallerParameters},
        capacity, derived_ids,
        forward::Routes,
        later::AsyncObjects,
        limits::Limits,
        place::Learned,
        plan::Prepared,
        route,
    },
    request::{
        self, Operation, attributes,
        door::Door,
        target::{self, Targets},
    },
    settings::Settings,
    template::Templates,
};

mod chat;
mod completion;
mod embedding;
mod forward;
mod rerank;
mod transcription;

/// Models on SageMaker endpoints.
///
/// The prefix of the model's id chooses the route: `sagemaker/<endpoint>` for text containers and
/// embeddings, `sagemaker_chat/<endpoint>` for the Messages API. Cloning is cheap and shares
/// connections, signing keys and credentials.
///
/// ```no_run
/// use sagewire_sagemaker::SageMaker;
/// use sagewire_types::{CallContext, ChatRequest, Message, Provider};
///
/// # async fn run() -> Result<(), Box<dyn std::error::Error>> {
/// let sagemaker = SageMaker::from_env()?;
/// let request = ChatRequest::new("sagemaker/my-endpoint", [Message::user("Hello, how are you?")]);
/// let reply = sagemaker.chat(request, &CallContext::new()).await?;
/// println!("{}", reply.value.content());
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Debug)]
pub struct SageMaker {
    pub(crate) shared: Arc<Shared>,
    pub(crate) settings: Arc<Settings>,
    /// Where this provider's calls go, once it is known. A call with a region or URL of its own
    /// asks anew.
    pub(crate) targets: Arc<Targets>,
}

#[derive(Debug)]
pub(crate) struct Shared {
    pub(crate) world: World,
    /// Where asynchronous endpoints leave their answers.
    pub(crate) async_objects: Option<Arc<dyn AsyncObjects>>,
    pub(crate) sender: Sender,
    pub(crate) default_credentials: SharedCredentialsProvider,
    pub(crate) waiting: capacity::Waiting,
    /// Containers that refuse to be asked for details.
    pub(crate) refused_details: Learned<()>,
    /// Containers that refuse to be asked for the usage of a stream.
    pub(crate) refused_usage: Learned<()>,
    /// How many inputs at once embedding containers said that they take.
    pub(crate) batch_limits: Learned<NonZeroUsize>,
    /// Which routes of their own containers have.
    pub(crate) routes: Learned<Routes>,
    pub(crate) templates: Templates,
}

impl SageMaker {
    /// How the ids of models begin that embed texts in OpenAI's form at an endpoint's invocations,
    /// as in LiteLLM. The container speaks OpenAI's API; AWS's own route `/openai/v1` has
    /// nothing to do with it.
    pub const OPENAI_EMBEDDINGS: &str = route::OPENAI_EMBEDDINGS;

    /// The prefixes of the model ids that it serves.
    pub const PREFIXES: [&str; 6] =
        ["sagemaker", "sagemaker_chat", "sagemaker_nova", "sagemaker_openai", "sagemaker_router", "sagemaker_gateway"];

    /// The AWS service that the calls of a model go to.
    #[must_use]
    pub fn service(model: &ModelId) -> Service {
        Door::of(model).service
    }

    /// A provider over the environment, the shared files and the network, with default settings.
    ///
    /// # Errors
    /// `Configuration` where TLS cannot be set up. Credentials and region are looked for at the
    /// first call.
    pub fn from_env() -> Result<Self, Error> {
        Self::builder().build()
    }

    /// A provider to be set up.
    pub fn builder() -> SageMakerBuilder {
        SageMakerBuilder::default()
    }

    /// The same provider with other settings; connections, signing keys and default credentials are
    /// shared.
    #[must_use]
    pub fn with_settings(&self, settings: Settings) -> Self {
        Self { shared: Arc::clone(&self.shared), settings: Arc::new(settings), targets: Arc::default() }
    }

    /// The provider's settings.
    #[must_use]
    pub fn settings(&self) -> &Settings {
        &self.settings
    }

    /// A call whose body and further headers `write` makes.
    pub(crate) async fn invoke_raw(
        &self,
        model: &str,
        operation: Operation,
        context: &CallContext,
        write: impl FnOnce(&mut request::UnsignedRequest) -> Result<(), Error> + Send,
    ) -> Result<(Bytes, HeaderMap, ReplyMeta), Error> {
        let begun = self.begin(context, None)?;
        let answer = begun.limits.bound(async {
            let prepared = self.prepare(model, &begun).await?;
            let mut payload = Payload::from_json(Bytes::new());
            payload.accept = None;
            let mut request = prepared.request(operation, payload)?;
            write(&mut request)?;
            prepared.send_request(&self.shared, context, request, None).await
        });
        answer.await
    }

    /// The settings of one call: the caller's as far as it may set them, over the context's, over
    /// the provider's. What is asked may be a route of the container's own.
    fn begin<'a>(&'a self, context: &'a CallContext, call: Option<&Call>) -> Result<Begun<'a>, Error> {
        let leads_elsewhere = |own: &Settings| own.region.is_some() || own.base_url.is_some() || own.profile.is_some();
        let mut settings = Cow::Borrowed(&*self.settings);
        let mut elsewhere = false;
        if let Some(own) = context.get::<Settings>() {
            elsewhere = leads_elsewhere(own);
            settings = Cow::Owned(own.or(&settings));
        }
        if let Some(caller) = context.get::<CallerParameters>() {
            let own = caller.settings(settings.caller_may_set.as_deref().unwrap_or_default(), &self.shared.world)?;
            elsewhere |= leads_elsewhere(&own);
            settings = Cow::Owned(own.or(&settings));
        }
        if let Some(call) = call
            && let Some(path) = route::of_call(call, &settings)?
        {
            let further = settings.further_routes.as_deref().unwrap_or_default();
            let attributes = attributes::with_route(settings.headers.custom_attributes.as_deref(), path, further)?;
            settings.to_mut().headers.custom_attributes = Some(attributes);
        }
        if let Some(call) = call {
            derived_ids::derive(&mut settings, call, context);
        }
        if let Some(trace) = context.trace.as_ref().filter(|_| settings.forward_trace == Some(true)) {
            let attributes = &mut settings.to_mut().headers.custom_attributes;
            *attributes = attributes::with_trace(attributes.as_deref(), trace);
        }
        Ok(Begun { limits: Limits::new(context, &settings), settings, elsewhere, context })
    }

    async fn prepare<'a>(&'a self, model: &str, begun: &'a Begun<'_>) -> Result<Prepared<'a>, Error> {
        let model: ModelId = model.parse().map_err(|error: sagewire_types::ModelIdError| {
            Error::invalid("model", error.to_string()).with_source(error)
        })?;
        let world = &self.shared.world;
        let Begun { settings, limits, .. } = begun;
        let door = Door::of(&model);
        if !door.is_runtime() {
            door.address(model.name(), settings.headers.inference_component.as_deref())?;
        }
        let target = if begun.elsewhere {
            Cow::Owned(target::resolve(world, settings, door.service).await?)
        } else {
            Cow::Borrowed(self.targets.of(door.service, world, &self.settings).await?)
        };
        if door.is_runtime() && !target.base.is_verbatim() {
            request::check_endpoint_name(model.name())?;
        }
        let credentials = settings.credentials.clone().unwrap_or_else(|| Arc::clone(&self.shared.default_credentials));
        let created = world.now().duration_since(UNIX_EPOCH).map(|since| since.as_secs()).unwrap_or_default();
        Ok(Prepared { limits, settings: Cow::Borrowed(settings), model, door, target, credentials, created })
    }
}

/// A call whose settings and limits are known, and nothing else yet.
#[derive(Debug)]
struct Begun<'a> {
    settings: Cow<'a, Settings>,
    /// Whether it may go elsewhere than the provider's other calls.
    elsewhere: bool,
    limits: Limits,
    context: &'a CallContext,
}

#[async_trait]
impl Provider for SageMaker {
    async fn call(&self, call: Call, context: &CallContext) -> Result<Answer, Error> {
        let begun = self.begin(context, Some(&call))?;
        let answer = begun.limits.bound(self.operation(call, &begun));
        answer.await.map_err(|error| caller::attributed(error, context, &begun.settings))
    }
}

/// The operations.
impl SageMaker {
    /// The call's operation, in a future of its own size: a single one with room for all of them
    /// would be moved around with every call.
    fn operation<'a>(&'a self, call: Call, begun: &'a Begun<'_>) -> BoxFuture<'a, Result<Answer, Error>> {
        match call {
            Call::Chat(request) => self.answer_chat(*request, begun).map_ok(Answer::from).boxed(),
            Call::ChatStream(request) => self.stream_chat(*request, begun).map_ok(Answer::from).boxed(),
            Call::Complete(request) => self.answer_completion(*request, begun).map_ok(Answer::from).boxed(),
            Call::CompleteStream(request) => self.stream_completion(*request, begun).map_ok(Answer::from).boxed(),
            Call::Embed(request) => self.answer_embedding(*request, begun).map_ok(Answer::from).boxed(),
            Call::Rerank(request) => self.answer_rerank(*request, begun).map_ok(Answer::from).boxed(),
            Call::Transcribe(request) => self.answer_transcription(*request, begun).map_ok(Answer::Forward).boxed(),
            Call::TranscribeStream(request) => {
                self.stream_transcription(*request, begun).map_ok(Answer::ForwardStream).boxed()
            }
            Call::Forward(request) => self.answer_forwarded(*request, begun).map_ok(Answer::from).boxed(),
            Call::ForwardStream(request) => self.stream_forwarded(*request, begun).map_ok(Answer::from).boxed(),
            other => ready(Err(other.unsupported())).boxed(),
        }
    }
}
