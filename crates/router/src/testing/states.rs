//! What every state of a router must do.

#![expect(clippy::unwrap_used, clippy::indexing_slicing, reason = "tests, which fail by panicking")]

use std::{sync::Arc, time::Duration};

use tokio::time::advance;

use super::{Case, Replicas, cases, random};
use crate::{
    Admission, Circuit, CooldownPolicy, DeploymentState, FailureSort, Latency, Limits, Measure, MemoryState, Outcome,
    Refusal, RouterState, Terms, Timing,
};

type States<'r> = &'r dyn Replicas<dyn RouterState>;

/// The cases for states of routers.
#[must_use]
pub fn states() -> Vec<Case<dyn RouterState>> {
    cases![
        an_unknown_deployment_is_at_rest,
        the_last_place_is_taken_once,
        requests_are_exact_in_any_minute,
        tokens_count_from_their_reservation_on,
        a_request_larger_than_the_limit_goes_when_nothing_is_counted,
        the_failure_after_the_allowed_ones_starts_the_cooldown_for_all,
        an_answer_or_a_minute_starts_the_count_of_failures_anew,
        what_began_before_the_cooldown_neither_ends_nor_prolongs_it,
        one_trial_decides,
        a_trial_that_says_nothing_leaves_room_for_the_next,
        a_sort_with_a_number_is_counted_alone,
        a_service_that_names_a_time_is_left_alone_for_it,
        no_cooldown_time_means_no_cooldown,
        averages_are_over_the_latest_ten,
        random_calls_of_four_replicas_are_counted_as_those_of_one,
    ]
}

const POLICY: CooldownPolicy =
    CooldownPolicy { allowed_fails: 2, counted_as: None, cooldown_time: Duration::from_secs(5) };

fn id(text: &str) -> Arc<str> {
    Arc::from(text)
}

fn seconds(seconds: u64) -> Duration {
    Duration::from_secs(seconds)
}

fn rpm(rpm: u64) -> Terms {
    Terms { limits: Limits { rpm: Some(rpm), ..Limits::default() }, ..Terms::default() }
}

async fn read(replicas: States<'_>, state: &Arc<dyn RouterState>) -> DeploymentState {
    replicas.settle().await;
    state.read(&[id("a")]).await.remove(0)
}

/// Begins an attempt that fails.
async fn fail(
    replicas: States<'_>,
    state: &Arc<dyn RouterState>,
    policy: CooldownPolicy,
    retry_after: Option<Duration>,
) {
    let admission = begin(state).await;
    report_failure(state, admission, policy, retry_after);
    replicas.settle().await;
}

fn report_failure(
    state: &Arc<dyn RouterState>,
    admission: Admission,
    policy: CooldownPolicy,
    retry_after: Option<Duration>,
) {
    state.report(&id("a"), Outcome::Failed { trial: admission.trial, policy, retry_after });
    state.release(&id("a"), Admission { trial: false, ..admission }, 0);
}

fn report_answer(state: &Arc<dyn RouterState>, admission: Admission, timing: Option<Timing>) {
    state.report(&id("a"), Outcome::Answered { trial: admission.trial, timing });
    state.release(&id("a"), Admission { trial: false, ..admission }, 0);
}

async fn begin(state: &Arc<dyn RouterState>) -> Admission {
    state.begin(&id("a"), &Terms { despite_cooldown: true, ..Terms::default() }).await.unwrap()
}

async fn an_unknown_deployment_is_at_rest(replicas: States<'_>) {
    let state = replicas.replica();
    assert_eq!(state.read(&[id("x"), id("y")]).await, [DeploymentState::default(), DeploymentState::default()]);
}

async fn the_last_place_is_taken_once(replicas: States<'_>) {
    let (one, other) = (replicas.replica(), replicas.replica());
    let limits = Limits { max_parallel_requests: Some(1), ..Limits::default() };
    let terms = Terms { limits, estimated_tokens: 4, despite_cooldown: false };
    let held = one.begin(&id("a"), &terms).await.unwrap();
    assert_eq!(other.begin(&id("a"), &terms).await, Err(Refusal::Full));
    let seen = read(replicas, &other).await;
    assert_eq!((seen.in_flight, seen.reserved_tokens, seen.tokens, seen.requests), (1, 4, 0, 1));
    one.release(&id("a"), held, 9);
    let seen = read(replicas, &other).await;
    assert_eq!((seen.in_flight, seen.reserved_tokens, seen.tokens, seen.requests), (0, 0, 9, 1));
    other.begin(&id("a"), &terms).await.unwrap();
    assert_eq!(one.begin(&id("a"), &terms).await, Err(Refusal::Full));
}

