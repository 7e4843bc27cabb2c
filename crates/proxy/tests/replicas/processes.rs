//! Proxies in processes of their own, as operators run them, over one Redis.
//!
//! The program is the workspace's `sagewire`, which `.ci/clients redis` builds first.

use std::{
    io::{BufRead as _, BufReader},
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    sync::atomic::{AtomicBool, AtomicUsize, Ordering::Relaxed},
    time::Duration,
};

use bytes::Bytes;
use futures_util::future::join_all;
use http::Request;
use http_body_util::{BodyExt as _, Full};
use hyper::client::conn::http1::{self, SendRequest};
use sagewire_emulator::{EXAMPLE_ACCESS_KEY_ID, EXAMPLE_SECRET_ACCESS_KEY, Emulator};
use serde_json::Value;
use tempfile::TempDir;
use tokio::{
    net::{TcpListener, TcpStream},
    time::Instant,
};

use super::{Redis, until};

/// A running proxy. Dropping it ends it.
struct Proxy {
    process: Child,
    address: String,
}

/// Where the proxies' file is, and what they call.
struct Site {
    emulator: Emulator,
    folder: TempDir,
}

const MASTER: &str = "sk-master";
const TEAM: &str = "sk-team";

/// No machine is so slow that a question would be given up.
const PATIENT: f64 = 30.0;
/// The default.
const HASTY: f64 = 0.05;

impl Site {
    /// `patience` is how long a call waits for Redis in seconds, `key` are limits of the caller's key,
    /// `params` parameters of the model.
    async fn new(redis: &Redis, patience: f64, key: &str, params: &str) -> Self {
        // A container that takes requests and never answers.
        let silent = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let silent_url = format!("http://{}", silent.local_addr().unwrap());
        tokio::spawn(async move {
            let mut taken = Vec::new();
            while let Ok((stream, _)) = silent.accept().await {
                taken.push(stream);
            }
        });
        let emulator = Emulator::builder().forward("silent", silent_url).start().await.unwrap();
        let folder = tempfile::tempdir().unwrap();
        let yaml = format!(
            "model_list:\n\
             - {{model_name: m, litellm_params: {{model: sagemaker_chat/messages{params}}}, model_info: {{id: d}}}}\n\
             - {{model_name: silent, litellm_params: {{model: sagemaker_chat/silent, max_parallel_requests: 2}}, model_info: {{id: s}}}}\n\
             router_settings: {{num_retries: 0, queue_timeout: 0.1}}\n\
             general_settings: {{master_key: {MASTER}, coordination_redis: {{url: '{}', timeout: {patience}}}}}\n\
             sagewire_settings: {{keys: [{{name: team, key: {TEAM}{key}}}]}}\n",
            redis.url()
        );
        std::fs::write(folder.path().join("config.yaml"), yaml).unwrap();
        Self { emulator, folder }
    }

    fn start(&self) -> Proxy {
        let mut process = Command::new(built())
            .args(["serve", "--port", "0", "--host", "127.0.0.1", "--config"])
            .arg(self.folder.path().join("config.yaml"))
            .env_clear()
            .env("HOME", self.folder.path())
            .envs([
                ("AWS_ENDPOINT_URL_SAGEMAKER_RUNTIME", self.emulator.url().as_str()),
                ("AWS_ACCESS_KEY_ID", EXAMPLE_ACCESS_KEY_ID),
                ("AWS_SECRET_ACCESS_KEY", EXAMPLE_SECRET_ACCESS_KEY),
                ("AWS_REGION", "us-east-1"),
            ])
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let mut lines = BufReader::new(process.stdout.take().unwrap()).lines().map_while(Result::ok);
        let address = lines.find_map(|line| {
            let url = line.split_whitespace().find(|word| word.starts_with("http://"))?;
            Some(url.trim_start_matches("http://").trim_end_matches('/').to_owned())
        });
        let Some(address) = address else {
            let ended = process.wait().unwrap();
            panic!("the proxy ended with {ended}");
        };
        Proxy { process, address }
    }
}

