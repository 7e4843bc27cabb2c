//! A deployment of the proxy that goes down in the middle of a request, for the test
//! `proxy_secrets`, which searches what it leaves behind.
//!
//! `crash panic`: the transport panics on the signed request. `crash abort`: it panics once more
//! while it unwinds, which ends the process. `crash plant`: its panic tells a secret, so that the
//! search is known to find one.
#![expect(clippy::print_stdout, reason = "it says what the caller was told")]
#![expect(clippy::unwrap_used, clippy::panic, reason = "it is there to break")]

use std::sync::Arc;

use async_trait::async_trait;
use bytes::Bytes;
use http::{Method, Request, Response};
use sagewire_proxy::{Server, ServerOptions, Wiring};
use sagewire_sagemaker::{Body, Transport, TransportError};
use sagewire_tests::deployment::{Deployment, MASTER_KEY, STATIC_SECRET, chat, send};

/// Breaks down on the first request.
#[derive(Debug)]
struct Crashing {
    way: String,
}

/// Panics when it is dropped.
struct LastWords(String);

impl Drop for LastWords {
    fn drop(&mut self) {
        if !self.0.is_empty() {
            panic!("and once more on {}", self.0);
        }
    }
}

#[async_trait]
impl Transport for Crashing {
    async fn send(&self, request: Request<Bytes>) -> Result<Response<Body>, TransportError> {
        let shown = format!("{request:#?} {request:?}");
        let _last = LastWords(if self.way == "abort" { shown.clone() } else { String::new() });
        if self.way == "plant" {
            panic!("the transport breaks down with {STATIC_SECRET}");
        }
        panic!("the transport breaks down on {shown}");
    }
}

#[tokio::main(flavor = "multi_thread", worker_threads = 2)]
async fn main() {
    let way = std::env::args().nth(1).unwrap_or_default();
    assert!(["panic", "abort", "plant"].contains(&way.as_str()), "say `crash panic`, `abort` or `plant`");
    let deployment = Deployment::start(None).await;
    let wiring = Wiring::new(deployment.world.clone()).with_transport(Arc::new(Crashing { way }));
    let app = wiring.app(&deployment.config(), None).unwrap();
    let server = Server::bind(([127, 0, 0, 1], 0).into(), app, ServerOptions::default()).await.unwrap();
    let address = server.local_addr();
    tokio::spawn(server.serve(std::future::pending()));
    for model in ["static", "process", "role"] {
        let answer = send(address, Method::POST, "/v1/chat/completions", MASTER_KEY, &chat(model, false)).await;
        println!("{model}: {answer:?}");
    }
}
