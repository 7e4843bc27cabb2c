//! What the whole emulator shares.
//!
//! Owns the endpoints, the scripts that wait for a request, and the counters. A running emulator has one [`State`].

use std::{
    collections::{BTreeMap, HashMap, VecDeque},
    fmt,
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use crate::{clock::Clock, container::Container, keys::KeyRing, received::Log, scripted::Scripted};

/// Everything a request may need.
pub(crate) struct State {
    pub(crate) clock: Clock,
    pub(crate) keys: KeyRing,
    pub(crate) log: Log,
    pub(crate) endpoints: BTreeMap<String, Arc<dyn Container>>,
    pub(crate) scripts: Scripts,
    pub(crate) max_body_bytes: usize,
    /// How long a container may take to begin its answer.
    pub(crate) container_timeout: Duration,
    pub(crate) requests: AtomicU64,
    pub(crate) generated: AtomicU64,
}

impl State {
    /// The next request id: a UUID that counts.
    pub(crate) fn next_request_id(&self) -> String {
        let number = self.requests.fetch_add(1, Ordering::Relaxed) + 1;
        format!("5a9e0000-0000-4000-8000-{number:012x}")
    }

    /// Another UUID that counts, for inference and session ids.
    pub(crate) fn next_generated_id(&self) -> String {
        let number = self.generated.fetch_add(1, Ordering::Relaxed) + 1;
        format!("9e000000-0000-4000-8000-{number:012x}")
    }
}

impl fmt::Debug for State {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("State")
            .field("endpoints", &self.endpoints.keys())
            .field("log", &self.log)
            .finish_non_exhaustive()
    }
}

/// Scripted answers by endpoint, first in, first out.
#[derive(Debug, Default)]
pub(crate) struct Scripts {
    waiting: Mutex<HashMap<String, VecDeque<Scripted>>>,
}

impl Scripts {
    pub(crate) fn push(&self, endpoint: &str, script: Scripted) {
        let mut waiting = self.waiting.lock().unwrap_or_else(PoisonError::into_inner);
        waiting.entry(endpoint.to_owned()).or_default().push_back(script);
    }

    pub(crate) fn pop(&self, endpoint: &str) -> Option<Scripted> {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner).get_mut(endpoint)?.pop_front()
    }

    pub(crate) fn len(&self, endpoint: &str) -> usize {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner).get(endpoint).map_or(0, VecDeque::len)
    }
}
