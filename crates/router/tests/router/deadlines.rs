//! How long a call may go on, all its attempts together.

use std::time::Duration;

use sagewire_types::{CallContext, ErrorKind, Provider};
use tokio::time::{Instant, sleep, timeout};

use crate::scripted::{Scripted, Step, ask, deployment, in_flight, ok, ok_after, ordered, request, router, settings};

fn seconds(seconds: u64) -> Duration {
    Duration::from_secs(seconds)
}

fn within(limit: Duration) -> CallContext {
    CallContext::new().with_deadline((Instant::now() + limit).into_std())
}

#[tokio::test(start_paused = true)]
async fn a_deadline_spans_all_attempts() {
    let (a, b) = (Scripted::always(Step::Fail(ErrorKind::Connection, seconds(3))), Scripted::always(ok_after(60)));
    let router = ordered(settings(), &[&a, &b]);
    let started = Instant::now();
    let error = router.chat(request("m"), &within(seconds(5))).await.unwrap_err();
    assert_eq!((error.kind(), started.elapsed()), (ErrorKind::Timeout, seconds(5)));
    assert_eq!(error.attempts(), 2);
    assert_eq!((b.active(), in_flight(&router).await), (0, 0));
    assert!(error.to_string().contains("tried `a` connection, `b` timeout"), "{error}");
}

#[tokio::test(start_paused = true)]
async fn a_pause_that_would_outlast_the_deadline_is_not_begun() {
    let a = Scripted::always(Step::FailFor(ErrorKind::Throttled, seconds(30)));
    let router = ordered(settings(), &[&a]);
    let started = Instant::now();
    let error = router.chat(request("m"), &within(seconds(10))).await.unwrap_err();
    assert_eq!((error.kind(), started.elapsed(), a.count()), (ErrorKind::Throttled, Duration::ZERO, 1));
}

#[tokio::test(start_paused = true)]
async fn a_deadline_that_has_passed_sends_nothing() {
    let a = Scripted::always(ok());
    let context = within(seconds(1));
    sleep(seconds(1)).await;
    let error = ordered(settings(), &[&a]).chat(request("m"), &context).await.unwrap_err();
    assert_eq!((error.kind(), error.attempts(), a.count()), (ErrorKind::Timeout, 0, 0));
}

#[tokio::test(start_paused = true)]
async fn a_deployments_own_limit_ends_one_attempt_and_counts_against_it() {
    let (a, b) = (Scripted::always(Step::Hang), Scripted::always(ok()));
    let router = router(
        settings().with_allowed_fails(0),
        [
            deployment("m", "a", &a).with_timeout(seconds(4)).with_stream_timeout(seconds(2)).with_order(0),
            deployment("m", "b", &b).with_order(1),
        ],
    );
    let started = Instant::now();
    let stream = router.chat_stream(request("m"), &CallContext::new()).await.unwrap();
    assert_eq!((stream.collect_reply().await.unwrap().value.model.as_str(), a.count()), ("b", 1));
    assert_eq!(started.elapsed(), seconds(2 + 2), "two seconds until the limit, two between the chunks");
    assert_eq!(router.health().await[0].state.failures, 1);
    sleep(seconds(10)).await;
    let started = Instant::now();
    assert_eq!(ask(&router).await.unwrap(), "b");
    assert_eq!((started.elapsed(), a.count()), (seconds(4), 2));
    assert_eq!(a.asked()[1].answer_by, Some((a.asked()[1].at + seconds(4)).into_std()));
}

#[tokio::test(start_paused = true)]
async fn the_routers_limit_counts_against_a_deployment_that_hangs_and_the_callers_haste_does_not() {
    let a = Scripted::always(Step::Hang);
    let router = ordered(settings().with_timeout(seconds(20)), &[&a]);
    let hasty = router.chat(request("m"), &within(seconds(1))).await.unwrap_err();
    assert_eq!((hasty.kind(), router.health().await[0].state.failures), (ErrorKind::Timeout, 0));
    let started = Instant::now();
    let error = ask(&router).await.unwrap_err();
    assert_eq!((error.kind(), started.elapsed()), (ErrorKind::Timeout, seconds(20)));
    assert_eq!(router.health().await[0].state.failures, 1);
}

#[tokio::test(start_paused = true)]
async fn a_stream_may_have_a_limit_of_its_own() {
    let a = Scripted::always(Step::Hang);
    let router = ordered(settings().with_timeout(seconds(20)).with_stream_timeout(seconds(3)), &[&a]);
    let started = Instant::now();
    let error = router.chat_stream(request("m"), &CallContext::new()).await.unwrap_err();
    assert_eq!((error.kind(), started.elapsed()), (ErrorKind::Timeout, seconds(3)));
}

#[tokio::test(start_paused = true)]
async fn giving_up_ends_an_attempt_a_pause_and_a_wait_in_the_queue() {
    let hanging = Scripted::always(Step::Hang);
    let pausing = Scripted::always(ErrorKind::Overloaded);
    let router = router(
        settings().with_retry_after(seconds(30)),
        [deployment("hanging", "a", &hanging).with_max_parallel_requests(1), deployment("pausing", "b", &pausing)],
    );
    for (model, times) in [("hanging", 1), ("pausing", 1), ("hanging", 2)] {
        let started = Instant::now();
        let context = CallContext::new();
        let calls = futures_util::future::join_all((0..times).map(|_| router.chat(request(model), &context)));
        assert!(timeout(seconds(2), calls).await.is_err(), "{model}");
        assert_eq!((started.elapsed(), in_flight(&router).await), (seconds(2), 0), "{model}");
    }
    assert_eq!(router.health().await[0].state.failures, 0);
}

#[tokio::test(start_paused = true)]
async fn a_deployments_limit_holds_for_streams_too_where_they_have_none_of_their_own() {
    let a = Scripted::always(Step::Hang);
    let router = router(settings().with_num_retries(0), [deployment("m", "a", &a).with_timeout(seconds(4))]);
    let started = Instant::now();
    let error = router.chat_stream(request("m"), &CallContext::new()).await.unwrap_err();
    assert_eq!((error.kind(), error.attempts(), started.elapsed()), (ErrorKind::Timeout, 1, seconds(4)));
    assert!(error.to_string().contains("deployment `a` gave no answer within its time limit of 4 s"), "{error}");
}
