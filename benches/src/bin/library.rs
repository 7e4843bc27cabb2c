//! A closed loop of library calls, or of bare `reqwest` calls with the same body, and how many were
//! answered in a second.
//!
//! `library sagewire|reqwest URL SECONDS CONNECTIONS` prints one number.
#![expect(clippy::print_stdout, reason = "a program prints what it measured")]

use std::{
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use sagewire::{ChatRequest, Client, SageMaker};
use sagewire_benches::bodies;
use tokio::time::Instant;

type Failure = Box<dyn std::error::Error + Send + Sync>;

#[derive(Clone)]
enum Caller {
    Sagewire(Client, Box<ChatRequest>),
    Reqwest(reqwest::Client, String, String),
}

impl Caller {
    fn new(which: &str, url: &str) -> Result<Self, Failure> {
        if which == "reqwest" {
            let _ = rustls::crypto::ring::default_provider().install_default();
            let client = reqwest::Client::builder().tcp_nodelay(true).build()?;
            return Ok(Self::Reqwest(client, format!("{url}/endpoints/chat/invocations"), bodies::chat("chat", false)));
        }
        let sagemaker =
            SageMaker::builder().endpoint_url(url).region("us-east-1").keys("AKIDEXAMPLE", "secret").build()?;
        let request: ChatRequest = serde_json::from_str(&bodies::chat("sagemaker_chat/chat", false))?;
        Ok(Self::Sagewire(Client::builder().sagemaker(sagemaker).build(), Box::new(request)))
    }

    async fn call(&self) -> Result<(), Failure> {
        let answered = match self {
            Self::Sagewire(client, request) => {
                !client.chat(ChatRequest::clone(request)).await?.value.content().is_empty()
            }
            Self::Reqwest(client, url, body) => {
                let request = client.post(url).header("content-type", "application/json").body(body.clone());
                !request.send().await?.error_for_status()?.bytes().await?.is_empty()
            }
        };
        if answered { Ok(()) } else { Err("an answer was empty".into()) }
    }
}

#[tokio::main]
async fn main() -> Result<(), Failure> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [which, url, seconds, connections] = arguments.as_slice() else {
        return Err("usage: library sagewire|reqwest URL SECONDS CONNECTIONS".into());
    };
    let caller = Caller::new(which, url)?;
    let count = Arc::new(AtomicU64::new(0));
    let duration = Duration::from_secs_f64(seconds.parse()?);
    let began = Instant::now();
    let end = began + duration;
    let tasks: Vec<_> = (0..connections.parse::<usize>()?)
        .map(|_| {
            let (caller, count) = (caller.clone(), Arc::clone(&count));
            tokio::spawn(async move {
                while Instant::now() < end {
                    caller.call().await?;
                    count.fetch_add(1, Ordering::Relaxed);
                }
                Ok::<_, Failure>(())
            })
        })
        .collect();
    for task in tasks {
        task.await??;
    }
    println!("{:.1}", count.load(Ordering::Relaxed) as f64 / began.elapsed().as_secs_f64());
    Ok(())
}
