//! What is different for an answer that comes in pieces.

use std::time::Duration;

use futures_util::{StreamExt, future::join};
use sagewire_router::Circuit;
use sagewire_types::{CallContext, ErrorKind, Provider};
use tokio::time::{Instant, sleep, timeout};

use crate::scripted::{Scripted, Step, ask, deployment, in_flight, ok, ordered, request, router, settings};

#[tokio::test(start_paused = true)]
async fn before_the_first_chunk_a_stream_goes_elsewhere() {
    let (a, b) = (Scripted::always(ErrorKind::StreamBroken), Scripted::always(ok()));
    let router = ordered(settings(), &[&a, &b]);
    let stream = router.chat_stream(request("m"), &CallContext::new()).await.unwrap();
    assert_eq!(stream.meta.attempts, 2);
    assert_eq!(stream.collect_reply().await.unwrap().value.model, "b");
}

#[tokio::test(start_paused = true)]
async fn after_the_first_chunk_it_ends_in_its_error_and_counts_as_a_failure() {
    let (a, b) = (Scripted::always(Step::Break(2, ErrorKind::StreamBroken)), Scripted::always(ok()));
    let router = ordered(settings().with_allowed_fails(0), &[&a, &b]);
    let mut stream = router.chat_stream(request("m"), &CallContext::new()).await.unwrap();
    assert!(stream.next().await.unwrap().is_ok() && stream.next().await.unwrap().is_ok());
    assert_eq!(stream.next().await.unwrap().unwrap_err().kind(), ErrorKind::StreamBroken);
    assert!(stream.next().await.is_none());
    assert_eq!((a.count(), b.count(), in_flight(&router).await), (1, 0, 0));
    assert!(matches!(router.health().await[0].state.circuit, Circuit::CoolingDown { .. }));
}

#[tokio::test(start_paused = true)]
async fn a_stream_holds_its_place_until_it_ends_or_is_dropped() {
    let a = Scripted::always(ok());
    let router = router(settings(), [deployment("m", "a", &a).with_max_parallel_requests(1)]);
    let stream = router.chat_stream(request("m"), &CallContext::new()).await.unwrap();
    assert_eq!(in_flight(&router).await, 1);
    let started = Instant::now();
    let dropping = async {
        sleep(Duration::from_secs(7)).await;
        drop(stream);
    };
    let (next, ()) = join(ask(&router), dropping).await;
    assert_eq!((next.unwrap().as_str(), started.elapsed()), ("a", Duration::from_secs(7)));

    let mut stream = router.chat_stream(request("m"), &CallContext::new()).await.unwrap();
    while stream.next().await.is_some() {}
    // It has ended, though it is still there.
    assert_eq!(in_flight(&router).await, 0);
    drop(stream);
    assert_eq!(in_flight(&router).await, 0);
}

#[tokio::test(start_paused = true)]
async fn a_streams_tokens_are_those_of_its_usage_or_of_what_came() {
    let a = Scripted::with(Vec::<Step>::new(), ok(), Some(33));
    let reporting = router(settings(), [deployment("m", "a", &a)]);
    reporting.chat_stream(request("m"), &CallContext::new()).await.unwrap().collect_reply().await.unwrap();
    assert_eq!(reporting.health().await[0].state.tokens, 33);

    let b = Scripted::with(Vec::<Step>::new(), ok(), None);
    let silent = router(settings(), [deployment("m", "b", &b)]);
    let mut stream = silent.chat_stream(request("m"), &CallContext::new()).await.unwrap();
    stream.next().await.unwrap().unwrap();
    let reserved = silent.health().await[0].state.reserved_tokens;
    drop(stream);
    let state = silent.health().await[0].state.clone();
    assert_eq!((reserved, state.reserved_tokens, state.tokens), (5, 0, 5 + 1));
}

#[tokio::test(start_paused = true)]
async fn the_first_chunk_ends_a_probe_and_the_stream_goes_on() {
    let a = Scripted::new([ErrorKind::Connection]);
    let router = ordered(settings().with_allowed_fails(0).with_num_retries(0), &[&a]);
    ask(&router).await.unwrap_err();
    let stream = router.chat_stream(request("m"), &CallContext::new()).await.unwrap();
    assert_eq!(router.health().await[0].state.circuit, Circuit::Closed);
    drop(stream);
    assert_eq!(router.health().await[0].state.circuit, Circuit::Closed);
}