async fn requests_are_exact_in_any_minute(replicas: States<'_>) {
    let both = [replicas.replica(), replicas.replica()];
    for at in 0..4 {
        let admission = both[at % 2].begin(&id("a"), &rpm(4)).await.unwrap();
        both[at % 2].release(&id("a"), admission, 0);
        advance(seconds(10)).await;
    }
    replicas.settle().await;
    for state in &both {
        assert_eq!(state.begin(&id("a"), &rpm(4)).await, Err(Refusal::RequestLimit { room_in: seconds(21) }));
    }
    advance(seconds(20)).await;
    assert!(both[0].begin(&id("a"), &rpm(4)).await.is_err(), "the first is 60 seconds old");
    advance(seconds(1)).await;
    both[0].begin(&id("a"), &rpm(4)).await.unwrap();
    assert_eq!(both[1].begin(&id("a"), &rpm(4)).await, Err(Refusal::RequestLimit { room_in: seconds(10) }));
    assert_eq!(read(replicas, &both[1]).await.requests, 4);
}

async fn tokens_count_from_their_reservation_on(replicas: States<'_>) {
    let (one, other) = (replicas.replica(), replicas.replica());
    let terms = |estimated_tokens| Terms {
        limits: Limits { tpm: Some(100), ..Limits::default() },
        estimated_tokens,
        despite_cooldown: false,
    };
    let first = one.begin(&id("a"), &terms(60)).await.unwrap();
    let refused = other.begin(&id("a"), &terms(41)).await;
    assert!(matches!(refused, Err(Refusal::TokenLimit { .. })), "{refused:?}");
    let second = other.begin(&id("a"), &terms(40)).await.unwrap();
    one.release(&id("a"), first, 10);
    other.release(&id("a"), second, 50);
    let seen = read(replicas, &one).await;
    assert_eq!((seen.tokens, seen.reserved_tokens), (60, 0));
    assert!(other.begin(&id("a"), &terms(41)).await.is_err());
    one.begin(&id("a"), &terms(40)).await.unwrap();
}

async fn a_request_larger_than_the_limit_goes_when_nothing_is_counted(replicas: States<'_>) {
    let (one, other) = (replicas.replica(), replicas.replica());
    let limits = Limits { tpm: Some(5), ..Limits::default() };
    let terms = Terms { limits, estimated_tokens: 10, despite_cooldown: false };
    one.begin(&id("a"), &terms).await.unwrap();
    assert!(matches!(other.begin(&id("a"), &terms).await, Err(Refusal::TokenLimit { .. })));
}

async fn the_failure_after_the_allowed_ones_starts_the_cooldown_for_all(replicas: States<'_>) {
    let (one, other) = (replicas.replica(), replicas.replica());
    fail(replicas, &one, POLICY, None).await;
    fail(replicas, &other, POLICY, None).await;
    let seen = read(replicas, &other).await;
    assert_eq!((seen.failures, seen.circuit), (2, Circuit::Closed));
    fail(replicas, &one, POLICY, None).await;
    let ends_in = seconds(5);
    assert_eq!(read(replicas, &other).await.circuit, Circuit::CoolingDown { ends_in });
    assert_eq!(other.begin(&id("a"), &Terms::default()).await, Err(Refusal::CoolingDown { ends_in }));
    let forced = Terms { despite_cooldown: true, ..Terms::default() };
    assert!(other.begin(&id("a"), &forced).await.unwrap().trial);
}

async fn an_answer_or_a_minute_starts_the_count_of_failures_anew(replicas: States<'_>) {
    let (one, other) = (replicas.replica(), replicas.replica());
    fail(replicas, &one, POLICY, None).await;
    fail(replicas, &one, POLICY, None).await;
    let admission = begin(&other).await;
    report_answer(&other, admission, None);
    replicas.settle().await;
    fail(replicas, &one, POLICY, None).await;
    fail(replicas, &other, POLICY, None).await;
    assert_eq!(read(replicas, &one).await.failures, 2);
    advance(seconds(60)).await;
    assert_eq!(read(replicas, &one).await.failures, 0);
    fail(replicas, &other, POLICY, None).await;
    let seen = read(replicas, &one).await;
    assert_eq!((seen.failures, seen.circuit), (1, Circuit::Closed));
}

async fn what_began_before_the_cooldown_neither_ends_nor_prolongs_it(replicas: States<'_>) {
    let (one, other) = (replicas.replica(), replicas.replica());
    let (early, earlier) = (begin(&other).await, begin(&other).await);
    for _ in 0..3 {
        fail(replicas, &one, POLICY, None).await;
    }
    advance(seconds(4)).await;
    report_failure(&other, early, POLICY, None);
    report_answer(&other, earlier, None);
    assert_eq!(read(replicas, &one).await.circuit, Circuit::CoolingDown { ends_in: seconds(1) });
}

