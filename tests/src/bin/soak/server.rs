//! The two processes behind the load: an emulator, and the proxy over it.
//!
//! Owns the container that speaks for as long as a prompt asks, and the reports that the parent
//! process asks for, line by line. The proxy has a process of its own, so that what it uses is told
//! apart from what stands in for AWS.

use std::{
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use async_trait::async_trait;
use bytes::Bytes;
use futures_util::{StreamExt as _, stream};
use sagewire::Client;
use sagewire_emulator::{Container, ContainerReply, Emulator, Invocation};
use sagewire_proxy::{App, Limits, ServedModel, Server, ServerOptions, Workers};
use sagewire_tests::{
    endpoint::builder_for,
    replies::{tgi_reply, tgi_stream, tgi_token},
};
use tokio::{
    io::{AsyncBufReadExt as _, BufReader},
    runtime::Handle,
};

use crate::measure::Usage;

/// Says as many tokens as the prompt asks for, at its pace: `tokens=200 pace=50 slow=0`.
#[derive(Debug)]
struct Talker {
    /// Tokens handed over to streams that are marked slow.
    slow_tokens: Arc<AtomicU64>,
}

fn asked(body: &str, name: &str) -> u64 {
    let after = body.split_once(&format!("{name}=")).map(|(_, after)| after).unwrap_or_default();
    after.split(|letter: char| !letter.is_ascii_digit()).next().and_then(|digits| digits.parse().ok()).unwrap_or(0)
}

#[async_trait]
impl Container for Talker {
    async fn invoke(&self, invocation: Invocation) -> ContainerReply {
        let body = String::from_utf8_lossy(&invocation.body).into_owned();
        if !invocation.is_streaming() {
            return ContainerReply::new(200, "application/json", tgi_reply("Hello."));
        }
        let (tokens, slow) = (asked(&body, "tokens"), asked(&body, "slow") == 1);
        let pace = Duration::from_millis(asked(&body, "pace"));
        let count = Arc::clone(&self.slow_tokens);
        let parts = stream::iter(0..tokens).map(move |_| {
            if slow {
                count.fetch_add(1, Ordering::Relaxed);
            }
            Ok(Bytes::from(tgi_token("A piece of text that is some thirty bytes long. ")))
        });
        let end = stream::iter([Ok(Bytes::from(tgi_stream(&[" The end."])))]);
        ContainerReply::stream("text/event-stream", Box::pin(parts.chain(end))).paced(pace)
    }
}

/// Stands in for AWS until the parent closes the standard input.
pub(crate) async fn emulate() {
    let slow_tokens = Arc::new(AtomicU64::new(0));
    let talker = Talker { slow_tokens: Arc::clone(&slow_tokens) };
    let emulator = Emulator::builder().endpoint("talker", talker).max_received(0).start().await.unwrap();
    println!("{}", emulator.url());
    let runtime = [Handle::current()];
    report(|| Usage::of_this_process(&runtime, slow_tokens.load(Ordering::Relaxed), emulator.open_connections())).await;
}

/// Serves the emulator at this URL until the parent closes the standard input, on threads of its
/// own as `sagewire serve` does.
pub(crate) async fn serve(emulator: &str) {
    let client = Client::builder().sagemaker(builder_for(emulator).build().unwrap()).build();
    let mut limits = Limits::default();
    limits.concurrent = 100_000;
    let app = App::builder()
        .provider(Arc::new(client))
        .model(ServedModel::new("sagemaker/talker"))
        .limits(limits)
        .build()
        .unwrap();
    let mut options = ServerOptions::default();
    // Idle callers stay, however slow the machine is.
    options.limits.idle_timeout = Duration::from_secs(3_600);
    let workers = Workers::by_processors().unwrap();
    let runtimes: Vec<Handle> = workers.runtimes().cloned().chain([Handle::current()]).collect();
    let server = Server::bind(([127, 0, 0, 1], 0).into(), app, options).await.unwrap().with_workers(workers);
    println!("{}", server.local_addr());
    tokio::spawn(server.serve(std::future::pending()));
    report(|| Usage::of_this_process(&runtimes, 0, 0)).await;
}

/// Answers each line of the standard input with a report.
async fn report(usage: impl Fn() -> Usage) {
    let mut lines = BufReader::new(tokio::io::stdin()).lines();
    while let Ok(Some(_)) = lines.next_line().await {
        println!("{}", usage());
    }
}
