//! What each key has used: requests and tokens a minute, and tokens of its budget.
//!
//! Owns the counting in process behind one small trait, so that several proxies can share it one day.

use std::{
    collections::HashMap,
    sync::{Mutex, PoisonError},
    time::Duration,
};

use async_trait::async_trait;
use tokio::time::Instant;

use crate::config::CallerKey;

const MINUTE: Duration = Duration::from_secs(60);

/// Counts what keys use. It outlives a reload of the configuration.
#[async_trait]
pub trait Ledger: std::fmt::Debug + Send + Sync {
    /// Counts a request of this key, unless one of the key's limits is reached.
    ///
    /// # Errors
    /// [`Refusal`] where the key has used up a limit.
    async fn admit(&self, key: &CallerKey) -> Result<(), Refusal>;

    /// Counts tokens that a call of this key used.
    async fn spend(&self, key: &CallerKey, tokens: u64);
}

/// Which limit a key has reached.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Refusal {
    /// Its requests a minute; more after this time.
    Requests(Duration),
    /// Its tokens a minute; more after this time.
    Tokens(Duration),
    /// Its budget of tokens; where it begins anew, after this time.
    Budget(Option<Duration>),
}

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
}

impl Account {
    fn new(now: Instant) -> Self {
        Self { minute_began: now, requests: 0, tokens: 0, budget_began: now, spent: 0 }
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

    fn refusal(&self, key: &CallerKey, now: Instant) -> Option<Refusal> {
        let reached = |limit: Option<u64>, used: u64| limit.is_some_and(|limit| used >= limit);
        let rest = |began: Instant, length: Duration| length.saturating_sub(now.duration_since(began));
        if reached(key.token_budget, self.spent) {
            Some(Refusal::Budget(key.budget_duration.map(|length| rest(self.budget_began, length))))
        } else if reached(key.rpm, self.requests) {
            Some(Refusal::Requests(rest(self.minute_began, MINUTE)))
        } else if reached(key.tpm, self.tokens) {
            Some(Refusal::Tokens(rest(self.minute_began, MINUTE)))
        } else {
            None
        }
    }
}

impl MemoryLedger {
    fn with_account<T>(&self, key: &CallerKey, act: impl FnOnce(&mut Account, Instant) -> T) -> T {
        let now = Instant::now();
        // Counters are whole after every step, so a panic elsewhere leaves them usable.
        let mut accounts = self.accounts.lock().unwrap_or_else(PoisonError::into_inner);
        let account = accounts.entry(key.name.clone()).or_insert_with(|| Account::new(now));
        account.turn_over(key, now);
        act(account, now)
    }
}

#[async_trait]
impl Ledger for MemoryLedger {
    async fn admit(&self, key: &CallerKey) -> Result<(), Refusal> {
        self.with_account(key, |account, now| match account.refusal(key, now) {
            Some(refusal) => Err(refusal),
            None => {
                account.requests += 1;
                Ok(())
            }
        })
    }

    async fn spend(&self, key: &CallerKey, tokens: u64) {
        self.with_account(key, |account, _| {
            account.tokens = account.tokens.saturating_add(tokens);
            account.spent = account.spent.saturating_add(tokens);
        });
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::callers::KeyDigest;

    fn key() -> CallerKey {
        CallerKey::new("a", KeyDigest::of("x"))
    }

    #[tokio::test(start_paused = true)]
    async fn requests_and_tokens_come_back_with_the_next_minute() {
        let ledger = MemoryLedger::default();
        let key = CallerKey { rpm: Some(2), tpm: Some(100), ..key() };
        ledger.admit(&key).await.unwrap();
        tokio::time::advance(Duration::from_secs(20)).await;
        ledger.admit(&key).await.unwrap();
        assert_eq!(ledger.admit(&key).await, Err(Refusal::Requests(Duration::from_secs(40))));
        tokio::time::advance(Duration::from_secs(40)).await;
        ledger.admit(&key).await.unwrap();
        ledger.spend(&key, 100).await;
        assert_eq!(ledger.admit(&key).await, Err(Refusal::Tokens(MINUTE)));
        tokio::time::advance(MINUTE).await;
        ledger.admit(&key).await.unwrap();
    }

    #[tokio::test(start_paused = true)]
    async fn a_budget_ends_and_begins_anew_only_where_it_says_so() {
        let ledger = MemoryLedger::default();
        let once = CallerKey { token_budget: Some(10), ..key() };
        ledger.spend(&once, 10).await;
        assert_eq!(ledger.admit(&once).await, Err(Refusal::Budget(None)));
        tokio::time::advance(Duration::from_secs(86_400)).await;
        assert_eq!(ledger.admit(&once).await, Err(Refusal::Budget(None)));

        let daily = CallerKey { name: "b".to_owned(), budget_duration: Some(Duration::from_secs(3600)), ..once };
        ledger.spend(&daily, 11).await;
        tokio::time::advance(Duration::from_secs(600)).await;
        assert_eq!(ledger.admit(&daily).await, Err(Refusal::Budget(Some(Duration::from_secs(3000)))));
        tokio::time::advance(Duration::from_secs(3000)).await;
        ledger.admit(&daily).await.unwrap();
    }
}
