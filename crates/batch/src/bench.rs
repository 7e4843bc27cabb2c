//! What tests of batches share: a store whose clock they set, and an engine that answers with what it
//! was asked.

use std::{
    collections::BTreeSet,
    fmt::Write as _,
    sync::{
        Arc, Mutex,
        atomic::{AtomicU64, AtomicUsize, Ordering::SeqCst},
    },
    time::{Duration, SystemTime, UNIX_EPOCH},
};

use async_trait::async_trait;
use futures_util::{TryStreamExt as _, stream};
use object_store::ObjectStore;
use sagewire_credentials::seam::Clock;
use sagewire_types::{Error, ErrorKind};
use serde_json::Value;

use crate::{
    Batch, End, Endpoint, Engine, Input, Line, NewBatch, NewFile, Outcome, Owner, Response, RunOptions, Store,
};

/// A clock that tests set, in seconds.
#[derive(Debug, Default)]
pub(crate) struct TestClock(pub(crate) AtomicU64);

impl Clock for TestClock {
    fn now(&self) -> SystemTime {
        UNIX_EPOCH + Duration::from_secs(1_000 + self.0.load(SeqCst))
    }
}

/// Answers with the line's own body, in any order; what a line is called says what becomes of it.
#[derive(Debug, Default)]
pub(crate) struct Echo {
    pub(crate) asked: Mutex<Vec<String>>,
    put_off: Mutex<BTreeSet<String>>,
    pub(crate) most: AtomicUsize,
    now: AtomicUsize,
}

struct AtWork<'a>(&'a AtomicUsize);

impl Drop for AtWork<'_> {
    fn drop(&mut self) {
        self.0.fetch_sub(1, SeqCst);
    }
}

#[async_trait]
impl Engine for Echo {
    async fn answer(&self, line: &Line) -> Outcome {
        let id = &line.custom_id;
        let now = self.now.fetch_add(1, SeqCst) + 1;
        let _at_work = AtWork(&self.now);
        self.most.fetch_max(now, SeqCst);
        for _ in 0..id.len() * 7 % 5 {
            tokio::task::yield_now().await;
        }
        if id.starts_with("busy") && self.put_off.lock().unwrap().insert(id.clone()) {
            return Outcome::Later(Duration::from_secs(1));
        }
        self.asked.lock().unwrap().push(id.clone());
        let answered = |status| {
            let body = line.body.get().to_owned().into();
            Outcome::Answered(Response { status, request_id: "r".to_owned(), body })
        };
        match id.split('-').next().unwrap() {
            "bad" => answered(400),
            "broken" => match answered(502) {
                Outcome::Answered(otherwise) => Outcome::Retry { after: Duration::from_secs(1), otherwise },
                other => other,
            },
            "lost" => Outcome::Failed { code: "gone".to_owned(), message: "it is gone".to_owned() },
            "never" => std::future::pending().await,
            "key" => Outcome::Stop(Error::new(ErrorKind::Authentication, "no key")),
            _ => answered(200),
        }
    }
}

#[derive(Debug)]
pub(crate) struct Bench {
    pub(crate) store: Store,
    pub(crate) clock: Arc<TestClock>,
    pub(crate) owner: Owner,
}

pub(crate) fn bench(objects: Arc<dyn ObjectStore>) -> Bench {
    let clock = Arc::new(TestClock::default());
    let store = Store::shared(objects, Arc::clone(&clock) as Arc<dyn Clock>);
    Bench { store, clock, owner: Owner::new("tests").unwrap() }
}

fn line(id: &str) -> String {
    format!(r#"{{"custom_id":"{id}","method":"POST","url":"/v1/embeddings","body":{{"input":"{id}"}}}}"#)
}

impl Bench {
    pub(crate) async fn create(&self, ids: &[String]) -> String {
        let text = ids.iter().fold(String::new(), |mut text, id| {
            writeln!(text, "{}", line(id)).unwrap();
            text
        });
        let new = NewFile::new("in.jsonl", "batch");
        let file = self.store.upload(&self.owner, new, stream::iter([Ok(text.into())])).await.unwrap();
        let new = NewBatch {
            endpoint: Some(Endpoint::Embeddings),
            window: Some(("1h".to_owned(), 3600)),
            ..NewBatch::new(Input::File(file.id))
        };
        self.store.create(&self.owner, new).await.unwrap().id
    }

    /// The results of a file, in its order: each line's identifier, and its status or code.
    pub(crate) async fn results(&self, file: Option<&String>) -> Vec<(String, String)> {
        let Some(file) = file else { return Vec::new() };
        let (file, content) = self.store.content(&self.owner, file).await.unwrap();
        let bytes: Vec<_> = content.try_collect().await.unwrap();
        let text = String::from_utf8(bytes.concat()).unwrap();
        assert_eq!(file.bytes, text.len() as u64);
        let read = |line: &str| {
            let line: Value = serde_json::from_str(line).unwrap();
            let id = line["custom_id"].as_str().unwrap().to_owned();
            if let Some(input) = line["response"]["body"]["input"].as_str() {
                assert_eq!(input, id);
            }
            let code = line["error"]["code"].as_str().map(str::to_owned);
            (id, code.unwrap_or_else(|| line["response"]["status_code"].to_string()))
        };
        text.lines().map(read).collect()
    }
}

pub(crate) fn options(concurrency: usize) -> RunOptions {
    RunOptions { concurrency, flush_every: Duration::from_secs(1), ..RunOptions::default() }
}

pub(crate) fn ids(count: usize) -> Vec<String> {
    (0..count).map(|number| format!("{}{number}", "x".repeat(number % 4))).collect()
}

pub(crate) fn ended(end: End) -> Batch {
    match end {
        End::Ended(batch) => batch,
        End::Stopped(batch) => panic!("stopped: {batch:?}"),
    }
}
