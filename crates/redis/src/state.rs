//! A router's state in Redis.
//!
//! What must be exact is asked of Redis before it is done; everything else is told in the background. A copy of what this replica has done itself
//! is kept in a [`MemoryState`], which decides while Redis is away.

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
use sagewire_router::{Admission, Circuit, DeploymentState, Limits, MemoryState, Outcome, Refusal, RouterState, Terms};
use tokio::{sync::Notify, time::Instant};

use self::{
    background::{Sent, Unsettled},
    changes::{Place, StateChanges},
    exchange::{Answer, Question},
    known::{Look, count_in, count_out},
};
use crate::{
    Redis,
    keys::Keys,
    outbox::Outbox,
    redis::{Away, Member},
};

mod background;
mod changes;
mod exchange;
mod known;

/// How often a place is looked for while somebody waits for one.
const POLL: Duration = Duration::from_millis(50);

/// After how long an unused deployment is forgotten here.
const FORGOTTEN_AFTER: Duration = Duration::from_secs(3600);

/// The counters and cooldowns of deployments, shared through Redis by all replicas of a router.
///
/// A deployment with limits costs one round trip a call, before it; one without costs none that the call waits for.
#[derive(Debug)]
pub struct RedisState(Arc<Inner>);

static SCRIPT: LazyLock<Script> = LazyLock::new(|| Script::new(include_str!("state/deployment.lua")));

struct Inner {
    redis: Arc<Redis>,
    /// What this replica has done itself.
    local: MemoryState,
    records: Mutex<HashMap<Arc<str>, Record>>,
    next_place: AtomicU64,
    /// There is something to tell.
    told: Notify,
    /// Held by the task that tells it.
    telling: tokio::sync::Mutex<()>,
    started: Once,
}

/// What is known here of one deployment.
struct Record {
    keys: [String; 4],
    outbox: Outbox<StateChanges>,
    held: BTreeMap<u64, Held>,
    seen: Option<Seen>,
    is_being_read: bool,
    limits: Limits,
    used_last: Instant,
}

/// A place that a request of this replica holds.
struct Held {
    place: Place,
    local: Admission,
}

/// What Redis said of a deployment, with what this replica has done since.
struct Seen {
    at: Instant,
    state: DeploymentState,
}

impl RedisState {
    /// The state that this Redis holds.
    #[must_use]
    pub fn new(redis: &Arc<Redis>) -> Self {
        Self(Arc::new(Inner {
            redis: Arc::clone(redis),
            local: MemoryState::new(),
            records: Mutex::default(),
            next_place: AtomicU64::new(1),
            told: Notify::new(),
            telling: tokio::sync::Mutex::default(),
            started: Once::new(),
        }))
    }

    /// Prolongs leases, tells everything, and forgets what was seen: the next look is at what Redis holds.
    #[cfg(feature = "testing")]
    #[doc(hidden)]
    pub async fn settle(&self) {
        self.0.renew();
        self.0.flush().await;
        self.0.lock().values_mut().for_each(|record| record.seen = None);
    }
}

#[async_trait]
impl RouterState for RedisState {
    async fn read(&self, deployments: &[Arc<str>]) -> Vec<DeploymentState> {
        let inner = &self.0;
        inner.start();
        match inner.look(deployments) {
            Look::Fresh(states) => states,
            Look::Usable(states, outdated) => {
                let inner = Arc::clone(inner);
                tokio::spawn(async move { inner.read_anew(&outdated).await });
                states
            }
            Look::Outdated => {
                if inner.read_anew(deployments).await.is_err() {
                    return inner.local.read(deployments).await;
                }
                inner.known(deployments)
            }
        }
    }

