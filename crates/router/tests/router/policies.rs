//! What the operator sets for sorts of failures and for single deployments.

use std::time::Duration;

use sagewire_router::{BuildError, Circuit, FailurePolicy, FailureSort, Router};
use sagewire_types::{CallContext, ErrorKind, Provider, Retries};

use crate::scripted::{Scripted, Step, ask, ask_for, deployment, ok, ordered, request, router, settings};

async fn circuit(router: &Router, id: &str) -> Circuit {
    let health = router.health().await;
    health.iter().find(|status| status.id == id).unwrap().state.circuit
}

#[tokio::test(start_paused = true)]
async fn the_sort_of_a_failure_says_how_many_retries_a_call_has() {
    let policy = FailurePolicy::new().with(FailureSort::RateLimit, 4).with(FailureSort::Timeout, 0);
    for (kind, asked) in [(ErrorKind::Throttled, 5), (ErrorKind::Timeout, 1), (ErrorKind::Connection, 2)] {
        let a = Scripted::always(kind);
        let router = ordered(settings().with_num_retries(1).with_retry_policy(policy), &[&a]);
        assert_eq!((ask(&router).await.unwrap_err().kind(), a.count()), (kind, asked), "{kind}");
    }
}

#[tokio::test(start_paused = true)]
async fn the_latest_failure_counts_and_the_retries_already_made_stay_made() {
    let a = Scripted::with([ErrorKind::Throttled, ErrorKind::Throttled], Step::from(ErrorKind::Timeout), None);
    let policy = FailurePolicy::new().with(FailureSort::RateLimit, 9).with(FailureSort::Timeout, 3);
    let error = ask(&ordered(settings().with_retry_policy(policy), &[&a])).await.unwrap_err();
    assert_eq!((error.kind(), a.count()), (ErrorKind::Timeout, 4));
}

