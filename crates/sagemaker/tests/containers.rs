//! Replies that were recorded from real containers, through the whole provider: chat, completions,
//! streams at every cut, and errors.
//!
//! Recordings are read from `$SAGEWIRE_VECTORS/containers`; where they are absent they are reported
//! as ignored.
#![expect(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test may stop at the first surprise")]

use std::{
    path::{Path, PathBuf},
    process::ExitCode,
};

use async_trait::async_trait;
use bytes::Bytes;
use futures_util::{StreamExt, stream};
use libtest_mimic::{Arguments, Failed, Trial};
use sagewire_credentials::seam::{MapEnv, World};
use sagewire_sagemaker::{Body, SageMaker, Settings, Transport, TransportError};
use sagewire_types::{
    CallContext, ChatChunk, ChatRequest, CompletionRequest, CompletionResponse, Error, ErrorKind, FinishReason,
    Message, Provider, StreamOptions,
};

fn main() -> ExitCode {
    let arguments = Arguments::from_args();
    let trials = match folder() {
        Some(folder) => CASES
            .iter()
            .map(|(file, check)| {
                let path = folder.join(file);
                Trial::test(format!("containers::{file}"), move || check(&Recording::read(&path)))
            })
            .chain([Trial::test("containers::every_recording_is_a_case", {
                let folder = folder.clone();
                move || every_recording_is_a_case(&folder)
            })])
            .collect(),
        None => {
            vec![Trial::test("containers (set SAGEWIRE_VECTORS to the recordings)", || Ok(())).with_ignored_flag(true)]
        }
    };
    libtest_mimic::run(&arguments, trials).exit_code()
}

type Check = fn(&Recording) -> Result<(), Failed>;

/// Each recording of vLLM's SageMaker route, and what it must become.
const CASES: &[(&str, Check)] = &[
    ("vllm-chat.http", |reply| whole_chat(reply, 16, 6)),
    ("vllm-chat-nomodel.http", |reply| whole_chat(reply, 16, 4)),
    ("vllm-err-badmodel.http", |reply| whole_chat(reply, 16, 112)),
    ("vllm-chat-stream.http", streamed_chat),
    ("vllm-completion.http", whole_completion),
    ("vllm-completion-stream.http", streamed_completion),
    ("vllm-err-badjson.http", |reply| refused(reply, ErrorKind::InvalidRequest, "JSON decode error")),
    ("vllm-err-shape.http", |reply| refused(reply, ErrorKind::InvalidRequest, "prompt")),
    ("vllm-err-temp.http", |reply| refused(reply, ErrorKind::InvalidRequest, "temperature must be non-negative")),
    ("vllm-err-toolong.http", |reply| refused(reply, ErrorKind::ContextTooLong, "max_model_len=128")),
];

