//! A server asked directly and through the proxy on the emulator.
//!
//! Owns what counts as the same answer: everything but what is made anew for each answer (ids and
//! times), the model's name, nulls and empty values, completion tokens of embeddings, and what
//! sagewire says otherwise on purpose: `reasoning_content` for vLLM's `reasoning`, and the reason
//! `tool_calls` where vLLM says `stop` beside a call, and what Cohere's and Jina's clients read of a
//! ranking (`meta`, `object`). A stream is compared as the answer that its
//! pieces make, because a server cuts its pieces by its own clock; vLLM's count of reasoning tokens
//! in streams is that of pieces and differs from one answer to the next.
//!
//! Answers of the Responses and Messages APIs are forwarded and must be equal but for what is made
//! anew, nulls and empty values included. Their streams are compared event by event, with the pieces
//! of one text taken together, and the model has the name by which the caller asked for it.
//!
//! Beside the cases there may be scripts in Python, which ask the proxy by the packages of others.

use std::{
    fs,
    net::SocketAddr,
    path::{Path, PathBuf},
    process::Command,
    sync::{Arc, Mutex, PoisonError, mpsc},
    thread,
    time::Duration,
};

use http::Method;
use libtest_mimic::{Failed, Trial};
use sagewire_emulator::{EXAMPLE_ACCESS_KEY_ID, EXAMPLE_SECRET_ACCESS_KEY, Emulator, EmulatorBuilder};
use sagewire_proxy::{Config, Server, ServerOptions, Wiring};
use sagewire_test_programs::Prepared;
use sagewire_tests::{deployment::send, endpoint::world_with};
use serde_json::{Value, json};
use tokio::sync::oneshot;

use crate::process::Process;

mod stream;

const KEY: &str = "sk-1234";

/// The model's name in the server.
const MODEL: &str = "tiny";

/// The same model as callers of the proxy know it, where answers must have the caller's name.
const RENAMED: &str = "claude-tiny";

/// A server, and a proxy whose only model is behind it.
pub(crate) struct Pair {
    server: Process,
    proxy: SocketAddr,
    stop: Option<oneshot::Sender<()>>,
    thread: Option<thread::JoinHandle<()>>,
}

/// A pair that the first test starts and all others use. It is ended when the last one drops it.
pub(crate) type Shared = Arc<Mutex<Option<Pair>>>;

/// A question: a route of OpenAI's API and its body.
struct Case {
    path: String,
    body: Value,
    /// Where the direct answer has what the case is about, as a JSON pointer, so that no case loses
    /// its point in silence.
    shows: String,
}

impl Case {
    fn read(file: &Path) -> Self {
        let case: Value = serde_json::from_slice(&fs::read(file).unwrap()).unwrap();
        let text =
            |name: &str| case[name].as_str().unwrap_or_else(|| panic!("{}: no `{name}`", file.display())).to_owned();
        Self { path: text("path"), body: case["body"].clone(), shows: text("shows") }
    }

    fn streams(&self) -> bool {
        self.path.ends_with("/completions") || self.path.ends_with("/responses") || self.path.ends_with("/messages")
    }

    /// Whether the proxy forwards it to the same route of the server.
    fn is_forwarded(&self) -> bool {
        self.path.contains("/responses") || self.path.contains("/messages")
    }
}

/// A server that is asked.
#[derive(Clone, Copy)]
pub(crate) struct Subject {
    /// The folder with its cases.
    pub(crate) folder: &'static str,
    /// The parameters of its model in the proxy's configuration. The endpoint is `tiny`.
    pub(crate) litellm_params: &'static str,
    /// The path that answers 200 when the server is ready.
    pub(crate) ready: &'static str,
    /// Puts the server at this address behind the endpoint.
    pub(crate) behind: fn(EmulatorBuilder, SocketAddr) -> EmulatorBuilder,
    pub(crate) start: fn(&Path) -> Process,
}

fn is_script(file: &Path) -> bool {
    file.extension().is_some_and(|extension| extension == "py")
}

