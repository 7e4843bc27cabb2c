//! How much a deployment takes, and what happens to the rest.

use std::{sync::Arc, time::Duration};

use futures_util::future::{join, join_all};
use sagewire_types::{CallContext, ErrorKind, Provider};
use tokio::time::{Instant, advance, sleep};

use crate::scripted::{Scripted, ask, decided, deployment, in_flight, ok, ok_after, request, router, settings};

fn seconds(seconds: u64) -> Duration {
    Duration::from_secs(seconds)
}

#[tokio::test(start_paused = true)]
async fn the_requests_of_a_minute_are_bounded_and_the_rest_goes_elsewhere() {
    let (a, b) = (Scripted::always(ok()), Scripted::always(ok()));
    let router = router(
        settings(),
        [deployment("m", "a", &a).with_rpm(2).with_order(0), deployment("m", "b", &b).with_order(1)],
    );
    let mut answered = Vec::new();
    for _ in 0..4 {
        answered.push(ask(&router).await.unwrap());
    }
    assert_eq!(answered, ["a", "a", "b", "b"]);
    advance(seconds(62)).await;
    assert_eq!(ask(&router).await.unwrap(), "a");
}

#[tokio::test(start_paused = true)]
async fn where_all_are_at_their_rate_the_error_says_when_to_come_back() {
    let a = Scripted::always(ok());
    let router = router(settings(), [deployment("m", "a", &a).with_rpm(1)]);
    ask(&router).await.unwrap();
    advance(seconds(21)).await;
    let error = ask(&router).await.unwrap_err();
    assert_eq!((error.kind(), error.retry_after(), error.attempts()), (ErrorKind::Throttled, Some(seconds(40)), 0));
    assert!(error.to_string().contains("`a` is at its rpm"), "{error}");
    assert_eq!(a.count(), 1);
}

#[tokio::test(start_paused = true)]
async fn the_rest_of_a_models_rate_goes_to_its_fallback() {
    let (a, b) = (Scripted::always(ok()), Scripted::always(ok()));
    let router = router(
        settings().with_fallbacks("m", ["other"]),
        [deployment("m", "a", &a).with_rpm(1), deployment("other", "b", &b)],
    );
    assert_eq!((ask(&router).await.unwrap(), ask(&router).await.unwrap()), ("a".to_owned(), "b".to_owned()));
}

#[tokio::test(start_paused = true)]
async fn tokens_are_counted_as_the_model_reports_them() {
    let a = Scripted::with(Vec::<crate::scripted::Step>::new(), ok(), Some(60));
    let router = router(settings(), [deployment("m", "a", &a).with_tpm(100)]);
    ask(&router).await.unwrap();
    assert_eq!(router.health().await[0].state.tokens, 60);
    ask(&router).await.unwrap();
    let error = ask(&router).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Throttled);
    assert!(error.to_string().contains("at its tpm"), "{error}");
    advance(seconds(62)).await;
    ask(&router).await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn tokens_nobody_reports_are_estimated() {
    let a = Scripted::with(Vec::<crate::scripted::Step>::new(), ok(), None);
    let router = router(settings(), [deployment("m", "a", &a)]);
    ask(&router).await.unwrap();
    // Four bytes and a message's frame in the prompt, eight bytes in the answer.
    assert_eq!(router.health().await[0].state.tokens, (1 + 4) + 2);
}

#[tokio::test(start_paused = true)]
async fn no_more_calls_run_at_a_time_than_allowed_and_the_others_wait_their_turn() {
    let a = Scripted::always(ok_after(1));
    let router = router(settings(), [deployment("m", "a", &a).with_max_parallel_requests(2)]);
    let started = Instant::now();
    let ends = join_all((0..8).map(|index| {
        let router = &router;
        async move {
            let reply = router.chat(request("m"), &CallContext::new()).await.unwrap();
            (index, started.elapsed(), decided(&reply.meta, "queued").len())
        }
    }))
    .await;
    assert_eq!((a.most_active(), in_flight(&router).await), (2, 0));
    // First come, first served: two every second.
    let expected: Vec<_> = (0..8).map(|index| (index, seconds(1 + index / 2), usize::from(index > 1))).collect();
    assert_eq!(ends, expected);
}

#[tokio::test(start_paused = true)]
async fn a_late_comer_does_not_overtake_the_queue() {
    let a = Scripted::always(ok_after(2));
    let router = router(settings(), [deployment("m", "a", &a).with_max_parallel_requests(1)]);
    let waiting = async {
        join_all((0..2).map(|_| ask(&router))).await;
        Instant::now()
    };
    let late = async {
        // Comes in the very moment in which the first call ends.
        sleep(seconds(2)).await;
        ask(&router).await.unwrap();
        Instant::now()
    };
    let (waited, late) = join(waiting, late).await;
    assert!(waited < late, "{waited:?} {late:?}");
}

