//! An emulator, a configuration for it, and a proxy over both.

use std::{net::SocketAddr, sync::Arc};

use bytes::Bytes;
use http::{HeaderMap, Method, Request, StatusCode};
use http_body_util::{BodyExt, Full};
use hyper_util::rt::TokioIo;
use sagewire::credentials::seam::{MapEnv, SystemHttp, World};
use sagewire_emulator::{EXAMPLE_ACCESS_KEY_ID, EXAMPLE_SECRET_ACCESS_KEY, Emulator};
use sagewire_proxy::{Config, Server, ServerHandle, ServerOptions, Wiring};
use serde_json::Value;
use tokio::net::TcpStream;

pub(crate) struct Setup {
    pub(crate) emulator: Emulator,
    pub(crate) world: World,
    pub(crate) wiring: Arc<Wiring>,
    pub(crate) handle: ServerHandle,
    pub(crate) address: SocketAddr,
}

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

/// A world in which SageMaker is the emulator.
pub(crate) fn world(emulator: &Emulator) -> World {
    let env = MapEnv::from([
        ("AWS_ENDPOINT_URL_SAGEMAKER_RUNTIME", emulator.url()),
        ("AWS_ENDPOINT_URL_SAGEMAKER", emulator.url()),
        ("CUSTOM_AWS_ACCESS_KEY_ID", EXAMPLE_ACCESS_KEY_ID.to_owned()),
        ("CUSTOM_AWS_SECRET_ACCESS_KEY", EXAMPLE_SECRET_ACCESS_KEY.to_owned()),
        ("CUSTOM_AWS_REGION_NAME", "us-east-1".to_owned()),
        ("AWS_ACCESS_KEY_ID", EXAMPLE_ACCESS_KEY_ID.to_owned()),
        ("AWS_SECRET_ACCESS_KEY", EXAMPLE_SECRET_ACCESS_KEY.to_owned()),
        ("AWS_REGION", "us-east-1".to_owned()),
    ]);
    World::builder().with_env(env).with_http(SystemHttp::new(MapEnv::new())).build()
}

impl Setup {
    pub(crate) async fn start(yaml: &str) -> Self {
        Self::on(Emulator::start().await.unwrap(), yaml).await
    }

    pub(crate) async fn on(emulator: Emulator, yaml: &str) -> Self {
        let world = world(&emulator);
        let (config, _) = Config::from_yaml(yaml, &|name| world.var(name)).unwrap();
        let wiring = Arc::new(Wiring::new(world.clone()));
        let app = wiring.app(&config, None).unwrap();
        let options = ServerOptions::from_config(&config);
        let server = Server::bind(([127, 0, 0, 1], 0).into(), app, options).await.unwrap();
        let (address, handle) = (server.local_addr(), server.handle());
        tokio::spawn(server.serve(std::future::pending()));
        Self { emulator, world, wiring, handle, address }
    }

    pub(crate) async fn post(&self, path: &str, body: &Value) -> Answer {
        self.send(Method::POST, path, &[], &body.to_string()).await
    }

    pub(crate) async fn get(&self, path: &str) -> Answer {
        self.send(Method::GET, path, &[], "").await
    }

    pub(crate) async fn send(&self, method: Method, path: &str, headers: &[(&str, &str)], body: &str) -> Answer {
        let stream = TcpStream::connect(self.address).await.unwrap();
        let (mut sender, connection) = hyper::client::conn::http1::handshake(TokioIo::new(stream)).await.unwrap();
        tokio::spawn(connection);
        let mut request = Request::builder().method(method).uri(path).header("host", "localhost");
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        let response =
            sender.send_request(request.body(Full::new(Bytes::from(body.to_owned()))).unwrap()).await.unwrap();
        let (head, body) = response.into_parts();
        Answer { status: head.status, headers: head.headers, body: body.collect().await.unwrap().to_bytes() }
    }
}
