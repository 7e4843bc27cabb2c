//! One call before and while it is sent: its settings, target, credentials and time, and the stages
//! that need them.
//!
//! Owns what the provider's operations have in common; which dialect reads a reply is theirs to
//! say.

use std::borrow::Cow;

use bytes::Bytes;
use http::header::CONTENT_LENGTH;
use sagewire_credentials::SharedCredentialsProvider;
use sagewire_dialects::{DecodeContext, Dialect, EncodeContext, Payload, StreamDecoder};
use sagewire_types::{CallContext, ChatRequest, Error, ErrorKind, ModelId, ReplyMeta, ReplyStream};

use crate::{
    call::{
        attempt::{Attempts, Instead},
        caller::Choice,
        later,
        limits::Limits,
        route,
    },
    checks,
    client::Shared,
    prompt::Prompt,
    reply::{meta, secrets::Secrets, usage},
    request::{self, Operation, UnsignedRequest, door::Door, target::Target},
    settings::{Settings, defaults::REFUSE},
    stream::{
        pieces::Pieces,
        reading::{Framing, Reading, StreamLimits},
    },
    transport::Body,
};

/// The most bytes of a whole reply: AWS's own limit is below it.
const MAX_REPLY: usize = 64 * 1024 * 1024;

/// What is known about a call before its body is made.
pub(crate) struct Prepared<'a> {
    pub(crate) settings: Cow<'a, Settings>,
    pub(crate) model: ModelId,
    pub(crate) door: &'static Door,
    pub(crate) target: Cow<'a, Target>,
    pub(crate) credentials: SharedCredentialsProvider,
    pub(crate) limits: &'a Limits,
    pub(crate) created: u64,
}

