//! Limits are exact, however many replicas there are.

use std::{future::poll_fn, path::PathBuf, pin::Pin, sync::Arc, task::Poll, thread, time::Duration};

use futures_util::future::join_all;
use libtest_mimic::Trial;
use sagewire_redis::{Redis, RedisLedger, RedisState};
use sagewire_router::{
    Admission, Limits, Refusal, RouterState, Terms,
    ledger::{KeyLimits, KeyRefusal, Ledger},
};
use sagewire_test_programs::Prepared;
use tokio::{runtime, sync::oneshot};

use crate::{
    server::{Cluster, Server},
    trial,
};

const REPLICAS: usize = 4;

pub(crate) fn trials(program: &Prepared<PathBuf>) -> Vec<Trial> {
    vec![
        trial(program, "exact::ten_thousand_requests_and_not_one_more", ten_thousand),
        trial(program, "exact::ten_thousand_requests_and_not_one_more_in_a_cluster", ten_thousand_in_a_cluster),
        trial(program, "exact::a_key_has_its_requests_and_not_one_more", a_keys_requests),
        trial(program, "exact::places_are_never_taken_twice", places),
        trial(program, "exact::what_is_asked_at_the_same_time_is_asked_together", together),
        trial(program, "exact::each_runtime_has_a_connection_and_all_count_together", runtimes),
        trial(program, "exact::a_caller_who_goes_away_while_it_is_asked_leaves_no_place_behind", gone),
        trial(program, "exact::deployments_without_limits_are_counted_too", without_limits),
    ]
}

/// No machine is so slow that a question would be given up.
fn patient(settings: sagewire_redis::RedisSettings) -> Arc<Redis> {
    Redis::new(settings.with_time_limit(Duration::from_secs(30))).unwrap()
}

async fn ten_thousand(program: PathBuf) {
    let server = Server::start(&program);
    count_to_ten_thousand(&server.settings()).await;
}

async fn ten_thousand_in_a_cluster(program: PathBuf) {
    let cluster = Cluster::start(&program).await;
    count_to_ten_thousand(&cluster.settings()).await;
}

async fn count_to_ten_thousand(settings: &sagewire_redis::RedisSettings) {
    let terms = Terms { limits: Limits { rpm: Some(10_000), ..Limits::default() }, ..Terms::default() };
    let id: Arc<str> = Arc::from("a");
    let replicas = (0..REPLICAS).map(|_| {
        let (state, id) = (RedisState::new(&patient(settings.clone())), Arc::clone(&id));
        tokio::spawn(async move {
            let mut begun = 0;
            for _ in 0..30 {
                let asked = join_all((0..100).map(|_| state.begin(&id, &terms))).await;
                for outcome in asked {
                    match outcome {
                        Ok(admission) => {
                            begun += 1;
                            state.release(&id, admission, 3);
                        }
                        Err(refusal) => assert!(matches!(refusal, Refusal::RequestLimit { .. }), "{refusal:?}"),
                    }
                }
            }
            begun
        })
    });
    let begun: Vec<usize> = join_all(replicas).await.into_iter().map(Result::unwrap).collect();
    assert_eq!(begun.iter().sum::<usize>(), 10_000, "{begun:?}");
}

async fn a_keys_requests(program: PathBuf) {
    let server = Server::start(&program);
    let key = KeyLimits { name: "a", rpm: Some(1000), ..KeyLimits::default() };
    let ledgers: Vec<_> = (0..REPLICAS).map(|_| RedisLedger::new(&patient(server.settings()))).collect();
    let asked = join_all((0..1500).map(|index| ledgers[index % REPLICAS].begin(&key, 1))).await;
    assert_eq!(asked.iter().filter(|outcome| outcome.is_ok()).count(), 1000);
}

async fn together(program: PathBuf) {
    let server = Server::start(&program);
    let redis = patient(server.settings());
    let (state, ledger) = (RedisState::new(&redis), RedisLedger::new(&redis));
    assert!(redis.connect().await);
    let asked = |before: u64| redis.health().round_trips - before;
    let terms = Terms { limits: Limits { rpm: Some(40), ..Limits::default() }, ..Terms::default() };
    let (id, before): (Arc<str>, _) = (Arc::from("a"), asked(0));
    let begun = join_all((0..64).map(|_| state.begin(&id, &terms))).await;
    assert_eq!(begun.iter().filter(|outcome| outcome.is_ok()).count(), 40);
    assert!(begun[..40].iter().all(Result::is_ok), "who came first goes first");
    // The script is sent with the first question.
    assert!(asked(before) <= 2, "{} questions for 64 requests", asked(before));

    let before = asked(0);
    let key = KeyLimits { name: "a", tpm: Some(400), ..KeyLimits::default() };
    let begun = join_all((0..64).map(|_| ledger.begin(&key, 10))).await;
    assert_eq!(begun.iter().filter(|outcome| outcome.is_ok()).count(), 40);
    let refused = begun.iter().filter_map(|outcome| outcome.as_ref().err());
    assert!(refused.clone().all(|refusal| matches!(refusal, KeyRefusal::Reached(reached) if reached.reserved)));
    assert!(asked(before) <= 2, "{} questions for 64 requests", asked(before));
}

