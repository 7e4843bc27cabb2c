//! Processes that die, and processes that are late.

use std::{collections::BTreeSet, task::Poll};

use object_store::memory::InMemory;

use super::*;

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
async fn a_part_that_a_late_process_writes_under_its_lost_lease_changes_no_result() {
    let bench = bench(Arc::new(InMemory::new()));
    let mut all = ids(20);
    all[19] = "never-1".to_owned();
    let id = bench.create(&all).await;
    let folder = Folder::new(&bench.owner, &id).unwrap();
    let (engine, first) = (Echo::default(), Runner::new(bench.store.clone()));
    let options = options(4);
    tokio::select! {
        end = first.run(&bench.owner, &id, &engine, &options) => panic!("{end:?}"),
        () = tokio::time::sleep(Duration::from_secs(30)) => {}
    }
    let generations = || async {
        let names = bench.store.names(&folder.parts()).await.unwrap();
        names.iter().map(|name| name.split('-').nth(2).unwrap().to_owned()).collect::<BTreeSet<_>>()
    };
    assert_eq!(generations().await, BTreeSet::from(["00000001".to_owned()]));
    // It died. What it had sent to the store arrives when another one has the lease.
    let (other_engine, second) = (Echo::default(), Runner::new(bench.store.clone()));
    assert!(matches!(second.run(&bench.owner, &id, &other_engine, &options).await, Err(BatchError::Leased)));
    tokio::time::advance(Duration::from_secs(61)).await;
    let late = |line: &str, number| part::Entry {
        number,
        is_answered: true,
        json: crate::output::answered(
            line,
            &crate::Response { status: 200, request_id: "late".to_owned(), body: "{}".into() },
        )
        .into(),
    };
    let write = async {
        tokio::time::sleep(Duration::from_secs(30)).await;
        for (sequence, entry) in [late(&all[3], 3), late("never-1", 19)].into_iter().enumerate() {
            let (part, bytes) = part::write(&folder.parts(), 1, 100 + sequence as u64, vec![entry]).unwrap();
            object_store::ObjectStoreExt::put(&*bench.store.objects, &part.path, bytes.into()).await.unwrap();
        }
        bench.store.cancel(&bench.owner, &id).await.unwrap();
        std::future::pending::<()>().await;
    };
    let batch = tokio::select! {
        end = second.run(&bench.owner, &id, &other_engine, &options) => ended(end.unwrap()),
        () = write => unreachable!(),
    };
    assert_eq!(
        (batch.status, batch.request_counts),
        (Status::Cancelled, Counts { total: 20, completed: 19, failed: 1 })
    );
    let results = bench.results(batch.output_file_id.as_ref()).await;
    assert_eq!(results.into_iter().map(|(id, _)| id).collect::<Vec<_>>(), all[..19]);
    assert_eq!(
        bench.results(batch.error_file_id.as_ref()).await,
        [("never-1".to_owned(), "batch_cancelled".to_owned())]
    );
}
