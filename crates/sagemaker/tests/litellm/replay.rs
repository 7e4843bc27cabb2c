//! The same call through our provider, with the recorded replies behind the transport.

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex},
};

use async_trait::async_trait;
use bytes::Bytes;
use futures_util::StreamExt;
use sagewire_credentials::seam::{HttpFn, MapEnv, MapFiles, World};
use sagewire_sagemaker::{Body, SageMaker, Settings, Transport, TransportError, TransportErrorKind};
use sagewire_types::{CallContext, ChatRequest, ChunkCollector, EmbedRequest, Error, Message, Provider};
use serde_json::{Value, json};

use crate::case::Case;

/// What our side did.
#[derive(Debug)]
pub(crate) struct Ours {
    pub(crate) sent: Option<(String, Value)>,
    pub(crate) outcome: Result<Value, Error>,
}

#[derive(Debug)]
struct Recorded {
    replies: Mutex<Vec<http::Response<Bytes>>>,
    sent: Mutex<Option<(String, Value)>>,
}

#[async_trait]
impl Transport for Recorded {
    async fn send(&self, request: http::Request<Bytes>) -> Result<http::Response<Body>, TransportError> {
        let body = serde_json::from_slice(request.body()).unwrap();
        self.sent.lock().unwrap().get_or_insert((request.uri().to_string(), body));
        let mut replies = self.replies.lock().unwrap();
        // The last reply repeats itself, as the recorded endpoint's did.
        let reply = if replies.len() > 1 { replies.remove(0) } else { replies.first().cloned().unwrap_or_default() };
        if reply.status() == 599 {
            return Err(TransportError::new(TransportErrorKind::Broken, "no reply was recorded"));
        }
        Ok(reply.map(|body| Body::new(futures_util::stream::iter([Ok(body)]))))
    }
}

pub(crate) async fn replay(case: &Case) -> Ours {
    let replies = case
        .upstream
        .iter()
        .map(|upstream| {
            let mut reply = http::Response::builder().status(upstream.status);
            for (name, value) in &upstream.headers {
                reply = reply.header(name, value);
            }
            reply.body(Bytes::from(upstream.bytes())).unwrap()
        })
        .collect();
    let transport = Arc::new(Recorded { replies: Mutex::new(replies), sent: Mutex::new(None) });
    let outcome = call(case, Arc::clone(&transport) as Arc<dyn Transport>).await;
    let sent = transport.sent.lock().unwrap().take();
    Ours { sent, outcome }
}

async fn call(case: &Case, transport: Arc<dyn Transport>) -> Result<Value, Error> {
    let mut params = case.kwargs.clone();
    let model = params.shift_remove("model").unwrap().as_str().unwrap().to_owned();
    let messages = params.shift_remove("messages");
    let input = params.shift_remove("input");
    params.shift_remove("stream");
    // Two cases call through LiteLLM's objects rather than through parameters.
    params.shift_remove("custom_prompt_dict");
    let world = world(case);
    if let Some(Value::String(token)) = params.get_mut("aws_web_identity_token")
        && token == "oidc/file/<path>"
    {
        "oidc/file//token".clone_into(token);
    }
    let mut settings = Settings::from_litellm_params(params, &world)?;
    // LiteLLM asks the Hub whether or not it may.
    settings.hub_access = (!case.hf_files.is_empty()).then_some(true);
    let provider = SageMaker::builder().world(world).transport(transport).settings(settings);
    let provider = crate::differences::register(case, provider).build()?;
    let context = CallContext::new();
    if case.is_embedding() {
        let mut body = json!({ "model": model, "input": input });
        for name in ["dimensions", "encoding_format", "user"] {
            if let Some(value) = case.kwargs.get(name) {
                body[name] = value.clone();
            }
        }
        let request: EmbedRequest = serde_json::from_value(body)
            .or_else(|_| {
                // RawValue apart, a request can be read from text alone.
                serde_json::from_str(&json!({ "model": model, "input": input }).to_string())
            })
            .map_err(|error| Error::invalid("input", error.to_string()))?;
        let reply = provider.embed(request, &context).await?;
        return Ok(serde_json::from_str(&serde_json::to_string(&reply.value).unwrap()).unwrap());
    }
    let messages: Vec<Message> =
        serde_json::from_value(messages.unwrap()).map_err(|error| Error::invalid("messages", error.to_string()))?;
    let request = ChatRequest::new(model, messages);
    if !case.is_stream() {
        return Ok(serde_json::to_value(provider.chat(request, &context).await?.value).unwrap());
    }
    let mut stream = provider.chat_stream(request, &context).await?;
    let mut collector = ChunkCollector::new();
    let mut broken = None;
    while let Some(chunk) = stream.next().await {
        match chunk {
            Ok(chunk) => collector.push(chunk),
            Err(error) => broken = Some(error),
        }
    }
    let mut whole = serde_json::to_value(collector.finish()).unwrap();
    if let Some(error) = broken {
        whole["broken"] = json!(error.kind().as_str());
    }
    Ok(whole)
}

/// A file of the Hub, if the request is for one and the case has it.
fn hub_file(files: &BTreeMap<String, Value>, uri: &http::Uri) -> Option<String> {
    // LiteLLM asks by another path, which does not follow files that are stored elsewhere.
    let path = uri.path().trim_start_matches('/').replace("/resolve/", "/raw/");
    Some(match files.get(&path)? {
        Value::String(text) => text.clone(),
        json => json.to_string(),
    })
}

/// The environment of the case; STS and the Hub answer as the recorded ones did.
fn world(case: &Case) -> World {
    let env = case
        .env
        .iter()
        .map(|(name, value)| (name.clone(), value.clone()))
        .chain([("HOME".to_owned(), "/home/me".to_owned())]);
    let files = MapFiles::new()
        .with(
            "/home/me/.aws/credentials",
            "[work]\naws_access_key_id = AKPROFILE\naws_secret_access_key = secretprofile\n",
        )
        .with("/home/me/.aws/config", "[profile work]\nregion = eu-central-1\n")
        .with("/token", "file-jwt");
    let hub = case.hf_files.clone();
    let http = HttpFn::new(move |request: http::Request<Bytes>, _| {
        if request.uri().host() == Some("huggingface.co") {
            let file = hub_file(&hub, request.uri());
            let status = if file.is_some() { 200 } else { 404 };
            let body = Bytes::from(file.unwrap_or_default());
            return Ok(http::Response::builder().status(status).body(body).unwrap());
        }
        let action = if String::from_utf8_lossy(request.body()).contains("AssumeRoleWithWebIdentity") {
            "AssumeRoleWithWebIdentity"
        } else {
            "AssumeRole"
        };
        let xml = format!(
            "<{action}Response xmlns=\"https://sts.amazonaws.com/doc/2011-06-15/\"><{action}Result><Credentials>\
             <AccessKeyId>ASIAROLE</AccessKeyId><SecretAccessKey>s</SecretAccessKey><SessionToken>ROLETOKEN</SessionToken>\
             <Expiration>2099-01-01T00:00:00Z</Expiration></Credentials></{action}Result></{action}Response>"
        );
        Ok(http::Response::new(Bytes::from(xml)))
    });
    World::builder().with_env(MapEnv::from_iter(env)).with_files(files).with_http(http).build()
}
