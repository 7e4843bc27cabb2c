//! Batches in S3, played by moto's server: leases by conditional writes, and S3 that is slow,
//! throttles and fails.
//!
//! `SAGEWIRE_MOTO_PYTHON` names a Python with `moto[server]`. Without it, these cases are ignored.

#![expect(clippy::unwrap_used, reason = "a test may stop at the first surprise")]

use std::{
    fmt::Write as _,
    path::Path,
    process::ExitCode,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering::SeqCst},
    },
    time::Duration,
};

use async_trait::async_trait;
use bytes::Bytes;
use futures_util::{StreamExt as _, stream};
use libtest_mimic::{Arguments, Failed};
use sagewire_batch::{
    BatchError, Buckets, Counts, End, Engine, Input, Line, NewBatch, NewFile, Outcome, Owner, Response, RunOptions,
    Runner, S3Location, Store,
};
use sagewire_credentials::{
    AwsParams,
    seam::{MapEnv, SystemHttp, World},
};
use sagewire_test_programs::Served;

fn main() -> ExitCode {
    let moto = |faults: &'static [&str]| {
        let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/moto/serve.py");
        sagewire_test_programs::moto().and_then(|python| Served::start(&python, &script, faults)).map(Arc::new)
    };
    let (good, faulty) = (moto(&[]), moto(&["faults"]));
    let trials = vec![
        good.trial("another process takes over", |moto| runtime().block_on(takes_over(&world(moto)))),
        faulty.trial("S3 that fails costs time and no line", |moto| runtime().block_on(fails(&world(moto)))),
        good.trial("files of 30 MB", |moto| runtime().block_on(large(&world(moto)))),
        good.trial("objects by their URLs", |moto| runtime().block_on(objects(&world(moto)))),
    ];
    libtest_mimic::run(&Arguments::from_args(), trials).exit_code()
}

fn runtime() -> tokio::runtime::Runtime {
    tokio::runtime::Builder::new_multi_thread().enable_all().build().unwrap()
}

/// A world in which S3 is moto.
fn world(moto: &Served) -> World {
    let env = MapEnv::from([
        ("AWS_ENDPOINT_URL_S3", moto.url()),
        ("AWS_ACCESS_KEY_ID", "AKIDMOTO"),
        ("AWS_SECRET_ACCESS_KEY", "moto-takes-any"),
        ("AWS_REGION", "us-east-1"),
    ]);
    World::builder().with_env(env).with_http(SystemHttp::new(MapEnv::new())).build()
}

/// Makes a bucket, and opens a store in it.
async fn store(world: &World, bucket: &str) -> Result<Store, Failed> {
    let url = format!("{}/{bucket}", world.var("AWS_ENDPOINT_URL_S3").unwrap());
    // moto throttles this, too.
    loop {
        let made = tokio::task::spawn_blocking({
            let url = url.clone();
            move || {
                let host = url.strip_prefix("http://").unwrap().split('/').next().unwrap().to_owned();
                let path = url.strip_prefix("http://").unwrap().split_once('/').unwrap().1.to_owned();
                let mut socket = std::net::TcpStream::connect(&host)?;
                let head =
                    format!("PUT /{path} HTTP/1.1\r\nhost: {host}\r\ncontent-length: 0\r\nconnection: close\r\n\r\n");
                std::io::Write::write_all(&mut socket, head.as_bytes())?;
                let mut answer = String::new();
                std::io::Read::read_to_string(&mut socket, &mut answer)?;
                Ok::<_, std::io::Error>(answer)
            }
        });
        let answer = made.await??;
        if answer.starts_with("HTTP/1.1 200") || answer.contains("BucketAlready") {
            break;
        }
    }
    let location = S3Location::parse(&format!("s3://{bucket}/some/prefix")).unwrap();
    Ok(Store::s3(&location, AwsParams::default(), None, world).await?)
}

/// Answers with the line's body.
#[derive(Debug, Default)]
struct Echo {
    asked: AtomicUsize,
    /// The line that is never answered.
    hangs: Option<&'static str>,
}

#[async_trait]
impl Engine for Echo {
    async fn answer(&self, line: &Line) -> Outcome {
        self.asked.fetch_add(1, SeqCst);
        if self.hangs == Some(line.custom_id.as_str()) {
            std::future::pending::<()>().await;
        }
        let body = line.body.get().to_owned().into();
        Outcome::Answered(Response { status: 200, request_id: "r".to_owned(), body })
    }
}

async fn create(store: &Store, owner: &Owner, count: usize) -> Result<String, Failed> {
    create_with(store, owner, count, "").await
}