/// A trial for each case of a server, another one for its stream, and one for each script.
pub(crate) fn trials(subject: Subject, python: &Prepared<PathBuf>) -> Vec<Trial> {
    let folder = subject.folder;
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("real_container").join(folder);
    let mut files: Vec<_> = fs::read_dir(&path).unwrap().map(|entry| entry.unwrap().path()).collect();
    files.sort();
    assert!(!files.is_empty(), "no cases in {}", path.display());
    let pair = Shared::default();
    let mut trials = Vec::new();
    for file in files {
        let name = format!("{}::{}", folder.replace('/', "::"), file.file_stem().unwrap().to_string_lossy());
        let modes: &[_] = if !is_script(&file) && Case::read(&file).streams() {
            &[(false, ""), (true, "::streamed")]
        } else {
            &[(false, "")]
        };
        for (stream, suffix) in modes.iter().copied() {
            let (pair, file) = (Arc::clone(&pair), file.clone());
            trials.push(python.trial(format!("{name}{suffix}"), move |python| {
                let mut pair = pair.lock().unwrap_or_else(PoisonError::into_inner);
                if pair.is_none() {
                    *pair = Some(Pair::start((subject.start)(python), subject)?);
                }
                let Some(pair) = &*pair else { return Err("the server did not start".into()) };
                if is_script(&file) { pair.run(python, &file) } else { pair.compare(&Case::read(&file), stream) }
            }));
        }
    }
    trials
}

impl Pair {
    fn start(mut server: Process, subject: Subject) -> Result<Self, Failed> {
        runtime().block_on(server.ready(subject.ready))?;
        let (stop, stopped) = oneshot::channel::<()>();
        let (tell, told) = mpsc::channel();
        let models = [MODEL, RENAMED]
            .map(|name| format!("{{model_name: {name}, litellm_params: {{{}}}}}", subject.litellm_params));
        let yaml = format!("model_list: [{}]\ngeneral_settings: {{master_key: {KEY}}}\n", models.join(", "));
        let emulator = (subject.behind)(Emulator::builder(), server.address());
        let thread = thread::spawn(move || {
            runtime().block_on(async {
                let emulator = emulator.start().await.unwrap();
                let world = world_with([
                    ("AWS_ENDPOINT_URL_SAGEMAKER_RUNTIME", emulator.url().as_str()),
                    ("AWS_ACCESS_KEY_ID", EXAMPLE_ACCESS_KEY_ID),
                    ("AWS_SECRET_ACCESS_KEY", EXAMPLE_SECRET_ACCESS_KEY),
                    ("AWS_REGION", "us-east-1"),
                ]);
                let (config, _) = Config::from_yaml(&yaml, &|name| world.var(name)).unwrap();
                let app = Wiring::new(world).app(&config, None).unwrap();
                let mut options = ServerOptions::default();
                options.limits.drain_timeout = Duration::ZERO;
                let proxy = Server::bind(([127, 0, 0, 1], 0).into(), app, options).await.unwrap();
                tell.send(proxy.local_addr()).unwrap();
                proxy.serve(async { drop(stopped.await) }).await;
            });
        });
        Ok(Self { server, proxy: told.recv()?, stop: Some(stop), thread: Some(thread) })
    }

    fn compare(&self, case: &Case, stream: bool) -> Result<(), Failed> {
        let asked = |model: &str| {
            let mut body = case.body.clone();
            body["model"] = json!(model);
            if stream {
                body["stream"] = json!(true);
            }
            if stream && !case.is_forwarded() {
                body["stream_options"] = json!({"include_usage": true});
            }
            body
        };
        let name = if case.is_forwarded() { RENAMED } else { MODEL };
        let (direct, proxied) = runtime().block_on(async {
            let direct = ask(self.server.address(), case, &asked(MODEL)).await?;
            Ok::<_, Failed>((direct, ask(self.proxy, case, &asked(name)).await?))
        })?;
        let shows = match &case.shows {
            // A beginning, a text and an end at least.
            _ if stream && case.is_forwarded() => "/3".to_owned(),
            shows if stream && shows.starts_with("/choices") => shows.replace("/message", "/delta"),
            shows => shows.clone(),
        };
        if direct.value.pointer(&shows).is_none() {
            return Err(format!("the direct answer has nothing at {shows}: {direct:#}").into());
        }
        if same(&direct, &proxied) {
            Ok(())
        } else {
            Err(format!("directly:\n{direct:#}\nthrough sagewire:\n{proxied:#}").into())
        }
    }
}

impl Pair {
    /// Runs a script, which passes if it exits with 0.
    fn run(&self, python: &Path, script: &Path) -> Result<(), Failed> {
        let output = Command::new(python)
            .arg(script)
            // Nothing of this machine's own settings may matter.
            .env_clear()
            .env("HOME", env!("CARGO_TARGET_TMPDIR"))
            .env("PROXY_URL", format!("http://{}", self.proxy))
            .env("PROXY_KEY", KEY)
            .env("MODEL", RENAMED)
            .output()?;
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
        if output.status.success() {
            Ok(())
        } else {
            Err(format!("{}\n{}", text(&output.stdout), text(&output.stderr)).into())
        }
    }
}

