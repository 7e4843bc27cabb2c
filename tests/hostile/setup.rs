//! A proxy with keys, its models on an emulator, and raw bytes to it.

use std::{
    io::ErrorKind,
    net::{SocketAddr, TcpListener},
};

use sagewire_credentials::seam::{MapEnv, World};
use sagewire_emulator::{EXAMPLE_ACCESS_KEY_ID, EXAMPLE_SECRET_ACCESS_KEY, Emulator, Transcription};
use sagewire_proxy::{Config, Server, ServerOptions, Wiring};
use sagewire_tests::logs::Logs;
use serde_json::{Value, json};
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::TcpStream,
};

/// The master key.
pub(crate) const MASTER: &str = "sk-master-4711";
/// A key that opens the model `text` alone.
pub(crate) const TEAM: &str = "sk-team-0815";

const MODELS: &str = "  - {model_name: text, litellm_params: {model: sagemaker/tgi}}
  - {model_name: chat, litellm_params: {model: sagemaker_chat/messages}}
  - {model_name: vectors, litellm_params: {model: sagemaker/embedding}, model_info: {mode: embedding}}
  - {model_name: 'sagemaker/*', litellm_params: {model: 'sagemaker/*'}}
";

const SETTINGS: &str = "
router_settings: {num_retries: 0}
general_settings: {master_key: sk-master-4711}
sagewire_settings: {keys: [{name: team, key: sk-team-0815, models: [text]}], limits: {wrong_key_delay: 0}}
";

pub(crate) struct Setup {
    pub(crate) emulator: Emulator,
    pub(crate) address: SocketAddr,
    pub(crate) logs: Logs,
    /// Where no request may ever go.
    elsewhere: TcpListener,
}

/// An answer as its bytes say.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) head: String,
    pub(crate) body: Vec<u8>,
}

impl Answer {
    pub(crate) fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap_or_else(|error| panic!("{error}: {self:?}"))
    }

    /// It is a refusal in OpenAI's shape with this status, `code` and `param`.
    #[track_caller]
    pub(crate) fn is_refused(&self, status: u16, code: &Value, param: &Value) {
        let body = self.json();
        assert_eq!((self.status, &body["error"]["code"], &body["error"]["param"]), (status, code, param), "{body}");
        let message = body["error"]["message"].as_str().unwrap();
        assert!(!message.is_empty() && message.len() < 2000, "{} bytes of message", message.len());
        assert_eq!(body["error"]["type"], "invalid_request_error", "{body}");
    }
}

impl Setup {
    pub(crate) async fn start() -> Self {
        Self::with_models("").await
    }

    /// With these entries of `model_list` beside its own.
    pub(crate) async fn with_models(more: &str) -> Self {
        let logs = Logs::capture();
        let emulator = Emulator::builder().endpoint("whisper", Transcription).start().await.unwrap();
        let env = MapEnv::from([
            ("AWS_ENDPOINT_URL_SAGEMAKER_RUNTIME", emulator.url()),
            ("AWS_ACCESS_KEY_ID", EXAMPLE_ACCESS_KEY_ID.to_owned()),
            ("AWS_SECRET_ACCESS_KEY", EXAMPLE_SECRET_ACCESS_KEY.to_owned()),
            ("AWS_REGION", "us-east-1".to_owned()),
        ]);
        let world = World::builder().with_env(env).build();
        let (config, _) =
            Config::from_yaml(&format!("model_list:\n{MODELS}{more}{SETTINGS}"), &|name| world.var(name)).unwrap();
        let app = Wiring::new(world).app(&config, None).unwrap();
        let options = ServerOptions::from_config(&config);
        let server = Server::bind(([127, 0, 0, 1], 0).into(), app, options).await.unwrap();
        let address = server.local_addr();
        tokio::spawn(server.serve(std::future::pending()));
        let elsewhere = TcpListener::bind("127.0.0.1:0").unwrap();
        elsewhere.set_nonblocking(true).unwrap();
        Self { emulator, address, logs, elsewhere }
    }

    /// A URL of a server that must never be called.
    pub(crate) fn elsewhere(&self) -> String {
        format!("http://{}", self.elsewhere.local_addr().unwrap())
    }

