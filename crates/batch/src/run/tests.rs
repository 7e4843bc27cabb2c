use std::{
    collections::BTreeSet,
    fmt::Write as _,
    sync::{
        Mutex,
        atomic::{AtomicU64, AtomicUsize, Ordering::SeqCst},
    },
    task::Poll,
    time::{SystemTime, UNIX_EPOCH},
};

use async_trait::async_trait;
use futures_util::{StreamExt as _, TryStreamExt as _, stream};
use object_store::{ObjectStore, memory::InMemory};
use sagewire_credentials::seam::Clock;
use sagewire_types::{Error, ErrorKind};
use serde_json::Value;

use super::*;
use crate::{Endpoint, Input, Line, NewBatch, NewFile, Outcome, Page, Response};

/// A clock that tests set, in seconds.
#[derive(Debug, Default)]
struct TestClock(AtomicU64);

impl Clock for TestClock {
    fn now(&self) -> SystemTime {
        UNIX_EPOCH + Duration::from_secs(1_000 + self.0.load(SeqCst))
    }
}

/// Answers with the line's own body, in any order; what a line is called says what becomes of it.
#[derive(Debug, Default)]
struct Echo {
    asked: Mutex<Vec<String>>,
    put_off: Mutex<BTreeSet<String>>,
    most: AtomicUsize,
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

struct Bench {
    store: Store,
    clock: Arc<TestClock>,
    owner: Owner,
}

fn bench(objects: Arc<dyn ObjectStore>) -> Bench {
    let clock = Arc::new(TestClock::default());
    let store = Store::shared(objects, Arc::clone(&clock) as Arc<dyn Clock>);
    Bench { store, clock, owner: Owner::new("tests").unwrap() }
}

fn line(id: &str) -> String {
    format!(r#"{{"custom_id":"{id}","method":"POST","url":"/v1/embeddings","body":{{"input":"{id}"}}}}"#)
}

impl Bench {
    async fn create(&self, ids: &[String]) -> String {
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
    async fn results(&self, file: Option<&String>) -> Vec<(String, String)> {
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

fn options(concurrency: usize) -> RunOptions {
    RunOptions { concurrency, flush_every: Duration::from_secs(1), ..RunOptions::default() }
}

fn ids(count: usize) -> Vec<String> {
    (0..count).map(|number| format!("{}{number}", "x".repeat(number % 4))).collect()
}

fn ended(end: End) -> Batch {
    match end {
        End::Ended(batch) => batch,
        End::Stopped(batch) => panic!("stopped: {batch:?}"),
    }
}

#[tokio::test(start_paused = true)]
async fn every_line_has_one_result_in_the_inputs_order_and_failures_have_their_reasons() {
    let bench = bench(Arc::new(InMemory::new()));
    let mut all = ids(500);
    all[7] = "bad-1".to_owned();
    all[8] = "lost-1".to_owned();
    all[9] = "busy-1".to_owned();
    all[10] = "broken-1".to_owned();
    let id = bench.create(&all).await;
    assert_eq!(bench.store.active().await.unwrap(), [(bench.owner.clone(), id.clone())]);
    let engine = Echo::default();
    let runner = Runner::new(bench.store.clone());
    let batch = ended(runner.run(&bench.owner, &id, &engine, &options(8)).await.unwrap());
    assert_eq!(
        (batch.status, batch.request_counts),
        (Status::Completed, Counts { total: 500, completed: 497, failed: 3 })
    );
    let expected = all.iter().filter(|id| !["bad-1", "lost-1", "broken-1"].contains(&id.as_str()));
    let expected: Vec<_> = expected.map(|id| (id.clone(), "200".to_owned())).collect();
    assert_eq!(bench.results(batch.output_file_id.as_ref()).await, expected);
    let errors = bench.results(batch.error_file_id.as_ref()).await;
    let expected = [("bad-1", "400"), ("lost-1", "gone"), ("broken-1", "502")];
    assert_eq!(errors, expected.map(|(id, code)| (id.to_owned(), code.to_owned())));
    let broken = engine.asked.lock().unwrap().iter().filter(|id| *id == "broken-1").count();
    assert_eq!(broken, 5, "what may pass is asked again, but not for ever");
    assert_eq!(engine.most.load(SeqCst), 8);
    // What it no longer needs is gone, and running it again changes nothing.
    assert!(bench.store.active().await.unwrap().is_empty());
    let again = ended(runner.run(&bench.owner, &id, &Echo::default(), &options(8)).await.unwrap());
    assert_eq!(again, batch);
    let folder = Folder::new(&bench.owner, &id).unwrap();
    assert_eq!(bench.store.names(&folder.path()).await.unwrap(), ["lease.json", "state.json"]);
}

#[tokio::test(start_paused = true)]
async fn a_process_that_dies_anywhere_loses_no_line_and_doubles_none() {
    let all = ids(3000);
    let mut random = fastrand::Rng::with_seed(11);
    let bench = bench(Arc::new(InMemory::new()));
    let id = bench.create(&all).await;
    let (engine, runner) = (Echo::default(), Runner::new(bench.store.clone()));
    let mut options = options(16);
    options.flush_every = Duration::ZERO;
    let mut deaths = 0;
    let batch = loop {
        // It is dropped after so many of its steps, as if the process were killed.
        let mut left = if deaths < 30 { random.usize(1..40) } else { usize::MAX };
        let mut run = pin!(runner.run(&bench.owner, &id, &engine, &options));
        let outcome = std::future::poll_fn(|cx| {
            if left == 0 {
                return Poll::Ready(None);
            }
            left -= 1;
            run.as_mut().poll(cx).map(Some)
        });
        match outcome.await {
            None => deaths += 1,
            Some(Ok(end)) => break ended(end),
            // The lease of the dead process runs out.
            Some(Err(BatchError::Leased)) => tokio::time::advance(Duration::from_secs(61)).await,
            Some(Err(error)) => panic!("{error:?}"),
        }
    };
    assert!(deaths > 3, "{deaths}");
    assert_eq!(batch.request_counts, Counts { total: 3000, completed: 3000, failed: 0 });
    let results = bench.results(batch.output_file_id.as_ref()).await;
    assert_eq!(results.into_iter().map(|(id, _)| id).collect::<Vec<_>>(), all);
    let asked = engine.asked.into_inner().unwrap().len();
    assert!((3000..6000).contains(&asked), "what was written is not asked again: {asked}");
}

#[tokio::test(start_paused = true)]
async fn another_process_takes_over_and_the_slow_first_one_changes_nothing() {
    let bench = bench(Arc::new(InMemory::new()));
    let mut all = ids(200);
    all[100] = "never-1".to_owned();
    let id = bench.create(&all).await;
    let (engine, runner) = (Echo::default(), Runner::new(bench.store.clone()));
    let options = options(4);
    let mut first = Box::pin(runner.run(&bench.owner, &id, &engine, &options));
    // It waits for the one line that is not answered, and renews its lease.
    tokio::select! {
        end = &mut first => panic!("{end:?}"),
        () = tokio::time::sleep(Duration::from_secs(300)) => {}
    }
    let (other_engine, other) = (Echo::default(), Runner::new(bench.store.clone()));
    assert!(matches!(other.run(&bench.owner, &id, &other_engine, &options).await, Err(BatchError::Leased)));
    // The first process stands still for longer than its lease.
    tokio::time::advance(Duration::from_secs(61)).await;
    let stop = options.stop.clone();
    let second = async {
        let options = RunOptions { stop: Stop::never(), ..options.clone() };
        let ending = options.stop.clone();
        let run = other.run(&bench.owner, &id, &other_engine, &options);
        tokio::select! {
            end = run => panic!("{end:?}"),
            () = tokio::time::sleep(Duration::from_secs(20)) => {}
        }
        drop((ending, stop));
    };
    second.await;
    // When it goes on it notices.
    assert!(matches!(first.await, Err(BatchError::LeaseLost)));
    assert_eq!(*other_engine.asked.lock().unwrap(), ["never-1"], "the results of the first one count");
}

#[tokio::test(start_paused = true)]
async fn a_batch_that_is_cancelled_or_expires_has_a_result_for_each_line() {
    for (status, code) in [(Status::Cancelled, "batch_cancelled"), (Status::Expired, "batch_expired")] {
        let bench = bench(Arc::new(InMemory::new()));
        let mut all = ids(100);
        for slow in [50, 51, 52, 53] {
            all[slow] = format!("never-{slow}");
        }
        let id = bench.create(&all).await;
        let (engine, runner) = (Echo::default(), Runner::new(bench.store.clone()));
        let options = options(4);
        let mut run = Box::pin(runner.run(&bench.owner, &id, &engine, &options));
        tokio::select! {
            end = &mut run => panic!("{end:?}"),
            () = tokio::time::sleep(Duration::from_secs(60)) => {}
        }
        let under_way = bench.store.batch(&bench.owner, &id).await.unwrap();
        assert_eq!((under_way.status, under_way.request_counts.completed), (Status::InProgress, 50));
        match status {
            Status::Cancelled => {
                let batch = bench.store.cancel(&bench.owner, &id).await.unwrap();
                assert_eq!(batch.status, Status::Cancelling);
                assert_eq!(bench.store.cancel(&bench.owner, &id).await.unwrap().status, Status::Cancelling);
            }
            _ => bench.clock.0.store(3600, SeqCst),
        }
        let batch = ended(run.await.unwrap());
        assert_eq!((batch.status, batch.request_counts), (status, Counts { total: 100, completed: 50, failed: 50 }));
        let expected: Vec<_> = all[50..].iter().map(|id| (id.clone(), code.to_owned())).collect();
        assert_eq!(bench.results(batch.error_file_id.as_ref()).await, expected);
        assert_eq!(bench.results(batch.output_file_id.as_ref()).await.len(), 50);
        let error = bench.store.cancel(&bench.owner, &id).await.unwrap_err();
        assert!(error.to_string().contains("cannot be cancelled"), "{error}");
    }
}

#[tokio::test(start_paused = true)]
async fn an_input_that_cannot_be_used_fails_before_anything_is_asked() {
    let bench = bench(Arc::new(InMemory::new()));
    let id = bench.create(&["a".to_owned(), "a".to_owned()]).await;
    let engine = Echo::default();
    let batch = ended(Runner::new(bench.store.clone()).run(&bench.owner, &id, &engine, &options(4)).await.unwrap());
    assert_eq!(batch.status, Status::Failed);
    let problem = &batch.errors.unwrap().data[0];
    assert_eq!((problem.code.as_str(), problem.line), ("duplicate_custom_id", Some(2)));
    assert!(engine.asked.into_inner().unwrap().is_empty());
}

#[tokio::test(start_paused = true)]
async fn what_holds_for_every_line_stops_the_run_and_the_next_one_goes_on() {
    let bench = bench(Arc::new(InMemory::new()));
    let mut all = ids(50);
    all[20] = "key-1".to_owned();
    let id = bench.create(&all).await;
    let (engine, runner) = (Echo::default(), Runner::new(bench.store.clone()));
    let error = runner.run(&bench.owner, &id, &engine, &options(4)).await.unwrap_err();
    assert_eq!(error.to_string(), "no key");
    let first = engine.asked.into_inner().unwrap().len();
    assert!((20..25).contains(&first), "{first}");
    // The run that was stopped keeps what was answered, too.
    let engine = Echo::default();
    let stopped = RunOptions { ..options(4) };
    stopped.stop.finish();
    assert!(matches!(runner.run(&bench.owner, &id, &engine, &stopped).await, Ok(End::Stopped(_))));
    let error = runner.run(&bench.owner, &id, &engine, &options(1)).await.unwrap_err();
    assert_eq!(error.to_string(), "no key");
    assert_eq!(engine.asked.into_inner().unwrap(), ["key-1"], "the others have their results");
}

/// A store that fails so many times after a while, and is slow.
#[derive(Debug)]
struct Flaky {
    inner: InMemory,
    calls: AtomicUsize,
    fails: fn(usize) -> bool,
}

impl fmt::Display for Flaky {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Flaky")
    }
}

impl Flaky {
    async fn turn(&self) -> object_store::Result<()> {
        tokio::time::sleep(Duration::from_millis(300)).await;
        if (self.fails)(self.calls.fetch_add(1, SeqCst)) {
            return Err(object_store::Error::Generic { store: "flaky", source: "503 Slow Down".into() });
        }
        Ok(())
    }
}

#[async_trait]
impl ObjectStore for Flaky {
    async fn put_opts(
        &self,
        location: &object_store::path::Path,
        payload: object_store::PutPayload,
        opts: object_store::PutOptions,
    ) -> object_store::Result<object_store::PutResult> {
        self.turn().await?;
        self.inner.put_opts(location, payload, opts).await
    }

    async fn put_multipart_opts(
        &self,
        location: &object_store::path::Path,
        opts: object_store::PutMultipartOptions,
    ) -> object_store::Result<Box<dyn object_store::MultipartUpload>> {
        self.inner.put_multipart_opts(location, opts).await
    }

    async fn get_opts(
        &self,
        location: &object_store::path::Path,
        options: object_store::GetOptions,
    ) -> object_store::Result<object_store::GetResult> {
        self.inner.get_opts(location, options).await
    }

    fn delete_stream(
        &self,
        locations: stream::BoxStream<'static, object_store::Result<object_store::path::Path>>,
    ) -> stream::BoxStream<'static, object_store::Result<object_store::path::Path>> {
        self.inner.delete_stream(locations)
    }

    fn list(
        &self,
        prefix: Option<&object_store::path::Path>,
    ) -> stream::BoxStream<'static, object_store::Result<object_store::ObjectMeta>> {
        self.inner.list(prefix)
    }

    async fn list_with_delimiter(
        &self,
        prefix: Option<&object_store::path::Path>,
    ) -> object_store::Result<object_store::ListResult> {
        self.inner.list_with_delimiter(prefix).await
    }

    async fn copy_opts(
        &self,
        from: &object_store::path::Path,
        to: &object_store::path::Path,
        options: object_store::CopyOptions,
    ) -> object_store::Result<()> {
        self.inner.copy_opts(from, to, options).await
    }
}

#[tokio::test(start_paused = true)]
async fn a_store_that_is_slow_and_fails_in_between_costs_time_and_no_line() {
    // About every fourth write fails once the batch is created.
    let objects = Flaky {
        inner: InMemory::new(),
        calls: AtomicUsize::new(0),
        fails: |call| call > 5 && fastrand::Rng::with_seed(call as u64).u8(..) < 60,
    };
    let bench = bench(Arc::new(objects));
    let all = ids(2000);
    let id = bench.create(&all).await;
    let engine = Echo::default();
    let runner = Runner::new(bench.store.clone());
    let mut options = options(8);
    options.flush_every = Duration::ZERO;
    let mut runs = 0;
    let batch = loop {
        runs += 1;
        match runner.run(&bench.owner, &id, &engine, &options).await {
            Ok(end) => break ended(end),
            Err(BatchError::Store { .. } | BatchError::Leased) if runs < 50 => {
                tokio::time::advance(Duration::from_secs(61)).await;
            }
            Err(error) => panic!("{error:?}"),
        }
    };
    assert_eq!(batch.request_counts, Counts { total: 2000, completed: 2000, failed: 0 });
    let results = bench.results(batch.output_file_id.as_ref()).await;
    assert_eq!(results.into_iter().map(|(id, _)| id).collect::<Vec<_>>(), all);
}

#[tokio::test(start_paused = true)]
async fn lists_are_paged_and_others_find_nothing() {
    let bench = bench(Arc::new(InMemory::new()));
    let mut created = Vec::new();
    for number in 0..5 {
        created.insert(0, bench.create(&[format!("x{number}")]).await);
        bench.clock.0.fetch_add(1, SeqCst);
    }
    let list = |page: Page| {
        let bench = &bench;
        async move {
            let found = bench.store.batches(&bench.owner, &page).await.unwrap();
            (found.entries.into_iter().map(|batch| batch.id).collect::<Vec<_>>(), found.has_more)
        }
    };
    assert_eq!(list(Page::first(2)).await, (created[..2].to_vec(), true));
    let next = Page { after: Some(created[1].clone()), ..Page::first(3) };
    assert_eq!(list(next).await, (created[2..].to_vec(), false));
    let oldest = Page { is_ascending: true, ..Page::first(1) };
    assert_eq!(list(oldest).await, (created[4..].to_vec(), true));
    assert_eq!(bench.store.files(&bench.owner, &Page::first(10), Some("batch")).await.unwrap().entries.len(), 5);
    assert!(bench.store.files(&bench.owner, &Page::first(10), Some("vision")).await.unwrap().entries.is_empty());

    let other = Owner::new("other").unwrap();
    assert!(bench.store.batches(&other, &Page::first(10)).await.unwrap().entries.is_empty());
    let file = bench.store.batch(&bench.owner, &created[0]).await.unwrap().input_file_id;
    for error in [
        bench.store.batch(&other, &created[0]).await.map(drop).unwrap_err(),
        bench.store.cancel(&other, &created[0]).await.map(drop).unwrap_err(),
        bench.store.file(&other, &file).await.map(drop).unwrap_err(),
        bench.store.delete_file(&other, &file).await.unwrap_err(),
        bench.store.content(&other, &file).await.map(drop).unwrap_err(),
        bench.store.create(&other, NewBatch::new(Input::File(file.clone()))).await.map(drop).unwrap_err(),
        bench.store.file(&bench.owner, "file-../../x").await.map(drop).unwrap_err(),
    ] {
        assert!(matches!(error, BatchError::NotFound { .. }), "{error:?}");
    }
    bench.store.delete_file(&bench.owner, &file).await.unwrap();
    assert!(bench.store.file(&bench.owner, &file).await.is_err());
}

#[tokio::test]
async fn uploads_stay_within_their_limits_and_end_with_their_lifetime() {
    let bench = bench(Arc::new(InMemory::new()));
    let new = |most_bytes, quota| NewFile {
        filename: "../../etc/passwd".to_owned(),
        purpose: "batch".to_owned(),
        lifetime: Some(3600),
        most_bytes,
        quota,
    };
    let content = || stream::iter([Ok("12345".into()), Ok("12345".into()), Ok("1234567890".into())]).boxed();
    let upload = |new| bench.store.upload(&bench.owner, new, content());
    let error = upload(new(19, None)).await.unwrap_err();
    assert!(error.to_string().contains("limit of 19 bytes"), "{error}");
    let error = upload(new(20, Some(19))).await.unwrap_err();
    assert!(error.to_string().contains("may store 19 bytes"), "{error}");
    let broken = stream::iter([Ok("1".into()), Err(std::io::Error::other("gone"))]);
    assert!(matches!(bench.store.upload(&bench.owner, new(20, None), broken).await, Err(BatchError::Input(_))));
    assert_eq!(bench.store.bytes(&bench.owner.folder()).await.unwrap(), 0, "nothing is left of them");
    let file = upload(new(20, Some(1000))).await.unwrap();
    assert_eq!((file.filename.as_str(), file.bytes), ("../../etc/passwd", 20));
    bench.clock.0.store(3600, SeqCst);
    assert!(matches!(bench.store.file(&bench.owner, &file.id).await, Err(BatchError::NotFound { .. })));
    assert_eq!(bench.store.bytes(&bench.owner.folder()).await.unwrap(), 0, "what has expired is deleted");
}
