//! What keys have used, in Redis.
//!
//! Requests and reservations are asked of Redis before they are granted; what was used is told in
//! the background. A copy of what was counted at this replica is kept in a [`MemoryLedger`], which
//! decides while Redis is away.

use std::{
    sync::{Arc, LazyLock},
    time::Duration,
};

use async_trait::async_trait;
use redis::Script;
use sagewire_router::ledger::{KeyLimits, KeyRefusal, Ledger, MemoryLedger, Reservation, Standing};
use tokio::time::Instant;

use self::exchange::{KeyAnswer, KeyQuestion, SeenBudget, Wanted};
use crate::{
    Redis,
    counted::{Counted, Kind, Record, Unsettled},
    outbox::{Place, bounded},
    redis::{Away, WRITE_LIMIT},
};

pub(crate) mod exchange;

/// How old what is known of a key may be for it to be shown.
const FRESH: Duration = Duration::from_secs(1);

/// What callers' keys have used, shared through Redis by all replicas of a proxy.
///
/// A key with limits costs one round trip before a call, and one more if tokens are limited. A key
/// without limits costs none.
#[derive(Debug)]
pub struct RedisLedger(Arc<Counted<CallersKeys>>);

/// The kind of what is counted here.
struct CallersKeys;

/// What Redis has said of a key.
#[derive(Clone, Copy)]
struct SeenStanding {
    at: Instant,
    standing: Standing,
    /// The most that was seen used of the budget, and since when.
    budget: SeenBudget,
    /// What this replica had used of the budget then, by its own count.
    spent_here: u64,
}

/// The budget of a key, and its period.
#[derive(Clone, Copy, Default)]
struct Budget {
    tokens: Option<u64>,
    period: Option<Duration>,
}

#[async_trait]
impl Kind for CallersKeys {
    const NAME: &'static str = "key";
    const KEPT: &'static [&'static str] = &["use", "calls"];

    type Local = MemoryLedger;
    type Held = Reservation;
    type Seen = SeenStanding;
    type Settings = Budget;

    fn script() -> &'static Script {
        static SCRIPT: LazyLock<Script> =
            LazyLock::new(|| Script::new(concat!(include_str!("counted.lua"), include_str!("ledger/key.lua"))));
        &SCRIPT
    }

    async fn tell(counted: &Counted<Self>, name: &Arc<str>) -> Result<(), Away> {
        let Budget { tokens, period } = counted.with_record(name, |record| record.settings);
        let key = KeyLimits { name, token_budget: tokens, budget_duration: period, ..KeyLimits::default() };
        counted.ask(&key, None, WRITE_LIMIT).await.map(drop)
    }

    fn is_worth_keeping(record: &Record<Self>) -> bool {
        // What was seen of a budget: Redis may lose it.
        record.settings.tokens.is_some() && record.seen.is_some()
    }
}

impl RedisLedger {
    /// The ledger that this Redis holds.
    #[must_use]
    pub fn new(redis: &Arc<Redis>) -> Self {
        Self(Counted::new(redis))
    }

    /// Prolongs leases, tells everything, and forgets what was seen: the next look is at what Redis
    /// holds.
    #[cfg(feature = "testing")]
    #[doc(hidden)]
    pub async fn settle_all(&self) {
        self.0.settle_all().await;
    }
}

#[async_trait]
impl Ledger for RedisLedger {
    async fn admit(&self, key: &KeyLimits<'_>) -> Result<(), KeyRefusal> {
        let counted = &self.0;
        counted.start();
        if !key.are_set() {
            counted.with_key(key, |record| record.outbox.changes.counts.add(1, 0));
            counted.wake();
            return Ok(());
        }
        match counted.ask(key, Some(Wanted::Request), counted.redis.settings().time_limit).await {
            Ok(answer) if answer.admitted() => {
                let _ = counted.local.admit(&unlimited(key)).await;
                counted.change_seen(key.name, |SeenStanding { standing, .. }| {
                    standing.requests = standing.requests.saturating_add(1);
                });
                Ok(())
            }
            Ok(answer) => {
                let standing = answer.standing(key.budget_duration);
                match standing.refuses_request(key) {
                    Some(refusal) => Err(refusal),
                    // The script has decided by the same rule.
                    None => Ok(()),
                }
            }
            Err(Away { .. }) if counted.redis.settings().fails_closed => Err(KeyRefusal::Unavailable),
            Err(Away { .. }) => {
                counted.local.admit(&counted.share(key)).await?;
                counted.with_key(key, |record| record.outbox.changes.counts.add(1, 0));
                Ok(())
            }
        }
    }

    async fn reserve(&self, key: &KeyLimits<'_>, tokens: u64) -> Result<Reservation, KeyRefusal> {
        let counted = &self.0;
        counted.start();
        let (id, place) = counted.new_place(tokens);
        if key.tpm.is_none() && key.token_budget.is_none() {
            // Nothing limits it, and nobody asks how much is reserved.
            return Ok(counted.reserve_here(key, id, place, tokens, true).await);
        }
        let mut unsettled = Unsettled::new(counted, key.name, &place);
        match counted.ask(key, Some(Wanted::Call(&place.member)), counted.redis.settings().time_limit).await {
            Ok(answer) if answer.admitted() => {
                let reservation = counted.reserve_here(key, id, place.clone(), tokens, true).await;
                unsettled.settle();
                counted.change_seen(key.name, |SeenStanding { standing, .. }| {
                    standing.reserved = standing.reserved.saturating_add(tokens);
                    standing.calls = standing.calls.saturating_add(1);
                });
                Ok(reservation)
            }
            Ok(answer) => {
                unsettled.settle();
                match answer.standing(key.budget_duration).refuses_call(key, tokens) {
                    Some(refusal) => Err(refusal),
                    None => Ok(counted.reserve_here(key, id, place.clone(), tokens, false).await),
                }
            }
            Err(Away { was_asked }) => {
                if !was_asked {
                    unsettled.settle();
                }
                if counted.redis.settings().fails_closed {
                    return Err(KeyRefusal::Unavailable);
                }
                let local = counted.local.reserve(&counted.share(key), tokens).await?;
                unsettled.settle();
                let place = Place { may_be_known: was_asked, ..place.clone() };
                Ok(counted.hold_reservation(key, id, place, local, false))
            }
        }
    }

