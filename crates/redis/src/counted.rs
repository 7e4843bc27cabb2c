//! What replicas count together: a record here of each deployment or key, what Redis is told of it
//! in the background, and what it is asked.
//!
//! Owns the life of a record, the leases of what is held, and what becomes of a place that is asked
//! for and not taken.

use std::{
    collections::{BTreeMap, HashMap},
    fmt,
    sync::{
        Arc, Mutex, MutexGuard, Once, PoisonError,
        atomic::{AtomicU64, Ordering::Relaxed},
    },
    time::Duration,
};

use async_trait::async_trait;
use futures_util::future;
use redis::Script;
use serde::{Serialize, de::DeserializeOwned};
use tokio::{runtime, sync::Notify, time::Instant};

use self::asking::Request;

use crate::{
    Redis,
    keys::Keys,
    outbox::{Outbox, Place},
    redis::{Member, WRITE_LIMIT},
};

mod asking;

pub(crate) use self::asking::{Answered, Decision, Grant};

/// After how long an unused record is forgotten here.
const FORGOTTEN_AFTER: Duration = Duration::from_secs(3600);

/// How often the task in the background looks whether its owner is still there.
const OWNER_CHECKED_EVERY: Duration = Duration::from_secs(1);

/// How long what is to be told waits for a question that takes it along.
const TOLD_AFTER: Duration = Duration::from_millis(5);

/// What is counted: deployments, or callers' keys.
pub(crate) trait Kind: Sized + Send + Sync + 'static {
    /// Its name in the names of Redis' keys.
    const NAME: &'static str;

    /// What the script keeps of one: its counts, its places, and more of its own.
    const KEPT: &'static [&'static str];

    /// Counts what this replica does itself, and decides while Redis is away.
    type Local: Default + Send + Sync;

    /// What `Local` has given for a place that is held.
    type Held: Send;

    /// What Redis has said of one.
    type Seen: Send;

    /// What this replica remembers of one beside it.
    type Settings: Default + Send;

    /// A place that a request asks for, as the script reads it.
    type Wanted: Serialize + Send + Sync;

    /// What the script is asked of one beside that.
    type Terms: Serialize + Send + Sync;

    /// What the script answers.
    type Answer: DeserializeOwned + Send + Sync;

    /// Checks and counts in one step. It begins with `counted.lua`.
    fn script() -> &'static Script;

    /// What the script is asked of one, whatever is asked for.
    fn terms(record: &Record<Self>) -> Self::Terms;

    /// Notes how Redis says that one is doing.
    fn note(counted: &Counted<Self>, name: &str, answer: &Self::Answer);

    /// Whether the record of one that is not used is worth keeping.
    fn is_worth_keeping(_: &Record<Self>) -> bool {
        false
    }
}

/// All of one kind.
pub(crate) struct Counted<K: Kind> {
    pub(crate) redis: Arc<Redis>,
    pub(crate) local: K::Local,
    records: Mutex<HashMap<Arc<str>, Record<K>>>,
    next_place: AtomicU64,
    /// There is something to tell.
    told: Notify,
    /// Held by the task that tells it.
    telling: tokio::sync::Mutex<()>,
    started: Once,
}

/// What is known here of one.
pub(crate) struct Record<K: Kind> {
    keys: Vec<String>,
    pub(crate) outbox: Outbox,
    pub(crate) held: BTreeMap<u64, Held<K>>,
    pub(crate) seen: Option<K::Seen>,
    pub(crate) settings: K::Settings,
    used_last: Instant,
    /// Requests for places that are to be asked for, by the runtime that has a task for them.
    waiting: HashMap<runtime::Id, Vec<Request<K>>>,
}

/// A place that a request of this replica holds.
pub(crate) struct Held<K: Kind> {
    pub(crate) place: Place,
    pub(crate) local: K::Held,
}

impl<K: Kind> Counted<K> {
    pub(crate) fn new(redis: &Arc<Redis>) -> Arc<Self> {
        Arc::new(Self {
            redis: Arc::clone(redis),
            local: K::Local::default(),
            records: Mutex::default(),
            next_place: AtomicU64::new(1),
            told: Notify::new(),
            telling: tokio::sync::Mutex::default(),
            started: Once::new(),
        })
    }

    /// Begins to tell Redis things in the background.
    pub(crate) fn start(self: &Arc<Self>) {
        self.started.call_once(|| {
            let member: Arc<dyn Member> = Arc::clone(self) as Arc<dyn Member>;
            self.redis.add_member(Arc::downgrade(&member));
            if self.redis.settings().is_paused() {
                return;
            }
            let counted = Arc::downgrade(self);
            tokio::spawn(async move {
                while let Some(counted) = counted.upgrade() {
                    let has_news = tokio::time::timeout(OWNER_CHECKED_EVERY, counted.told.notified()).await.is_ok();
                    if has_news {
                        tokio::time::sleep(TOLD_AFTER).await;
                    }
                    counted.flush().await;
                }
            });
        });
    }