    async fn begin(&self, deployment: &Arc<str>, terms: &Terms) -> Result<Admission, Refusal> {
        let inner = &self.0;
        inner.start();
        let id = inner.next_place.fetch_add(1, Relaxed);
        let place = Place::new(inner.redis.replica(), id, terms.estimated_tokens);
        if inner.need_not_ask(deployment, terms) {
            return Ok(inner.begin_untold(deployment, place, id, terms).await);
        }
        let mut unsettled = Unsettled { inner, deployment, place: Some(&place) };
        let asked = inner.exchange(deployment, Some((&place, terms)), inner.redis.settings().time_limit).await;
        match asked {
            Ok(answer) if answer.admitted() => {
                let place = Place { is_trial: answer.is_trial(), may_be_known: true, ..place.clone() };
                let admission = inner.hold(deployment, place, id, terms).await;
                unsettled.settle();
                inner.seen_change(deployment, |state| count_in(state, terms));
                Ok(admission)
            }
            Ok(answer) => {
                unsettled.settle();
                // The script has decided by the same rule.
                Err(terms.refusal(&answer.state()).unwrap_or(Refusal::Full))
            }
            Err(Away { was_asked }) => {
                if !was_asked {
                    unsettled.settle();
                }
                if inner.redis.settings().fails_closed && !terms.limits.is_empty() {
                    return Err(Refusal::Unavailable);
                }
                let share = Terms { limits: terms.limits.share(inner.redis.replicas()), ..*terms };
                let local = inner.local.begin(deployment, &share).await?;
                unsettled.settle();
                let place = Place { is_trial: local.trial, may_be_known: was_asked, ..place.clone() };
                Ok(inner.remember(deployment, place, id, local))
            }
        }
    }

    fn report(&self, deployment: &Arc<str>, outcome: Outcome) {
        let inner = &self.0;
        if !inner.redis.is_connected() {
            // Whether it is the trial of this replica's own circuit is not known: an answer closes it in any case.
            inner.local.report(
                deployment,
                match outcome {
                    Outcome::Answered { timing, .. } => Outcome::Answered { trial: true, timing },
                    other => other,
                },
            );
        }
        let mut records = inner.lock();
        let Some(record) = records.get_mut(deployment) else { return };
        let trial = if is_trial(&outcome) { record.end_trial() } else { None };
        record.outbox.changes.add_outcome(&outcome, trial);
        drop(records);
        inner.told.notify_one();
    }

    fn release(&self, deployment: &Arc<str>, admission: Admission, tokens: u64) {
        let inner = &self.0;
        let mut records = inner.lock();
        let Some(record) = records.get_mut(deployment) else { return };
        let Some(held) = record.held.remove(&admission.id) else { return };
        record.outbox.changes.release(admission.id, &held.place);
        record.outbox.changes.counts.add(0, tokens);
        if let Some(seen) = &mut record.seen {
            count_out(&mut seen.state, held.place.tokens, tokens);
        }
        drop(records);
        inner.local.release(deployment, held.local, tokens);
        inner.told.notify_one();
    }

    async fn wait(&self, deployments: &[Arc<str>], at_most: Duration) {
        // Other replicas tell nobody that they have given a place back.
        self.0.local.wait(deployments, at_most.min(POLL)).await;
    }
}

fn is_trial(outcome: &Outcome) -> bool {
    matches!(outcome, Outcome::Answered { trial: true, .. } | Outcome::Failed { trial: true, .. })
}

impl Inner {
    fn lock(&self) -> MutexGuard<'_, HashMap<Arc<str>, Record>> {
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

    fn with_record<T>(&self, deployment: &Arc<str>, act: impl FnOnce(&mut Record) -> T) -> T {
        let mut records = self.lock();
        let record = records.entry(Arc::clone(deployment)).or_insert_with(|| {
            let keys = Keys::new(&self.redis.settings().namespace, "deployment", deployment);
            Record {
                keys: [
                    keys.of("counts"),
                    keys.of("places"),
                    keys.of("trials"),
                    keys.of(&format!("batch:{}", self.redis.replica())),
                ],
                outbox: Outbox::default(),
                held: BTreeMap::new(),
                seen: None,
                is_being_read: false,
                limits: Limits::default(),
                used_last: Instant::now(),
            }
        });
        act(record)
    }

    async fn read_anew(&self, deployments: &[Arc<str>]) -> Result<(), Away> {
        let limit = self.redis.settings().time_limit;
        let read = deployments.iter().map(|id| async move {
            let answer = self.exchange(id, None, limit).await;
            self.with_record(id, |record| record.is_being_read = false);
            answer.map(drop)
        });
        future::join_all(read).await.into_iter().collect()
    }