async fn runtimes(program: PathBuf) {
    let server = Server::start(&program);
    let redis = patient(server.settings());
    let state = Arc::new(RedisState::new(&redis));
    assert!(redis.connect().await);
    let id: Arc<str> = Arc::from("a");
    let terms = Terms { limits: Limits { rpm: Some(300), ..Limits::default() }, ..Terms::default() };
    let workers = [(); 3].map(|()| {
        let (state, id) = (Arc::clone(&state), Arc::clone(&id));
        let (tell, begun) = oneshot::channel();
        let (end, ended) = oneshot::channel::<()>();
        let thread = thread::spawn(move || {
            let runtime = runtime::Builder::new_current_thread().enable_all().build().unwrap();
            runtime.block_on(async {
                let asked = join_all((0..200).map(|_| state.begin(&id, &terms))).await;
                tell.send(asked.iter().filter(|outcome| outcome.is_ok()).count()).unwrap();
                // An error says that the other end was dropped, and that is what is waited for.
                let _ = ended.await;
            });
        });
        (thread, begun, end)
    });
    let mut threads = Vec::new();
    let mut granted = 0;
    for (thread, begun, end) in workers {
        granted += begun.await.unwrap();
        threads.push((thread, end));
    }
    assert_eq!(granted, 300);

    let mut looking = server.connect().await;
    let connected = async {
        loop {
            let clients: String = redis::cmd("CLIENT").arg("LIST").query_async(&mut looking).await.unwrap();
            // This test's own is one of them.
            if clients.lines().count() == 1 + 3 + 1 {
                return;
            }
        }
    };
    tokio::time::timeout(Duration::from_secs(30), connected).await.expect("each runtime connects");

    for (thread, end) in threads {
        drop(end);
        thread.join().unwrap();
    }
    let refused = state.begin(&id, &terms).await;
    assert!(
        matches!(refused, Err(Refusal::RequestLimit { .. })),
        "the others have ended, and this one goes on: {refused:?}"
    );
    assert_eq!(redis.health().failures, 0);
}

async fn gone(program: PathBuf) {
    let server = Server::start(&program);
    let redis = patient(server.settings());
    let state = RedisState::new(&redis);
    assert!(redis.connect().await);
    let limits = Limits { max_parallel_requests: Some(20), ..Limits::default() };
    let (id, terms): (Arc<str>, _) = (Arc::from("a"), Terms { limits, ..Terms::default() });
    for times_polled in 1..12 {
        let begin =
            || -> Pin<Box<dyn Future<Output = Result<Admission, Refusal>> + Send + '_>> { state.begin(&id, &terms) };
        let mut begun: Vec<_> = (0..20).map(|_| begin()).collect();
        for _ in 0..times_polled {
            for begin in &mut begun {
                // One that has its place gives it back.
                if let Poll::Ready(outcome) = poll_fn(|context| Poll::Ready(begin.as_mut().poll(context))).await {
                    state.release(&id, outcome.unwrap(), 0);
                    *begin = Box::pin(std::future::pending());
                }
            }
            tokio::task::yield_now().await;
        }
        drop(begun);
        // All twenty places are there again once Redis has been told.
        let place = async {
            loop {
                let all = join_all((0..20).map(|_| state.begin(&id, &terms))).await;
                let count = all.iter().filter(|outcome| outcome.is_ok()).count();
                for admission in all.into_iter().flatten() {
                    state.release(&id, admission, 0);
                }
                if count == 20 {
                    return;
                }
                tokio::time::sleep(Duration::from_millis(5)).await;
            }
        };
        tokio::time::timeout(Duration::from_secs(20), place).await.expect("a place is lost");
    }
}

async fn places(program: PathBuf) {
    let server = Server::start(&program);
    let terms = Terms { limits: Limits { max_parallel_requests: Some(7), ..Limits::default() }, ..Terms::default() };
    let id: Arc<str> = Arc::from("a");
    let states: Vec<_> = (0..REPLICAS).map(|_| RedisState::new(&patient(server.settings()))).collect();
    for _ in 0..20 {
        let asked = join_all((0..40).map(|index| states[index % REPLICAS].begin(&id, &terms))).await;
        let held: Vec<_> =
            asked.into_iter().enumerate().filter_map(|(at, outcome)| Some((at, outcome.ok()?))).collect();
        assert_eq!(held.len(), 7);
        for (at, admission) in held {
            states[at % REPLICAS].release(&id, admission, 0);
        }
        for state in &states {
            state.settle().await;
        }
    }
    assert_eq!(states[0].read(&[id]).await[0].in_flight, 0);
}

async fn without_limits(program: PathBuf) {
    let server = Server::start(&program);
    let id: Arc<str> = Arc::from("a");
    let states: Vec<_> = (0..REPLICAS).map(|_| RedisState::new(&patient(server.settings()))).collect();
    let mut held = Vec::new();
    for index in 0..1000 {
        let state = &states[index % REPLICAS];
        state.read(&[Arc::clone(&id)]).await;
        held.push(state.begin(&id, &Terms { estimated_tokens: 2, ..Terms::default() }).await.unwrap());
    }
    for state in &states {
        state.settle().await;
    }
    let seen = states[0].read(&[Arc::clone(&id)]).await.remove(0);
    assert_eq!((seen.in_flight, seen.requests, seen.reserved_tokens), (1000, 1000, 2000));
    for (index, admission) in held.into_iter().enumerate() {
        states[index % REPLICAS].release(&id, admission, 5);
    }
    for state in &states {
        state.settle().await;
    }
    let seen = states[1].read(&[id]).await.remove(0);
    assert_eq!((seen.in_flight, seen.reserved_tokens, seen.tokens), (0, 0, 5000));
}
