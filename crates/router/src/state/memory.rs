//! A router's memory in this process.
//!
//! Owns one record for each deployment, behind one lock that is never held across an await. It
//! applies the rules of its siblings and has none of its own, but for forgetting deployments that
//! nobody uses any more.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use async_trait::async_trait;
use futures_util::future;
use tokio::{sync::Notify, time::Instant};

use super::{
    Admission, DeploymentState, Outcome, Refusal, RouterState, Terms, cooldown::Breaker, latency::LatestTimings,
    window::MinuteWindow,
};

/// Counters and cooldowns in this process, by the clock of Tokio, which tests can pause.
///
/// Several routers can share one, so that a router built from a new configuration knows what the
/// old one knew. A deployment that has not been asked for an hour is forgotten.
#[derive(Debug, Default)]
pub struct MemoryState {
    records: Mutex<HashMap<Arc<str>, Record>>,
}

#[derive(Debug)]
struct Record {
    in_flight: u32,
    reserved_tokens: u64,
    window: MinuteWindow,
    breaker: Breaker,
    timings: LatestTimings,
    freed: Arc<Notify>,
    begun_last: Instant,
}

/// After how long an unused deployment is forgotten.
const FORGOTTEN_AFTER: Duration = Duration::from_secs(3600);

impl MemoryState {
    /// A memory of nothing.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<Arc<str>, Record>> {
        // A count that a panic left half done does less harm than a router that fails every call after it.
        self.records.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[async_trait]
impl RouterState for MemoryState {
    async fn read(&self, deployments: &[Arc<str>]) -> Vec<DeploymentState> {
        let now = Instant::now();
        let mut records = self.lock();
        deployments.iter().map(|id| records.get_mut(id).map(|record| record.read(now)).unwrap_or_default()).collect()
    }

    async fn begin(&self, deployment: &Arc<str>, terms: &Terms) -> Result<Admission, Refusal> {
        let now = Instant::now();
        let mut records = self.lock();
        if let Some(record) = records.get_mut(deployment) {
            return record.begin(now, terms);
        }
        // New deployments are rare, so this is the place to look for old ones.
        records.retain(|_, record| record.in_flight > 0 || now - record.begun_last < FORGOTTEN_AFTER);
        records.entry(Arc::clone(deployment)).or_insert_with(|| Record::new(now)).begin(now, terms)
    }

    fn report(&self, deployment: &Arc<str>, outcome: Outcome) {
        let now = Instant::now();
        let mut records = self.lock();
        let Some(record) = records.get_mut(deployment) else { return };
        match outcome {
            Outcome::Answered { trial, timing } => {
                record.breaker.answered(trial);
                if let Some(timing) = timing {
                    record.timings.add(now, timing);
                }
            }
            Outcome::Failed { trial, policy, retry_after } => {
                let cooldown = record.breaker.failed(now, trial, policy, retry_after);
                let failures = record.breaker.failures(now);
                drop(records);
                if let Some(cooldown) = cooldown {
                    tracing::warn!(target: "sagewire::router", deployment = &**deployment, failures, ?cooldown, "cooling down");
                }
            }
        }
    }

    fn release(&self, deployment: &Arc<str>, admission: Admission, tokens: u64) {
        let now = Instant::now();
        let mut records = self.lock();
        let Some(record) = records.get_mut(deployment) else { return };
        record.in_flight = record.in_flight.saturating_sub(1);
        record.reserved_tokens = record.reserved_tokens.saturating_sub(admission.reserved_tokens);
        record.window.add(now, 0, tokens);
        if admission.trial {
            record.breaker.end_trial();
        }
        // Those that wait now, and those that are about to.
        record.freed.notify_waiters();
        record.freed.notify_one();
    }

