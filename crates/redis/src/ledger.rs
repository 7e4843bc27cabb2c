//! What keys have used, in Redis.
//!
//! Requests and reservations are asked of Redis before they are granted; what was used is told in the background. A copy of what was counted at
//! this replica is kept in a [`MemoryLedger`], which decides while Redis is away.

use std::{
    collections::{BTreeMap, HashMap},
    fmt,
    sync::{
        Arc, LazyLock, Mutex, MutexGuard, Once, PoisonError,
        atomic::{AtomicU64, Ordering::Relaxed},
    },
    time::Duration,
};

use async_trait::async_trait;
use futures_util::future;
use redis::Script;
use sagewire_router::ledger::{KeyLimits, Ledger, MemoryLedger, Refusal, Reservation, Standing};
use tokio::{sync::Notify, time::Instant};

use self::{
    changes::LedgerChanges,
    exchange::{Answer, Question, Seen, Wanted},
};
use crate::{
    Redis,
    clock::millis,
    keys::Keys,
    outbox::{Outbox, bounded},
    redis::{Away, Member, WRITE_LIMIT},
};

mod changes;
mod exchange;

/// After how long an unused key is forgotten here.
const FORGOTTEN_AFTER: Duration = Duration::from_secs(3600);

/// How old what is known of a key may be for it to be shown.
const FRESH: Duration = Duration::from_secs(1);

/// What callers' keys have used, shared through Redis by all replicas of a proxy.
///
/// A key with limits costs one round trip before a call, and one more if tokens are limited. A key without limits costs none.
#[derive(Debug)]
pub struct RedisLedger(Arc<Inner>);

static SCRIPT: LazyLock<Script> = LazyLock::new(|| Script::new(include_str!("ledger/key.lua")));

struct Inner {
    redis: Arc<Redis>,
    /// What was counted here.
    local: MemoryLedger,
    records: Mutex<HashMap<String, Record>>,
    next_call: AtomicU64,
    /// There is something to tell.
    told: Notify,
    /// Held by the task that tells it.
    telling: tokio::sync::Mutex<()>,
    started: Once,
}

/// What is known here of one key.
struct Record {
    keys: [String; 3],
    outbox: Outbox<LedgerChanges>,
    held: BTreeMap<u64, Held>,
    known: Option<Known>,
    period: Option<Duration>,
    budget: Option<u64>,
    used_last: Instant,
}

/// A reservation of this replica.
struct Held {
    call: String,
    local: Reservation,
}

/// What Redis has said of a key.
#[derive(Clone, Copy)]
struct Known {
    at: Instant,
    standing: Standing,
    /// The most that was seen used of the budget, and since when.
    budget: Seen,
    /// What this replica had used of the budget then, by its own count.
    spent_here: u64,
}

impl RedisLedger {
    /// The ledger that this Redis holds.
    #[must_use]
    pub fn new(redis: &Arc<Redis>) -> Self {
        Self(Arc::new(Inner {
            redis: Arc::clone(redis),
            local: MemoryLedger::default(),
            records: Mutex::default(),
            next_call: AtomicU64::new(1),
            told: Notify::new(),
            telling: tokio::sync::Mutex::default(),
            started: Once::new(),
        }))
    }

    /// Prolongs leases, tells everything, and forgets what was seen: the next look is at what Redis holds.
    #[cfg(feature = "testing")]
    #[doc(hidden)]
    pub async fn settle_all(&self) {
        self.0.renew();
        self.0.flush().await;
        self.0.lock().values_mut().for_each(|record| record.known = None);
    }
}

