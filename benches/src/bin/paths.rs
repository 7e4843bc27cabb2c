//! The way of a request through the library and through the proxy, without sockets: what callgrind
//! counts.
//!
//! `paths library|proxy FORM TOKENS REQUESTS` answers that many requests from memory. The forms are `whole` and `stream`, and for the proxy
//! `messages` and `responses`, streams that are translated, `forwarded`, a stream of a container that speaks the Messages API itself, and
//! `cached`, a whole answer that is kept in memory after the first request. Time
//! stands still, chance is seeded and nothing waits, so that two runs take the same steps.

use std::{
    sync::Arc,
    time::{Duration, UNIX_EPOCH},
};

use async_trait::async_trait;
use bytes::Bytes;
use futures_util::{StreamExt, stream};
use http_body_util::{BodyExt, Full};
use sagewire::{
    ChatRequest, Client, SageMaker,
    credentials::seam::{FixedClock, MapEnv, MapFiles, World},
    sagemaker::{Body, Transport, TransportError},
};
use sagewire_benches::bodies::{self, TOKENS, Text};
use sagewire_proxy::{App, Config, Wiring};

type Failure = Box<dyn std::error::Error>;

const CONFIG: &str = "
model_list:
  - model_name: chat
    litellm_params:
      model: sagemaker_chat/chat
      sagemaker_base_url: http://127.0.0.1:8080
      aws_region_name: us-east-1
      aws_access_key_id: AKIDEXAMPLE
      aws_secret_access_key: wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY
  - model_name: native
    litellm_params:
      model: sagemaker_chat/native
      dialect: vllm
      sagemaker_base_url: http://127.0.0.1:8080
      aws_region_name: us-east-1
      aws_access_key_id: AKIDEXAMPLE
      aws_secret_access_key: wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY
general_settings:
  master_key: sk-bench
";

/// Answers from memory: a whole reply, or its frames one by one.
#[derive(Debug)]
struct Memory {
    reply: Bytes,
    frames: Vec<Bytes>,
}

impl Memory {
    fn new(form: &str, tokens: usize) -> Self {
        // Before the tokens come the first chunk, or two events; what ends the answer stays.
        let (mut frames, before) = if form == "forwarded" {
            (bodies::message_frames(Text::MEASURED), 2)
        } else {
            (bodies::frames(Text::MEASURED), 1)
        };
        frames.drain(before + tokens.min(TOKENS)..before + TOKENS);
        Self { reply: bodies::chat_reply(Text::MEASURED), frames }
    }
}

#[async_trait]
impl Transport for Memory {
    async fn send(&self, request: http::Request<Bytes>) -> Result<http::Response<Body>, TransportError> {
        let (kind, body) = if request.uri().path().ends_with("-response-stream") {
            let frames = self.frames.clone();
            ("application/vnd.amazon.eventstream", Body::new(stream::iter(frames).map(Ok)))
        } else {
            let reply = self.reply.clone();
            ("application/json", Body::new(stream::iter([Ok(reply)])))
        };
        let mut response = http::Response::new(body);
        let headers = response.headers_mut();
        headers.insert(http::header::CONTENT_TYPE, http::HeaderValue::from_static(kind));
        headers.insert("x-amzn-requestid", http::HeaderValue::from_static("8b1f6e3a-6f0e-4d6f-9a4e-2f7a53a1c0de"));
        Ok(response)
    }
}

fn world() -> World {
    let now = UNIX_EPOCH + Duration::from_secs(1_795_428_042);
    World::builder().with_env(MapEnv::new()).with_files(MapFiles::new()).with_clock(FixedClock(now)).build()
}

fn library(memory: Arc<Memory>) -> Result<Client, Failure> {
    let sagemaker = SageMaker::builder()
        .world(world())
        .transport(memory)
        .endpoint_url("http://127.0.0.1:8080")
        .region("us-east-1")
        .keys("AKIDEXAMPLE", "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY")
        .build()?;
    Ok(Client::builder().sagemaker(sagemaker).build())
}

async fn ask_library(client: &Client, request: &ChatRequest, streams: bool) -> Result<usize, Failure> {
    if !streams {
        return Ok(client.chat(request.clone()).await?.value.content().len());
    }
    let mut stream = client.chat_stream(request.clone()).await?;
    let mut length = 0;
    while let Some(chunk) = stream.next().await {
        length += chunk?.content().len();
    }
    Ok(length)
}

/// Where a form is asked for, and what is asked.
fn asked(form: &str) -> (&'static str, String) {
    match form {
        "messages" => ("/v1/messages", bodies::messages("chat")),
        "forwarded" => ("/v1/messages", bodies::messages("native")),
        "responses" => ("/v1/responses", bodies::responses("chat")),
        form => ("/v1/chat/completions", bodies::chat("chat", form == "stream")),
    }
}

async fn ask_proxy(app: &App, path: &str, body: &Bytes) -> Result<usize, Failure> {
    let request = http::Request::post(path)
        .header("host", "127.0.0.1:4000")
        .header("content-type", "application/json")
        .header("authorization", "Bearer sk-bench")
        .body(Full::new(body.clone()))?;
    let response = app.answer(request).await;
    if response.status() != 200 {
        return Err(format!("status {}", response.status()).into());
    }
    Ok(response.into_body().collect().await?.to_bytes().len())
}

async fn run(path: &str, form: &str, tokens: usize, requests: usize) -> Result<(), Failure> {
    let memory = Arc::new(Memory::new(form, tokens));
    let streams = form == "stream";
    let mut length = 0;
    if path == "library" {
        let client = library(memory)?;
        let request: ChatRequest = serde_json::from_str(&bodies::chat("sagemaker_chat/chat", streams))?;
        for _ in 0..requests {
            length += ask_library(&client, &request, streams).await?;
        }
    } else {
        let kept = if form == "cached" { "litellm_settings: {cache: true, cache_params: {type: local}}\n" } else { "" };
        let (config, _) = Config::from_yaml(&format!("{CONFIG}{kept}"), &|_| None)?;
        let app = Wiring::new(world()).with_transport(memory).app(&config, None)?;
        let (path, body) = asked(form);
        let body = Bytes::from(body);
        for _ in 0..requests {
            length += ask_proxy(&app, path, &body).await?;
        }
    }
    if length == 0 && requests > 0 { Err("nothing was answered".into()) } else { Ok(()) }
}

fn main() -> Result<(), Failure> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [path, form, tokens, requests] = arguments.as_slice() else {
        return Err("usage: paths library|proxy FORM TOKENS REQUESTS".into());
    };
    fastrand::seed(7);
    let runtime = tokio::runtime::Builder::new_current_thread().enable_time().start_paused(true).build()?;
    runtime.block_on(run(path, form, tokens.parse()?, requests.parse()?))
}