/// A batch whose bodies have this text.
async fn create_with(store: &Store, owner: &Owner, count: usize, input: &str) -> Result<String, Failed> {
    let text = (0..count).fold(String::new(), |mut text, number| {
        let body = format!(r#"{{"input":"{input}"}}"#);
        let _ = writeln!(text, r#"{{"custom_id":"{number}","method":"POST","url":"/v1/embeddings","body":{body}}}"#);
        text
    });
    let file = NewFile::new("in.jsonl", "batch");
    let pieces: Vec<_> = text.as_bytes().chunks(1 << 20).map(|piece| Ok(Bytes::copy_from_slice(piece))).collect();
    let file = store.upload(owner, file, stream::iter(pieces)).await?;
    assert_eq!(file.bytes, text.len() as u64);
    Ok(store.create(owner, NewBatch::new(Input::File(file.id))).await?.id)
}

async fn identifiers(store: &Store, owner: &Owner, file: Option<&String>) -> Result<Vec<usize>, Failed> {
    let (_, mut content) = store.content(owner, file.ok_or("no output")?).await?;
    let mut text = Vec::new();
    while let Some(piece) = content.next().await {
        text.extend_from_slice(&piece?);
    }
    let text = String::from_utf8(text)?;
    let id = |line: &str| {
        let line: serde_json::Value = serde_json::from_str(line).unwrap();
        line.get("custom_id").unwrap().as_str().unwrap().parse().unwrap()
    };
    Ok(text.lines().map(id).collect())
}

fn options() -> RunOptions {
    let mut options = RunOptions::default();
    options.lease = Duration::from_secs(2);
    options.flush_every = Duration::from_millis(50);
    options
}

/// Runs a batch until it has ended, also one that another process began.
async fn finish(runner: &Runner, owner: &Owner, id: &str, engine: &Echo) -> Result<sagewire_batch::Batch, Failed> {
    loop {
        match runner.run(owner, id, engine, &options()).await {
            Ok(End::Ended(batch)) => return Ok(batch),
            Ok(_) => {}
            // The lease is looked at until it has not changed for its lifetime.
            Err(BatchError::Leased | BatchError::LeaseLost | BatchError::Store { .. }) => {
                tokio::task::yield_now().await;
            }
            Err(error) => return Err(error.into()),
        }
    }
}

async fn takes_over(world: &World) -> Result<(), Failed> {
    let store = store(world, "takes-over").await?;
    let owner = Owner::new("tests")?;
    let id = create(&store, &owner, 1000).await?;
    let first = Echo { hangs: Some("700"), ..Echo::default() };
    let (runner, before) = (Runner::new(store.clone()), options());
    // It dies while one line is under way.
    let died = async {
        while first.asked.load(SeqCst) < 1000 {
            tokio::task::yield_now().await;
        }
        tokio::time::sleep(Duration::from_millis(500)).await;
    };
    tokio::select! {
        end = runner.run(&owner, &id, &first, &before) => return Err(format!("{end:?}").into()),
        () = died => {}
    }
    let second = Echo::default();
    let batch = finish(&Runner::new(store.clone()), &owner, &id, &second).await?;
    assert_eq!(batch.request_counts, Counts { total: 1000, completed: 1000, failed: 0 });
    assert_eq!(identifiers(&store, &owner, batch.output_file_id.as_ref()).await?, (0..1000).collect::<Vec<_>>());
    assert!(second.asked.load(SeqCst) < 100, "{second:?}");
    assert!(store.active().await?.is_empty());
    Ok(())
}

async fn fails(world: &World) -> Result<(), Failed> {
    let store = store(world, "fails").await?;
    let owner = Owner::new("tests")?;
    let id = create(&store, &owner, 2000).await?;
    let engine = Echo::default();
    let batch = finish(&Runner::new(store.clone()), &owner, &id, &engine).await?;
    assert_eq!(batch.request_counts, Counts { total: 2000, completed: 2000, failed: 0 });
    assert_eq!(identifiers(&store, &owner, batch.output_file_id.as_ref()).await?, (0..2000).collect::<Vec<_>>());
    Ok(())
}

/// They are uploaded in parts, and read by ranges.
async fn large(world: &World) -> Result<(), Failed> {
    let store = store(world, "large").await?;
    let owner = Owner::new("tests")?;
    let id = create_with(&store, &owner, 300, &"x".repeat(100_000)).await?;
    let batch = finish(&Runner::new(store.clone()), &owner, &id, &Echo::default()).await?;
    assert_eq!(batch.request_counts, Counts { total: 300, completed: 300, failed: 0 });
    let output = batch.output_file_id.as_ref();
    assert!(store.file(&owner, output.ok_or("no output")?).await?.bytes > 30_000_000);
    assert_eq!(identifiers(&store, &owner, output).await?, (0..300).collect::<Vec<_>>());
    Ok(())
}

async fn objects(world: &World) -> Result<(), Failed> {
    drop(store(world, "objects").await?);
    let buckets = Buckets::new(AwsParams::default(), world.clone());
    assert_eq!(buckets.get("s3://objects/a/b").await?, None);
    buckets.put("s3://objects/a/b", "text".into()).await?;
    assert_eq!(buckets.get("s3://objects/a/b").await?.as_deref(), Some(&b"text"[..]));
    assert!(buckets.get("https://objects/a").await.is_err());
    Ok(())
}