#[async_trait]
impl Ledger for RedisLedger {
    async fn admit(&self, key: &KeyLimits<'_>) -> Result<(), Refusal> {
        let inner = &self.0;
        inner.start();
        if !key.are_set() {
            inner.with_record(key, |record| record.outbox.changes.counts.add(1, 0));
            inner.told.notify_one();
            return Ok(());
        }
        match inner.exchange(key, Some(Wanted::Request), inner.redis.settings().time_limit).await {
            Ok(answer) if answer.admitted() => {
                let _ = inner.local.admit(&unlimited(key)).await;
                inner.known_change(key, |standing| standing.requests = standing.requests.saturating_add(1));
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
            Err(Away { .. }) if inner.redis.settings().fails_closed => Err(Refusal::Unavailable),
            Err(Away { .. }) => {
                inner.local.admit(&inner.share(key).await).await?;
                inner.with_record(key, |record| record.outbox.changes.counts.add(1, 0));
                Ok(())
            }
        }
    }

    async fn reserve(&self, key: &KeyLimits<'_>, tokens: u64) -> Result<Reservation, Refusal> {
        let inner = &self.0;
        inner.start();
        let id = inner.next_call.fetch_add(1, Relaxed);
        let call = format!("{}:{id}:{}", inner.redis.replica(), bounded(tokens));
        if key.tpm.is_none() && key.token_budget.is_none() {
            // Nothing limits it, and nobody asks how much is reserved.
            return Ok(inner.hold(key, id, &call, tokens, false).await);
        }
        let mut unsettled = Unsettled { inner, key, call: Some(&call) };
        match inner.exchange(key, Some(Wanted::Call(&call)), inner.redis.settings().time_limit).await {
            Ok(answer) if answer.admitted() => {
                let reservation = inner.hold(key, id, &call, tokens, false).await;
                unsettled.settle();
                inner.known_change(key, |standing| {
                    standing.reserved = standing.reserved.saturating_add(tokens);
                    standing.calls = standing.calls.saturating_add(1);
                });
                Ok(reservation)
            }
            Ok(answer) => {
                unsettled.settle();
                match answer.standing(key.budget_duration).refuses_call(key, tokens) {
                    Some(refusal) => Err(refusal),
                    None => Ok(inner.hold(key, id, &call, tokens, true).await),
                }
            }
            Err(Away { was_asked }) => {
                if !was_asked {
                    unsettled.settle();
                }
                if inner.redis.settings().fails_closed {
                    return Err(Refusal::Unavailable);
                }
                let local = inner.local.reserve(&inner.share(key).await, tokens).await?;
                unsettled.settle();
                Ok(inner.remember(key, id, &call, local, true))
            }
        }
    }

    fn settle(&self, key: &KeyLimits<'_>, reservation: Reservation, used: u64) {
        let inner = &self.0;
        let held = inner.with_record(key, |record| {
            let held = record.held.remove(&reservation.id)?;
            record.outbox.changes.release(reservation.id, &held.call);
            record.outbox.changes.counts.add(0, bounded(used));
            if let Some(Known { standing, .. }) = &mut record.known {
                standing.reserved = standing.reserved.saturating_sub(reservation.tokens);
                standing.calls = standing.calls.saturating_sub(1);
                standing.tokens = standing.tokens.saturating_add(used);
                standing.spent = standing.spent.saturating_add(used);
            }
            Some(held)
        });
        let Some(held) = held else { return };
        inner.local.settle(&unlimited(key), held.local, used);
        inner.told.notify_one();
    }

    async fn standing(&self, key: &KeyLimits<'_>) -> Standing {
        let inner = &self.0;
        inner.start();
        if let Some(standing) = inner.known_lately(key) {
            return standing;
        }
        match inner.exchange(key, None, inner.redis.settings().time_limit).await {
            Ok(answer) => answer.standing(key.budget_duration),
            Err(Away { .. }) => inner.local.standing(key).await,
        }
    }
}

/// The key, to be counted whatever its limits are.
fn unlimited<'k>(key: &KeyLimits<'k>) -> KeyLimits<'k> {
    KeyLimits { rpm: None, tpm: None, token_budget: None, ..*key }
}

impl Inner {
    fn lock(&self) -> MutexGuard<'_, HashMap<String, Record>> {
        self.records.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Begins to tell Redis things in the background.
    fn start(self: &Arc<Self>) {
        self.started.call_once(|| {
            let member: Arc<dyn Member> = Arc::clone(self) as Arc<dyn Member>;
            self.redis.add_member(Arc::downgrade(&member));
            if self.redis.settings().is_paused() {
                return;
            }
            let inner = Arc::downgrade(self);
            tokio::spawn(async move {
                while let Some(inner) = inner.upgrade() {
                    // Not longer, so that it ends with its owner.
                    let _ = tokio::time::timeout(Duration::from_secs(1), inner.told.notified()).await;
                    inner.flush().await;
                }
            });
        });
    }

    fn with_record<T>(&self, key: &KeyLimits<'_>, act: impl FnOnce(&mut Record) -> T) -> T {
        let mut records = self.lock();
        let record = match records.get_mut(key.name) {
            Some(record) => record,
            None => records.entry(key.name.to_owned()).or_insert_with(|| {
                let keys = Keys::new(&self.redis.settings().namespace, "key", key.name);
                Record {
                    keys: [keys.of("use"), keys.of("calls"), keys.of(&format!("batch:{}", self.redis.replica()))],
                    outbox: Outbox::default(),
                    held: BTreeMap::new(),
                    known: None,
                    period: None,
                    budget: None,
                    used_last: Instant::now(),
                }
            }),
        };
        record.period = key.budget_duration;
        record.budget = key.token_budget;
        act(record)
    }

    fn known_lately(&self, key: &KeyLimits<'_>) -> Option<Standing> {
        let now = Instant::now();
        self.with_record(key, |record| {
            let known = record.known?;
            let age = now.duration_since(known.at);
            (age < FRESH).then(|| Standing {
                minute_ends_in: known.standing.minute_ends_in.saturating_sub(age),
                budget_resets_in: known.standing.budget_resets_in.map(|time| time.saturating_sub(age)),
                ..known.standing
            })
        })
    }

    fn known_change(&self, key: &KeyLimits<'_>, change: impl FnOnce(&mut Standing)) {
        self.with_record(key, |record| {
            if let Some(known) = &mut record.known {
                change(&mut known.standing);
            }
        });
    }

