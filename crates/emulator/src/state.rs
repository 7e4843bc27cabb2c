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

use crate::{
    clock::Clock, container::Container, identity::Identity, keys::KeyRing, operation::Operation, received::Log,
    scripted::Scripted,
};

/// Everything a request may need.
pub(crate) struct State {
    pub(crate) clock: Clock,
    pub(crate) keys: KeyRing,
    pub(crate) identity: Identity,
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

/// What a scripted answer waits for.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Line {
    Endpoint(String),
    Operation(Operation),
}

/// Scripted answers, first in, first out.
#[derive(Debug, Default)]
pub(crate) struct Scripts {
    waiting: Mutex<HashMap<Line, VecDeque<Scripted>>>,
}

impl Scripts {
    pub(crate) fn push(&self, line: Line, script: Scripted) {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner).entry(line).or_default().push_back(script);
    }

    /// The next one for a request; its endpoint's line comes before its operation's.
    pub(crate) fn next(&self, endpoint: Option<&str>, operation: Operation) -> Option<Scripted> {
        let mut waiting = self.waiting.lock().unwrap_or_else(PoisonError::into_inner);
        let lines = endpoint
            .map(|endpoint| Line::Endpoint(endpoint.to_owned()))
            .into_iter()
            .chain([Line::Operation(operation)]);
        lines.into_iter().find_map(|line| waiting.get_mut(&line)?.pop_front())
    }

    pub(crate) fn len(&self, line: &Line) -> usize {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner).get(line).map_or(0, VecDeque::len)
    }
}
