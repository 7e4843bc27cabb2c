//! A caller of either proxy, and what it was told.

use std::{fmt, net::SocketAddr, time::Duration};

use bytes::Bytes;
use http::Request;
use http_body_util::{BodyExt as _, Full};
use hyper_util::rt::TokioIo;
use serde_json::{Value, json};
use tokio::net::TcpStream;

use crate::{
    faults::{Case, TEXT},
    proxies::MASTER_KEY,
};

/// What a caller was told.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Told {
    Whole,
    /// An error with a text.
    Explained,
    /// Another text than the container's, with no sign that anything is missing.
    CutAndCalledComplete,
    /// A connection that broke, or an end without an end mark or an error.
    Unexplained,
}

impl fmt::Display for Told {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Whole => "whole",
            Self::Explained => "failed and explained",
            Self::CutAndCalledComplete => "cut short and called complete",
            Self::Unexplained => "failed without an explanation",
        })
    }
}

pub(crate) async fn ask(address: SocketAddr, case: &Case) -> Told {
    let asking = tokio::time::timeout(Duration::from_secs(60), answer(address, case));
    asking.await.ok().flatten().unwrap_or(Told::Unexplained)
}

async fn answer(address: SocketAddr, case: &Case) -> Option<Told> {
    let stream = TcpStream::connect(address).await.ok()?;
    let (mut sender, connection) = hyper::client::conn::http1::handshake(TokioIo::new(stream)).await.ok()?;
    tokio::spawn(connection);
    let body = json!({
        "model": case.model, "stream": case.stream, "messages": [{"role": "user", "content": "What is a llama?"}],
    });
    let request = Request::post("/v1/chat/completions")
        .header("host", "localhost")
        .header("content-type", "application/json")
        .header("authorization", format!("Bearer {MASTER_KEY}"))
        .body(Full::new(Bytes::from(body.to_string())))
        .ok()?;
    let response = sender.send_request(request).await.ok()?;
    let status = response.status();
    let mut body = response.into_body();
    let (mut bytes, mut broke) = (Vec::new(), false);
    while let Some(frame) = body.frame().await {
        match frame {
            Ok(frame) => bytes.extend_from_slice(&frame.into_data().unwrap_or_default()),
            Err(_) => {
                broke = true;
                break;
            }
        }
    }
    if !status.is_success() {
        let error: Value = serde_json::from_slice(&bytes).ok()?;
        let message = error["error"]["message"].as_str().unwrap_or_default();
        return Some(if message.len() > 10 { Told::Explained } else { Told::Unexplained });
    }
    Some(if case.stream { judge_stream(&bytes, broke) } else { judge_whole(&bytes) })
}

fn judge_whole(bytes: &[u8]) -> Told {
    match serde_json::from_slice::<Value>(bytes) {
        Ok(reply) if reply["choices"][0]["message"]["content"] == TEXT => Told::Whole,
        Ok(_) => Told::CutAndCalledComplete,
        Err(_) => Told::Unexplained,
    }
}

fn judge_stream(bytes: &[u8], broke: bool) -> Told {
    let (mut text, mut ended) = (String::new(), false);
    for event in String::from_utf8_lossy(bytes).split("\n\n") {
        let Some(data) = event.trim().strip_prefix("data:").map(str::trim) else { continue };
        if data == "[DONE]" {
            ended = true;
            continue;
        }
        let Ok(piece) = serde_json::from_str::<Value>(data) else { return Told::Unexplained };
        if let Some(error) = piece.get("error") {
            let explained = error["message"].as_str().is_some_and(|message| message.len() > 10);
            return if explained { Told::Explained } else { Told::Unexplained };
        }
        let choice = &piece["choices"][0];
        text.push_str(choice["delta"]["content"].as_str().unwrap_or_default());
        ended |= choice["finish_reason"].is_string();
    }
    // A special token that is shown as text is a blemish, and nothing that is missing.
    let text = text.strip_suffix("</s>").unwrap_or(&text);
    match (ended && !broke, text == TEXT) {
        (true, true) => Told::Whole,
        (true, false) => Told::CutAndCalledComplete,
        (false, _) => Told::Unexplained,
    }
}
