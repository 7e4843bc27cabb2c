//! When a deployment is left alone, and how it comes back.

use std::time::Duration;

use futures_util::future::join_all;
use sagewire_router::Circuit;
use sagewire_types::ErrorKind;
use tokio::time::{Instant, advance};

use crate::scripted::{Scripted, Step, ask, ask_for, deployment, ok, ok_after, ordered, router, settings};

async fn circuit(router: &sagewire_router::Router, id: &str) -> Circuit {
    let health = router.health().await;
    health.iter().find(|status| status.id == id).unwrap().state.circuit
}

#[tokio::test(start_paused = true)]
async fn the_failure_after_the_allowed_ones_takes_a_deployment_out() {
    let (a, b) = (Scripted::always(ErrorKind::ServiceFailed), Scripted::always(ok()));
    let router = ordered(settings().with_allowed_fails(3), &[&a, &b]);
    for _ in 0..10 {
        assert_eq!(ask(&router).await.unwrap(), "b");
    }
    assert_eq!(a.count(), 4);
    assert_eq!(circuit(&router, "a").await, Circuit::CoolingDown { ends_in: Duration::from_secs(5) });
}

#[tokio::test(start_paused = true)]
async fn wrong_credentials_and_a_missing_endpoint_are_failures_of_the_deployment() {
    for kind in [ErrorKind::Authentication, ErrorKind::Permission, ErrorKind::NotFound, ErrorKind::Configuration] {
        let (a, b) = (Scripted::always(kind), Scripted::always(ok()));
        let router = ordered(settings().with_allowed_fails(0), &[&a, &b]);
        ask(&router).await.unwrap();
        assert!(matches!(circuit(&router, "a").await, Circuit::CoolingDown { .. }), "{kind}");
    }
}

#[tokio::test(start_paused = true)]
async fn what_the_request_caused_is_no_failure_of_the_deployment() {
    for kind in [ErrorKind::InvalidRequest, ErrorKind::Unsupported, ErrorKind::ContextTooLong, ErrorKind::ModelFailed] {
        let a = Scripted::always(kind);
        let router = ordered(settings().with_allowed_fails(0), &[&a]);
        for _ in 0..3 {
            ask(&router).await.unwrap_err();
        }
        assert_eq!((circuit(&router, "a").await, a.count()), (Circuit::Closed, 3), "{kind}");
    }
}

#[tokio::test(start_paused = true)]
async fn after_the_cooldown_one_request_at_a_time_finds_out() {
    let (a, b) = (Scripted::new([ErrorKind::Connection]), Scripted::always(ok()));
    let router = ordered(settings().with_allowed_fails(0), &[&a, &b]);
    ask(&router).await.unwrap();
    advance(Duration::from_secs(6)).await;
    assert_eq!(circuit(&router, "a").await, Circuit::HalfOpen { probing: false });

    a.script([ok_after(3)]);
    let answered = join_all((0..5).map(|_| ask(&router))).await;
    let by_a = answered.iter().filter(|answer| answer.as_ref().unwrap() == "a").count();
    assert_eq!((by_a, a.count()), (1, 2));
    assert_eq!(circuit(&router, "a").await, Circuit::Closed);
    assert_eq!(ask(&router).await.unwrap(), "a");
}

#[tokio::test(start_paused = true)]
async fn a_probed_deployment_is_a_better_bet_than_one_that_has_just_failed() {
    let (a, b) = (Scripted::always(ok()), Scripted::always(ok()));
    let router = ordered(settings().with_allowed_fails(1).with_num_retries(1), &[&a, &b]);
    a.script([ErrorKind::Connection; 2]);
    ask(&router).await.unwrap();
    ask(&router).await.unwrap();
    advance(Duration::from_secs(6)).await;
    a.script([ok_after(3), ok()]);
    b.script([ErrorKind::Throttled]);
    // The first call probes a; the second fails on b, which it could ask again after a pause.
    let answered = join_all((0..2).map(|_| ask(&router))).await;
    assert!(answered.iter().all(|answer| answer.as_ref().unwrap() == "a"), "{answered:?}");
    assert_eq!(b.count(), 3);
}

