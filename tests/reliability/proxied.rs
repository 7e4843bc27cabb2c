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
    App, KeyDigest, Ledger, ServedDeployment, ServedModel, Server, ServerOptions,
    config::{CallerKey, Mode},
};
use sagewire_tests::observed::Observations;
use serde_json::{Value, json};
use tokio::{net::TcpStream, sync::oneshot, task::JoinHandle, time::Instant};

use crate::{
    callers::Spending,
    model::{End, Outcome},
    schedule::{Api, Asked, Key, Kind, MISSING_PART, TARGETS},
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
            let model = ServedModel::new(target.name).with_mode(mode);
            if !target.is_native() {
                return model;
            }
            let deployment = ServedDeployment::new(target.name, target.model);
            model.with_deployment(deployment.with_native_routes(["/v1/messages", "/v1/responses"]))
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

    /// What each key has used, when no call of it is at work any more: a caller that goes away is
    /// noticed a little later.
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
        Kind::Chat | Kind::ChatStream if asked.api == Api::Messages => ("/v1/messages", asked.message(model)),
        Kind::Chat | Kind::ChatStream if asked.api == Api::Responses => ("/v1/responses", asked.response(model)),
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
    match body["type"].as_str().or(body["object"].as_str()) {
        Some("message") => {
            outcome.text = texts(&body["content"]);
            outcome.finished = body["stop_reason"].is_string();
        }
        Some("response") => {
            outcome.text = text_of_response(&body);
            outcome.finished = body["status"] == "completed";
        }
        _ => take(&body, "message", outcome),
    }
}

/// The texts of blocks or parts.
fn texts(blocks: &Value) -> String {
    blocks.as_array().into_iter().flatten().filter_map(|block| block["text"].as_str()).collect()
}

fn text_of_response(response: &Value) -> String {
    response["output"].as_array().into_iter().flatten().map(|item| texts(&item["content"])).collect()
}

fn failed(body: &Value) -> End {
    let error = &body["error"];
    // In the Responses API a failure has a code alone.
    let is_named = error["type"].is_string() || error["code"].is_string();
    let told = error["message"].as_str().is_some_and(|message| message.len() > 10) && is_named;
    let kind = if error["code"].is_null() { &error["type"] } else { &error["code"] };
    End::Failed { kind: kind.to_string(), told, attempts: None }
}

/// What an event of a stream says.
enum Said {
    /// More of the answer, or nothing that counts.
    Piece,
    /// The answer is whole.
    End,
    /// It is not.
    Failed,
    /// What belongs to a failure that was told.
    AfterFailure,
}

/// Reads an event of any of the APIs.
fn said(event: &Value, outcome: &mut Outcome) -> Said {
    match event["type"].as_str() {
        Some("error") => return Said::Failed,
        Some("response.failed") => return Said::AfterFailure,
        Some("message_stop") => return Said::End,
        Some("content_block_delta") => outcome.text.push_str(event["delta"]["text"].as_str().unwrap_or_default()),
        Some("message_delta") => outcome.finished = event["delta"]["stop_reason"].is_string(),
        Some("response.output_text.delta") => outcome.text.push_str(event["delta"].as_str().unwrap_or_default()),
        Some("response.completed") => {
            // The whole answer at the end is what the pieces said.
            outcome.finished = text_of_response(&event["response"]) == outcome.text;
            return Said::End;
        }
        Some("response.incomplete") => return Said::End,
        Some(_) => {}
        None if event.get("error").is_some() => return Said::Failed,
        None => take(event, "delta", outcome),
    }
    Said::Piece
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
            // Comments and the event's name come before its data.
            let mut lines = event.split(|byte| *byte == b'\n');
            let Some(data) = lines.find_map(|line| line.strip_prefix(b"data: ")) else { continue };
            if data == b"[DONE]" && !ended {
                (outcome.end, ended) = (End::Whole, true);
                continue;
            }
            let Ok(piece) = serde_json::from_slice::<Value>(data) else {
                outcome.end = End::CutOff(format!("an event that is not JSON: {}", String::from_utf8_lossy(data)));
                return;
            };
            if ended {
                let belongs =
                    matches!(outcome.end, End::Failed { .. }) && matches!(said(&piece, outcome), Said::AfterFailure);
                outcome.afterwards += usize::from(!belongs);
                continue;
            }
            if pieces == 0 {
                outcome.attempts_at_first_piece = Some(seen.attempts_of(outcome.asked.number));
            }
            match said(&piece, outcome) {
                Said::Piece => pieces += 1,
                Said::End => (outcome.end, ended) = (End::Whole, true),
                Said::Failed => (outcome.end, ended) = (failed(&piece), true),
                Said::AfterFailure => outcome.end = End::CutOff("a failure that was not told before".to_owned()),
            }
            if !ended && outcome.asked.abandoned_after.is_some_and(|after| pieces >= after) {
                outcome.end = End::Abandoned;
                return;
            }
        }
    }
}
