//! Requests through the proxy, by a client that knows HTTP and server-sent events and nothing else.
//!
//! Owns the proxy of a run and the reading of its answers.

use std::sync::Arc;

use bytes::Bytes;
use http::Request;
use http_body_util::{BodyExt as _, Full};
use hyper::body::Incoming;
use hyper_util::rt::TokioIo;
use sagewire::Provider;
use sagewire_proxy::{App, ServedModel, Server, ServerOptions, config::Mode};
use sagewire_tests::observed::Observations;
use serde_json::{Value, json};
use tokio::{net::TcpStream, sync::oneshot, task::JoinHandle};

use crate::{
    model::{End, Outcome},
    schedule::{Asked, Kind, TARGETS},
};

pub(crate) struct Proxy {
    address: std::net::SocketAddr,
    shutdown: oneshot::Sender<()>,
    serving: JoinHandle<()>,
}

impl Proxy {
    pub(crate) async fn start(provider: Arc<dyn Provider>) -> Self {
        let models = TARGETS.iter().map(|target| {
            let mode = if target.embeds() { Mode::Embedding } else { Mode::Chat };
            ServedModel::new(target.name).with_mode(mode)
        });
        let app = App::builder().provider(provider).models(models).build().unwrap();
        let server = Server::bind(([127, 0, 0, 1], 0).into(), app, ServerOptions::default()).await.unwrap();
        let address = server.local_addr();
        let (shutdown, told) = oneshot::channel();
        let serving = tokio::spawn(server.serve(async {
            let _ = told.await;
        }));
        Self { address, shutdown, serving }
    }

    pub(crate) async fn stop(self) {
        let _ = self.shutdown.send(());
        self.serving.await.unwrap();
    }

    pub(crate) async fn ask(&self, seen: &Observations, asked: &Asked) -> Outcome {
        let mut outcome = Outcome::of(asked, End::CutOff("no answer".to_owned()));
        let stream = TcpStream::connect(self.address).await.unwrap();
        let (mut sender, connection) = hyper::client::conn::http1::handshake(TokioIo::new(stream)).await.unwrap();
        let driving = tokio::spawn(connection);
        let (path, body) = body(asked);
        let request = Request::post(path)
            .header("host", "localhost")
            .header("content-type", "application/json")
            .body(Full::new(Bytes::from(body.to_string())))
            .unwrap();
        match sender.send_request(request).await {
            Ok(response) => {
                let (head, body) = response.into_parts();
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
    let Ok(body) = serde_json::from_slice::<Value>(body) else {
        outcome.end = End::CutOff(format!("{status}: {}", String::from_utf8_lossy(body)));
        return;
    };
    if status != 200 {
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
        text.extend_from_slice(&data);
        while let Some(at) = text.windows(2).position(|two| two == b"\n\n") {
            let event: Vec<u8> = text.drain(..at + 2).collect();
            let Some(data) = event.strip_prefix(b"data: ") else { continue };
            let data = data.trim_ascii_end();
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