    /// No request has left for anywhere but the emulator, and there for nothing but an endpoint's
    /// operation with nothing foreign in it.
    #[track_caller]
    pub(crate) fn nothing_went_astray(&self) {
        match self.elsewhere.accept() {
            Err(error) if error.kind() == ErrorKind::WouldBlock => {}
            called => panic!("a server that nobody may name was called: {called:?}"),
        }
        let host = self.emulator.url();
        for received in self.emulator.received() {
            assert!(received.accepted, "a signature that AWS would refuse: {received:?}");
            assert_eq!((received.region.as_deref(), received.query.as_deref()), (Some("us-east-1"), None));
            assert_eq!(received.header("host"), host.strip_prefix("http://"));
            let name = received.path.strip_prefix("/endpoints/").and_then(|rest| rest.split_once('/')).unwrap();
            assert!(name.0.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-'), "{}", received.path);
            assert!(["invocations", "invocations-response-stream"].contains(&name.1), "{}", received.path);
        }
    }

    /// The bytes and an end on a connection of their own, and all that comes back. A call that
    /// would still be at work by then is given up: for what is to be refused.
    pub(crate) async fn raw(&self, bytes: &[u8]) -> Vec<u8> {
        self.exchange(bytes, true).await
    }

    /// The same without an end: the last request of the bytes must ask for the close.
    pub(crate) async fn until_closed(&self, bytes: &[u8]) -> Vec<u8> {
        self.exchange(bytes, false).await
    }

    async fn exchange(&self, bytes: &[u8], end: bool) -> Vec<u8> {
        let mut stream = TcpStream::connect(self.address).await.unwrap();
        // A server that has refused may close before it has read everything.
        let _ = stream.write_all(bytes).await;
        if end {
            let _ = stream.shutdown().await;
        }
        let mut answer = Vec::new();
        let _ = stream.read_to_end(&mut answer).await;
        answer
    }

    /// One request with these lines in its head, beside the body's length.
    pub(crate) async fn send(&self, line: &str, head: &str, body: &[u8]) -> Answer {
        let length = body.len();
        let mut request =
            format!("{line} HTTP/1.1\r\nhost: proxy\r\nconnection: close\r\ncontent-length: {length}\r\n{head}\r\n")
                .into_bytes();
        request.extend_from_slice(body);
        let mut answers = answers(&self.until_closed(&request).await);
        assert_eq!(answers.len(), 1, "{answers:?}");
        answers.remove(0)
    }

    /// A chat with the master key.
    pub(crate) async fn chat(&self, body: &Value) -> Answer {
        self.post("/chat/completions", body).await
    }

    pub(crate) async fn post(&self, path: &str, body: &Value) -> Answer {
        self.send(&format!("POST {path}"), &bearer(MASTER), body.to_string().as_bytes()).await
    }
}

pub(crate) fn bearer(key: &str) -> String {
    format!("authorization: Bearer {key}\r\n")
}

/// A short chat with this model.
pub(crate) fn question(model: &str) -> Value {
    json!({"model": model, "messages": [{"role": "user", "content": "What is a llama?"}], "max_tokens": 5})
}

/// The answers on a connection. Each has a length, or pieces that end with an empty one.
pub(crate) fn answers(mut bytes: &[u8]) -> Vec<Answer> {
    let mut answers = Vec::new();
    while !bytes.is_empty() {
        let end = bytes.windows(4).position(|window| window == b"\r\n\r\n").unwrap() + 4;
        let head = String::from_utf8(bytes[..end].to_vec()).unwrap().to_ascii_lowercase();
        bytes = &bytes[end..];
        let status = head.split(' ').nth(1).unwrap().parse().unwrap();
        let length = head.split("content-length: ").nth(1).and_then(|rest| rest.split("\r\n").next());
        let body = match length {
            Some(length) => bytes.split_off(..length.parse().unwrap()).unwrap_or_default().to_vec(),
            None => std::mem::take(&mut bytes).to_vec(),
        };
        answers.push(Answer { status, head, body });
    }
    answers
}