    fn settle(&self, key: &KeyLimits<'_>, reservation: Reservation, used: u64) {
        let counted = &self.0;
        let held = counted.with_key(key, |record| {
            let held = record.held.remove(&reservation.id)?;
            record.outbox.changes.release(reservation.id, &held.place);
            record.outbox.changes.counts.add(0, bounded(used));
            if let Some(SeenStanding { standing, .. }) = &mut record.seen {
                standing.reserved = standing.reserved.saturating_sub(reservation.tokens);
                standing.calls = standing.calls.saturating_sub(1);
                standing.tokens = standing.tokens.saturating_add(used);
                standing.spent = standing.spent.saturating_add(used);
            }
            Some(held)
        });
        let Some(held) = held else { return };
        counted.local.settle(&unlimited(key), held.local, used);
        counted.wake();
    }

    async fn standing(&self, key: &KeyLimits<'_>) -> Standing {
        let counted = &self.0;
        counted.start();
        if let Some(standing) = counted.known_lately(key) {
            return standing;
        }
        match counted.ask(key, None, counted.redis.settings().time_limit).await {
            Ok(answer) => answer.standing(key.budget_duration),
            Err(Away { .. }) => counted.local.standing(key).await,
        }
    }
}

/// The key, to be counted whatever its limits are.
fn unlimited<'k>(key: &KeyLimits<'k>) -> KeyLimits<'k> {
    KeyLimits { rpm: None, tpm: None, token_budget: None, ..*key }
}

impl Counted<CallersKeys> {
    fn with_key<T>(&self, key: &KeyLimits<'_>, act: impl FnOnce(&mut Record<CallersKeys>) -> T) -> T {
        self.with_record(key.name, |record| {
            record.settings = Budget { tokens: key.token_budget, period: key.budget_duration };
            act(record)
        })
    }

    fn known_lately(&self, key: &KeyLimits<'_>) -> Option<Standing> {
        let now = Instant::now();
        self.with_key(key, |record| {
            let known = record.seen?;
            let age = now.duration_since(known.at);
            (age < FRESH).then(|| Standing {
                minute_ends_in: known.standing.minute_ends_in.saturating_sub(age),
                budget_resets_in: known.standing.budget_resets_in.map(|time| time.saturating_sub(age)),
                ..known.standing
            })
        })
    }

    /// The key's limits as far as they are this replica's while Redis is away. Of a budget, its
    /// share of what was left when Redis was last seen.
    fn share<'k>(&self, key: &KeyLimits<'k>) -> KeyLimits<'k> {
        let replicas = u64::from(self.redis.replicas());
        let known = self.with_key(key, |record| record.seen);
        let budget = |budget: u64| match known {
            Some(known) => {
                known.spent_here.saturating_add(budget.saturating_sub(known.budget.spent).div_ceil(replicas))
            }
            None => budget.div_ceil(replicas),
        };
        KeyLimits {
            rpm: key.rpm.map(|rpm| rpm.div_ceil(replicas)),
            tpm: key.tpm.map(|tpm| tpm.div_ceil(replicas)),
            token_budget: key.token_budget.map(budget),
            ..*key
        }
    }

    /// Holds a reservation that need not be decided here.
    async fn reserve_here(
        &self,
        key: &KeyLimits<'_>,
        id: u64,
        place: Place,
        tokens: u64,
        is_known: bool,
    ) -> Reservation {
        let local = self.local.reserve(&unlimited(key), tokens).await.unwrap_or_default();
        self.hold_reservation(key, id, place, local, is_known)
    }

    fn hold_reservation(
        &self,
        key: &KeyLimits<'_>,
        id: u64,
        place: Place,
        local: Reservation,
        is_known: bool,
    ) -> Reservation {
        self.hold(key.name, id, place, local, is_known);
        Reservation { id, tokens: local.tokens }
    }

    /// Tells Redis what there is to tell of a key, asks for what is wanted, and notes how the key
    /// stands.
    async fn ask(&self, key: &KeyLimits<'_>, wanted: Option<Wanted<'_>>, limit: Duration) -> Result<KeyAnswer, Away> {
        let seen = self.with_key(key, |record| record.seen.map(|known| known.budget));
        let question = KeyQuestion::new(seen, key, wanted);
        let answer: KeyAnswer = self.exchange(key.name, question, wanted.is_some(), limit).await?;
        let standing = answer.standing(key.budget_duration);
        let spent_here = self.local.standing(&unlimited(key)).await.spent;
        let seen = SeenStanding { at: Instant::now(), standing, budget: answer.seen(), spent_here };
        self.with_key(key, |record| record.seen = Some(seen));
        Ok(answer)
    }
}
