//! The work by which the compiler is told what matters.
//!
//! Owns its mix: what a gateway does all day, whole and streamed answers of both dialects,
//! completions and embeddings, over TLS as with SageMaker and without, and some of what it refuses.
//! Chats and answers are others than those that `compare` asks for, so that its figures hold for
//! work that the compiler has not seen.

use std::{path::Path, process::Stdio, sync::Arc, time::Duration};

use rustix::process::{Pid, Signal, kill_process};
use rustls::pki_types::PrivateKeyDer;
use sagewire_benches::{
    bodies,
    client::{Connection, post},
    config, upstream,
};
use tokio::{
    io::{AsyncBufReadExt, BufReader},
    net::TcpListener,
    task::JoinSet,
};
use tokio_rustls::TlsAcceptor;

use crate::Failure;

const KEY: &str = "sk-guided";
const CONNECTIONS: usize = 16;

/// A request, the status of its answer, and how often each connection asks it.
struct Work {
    path: &'static str,
    body: String,
    key: &'static str,
    status: u16,
    times: usize,
}

impl Work {
    fn of(path: &'static str, body: String, times: usize) -> Self {
        Self { path, body, key: KEY, status: 200, times }
    }

    fn refused(path: &'static str, body: String, key: &'static str, status: u16) -> Self {
        Self { path, body, key, status, times: 5 }
    }
}

fn all() -> Vec<Work> {
    const CHAT: &str = "/v1/chat/completions";
    let mut work = Vec::new();
    for model in ["chat", "chat-tls", "generate", "generate-tls"] {
        work.push(Work::of(CHAT, bodies::chat_of(model, false, 700), 200));
        work.push(Work::of(CHAT, bodies::chat_of(model, true, 2_000), 15));
        work.push(Work::of(CHAT, bodies::chat_of(model, false, 20_000), 10));
    }
    let prompt = |model: &str| format!(r#"{{"model":"{model}","prompt":"The capital of France is","max_tokens":64}}"#);
    work.push(Work::of("/v1/completions", prompt("generate-tls"), 20));
    for model in ["embedding", "embedding-tls"] {
        work.push(Work::of("/v1/embeddings", bodies::embedding_request(model), 20));
    }
    work.push(Work::refused(CHAT, bodies::chat("chat", false), "sk-wrong", 401));
    work.push(Work::refused(CHAT, bodies::chat("nothing", false), KEY, 404));
    work.push(Work::refused(CHAT, r#"{"model":"chat","messages":"#.to_owned(), KEY, 400));
    work
}

/// Starts the program, has it answer everything, and ends it, so that it writes down what it
/// counted.
pub(crate) async fn run(program: &Path, folder: &Path) -> Result<(), Failure> {
    let (plain, tls) = upstreams(&folder.join("ca.pem")).await?;
    let config = folder.join("config.yaml");
    std::fs::write(&config, config_of(&plain, &tls))?;
    let mut proxy = tokio::process::Command::new(program)
        .args(["serve", "--port", "0", "--host", "127.0.0.1", "--config"])
        .arg(&config)
        .env("AWS_CA_BUNDLE", folder.join("ca.pem"))
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .kill_on_drop(true)
        .spawn()?;
    let mut said = BufReader::new(proxy.stdout.take().ok_or("no output")?).lines();
    let address = loop {
        let line = said.next_line().await?.ok_or("the program ended before it listened")?;
        if let Some((_, url)) = line.split_once("http://") {
            break url.split(|c: char| c.is_whitespace() || c == '/').next().unwrap_or_default().to_owned();
        }
    };
    for work in all() {
        do_work(&address, work).await?;
    }
    let pid = proxy.id().and_then(|pid| Pid::from_raw(pid.cast_signed())).ok_or("the program ended by itself")?;
    kill_process(pid, Signal::TERM)?;
    match tokio::time::timeout(Duration::from_secs(60), proxy.wait()).await {
        Ok(Ok(status)) if status.success() => Ok(()),
        _ => Err("the program did not end as it was asked to".into()),
    }
}

async fn do_work(address: &str, work: Work) -> Result<(), Failure> {
    let request: Arc<[u8]> = post(address, work.path, work.key, &work.body).into();
    let mut callers = JoinSet::new();
    for _ in 0..CONNECTIONS {
        let (request, address) = (Arc::clone(&request), address.to_owned());
        callers.spawn(async move {
            let mut connection = Connection::open(&address).await?;
            for _ in 0..work.times {
                let answer = connection.ask(&request).await?;
                if answer.status != work.status {
                    return Err::<(), Failure>(format!("{}: status {}", work.path, answer.status).into());
                }
            }
            Ok(())
        });
    }
    while let Some(caller) = callers.join_next().await {
        caller??;
    }
    Ok(())
}

/// The upstream as it is, and behind TLS with a certificate that is written to `ca`.
async fn upstreams(ca: &Path) -> Result<(String, String), Failure> {
    let certified = rcgen::generate_simple_self_signed(["127.0.0.1".to_owned()])?;
    std::fs::write(ca, certified.cert.pem())?;
    let _ = rustls::crypto::ring::default_provider().install_default();
    let key = PrivateKeyDer::try_from(certified.signing_key.serialize_der())?;
    let config = rustls::ServerConfig::builder().with_no_client_auth();
    let acceptor = TlsAcceptor::from(Arc::new(config.with_single_cert(vec![certified.cert.der().clone()], key)?));
    let (plain, tls) = (TcpListener::bind("127.0.0.1:0").await?, TcpListener::bind("127.0.0.1:0").await?);
    let urls = (format!("http://{}", plain.local_addr()?), format!("https://{}", tls.local_addr()?));
    tokio::spawn(async move {
        while let Ok((stream, _)) = plain.accept().await {
            let _ = stream.set_nodelay(true);
            tokio::spawn(upstream::serve(stream));
        }
    });
    tokio::spawn(async move {
        while let Ok((stream, _)) = tls.accept().await {
            let (acceptor, _) = (acceptor.clone(), stream.set_nodelay(true));
            tokio::spawn(async move {
                if let Ok(stream) = acceptor.accept(stream).await {
                    let _ = upstream::serve(stream).await;
                }
            });
        }
    });
    Ok(urls)
}

fn config_of(plain: &str, tls: &str) -> String {
    let models = [
        ("chat", "sagemaker_chat/trained-chat"),
        ("generate", "sagemaker/trained-generate"),
        ("embedding", "sagemaker/embedding"),
    ];
    let upstreams = [("", plain), ("-tls", tls)];
    let all = upstreams
        .iter()
        .flat_map(|(suffix, url)| models.iter().map(move |(name, model)| (format!("{name}{suffix}"), *model, *url)));
    config::litellm(all, KEY)
}
