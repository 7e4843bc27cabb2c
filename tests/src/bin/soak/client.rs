//! A caller of the proxy: HTTP/1.1 and server-sent events, and nothing else.

use std::time::Duration;

use bytes::Bytes;
use http::Request;
use http_body_util::{BodyExt as _, Full};
use hyper::client::conn::http1::SendRequest;
use hyper_util::rt::TokioIo;
use serde_json::json;
use tokio::net::TcpStream;

/// One connection to the proxy.
pub(crate) struct Caller(SendRequest<Full<Bytes>>);

impl Caller {
    pub(crate) async fn connect(address: &str) -> Self {
        let stream = TcpStream::connect(address).await.unwrap();
        let (sender, connection) = hyper::client::conn::http1::handshake(TokioIo::new(stream)).await.unwrap();
        tokio::spawn(connection);
        Self(sender)
    }

    /// A whole answer; its status.
    pub(crate) async fn ask(&mut self) -> u16 {
        self.0.ready().await.unwrap();
        let response = self.0.send_request(request("Hello", false)).await.unwrap();
        let status = response.status().as_u16();
        response.into_body().collect().await.unwrap();
        status
    }

    /// A streamed answer, with a wait before each read; gives whether it was whole, and its bytes.
    pub(crate) async fn stream(&mut self, prompt: &str, wait: Duration) -> (bool, usize) {
        self.0.ready().await.unwrap();
        let response = self.0.send_request(request(prompt, true)).await.unwrap();
        let ok = response.status() == 200;
        let mut body = response.into_body();
        let (mut bytes, mut tail) = (0, Vec::new());
        while let Some(frame) = body.frame().await {
            let Ok(frame) = frame else { return (false, bytes) };
            if let Ok(data) = frame.into_data() {
                bytes += data.len();
                tail.extend_from_slice(&data);
                tail.drain(..tail.len().saturating_sub(14));
            }
            if !wait.is_zero() {
                tokio::time::sleep(wait).await;
            }
        }
        (ok && tail == b"data: [DONE]\n\n", bytes)
    }
}

fn request(prompt: &str, stream: bool) -> Request<Full<Bytes>> {
    let body = json!({
        "model": "sagemaker/talker", "stream": stream, "messages": [{"role": "user", "content": prompt}],
    });
    Request::post("/v1/chat/completions")
        .header("host", "localhost")
        .header("content-type", "application/json")
        .body(Full::new(Bytes::from(body.to_string())))
        .unwrap()
}
