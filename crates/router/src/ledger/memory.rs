//! A ledger in this process's memory.

use std::{
    collections::HashMap,
    sync::{Mutex, PoisonError},
    time::Duration,
};

use async_trait::async_trait;
use tokio::time::Instant;

use super::{KeyLimits, KeyRefusal, Ledger, Reservation, Standing};

const MINUTE: Duration = Duration::from_secs(60);

/// A ledger in this process's memory, by the clock of Tokio, which tests can pause. It begins anew
/// with each start, unless it is given the [`BudgetUse`] of the one before.
#[derive(Debug, Default)]
pub struct MemoryLedger {
    accounts: Mutex<HashMap<String, Account>>,
}

/// How much of its budget a key has used: what is worth keeping over a restart.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BudgetUse {
    /// The key's name.
    pub name: String,
    /// Tokens that were used of the budget.
    pub spent: u64,
    /// How long ago the budget's period began.
    pub began_ago: Duration,
}

#[derive(Debug)]
struct Account {
    minute_began: Instant,
    requests: u64,
    tokens: u64,
    budget_began: Instant,
    /// How old the budget's period was at `budget_began`: it may have begun before this process.
    budget_age: Duration,
    spent: u64,
    /// Tokens that calls under way have reserved.
    reserved: u64,
    /// How many calls hold a reservation.
    calls: u64,
}

impl Account {
    fn new(now: Instant) -> Self {
        Self {
            minute_began: now,
            requests: 0,
            tokens: 0,
            budget_began: now,
            budget_age: Duration::ZERO,
            spent: 0,
            reserved: 0,
            calls: 0,
        }
    }

    fn budget_age(&self, now: Instant) -> Duration {
        self.budget_age.saturating_add(now.duration_since(self.budget_began))
    }

    fn turn_over(&mut self, key: &KeyLimits<'_>, now: Instant) {
        if now.duration_since(self.minute_began) >= MINUTE {
            self.minute_began = now;
            self.requests = 0;
            self.tokens = 0;
        }
        if key.budget_duration.is_some_and(|duration| self.budget_age(now) >= duration) {
            self.budget_began = now;
            self.budget_age = Duration::ZERO;
            self.spent = 0;
        }
    }

    fn standing(&self, key: &KeyLimits<'_>, now: Instant) -> Standing {
        Standing {
            requests: self.requests,
            tokens: self.tokens,
            spent: self.spent,
            reserved: self.reserved,
            calls: self.calls,
            minute_ends_in: MINUTE.saturating_sub(now.duration_since(self.minute_began)),
            budget_resets_in: key.budget_duration.map(|length| length.saturating_sub(self.budget_age(now))),
        }
    }
}

impl MemoryLedger {
    /// A ledger that knows what another one counted.
    pub fn with_budgets(budgets: impl IntoIterator<Item = BudgetUse>) -> Self {
        let now = Instant::now();
        let account = |budget: BudgetUse| {
            let account = Account { spent: budget.spent, budget_age: budget.began_ago, ..Account::new(now) };
            (budget.name, account)
        };
        Self { accounts: Mutex::new(budgets.into_iter().map(account).collect()) }
    }

    /// How much of their budgets the keys have used, those that have used something.
    #[must_use]
    pub fn budgets(&self) -> Vec<BudgetUse> {
        let now = Instant::now();
        let accounts = self.accounts.lock().unwrap_or_else(PoisonError::into_inner);
        let used = |(name, account): (&String, &Account)| {
            let used = BudgetUse { name: name.clone(), spent: account.spent, began_ago: account.budget_age(now) };
            (used.spent > 0).then_some(used)
        };
        accounts.iter().filter_map(used).collect()
    }

    /// What the key has used and has left.
    #[must_use]
    pub fn stands(&self, key: &KeyLimits<'_>) -> Standing {
        self.with_account(key, |_, standing| standing)
    }

    fn with_account<T>(&self, key: &KeyLimits<'_>, act: impl FnOnce(&mut Account, Standing) -> T) -> T {
        let now = Instant::now();
        // Counters are whole after every step, so a panic elsewhere leaves them usable.
        let mut accounts = self.accounts.lock().unwrap_or_else(PoisonError::into_inner);
        let account = match accounts.get_mut(key.name) {
            Some(account) => account,
            None => accounts.entry(key.name.to_owned()).or_insert_with(|| Account::new(now)),
        };
        account.turn_over(key, now);
        let standing = account.standing(key, now);
        act(account, standing)
    }
}

#[async_trait]
impl Ledger for MemoryLedger {
    async fn begin(&self, key: &KeyLimits<'_>, tokens: u64) -> Result<Reservation, KeyRefusal> {
        self.with_account(key, |account, standing| {
            if let Some(refusal) = standing.refuses(key, tokens) {
                return Err(refusal);
            }
            account.requests += 1;
            account.reserved = account.reserved.saturating_add(tokens);
            account.calls += 1;
            Ok(Reservation { id: 0, tokens })
        })
    }

    fn settle(&self, key: &KeyLimits<'_>, reservation: Reservation, used: u64) {
        self.with_account(key, |account, _| {
            account.reserved = account.reserved.saturating_sub(reservation.tokens);
            account.calls = account.calls.saturating_sub(1);
            account.tokens = account.tokens.saturating_add(used);
            account.spent = account.spent.saturating_add(used);
        });
    }

    async fn standing(&self, key: &KeyLimits<'_>) -> Standing {
        self.stands(key)
    }

    fn known(&self, key: &KeyLimits<'_>, _: Duration) -> Option<Standing> {
        Some(self.stands(key))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn a_budget_goes_on_in_the_next_process_with_the_rest_of_its_period() {
        let daily = KeyLimits {
            name: "a",
            token_budget: Some(10),
            budget_duration: Some(Duration::from_secs(3600)),
            ..KeyLimits::default()
        };
        let ledger = MemoryLedger::default();
        let reservation = ledger.begin(&daily, 0).await.unwrap();
        ledger.settle(&daily, reservation, 10);
        tokio::time::advance(Duration::from_secs(600)).await;
        let budgets = ledger.budgets();
        assert_eq!(budgets, [BudgetUse { name: "a".to_owned(), spent: 10, began_ago: Duration::from_secs(600) }]);

        let next = MemoryLedger::with_budgets(budgets);
        assert_eq!(next.standing(&daily).await.budget_resets_in, Some(Duration::from_secs(3000)));
        next.begin(&daily, 0).await.unwrap_err();
        tokio::time::advance(Duration::from_secs(3000)).await;
        next.begin(&daily, 0).await.unwrap();
        assert!(next.budgets().is_empty());
    }
}