    /// Whether nothing that Redis knows could refuse the request.
    fn need_not_ask(&self, deployment: &Arc<str>, terms: &Terms) -> bool {
        self.with_record(deployment, |record| {
            record.limits = terms.limits;
            record.used_last = Instant::now();
            terms.limits.is_empty() && record.seen.as_ref().is_some_and(|seen| seen.state.circuit == Circuit::Closed)
        })
    }

    /// Begins a request of which Redis is told later.
    async fn begin_untold(&self, deployment: &Arc<str>, place: Place, id: u64, terms: &Terms) -> Admission {
        let local = self.count_here(deployment, terms).await;
        self.seen_change(deployment, |state| count_in(state, terms));
        let admission = self.remember(deployment, place, id, local);
        self.told.notify_one();
        admission
    }

    /// Holds a place that Redis has given.
    async fn hold(&self, deployment: &Arc<str>, place: Place, id: u64, terms: &Terms) -> Admission {
        let local = self.count_here(deployment, terms).await;
        let admission = Admission { id, trial: place.is_trial, reserved_tokens: terms.estimated_tokens };
        self.with_record(deployment, |record| record.held.insert(id, Held { place, local }));
        admission
    }

    /// Counts a request among those of this replica, whatever its limits are.
    async fn count_here(&self, deployment: &Arc<str>, terms: &Terms) -> Admission {
        let all = Terms { limits: Limits::default(), despite_cooldown: true, ..*terms };
        self.local.begin(deployment, &all).await.unwrap_or_default()
    }

    /// Holds a place that Redis does not know yet.
    fn remember(&self, deployment: &Arc<str>, place: Place, id: u64, local: Admission) -> Admission {
        let admission = Admission { id, trial: place.is_trial, reserved_tokens: place.tokens };
        self.with_record(deployment, |record| {
            record.outbox.changes.hold(id, &place);
            record.outbox.changes.counts.add(1, 0);
            record.held.insert(id, Held { place, local });
        });
        admission
    }

    fn seen_change(&self, deployment: &Arc<str>, change: impl FnOnce(&mut DeploymentState)) {
        self.with_record(deployment, |record| {
            if let Some(seen) = &mut record.seen {
                change(&mut seen.state);
            }
        });
    }

    /// Tells Redis what there is to tell of a deployment, asks for a place if one is wanted, and notes how the deployment is doing.
    async fn exchange(
        &self,
        deployment: &Arc<str>,
        wanted: Option<(&Place, &Terms)>,
        limit: Duration,
    ) -> Result<Answer, Away> {
        self.redis.ready(limit).await?;
        let (keys, batch) =
            self.with_record(deployment, |record| (record.keys.clone(), record.outbox.take(&self.redis.clock)));
        let mut sent = Sent { inner: self, deployment, is_unknown: batch.is_some() };
        let deadline = wanted.and_then(|_| self.redis.deadline(limit));
        let question = Question::new(&self.redis, deadline, batch.as_ref(), wanted);
        let answer: Answer = self.redis.ask(&SCRIPT, &keys, &question, limit).await?;
        let has_more = self.with_record(deployment, |record| {
            if std::mem::take(&mut sent.is_unknown) {
                record.outbox.arrived();
            }
            record.seen = Some(Seen { at: Instant::now(), state: answer.state() });
            record.outbox.is_ready()
        });
        if has_more {
            self.told.notify_one();
        }
        answer.log_cooldowns(deployment);
        Ok(answer)
    }
}

impl Record {
    /// The place of a trial that this replica has under way; it is a trial no longer.
    fn end_trial(&mut self) -> Option<String> {
        let held = self.held.values_mut().find(|held| held.place.is_trial)?;
        held.place.is_trial = false;
        Some(held.place.member.clone())
    }
}

impl fmt::Debug for Inner {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RedisState").field("redis", &self.redis).finish_non_exhaustive()
    }
}