#[tokio::test(start_paused = true)]
async fn a_sort_with_a_number_is_retried_although_it_would_not_be() {
    for (sort, kind) in [
        (FailureSort::BadRequest, ErrorKind::InvalidRequest),
        (FailureSort::Authentication, ErrorKind::Permission),
        (FailureSort::NotFound, ErrorKind::NotFound),
    ] {
        let a = Scripted::new([kind, kind]);
        let policy = FailurePolicy::new().with(sort, 2);
        let router = ordered(settings().with_num_retries(0).with_retry_policy(policy), &[&a]);
        assert_eq!((ask(&router).await.unwrap().as_str(), a.count()), ("a", 3), "{kind}");
        let never = Scripted::always(kind);
        let router = ordered(settings().with_num_retries(5).with_retry_policy(FailurePolicy::new()), &[&never]);
        assert_eq!((ask(&router).await.unwrap_err().kind(), never.count()), (kind, 1), "{kind}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_model_may_have_a_policy_of_its_own() {
    let (a, b) = (Scripted::always(ErrorKind::Throttled), Scripted::always(ErrorKind::Throttled));
    let rate_limits = |number| FailurePolicy::new().with(FailureSort::RateLimit, number);
    let router = router(
        settings().with_retry_policy(rate_limits(3)).with_model_group_retry_policy("m", rate_limits(1)),
        [deployment("m", "a", &a), deployment("other", "b", &b)],
    );
    ask(&router).await.unwrap_err();
    ask_for(&router, "other").await.unwrap_err();
    assert_eq!((a.count(), b.count()), (2, 4));

    let missing = Router::builder()
        .deployment(deployment("m", "a", &a))
        .settings(settings().with_model_group_retry_policy("gone", rate_limits(1)))
        .build();
    let expected = BuildError::UnknownModel { setting: "model_group_retry_policy", name: "gone".to_owned() };
    assert_eq!(missing.unwrap_err(), expected);
}

#[tokio::test(start_paused = true)]
async fn a_deployment_may_have_its_own_number_of_retries() {
    let a = Scripted::always(ErrorKind::Connection);
    let deployments = [deployment("m", "a", &a).with_num_retries(4)];
    ask(&router(settings().with_num_retries(1), deployments)).await.unwrap_err();
    assert_eq!(a.count(), 5);

    let (a, b) = (Scripted::always(ErrorKind::Connection), Scripted::always(ok()));
    let deployments =
        [deployment("m", "a", &a).with_order(0).with_num_retries(0), deployment("m", "b", &b).with_order(1)];
    ask(&router(settings(), deployments)).await.unwrap_err();
    assert_eq!((a.count(), b.count()), (1, 0));
}

#[tokio::test(start_paused = true)]
async fn a_policy_stands_above_a_deployments_number_and_a_caller_that_retries_above_both() {
    let a = Scripted::always(ErrorKind::Throttled);
    let policy = FailurePolicy::new().with(FailureSort::RateLimit, 2);
    let router = router(settings().with_retry_policy(policy), [deployment("m", "a", &a).with_num_retries(7)]);
    ask(&router).await.unwrap_err();
    assert_eq!(a.count(), 3);
    let context = CallContext::new().with_retries(Retries::Caller);
    router.chat(request("m"), &context).await.unwrap_err();
    assert_eq!(a.count(), 4);
}

#[tokio::test(start_paused = true)]
async fn a_deployment_may_rest_sooner_and_longer_than_others_or_never() {
    let down = || Scripted::always(ErrorKind::Connection);
    let (a, b, c) = (down(), down(), Scripted::always(ok()));
    let router = router(
        settings(),
        [
            deployment("m", "a", &a).with_order(0).with_allowed_fails(0).with_cooldown_time(Duration::from_secs(90)),
            deployment("m", "b", &b).with_order(1).with_allowed_fails(0).with_cooldown_time(Duration::ZERO),
            deployment("m", "c", &c).with_order(2),
        ],
    );
    for _ in 0..3 {
        assert_eq!(ask(&router).await.unwrap(), "c");
    }
    assert_eq!((a.count(), b.count()), (1, 3));
    assert_eq!(circuit(&router, "a").await, Circuit::CoolingDown { ends_in: Duration::from_secs(90) });
    assert_eq!(circuit(&router, "b").await, Circuit::Closed);
}

#[tokio::test(start_paused = true)]
async fn the_sort_of_a_failure_says_how_many_of_it_a_deployment_may_have() {
    let policy = FailurePolicy::new().with(FailureSort::RateLimit, 10).with(FailureSort::BadRequest, 0);
    let settings = || settings().with_allowed_fails(0).with_allowed_fails_policy(policy);
    let (a, b) = (Scripted::always(ErrorKind::Throttled), Scripted::always(ok()));
    let limited = ordered(settings(), &[&a, &b]);
    for _ in 0..20 {
        assert_eq!(ask(&limited).await.unwrap(), "b");
    }
    assert_eq!(a.count(), 11);

    let (a, b) = (Scripted::always(ErrorKind::InvalidRequest), Scripted::always(ok()));
    let strict = ordered(settings(), &[&a, &b]);
    ask(&strict).await.unwrap_err();
    assert_eq!(ask(&strict).await.unwrap(), "b", "named, so it is counted");
}

#[tokio::test(start_paused = true)]
async fn a_call_goes_through_no_more_fallbacks_than_allowed() {
    for (most, answered) in [(0, None), (1, None), (2, Some("c"))] {
        let down = || Scripted::always(ErrorKind::Connection);
        let (a, b, c) = (down(), down(), Scripted::always(ok()));
        let settings = settings().with_num_retries(0).with_max_fallbacks(most).with_fallbacks("m", ["second", "third"]);
        let router =
            router(settings, [deployment("m", "a", &a), deployment("second", "b", &b), deployment("third", "c", &c)]);
        assert_eq!(ask(&router).await.ok().as_deref(), answered, "{most}");
        assert_eq!(b.count(), usize::from(most > 0), "{most}");
    }
}

#[tokio::test(start_paused = true)]
async fn models_with_a_larger_context_count_as_fallbacks() {
    for (most, answered) in [(0, None), (1, Some("b"))] {
        let (a, b) = (Scripted::always(ErrorKind::ContextTooLong), Scripted::always(ok()));
        let settings = settings().with_max_fallbacks(most).with_context_window_fallbacks("m", ["large"]);
        let router = router(settings, [deployment("m", "a", &a), deployment("large", "b", &b)]);
        assert_eq!(ask(&router).await.ok().as_deref(), answered, "{most}");
    }
}
