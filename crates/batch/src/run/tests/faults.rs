//! A store that is slow and fails.

use std::sync::atomic::AtomicUsize;

use async_trait::async_trait;
use futures_util::stream;
use object_store::{ObjectStore, memory::InMemory};

use super::*;

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
async fn a_batch_that_is_cancelled_when_all_lines_are_answered_is_completed() {
    let bench = bench(Arc::new(Flaky { inner: InMemory::new(), calls: AtomicUsize::new(0), fails: |_| false }));
    let all = ids(100);
    let id = bench.create(&all).await;
    let (engine, runner, options) = (Echo::default(), Runner::new(bench.store.clone()), options(4));
    let mut run = Box::pin(runner.run(&bench.owner, &id, &engine, &options));
    while bench.store.batch(&bench.owner, &id).await.unwrap().status != Status::Finalizing {
        tokio::select! {
            end = &mut run => panic!("{end:?}"),
            () = tokio::time::sleep(Duration::from_millis(100)) => {}
        }
    }
    let (asked, end) = tokio::join!(bench.store.cancel(&bench.owner, &id), run);
    let (asked, batch) = (asked.unwrap(), ended(end.unwrap()));
    assert!(matches!(asked.status, Status::Cancelling | Status::Completed), "{asked:?}");
    assert_eq!(
        (batch.status, batch.request_counts),
        (Status::Completed, Counts { total: 100, completed: 100, failed: 0 })
    );
    assert_eq!(bench.results(batch.output_file_id.as_ref()).await.len(), 100);
    assert_eq!(bench.store.batch(&bench.owner, &id).await.unwrap(), batch, "it stays completed");
    assert!(bench.store.active().await.unwrap().is_empty());
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
