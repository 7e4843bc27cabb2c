//! Threads that serve connections.
//!
//! Owns them, and the choice of one for a new connection. A connection, the calls on it and their
//! connections to endpoints stay on one thread, so that nothing wakes another one up and no lock is
//! fought for.

use std::{
    io,
    num::NonZeroUsize,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering::Relaxed},
    },
    thread,
};

use tokio::{
    runtime::{Builder, Handle},
    sync::oneshot,
};

/// Threads that serve connections, each with a runtime of its own. They end when this is dropped,
/// with whatever runs on them.
#[derive(Debug)]
pub struct Workers(Vec<Worker>);

#[derive(Debug)]
struct Worker {
    handle: Handle,
    connections: Arc<AtomicUsize>,
    /// Dropped, it ends the thread.
    _alive: oneshot::Sender<()>,
}

/// A connection's place at a worker, until it is dropped.
#[derive(Debug)]
pub(super) struct WorkerPlace(Arc<AtomicUsize>);

impl Drop for WorkerPlace {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Relaxed);
    }
}

impl Workers {
    /// Starts so many threads.
    ///
    /// # Errors
    /// Those of the system, where it gives no thread or no queue of events.
    pub fn start(count: NonZeroUsize) -> io::Result<Self> {
        (0..count.get()).map(Worker::start).collect::<io::Result<_>>().map(Self)
    }

    /// As many as the machine has processors for this program.
    ///
    /// # Errors
    /// As [`start`](Self::start).
    pub fn by_processors() -> io::Result<Self> {
        Self::start(thread::available_parallelism().unwrap_or(NonZeroUsize::MIN))
    }

    /// Their runtimes, whose metrics tell what they do.
    pub fn runtimes(&self) -> impl Iterator<Item = &Handle> {
        self.0.iter().map(|worker| &worker.handle)
    }

    /// The worker with the fewest connections, and a place there.
    pub(super) fn least_busy(&self) -> Option<(&Handle, WorkerPlace)> {
        let worker = self.0.iter().min_by_key(|worker| worker.connections.load(Relaxed))?;
        worker.connections.fetch_add(1, Relaxed);
        Some((&worker.handle, WorkerPlace(Arc::clone(&worker.connections))))
    }
}

impl Worker {
    fn start(number: usize) -> io::Result<Self> {
        let runtime = Builder::new_current_thread().enable_all().build()?;
        let handle = runtime.handle().clone();
        let (alive, ended) = oneshot::channel::<()>();
        thread::Builder::new().name(format!("sagewire-{number}")).spawn(move || {
            // An error says that the other end was dropped, and that is what is waited for.
            let _ = runtime.block_on(ended);
            runtime.shutdown_background();
        })?;
        Ok(Self { handle, connections: Arc::default(), _alive: alive })
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[test]
    fn connections_are_spread_and_their_places_given_back() {
        let workers = Workers::start(NonZeroUsize::new(2).unwrap()).unwrap();
        let counts = || workers.0.iter().map(|worker| worker.connections.load(Relaxed)).collect::<Vec<_>>();
        let mut places: Vec<_> = (0..5).map(|_| workers.least_busy().unwrap().1).collect();
        assert_eq!(counts(), [3, 2]);
        places.remove(0);
        places.remove(1);
        assert_eq!(counts(), [1, 2]);
        let (handle, _place) = workers.least_busy().unwrap();
        assert_eq!(handle.id(), workers.0[0].handle.id());
    }

    #[tokio::test]
    async fn a_worker_ends_with_what_it_does_when_the_workers_are_dropped() {
        let workers = Workers::start(NonZeroUsize::MIN).unwrap();
        let (handle, _place) = workers.least_busy().unwrap();
        let task = handle.spawn(std::future::pending::<()>());
        let name = handle.spawn(async { thread::current().name().map(str::to_owned) }).await.unwrap();
        assert_eq!(name.as_deref(), Some("sagewire-0"));
        // A task that is done counts until its thread has put it away.
        let alive = || workers.runtimes().map(|runtime| runtime.metrics().num_alive_tasks()).sum::<usize>();
        let only_one = async {
            while alive() != 1 {
                tokio::task::yield_now().await;
            }
        };
        tokio::time::timeout(Duration::from_secs(60), only_one).await.unwrap();
        drop(workers);
        assert!(task.await.unwrap_err().is_cancelled());
    }
}