#[tokio::test(start_paused = true)]
async fn a_probe_that_fails_starts_the_cooldown_anew() {
    let (a, b) = (Scripted::always(ErrorKind::Connection), Scripted::always(ok()));
    let router = ordered(settings().with_allowed_fails(2), &[&a, &b]);
    for _ in 0..3 {
        ask(&router).await.unwrap();
    }
    advance(Duration::from_secs(5)).await;
    assert_eq!(ask(&router).await.unwrap(), "b");
    assert_eq!(a.count(), 4);
    assert_eq!(circuit(&router, "a").await, Circuit::CoolingDown { ends_in: Duration::from_secs(5) });
}

#[tokio::test(start_paused = true)]
async fn a_probe_that_is_given_up_makes_room_for_another() {
    let (a, b) = (Scripted::new([ErrorKind::Connection]), Scripted::always(ok()));
    let router = ordered(settings().with_allowed_fails(0), &[&a, &b]);
    ask(&router).await.unwrap();
    advance(Duration::from_secs(6)).await;
    a.script([Step::Hang]);
    tokio::time::timeout(Duration::from_secs(1), ask(&router)).await.unwrap_err();
    assert_eq!(circuit(&router, "a").await, Circuit::HalfOpen { probing: false });
    assert_eq!(ask(&router).await.unwrap(), "a");
}

#[tokio::test(start_paused = true)]
async fn where_all_are_cooling_down_the_one_that_ends_first_is_asked_rather_than_none() {
    let (a, b) = (Scripted::new([ErrorKind::Connection]), Scripted::new([ErrorKind::Connection]));
    let router = ordered(settings().with_allowed_fails(0).with_num_retries(0), &[&a, &b]);
    ask(&router).await.unwrap_err();
    advance(Duration::from_secs(1)).await;
    ask(&router).await.unwrap_err();
    let started = Instant::now();
    // Deployment a has 4 seconds left, b has 5.
    assert_eq!(ask(&router).await.unwrap(), "a");
    assert_eq!(started.elapsed(), Duration::ZERO);
    assert_eq!(circuit(&router, "a").await, Circuit::Closed);
}

#[tokio::test(start_paused = true)]
async fn a_service_that_names_a_time_is_left_alone_for_it() {
    let (a, b) =
        (Scripted::new([Step::FailFor(ErrorKind::Throttled, Duration::from_secs(30))]), Scripted::always(ok()));
    let router = ordered(settings(), &[&a, &b]);
    assert_eq!(ask(&router).await.unwrap(), "b");
    advance(Duration::from_secs(29)).await;
    assert_eq!(ask(&router).await.unwrap(), "b");
    advance(Duration::from_secs(2)).await;
    assert_eq!(ask(&router).await.unwrap(), "a");
}

#[tokio::test(start_paused = true)]
async fn a_deployment_with_a_star_never_cools_down_for_one_of_its_endpoints() {
    let a = Scripted::new([ErrorKind::NotFound, ErrorKind::NotFound]);
    let router = router(settings().with_allowed_fails(0), [deployment("sagemaker/*", "sagemaker/*", &a)]);
    for name in ["sagemaker/nowhere", "sagemaker/neither"] {
        assert_eq!(ask_for(&router, name).await.unwrap_err().kind(), ErrorKind::NotFound);
    }
    assert_eq!(circuit(&router, "sagemaker/*").await, Circuit::Closed);
    assert_eq!(ask_for(&router, "sagemaker/here").await.unwrap(), "sagemaker/here");
}

#[tokio::test(start_paused = true)]
async fn a_cooldown_of_zero_means_none() {
    let (a, b) = (Scripted::always(ErrorKind::Connection), Scripted::always(ok()));
    let router = ordered(settings().with_allowed_fails(0).with_cooldown_time(Duration::ZERO), &[&a, &b]);
    for _ in 0..5 {
        ask(&router).await.unwrap();
    }
    assert_eq!(a.count(), 5);
}
