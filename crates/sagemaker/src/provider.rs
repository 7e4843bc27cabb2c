//! [`SageMaker`]: the provider. It wires the stages of a call and holds no logic of its own.

use std::{borrow::Cow, sync::Arc, time::UNIX_EPOCH};

use async_trait::async_trait;
use bytes::Bytes;
use sagewire_credentials::{SharedCredentialsProvider, seam::World};
use sagewire_types::{
    CallContext, ChatRequest, ChatResponse, ChatStream, CompletionRequest, CompletionResponse, CompletionStream,
    EmbedRequest, EmbedResponse, Error, ModelId, Provider, Reply, ReplyMeta, ReplyStream,
};
use tokio::sync::OnceCell;

use crate::{
    attempt::{Call, Sender, deadline, read_whole, unless_cancelled},
    builder::SageMakerBuilder,
    checks,
    defaults::{self, REFUSE},
    dialect::{CompletionForm, DecodeContext, Dialect, EncodeContext, Payload, StreamDecoder, completion},
    embedding::EmbedContext,
    fake_stream, meta,
    parameters::ParameterPolicy,
    prompt,
    reading::{Framing, Limits, Reading},
    request::{self, Operation},
    route,
    settings::Settings,
    target::{self, Target},
    transport::Body,
};

/// The most bytes of a whole reply: AWS's own limit is below it.
const MAX_REPLY: usize = 64 * 1024 * 1024;

/// Models on SageMaker endpoints.
///
/// The prefix of the model's id chooses the route: `sagemaker/<endpoint>` for text containers and embeddings,
/// `sagemaker_chat/<endpoint>` for the Messages API. Cloning is cheap and shares connections, signing keys and credentials.
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
    /// Where this provider's calls go, once it is known. A call with a region or URL of its own asks anew.
    pub(crate) target: Arc<OnceCell<Target>>,
}

#[derive(Debug)]
pub(crate) struct Shared {
    pub(crate) world: World,
    pub(crate) sender: Sender,
    pub(crate) default_credentials: SharedCredentialsProvider,
}

/// What is known about a call before its body is made.
struct Prepared<'a> {
    settings: Cow<'a, Settings>,
    model: ModelId,
    target: Target,
    credentials: SharedCredentialsProvider,
    deadline: Option<tokio::time::Instant>,
    created: u64,
}

impl SageMaker {
    /// A provider over the environment, the shared files and the network, with default settings.
    ///
    /// # Errors
    /// `Configuration` where TLS cannot be set up. Credentials and region are looked for at the first call.
    pub fn from_env() -> Result<Self, Error> {
        Self::builder().build()
    }

    /// A provider to be set up.
    #[must_use]
    pub fn builder() -> SageMakerBuilder {
        SageMakerBuilder::default()
    }

    /// The same provider with other settings; connections, signing keys and default credentials are shared.
    #[must_use]
    pub fn with_settings(&self, settings: Settings) -> Self {
        Self { shared: Arc::clone(&self.shared), settings: Arc::new(settings), target: Arc::default() }
    }

    /// The provider's settings.
    #[must_use]
    pub fn settings(&self) -> &Settings {
        &self.settings
    }

    async fn prepare(&self, model: &str, context: &CallContext) -> Result<Prepared<'_>, Error> {
        let model: ModelId = model.parse().map_err(|error: sagewire_types::ModelIdError| {
            Error::invalid("model", error.to_string()).with_source(error)
        })?;
        let own = context.get::<Settings>();
        let settings = match own {
            Some(own) => Cow::Owned(own.or(&self.settings)),
            None => Cow::Borrowed(&*self.settings),
        };
        let elsewhere = own.is_some_and(|own| own.region.is_some() || own.base_url.is_some() || own.profile.is_some());
        let world = &self.shared.world;
        let target = if elsewhere {
            target::resolve(world, &settings).await?
        } else {
            self.target.get_or_try_init(|| target::resolve(world, &self.settings)).await?.clone()
        };
        if !target.base.is_verbatim() {
            request::check_endpoint_name(model.name())?;
        }
        let credentials = settings.credentials.clone().unwrap_or_else(|| Arc::clone(&self.shared.default_credentials));
        let created = world.now().duration_since(UNIX_EPOCH).map(|since| since.as_secs()).unwrap_or_default();
        Ok(Prepared { deadline: deadline(context, &settings), settings, model, target, credentials, created })
    }
}