async fn one_trial_decides(replicas: States<'_>) {
    let (one, other) = (replicas.replica(), replicas.replica());
    for _ in 0..3 {
        fail(replicas, &one, POLICY, None).await;
    }
    advance(seconds(5)).await;
    assert_eq!(read(replicas, &other).await.circuit, Circuit::HalfOpen { probing: false });
    let trial = other.begin(&id("a"), &Terms::default()).await.unwrap();
    assert!(trial.trial);
    assert_eq!(read(replicas, &one).await.circuit, Circuit::HalfOpen { probing: true });
    assert_eq!(one.begin(&id("a"), &Terms::default()).await, Err(Refusal::Probing));
    report_failure(&other, trial, POLICY, None);
    assert_eq!(read(replicas, &one).await.circuit, Circuit::CoolingDown { ends_in: seconds(5) });
    advance(seconds(5)).await;
    replicas.settle().await;
    let trial = one.begin(&id("a"), &Terms::default()).await.unwrap();
    report_answer(&one, trial, None);
    let seen = read(replicas, &other).await;
    assert_eq!((seen.circuit, seen.failures, seen.in_flight), (Circuit::Closed, 0, 0));
}

async fn a_trial_that_says_nothing_leaves_room_for_the_next(replicas: States<'_>) {
    let (one, other) = (replicas.replica(), replicas.replica());
    for _ in 0..3 {
        fail(replicas, &one, POLICY, None).await;
    }
    advance(seconds(6)).await;
    replicas.settle().await;
    let trial = one.begin(&id("a"), &Terms::default()).await.unwrap();
    one.release(&id("a"), trial, 0);
    assert_eq!(read(replicas, &other).await.circuit, Circuit::HalfOpen { probing: false });
    assert!(other.begin(&id("a"), &Terms::default()).await.unwrap().trial);
}

async fn a_sort_with_a_number_is_counted_alone(replicas: States<'_>) {
    let (one, other) = (replicas.replica(), replicas.replica());
    let limits = CooldownPolicy { allowed_fails: 3, counted_as: Some(FailureSort::RateLimit), ..POLICY };
    for _ in 0..3 {
        fail(replicas, &one, limits, Some(seconds(20))).await;
    }
    fail(replicas, &other, POLICY, None).await;
    fail(replicas, &one, POLICY, None).await;
    let seen = read(replicas, &other).await;
    assert_eq!((seen.failures, seen.circuit), (5, Circuit::Closed));
    fail(replicas, &other, limits, Some(seconds(20))).await;
    assert_eq!(read(replicas, &one).await.circuit, Circuit::CoolingDown { ends_in: seconds(20) });
}

async fn a_service_that_names_a_time_is_left_alone_for_it(replicas: States<'_>) {
    let (one, other) = (replicas.replica(), replicas.replica());
    fail(replicas, &one, POLICY, Some(seconds(20))).await;
    assert_eq!(read(replicas, &other).await.circuit, Circuit::CoolingDown { ends_in: seconds(20) });
}

async fn no_cooldown_time_means_no_cooldown(replicas: States<'_>) {
    let (one, other) = (replicas.replica(), replicas.replica());
    let policy = CooldownPolicy { allowed_fails: 0, cooldown_time: Duration::ZERO, ..POLICY };
    fail(replicas, &one, policy, Some(seconds(9))).await;
    let seen = read(replicas, &other).await;
    assert_eq!((seen.failures, seen.circuit), (1, Circuit::Closed));
}

async fn averages_are_over_the_latest_ten(replicas: States<'_>) {
    let (one, other) = (replicas.replica(), replicas.replica());
    for millis in [900, 900, 900].into_iter().chain([10; 10]) {
        let admission = begin(&one).await;
        let timing = Timing { measure: Measure::FirstChunk, time: Duration::from_millis(millis) };
        report_answer(&one, admission, Some(timing));
    }
    replicas.settle().await;
    advance(seconds(3)).await;
    let latencies = read(replicas, &other).await.latencies;
    let expected = Latency { average: Duration::from_millis(10), age: seconds(3) };
    assert_eq!(latencies.of(Measure::FirstChunk), Some(expected));
    assert_eq!((latencies.of(Measure::PerToken), latencies.of(Measure::Whole)), (None, None));
}

async fn random_calls_of_four_replicas_are_counted_as_those_of_one(replicas: States<'_>) {
    let four = [replicas.replica(), replicas.replica(), replicas.replica(), replicas.replica()];
    for seed in 0..5 {
        let model: Arc<dyn RouterState> = Arc::new(MemoryState::new());
        random::calls(replicas, &four, &model, &id(&format!("random-{seed}")), seed).await;
    }
}
