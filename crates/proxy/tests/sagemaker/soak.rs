//! Ten thousand calls while everything around them changes.

use std::{
    fs,
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicUsize, Ordering::SeqCst},
    },
    time::Duration,
};

use async_trait::async_trait;
use bytes::Bytes;
use http::Request;
use http_body_util::{BodyExt, Full};
use hyper_util::rt::TokioIo;
use sagewire::credentials::seam::{MapEnv, World};
use sagewire_emulator::{
    Container, ContainerReply, EXAMPLE_ACCESS_KEY_ID, EXAMPLE_SECRET_ACCESS_KEY, Emulator, Invocation, Operation, Role,
};
use sagewire_proxy::{Config, Reloader, Server, ServerOptions, Wiring};
use serde_json::{Value, json};
use tokio::net::TcpStream;

const CALLS: usize = 10_000;
const CALLERS: usize = 16;
const ROLE: &str = "arn:aws:iam::123456789012:role/app";

/// A container that says its name, or fails while it is told to.
#[derive(Debug)]
struct Named {
    name: &'static str,
    fails: Arc<AtomicBool>,
}

#[async_trait]
impl Container for Named {
    async fn invoke(&self, _: Invocation) -> ContainerReply {
        if self.fails.load(SeqCst) {
            ContainerReply::new(503, "text/plain", "overloaded")
        } else {
            ContainerReply::json(200, &json!([{"generated_text": self.name}]))
        }
    }
}

fn yaml(url: &str, turn: usize) -> String {
    // The order and the weights change, so that every reload makes a router that differs.
    let mut deployments = [("m", "shaky"), ("m", "steady"), ("other", "elsewhere")];
    deployments.rotate_left(turn % 3);
    let list: String = deployments
        .iter()
        .map(|(model, endpoint)| {
            format!(
                "  - model_name: {model}
    litellm_params: {{model: sagemaker/{endpoint}, aws_role_name: '{ROLE}', aws_sts_endpoint: '{url}', weight: {}}}
    model_info: {{id: {endpoint}-1}}
",
                turn % 5 + 1
            )
        })
        .collect();
    format!("model_list:\n{list}router_settings: {{num_retries: 3, cooldown_time: 1, allowed_fails: 1}}\n")
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_call_is_lost_that_had_a_healthy_deployment_left_and_none_is_answered_by_a_wrong_model() {
    let failing = Arc::new(AtomicBool::new(false));
    let never = Arc::new(AtomicBool::new(false));
    let container = |name, fails: &Arc<AtomicBool>| Named { name, fails: Arc::clone(fails) };
    let emulator = Emulator::builder()
        .no_default_endpoints()
        .endpoint("shaky", container("shaky", &failing))
        .endpoint("steady", container("steady", &never))
        .endpoint("elsewhere", container("elsewhere", &never))
        .role(Role::new(ROLE))
        .start()
        .await
        .unwrap();
    let env = MapEnv::from([
        ("AWS_ENDPOINT_URL_SAGEMAKER_RUNTIME", emulator.url().as_str()),
        ("AWS_ACCESS_KEY_ID", EXAMPLE_ACCESS_KEY_ID),
        ("AWS_SECRET_ACCESS_KEY", EXAMPLE_SECRET_ACCESS_KEY),
        ("AWS_REGION", "us-east-1"),
    ]);
    // STS is asked over HTTP: the system's own way, with this environment.
    let world = World::system().to_builder().with_env(env).build();
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("config.yaml");
    fs::write(&path, yaml(&emulator.url(), 0)).unwrap();
    let (config, _) = Config::from_file(&path, &|name| world.var(name)).unwrap();
    let wiring = Arc::new(Wiring::new(world.clone()));
    let app = wiring.app(&config, None).unwrap();
    let server = Server::bind(([127, 0, 0, 1], 0).into(), app, ServerOptions::default()).await.unwrap();
    let (address, handle) = (server.local_addr(), server.handle());
    let reloader = Reloader::new(&path, world, wiring, handle);
    tokio::spawn(server.serve(std::future::pending()));

    let next = Arc::new(AtomicUsize::new(0));
    let callers: Vec<_> = (0..CALLERS)
        .map(|_| {
            let next = Arc::clone(&next);
            tokio::spawn(async move {
                let stream = TcpStream::connect(address).await.unwrap();
                let (mut sender, connection) =
                    hyper::client::conn::http1::handshake(TokioIo::new(stream)).await.unwrap();
                tokio::spawn(connection);
                let mut by_shaky = 0_usize;
                loop {
                    let number = next.fetch_add(1, SeqCst);
                    if number >= CALLS {
                        return by_shaky;
                    }
                    let model = if number.is_multiple_of(4) { "other" } else { "m" };
                    let body = json!({"model": model, "messages": [{"role": "user", "content": "hi"}]}).to_string();
                    let request = Request::post("/v1/chat/completions")
                        .header("host", "localhost")
                        .body(Full::new(Bytes::from(body)))
                        .unwrap();
                    sender.ready().await.unwrap();
                    let response = sender.send_request(request).await.unwrap();
                    let status = response.status();
                    let bytes = response.into_body().collect().await.unwrap().to_bytes();
                    assert_eq!(status, 200, "call {number} of {model} was lost: {bytes:?}");
                    let answer: Value = serde_json::from_slice(&bytes).unwrap();
                    let said = answer["choices"][0]["message"]["content"].as_str().unwrap();
                    let right: &[&str] = if model == "m" { &["shaky", "steady"] } else { &["elsewhere"] };
                    assert!(right.contains(&said), "call {number} of {model} was answered by {said}");
                    by_shaky += usize::from(said == "shaky");
                }
            })
        })
        .collect();

    // What changes meanwhile, until the last call is done.
    let mut turn = 0;
    let mut expiries = 0;
    while next.load(SeqCst) < CALLS {
        turn += 1;
        fs::write(&path, yaml(&emulator.url(), turn)).unwrap();
        reloader.reload().await.unwrap();
        failing.store(turn % 4 < 2, SeqCst);
        if turn % 3 == 0 {
            emulator.expire_sessions();
            expiries += 1;
        }
        tokio::time::sleep(Duration::from_millis(200)).await;
    }
    let mut by_shaky = 0;
    for caller in callers {
        by_shaky += caller.await.unwrap();
    }
    assert!(turn >= 3 && expiries >= 1, "too little happened: {turn} reloads, {expiries} expiries");
    assert!(by_shaky > 0, "the deployment never came back");
    let assumed = emulator.calls(Operation::AssumeRole);
    assert!(
        assumed <= expiries + 1,
        "{assumed} roles were assumed for {expiries} expiries: a reload must not assume one anew"
    );
}