impl Prepared<'_> {
    pub(crate) fn dialect(&self) -> Result<&'static dyn Dialect, Error> {
        route::chat(self.settings.dialect, &self.model)
    }

    fn body_model(&self) -> &str {
        match self.settings.hf_model_name.as_deref() {
            Some(name) if !self.door.keeps_body_model => name,
            _ => self.door.body_model(self.model.name()),
        }
    }

    /// Whether streams are made of whole replies.
    pub(crate) fn simulates_streams(&self) -> bool {
        self.settings.fake_stream == Some(true) || self.settings.async_inference == Some(true) || !self.door.streams
    }

    pub(crate) fn decode_context(&self, request: &ChatRequest, prompt: Option<&Prompt>) -> DecodeContext {
        let id = checks::new_id("chatcmpl-");
        let context = DecodeContext::new(id, self.model.name(), self.created)
            .with_count(Some(usage::COUNT))
            .with_request(request);
        match prompt {
            Some(prompt) => context
                .with_prompt(&prompt.text, prompt.is_marked, &prompt.end_tokens)
                .with_tool_calls(prompt.tool_calls.clone()),
            None => context,
        }
    }

    pub(crate) fn encode_context<'a>(&'a self, prompt: Option<&'a Prompt>, stream: bool) -> EncodeContext<'a> {
        let policy = self.settings.parameters.as_ref().unwrap_or(&REFUSE);
        let mut context = EncodeContext::new(self.body_model(), policy);
        context.endpoint = self.model.name();
        context.prompt = prompt.map(|prompt| prompt.text.as_str());
        context.stream = stream;
        context.details = self.settings.details.unwrap_or_default();
        context.zero_temperature = self.settings.zero_temperature();
        context
    }

    /// One request's attempts.
    fn attempts<'a>(&'a self, shared: &'a Shared, context: &CallContext) -> Attempts<'a> {
        Attempts {
            sender: &shared.sender,
            waiting: &shared.waiting,
            credentials: &*self.credentials,
            door: self.door,
            region: &self.target.region,
            endpoint: self.model.name(),
            settings: &self.settings,
            limits: self.limits,
            retries: context.retries,
        }
    }

    pub(crate) async fn invoke(
        &self,
        shared: &Shared,
        context: &CallContext,
        payload: Payload,
    ) -> Result<(Bytes, ReplyMeta), Error> {
        let request = self.request(Operation::Invoke, payload)?;
        let (body, _, meta) = self.invoke_request(shared, context, request, None).await?;
        Ok((body, meta))
    }

    /// Sends a request and reads its whole reply, which asynchronous endpoints leave in S3.
    pub(crate) async fn invoke_request(
        &self,
        shared: &Shared,
        context: &CallContext,
        request: UnsignedRequest,
        instead: Option<Instead<'_>>,
    ) -> Result<(Bytes, http::HeaderMap, ReplyMeta), Error> {
        if self.settings.async_inference == Some(true) {
            // In a box, as it is rare.
            return Box::pin(later::invoke(self, shared, context, request)).await;
        }
        self.send_request(shared, context, request, instead).await
    }

    /// Sends a request and reads the whole of what AWS answers at once.
    pub(crate) async fn send_request(
        &self,
        shared: &Shared,
        context: &CallContext,
        request: UnsignedRequest,
        instead: Option<Instead<'_>>,
    ) -> Result<(Bytes, http::HeaderMap, ReplyMeta), Error> {
        let (idle, deadline, wire) = (self.settings.timeouts.idle(), self.limits.deadline, self.settings.wire());
        let door = self.door;
        let read = |response: http::Response<Body>, attempts, secrets: Secrets| async move {
            let (head, body) = response.into_parts();
            let announced = head.headers.get(CONTENT_LENGTH).and_then(|length| length.to_str().ok()?.parse().ok());
            let body = Pieces::new(body, idle, deadline).read_whole(MAX_REPLY, announced.unwrap_or_default()).await?;
            wire.body(&body, &secrets);
            let mut meta = meta::read(&head.headers, attempts, &secrets);
            if door.part_header.is_some() {
                meta::routed(&head.headers, &mut meta);
            }
            Ok((body, head.headers, meta))
        };
        self.attempts(shared, context).run(request, instead, read).await
    }

    /// Sends a request for a stream and reads until its first decoded piece.
    pub(crate) async fn stream_request<T: Send + 'static>(
        &self,
        shared: &Shared,
        context: &CallContext,
        request: UnsignedRequest,
        instead: Option<Instead<'_>>,
        decoder: impl Fn() -> Box<dyn StreamDecoder<T>>,
    ) -> Result<ReplyStream<T>, Error> {
        if self.settings.async_inference == Some(true) {
            let message = "an asynchronous endpoint cannot stream this operation; ask for a whole answer";
            return Err(Error::new(ErrorKind::Unsupported, message).with_param("stream"));
        }
        let limits = StreamLimits {
            idle: self.settings.timeouts.idle(),
            deadline: self.limits.deadline,
            wire: self.settings.wire(),
            choice: Choice::of(context, &self.settings),
        };
        let read = |response: http::Response<Body>, attempts, secrets| {
            let (head, body) = response.into_parts();
            let mut meta = meta::read(&head.headers, attempts, &secrets);
            meta.content_type = meta::text(&head.headers, "x-amzn-sagemaker-content-type");
            let framing = Framing::of(&head.headers);
            let reading = Reading::new(body, framing, decoder(), limits.clone(), meta.request_id.clone(), secrets);
            async move { Ok(ReplyStream::new(meta, reading.begin().await?)) }
        };
        self.attempts(shared, context).run(request, instead, read).await
    }

    pub(crate) fn request(&self, operation: Operation, payload: Payload) -> Result<UnsignedRequest, Error> {
        let Settings { headers, extra_headers, async_inference, .. } = &*self.settings;
        let operation = match operation {
            Operation::Invoke if *async_inference == Some(true) => Operation::Async,
            operation => operation,
        };
        request::build(&self.target.base, self.door, self.model.name(), operation, payload, headers, extra_headers)
    }
}
