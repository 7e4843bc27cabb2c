//! Random calls of several replicas, against a model of one.

#![expect(clippy::indexing_slicing, reason = "tests, which fail by panicking")]

use std::{sync::Arc, time::Duration};

use fastrand::Rng;
use tokio::time::advance;

use super::Replicas;
use crate::{
    Admission, CooldownPolicy, Limits, Measure, Outcome, RouterState, Terms, Timing,
    ledger::{KeyLimits, Ledger, MemoryLedger, Reservation},
};

const STEPS: usize = 120;

/// A call under way: its replica, and what the replica and the model have admitted.
struct Running {
    replica: usize,
    theirs: Admission,
    models: Admission,
}

/// Random calls of replicas of a router: each step must have the same outcome as in the model.
pub(super) async fn calls(
    replicas: &dyn Replicas<dyn RouterState>,
    states: &[Arc<dyn RouterState>],
    model: &Arc<dyn RouterState>,
    id: &Arc<str>,
    seed: u64,
) {
    let mut rng = Rng::with_seed(seed);
    let limits = Limits { rpm: Some(12), tpm: Some(400), max_parallel_requests: Some(4) };
    let policy = CooldownPolicy { allowed_fails: 1, counted_as: None, cooldown_time: Duration::from_secs(4) };
    let mut running: Vec<Running> = Vec::new();
    for step in 0..STEPS {
        replicas.settle().await;
        let replica = rng.usize(..states.len());
        match rng.u32(..10) {
            0..5 => {
                let terms = Terms { limits, estimated_tokens: rng.u64(..90), despite_cooldown: rng.u32(..6) == 0 };
                let models = model.begin(id, &terms).await;
                let theirs = states[replica].begin(id, &terms).await;
                let without_name = theirs.map(|admission| Admission { id: 0, ..admission });
                assert_eq!(without_name, models, "seed {seed}, step {step}: {terms:?}");
                if let (Ok(theirs), Ok(models)) = (theirs, models) {
                    running.push(Running { replica, theirs, models });
                }
            }
            5..9 if !running.is_empty() => {
                let Running { replica, mut theirs, mut models } = running.swap_remove(rng.usize(..running.len()));
                let timing = Timing { measure: Measure::Whole, time: Duration::from_millis(rng.u64(1..500)) };
                let outcome = |trial, rng: &mut Rng| match rng.u32(..3) {
                    0 => Some(Outcome::Failed { trial, policy, retry_after: None }),
                    1 => Some(Outcome::Answered { trial, timing: Some(timing) }),
                    _ => None,
                };
                if let Some(outcome) = outcome(theirs.trial, &mut rng) {
                    states[replica].report(id, outcome);
                    model.report(id, outcome);
                    (theirs.trial, models.trial) = (false, false);
                }
                let tokens = rng.u64(..90);
                states[replica].release(id, theirs, tokens);
                model.release(id, models, tokens);
            }
            _ => advance(Duration::from_secs(rng.u64(..9))).await,
        }
        replicas.settle().await;
        let asked = [Arc::clone(id)];
        let seen = states[rng.usize(..states.len())].read(&asked).await;
        assert_eq!(seen, model.read(&asked).await, "seed {seed}, step {step}");
    }
}

/// Random calls of a key at several replicas: each step must have the same outcome as in the model.
pub(super) async fn key(replicas: &dyn Replicas<dyn Ledger>, ledgers: &[Arc<dyn Ledger>], name: &str, seed: u64) {
    let mut rng = Rng::with_seed(seed);
    let model = MemoryLedger::default();
    let key = KeyLimits {
        name,
        rpm: Some(9),
        tpm: Some(500),
        token_budget: Some(1500),
        budget_duration: Some(Duration::from_secs(150)),
    };
    let mut running: Vec<(usize, Reservation, Reservation)> = Vec::new();
    for step in 0..STEPS {
        let replica = rng.usize(..ledgers.len());
        match rng.u32(..10) {
            0..5 => {
                let tokens = rng.u64(..300);
                let theirs = ledgers[replica].begin(&key, tokens).await;
                let models = model.begin(&key, tokens).await;
                let without_name = theirs.map(|reservation| Reservation { id: 0, ..reservation });
                assert_eq!(without_name, models, "seed {seed}, step {step}");
                if let (Ok(theirs), Ok(models)) = (theirs, models) {
                    running.push((replica, theirs, models));
                }
            }
            5..9 if !running.is_empty() => {
                let (replica, theirs, models) = running.swap_remove(rng.usize(..running.len()));
                let used = rng.u64(..300);
                ledgers[replica].settle(&key, theirs, used);
                model.settle(&key, models, used);
            }
            _ => advance(Duration::from_secs(rng.u64(..20))).await,
        }
        replicas.settle().await;
        let seen = ledgers[rng.usize(..ledgers.len())].standing(&key).await;
        assert_eq!(seen, model.standing(&key).await, "seed {seed}, step {step}");
    }
}