#[tokio::test(start_paused = true)]
async fn the_deadline_spans_the_stream() {
    let a = Scripted::always(Step::Stall);
    let router = ordered(settings(), &[&a]);
    let started = Instant::now();
    let context = CallContext::new().with_deadline((started + Duration::from_secs(9)).into_std());
    let mut stream = router.chat_stream(request("m"), &context).await.unwrap();
    assert!(stream.next().await.unwrap().is_ok());
    assert_eq!(stream.next().await.unwrap().unwrap_err().kind(), ErrorKind::Timeout);
    assert_eq!(started.elapsed(), Duration::from_secs(9));
    assert!(stream.next().await.is_none());
    assert_eq!((a.active(), in_flight(&router).await), (0, 0));
    // The caller's haste is not the deployment's failure.
    assert_eq!(router.health().await[0].state.failures, 0);
}

#[tokio::test(start_paused = true)]
async fn giving_up_ends_the_stream() {
    let a = Scripted::always(Step::Stall);
    let router = ordered(settings(), &[&a]);
    let mut stream = router.chat_stream(request("m"), &CallContext::new()).await.unwrap();
    assert!(stream.next().await.unwrap().is_ok());
    assert!(timeout(Duration::from_secs(1), stream.next()).await.is_err());
    assert_eq!((a.active(), in_flight(&router).await), (1, 1));
    drop(stream);
    assert_eq!((a.active(), in_flight(&router).await), (0, 0));
}

#[tokio::test(start_paused = true)]
async fn a_time_limit_of_the_router_ends_with_the_first_chunk() {
    let a = Scripted::always(ok());
    let limits = settings().with_timeout(Duration::from_millis(500));
    let router = router(limits, [deployment("m", "a", &a).with_timeout(Duration::from_millis(500))]);
    let stream = router.chat_stream(request("m"), &CallContext::new()).await.unwrap();
    // Its chunks come a second apart.
    assert_eq!(stream.collect_reply().await.unwrap().value.content(), "abcdefgh");
    let asked = &a.asked()[0];
    assert_eq!((asked.deadline, asked.answer_by), (None, Some((asked.at + Duration::from_millis(500)).into_std())));
}

#[tokio::test(start_paused = true)]
async fn a_provider_that_ends_its_stream_at_the_callers_deadline_is_not_to_blame() {
    for (seconds, failures) in [(1, 0), (60, 1)] {
        let a = Scripted::always(Step::Break(1, ErrorKind::Timeout));
        let router = ordered(settings(), &[&a]);
        let deadline = Instant::now() + Duration::from_secs(seconds);
        let context = CallContext::new().with_deadline(deadline.into_std());
        let stream = router.chat_stream(request("m"), &context).await.unwrap();
        assert_eq!(stream.collect_reply().await.unwrap_err().kind(), ErrorKind::Timeout);
        assert_eq!(router.health().await[0].state.failures, failures, "deadline after {seconds} s");
    }
}

#[tokio::test(start_paused = true)]
async fn a_stream_that_was_a_probe_ends_no_other_probe() {
    let (a, b) = (Scripted::new([ErrorKind::Connection]), Scripted::always(ok()));
    let router = ordered(settings().with_allowed_fails(0), &[&a, &b]);
    ask(&router).await.unwrap();
    sleep(Duration::from_secs(6)).await;
    let first_probe = router.chat_stream(request("m"), &CallContext::new()).await.unwrap();
    a.script([ErrorKind::Connection]);
    ask(&router).await.unwrap();
    sleep(Duration::from_secs(6)).await;
    a.script([Step::Hang]);
    let second_probe = ask(&router);
    let check = async {
        drop(first_probe);
        router.health().await[0].state.circuit
    };
    let (_, circuit) = join(timeout(Duration::from_secs(1), second_probe), check).await;
    assert_eq!(circuit, Circuit::HalfOpen { probing: true });
}
