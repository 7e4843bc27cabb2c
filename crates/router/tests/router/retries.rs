//! What is tried again, where, and how often.

use std::time::Duration;

use futures_util::StreamExt;
use sagewire_router::{FailurePolicy, FailureSort};
use sagewire_types::{CallContext, CompletionRequest, EmbedRequest, ErrorKind, Provider, Retries};
use tokio::time::Instant;

use crate::scripted::{Scripted, Step, Tenant, ask, deployment, ok, ordered, request, router, settings};

#[tokio::test(start_paused = true)]
async fn a_transient_failure_goes_to_another_deployment_at_once() {
    for kind in [
        ErrorKind::Throttled,
        ErrorKind::ModelNotReady,
        ErrorKind::Overloaded,
        ErrorKind::ServiceFailed,
        ErrorKind::Timeout,
        ErrorKind::Connection,
        ErrorKind::StreamBroken,
    ] {
        let (a, b) = (Scripted::always(kind), Scripted::always(ok()));
        let started = Instant::now();
        let router = ordered(settings(), &[&a, &b]);
        let reply = router.chat(request("m"), &CallContext::new()).await.unwrap();
        assert_eq!((reply.value.model.as_str(), reply.meta.attempts), ("b", 2), "{kind}");
        assert_eq!(started.elapsed(), Duration::ZERO, "{kind}");
    }
}

#[tokio::test(start_paused = true)]
async fn what_the_request_caused_is_never_retried() {
    for kind in [ErrorKind::InvalidRequest, ErrorKind::Unsupported, ErrorKind::ContextTooLong, ErrorKind::Cancelled] {
        let (a, b) = (Scripted::always(kind), Scripted::always(ok()));
        let error = ask(&ordered(settings(), &[&a, &b])).await.unwrap_err();
        assert_eq!((error.kind(), error.attempts(), b.count()), (kind, 1, 0));
    }
}

#[tokio::test(start_paused = true)]
async fn what_one_deployment_alone_gets_wrong_is_tried_elsewhere_and_not_repeated_there() {
    for kind in [
        ErrorKind::Configuration,
        ErrorKind::Authentication,
        ErrorKind::Permission,
        ErrorKind::NotFound,
        ErrorKind::ModelFailed,
        ErrorKind::Decode,
    ] {
        let (a, b) = (Scripted::always(kind), Scripted::always(ok()));
        assert_eq!(ask(&ordered(settings(), &[&a, &b])).await.unwrap(), "b", "{kind}");
        let alone = Scripted::always(kind);
        let error = ask(&ordered(settings(), &[&alone])).await.unwrap_err();
        assert_eq!((error.kind(), alone.count()), (kind, 1), "{kind}");
    }
}

#[tokio::test(start_paused = true)]
async fn the_same_deployment_is_asked_again_only_after_growing_pauses() {
    let a = Scripted::new([ErrorKind::Overloaded, ErrorKind::Overloaded]);
    let router = ordered(settings(), &[&a]);
    assert_eq!(ask(&router).await.unwrap(), "a");
    let asked = a.asked();
    let pauses: Vec<_> = asked.windows(2).map(|pair| pair[1].at - pair[0].at).collect();
    let millis = |from, to| Duration::from_millis(from)..=Duration::from_millis(to);
    assert!(millis(250, 501).contains(&pauses[0]) && millis(500, 1001).contains(&pauses[1]), "{pauses:?}");
}

#[tokio::test(start_paused = true)]
async fn another_deployment_comes_before_the_same_one_again() {
    let (a, b) = (Scripted::new([ErrorKind::Overloaded]), Scripted::always(ErrorKind::Permission));
    assert_eq!(ask(&ordered(settings(), &[&a, &b])).await.unwrap(), "a");
    assert_eq!((a.count(), b.count()), (2, 1));
    assert!(a.asked()[1].at > b.asked()[0].at);
}

#[tokio::test(start_paused = true)]
async fn the_budget_is_one_for_the_whole_call() {
    for num_retries in 0..4 {
        let providers = [(); 3].map(|()| Scripted::always(ErrorKind::ServiceFailed));
        let router = ordered(settings().with_num_retries(num_retries), &[&providers[0], &providers[1], &providers[2]]);
        let error = ask(&router).await.unwrap_err();
        let asked: usize = providers.iter().map(|provider| provider.count()).sum();
        assert_eq!(asked, 1 + num_retries as usize);
        assert_eq!((error.kind(), error.attempts()), (ErrorKind::ServiceFailed, 1 + num_retries));
    }
}

#[tokio::test(start_paused = true)]
async fn a_wait_that_the_service_asks_for_is_kept() {
    let a = Scripted::new([Step::FailFor(ErrorKind::Throttled, Duration::from_secs(20))]);
    assert_eq!(ask(&ordered(settings(), &[&a])).await.unwrap(), "a");
    let waited = a.asked()[1].at - a.asked()[0].at;
    assert!(waited >= Duration::from_secs(20), "{waited:?}");
}

#[tokio::test(start_paused = true)]
async fn a_wait_of_more_than_a_minute_is_the_callers_to_decide() {
    let a = Scripted::new([Step::FailFor(ErrorKind::Throttled, Duration::from_secs(90))]);
    let error = ask(&ordered(settings(), &[&a])).await.unwrap_err();
    assert_eq!(
        (error.kind(), error.retry_after(), a.count()),
        (ErrorKind::Throttled, Some(Duration::from_secs(90)), 1)
    );
}

