//! A collector of spans and numbers that keeps what it is sent.

use std::{
    convert::Infallible,
    net::SocketAddr,
    sync::{Arc, Mutex},
};

use http::{Request, Response};
use http_body_util::{BodyExt as _, Empty};
use hyper::{body::Incoming, server::conn::http1, service::service_fn};
use hyper_util::rt::TokioIo;
use tokio::net::TcpListener;

/// One request to it: the path, the key that it shows, and the body.
#[derive(Clone, Debug)]
pub(crate) struct Collected {
    pub(crate) path: String,
    pub(crate) key: Option<String>,
    pub(crate) body: Vec<u8>,
}

pub(crate) struct Collector {
    address: SocketAddr,
    collected: Arc<Mutex<Vec<Collected>>>,
}

impl Collector {
    pub(crate) async fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let collected = Arc::new(Mutex::new(Vec::new()));
        let kept = Arc::clone(&collected);
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let kept = Arc::clone(&kept);
                let service = service_fn(move |request| take(Arc::clone(&kept), request));
                tokio::spawn(http1::Builder::new().serve_connection(TokioIo::new(stream), service));
            }
        });
        Self { address, collected }
    }

    pub(crate) fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    pub(crate) fn collected(&self) -> Vec<Collected> {
        self.collected.lock().unwrap().clone()
    }
}

async fn take(
    kept: Arc<Mutex<Vec<Collected>>>,
    request: Request<Incoming>,
) -> Result<Response<Empty<bytes::Bytes>>, Infallible> {
    let (head, body) = request.into_parts();
    let key = head.headers.get("x-collector-key").and_then(|key| key.to_str().ok()).map(str::to_owned);
    let body = body.collect().await.map(|body| body.to_bytes().to_vec()).unwrap_or_default();
    kept.lock().unwrap().push(Collected { path: head.uri.path().to_owned(), key, body });
    Ok(Response::new(Empty::new()))
}
