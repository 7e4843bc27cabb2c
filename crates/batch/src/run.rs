//! A batch from its creation to its end.
//!
//! Owns the order of its states, and that whatever ends a run, the next one goes on from there: a
//! line has one result, and after a crash some lines may be asked again.

use std::{fmt, pin::pin, sync::Arc, time::Duration};

use object_store::UpdateVersion;
use tokio::{sync::watch, time::Instant};

use crate::{
    Batch, BatchError, Counts, Engine, Input, Problem, Status,
    batches::{Folder, State},
    check::check,
    input::Source,
    lease::{Lease, Seen},
    part::{self, Part},
    store::{Owner, Store},
};

mod results;
mod work;

use results::Missing;
use work::{Work, WorkEnd, Worked};

/// How a batch is run.
#[derive(Clone)]
#[non_exhaustive]
pub struct RunOptions {
    /// How many lines are asked at the same time.
    pub concurrency: usize,
    /// The longest time between two writings of results: what a crash costs.
    pub flush_every: Duration,
    /// For how long a process that dies keeps others from going on.
    pub lease: Duration,
    /// Ends the run early.
    pub stop: Stop,
    /// Is told how far the batch is, whenever that changes.
    pub progress: Option<Arc<dyn Fn(Counts) + Send + Sync>>,
}

impl Default for RunOptions {
    fn default() -> Self {
        Self {
            concurrency: 4,
            flush_every: Duration::from_secs(5),
            lease: Duration::from_secs(60),
            stop: Stop::never(),
            progress: None,
        }
    }
}

impl fmt::Debug for RunOptions {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RunOptions").field("concurrency", &self.concurrency).finish_non_exhaustive()
    }
}

/// Ends a run early, from another task. What was answered is kept.
#[derive(Clone, Debug)]
pub struct Stop(Arc<watch::Sender<Phase>>);

/// How far the end of a run has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Phase {
    Running,
    /// Lines in flight are waited for.
    Finishing,
    /// Lines in flight are dropped.
    Ending,
}

impl Stop {
    /// One that is not used.
    #[must_use]
    pub fn never() -> Self {
        Self(Arc::new(watch::Sender::new(Phase::Running)))
    }

    /// Asks no further line. Those in flight are waited for.
    pub fn finish(&self) {
        self.0.send_modify(|phase| *phase = Phase::Finishing.max(*phase));
    }

    /// Drops the lines in flight, too.
    pub fn end(&self) {
        self.0.send_modify(|phase| *phase = Phase::Ending);
    }

    fn phase(&self) -> Phase {
        *self.0.borrow()
    }

    fn listen(&self) -> watch::Receiver<Phase> {
        self.0.subscribe()
    }
}

/// How a run ended.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub enum End {
    /// The batch has reached its end.
    Ended(Batch),
    /// The run was stopped; the next one goes on.
    Stopped(Batch),
}

/// What a run has in its hands: the lease, and the state that it has written last.
#[derive(Debug)]
struct Desk {
    lease: Lease,
    state: State,
    version: UpdateVersion,
}

impl Desk {
    async fn write_state(&mut self, store: &Store, folder: &Folder) -> Result<(), BatchError> {
        self.state.generation = self.lease.generation();
        self.version = store.write(&folder.state(), &self.state, Some(self.version.clone())).await?;
        Ok(())
    }
}

/// Runs batches of a store.
#[derive(Debug)]
pub struct Runner {
    store: Store,
    seen: Seen,
}

impl Runner {
    /// A runner for this store.
    #[must_use]
    pub fn new(store: Store) -> Self {
        Self { store, seen: Seen::default() }
    }

    /// The store.
    #[must_use]
    pub fn store(&self) -> &Store {
        &self.store
    }

    /// Runs a batch from where it is to its end.
    ///
    /// # Errors
    /// [`BatchError::Leased`] if another process works on it; any other one ends the run, and a
    /// further run goes on from there.
    pub async fn run(
        &self,
        owner: &Owner,
        id: &str,
        engine: &dyn Engine,
        options: &RunOptions,
    ) -> Result<End, BatchError> {
        let folder = Folder::new(owner, id)?;
        if let Err(BatchError::NotFound { .. }) = self.store.state(&folder).await {
            // Its creation ended half-way.
            self.store.delete(&folder.active()).await?;
        }
        let lease = Lease::take(&self.store, folder.lease(), options.lease, &self.seen).await?;
        let (state, version) = match self.store.state(&folder).await {
            Ok(found) => found,
            Err(error) => {
                lease.give_back(&self.store).await;
                return Err(error);
            }
        };
        let mut desk = Desk { lease, state, version };
        let mut outcome = self.go_on(&folder, &mut desk, engine, options).await;
        if matches!(outcome, Err(BatchError::Store { .. } | BatchError::Input(_)))
            && let Input::File(input) = &desk.state.input
            && let Err(BatchError::NotFound { .. }) = self.store.file(owner, input).await
        {
            outcome = self.end_without_input(&folder, &mut desk).await;
        }
        match &outcome {
            Err(BatchError::LeaseLost) => {}
            // The lease may be in a future that was dropped: then it expires.
            _ => desk.lease.give_back(&self.store).await,
        }
        outcome
    }