    pub(crate) fn lock(&self) -> MutexGuard<'_, HashMap<Arc<str>, Record<K>>> {
        self.records.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn with_record<T>(&self, name: &str, act: impl FnOnce(&mut Record<K>) -> T) -> T {
        let mut records = self.lock();
        let record = match records.get_mut(name) {
            Some(record) => record,
            None => records.entry(Arc::from(name)).or_insert_with(|| Record {
                keys: self.keys(name),
                outbox: Outbox::default(),
                held: BTreeMap::new(),
                seen: None,
                settings: K::Settings::default(),
                used_last: Instant::now(),
                waiting: HashMap::new(),
            }),
        };
        act(record)
    }

    fn keys(&self, name: &str) -> Vec<String> {
        let keys = Keys::new(&self.redis.settings().namespace, K::NAME, name);
        let batch = format!("batch:{}", self.redis.replica());
        [batch.as_str()].iter().chain(K::KEPT).map(|what| keys.of(what)).collect()
    }

    /// A place of its own for one request of this replica, and its number.
    pub(crate) fn new_place(&self, tokens: u64) -> (u64, Place) {
        let id = self.next_place.fetch_add(1, Relaxed);
        (id, Place::new(self.redis.replica(), id, tokens))
    }

    /// Holds a place; what Redis does not know yet is told.
    pub(crate) fn hold(&self, name: &str, id: u64, place: Place, local: K::Held, is_known: bool) {
        self.with_record(name, |record| {
            if !is_known {
                record.outbox.changes.hold(id, &place);
            }
            record.held.insert(id, Held { place, local });
        });
    }

    /// Changes what Redis has said of one by what this replica does.
    pub(crate) fn change_seen(&self, name: &str, change: impl FnOnce(&mut K::Seen)) {
        self.with_record(name, |record| record.seen.as_mut().map(change));
    }

    /// There is something to tell.
    pub(crate) fn wake(&self) {
        self.told.notify_one();
    }

    /// Prolongs leases, tells everything, and forgets what was seen: the next look is at what Redis
    /// holds.
    #[cfg(feature = "testing")]
    pub(crate) async fn settle_all(&self) {
        self.renew();
        self.flush().await;
        self.lock().values_mut().for_each(|record| record.seen = None);
    }
}

#[async_trait]
impl<K: Kind> Member for Counted<K> {
    fn renew(&self) {
        let now = Instant::now();
        let mut records = self.lock();
        records.retain(|_, record| {
            let is_idle = record.held.is_empty() && record.outbox.is_empty();
            !is_idle || K::is_worth_keeping(record) || now.duration_since(record.used_last) < FORGOTTEN_AFTER
        });
        for record in records.values_mut() {
            for (id, held) in &mut record.held {
                held.place.may_be_known = true;
                record.outbox.changes.hold(*id, &held.place);
            }
        }
        drop(records);
        self.wake();
    }

    async fn flush(&self) {
        let _turn = self.telling.lock().await;
        loop {
            let ready: Vec<Arc<str>> = {
                let records = self.lock();
                records
                    .iter()
                    .filter(|(_, record)| record.outbox.is_ready())
                    .map(|(name, _)| Arc::clone(name))
                    .collect()
            };
            if ready.is_empty() {
                return;
            }
            let told = future::join_all(ready.iter().map(|name| self.ask(name, WRITE_LIMIT))).await;
            if told.iter().any(Result::is_err) {
                return;
            }
        }
    }
}

impl<K: Kind> fmt::Debug for Counted<K> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Counted").field("kind", &K::NAME).field("redis", &self.redis).finish_non_exhaustive()
    }
}

/// A place that was asked for. If it is dropped before it is settled who holds it, Redis is told to
/// give it back.
pub(crate) struct Unsettled<'c, K: Kind> {
    counted: &'c Counted<K>,
    name: &'c str,
    place: Option<&'c Place>,
}

impl<'c, K: Kind> Unsettled<'c, K> {
    pub(crate) fn new(counted: &'c Counted<K>, name: &'c str, place: &'c Place) -> Self {
        Self { counted, name, place: Some(place) }
    }

    pub(crate) fn settle(&mut self) {
        self.place = None;
    }
}

impl<K: Kind> Drop for Unsettled<'_, K> {
    fn drop(&mut self) {
        if let Some(place) = self.place {
            self.counted.with_record(self.name, |record| record.outbox.changes.give_up(place));
            self.counted.wake();
        }
    }
}
