//! A proxy on an emulator, on threads of their own.

use std::{net::SocketAddr, sync::mpsc, thread, time::Duration};

use sagewire::credentials::seam::{MapEnv, World};
use sagewire_emulator::{
    Agent, AwsError, CohereRerank, EXAMPLE_ACCESS_KEY_ID, EXAMPLE_SECRET_ACCESS_KEY, Embedding, Emulator, Messages,
    Omni, Pooling, Rerank, Scripted, SpeechRecognition, StreamEvent, Tgi, Transcription,
};
use sagewire_proxy::{Config, Server, ServerOptions, Wiring};
use serde_json::{Value, json};
use tokio::sync::oneshot;

pub(crate) const KEY: &str = "sk-1234";

/// The client is to repeat what failed, so the router does not. `gone` is among the ten deployments
/// that are probed within a minute.
const CONFIG: &str = "
model_list:
  - {model_name: text, litellm_params: {model: sagemaker/tgi}}
  - {model_name: chat, litellm_params: {model: sagemaker_chat/messages}}
  - {model_name: gone, litellm_params: {model: sagemaker/no-such-endpoint}}
  - {model_name: vectors, litellm_params: {model: sagemaker/embedding}, model_info: {mode: embedding}}
  - {model_name: token-vectors, litellm_params: {model: sagemaker/tokens, embedding_dialect: tei}}
  - {model_name: reranker, litellm_params: {model: sagemaker/reranker}, model_info: {mode: rerank}}
  - {model_name: cohere-reranker, litellm_params: {model: sagemaker/cohere-reranker}, model_info: {mode: rerank}}
  - {model_name: vllm-reranker, litellm_params: {model: sagemaker/pooling, rerank_dialect: vllm}}
  - {model_name: whisper, litellm_params: {model: sagemaker/whisper, transcription_dialect: vllm}}
  - {model_name: whisperx, litellm_params: {model: sagemaker/whisperx, transcription_dialect: whisperx}}
  - {model_name: speech-recognition, litellm_params: {model: sagemaker/asr, transcription_dialect: huggingface}}
  - {model_name: omni, litellm_params: {model: sagemaker/omni, dialect: vllm}}
  - {model_name: throttled, litellm_params: {model: sagemaker_chat/throttled}}
  - {model_name: flaky, litellm_params: {model: sagemaker_chat/flaky}}
  - {model_name: slow, litellm_params: {model: sagemaker_chat/slow}}
  - {model_name: breaks, litellm_params: {model: sagemaker_chat/breaks}}
  - {model_name: speaks, litellm_params: {model: sagemaker_chat/speaks}}
  - {model_name: hangs, litellm_params: {model: sagemaker_chat/hangs}}
  - {model_name: markup, litellm_params: {model: sagemaker_chat/markup}}
  - {model_name: thinks, litellm_params: {model: sagemaker_chat/thinks}}
  - {model_name: too-long, litellm_params: {model: sagemaker/too-long}}
  - {model_name: agent, litellm_params: {model: sagemaker_chat/agent}}
  - {model_name: native-agent, litellm_params: {model: sagemaker_chat/native-agent, dialect: vllm}}
  - {model_name: text-agent, litellm_params: {model: sagemaker/text-agent, hf_model_name: Qwen/Qwen3-8B}}
general_settings: {master_key: sk-1234}
router_settings: {num_retries: 0, disable_cooldowns: true}
sagewire_settings:
  response_store: {max_responses: 100}
  batches: {store: os.environ/STORE}
  keys: [{name: team, key: sk-team, models: [chat], rpm: 5}]
";

/// A running proxy; dropping it ends it.
pub(crate) struct Running {
    address: SocketAddr,
    stop: Option<oneshot::Sender<()>>,
    thread: Option<thread::JoinHandle<()>>,
}

impl Running {
    pub(crate) fn start() -> Self {
        let (stop, stopped) = oneshot::channel::<()>();
        let (tell, told) = mpsc::channel();
        let thread = thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
            runtime.block_on(async {
                let emulator = emulator().await;
                let folder = tempfile::tempdir().unwrap();
                let env = MapEnv::from([
                    ("STORE", folder.path().to_str().unwrap()),
                    ("AWS_ENDPOINT_URL_SAGEMAKER_RUNTIME", emulator.url().as_str()),
                    ("AWS_ACCESS_KEY_ID", EXAMPLE_ACCESS_KEY_ID),
                    ("AWS_SECRET_ACCESS_KEY", EXAMPLE_SECRET_ACCESS_KEY),
                    ("AWS_REGION", "us-east-1"),
                ]);
                let world = World::builder().with_env(env).build();
                let (config, _) = Config::from_yaml(CONFIG, &|name| world.var(name)).unwrap();
                let wiring = Wiring::new(world);
                let app = wiring.app(&config, None).unwrap();
                let mut options = ServerOptions::default();
                options.limits.drain_timeout = Duration::ZERO;
                let server = Server::bind(([127, 0, 0, 1], 0).into(), app, options).await.unwrap();
                tell.send(server.local_addr()).unwrap();
                tokio::select! {
                    () = server.serve(async { drop(stopped.await) }) => {}
                    () = wiring.keep() => {}
                }
                wiring.finish().await;
                let refused = emulator.received().into_iter().filter(|request| !request.accepted).count();
                assert_eq!(refused, 0, "the emulator refused signatures");
            });
        });
        Self { address: told.recv().unwrap(), stop: Some(stop), thread: Some(thread) }
    }

    pub(crate) fn url(&self) -> String {
        format!("http://{}", self.address)
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        drop(self.stop.take());
        if let Some(thread) = self.thread.take() {
            thread.join().unwrap();
        }
    }
}