#[expect(clippy::disallowed_methods, reason = "the test's own setting, read once at its start")]
fn folder() -> Option<PathBuf> {
    let vectors = std::env::var_os("SAGEWIRE_VECTORS")
        .map_or_else(|| PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../../shared/vectors"), PathBuf::from);
    Some(vectors.join("containers/vllm")).filter(|folder| folder.is_dir())
}

fn every_recording_is_a_case(folder: &Path) -> Result<(), Failed> {
    for entry in std::fs::read_dir(folder)? {
        let name = entry?.file_name().into_string().unwrap();
        if !CASES.iter().any(|(file, _)| *file == name) {
            return Err(format!("{name} is recorded and no case").into());
        }
    }
    Ok(())
}

/// What a container answered over HTTP.
#[derive(Clone, Debug)]
struct Recording {
    status: u16,
    content_type: String,
    body: Bytes,
}

impl Recording {
    fn read(path: &Path) -> Self {
        let all = std::fs::read(path).unwrap();
        let at = all.windows(4).position(|window| window == b"\r\n\r\n").unwrap();
        let head = std::str::from_utf8(&all[..at]).unwrap();
        let status = head.split(' ').nth(1).unwrap().parse().unwrap();
        let content_type = head.lines().find_map(|line| line.strip_prefix("content-type: ")).unwrap().to_owned();
        Self { status, content_type, body: Bytes::from(all[at + 4..].to_vec()) }
    }

    /// The provider before this container, whose body comes in these pieces.
    fn provider(&self, pieces: Vec<Bytes>) -> SageMaker {
        let transport = Replay { reply: self.clone(), pieces };
        let env = MapEnv::from([
            ("AWS_ACCESS_KEY_ID", "AKIDEXAMPLE"),
            ("AWS_SECRET_ACCESS_KEY", "secret"),
            ("AWS_REGION", "us-east-1"),
        ]);
        let world = World::builder().with_env(env).build();
        let mut settings = Settings::default();
        settings.base_url = Some("http://container/invocations".to_owned());
        SageMaker::builder().world(world).transport(transport).settings(settings).build().unwrap()
    }

    fn whole(&self) -> SageMaker {
        self.provider(vec![self.body.clone()])
    }
}

#[derive(Debug)]
struct Replay {
    reply: Recording,
    pieces: Vec<Bytes>,
}

#[async_trait]
impl Transport for Replay {
    async fn send(&self, _: http::Request<Bytes>) -> Result<http::Response<Body>, TransportError> {
        let pieces = self.pieces.clone().into_iter().map(Ok);
        let reply =
            http::Response::builder().status(self.reply.status).header("content-type", &self.reply.content_type);
        Ok(reply.body(Body::new(stream::iter(pieces))).unwrap())
    }
}

fn chat() -> ChatRequest {
    let mut request = ChatRequest::new("sagemaker_chat/tiny", [Message::user("hi")]);
    request.stream_options = Some(StreamOptions::with_usage());
    request
}

fn completion() -> CompletionRequest {
    CompletionRequest::new("sagemaker_chat/tiny", "hi")
}

fn run<T>(future: impl Future<Output = T>) -> T {
    tokio::runtime::Builder::new_current_thread().enable_time().start_paused(true).build().unwrap().block_on(future)
}

fn same<T: PartialEq + std::fmt::Debug>(ours: T, theirs: T) -> Result<(), Failed> {
    if ours == theirs { Ok(()) } else { Err(format!("ours {ours:?}\ntheirs {theirs:?}").into()) }
}

fn whole_chat(recording: &Recording, prompt_tokens: u64, completion_tokens: u64) -> Result<(), Failed> {
    let reply = run(recording.whole().chat(chat(), &CallContext::new()))?.value;
    let theirs: serde_json::Value = serde_json::from_slice(&recording.body)?;
    let usage = reply.usage.clone().unwrap();
    same((usage.prompt_tokens, usage.completion_tokens, usage.estimated), (prompt_tokens, completion_tokens, false))?;
    same(Some(reply.content()), theirs["choices"][0]["message"]["content"].as_str())?;
    same(reply.choices[0].finish_reason.clone(), Some(FinishReason::Length))?;
    same(Some(reply.id.as_str()), theirs["id"].as_str())?;
    same(Some(reply.model.as_str()), theirs["model"].as_str())?;
    // vLLM's own fields pass.
    same(reply.extra.get("system_fingerprint"), theirs.get("system_fingerprint"))
}

fn whole_completion(recording: &Recording) -> Result<(), Failed> {
    let reply = run(recording.whole().complete(completion(), &CallContext::new()))?.value;
    let theirs: serde_json::Value = serde_json::from_slice(&recording.body)?;
    same(Some(reply.choices[0].text.as_str()), theirs["choices"][0]["text"].as_str())?;
    same(reply.choices[0].finish_reason.clone(), Some(FinishReason::Length))?;
    same(reply.usage.unwrap().completion_tokens, 4)
}

/// What a stream gave, and the error at its end.
type Streamed<T> = (Vec<T>, Option<ErrorKind>);

async fn collect<T>(opened: Result<sagewire_types::ReplyStream<T>, Error>) -> Streamed<T> {
    let mut stream = match opened {
        Ok(stream) => stream,
        Err(error) => return (Vec::new(), Some(error.kind())),
    };
    let mut items = Vec::new();
    while let Some(item) = stream.next().await {
        match item {
            Ok(item) => items.push(item),
            Err(error) => return (items, Some(error.kind())),
        }
    }
    (items, None)
}

/// Reads the stream whole, with a cut at every byte, and cut off at every byte; `said` is what a
/// reader has got of it.
fn at_every_cut<T: PartialEq + std::fmt::Debug>(
    recording: &Recording,
    read: impl Fn(SageMaker) -> Streamed<T>,
    said: impl Fn(&[T]) -> (String, bool),
) -> Result<Vec<T>, Failed> {
    let (whole, error) = read(recording.whole());
    same(error, None)?;
    for cut in 0..recording.body.len() {
        let (head, tail) = (recording.body.slice(..cut), recording.body.slice(cut..));
        let (again, error) = read(recording.provider(vec![head.clone(), tail]));
        same((&again, error), (&whole, None))?;
        let (cut_off, error) = read(recording.provider(vec![head]));
        if error.is_none() && said(&cut_off) != said(&whole) {
            return Err(format!("cut off at {cut}, and reported as whole").into());
        }
    }
    Ok(whole)
}

fn streamed_chat(recording: &Recording) -> Result<(), Failed> {
    let said = |chunks: &[ChatChunk]| {
        let ended = chunks.iter().flat_map(|chunk| &chunk.choices).any(|choice| choice.finish_reason.is_some());
        (chunks.iter().map(ChatChunk::content).collect(), ended)
    };
    let read =
        |provider: SageMaker| run(async { collect(provider.chat_stream(chat(), &CallContext::new()).await).await });
    let chunks = at_every_cut(recording, read, said)?;
    same(said(&chunks), (" laz".to_owned(), true))?;
    let usage = chunks.last().and_then(|chunk| chunk.usage.clone()).unwrap();
    same((usage.prompt_tokens, usage.completion_tokens), (16, 3))?;
    same(chunks.iter().all(|chunk| chunk.id == chunks[0].id), true)
}

fn streamed_completion(recording: &Recording) -> Result<(), Failed> {
    let said = |chunks: &[CompletionResponse]| {
        let choices = || chunks.iter().flat_map(|chunk| &chunk.choices);
        (choices().map(|choice| choice.text.as_str()).collect(), choices().any(|choice| choice.finish_reason.is_some()))
    };
    let read = |provider: SageMaker| {
        run(async { collect(provider.complete_stream(completion(), &CallContext::new()).await).await })
    };
    let chunks = at_every_cut(recording, read, said)?;
    let (text, ended) = said(&chunks);
    same((text.ends_with('<'), ended), (true, true))
}

fn refused(recording: &Recording, kind: ErrorKind, says: &str) -> Result<(), Failed> {
    let error = run(recording.whole().chat(chat(), &CallContext::new())).err().unwrap();
    same(error.kind(), kind)?;
    same(error.to_string().contains(says), true).map_err(|_| Failed::from(error.to_string()))?;
    same((error.status(), error.is_retryable()), (Some(recording.status), false))
}
