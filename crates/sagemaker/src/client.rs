//! [`SageMaker`]: the provider. It wires the stages of a call and holds no logic of its own.

use std::{borrow::Cow, num::NonZeroUsize, sync::Arc, time::UNIX_EPOCH};

use async_trait::async_trait;
use bytes::Bytes;
use futures_util::{
    FutureExt, TryFutureExt,
    future::{BoxFuture, ready},
};
use http::{HeaderMap, header};
use sagewire_credentials::{SharedCredentialsProvider, endpoint::Service, seam::World};
use sagewire_dialects::{
    CompletionForm, DecodeContext, EmbeddingDialect, Payload, StreamDecoder, completion, drop_named_of_embedding,
    embedding::EmbedContext,
};
use sagewire_types::{
    Answer, Call, CallContext, ChatRequest, ChatResponse, ChatStream, CompletionRequest, CompletionResponse,
    CompletionStream, EmbedRequest, EmbedResponse, Error, ForwardRequest, ForwardStream, Forwarded, ModelId, Provider,
    Reply, ReplyMeta, ReplyStream,
};

use crate::{
    builder::SageMakerBuilder,
    call::{
        attempt::Sender,
        batches as batch,
        caller::{self, CallerParameters},
        capacity, completion_prompts, details, forward,
        later::AsyncObjects,
        limits::Limits,
        place::{Learned, Place},
        plan::Prepared,
        route, stream_usage,
    },
    checks, prompt,
    reply::{meta as reply_meta, usage},
    request::{
        self, Operation, attributes,
        door::Door,
        target::{self, Targets},
    },
    settings::{Settings, defaults, operator_only::take_out},
    stream::simulated as fake_stream,
    template::Templates,
};

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
    pub(crate) routes: Learned<forward::Routes>,
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

    async fn answer_chat(&self, mut request: ChatRequest, begun: &Begun<'_>) -> Result<Reply<ChatResponse>, Error> {
        checks::chat(&mut request)?;
        let prepared = self.prepare(&request.model, begun).await?;
        defaults::fill(&mut request, prepared.settings.defaults.as_deref());
        let dialect = prepared.dialect()?;
        let prompt = prompt::render(&self.shared, dialect, &mut request, &prepared).await?;
        let decoding = prepared.decode_context(&request, prompt.as_ref());
        let (body, meta) =
            details::invoke(&self.shared, &prepared, begun.context, dialect, request, prompt.as_ref()).await?;
        let mut value = dialect.decode(&body, &decoding).map_err(|error| checks::answered(error, &meta))?;
        usage::fill_in(&mut value, &decoding).await;
        Ok(Reply { value, meta })
    }

    async fn stream_chat(&self, mut request: ChatRequest, begun: &Begun<'_>) -> Result<ChatStream, Error> {
        checks::chat(&mut request)?;
        let prepared = self.prepare(&request.model, begun).await?;
        defaults::fill(&mut request, prepared.settings.defaults.as_deref());
        if prepared.simulates_streams() {
            let include_usage = prepared.decode_context(&request, None).include_usage;
            request.stream = None;
            // In a box, as it is rare and larger than all the rest.
            let Reply { value, mut meta } = Box::pin(self.answer_chat(request, begun)).await?;
            fake_stream::mark(&mut meta);
            return Ok(ReplyStream::new(meta, fake_stream::chunks(value, include_usage)));
        }
        let dialect = prepared.dialect()?;
        let prompt = prompt::render(&self.shared, dialect, &mut request, &prepared).await?;
        let decoding = prepared.decode_context(&request, prompt.as_ref());
        request.stream_options = stream_usage::options(request.stream_options, &self.shared, &prepared);
        let payload = dialect.encode(request, &prepared.encode_context(prompt.as_ref(), true))?;
        usage::get_ready(&decoding).await;
        let decoder = || dialect.stream_decoder(decoding.clone());
        stream_usage::stream(&self.shared, &prepared, begun.context, payload, decoder).await
    }

    async fn answer_embedding(
        &self,
        mut request: EmbedRequest,
        begun: &Begun<'_>,
    ) -> Result<Reply<EmbedResponse>, Error> {
        checks::embed(&mut request)?;
        let (model, in_openais_form) = route::embedding_model(&request.model);
        let prepared = self.prepare(&model, begun).await?;
        prepared.door.check_takes_more_than_chat("embeddings")?;
        let by_route = prepared.door.embeddings.or(in_openais_form.then_some(EmbeddingDialect::OpenAi));
        let setting = prepared.settings.embedding_dialect.or(by_route);
        let family = route::embeddings(setting, &prepared.model)?;
        let hf_name: Option<Arc<str>> = match prepared.settings.hf_model_name.as_deref() {
            _ if prepared.door.keeps_body_model => Some(prepared.door.body_model(prepared.model.name()).into()),
            name => name.map(Arc::from),
        };
        defaults::fill_embedding(&mut request, prepared.settings.defaults.as_deref())?;
        if let Some(policy) = &prepared.settings.parameters {
            drop_named_of_embedding(&mut request, policy);
            if policy.drop_params && !family.takes_parameters() {
                request.extra.clear();
            }
        }
        let (prepared, hf_name) = (&prepared, &hf_name);
        let asked = family.batch(prepared.settings.embedding_batch_size);
        let at_once = asked.into_iter().chain(self.shared.batch_limits.about(prepared)).min();
        let concurrency = prepared.settings.embedding_concurrency.unwrap_or(batch::CONCURRENT_BATCHES);
        let learn = |limit| self.shared.batch_limits.remember(Place::of(prepared), limit);
        batch::in_fitting_batches(&request, at_once, concurrency, learn, |request| async move {
            let mut embedding = EmbedContext::new(prepared.model.name(), &request);
            // LiteLLM names no model on this route: a container refuses a name that is not its own.
            if in_openais_form || hf_name.is_some() {
                embedding.body_model.clone_from(hf_name);
            }
            let payload = family.encode(&request, &embedding)?;
            let (body, meta) = prepared.invoke(&self.shared, begun.context, payload).await?;
            let mut value = family.decode(&body, &embedding).map_err(|error| checks::answered(error, &meta))?;
            usage::fill_in_embeddings(&mut value, &request.input).await;
            Ok(Reply { value, meta })
        })
        .await
    }

    async fn answer_completion(
        &self,
        mut request: CompletionRequest,
        begun: &Begun<'_>,
    ) -> Result<Reply<CompletionResponse>, Error> {
        take_out(&mut request.extra)?;
        let prepared = self.prepare(&request.model, begun).await?;
        prepared.door.check_takes_more_than_chat("completions")?;
        defaults::fill_completion(&mut request, prepared.settings.defaults.as_deref());
        let dialect = prepared.dialect()?;
        if dialect.completion_form() == CompletionForm::OpenAi {
            let decoding = prepared.decode_context(&ChatRequest::default(), None).with_completion(&request);
            let payload = dialect.encode_completion(request, &prepared.encode_context(None, false))?;
            let (body, meta) = prepared.invoke(&self.shared, begun.context, payload).await?;
            let mut value =
                completion::decode(&body, &decoding, dialect.name()).map_err(|error| checks::answered(error, &meta))?;
            usage::fill_in(&mut value, &decoding).await;
            return Ok(Reply { value: completion::from_chat(value), meta });
        }
        let (chat, prompts) = completion::as_prompts(request)?;
        let (chat, prepared) = (&chat, &prepared);
        completion_prompts::whole(prompts, chat.n.unwrap_or(1), |text| async move {
            let prompt = prompt::Prompt::raw(text);
            let decoding = prepared.decode_context(chat, Some(&prompt)).keeping_thoughts();
            let (body, meta) =
                details::invoke(&self.shared, prepared, begun.context, dialect, chat.clone(), Some(&prompt)).await?;
            let mut value = dialect.decode(&body, &decoding).map_err(|error| checks::answered(error, &meta))?;
            usage::fill_in(&mut value, &decoding).await;
            Ok(Reply { value: completion::from_chat(value), meta })
        })
        .await
    }

    async fn stream_completion(
        &self,
        mut request: CompletionRequest,
        begun: &Begun<'_>,
    ) -> Result<CompletionStream, Error> {
        take_out(&mut request.extra)?;
        let prepared = self.prepare(&request.model, begun).await?;
        prepared.door.check_takes_more_than_chat("completions")?;
        if !prepared.door.streams {
            let include_usage =
                request.stream_options.as_ref().is_some_and(|options| options.include_usage == Some(true));
            (request.stream, request.stream_options) = (None, None);
            let Reply { value, mut meta } = Box::pin(self.answer_completion(request, begun)).await?;
            fake_stream::mark(&mut meta);
            return Ok(ReplyStream::new(meta, fake_stream::completion(value, include_usage)));
        }
        defaults::fill_completion(&mut request, prepared.settings.defaults.as_deref());
        let dialect = prepared.dialect()?;
        let prepared = &prepared;
        if dialect.completion_form() == CompletionForm::OpenAi {
            let decoding = prepared.decode_context(&ChatRequest::default(), None).with_completion(&request);
            request.stream_options = stream_usage::options(request.stream_options, &self.shared, prepared);
            let payload = dialect.encode_completion(request, &prepared.encode_context(None, true))?;
            return self.stream_as_completion(prepared, begun, payload, decoding).await;
        }
        let (chat, prompts) = completion::as_prompts(request)?;
        let chat = &chat;
        completion_prompts::streamed(prompts, chat.n.unwrap_or(1), |text| async move {
            let prompt = prompt::Prompt::raw(text);
            let decoding = prepared.decode_context(chat, Some(&prompt));
            let payload = dialect.encode(chat.clone(), &prepared.encode_context(Some(&prompt), true))?;
            self.stream_as_completion(prepared, begun, payload, decoding).await
        })
        .await
    }

    async fn stream_as_completion(
        &self,
        prepared: &Prepared<'_>,
        begun: &Begun<'_>,
        payload: Payload,
        decoding: DecodeContext,
    ) -> Result<CompletionStream, Error> {
        let dialect = prepared.dialect()?;
        let decoding = decoding.keeping_thoughts();
        usage::get_ready(&decoding).await;
        let decoder = || -> Box<dyn StreamDecoder<CompletionResponse>> {
            Box::new(completion::CompletionDecoder::new(dialect.stream_decoder(decoding.clone())))
        };
        stream_usage::stream(&self.shared, prepared, begun.context, payload, decoder).await
    }

    async fn answer_forwarded(
        &self,
        mut request: ForwardRequest,
        begun: &Begun<'_>,
    ) -> Result<Reply<Forwarded>, Error> {
        let prepared = self.prepare(&request.model, begun).await?;
        forward::check_door(&prepared, &request)?;
        let checked = forward::Checked::of(&mut request, &prepared, &self.shared.routes)?;
        let request = forward::request(&prepared, Operation::Invoke, request)?;
        let outcome = prepared.invoke_request(&self.shared, begun.context, request, None).await;
        let read = |(value, headers, meta): (Bytes, HeaderMap, ReplyMeta)| match &checked {
            Some(checked) => Ok((checked.read(value)?, headers, meta)),
            None => Ok((Forwarded::from(value), headers, meta)),
        };
        let (value, headers, mut meta) = match (outcome.and_then(read), &checked) {
            (Err(error), Some(checked)) => return Err(checked.judge(error)),
            (outcome, _) => outcome?,
        };
        meta.content_type = reply_meta::text(&headers, header::CONTENT_TYPE);
        Ok(Reply { value, meta })
    }

    async fn stream_forwarded(&self, mut request: ForwardRequest, begun: &Begun<'_>) -> Result<ForwardStream, Error> {
        let prepared = self.prepare(&request.model, begun).await?;
        forward::check_door(&prepared, &request)?;
        let checked = forward::Checked::of(&mut request, &prepared, &self.shared.routes)?;
        let request = forward::request(&prepared, Operation::Stream, request)?;
        let decoder = || -> Box<dyn StreamDecoder<Forwarded>> {
            match &checked {
                Some(checked) if checked.protocol.has_events() => Box::new(checked.protocol.decoder()),
                _ => Box::new(forward::AsItIs),
            }
        };
        let outcome = prepared.stream_request(&self.shared, begun.context, request, None, decoder).await;
        match (outcome, &checked) {
            (Err(error), Some(checked)) => Err(checked.judge(error)),
            (Ok(stream), Some(checked)) => {
                checked.answered();
                Ok(stream)
            }
            (outcome, None) => outcome,
        }
    }
}