/// The wait before each piece of a stream that a person is to see grow.
const PACE: Duration = Duration::from_millis(50);
const FOREVER: Duration = Duration::from_secs(120);

/// A piece of a chat stream with this delta.
fn piece(delta: &Value) -> String {
    event(&json!({"choices": [{"index": 0, "delta": delta}]}))
}

/// The last pieces of a chat stream.
fn end(reason: &str) -> String {
    let finish = event(&json!({"choices": [{"index": 0, "delta": {}, "finish_reason": reason}]}));
    let usage = json!({"choices": [], "usage": {"prompt_tokens": 3, "completion_tokens": 6, "total_tokens": 9}});
    format!("{finish}{}data: [DONE]\n\n", event(&usage))
}

fn event(rest: &Value) -> String {
    let mut chunk = json!({"id": "x", "object": "chat.completion.chunk", "created": 1, "model": "m"});
    chunk.as_object_mut().unwrap().extend(rest.as_object().unwrap().clone());
    format!("data: {chunk}\n\n")
}

async fn emulator() -> Emulator {
    let emulator = Emulator::builder()
        .no_default_endpoints()
        .endpoint("tgi", Tgi::default())
        .endpoint("messages", Messages::default())
        .endpoint("agent", Agent::new())
        .endpoint("native-agent", Agent::new().with_native_routes())
        .endpoint("text-agent", Agent::new().with_prompts())
        .endpoint("embedding", Embedding::default())
        .endpoint("tokens", Embedding::default())
        .endpoint("reranker", Rerank)
        .endpoint("whisper", Transcription)
        .endpoint("whisperx", Transcription)
        .endpoint("asr", SpeechRecognition)
        .endpoint("omni", Omni)
        .endpoint("cohere-reranker", CohereRerank)
        .endpoint("pooling", Pooling)
        .endpoint("throttled", Messages::default())
        .endpoint("flaky", Messages::default())
        .endpoint("slow", Messages::default())
        .endpoint("speaks", Messages::default())
        .endpoint("hangs", Messages::default())
        .endpoint("markup", Messages::default())
        .endpoint("thinks", Messages::default())
        .endpoint("breaks", Messages::default())
        .endpoint("too-long", Tgi::default())
        .start()
        .await
        .unwrap();
    for _ in 0..10 {
        emulator.enqueue("throttled", Scripted::error(AwsError::throttling().with_status(429)));
        emulator.enqueue("slow", Scripted::ok("{}").after(Duration::from_secs(120)));
        let broken = Scripted::stream([piece(&json!({"content": "Half"}))])
            .model_stream_error("ModelInvocationTimeExceeded", "too slow");
        emulator.enqueue("breaks", broken);
        let too_long = "{\"error\":\"Input validation error: `inputs` tokens + `max_new_tokens` must be <= 4096. Given: 5000 `inputs` tokens and 20 `max_new_tokens`\",\"error_type\":\"validation\"}";
        emulator.enqueue("too-long", Scripted::error(AwsError::model_error(422, too_long)));
    }
    for _ in 0..10 {
        let words = ["one ", "two ", "three ", "four ", "five ", "six "].map(|word| piece(&json!({"content": word})));
        emulator.enqueue("speaks", Scripted::stream(words.into_iter().chain([end("stop")])).paced(PACE));
        let begun = [StreamEvent::Part(piece(&json!({"content": "one two"})).into()), StreamEvent::Wait(FOREVER)];
        emulator.enqueue("hangs", Scripted::events(begun));
        let markup = "<img src=x onerror=\"window.attacked = 1\"><script>window.attacked = 2</script>\
            <iframe srcdoc=\"<script>parent.attacked = 3</script>\"></iframe><a href=\"javascript:window.attacked = 4\">x</a>";
        emulator.enqueue("markup", Scripted::stream([piece(&json!({"content": markup})), end("stop")]));
        let call = |arguments: &str| json!({"tool_calls": [{"index": 0, "function": {"arguments": arguments}}]});
        let named = json!({"tool_calls": [{"index": 0, "id": "call_1", "type": "function", "function": {"name": "weather", "arguments": ""}}]});
        let thinking = [
            piece(&json!({"reasoning_content": "Let me "})),
            piece(&json!({"reasoning_content": "look."})),
            piece(&named),
            piece(&call("{\"city\":")),
            piece(&call("\"<b>Bonn</b>\"}")),
            end("tool_calls"),
        ];
        emulator.enqueue("thinks", Scripted::stream(thinking));
    }
    // What the container says to one list of token ids, and then to two.
    emulator.enqueue("tokens", Scripted::ok("[[0.5,1.0]]"));
    emulator.enqueue("tokens", Scripted::ok("[[0.5,1.0],[2.0,4.0]]"));
    emulator.enqueue("flaky", Scripted::error(AwsError::service_unavailable()));
    emulator
}