#[tokio::test(start_paused = true)]
async fn the_operators_least_wait_is_kept() {
    let a = Scripted::new([ErrorKind::Overloaded]);
    let router = ordered(settings().with_retry_after(Duration::from_secs(5)), &[&a]);
    assert_eq!(ask(&router).await.unwrap(), "a");
    assert!(a.asked()[1].at - a.asked()[0].at >= Duration::from_secs(5));
}

#[tokio::test(start_paused = true)]
async fn what_the_provider_says_of_the_case_decides() {
    let (a, b) = (Scripted::always(Step::FailButSays(ErrorKind::Timeout, false)), Scripted::always(ok()));
    let error = ask(&ordered(settings(), &[&a, &b])).await.unwrap_err();
    assert_eq!((error.kind(), b.count()), (ErrorKind::Timeout, 0));
    let a = Scripted::new([Step::FailButSays(ErrorKind::ModelFailed, true)]);
    assert_eq!(ask(&ordered(settings(), &[&a])).await.unwrap(), "a");
}

#[tokio::test(start_paused = true)]
async fn the_provider_below_makes_one_attempt_and_sees_the_callers_context() {
    let a = Scripted::always(ok());
    let router = ordered(settings(), &[&a]);
    let context = CallContext::new().with(Tenant("caller"));
    router.chat(request("m"), &context).await.unwrap();
    assert_eq!((a.asked()[0].retries, a.asked()[0].tenant), (Retries::Caller, Some("caller")));
}

#[tokio::test(start_paused = true)]
async fn a_request_is_copied_only_while_another_attempt_may_need_it() {
    let policy = FailurePolicy::new().with(FailureSort::RateLimit, 1);
    let connection = || Scripted::always(ErrorKind::Connection);
    // The settings, how many attempts they allow, and the model's deployments.
    for (settings, attempts, deployments) in [
        (settings().with_num_retries(0), 1, vec![connection()]),
        (settings().with_num_retries(1), 2, vec![connection()]),
        (settings().with_num_retries(0).with_retry_policy(policy), 1, vec![connection(), connection()]),
        (settings().with_num_retries(2), 3, vec![connection(), connection()]),
    ] {
        let router = ordered(settings.with_allowed_fails(99), &deployments.iter().collect::<Vec<_>>());
        let request = request("m");
        let original = request.messages.as_ptr() as usize;
        router.chat(request, &CallContext::new()).await.unwrap_err();
        let mut asked: Vec<_> = deployments.iter().flat_map(|provider| provider.asked()).collect();
        asked.sort_by_key(|asked| asked.at);
        assert_eq!(asked.len(), attempts);
        let is_original: Vec<_> = asked.iter().map(|asked| asked.text_at == original).collect();
        let last = attempts - 1;
        assert!(is_original.iter().take(last).all(|is_original| !is_original), "{is_original:?}");
        // A policy that could grant a retry makes a copy necessary, although it does not grant one here.
        assert_eq!(is_original[last], policy != router.settings().retry_policy, "{is_original:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_router_under_a_router_makes_one_attempt() {
    let (a, b) = (Scripted::always(ErrorKind::Overloaded), Scripted::always(ok()));
    let router =
        router(settings().with_fallbacks("m", ["other"]), [deployment("m", "a", &a), deployment("other", "b", &b)]);
    let error = router.chat(request("m"), &CallContext::new().with_retries(Retries::Caller)).await.unwrap_err();
    assert_eq!((error.kind(), a.count(), b.count()), (ErrorKind::Overloaded, 1, 0));
}

#[tokio::test(start_paused = true)]
async fn all_calls_of_a_provider_are_routed() {
    let (a, b) = (Scripted::always(ErrorKind::Connection), Scripted::always(ok()));
    let router = ordered(settings().with_allowed_fails(99), &[&a, &b]);
    let context = CallContext::new();
    assert_eq!(router.embed(EmbedRequest::new("m", "x"), &context).await.unwrap().value.model, "b");
    assert_eq!(&*router.complete(CompletionRequest::new("m", "x"), &context).await.unwrap().value.model, "b");
    let mut pieces = router.complete_stream(CompletionRequest::new("m", "x"), &context).await.unwrap();
    assert_eq!(&*pieces.next().await.unwrap().unwrap().model, "b");
    assert_eq!(
        router.chat_stream(request("m"), &context).await.unwrap().collect_reply().await.unwrap().value.model,
        "b"
    );
    assert_eq!((a.count(), b.count()), (4, 4));
}

#[tokio::test(start_paused = true)]
async fn each_deployment_is_left_alone_as_long_as_it_asked() {
    let long = Scripted::new([Step::FailFor(ErrorKind::Throttled, Duration::from_secs(20))]);
    let short = Scripted::new([Step::FailFor(ErrorKind::Throttled, Duration::from_secs(2))]);
    // Without cooldowns, so that nothing else keeps the call away.
    let router = ordered(settings().with_cooldown_time(Duration::ZERO), &[&long, &short]);
    let started = Instant::now();
    assert_eq!(ask(&router).await.unwrap(), "b");
    assert_eq!(started.elapsed(), Duration::from_secs(2));
}