#[tokio::test(start_paused = true)]
async fn another_deployments_free_place_is_taken_at_once() {
    let (a, b) = (Scripted::always(ok_after(5)), Scripted::always(ok_after(5)));
    let router = router(
        settings(),
        [("a", &a), ("b", &b)].map(|(id, provider)| deployment("m", id, provider).with_max_parallel_requests(1)),
    );
    let started = Instant::now();
    join_all((0..2).map(|_| ask(&router))).await;
    assert_eq!((started.elapsed(), a.count(), b.count()), (seconds(5), 1, 1));
}

#[tokio::test(start_paused = true)]
async fn the_queue_ends_in_a_fallback_or_an_error() {
    let (a, b) = (Scripted::always(ok_after(50)), Scripted::always(ok()));
    let full = || deployment("m", "a", &a).with_max_parallel_requests(1);
    let alone = router(settings().with_queue_timeout(seconds(3)), [full()]);
    let (first, second) = join(ask(&alone), ask(&alone)).await;
    let error = second.unwrap_err();
    assert_eq!((first.unwrap().as_str(), error.kind(), error.attempts()), ("a", ErrorKind::Overloaded, 0));
    assert!(error.to_string().contains("max_parallel_requests"), "{error}");

    let router = router(
        settings().with_queue_timeout(seconds(3)).with_fallbacks("m", ["other"]),
        [full(), deployment("other", "b", &b)],
    );
    let started = Instant::now();
    let ((), reply) = join(
        async {
            ask(&router).await.unwrap();
        },
        async {
            let reply = router.chat(request("m"), &CallContext::new()).await.unwrap();
            (reply.value.model, started.elapsed())
        },
    )
    .await;
    assert_eq!(reply, ("b".to_owned(), seconds(3)));
}

#[tokio::test(start_paused = true)]
async fn dropping_a_call_gives_its_place_back() {
    let a = Scripted::always(ok_after(10));
    let router = router(settings(), [deployment("m", "a", &a).with_max_parallel_requests(1)]);
    tokio::time::timeout(seconds(1), ask(&router)).await.unwrap_err();
    assert_eq!((in_flight(&router).await, a.active()), (0, 0));
    // So does dropping one that waits: the next in the queue goes on.
    let mut calls: Vec<_> = (0..3).map(|_| Box::pin(ask(&router))).collect();
    let started = Instant::now();
    let first = calls.remove(0);
    let given_up = tokio::time::timeout(seconds(2), calls.remove(0));
    let (first, (given_up, last)) = join(first, join(given_up, calls.remove(0))).await;
    assert!(first.is_ok() && given_up.is_err() && last.is_ok());
    assert_eq!((started.elapsed(), in_flight(&router).await), (seconds(20), 0));
}

#[tokio::test(start_paused = true)]
async fn limits_hold_across_tasks() {
    let a = Scripted::always(ok_after(1));
    let router = Arc::new(router(settings(), [deployment("m", "a", &a).with_max_parallel_requests(3)]));
    let tasks: Vec<_> = (0..60)
        .map(|_| {
            let router = Arc::clone(&router);
            tokio::spawn(async move { ask(&router).await })
        })
        .collect();
    for task in tasks {
        task.await.unwrap().unwrap();
    }
    assert_eq!((a.most_active(), a.count(), in_flight(&router).await), (3, 60, 0));
}

#[tokio::test(start_paused = true)]
async fn a_failed_attempt_counts_as_a_request_and_counts_no_tokens() {
    let a = Scripted::always(ErrorKind::InvalidRequest);
    let router = router(settings(), [deployment("m", "a", &a)]);
    ask(&router).await.unwrap_err();
    let state = router.health().await[0].state.clone();
    assert_eq!((state.requests, state.tokens, state.reserved_tokens), (1, 0, 0));
}

#[tokio::test(start_paused = true)]
async fn a_caller_that_asks_again_and_again_does_not_starve_the_queue() {
    let a = Scripted::always(ok_after(1));
    let router = router(settings(), [deployment("m", "a", &a).with_max_parallel_requests(1)]);
    let started = Instant::now();
    let greedy = async {
        for _ in 0..10 {
            // Asks in the very moment in which it gave its place back, before anyone else runs.
            ask(&router).await.unwrap();
        }
    };
    let patient = async {
        ask(&router).await.unwrap();
        started.elapsed()
    };
    let ((), waited) = join(greedy, patient).await;
    assert_eq!(waited, seconds(2));
}
