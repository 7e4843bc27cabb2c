//! The batches that a proxy runs.
//!
//! Owns finding those that have not ended, how many run at the same time, and that each goes on
//! with the app of the newest configuration.

use std::{
    collections::{HashMap, hash_map::Entry},
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicUsize, Ordering::Relaxed},
    },
    time::Duration,
};

use sagewire_batch::{BatchError, End, Owner, RunOptions, Runner, Stop};
use tokio::task::JoinHandle;

use super::{engine::OwnersEngine, service::Batches};
use crate::App;

/// How often the store is looked at for batches that nobody runs.
const LOOK_EVERY: Duration = Duration::from_secs(10);

/// How often what has expired is deleted.
const SWEEP_EVERY: Duration = Duration::from_secs(3600);

/// How long batches may take to write what was answered when the proxy ends.
const LONGEST_END: Duration = Duration::from_secs(10);

/// Runs the batches of a proxy.
#[derive(Debug)]
pub(crate) struct BatchRunner {
    batches: Arc<Batches>,
    app: Arc<Mutex<Option<App>>>,
    running: Mutex<HashMap<String, JoinHandle<()>>>,
    /// How often the store was looked at.
    turn: AtomicUsize,
    stop: Stop,
}

impl BatchRunner {
    pub(crate) fn new(batches: Batches) -> Self {
        Self {
            batches: Arc::new(batches),
            app: Arc::default(),
            running: Mutex::default(),
            turn: AtomicUsize::new(0),
            stop: Stop::never(),
        }
    }

    pub(crate) fn batches(&self) -> &Arc<Batches> {
        &self.batches
    }

    /// Sets the app that lines are asked of from now on.
    pub(crate) fn set_app(&self, app: &App) {
        *self.app.lock().unwrap_or_else(PoisonError::into_inner) = Some(app.clone());
    }

    /// Runs batches until the future is dropped; those that run then go on until
    /// [`finish`](Self::finish).
    pub(crate) async fn run(&self) {
        let mut swept: Option<tokio::time::Instant> = None;
        let mut runner: Option<Arc<Runner>> = None;
        loop {
            match self.look(&mut runner).await {
                Ok(()) if swept.is_none_or(|at| at.elapsed() >= SWEEP_EVERY) => {
                    swept = Some(tokio::time::Instant::now());
                    self.sweep().await;
                }
                Ok(()) => {}
                Err(error) => told(&error),
            }
            let _ = tokio::time::timeout(LOOK_EVERY, self.batches.created.notified()).await;
        }
    }

    /// Begins with batches that nobody runs.
    async fn look(&self, runner: &mut Option<Arc<Runner>>) -> Result<(), BatchError> {
        let store = self.batches.store().await?;
        let runner = runner.get_or_insert_with(|| Arc::new(Runner::new(store.clone())));
        self.running().retain(|_, task| !task.is_finished());
        let mut active = store.active().await?;
        // Those that other proxies work on must not stand before the others for ever.
        if !active.is_empty() {
            let turn = self.turn.fetch_add(1, Relaxed) % active.len();
            active.rotate_left(turn);
        }
        for (owner, id) in active {
            let mut running = self.running();
            if running.len() >= self.batches.settings().running.max(1) as usize {
                break;
            }
            if let Entry::Vacant(place) = running.entry(id.clone()) {
                let (batches, app, runner) = (Arc::clone(&self.batches), Arc::clone(&self.app), Arc::clone(runner));
                place.insert(tokio::spawn(one(batches, app, runner, owner, id, self.stop.clone())));
            }
        }
        Ok(())
    }

    fn running(&self) -> MutexGuard<'_, HashMap<String, JoinHandle<()>>> {
        self.running.lock().unwrap_or_else(PoisonError::into_inner)
    }

    async fn sweep(&self) {
        let lifetime = self.batches.settings().lifetime.as_secs();
        let swept = match self.batches.store().await {
            Ok(store) => store.sweep(lifetime).await,
            Err(error) => Err(error),
        };
        if let Err(error) = swept {
            told(&error);
        }
    }

    /// Ends what runs: lines in flight are dropped, and what was answered is written.
    pub(crate) async fn finish(&self) {
        self.stop.end();
        let running: Vec<_> = self.running().drain().map(|(_, task)| task).collect();
        for mut task in running {
            if tokio::time::timeout(LONGEST_END, &mut task).await.is_err() {
                task.abort();
            }
        }
    }
}

impl Drop for BatchRunner {
    fn drop(&mut self) {
        for task in self.running().values() {
            task.abort();
        }
    }
}

async fn one(
    batches: Arc<Batches>,
    app: Arc<Mutex<Option<App>>>,
    runner: Arc<Runner>,
    owner: Owner,
    id: String,
    stop: Stop,
) {
    let settings = batches.settings();
    let mut options = RunOptions::default();
    options.concurrency = settings.concurrency as usize;
    options.lease = settings.lease;
    options.stop = stop;
    let engine = OwnersEngine::new(app, owner.clone(), settings.share);
    match runner.run(&owner, &id, &engine, &options).await {
        Ok(End::Ended(batch)) => {
            let counts = batch.request_counts;
            tracing::info!(
                target: "sagewire::proxy", batch = id, owner = owner.as_str(), status = batch.status.as_str(),
                total = counts.total, completed = counts.completed, failed = counts.failed, "a batch has ended"
            );
        }
        // Another proxy works on it, or this one ends.
        Ok(_) | Err(BatchError::Leased) => {}
        Err(error) => {
            told(&error);
            // It is gone on with when the store is looked at again.
        }
    }
}

fn told(error: &BatchError) {
    let cause = std::error::Error::source(error).map(ToString::to_string).unwrap_or_default();
    tracing::warn!(target: "sagewire::proxy", cause, "{error}");
}
