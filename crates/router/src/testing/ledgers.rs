//! What every ledger must do.

#![expect(clippy::unwrap_used, clippy::panic, reason = "tests, which fail by panicking")]

use std::{sync::Arc, time::Duration};

use tokio::time::advance;

use super::{Case, Replicas, cases, random};
use crate::ledger::{KeyLimit, KeyLimits, KeyRefusal, Ledger, Reached};

type Ledgers<'r> = &'r dyn Replicas<dyn Ledger>;

/// The cases for ledgers.
#[must_use]
pub fn ledgers() -> Vec<Case<dyn Ledger>> {
    cases![
        requests_and_tokens_come_back_with_the_next_minute,
        a_budget_ends_and_begins_anew_only_if_it_says_so,
        calls_together_reserve_no_more_than_is_left_but_one_alone_is_let_through,
        what_is_known_without_asking_is_what_was_last_seen,
        keys_are_counted_apart,
        random_calls_at_four_replicas_are_counted_as_those_at_one,
    ]
}

const KEY: KeyLimits<'static> =
    KeyLimits { name: "a", rpm: None, tpm: None, token_budget: None, budget_duration: None };

fn seconds(seconds: u64) -> Duration {
    Duration::from_secs(seconds)
}

fn refusal(limit: KeyLimit, allowed: u64, resets_in: Option<u64>) -> KeyRefusal {
    KeyRefusal::Reached(Reached { limit, allowed, resets_in: resets_in.map(seconds), reserved: false })
}

/// A call that ends at once.
async fn call(ledger: &Arc<dyn Ledger>, key: &KeyLimits<'_>, used: u64) -> Result<(), KeyRefusal> {
    let reservation = ledger.begin(key, 0).await?;
    ledger.settle(key, reservation, used);
    Ok(())
}

async fn use_up(replicas: Ledgers<'_>, ledger: &Arc<dyn Ledger>, key: &KeyLimits<'_>, tokens: u64) {
    call(ledger, key, tokens).await.unwrap();
    replicas.settle().await;
}

async fn requests_and_tokens_come_back_with_the_next_minute(replicas: Ledgers<'_>) {
    let (one, other) = (replicas.replica(), replicas.replica());
    let key = KeyLimits { rpm: Some(2), tpm: Some(100), ..KEY };
    call(&one, &key, 0).await.unwrap();
    advance(seconds(20)).await;
    call(&other, &key, 0).await.unwrap();
    for ledger in [&one, &other] {
        assert_eq!(call(ledger, &key, 0).await, Err(refusal(KeyLimit::Requests, 2, Some(40))));
    }
    advance(seconds(40)).await;
    call(&other, &key, 0).await.unwrap();
    use_up(replicas, &one, &key, 100).await;
    advance(seconds(60)).await;
    use_up(replicas, &one, &key, 100).await;
    assert_eq!(call(&other, &key, 0).await, Err(refusal(KeyLimit::Tokens, 100, Some(60))));
    advance(seconds(60)).await;
    call(&other, &key, 0).await.unwrap();
}

async fn a_budget_ends_and_begins_anew_only_if_it_says_so(replicas: Ledgers<'_>) {
    let (one, other) = (replicas.replica(), replicas.replica());
    let once = KeyLimits { token_budget: Some(10), ..KEY };
    use_up(replicas, &one, &once, 10).await;
    assert_eq!(call(&other, &once, 0).await, Err(refusal(KeyLimit::Budget, 10, None)));
    advance(seconds(86_400)).await;
    assert_eq!(call(&other, &once, 0).await, Err(refusal(KeyLimit::Budget, 10, None)));

    let hourly = KeyLimits { name: "b", budget_duration: Some(seconds(3600)), ..once };
    use_up(replicas, &one, &hourly, 11).await;
    advance(seconds(600)).await;
    assert_eq!(call(&other, &hourly, 0).await, Err(refusal(KeyLimit::Budget, 10, Some(3000))));
    assert_eq!(one.standing(&hourly).await.spent, 11);
    advance(seconds(3000)).await;
    call(&other, &hourly, 0).await.unwrap();
}

async fn calls_together_reserve_no_more_than_is_left_but_one_alone_is_let_through(replicas: Ledgers<'_>) {
    let keys = [
        KeyLimits { name: "budget", token_budget: Some(100), ..KEY },
        KeyLimits { name: "minute", tpm: Some(100), ..KEY },
    ];
    for key in keys {
        let (one, other) = (replicas.replica(), replicas.replica());
        let large = one.begin(&key, 500).await.unwrap();
        let Err(KeyRefusal::Reached(refused)) = other.begin(&key, 1).await else { panic!("it is let through") };
        assert!(refused.reserved && refused.allowed == 100, "{refused:?}");
        one.settle(&key, large, 40);
        replicas.settle().await;
        let first = other.begin(&key, 30).await.unwrap();
        let second = one.begin(&key, 30).await.unwrap();
        assert!(other.begin(&key, 1).await.is_err(), "40 are used and 60 reserved");
        let standing = other.standing(&key).await;
        assert_eq!((standing.reserved, standing.calls, standing.tokens, standing.spent), (60, 2, 40, 40));
        assert_eq!(standing.requests, 3, "what is refused is not counted");
        other.settle(&key, first, 60);
        one.settle(&key, second, 0);
        replicas.settle().await;
        let Err(KeyRefusal::Reached(refused)) = one.begin(&key, 1).await else { panic!("it is let through") };
        assert!(!refused.reserved, "used up, so that not even a call alone is let through: {refused:?}");
    }
}

async fn what_is_known_without_asking_is_what_was_last_seen(replicas: Ledgers<'_>) {
    let ledger = replicas.replica();
    let key = KeyLimits { rpm: Some(2), token_budget: Some(100), budget_duration: Some(seconds(150)), ..KEY };
    let at_any_time = |ledger: &Arc<dyn Ledger>| ledger.known(&key, Duration::MAX).unwrap();
    call(&ledger, &key, 30).await.unwrap();
    call(&ledger, &key, 30).await.unwrap();
    advance(seconds(20)).await;
    let known = at_any_time(&ledger);
    assert_eq!((known.requests, known.spent, known.reserved), (2, 60, 0));
    assert_eq!((known.minute_ends_in, known.budget_resets_in), (seconds(40), Some(seconds(130))));
    assert_eq!(known.used_up(&key), Some(refusal(KeyLimit::Requests, 2, Some(40))));
    advance(seconds(40)).await;
    let known = at_any_time(&ledger);
    assert_eq!((known.requests, known.spent, known.minute_ends_in), (0, 60, seconds(60)));
    advance(seconds(90)).await;
    let known = at_any_time(&ledger);
    assert_eq!((known.requests, known.spent, known.budget_resets_in), (0, 0, Some(seconds(150))));
}

async fn keys_are_counted_apart(replicas: Ledgers<'_>) {
    let ledger = replicas.replica();
    let (a, b) = (KeyLimits { rpm: Some(1), ..KEY }, KeyLimits { name: "b", rpm: Some(1), ..KEY });
    call(&ledger, &a, 0).await.unwrap();
    call(&ledger, &b, 0).await.unwrap();
    call(&ledger, &a, 0).await.unwrap_err();
}

async fn random_calls_at_four_replicas_are_counted_as_those_at_one(replicas: Ledgers<'_>) {
    let four = [replicas.replica(), replicas.replica(), replicas.replica(), replicas.replica()];
    for seed in 0..5 {
        random::key(replicas, &four, &format!("random-{seed}"), seed).await;
    }
}
