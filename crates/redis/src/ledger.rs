//! What keys have used, in Redis.
//!
//! A request and its reservation are asked of Redis, in one question, before they are granted; what
//! was used is told in the background. A copy of what was counted at this replica is kept in a [`MemoryLedger`], which
//! decides while Redis is away.

use std::{
    sync::{Arc, LazyLock},
    time::Duration,
};

use async_trait::async_trait;
use redis::Script;
use sagewire_router::ledger::{KeyLimits, KeyRefusal, Ledger, MemoryLedger, Reservation, Standing};
use tokio::time::Instant;

use self::exchange::{KeyAnswer, KeyQuestion, KeyTerms, MINUTE, ReservationWanted, SeenBudget, has_limited_tokens};
use crate::{
    Redis,
    counted::{Answered, Counted, Kind, Record, Unsettled},
    outbox::{Place, bounded},
    redis::Away,
};

pub(crate) mod exchange;

/// How old what is known of a key may be for it to be shown.
const FRESH: Duration = Duration::from_secs(1);

/// What callers' keys have used, shared through Redis by all replicas of a proxy.
///
/// A key with limits costs one round trip before a call, one without limits none.
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

impl Kind for CallersKeys {
    const NAME: &'static str = "key";
    const KEPT: &'static [&'static str] = &["use", "calls"];

    type Local = MemoryLedger;
    type Held = Reservation;
    type Seen = SeenStanding;
    type Settings = KeyTerms;
    type Wanted = ReservationWanted;
    type Terms = KeyQuestion;
    type Answer = KeyAnswer;

    fn script() -> &'static Script {
        static SCRIPT: LazyLock<Script> =
            LazyLock::new(|| Script::new(concat!(include_str!("counted.lua"), include_str!("ledger/key.lua"))));
        &SCRIPT
    }

    fn terms(record: &Record<Self>) -> KeyQuestion {
        KeyQuestion::new(record.settings, record.seen.map(|seen| seen.budget))
    }

    fn note(counted: &Counted<Self>, name: &str, answer: &KeyAnswer) {
        let spent_here = counted.local.stands(&KeyLimits { name, ..KeyLimits::default() }).spent;
        counted.with_record(name, |record| {
            let standing = answer.standing(record.settings.period());
            record.seen = Some(SeenStanding { at: Instant::now(), standing, budget: answer.seen(), spent_here });
        });
    }

    fn is_worth_keeping(record: &Record<Self>) -> bool {
        // What was seen of a budget: Redis may lose it.
        record.settings.budget.is_some() && record.seen.is_some()
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
    async fn begin(&self, key: &KeyLimits<'_>, tokens: u64) -> Result<Reservation, KeyRefusal> {
        let counted = &self.0;
        counted.start();
        let (id, place) = counted.new_place(tokens);
        // A reservation that limits nothing is not told: nobody asks how much is reserved.
        let reserves = has_limited_tokens(key);
        if !key.are_set() {
            let reservation = counted.begin_here(key, id, place, tokens, true).await;
            counted.with_key(key, |record| record.outbox.changes.counts.add(1, 0));
            counted.wake();
            return Ok(reservation);
        }
        let mut unsettled = Unsettled::new(counted, key.name, &place);
        counted.remember(key);
        let wanted = ReservationWanted::new(reserves.then_some(&place));
        match counted.ask_for(key.name, wanted, &place).await {
            Ok(Answered { answer, index }) => {
                unsettled.settle();
                let refused = answer.refused(index, key.budget_duration);
                // The script decides by the same rule.
                if let Some(refusal) = refused.and_then(|standing| standing.refuses(key, tokens)) {
                    return Err(refusal);
                }
                let is_known = refused.is_none() || !reserves;
                let reservation = counted.begin_here(key, id, place.clone(), tokens, is_known).await;
                counted.change_seen(key.name, |SeenStanding { standing, .. }| {
                    standing.requests = standing.requests.saturating_add(1);
                    if reserves {
                        standing.reserved = standing.reserved.saturating_add(tokens);
                        standing.calls = standing.calls.saturating_add(1);
                    }
                });
                Ok(reservation)
            }
            Err(Away { was_asked }) => {
                if !was_asked || !reserves {
                    unsettled.settle();
                }
                if counted.redis.settings().fails_closed {
                    return Err(KeyRefusal::Unavailable);
                }
                let local = counted.local.begin(&counted.share(key), tokens).await?;
                unsettled.settle();
                counted.with_key(key, |record| record.outbox.changes.counts.add(1, 0));
                let place = Place { may_be_known: was_asked, ..place.clone() };
                Ok(counted.hold_reservation(key, id, place, local, !reserves))
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
                if has_limited_tokens(key) {
                    standing.reserved = standing.reserved.saturating_sub(reservation.tokens);
                    standing.calls = standing.calls.saturating_sub(1);
                }
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
        if let Some(standing) = self.known(key, FRESH) {
            return standing;
        }
        counted.remember(key);
        match counted.ask(key.name, counted.redis.settings().time_limit).await {
            Ok(answer) => answer.standing(key.budget_duration),
            Err(Away { .. }) => counted.local.stands(key),
        }
    }

    fn known(&self, key: &KeyLimits<'_>, at_most: Duration) -> Option<Standing> {
        let counted = &self.0;
        if !counted.redis.may_answer() {
            return Some(counted.local.stands(key));
        }
        let seen = counted.with_key(key, |record| record.seen)?;
        let age = seen.at.elapsed();
        (age <= at_most).then(|| aged(seen.standing, key, age))
    }
}

/// How a key stands a while later, if nothing has happened.
fn aged(mut standing: Standing, key: &KeyLimits<'_>, age: Duration) -> Standing {
    if standing.minute_ends_in <= age {
        standing = Standing { requests: 0, tokens: 0, minute_ends_in: MINUTE, ..standing };
    } else {
        standing.minute_ends_in -= age;
    }
    match (standing.budget_resets_in, key.budget_duration) {
        (Some(resets_in), Some(period)) if resets_in <= age => {
            standing = Standing { spent: 0, budget_resets_in: Some(period), ..standing };
        }
        (resets_in, _) => standing.budget_resets_in = resets_in.map(|time| time - age),
    }
    standing
}

/// The key, to be counted whatever its limits are.
fn unlimited<'k>(key: &KeyLimits<'k>) -> KeyLimits<'k> {
    KeyLimits { rpm: None, tpm: None, token_budget: None, ..*key }
}

impl Counted<CallersKeys> {
    /// Keeps the key's limits: questions about it are asked with them.
    fn remember(&self, key: &KeyLimits<'_>) {
        self.with_key(key, |_| ());
    }

    fn with_key<T>(&self, key: &KeyLimits<'_>, act: impl FnOnce(&mut Record<CallersKeys>) -> T) -> T {
        self.with_record(key.name, |record| {
            record.settings = KeyTerms::of(key);
            act(record)
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

    /// Counts a call that need not be decided here, and holds its reservation.
    async fn begin_here(&self, key: &KeyLimits<'_>, id: u64, place: Place, tokens: u64, is_known: bool) -> Reservation {
        let local = self.local.begin(&unlimited(key), tokens).await.unwrap_or_default();
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
}
