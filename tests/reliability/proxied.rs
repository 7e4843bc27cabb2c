//! Requests through the proxy, by a client that knows HTTP and server-sent events and nothing else.
//!
//! Owns the proxy of a run and the reading of its answers.

use std::{
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use bytes::Bytes;
use http::Request;
use http_body_util::{BodyExt as _, Full};
use hyper::{body::Incoming, client::conn::http1::SendRequest};
use hyper_util::rt::TokioIo;
use sagewire::Provider;
use sagewire_proxy::{
    App, KeyDigest, Ledger, ServedModel, Server, ServerOptions,
    config::{CallerKey, Mode},
};
use sagewire_tests::observed::Observations;
use serde_json::{Value, json};
use tokio::{net::TcpStream, sync::oneshot, task::JoinHandle, time::Instant};

use crate::{
    callers::Spending,
    model::{End, Outcome},
    schedule::{Asked, Key, Kind, MISSING_PART, TARGETS},
};

pub(crate) struct Proxy {
    address: std::net::SocketAddr,
    keys: Vec<Key>,
    /// How many requests have begun or ended.
    turns: AtomicU64,
    began: Instant,
    shutdown: oneshot::Sender<()>,
    serving: JoinHandle<()>,
}

impl Proxy {
    pub(crate) async fn start(
        provider: Arc<dyn Provider>,
        keys: &[Key],
        ledger: Option<fn() -> Arc<dyn Ledger>>,
    ) -> Self {
        let models = TARGETS.iter().map(|target| {
            let mode = if target.embeds() { Mode::Embedding } else { Mode::Chat };
            ServedModel::new(target.name).with_mode(mode)
        });
        let mut app = App::builder().provider(provider).models(models);
        for Key { name, secret, token_budget, rpm } in keys {
            let mut key = CallerKey::new(*name, KeyDigest::of(secret));
            (key.token_budget, key.rpm) = (*token_budget, *rpm);
            app = app.caller_key(key);
        }
        if let Some(ledger) = ledger {
            app = app.ledger(ledger());
        }
        let app = app.build().unwrap();
        let server = Server::bind(([127, 0, 0, 1], 0).into(), app, ServerOptions::default()).await.unwrap();
        let address = server.local_addr();
        let (shutdown, told) = oneshot::channel();
        let serving = tokio::spawn(server.serve(async {
            let _ = told.await;
        }));
        let (turns, began) = (AtomicU64::new(1), Instant::now());
        Self { address, keys: keys.to_vec(), turns, began, shutdown, serving }
    }

    fn next_turn(&self) -> u64 {
        self.turns.fetch_add(1, Ordering::Relaxed)
    }

    /// What each key has used, when no call of it is at work any more: a caller that goes away is noticed a little later.
    pub(crate) async fn spending(&self) -> Vec<Spending> {
        let mut all = Vec::new();
        for key in &self.keys {
            let mut spending = self.spending_of(key).await;
            for _ in 0..100 {
                if spending.reserved == 0 {
                    break;
                }
                tokio::time::sleep(Duration::from_secs(1)).await;
                spending = self.spending_of(key).await;
            }
            all.push(spending);
        }
        all
    }

    async fn spending_of(&self, key: &Key) -> Spending {
        let (mut sender, driving) = self.connect().await;
        let request = Request::get("/key/info").header("host", "localhost").header("x-api-key", key.secret);
        let answer = sender.send_request(request.body(Full::new(Bytes::new())).unwrap()).await.unwrap();
        let body = answer.into_body().collect().await.unwrap().to_bytes();
        drop(sender);
        let _ = driving.await.unwrap();
        let info: Value = serde_json::from_slice(&body).unwrap();
        let count = |name: &str| info["info"][name].as_u64().unwrap();
        Spending { spent: count("tokens_spent"), reserved: count("tokens_reserved") }
    }

    async fn connect(&self) -> (SendRequest<Full<Bytes>>, JoinHandle<hyper::Result<()>>) {
        let stream = TcpStream::connect(self.address).await.unwrap();
        let (sender, connection) = hyper::client::conn::http1::handshake(TokioIo::new(stream)).await.unwrap();
        (sender, tokio::spawn(connection))
    }

    pub(crate) async fn stop(self) {
        let _ = self.shutdown.send(());
        self.serving.await.unwrap();
    }

    pub(crate) async fn ask(&self, seen: &Observations, asked: &Asked) -> Outcome {
        let mut outcome = Outcome::of(asked, End::CutOff("no answer".to_owned()));
        let (mut sender, driving) = self.connect().await;
        let (path, body) = body(asked);
        let mut request = Request::post(path)
            .header("host", "localhost")
            .header("content-type", "application/json")
            .header("authorization", format!("Bearer {}", self.keys[asked.key].secret));
        if asked.names_a_part {
            request = request.header("x-amzn-sagemaker-inference-component", MISSING_PART);
        }
        let request = request.body(Full::new(Bytes::from(body.to_string()))).unwrap();
        (outcome.turn.began, outcome.turn.at) = (self.next_turn(), self.began.elapsed());
        match sender.send_request(request).await {
            Ok(response) => {
                let (head, body) = response.into_parts();
                outcome.shown.push_str(&format!("{:?}", head.headers));
                if head
                    .headers
                    .get("content-type")
                    .is_some_and(|kind| kind.as_bytes().starts_with(b"text/event-stream"))
                {
                    read_events(body, seen, &mut outcome).await;
                } else if let Ok(body) = body.collect().await {
                    read_whole(head.status.as_u16(), &body.to_bytes(), &mut outcome);
                }
            }
            Err(error) => outcome.end = End::CutOff(format!("{error:?}")),
        }
        (outcome.turn.ended, outcome.turn.until) = (self.next_turn(), self.began.elapsed());
        drop(sender);
        // However the connection ended, it has.
        let _ = driving.await.unwrap();
        outcome
    }
}

fn body(asked: &Asked) -> (&'static str, Value) {
    let model = asked.target.name;
    let (path, mut body) = match asked.kind {
        Kind::Chat | Kind::ChatStream => ("/v1/chat/completions", serde_json::to_value(asked.chat(model)).unwrap()),
        Kind::Completion | Kind::CompletionStream => {
            ("/v1/completions", serde_json::to_value(asked.completion(model)).unwrap())
        }
        Kind::Embedding => ("/v1/embeddings", serde_json::to_value(asked.embedding(model)).unwrap()),
    };
    if asked.kind.streams() {
        body["stream"] = json!(true);
    }
    (path, body)
}

fn read_whole(status: u16, body: &[u8], outcome: &mut Outcome) {
    outcome.shown.push_str(&String::from_utf8_lossy(body));
    let Ok(body) = serde_json::from_slice::<Value>(body) else {
        outcome.end = End::CutOff(format!("{status}: {}", String::from_utf8_lossy(body)));
        return;
    };
    if status != 200 {
        let message = body["error"]["message"].as_str().unwrap_or_default();
        outcome.refused_by_key = status == 429 && message.starts_with("this key has ");
        outcome.end = failed(&body);
        return;
    }
    outcome.end = End::Whole;
    if outcome.asked.kind == Kind::Embedding {
        let vectors: Vec<Vec<f32>> = body["data"]
            .as_array()
            .into_iter()
            .flatten()
            .map(|entry| serde_json::from_value(entry["embedding"].clone()).unwrap_or_default())
            .collect();
        outcome.text = format!("{vectors:?}");
        return;
    }
    take(&body, "message", outcome);
}

fn failed(body: &Value) -> End {
    let error = &body["error"];
    let told = error["message"].as_str().is_some_and(|message| message.len() > 10) && error["type"].is_string();
    End::Failed { kind: error["code"].to_string(), told, attempts: None }
}

/// The text of a whole answer or of one piece.
fn take(body: &Value, content: &str, outcome: &mut Outcome) {
    for choice in body["choices"].as_array().into_iter().flatten() {
        let text = choice["text"].as_str().or(choice[content]["content"].as_str()).unwrap_or_default();
        outcome.text.push_str(text);
        outcome.finished |= choice["finish_reason"].is_string();
    }
}

/// Events until the body ends: pieces, and then either the end mark or one error.
async fn read_events(mut body: Incoming, seen: &Observations, outcome: &mut Outcome) {
    let mut text = Vec::new();
    let mut pieces = 0;
    let mut ended = false;
    outcome.end = End::CutOff("a stream without an end".to_owned());
    while let Some(frame) = body.frame().await {
        let Ok(frame) = frame else {
            // HTTP says that this is no whole body.
            if !ended {
                outcome.end = End::CutOff("the body broke off".to_owned());
            }
            return;
        };
        let Ok(data) = frame.into_data() else { continue };
        outcome.shown.push_str(&String::from_utf8_lossy(&data));
        text.extend_from_slice(&data);
        while let Some(at) = text.windows(2).position(|two| two == b"\n\n") {
            let event: Vec<u8> = text.drain(..at + 2).collect();
            // A comment that breaks a silence is a line of its own, without an empty one behind it.
            let mut lines = event.split(|byte| *byte == b'\n').skip_while(|line| line.first() == Some(&b':'));
            let Some(data) = lines.next().and_then(|line| line.strip_prefix(b"data: ")) else { continue };
            if ended {
                outcome.afterwards += 1;
            } else if data == b"[DONE]" {
                (outcome.end, ended) = (End::Whole, true);
            } else {
                let Ok(piece) = serde_json::from_slice::<Value>(data) else {
                    outcome.end = End::CutOff(format!("an event that is not JSON: {}", String::from_utf8_lossy(data)));
                    return;
                };
                if piece.get("error").is_some() {
                    (outcome.end, ended) = (failed(&piece), true);
                } else {
                    if pieces == 0 {
                        outcome.attempts_at_first_piece = Some(seen.attempts_of(outcome.asked.number));
                    }
                    pieces += 1;
                    take(&piece, "delta", outcome);
                    if outcome.asked.abandoned_after.is_some_and(|after| pieces >= after) {
                        outcome.end = End::Abandoned;
                        return;
                    }
                }
            }
        }
    }
}