    /// The key's limits as far as they are this replica's while Redis is away. Of a budget, its share of what was left when Redis was last seen.
    async fn share<'k>(&self, key: &KeyLimits<'k>) -> KeyLimits<'k> {
        let replicas = u64::from(self.redis.replicas());
        let known = self.with_record(key, |record| record.known);
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
    async fn hold(&self, key: &KeyLimits<'_>, id: u64, call: &str, tokens: u64, tell: bool) -> Reservation {
        let local = self.local.reserve(&unlimited(key), tokens).await.unwrap_or_default();
        self.remember(key, id, call, local, tell)
    }

    fn remember(&self, key: &KeyLimits<'_>, id: u64, call: &str, local: Reservation, tell: bool) -> Reservation {
        self.with_record(key, |record| {
            if tell {
                record.outbox.changes.hold(id, call);
            }
            record.held.insert(id, Held { call: call.to_owned(), local });
        });
        Reservation { id, tokens: local.tokens }
    }

    /// Tells Redis what there is to tell of a key, asks for what is wanted, and notes how the key stands.
    async fn exchange(&self, key: &KeyLimits<'_>, wanted: Option<Wanted<'_>>, limit: Duration) -> Result<Answer, Away> {
        self.redis.ready(limit).await?;
        let (keys, batch, seen) = self.with_record(key, |record| {
            record.used_last = Instant::now();
            (record.keys.clone(), record.outbox.take(&self.redis.clock), record.known.map(|known| known.budget))
        });
        let mut sent = Sent { inner: self, key, is_unknown: batch.is_some() };
        let deadline = wanted.as_ref().and_then(|_| self.redis.deadline(limit));
        let question = Question::new(&self.redis, deadline, batch.as_ref(), seen, key, wanted);
        let answer: Answer = self.redis.ask(&SCRIPT, &keys, &question, limit).await?;
        let standing = answer.standing(key.budget_duration);
        let spent_here = self.local.standing(&unlimited(key)).await.spent;
        let has_more = self.with_record(key, |record| {
            if std::mem::take(&mut sent.is_unknown) {
                record.outbox.arrived();
            }
            record.known = Some(Known { at: Instant::now(), standing, budget: answer.seen(), spent_here });
            record.outbox.is_ready()
        });
        if has_more {
            self.told.notify_one();
        }
        Ok(answer)
    }
}

#[async_trait]
impl Member for Inner {
    fn renew(&self) {
        let now = Instant::now();
        let mut records = self.lock();
        records.retain(|_, record| {
            let is_idle = record.held.is_empty() && record.outbox.is_empty();
            // What was seen of a budget is worth keeping: Redis may lose it.
            let is_kept = record.budget.is_some() && record.known.is_some();
            !is_idle || is_kept || now.duration_since(record.used_last) < FORGOTTEN_AFTER
        });
        for record in records.values_mut() {
            for (id, held) in &record.held {
                record.outbox.changes.hold(*id, &held.call);
            }
        }
        drop(records);
        self.told.notify_one();
    }

    async fn flush(&self) {
        let _turn = self.telling.lock().await;
        loop {
            let ready: Vec<(String, Option<u64>, Option<Duration>)> = {
                let records = self.lock();
                let ready = records.iter().filter(|(_, record)| record.outbox.is_ready());
                ready.map(|(name, record)| (name.clone(), record.budget, record.period)).collect()
            };
            if ready.is_empty() {
                return;
            }
            let tell = ready.iter().map(|(name, token_budget, budget_duration)| async move {
                let key = KeyLimits {
                    name,
                    token_budget: *token_budget,
                    budget_duration: *budget_duration,
                    ..KeyLimits::default()
                };
                self.exchange(&key, None, WRITE_LIMIT).await.map(drop)
            });
            if future::join_all(tell).await.iter().any(Result::is_err) {
                return;
            }
        }
    }
}

/// A batch on its way. If it is dropped before an answer has come, its arrival stays unknown.
struct Sent<'i> {
    inner: &'i Inner,
    key: &'i KeyLimits<'i>,
    is_unknown: bool,
}

impl Drop for Sent<'_> {
    fn drop(&mut self) {
        if self.is_unknown {
            self.inner.with_record(self.key, |record| record.outbox.lost());
        }
    }
}

/// A reservation that was asked for. If it is dropped before it is settled who holds it, Redis is told to give it back.
struct Unsettled<'i> {
    inner: &'i Inner,
    key: &'i KeyLimits<'i>,
    call: Option<&'i str>,
}

impl Unsettled<'_> {
    fn settle(&mut self) {
        self.call = None;
    }
}

impl Drop for Unsettled<'_> {
    fn drop(&mut self) {
        if let Some(call) = self.call {
            self.inner.with_record(self.key, |record| record.outbox.changes.give_back(call));
            self.inner.told.notify_one();
        }
    }
}

impl fmt::Debug for Inner {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RedisLedger").field("redis", &self.redis).finish_non_exhaustive()
    }
}

/// A budget's period in milliseconds.
fn period(key: &KeyLimits<'_>) -> Option<u64> {
    key.budget_duration.map(|time| bounded(millis(time)))
}