    async fn go_on(
        &self,
        folder: &Folder,
        desk: &mut Desk,
        engine: &dyn Engine,
        options: &RunOptions,
    ) -> Result<End, BatchError> {
        let store = &self.store;
        if desk.state.batch.status.is_final() {
            self.clean_up(folder).await?;
            return Ok(End::Ended(desk.state.batch.clone()));
        }
        let source = store.source(&folder.owner, &desk.state.input)?;
        if desk.state.digest.is_none() || matches!(desk.state.input, Input::Path(_)) {
            let (endpoint, most) = (desk.state.endpoint, desk.state.most_lines);
            let checked = while_held(&mut desk.lease, store, check(&source, endpoint, most)).await?;
            match &desk.state.digest {
                Some(digest) if *digest != checked.digest => return Err(BatchError::InputChanged),
                Some(_) => {}
                None => {
                    let now = store.now();
                    if checked.problems.is_empty() {
                        desk.state.batch.request_counts.total = checked.total;
                        desk.state.digest = Some(checked.digest);
                        desk.state.batch.enter(Status::InProgress, now);
                    } else {
                        desk.state.batch.fail(checked.problems, now);
                        return self.end(folder, desk).await;
                    }
                    desk.write_state(store, folder).await?;
                }
            }
        }
        let parts = while_held(&mut desk.lease, store, part::list(&store.objects, &folder.parts())).await?;
        let is_cancelled = store.read::<u64>(&folder.cancelled()).await?.is_some();
        let end = is_cancelled.then_some(WorkEnd::Cancelled);
        let work = Work::new(store, folder, engine, options, parts, source.lines().await?, end);
        let Worked { parts, end } = work.run(desk).await?;
        let missing = match end {
            WorkEnd::Stopped => return Ok(End::Stopped(desk.state.batch.clone())),
            WorkEnd::Failed(error) => return Err(error.into()),
            WorkEnd::Broken(error) => return Err(error),
            WorkEnd::Done => None,
            WorkEnd::Expired => Some(Missing::EXPIRED),
            WorkEnd::Cancelled => Some(Missing::CANCELLED),
        };
        let now = store.now();
        if missing.is_none() {
            desk.state.batch.enter(Status::Finalizing, now);
            desk.write_state(store, folder).await?;
        }
        self.write_results(folder, desk, &parts, missing.map(|missing| (missing, source))).await?;
        let batch = &mut desk.state.batch;
        if let Some(Missing { status: Status::Cancelled, .. }) = missing
            && let Some((at, _)) = store.read::<u64>(&folder.cancelled()).await?
        {
            batch.cancelling_at.get_or_insert(at);
        }
        batch.enter(missing.map_or(Status::Completed, |missing| missing.status), store.now());
        self.end(folder, desk).await
    }

    /// Ends a batch whose input was deleted or has expired. The results that it has are kept.
    async fn end_without_input(&self, folder: &Folder, desk: &mut Desk) -> Result<End, BatchError> {
        let message = "the input file was deleted or has expired; upload it again and create another batch";
        let problem = Problem::new("input_file_not_found", Some("input_file_id"), message);
        let parts = while_held(&mut desk.lease, &self.store, part::list(&self.store.objects, &folder.parts())).await?;
        self.write_results(folder, desk, &parts, None).await?;
        desk.state.batch.fail(vec![problem], self.store.now());
        self.end(folder, desk).await
    }

    /// Writes the files of results, and notes them.
    async fn write_results(
        &self,
        folder: &Folder,
        desk: &mut Desk,
        parts: &[Part],
        missing: Option<(Missing, Source)>,
    ) -> Result<(), BatchError> {
        let write = results::write(&self.store, folder, parts, missing, desk.state.results_lifetime);
        let found = while_held(&mut desk.lease, &self.store, write).await?;
        let batch = &mut desk.state.batch;
        batch.request_counts.completed = found.answered;
        batch.request_counts.failed = found.failed;
        (batch.output_file_id, batch.error_file_id) = (found.output, found.errors);
        Ok(())
    }

    /// Writes a state that is final.
    async fn end(&self, folder: &Folder, desk: &mut Desk) -> Result<End, BatchError> {
        desk.write_state(&self.store, folder).await?;
        self.clean_up(folder).await?;
        Ok(End::Ended(desk.state.batch.clone()))
    }

    /// Deletes what a batch that has ended needs no more.
    async fn clean_up(&self, folder: &Folder) -> Result<(), BatchError> {
        self.store.delete_all(&folder.parts()).await?;
        self.store.delete(&folder.cancelled()).await?;
        self.store.delete(&folder.active()).await
    }
}

/// Does something that takes long, and keeps the lease in the meantime.
async fn while_held<T>(
    lease: &mut Lease,
    store: &Store,
    work: impl Future<Output = Result<T, BatchError>>,
) -> Result<T, BatchError> {
    let mut work = pin!(work);
    loop {
        let due = lease.due().max(Instant::now());
        tokio::select! {
            result = &mut work => return result,
            () = tokio::time::sleep_until(due) => match lease.renew(store).await {
                Ok(()) => {}
                Err(error) if Instant::now() >= lease.end() => return Err(error),
                Err(BatchError::LeaseLost) => return Err(BatchError::LeaseLost),
                Err(_) => tokio::time::sleep(Duration::from_secs(1)).await,
            },
        }
    }
}

#[cfg(test)]
mod tests;
