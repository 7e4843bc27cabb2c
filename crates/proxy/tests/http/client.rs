//! A proxy on a free port, and plain HTTP to it.

use std::{net::SocketAddr, sync::Arc};

use bytes::Bytes;
use http::{HeaderMap, Method, Request, StatusCode};
use http_body_util::{BodyExt, Full};
use hyper_util::rt::TokioIo;
use sagewire_proxy::{App, AppBuilder, ServedDeployment, ServedModel, Server, ServerHandle, ServerOptions, Workers};
use serde_json::Value;
use tokio::{net::TcpStream, sync::oneshot, task::JoinHandle};

use crate::double::{Double, REAL_NAME, Served};

pub(crate) const MODELS: &[&str] = &[
    "echo",
    "hang",
    "fed",
    "broken",
    "fail-invalid",
    "fail-context",
    "fail-authentication",
    "fail-permission",
    "fail-throttled",
    "fail-model",
    "fail-timeout",
    "fail-missing",
    "sagemaker/*",
];

/// The routes of its own that the container behind every model has.
const NATIVE_ROUTES: [&str; 7] =
    ["/v1/score", "/classify", "/pooling", "/tokenize", "/detokenize", "/v1/images/generations", "/v1/audio/speech"];

/// A running proxy.
pub(crate) struct Proxy {
    pub(crate) address: SocketAddr,
    pub(crate) double: Arc<Double>,
    pub(crate) handle: ServerHandle,
    stop: Option<oneshot::Sender<()>>,
    pub(crate) served: JoinHandle<()>,
}

/// An answer.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: StatusCode,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Bytes,
}

impl Answer {
    pub(crate) fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap_or_else(|error| panic!("{error}: {:?}", self.body))
    }

    pub(crate) fn text(&self) -> &str {
        std::str::from_utf8(&self.body).unwrap()
    }
}

/// An app over a double, with every model it knows.
pub(crate) fn app(double: &Arc<Double>) -> AppBuilder {
    App::builder().provider(Arc::new(Served(Arc::clone(double)))).models(MODELS.iter().map(|name| {
        let deployment = ServedDeployment::new(format!("{name}-1"), REAL_NAME).with_native_routes(NATIVE_ROUTES);
        ServedModel::new(*name).with_deployment(deployment)
    }))
}

impl Proxy {
    pub(crate) async fn start() -> Self {
        Self::with(|app| app).await
    }

    pub(crate) async fn with(change: impl FnOnce(AppBuilder) -> AppBuilder) -> Self {
        Self::with_options(change, ServerOptions::default()).await
    }

    pub(crate) async fn with_options(change: impl FnOnce(AppBuilder) -> AppBuilder, options: ServerOptions) -> Self {
        Self::serve(change, options, None).await
    }

    /// The same on this runtime, and on threads of the server's own.
    pub(crate) async fn both(options: ServerOptions) -> [Self; 2] {
        let workers = Workers::start(2.try_into().unwrap()).unwrap();
        [Self::serve(|app| app, options.clone(), None).await, Self::serve(|app| app, options, Some(workers)).await]
    }

    async fn serve(
        change: impl FnOnce(AppBuilder) -> AppBuilder,
        options: ServerOptions,
        workers: Option<Workers>,
    ) -> Self {
        let double = Arc::new(Double::default());
        let app = change(app(&double)).build().unwrap();
        let mut server = Server::bind(([127, 0, 0, 1], 0).into(), app, options).await.unwrap();
        if let Some(workers) = workers {
            server = server.with_workers(workers);
        }
        let (stop, stopped) = oneshot::channel::<()>();
        let address = server.local_addr();
        let handle = server.handle();
        let served = tokio::spawn(server.serve(async {
            let _ = stopped.await;
        }));
        Self { address, double, handle, stop: Some(stop), served }
    }

    pub(crate) fn stop(&mut self) {
        drop(self.stop.take());
    }

    pub(crate) async fn post(&self, path: &str, body: &Value) -> Answer {
        self.send(Method::POST, path, &[], body.to_string()).await
    }

    pub(crate) async fn get(&self, path: &str) -> Answer {
        self.send(Method::GET, path, &[], String::new()).await
    }

    pub(crate) async fn send(
        &self,
        method: Method,
        path: &str,
        headers: &[(&str, &str)],
        body: impl Into<Bytes>,
    ) -> Answer {
        let mut request = Request::builder().method(method).uri(path);
        if !headers.iter().any(|(name, _)| *name == "host") {
            request = request.header("host", self.address.to_string());
        }
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        let response = self.open(request.body(Full::new(body.into())).unwrap()).await;
        let (head, body) = response.into_parts();
        Answer { status: head.status, headers: head.headers, body: body.collect().await.unwrap().to_bytes() }
    }

    /// Sends on a connection of its own and gives the answer once its head is there. Dropping it
    /// closes the connection.
    pub(crate) async fn open(&self, request: Request<Full<Bytes>>) -> http::Response<hyper::body::Incoming> {
        let stream = TcpStream::connect(self.address).await.unwrap();
        let (mut sender, connection) = hyper::client::conn::http1::handshake(TokioIo::new(stream)).await.unwrap();
        tokio::spawn(connection);
        sender.send_request(request).await.unwrap()
    }

    pub(crate) fn asked(&self) -> Vec<crate::double::Asked> {
        self.double.asked.lock().unwrap().clone()
    }
}
