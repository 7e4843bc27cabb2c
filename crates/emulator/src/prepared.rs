//! What tests prepare for requests: scripted answers, faults, and a schedule of faults.
//!
//! Owns which request meets what. What each of them does is in `scripted` and `fault`.

use std::{
    collections::{HashMap, VecDeque},
    sync::{
        Mutex, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
};

use crate::{fault::Chaos, operation::Operation};
pub(crate) use crate::{fault::Fault, scripted::Scripted};

/// What has been prepared.
#[derive(Debug, Default)]
pub(crate) struct Prepared {
    pub(crate) scripts: Waiting<Scripted>,
    pub(crate) faults: Waiting<Fault>,
    chaos: Mutex<Option<Chaos>>,
    /// The number of requests that the schedule has seen.
    seen: AtomicU64,
}

impl Prepared {
    pub(crate) fn set_chaos(&self, chaos: Option<Chaos>) {
        *self.chaos.lock().unwrap_or_else(PoisonError::into_inner) = chaos;
        self.seen.store(0, Ordering::Relaxed);
    }

    /// Whether the schedule can be kept.
    pub(crate) fn check(&self) -> Result<(), String> {
        self.chaos.lock().unwrap_or_else(PoisonError::into_inner).as_ref().map_or(Ok(()), Chaos::check_rates)
    }

    /// The scripted answer to an accepted request.
    pub(crate) fn next_script(&self, endpoint: Option<&str>, operation: Operation) -> Option<Scripted> {
        self.scripts.next(endpoint, operation)
    }

    /// The fault of an accepted request: one that waits for it, or else one of the schedule.
    pub(crate) fn next_fault(&self, endpoint: Option<&str>, operation: Operation) -> Option<Fault> {
        let scheduled = || {
            let chaos = self.chaos.lock().unwrap_or_else(PoisonError::into_inner);
            let chaos = chaos.as_ref().filter(|chaos| chaos.concerns(operation))?;
            chaos.fault_at(self.seen.fetch_add(1, Ordering::Relaxed))
        };
        self.faults.next(endpoint, operation).or_else(scheduled)
    }

    /// Forgets all of it.
    pub(crate) fn clear(&self) {
        self.scripts.clear_all();
        self.faults.clear_all();
        self.set_chaos(None);
    }
}

/// What a scripted answer or a fault waits for.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Line {
    Endpoint(String),
    Operation(Operation),
}

/// What waits for a request: scripted answers, or faults. First in, first out.
#[derive(Debug)]
pub(crate) struct Waiting<T> {
    lines: Mutex<HashMap<Line, VecDeque<T>>>,
}

impl<T> Waiting<T> {
    pub(crate) fn push(&self, line: Line, item: T) {
        self.lines.lock().unwrap_or_else(PoisonError::into_inner).entry(line).or_default().push_back(item);
    }

    /// The next one for a request; its endpoint's line comes before its operation's.
    fn next(&self, endpoint: Option<&str>, operation: Operation) -> Option<T> {
        let mut waiting = self.lines.lock().unwrap_or_else(PoisonError::into_inner);
        let lines = endpoint
            .map(|endpoint| Line::Endpoint(endpoint.to_owned()))
            .into_iter()
            .chain([Line::Operation(operation)]);
        lines.into_iter().find_map(|line| waiting.get_mut(&line)?.pop_front())
    }

    pub(crate) fn clear(&self, line: &Line) {
        self.lines.lock().unwrap_or_else(PoisonError::into_inner).remove(line);
    }

    fn clear_all(&self) {
        self.lines.lock().unwrap_or_else(PoisonError::into_inner).clear();
    }

    pub(crate) fn len(&self, line: &Line) -> usize {
        self.lines.lock().unwrap_or_else(PoisonError::into_inner).get(line).map_or(0, VecDeque::len)
    }
}

impl<T> Default for Waiting<T> {
    fn default() -> Self {
        Self { lines: Mutex::default() }
    }
}