impl Prepared<'_> {
    fn dialect(&self) -> Result<&'static dyn Dialect, Error> {
        route::chat(self.settings.dialect.as_deref(), &self.model)
    }

    fn call<'a>(&'a self, shared: &'a Shared, context: &CallContext) -> Call<'a> {
        Call {
            sender: &shared.sender,
            credentials: &*self.credentials,
            region: self.target.region.as_str(),
            settings: &self.settings,
            deadline: self.deadline,
            retries: context.retries,
        }
    }

    fn body_model(&self) -> &str {
        self.settings.hf_model_name.as_deref().unwrap_or(self.model.name())
    }

    fn decode_context(&self, request: &ChatRequest, prompt: Option<&prompt::Prompt>) -> DecodeContext {
        DecodeContext {
            id: checks::new_id("chatcmpl-").into(),
            model: self.model.name().into(),
            created: self.created,
            prompt: prompt.map(|prompt| Arc::from(prompt.text.as_str())),
            keep_prompt: request.extra.get("return_full_text").and_then(serde_json::Value::as_bool) == Some(true),
            stop: request.stop.as_ref().map(|stop| stop.as_slice().into()).unwrap_or_default(),
            end_tokens: prompt.map(|prompt| prompt.end_tokens.as_slice().into()).unwrap_or_default(),
            logprobs: request.logprobs == Some(true),
            include_usage: request.stream_options.as_ref().and_then(|options| options.include_usage) == Some(true),
        }
    }

    fn encode_context<'a>(
        &'a self,
        prompt: Option<&'a prompt::Prompt>,
        stream: bool,
        policy: &'a ParameterPolicy,
    ) -> EncodeContext<'a> {
        EncodeContext {
            endpoint: self.model.name(),
            model: self.body_model(),
            prompt: prompt.map(|prompt| prompt.text.as_str()),
            stream,
            policy,
            zero_temperature: self.settings.zero_temperature(),
        }
    }

    async fn invoke(
        &self,
        shared: &Shared,
        context: &CallContext,
        payload: Payload,
    ) -> Result<(Bytes, ReplyMeta), Error> {
        let request = self.request(Operation::Invoke, payload)?;
        let (idle, deadline) = (self.settings.timeouts.idle(), self.deadline);
        self.call(shared, context)
            .run(&request, |response, attempts| async move {
                let (head, body) = response.into_parts();
                let body = read_whole(body, idle, deadline, MAX_REPLY).await?;
                Ok((body, meta::read(&head.headers, attempts)))
            })
            .await
    }

    /// Opens a stream and reads until its first decoded piece.
    async fn stream<T: Send + 'static>(
        &self,
        shared: &Shared,
        context: &CallContext,
        payload: Payload,
        decoder: impl Fn() -> Box<dyn StreamDecoder<T>>,
    ) -> Result<ReplyStream<T>, Error> {
        let request = self.request(Operation::Stream, payload)?;
        let limits = Limits {
            idle: self.settings.timeouts.idle(),
            deadline: self.deadline,
            cancellation: context.cancellation.clone(),
        };
        self.call(shared, context)
            .run(&request, |response: http::Response<Body>, attempts| {
                let (head, body) = response.into_parts();
                let meta = meta::read(&head.headers, attempts);
                let framing = Framing::of(&head.headers);
                let reading = Reading::new(body, framing, decoder(), limits.clone(), meta.request_id.clone());
                async move { Ok(ReplyStream::new(meta, reading.begin().await?)) }
            })
            .await
    }

    fn request(&self, operation: Operation, payload: Payload) -> Result<request::UnsignedRequest, Error> {
        let Settings { headers, extra_headers, .. } = &*self.settings;
        request::build(&self.target.base, self.model.name(), operation, payload, headers, extra_headers)
    }
}

#[async_trait]
impl Provider for SageMaker {
    async fn chat(&self, mut request: ChatRequest, context: &CallContext) -> Result<Reply<ChatResponse>, Error> {
        checks::chat(&request)?;
        unless_cancelled(context, async {
            let prepared = self.prepare(&request.model, context).await?;
            defaults::fill(&mut request, prepared.settings.defaults.as_deref());
            let dialect = prepared.dialect()?;
            let prompt = prompt::render(dialect, &request, &prepared.settings, &prepared.model)?;
            let decoding = prepared.decode_context(&request, prompt.as_ref());
            let policy = prepared.settings.parameters.as_ref().unwrap_or(&REFUSE);
            let payload = dialect.encode(request, &prepared.encode_context(prompt.as_ref(), false, policy))?;
            let (body, meta) = prepared.invoke(&self.shared, context, payload).await?;
            let value = dialect.decode(&body, &decoding).map_err(|error| checks::answered(error, &meta))?;
            Ok(Reply { value, meta })
        })
        .await
    }