impl Drop for Pair {
    fn drop(&mut self) {
        drop(self.stop.take());
        if let Some(thread) = self.thread.take() {
            thread.join().unwrap();
        }
    }
}

/// An answer in the form in which it is compared.
#[derive(Debug)]
struct Answer {
    status: u16,
    value: Value,
}

impl std::fmt::Display for Answer {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{} {:#}", self.status, self.value)
    }
}

/// Errors are sagewire's own objects around what the server said: the status, the parameter and the
/// server's sentence are the same. An error that is the first record of a stream is one with its
/// code as the status.
fn same(direct: &Answer, proxied: &Answer) -> bool {
    let Some(said) = direct.value.pointer("/error/message").and_then(Value::as_str) else {
        return direct.status == proxied.status && direct.value == proxied.value;
    };
    let told = proxied.value.pointer("/error/message").and_then(Value::as_str).unwrap_or_default();
    let param = |answer: &Answer| answer.value.pointer("/error/param").cloned();
    let code = direct.value.pointer("/error/code").and_then(Value::as_u64).and_then(|code| code.try_into().ok());
    let status = if direct.status == 200 { code.unwrap_or(direct.status) } else { direct.status };
    status == proxied.status && told.contains(said) && param(direct) == param(proxied)
}

async fn ask(address: SocketAddr, case: &Case, body: &Value) -> Result<Answer, Failed> {
    let Some((status, _, bytes)) = send(address, Method::POST, &case.path, KEY, &body.to_string()).await else {
        return Err("the connection ended without an answer".into());
    };
    let text = std::str::from_utf8(&bytes)?;
    let mut value = match text.trim_start() {
        chunks if chunks.starts_with("data: ") => stream::joined(text)?,
        named if named.starts_with("event: ") => stream::events(text)?,
        _ => serde_json::from_str(text).map_err(|error| format!("{status} {text}: {error}"))?,
    };
    if case.is_forwarded() {
        mask(&mut value, body.get("model"));
    } else {
        tidy(&mut value);
    }
    Ok(Answer { status, value })
}

/// Puts one text in the place of what is made anew for each answer, and another one in the place of
/// the model's name if it is the one that was asked for.
fn mask(value: &mut Value, asked: Option<&Value>) {
    match value {
        Value::Object(object) => {
            for (name, value) in object {
                match name.as_str() {
                    "id" | "item_id" | "call_id" | "signature" | "created_at" | "completed_at" | "reasoning_tokens"
                        if !value.is_null() =>
                    {
                        *value = json!("made anew");
                    }
                    "model" if Some(&*value) == asked => *value = json!("as asked"),
                    _ => mask(value, asked),
                }
            }
        }
        Value::Array(items) => items.iter_mut().for_each(|item| mask(item, asked)),
        _ => {}
    }
}

/// Leaves out what may differ.
fn tidy(value: &mut Value) {
    match value {
        Value::Object(object) => {
            if let Some(thoughts) = object.remove("reasoning") {
                object.entry("reasoning_content").or_insert(thoughts);
            }
            // vLLM counts the completion of embeddings, which have none.
            if object.get("completion_tokens") == Some(&json!(0)) {
                object.remove("completion_tokens");
            }
            for made_anew in ["id", "created", "model"] {
                object.remove(made_anew);
            }
            if object.contains_key("results") {
                for of_clients in ["meta", "object"] {
                    object.remove(of_clients);
                }
            }
            let message = object.get("message").or_else(|| object.get("delta"));
            let calls = message.is_some_and(|message| message.pointer("/tool_calls/0").is_some());
            if calls && object.get("finish_reason") == Some(&json!("stop")) {
                object.insert("finish_reason".to_owned(), json!("tool_calls"));
            }
            object.values_mut().for_each(tidy);
            object.retain(|_, value| !is_empty(value));
        }
        Value::Array(items) => items.iter_mut().for_each(tidy),
        _ => {}
    }
}

fn is_empty(value: &Value) -> bool {
    match value {
        Value::Null => true,
        Value::String(text) => text.is_empty(),
        Value::Array(items) => items.is_empty(),
        Value::Object(object) => object.is_empty(),
        _ => false,
    }
}

/// Tests run on threads of their own.
fn runtime() -> tokio::runtime::Runtime {
    tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap()
}
