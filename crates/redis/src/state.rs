//! A router's state in Redis.
//!
//! What must be exact is asked of Redis before it is done; everything else is told in the
//! background. A copy of what this replica has done itself is kept in a [`MemoryState`], which
//! decides while Redis is away.

use std::{
    sync::{Arc, LazyLock},
    time::Duration,
};

use async_trait::async_trait;
use futures_util::future;
use redis::Script;
use sagewire_router::{Admission, Circuit, DeploymentState, Limits, MemoryState, Outcome, Refusal, RouterState, Terms};
use tokio::time::Instant;

use self::{
    exchange::{DeploymentAnswer, DeploymentTerms, PlaceWanted},
    known::{TRUSTED, count_in, count_out},
};
use crate::{
    Redis,
    counted::{Answered, Counted, Kind, Record, Unsettled},
    outbox::{Changes, Place},
    redis::Away,
};

pub(crate) mod exchange;
mod known;
mod outcome;

/// How often a place is looked for while somebody waits for one.
const POLL: Duration = Duration::from_millis(50);

/// The counters and cooldowns of deployments, shared through Redis by all replicas of a router.
///
/// A deployment with limits costs one round trip a call, before it; one without costs none that the
/// call waits for, unless it was not asked within the last second.
#[derive(Debug)]
pub struct RedisState(Arc<Counted<Deployments>>);

/// The kind of what is counted here.
struct Deployments;

/// What Redis said of a deployment, with what this replica has done since.
struct SeenState {
    at: Instant,
    state: DeploymentState,
}

/// What this replica remembers of a deployment.
#[derive(Default)]
struct Remembered {
    limits: Limits,
    is_being_read: bool,
}

impl Kind for Deployments {
    const NAME: &'static str = "deployment";
    const KEPT: &'static [&'static str] = &["counts", "places", "trials"];

    type Local = MemoryState;
    type Held = Admission;
    type Seen = SeenState;
    type Settings = Remembered;
    type Wanted = PlaceWanted;
    type Terms = DeploymentTerms;
    type Answer = DeploymentAnswer;

    fn script() -> &'static Script {
        static SCRIPT: LazyLock<Script> =
            LazyLock::new(|| Script::new(concat!(include_str!("counted.lua"), include_str!("state/deployment.lua"))));
        &SCRIPT
    }

    fn terms(record: &Record<Self>) -> DeploymentTerms {
        DeploymentTerms::of(&record.settings.limits)
    }

    fn note(counted: &Counted<Self>, name: &str, answer: &DeploymentAnswer) {
        let seen = SeenState { at: Instant::now(), state: answer.state() };
        counted.with_record(name, |record| record.seen = Some(seen));
        answer.log_cooldowns(name);
    }
}

impl RedisState {
    /// The state that this Redis holds.
    #[must_use]
    pub fn new(redis: &Arc<Redis>) -> Self {
        Self(Counted::new(redis))
    }

    /// Prolongs leases, tells everything, and forgets what was seen: the next look is at what Redis
    /// holds.
    #[cfg(feature = "testing")]
    #[doc(hidden)]
    pub async fn settle(&self) {
        self.0.settle_all().await;
    }
}

#[async_trait]
impl RouterState for RedisState {
    async fn read(&self, deployments: &[Arc<str>]) -> Vec<DeploymentState> {
        let counted = &self.0;
        counted.start();
        if let Some(states) = counted.fresh(deployments) {
            return states;
        }
        if counted.read_anew(deployments).await.is_err() {
            return counted.local.read(deployments).await;
        }
        counted.known(deployments)
    }

    async fn glance(&self, deployments: &[Arc<str>]) -> Vec<DeploymentState> {
        let counted = &self.0;
        counted.start();
        if !counted.redis.may_answer() {
            return counted.local.read(deployments).await;
        }
        let (states, outdated) = counted.glance(deployments);
        if !outdated.is_empty() {
            let counted = Arc::clone(counted);
            tokio::spawn(async move { counted.read_anew(&outdated).await });
        }
        states
    }

    async fn begin(&self, deployment: &Arc<str>, terms: &Terms) -> Result<Admission, Refusal> {
        let counted = &self.0;
        counted.start();
        let (id, place) = counted.new_place(terms.estimated_tokens);
        if counted.need_not_ask(deployment, terms) {
            return Ok(counted.begin_untold(deployment, place, id, terms).await);
        }
        let mut unsettled = Unsettled::new(counted, deployment, &place);
        match counted.ask_for(deployment, PlaceWanted::new(&place, terms), &place).await {
            Ok(Answered { answer, index }) => match answer.granted(index, &place) {
                Some(place) => {
                    let local = counted.count_here(deployment, terms).await;
                    let admission = admission(id, &place);
                    counted.hold(deployment, id, place, local, true);
                    unsettled.settle();
                    counted.change_seen(deployment, |seen| count_in(&mut seen.state, terms));
                    Ok(admission)
                }
                None => {
                    unsettled.settle();
                    // The script has decided by the same rule.
                    Err(terms.refusal(&answer.refused(index)).unwrap_or(Refusal::Full))
                }
            },
            Err(Away { was_asked }) => {
                if !was_asked {
                    unsettled.settle();
                }
                if counted.redis.settings().fails_closed && !terms.limits.is_empty() {
                    return Err(Refusal::Unavailable);
                }
                let share = Terms { limits: terms.limits.share(counted.redis.replicas()), ..*terms };
                let local = counted.local.begin(deployment, &share).await?;
                unsettled.settle();
                let place = Place { is_trial: local.trial, may_be_known: was_asked, ..place.clone() };
                Ok(counted.hold_untold(deployment, place, id, local))
            }
        }
    }