    async fn chat_stream(&self, mut request: ChatRequest, context: &CallContext) -> Result<ChatStream, Error> {
        checks::chat(&request)?;
        unless_cancelled(context, async {
            let prepared = self.prepare(&request.model, context).await?;
            defaults::fill(&mut request, prepared.settings.defaults.as_deref());
            if prepared.settings.fake_stream == Some(true) {
                let include_usage = prepared.decode_context(&request, None).include_usage;
                request.stream = None;
                let Reply { value, meta } = self.chat(request, context).await?;
                return Ok(ReplyStream::new(meta, fake_stream::chunks(value, include_usage)));
            }
            let dialect = prepared.dialect()?;
            let prompt = prompt::render(dialect, &request, &prepared.settings, &prepared.model)?;
            let decoding = prepared.decode_context(&request, prompt.as_ref());
            let policy = prepared.settings.parameters.as_ref().unwrap_or(&REFUSE);
            let payload = dialect.encode(request, &prepared.encode_context(prompt.as_ref(), true, policy))?;
            prepared.stream(&self.shared, context, payload, || dialect.stream_decoder(decoding.clone())).await
        })
        .await
    }

    async fn embed(&self, request: EmbedRequest, context: &CallContext) -> Result<Reply<EmbedResponse>, Error> {
        checks::embed(&request)?;
        unless_cancelled(context, async {
            let prepared = self.prepare(&request.model, context).await?;
            let family = route::embeddings(prepared.settings.embedding_dialect.as_deref(), &prepared.model)?;
            let embedding = EmbedContext { model: prepared.model.name().into(), inputs: request.input.len() };
            let payload = family.encode(&request, &embedding)?;
            let (body, meta) = prepared.invoke(&self.shared, context, payload).await?;
            let value = family.decode(&body, &embedding).map_err(|error| checks::answered(error, &meta))?;
            Ok(Reply { value, meta })
        })
        .await
    }

    async fn complete(
        &self,
        request: CompletionRequest,
        context: &CallContext,
    ) -> Result<Reply<CompletionResponse>, Error> {
        checks::own_parameters(&request.extra)?;
        unless_cancelled(context, async {
            let prepared = self.prepare(&request.model, context).await?;
            let dialect = prepared.dialect()?;
            let policy = prepared.settings.parameters.as_ref().unwrap_or(&REFUSE);
            if dialect.completion_form() == CompletionForm::OpenAi {
                let decoding = prepared.decode_context(&ChatRequest::default(), None);
                let payload = completion::encode(request, &prepared.encode_context(None, false, policy))?;
                let (body, meta) = prepared.invoke(&self.shared, context, payload).await?;
                let value = completion::decode(&body, &decoding, dialect.name())
                    .map_err(|error| checks::answered(error, &meta))?;
                return Ok(Reply { value, meta });
            }
            let (chat, text) = completion::as_prompt(request)?;
            let prompt = prompt::Prompt::raw(text);
            let decoding = prepared.decode_context(&chat, Some(&prompt));
            let payload = dialect.encode(chat, &prepared.encode_context(Some(&prompt), false, policy))?;
            let (body, meta) = prepared.invoke(&self.shared, context, payload).await?;
            let value = dialect.decode(&body, &decoding).map_err(|error| checks::answered(error, &meta))?;
            Ok(Reply { value: completion::from_chat(value), meta })
        })
        .await
    }

    async fn complete_stream(
        &self,
        request: CompletionRequest,
        context: &CallContext,
    ) -> Result<CompletionStream, Error> {
        checks::own_parameters(&request.extra)?;
        unless_cancelled(context, async {
            let prepared = self.prepare(&request.model, context).await?;
            let dialect = prepared.dialect()?;
            let policy = prepared.settings.parameters.as_ref().unwrap_or(&REFUSE);
            if dialect.completion_form() == CompletionForm::OpenAi {
                let decoding = prepared.decode_context(&ChatRequest::default(), None);
                let payload = completion::encode(request, &prepared.encode_context(None, true, policy))?;
                let decoder = || -> Box<dyn StreamDecoder<CompletionResponse>> {
                    Box::new(completion::CompletionDecoder::new(decoding.clone(), dialect.name()))
                };
                return prepared.stream(&self.shared, context, payload, decoder).await;
            }
            let (chat, text) = completion::as_prompt(request)?;
            let prompt = prompt::Prompt::raw(text);
            let decoding = prepared.decode_context(&chat, Some(&prompt));
            let payload = dialect.encode(chat, &prepared.encode_context(Some(&prompt), true, policy))?;
            let stream =
                prepared.stream(&self.shared, context, payload, || dialect.stream_decoder(decoding.clone())).await?;
            let meta = stream.meta.clone();
            Ok(ReplyStream::new(meta, completion::from_chunks(stream)))
        })
        .await
    }
}
