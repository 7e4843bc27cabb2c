//! A ledger in this process's memory.

use std::{
    collections::HashMap,
    sync::{Mutex, PoisonError},
    time::Duration,
};

use async_trait::async_trait;
use tokio::time::Instant;

use super::ledger::{Ledger, Refusal, Standing};
use crate::config::CallerKey;

const MINUTE: Duration = Duration::from_secs(60);

/// A ledger in this process's memory: it begins anew with each start.
#[derive(Debug, Default)]
pub struct MemoryLedger {
    accounts: Mutex<HashMap<String, Account>>,
}

#[derive(Debug)]
struct Account {
    minute_began: Instant,
    requests: u64,
    tokens: u64,
    budget_began: Instant,
    spent: u64,
    /// Tokens that calls under way have reserved.
    reserved: u64,
    /// How many calls hold a reservation.
    calls: u64,
}

impl Account {
    fn new(now: Instant) -> Self {
        Self { minute_began: now, requests: 0, tokens: 0, budget_began: now, spent: 0, reserved: 0, calls: 0 }
    }

    fn turn_over(&mut self, key: &CallerKey, now: Instant) {
        if now.duration_since(self.minute_began) >= MINUTE {
            self.minute_began = now;
            self.requests = 0;
            self.tokens = 0;
        }
        if key.budget_duration.is_some_and(|duration| now.duration_since(self.budget_began) >= duration) {
            self.budget_began = now;
            self.spent = 0;
        }
    }

    fn standing(&self, key: &CallerKey, now: Instant) -> Standing {
        let rest = |began: Instant, length: Duration| length.saturating_sub(now.duration_since(began));
        Standing {
            requests: self.requests,
            tokens: self.tokens,
            spent: self.spent,
            reserved: self.reserved,
            minute_ends_in: rest(self.minute_began, MINUTE),
            budget_resets_in: key.budget_duration.map(|length| rest(self.budget_began, length)),
        }
    }
}

impl MemoryLedger {
    fn with_account<T>(&self, key: &CallerKey, act: impl FnOnce(&mut Account, Standing) -> T) -> T {
        let now = Instant::now();
        // Counters are whole after every step, so a panic elsewhere leaves them usable.
        let mut accounts = self.accounts.lock().unwrap_or_else(PoisonError::into_inner);
        let account = accounts.entry(key.name.clone()).or_insert_with(|| Account::new(now));
        account.turn_over(key, now);
        let standing = account.standing(key, now);
        act(account, standing)
    }
}

#[async_trait]
impl Ledger for MemoryLedger {
    async fn admit(&self, key: &CallerKey) -> Result<(), Refusal> {
        self.with_account(key, |account, standing| match standing.refuses_request(key) {
            Some(refusal) => Err(refusal),
            None => {
                account.requests += 1;
                Ok(())
            }
        })
    }

    async fn reserve(&self, key: &CallerKey, tokens: u64) -> Result<(), Refusal> {
        self.with_account(key, |account, standing| {
            if let Some(refusal) = standing.refuses_call(key, tokens, account.calls == 0) {
                return Err(refusal);
            }
            account.reserved = account.reserved.saturating_add(tokens);
            account.calls += 1;
            Ok(())
        })
    }

    fn settle(&self, key: &CallerKey, reserved: u64, used: u64) {
        self.with_account(key, |account, _| {
            account.reserved = account.reserved.saturating_sub(reserved);
            account.calls = account.calls.saturating_sub(1);
            account.tokens = account.tokens.saturating_add(used);
            account.spent = account.spent.saturating_add(used);
        });
    }

    async fn standing(&self, key: &CallerKey) -> Standing {
        self.with_account(key, |_, standing| standing)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::callers::{KeyDigest, KeyLimit};

    fn key() -> CallerKey {
        CallerKey::new("a", KeyDigest::of("x"))
    }

    fn refusal(limit: KeyLimit, allowed: u64, resets_in: Option<u64>) -> Refusal {
        Refusal { limit, allowed, resets_in: resets_in.map(Duration::from_secs), reserved: false }
    }

    async fn use_up(ledger: &MemoryLedger, key: &CallerKey, tokens: u64) {
        ledger.reserve(key, 0).await.unwrap();
        ledger.settle(key, 0, tokens);
    }

    #[tokio::test(start_paused = true)]
    async fn requests_and_tokens_come_back_with_the_next_minute() {
        let ledger = MemoryLedger::default();
        let key = CallerKey { rpm: Some(2), tpm: Some(100), ..key() };
        ledger.admit(&key).await.unwrap();
        tokio::time::advance(Duration::from_secs(20)).await;
        ledger.admit(&key).await.unwrap();
        assert_eq!(ledger.admit(&key).await, Err(refusal(KeyLimit::Requests, 2, Some(40))));
        ledger.reserve(&key, 7).await.unwrap();
        ledger.settle(&key, 7, 0);
        tokio::time::advance(Duration::from_secs(40)).await;
        ledger.admit(&key).await.unwrap();
        use_up(&ledger, &key, 100).await;
        assert_eq!(ledger.admit(&key).await, Err(refusal(KeyLimit::Tokens, 100, Some(60))));
        tokio::time::advance(MINUTE).await;
        ledger.admit(&key).await.unwrap();
    }

    #[tokio::test(start_paused = true)]
    async fn a_budget_ends_and_begins_anew_only_if_it_says_so() {
        let ledger = MemoryLedger::default();
        let once = CallerKey { token_budget: Some(10), ..key() };
        use_up(&ledger, &once, 10).await;
        assert_eq!(ledger.admit(&once).await, Err(refusal(KeyLimit::Budget, 10, None)));
        tokio::time::advance(Duration::from_secs(86_400)).await;
        assert_eq!(ledger.admit(&once).await, Err(refusal(KeyLimit::Budget, 10, None)));

        let daily = CallerKey { name: "b".to_owned(), budget_duration: Some(Duration::from_secs(3600)), ..once };
        use_up(&ledger, &daily, 11).await;
        tokio::time::advance(Duration::from_secs(600)).await;
        assert_eq!(ledger.admit(&daily).await, Err(refusal(KeyLimit::Budget, 10, Some(3000))));
        tokio::time::advance(Duration::from_secs(3000)).await;
        ledger.admit(&daily).await.unwrap();
    }

    #[tokio::test(start_paused = true)]
    async fn calls_together_reserve_no_more_than_is_left_but_one_alone_is_let_through() {
        for key in [CallerKey { token_budget: Some(100), ..key() }, CallerKey { tpm: Some(100), ..key() }] {
            let ledger = MemoryLedger::default();
            ledger.reserve(&key, 500).await.unwrap();
            let refused = ledger.reserve(&key, 1).await.unwrap_err();
            assert!(refused.reserved && refused.allowed == 100, "{refused:?}");
            ledger.settle(&key, 500, 40);
            ledger.reserve(&key, 30).await.unwrap();
            ledger.reserve(&key, 30).await.unwrap();
            assert!(ledger.reserve(&key, 1).await.is_err(), "40 are used and 60 reserved");
            assert_eq!(ledger.standing(&key).await.reserved, 60);
            ledger.settle(&key, 30, 60);
            ledger.settle(&key, 30, 0);
            let refused = ledger.reserve(&key, 1).await.unwrap_err();
            assert!(!refused.reserved, "used up, so that not even a call alone is let through: {refused:?}");
        }
    }
}