    fn report(&self, deployment: &Arc<str>, outcome: Outcome) {
        let counted = &self.0;
        if !counted.redis.is_connected() {
            // Whether it is the trial of this replica's own circuit is not known: an answer closes it in any
            // case.
            counted.local.report(
                deployment,
                match outcome {
                    Outcome::Answered { timing, .. } => Outcome::Answered { trial: true, timing },
                    other => other,
                },
            );
        }
        let mut records = counted.lock();
        let Some(record) = records.get_mut(deployment) else { return };
        let trial = if is_trial(&outcome) { record.end_trial() } else { None };
        record.outbox.changes.add_outcome(outcome::to_json(&outcome, trial));
        drop(records);
        counted.wake();
    }

    fn release(&self, deployment: &Arc<str>, admission: Admission, tokens: u64) {
        self.0
            .end(deployment, admission, tokens, Changes::release, |seen, place| count_out(seen, place.tokens, tokens));
    }

    fn withdraw(&self, deployment: &Arc<str>, admission: Admission) {
        self.0.end(deployment, admission, 0, Changes::withdraw, |seen, place| {
            count_out(seen, place.tokens, 0);
            seen.requests = seen.requests.saturating_sub(1);
        });
    }

    async fn wait(&self, deployments: &[Arc<str>], at_most: Duration) {
        // Other replicas tell nobody that they have given a place back.
        self.0.local.wait(deployments, at_most.min(POLL)).await;
    }
}

fn is_trial(outcome: &Outcome) -> bool {
    matches!(outcome, Outcome::Answered { trial: true, .. } | Outcome::Failed { trial: true, .. })
}

fn admission(id: u64, place: &Place) -> Admission {
    Admission { id, trial: place.is_trial, reserved_tokens: place.tokens }
}

impl Counted<Deployments> {
    async fn read_anew(&self, deployments: &[Arc<str>]) -> Result<(), Away> {
        let limit = self.redis.settings().time_limit;
        let read = deployments.iter().map(|id| async move {
            let answer = self.ask(id, limit).await;
            self.with_record(id, |record| record.settings.is_being_read = false);
            answer.map(drop)
        });
        future::join_all(read).await.into_iter().collect()
    }

    /// Gives a place back that is held.
    fn end(
        &self,
        deployment: &Arc<str>,
        admission: Admission,
        tokens: u64,
        tell: impl FnOnce(&mut Changes, u64, &Place),
        change: impl FnOnce(&mut DeploymentState, &Place),
    ) {
        let mut records = self.lock();
        let Some(record) = records.get_mut(deployment) else { return };
        let Some(held) = record.held.remove(&admission.id) else { return };
        tell(&mut record.outbox.changes, admission.id, &held.place);
        record.outbox.changes.counts.add(0, tokens);
        if let Some(seen) = &mut record.seen {
            change(&mut seen.state, &held.place);
        }
        drop(records);
        self.local.release(deployment, held.local, tokens);
        self.wake();
    }

    /// Whether nothing that Redis knows could refuse the request.
    fn need_not_ask(&self, deployment: &Arc<str>, terms: &Terms) -> bool {
        self.with_record(deployment, |record| {
            record.settings.limits = terms.limits;
            let is_well = |seen: &SeenState| seen.state.circuit == Circuit::Closed && seen.at.elapsed() < TRUSTED;
            terms.limits.is_empty() && record.seen.as_ref().is_some_and(is_well)
        })
    }

    /// Begins a request of which Redis is told later.
    async fn begin_untold(&self, deployment: &Arc<str>, place: Place, id: u64, terms: &Terms) -> Admission {
        let local = self.count_here(deployment, terms).await;
        self.change_seen(deployment, |seen| count_in(&mut seen.state, terms));
        let admission = self.hold_untold(deployment, place, id, local);
        self.wake();
        admission
    }

    /// Counts a request among those of this replica, whatever its limits are.
    async fn count_here(&self, deployment: &Arc<str>, terms: &Terms) -> Admission {
        let all = Terms { limits: Limits::default(), despite_cooldown: true, ..*terms };
        self.local.begin(deployment, &all).await.unwrap_or_default()
    }

    /// Holds a place of a request that Redis does not know yet.
    fn hold_untold(&self, deployment: &Arc<str>, place: Place, id: u64, local: Admission) -> Admission {
        let admission = admission(id, &place);
        self.with_record(deployment, |record| record.outbox.changes.counts.add(1, 0));
        self.hold(deployment, id, place, local, false);
        admission
    }
}

impl Record<Deployments> {
    /// The place of a trial that this replica has under way; it is a trial no longer.
    fn end_trial(&mut self) -> Option<String> {
        let held = self.held.values_mut().find(|held| held.place.is_trial)?;
        held.place.is_trial = false;
        Some(held.place.member.clone())
    }
}
