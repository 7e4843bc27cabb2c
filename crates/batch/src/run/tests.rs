use std::sync::atomic::Ordering::SeqCst;

use object_store::memory::InMemory;

use super::*;
use crate::bench::{Echo, bench, ended, ids, options};

mod faults;
mod leases;

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

#[tokio::test(start_paused = true)]
async fn a_batch_that_was_cancelled_before_it_ran_asks_nothing() {
    let bench = bench(Arc::new(InMemory::new()));
    let all = ids(100);
    let id = bench.create(&all).await;
    bench.store.cancel(&bench.owner, &id).await.unwrap();
    let engine = Echo::default();
    let batch = ended(Runner::new(bench.store.clone()).run(&bench.owner, &id, &engine, &options(4)).await.unwrap());
    assert_eq!(
        (batch.status, batch.request_counts),
        (Status::Cancelled, Counts { total: 100, completed: 0, failed: 100 })
    );
    assert!(engine.asked.into_inner().unwrap().is_empty());
    let expected: Vec<_> = all.into_iter().map(|id| (id, "batch_cancelled".to_owned())).collect();
    assert_eq!(bench.results(batch.error_file_id.as_ref()).await, expected);
}

#[tokio::test(start_paused = true)]
async fn a_batch_whose_input_is_gone_fails_and_keeps_the_results_that_it_has() {
    for has_begun in [false, true] {
        let bench = bench(Arc::new(InMemory::new()));
        let mut all = ids(100);
        for slow in [50, 51, 52, 53] {
            all[slow] = format!("never-{slow}");
        }
        let id = bench.create(&all).await;
        let (engine, runner) = (Echo::default(), Runner::new(bench.store.clone()));
        if has_begun {
            let options = options(4);
            let stop = async {
                tokio::time::sleep(Duration::from_secs(60)).await;
                options.stop.end();
                std::future::pending::<()>().await;
            };
            tokio::select! {
                end = runner.run(&bench.owner, &id, &engine, &options) => assert!(matches!(end, Ok(End::Stopped(_)))),
                () = stop => {}
            }
        }
        let input = bench.store.batch(&bench.owner, &id).await.unwrap().input_file_id;
        bench.store.delete_file(&bench.owner, &input).await.unwrap();
        let batch = ended(runner.run(&bench.owner, &id, &engine, &options(4)).await.unwrap());
        assert_eq!(batch.status, Status::Failed);
        assert_eq!(batch.errors.unwrap().data[0].code, "input_file_not_found");
        let kept = bench.results(batch.output_file_id.as_ref()).await;
        assert_eq!(kept.len(), if has_begun { 50 } else { 0 });
        assert!(bench.store.active().await.unwrap().is_empty(), "it is not tried for ever");
    }
}

/// Deletes the input of its batch while it answers.
#[derive(Debug)]
struct Deletes<'a> {
    answers: Echo,
    bench: &'a crate::bench::Bench,
    input: String,
}

#[async_trait::async_trait]
impl Engine for Deletes<'_> {
    async fn answer(&self, line: &crate::Line) -> crate::Outcome {
        if self.answers.asked.lock().unwrap().len() == 300 {
            let _ = self.bench.store.delete_file(&self.bench.owner, &self.input).await;
        }
        self.answers.answer(line).await
    }
}

#[tokio::test(start_paused = true)]
async fn what_was_answered_before_the_input_was_deleted_is_kept() {
    let bench = bench(Arc::new(InMemory::new()));
    let id = bench.create(&ids(5000)).await;
    let input = bench.store.batch(&bench.owner, &id).await.unwrap().input_file_id;
    let engine = Deletes { answers: Echo::default(), bench: &bench, input };
    let options = RunOptions { flush_every: Duration::from_secs(3600), ..options(4) };
    let batch = ended(Runner::new(bench.store.clone()).run(&bench.owner, &id, &engine, &options).await.unwrap());
    assert_eq!(batch.status, Status::Failed);
    let asked = engine.answers.asked.into_inner().unwrap().len();
    assert!((300..5000).contains(&asked), "{asked}");
    assert_eq!(bench.results(batch.output_file_id.as_ref()).await.len(), asked);
    assert_eq!(batch.request_counts.completed, asked as u64);
}