    async fn wait(&self, deployments: &[Arc<str>], at_most: Duration) {
        let freed: Vec<Arc<Notify>> = {
            let records = self.lock();
            deployments.iter().filter_map(|id| Some(Arc::clone(&records.get(id)?.freed))).collect()
        };
        let any = async {
            if freed.is_empty() {
                return future::pending().await;
            }
            future::select_all(freed.iter().map(|freed| Box::pin(freed.notified()))).await;
        };
        let _ = tokio::time::timeout(at_most, any).await;
    }
}

impl Record {
    fn new(now: Instant) -> Self {
        Self {
            in_flight: 0,
            reserved_tokens: 0,
            window: MinuteWindow::new(now),
            breaker: Breaker::default(),
            timings: LatestTimings::default(),
            freed: Arc::new(Notify::new()),
            begun_last: now,
        }
    }

    fn read(&mut self, now: Instant) -> DeploymentState {
        let (requests, tokens) = self.window.totals(now);
        DeploymentState {
            in_flight: self.in_flight,
            requests,
            tokens,
            reserved_tokens: self.reserved_tokens,
            room_in: self.window.room_in(now),
            failures: self.breaker.failures(now),
            circuit: self.breaker.circuit(now),
            latencies: self.timings.averages(now),
        }
    }

    fn begin(&mut self, now: Instant, terms: &Terms) -> Result<Admission, Refusal> {
        if let Some(refusal) = terms.refusal(&self.read(now)) {
            return Err(refusal);
        }
        self.begun_last = now;
        self.in_flight += 1;
        self.reserved_tokens = self.reserved_tokens.saturating_add(terms.estimated_tokens);
        self.window.add(now, 1, 0);
        Ok(Admission { id: 0, trial: self.breaker.begin(), reserved_tokens: terms.estimated_tokens })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::state::Limits;

    fn id(text: &str) -> Arc<str> {
        Arc::from(text)
    }

    #[tokio::test(start_paused = true)]
    async fn the_last_place_is_taken_once_and_waiting_ends_when_it_is_given_back() {
        let state = MemoryState::new();
        let a = id("a");
        let limits = Limits { max_parallel_requests: Some(1), ..Limits::default() };
        let terms = Terms { limits, estimated_tokens: 4, despite_cooldown: false };
        let held = state.begin(&a, &terms).await.unwrap();
        assert_eq!(state.begin(&a, &terms).await, Err(Refusal::Full));
        assert_eq!(state.read(&[id("a")]).await[0].reserved_tokens, 4);

        let started = Instant::now();
        let giving_back = async {
            tokio::time::sleep(Duration::from_secs(2)).await;
            state.release(&a, held, 9);
        };
        future::join(state.wait(&[id("a")], Duration::from_secs(60)), giving_back).await;
        assert_eq!(started.elapsed(), Duration::from_secs(2));
        let read = state.read(&[id("a")]).await;
        assert_eq!((read[0].in_flight, read[0].reserved_tokens, read[0].tokens), (0, 0, 9));
        assert!(state.begin(&a, &terms).await.is_ok());
    }

    #[tokio::test(start_paused = true)]
    async fn a_place_given_back_just_before_waiting_is_not_missed() {
        let state = MemoryState::new();
        let held = state.begin(&id("a"), &Terms::default()).await.unwrap();
        state.release(&id("a"), held, 0);
        let started = Instant::now();
        state.wait(&[id("b"), id("a")], Duration::from_secs(60)).await;
        assert_eq!(started.elapsed(), Duration::ZERO);
    }

    #[tokio::test(start_paused = true)]
    async fn the_unused_are_forgotten_and_those_in_flight_are_not() {
        let state = MemoryState::new();
        let held = state.begin(&id("streaming"), &Terms::default()).await.unwrap();
        let done = state.begin(&id("done"), &Terms::default()).await.unwrap();
        state.release(&id("done"), done, 0);
        tokio::time::advance(FORGOTTEN_AFTER).await;
        state.begin(&id("new"), &Terms::default()).await.unwrap();
        let mut kept: Vec<_> = state.lock().keys().map(ToString::to_string).collect();
        kept.sort();
        assert_eq!(kept, ["new", "streaming"]);
        state.release(&id("streaming"), held, 0);
        assert_eq!(state.read(&[id("streaming")]).await[0].in_flight, 0);
    }

    #[tokio::test]
    async fn an_unknown_deployment_is_at_rest() {
        assert_eq!(MemoryState::new().read(&[id("x")]).await, [DeploymentState::default()]);
    }
}
