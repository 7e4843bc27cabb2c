//! What the whole emulator shares.
//!
//! Owns the endpoints and the counters. What waits for requests is in `prepared`. A running
//! emulator has one [`State`].

use std::{
    collections::BTreeMap,
    fmt,
    sync::{
        Arc, Mutex, PoisonError, RwLock,
        atomic::{AtomicI64, AtomicU64, AtomicUsize, Ordering},
    },
    time::{Duration, SystemTime},
};

use tokio::sync::mpsc;

#[cfg(feature = "faults")]
use crate::control::Control;
#[cfg(feature = "identity")]
use crate::identity::Identity;
use crate::{
    account::Account,
    clock::Clock,
    container::{Container, Parts},
    keys::KeyRing,
    listener::Order,
    object_store::ObjectStore,
    prepared::Prepared,
    received::{Log, Received},
};

/// Who is told of requests.
pub(crate) type Observer = Box<dyn Fn(&Received) + Send + Sync>;

/// Everything a request may need.
pub(crate) struct State {
    pub(crate) clock: Clock,
    pub(crate) keys: KeyRing,
    #[cfg(feature = "identity")]
    pub(crate) identity: Identity,
    pub(crate) log: Log,
    /// Is told of every request.
    pub(crate) observer: Option<Observer>,
    pub(crate) endpoints: Endpoints,
    /// What the control plane says. None: what follows from the endpoints.
    pub(crate) account: Mutex<Option<Arc<Account>>>,
    pub(crate) prepared: Prepared,
    /// By how many seconds the clock is wrong.
    pub(crate) skew: AtomicI64,
    pub(crate) max_body_bytes: usize,
    pub(crate) parts: Parts,
    /// The wait before each answer of the runtime, in milliseconds.
    pub(crate) latency_ms: AtomicU64,
    /// How long a container may take to begin its answer.
    pub(crate) container_timeout: Duration,
    pub(crate) requests: AtomicU64,
    pub(crate) generated: AtomicU64,
    pub(crate) open_connections: AtomicUsize,
    /// Endpoints and their inference components, beside those of the account.
    pub(crate) components: Vec<(String, String)>,
    /// Where asynchronous calls read and write; without one nothing is run.
    pub(crate) object_store: Option<ObjectStore>,
    /// Where the outcomes are; `-outputs/` or `-failures/` follows.
    pub(crate) async_output: Option<String>,
    #[cfg(feature = "faults")]
    pub(crate) control: std::sync::OnceLock<Control>,
    /// To the accept loop.
    pub(crate) orders: mpsc::Sender<Order>,
}

impl State {
    pub(crate) fn latency(&self) -> Duration {
        Duration::from_millis(self.latency_ms.load(Ordering::Relaxed))
    }

    #[cfg(feature = "faults")]
    pub(crate) fn set_latency(&self, latency: Duration) {
        self.latency_ms.store(u64::try_from(latency.as_millis()).unwrap_or(u64::MAX), Ordering::Relaxed);
    }

    /// The names of an endpoint's inference components.
    pub(crate) fn components_of(&self, endpoint: &str) -> Vec<String> {
        let own = self.components.iter().filter(|(of, _)| of == endpoint).map(|(_, name)| name.clone());
        own.chain(self.account().components_of(endpoint).map(str::to_owned)).collect()
    }

    /// The time, as wrong as it is meant to be.
    pub(crate) fn now(&self) -> SystemTime {
        let (now, skew) = ((self.clock)(), self.skew.load(Ordering::Relaxed));
        let by = Duration::from_secs(skew.unsigned_abs());
        // A time that no clock can show changes nothing.
        if skew < 0 { now.checked_sub(by) } else { now.checked_add(by) }.unwrap_or(now)
    }

    /// What the control plane says.
    pub(crate) fn account(&self) -> Arc<Account> {
        let account = self.account.lock().unwrap_or_else(PoisonError::into_inner);
        account.clone().unwrap_or_else(|| {
            let containers = self.endpoints.names().into_iter();
            let containers = containers.filter_map(|name| Some((name.clone(), self.endpoints.get(&name)?)));
            Arc::new(Account::of_containers(containers))
        })
    }

    /// Closes the port for so long.
    #[cfg(feature = "faults")]
    pub(crate) async fn refuse_connections(&self, time: Duration) {
        let (done, told) = tokio::sync::oneshot::channel();
        if self.orders.send(Order::Refuse(time, done)).await.is_ok() {
            // The loop may have ended meanwhile, and refuses everything then.
            let _ = told.await;
        }
    }

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
            .field("endpoints", &self.endpoints.names())
            .field("log", &self.log)
            .finish_non_exhaustive()
    }
}

/// The endpoints and what is behind each.
pub(crate) struct Endpoints(RwLock<BTreeMap<String, Arc<dyn Container>>>);

impl Endpoints {
    pub(crate) fn new(containers: BTreeMap<String, Arc<dyn Container>>) -> Self {
        Self(RwLock::new(containers))
    }

    pub(crate) fn get(&self, name: &str) -> Option<Arc<dyn Container>> {
        self.0.read().unwrap_or_else(PoisonError::into_inner).get(name).cloned()
    }

    /// In alphabetical order.
    pub(crate) fn names(&self) -> Vec<String> {
        self.0.read().unwrap_or_else(PoisonError::into_inner).keys().cloned().collect()
    }

    #[cfg(feature = "faults")]
    pub(crate) fn insert(&self, name: String, container: Arc<dyn Container>) {
        self.0.write().unwrap_or_else(PoisonError::into_inner).insert(name, container);
    }

    /// Whether there was one.
    #[cfg(feature = "faults")]
    pub(crate) fn remove(&self, name: &str) -> bool {
        self.0.write().unwrap_or_else(PoisonError::into_inner).remove(name).is_some()
    }
}