impl Proxy {
    /// Ends it as `kill -9` does.
    fn kill(&mut self) {
        self.process.kill().unwrap();
        self.process.wait().unwrap();
    }

    async fn connect(&self) -> Caller {
        Caller { sender: connect(&self.address).await, address: self.address.clone() }
    }
}

impl Drop for Proxy {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

/// A connection to a proxy.
struct Caller {
    sender: SendRequest<Full<Bytes>>,
    address: String,
}

async fn connect(address: &str) -> SendRequest<Full<Bytes>> {
    let stream = TcpStream::connect(address).await.unwrap();
    let (sender, connection) = http1::handshake(hyper_util::rt::TokioIo::new(stream)).await.unwrap();
    tokio::spawn(async move {
        let _ = connection.await;
    });
    sender
}

impl Caller {
    async fn ask(&mut self, model: &str) -> (u16, Value) {
        let body = format!(r#"{{"model": "{model}", "messages": [{{"role": "user", "content": "Hello"}}]}}"#);
        self.send(Request::post("/v1/chat/completions"), TEAM, body).await
    }

    /// What the key is known to have spent.
    async fn spent(&mut self) -> u64 {
        let (status, info) = self.send(Request::get("/key/info"), TEAM, String::new()).await;
        assert_eq!(status, 200, "{info}");
        info["info"]["tokens_spent"].as_u64().or(info["tokens_spent"].as_u64()).unwrap()
    }

    async fn send(&mut self, request: http::request::Builder, key: &str, body: String) -> (u16, Value) {
        if self.sender.ready().await.is_err() {
            // A request that is refused by its head ends its connection.
            self.sender = connect(&self.address).await;
        }
        let request = request.header("host", &self.address).header("authorization", format!("Bearer {key}"));
        let request = request.body(Full::new(Bytes::from(body))).unwrap();
        let response = self.sender.send_request(request).await.unwrap();
        let status = response.status().as_u16();
        let body = response.into_body().collect().await.unwrap().to_bytes();
        (status, serde_json::from_slice(&body).unwrap_or_default())
    }
}

/// The program, which has been built beside this test.
fn built() -> PathBuf {
    let here = std::env::current_exe().unwrap();
    let program = here.parent().and_then(Path::parent).unwrap().join("sagewire");
    assert!(program.is_file(), "build it first: cargo build --workspace --bin sagewire");
    program
}

/// Ten thousand requests of a key that has a thousand a minute, over four proxies.
pub(crate) async fn exact(program: PathBuf) {
    const LIMIT: usize = 1000;
    let redis = Redis::start(&program);
    let site = Site::new(&redis, PATIENT, &format!(", rpm: {LIMIT}"), "").await;
    let proxies: Vec<Proxy> = (0..4).map(|_| site.start()).collect();
    let began = Instant::now();
    let (left, answered) = (AtomicUsize::new(10_000), AtomicUsize::new(0));
    let callers = proxies.iter().cycle().take(32).map(|proxy| async {
        let mut caller = proxy.connect().await;
        while left.fetch_update(Relaxed, Relaxed, |left| left.checked_sub(1)).is_ok() {
            match caller.ask("m").await {
                (200, _) => answered.fetch_add(1, Relaxed),
                (status, body) => {
                    assert_eq!((status, &body["error"]["code"]), (429, &Value::from("rate_limit_exceeded")), "{body}");
                    0
                }
            };
        }
    });
    join_all(callers).await;
    let (answered, minutes) = (answered.into_inner(), 1 + usize::try_from(began.elapsed().as_secs() / 60).unwrap());
    assert!(answered % LIMIT == 0 && (1..=minutes).contains(&(answered / LIMIT)), "{answered} in {minutes} minutes");
    assert_eq!(site.emulator.received().len(), answered, "and no more have reached the container");
}

/// The places of a proxy that is killed are given to others.
pub(crate) async fn killed(program: PathBuf) {
    let redis = Redis::start(&program);
    let site = Site::new(&redis, PATIENT, "", "").await;
    let (mut dying, other) = (site.start(), site.start());
    let mut callers = [dying.connect().await, dying.connect().await];
    let [first, second] = &mut callers;
    let mut waiting = other.connect().await;
    let held = async { tokio::join!(first.ask("silent"), second.ask("silent")) };
    let killing = async {
        // Both places are taken: one more finds none.
        until(async || site.emulator.received().len() == 2).await;
        let (status, body) = waiting.ask("silent").await;
        assert_eq!(status, 503, "{body}");
        dying.kill();
    };
    tokio::select! {
        _ = held => panic!("nothing answers"),
        () = killing => {}
    }
    let again = tokio::spawn(async move { waiting.ask("silent").await });
    let mut more = vec![again];
    until(async || {
        if site.emulator.received().len() > 2 {
            return true;
        }
        let mut next = other.connect().await;
        more.push(tokio::spawn(async move { next.ask("silent").await }));
        tokio::time::sleep(Duration::from_secs(1)).await;
        false
    })
    .await;
    more.iter().for_each(tokio::task::JoinHandle::abort);
}

/// What happens to Redis while two proxies are at work.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Trouble {
    Killed,
    #[cfg(unix)]
    Paused,
    Slow,
    Flushed,
}

/// No request fails, and both proxies agree afterwards on what the key has spent.
pub(crate) async fn trouble(program: PathBuf, trouble: Trouble) {
    let mut redis = Redis::start(&program);
    let key = ", rpm: 100000, token_budget: 100000000";
    let site = Site::new(&redis, HASTY, key, ", rpm: 100000, max_parallel_requests: 100").await;
    let proxies = [site.start(), site.start()];
    let spent = AtomicUsize::new(0);
    let load = async |until: &AtomicBool| {
        let callers = proxies.iter().cycle().take(8).map(async |proxy| {
            let mut caller = proxy.connect().await;
            for at in 0.. {
                let (status, body) = caller.ask("m").await;
                assert_eq!(status, 200, "{trouble:?}, request {at}: {body}");
                let tokens = body["usage"]["total_tokens"].as_u64().unwrap();
                spent.fetch_add(usize::try_from(tokens).unwrap(), Relaxed);
                if at >= 20 && until.load(Relaxed) {
                    return;
                }
            }
        });
        join_all(callers).await;
    };
    let agree = async || {
        until(async || {
            let mut known = Vec::new();
            for proxy in &proxies {
                known.push(proxy.connect().await.spent().await);
            }
            known.iter().all(|known| usize::try_from(*known).unwrap() == spent.load(Relaxed))
        })
        .await;
    };
    load(&AtomicBool::new(true)).await;
    agree().await;

    let is_over = AtomicBool::new(false);
    let troubling = async {
        let mut connection = redis.connect().await;
        match trouble {
            Trouble::Killed => {
                redis.kill();
                tokio::time::sleep(Duration::from_secs(1)).await;
                redis.start_again();
            }
            #[cfg(unix)]
            Trouble::Paused => {
                redis.signal(rustix::process::Signal::STOP);
                tokio::time::sleep(Duration::from_secs(1)).await;
                redis.signal(rustix::process::Signal::CONT);
            }
            Trouble::Slow => {
                for _ in 0..40 {
                    connection.command(&["CLIENT", "PAUSE", "30", "ALL"]).await;
                }
            }
            Trouble::Flushed => connection.command(&["FLUSHALL"]).await,
        }
        is_over.store(true, Relaxed);
    };
    tokio::join!(load(&is_over), troubling);
    load(&AtomicBool::new(true)).await;
    agree().await;
}
