//! The way to Redis: asking scripts, within a time limit, and a circuit that opens if it does not
//! answer.

use std::{
    fmt,
    sync::{
        Arc, Mutex, PoisonError, Weak,
        atomic::{AtomicBool, AtomicU32, AtomicU64, Ordering::Relaxed},
    },
    time::Duration,
};

use async_trait::async_trait;
use redis::{Cmd, FromRedisValue, RedisError, Script, ScriptInvocation};
use serde::{Serialize, de::DeserializeOwned};
use serde_json::Value;
use tokio::{sync::OnceCell, time::Instant};

use self::{connections::Connections, failure::Failure, keeping::CONNECT_LIMIT};
use crate::{
    RedisSettings, SettingsError,
    clock::{ServerClock, millis},
    connection::Server,
};

mod connections;
mod failure;
mod keeping;

/// How long a background write may take.
pub(crate) const WRITE_LIMIT: Duration = Duration::from_secs(1);

/// How long after its last sign of life a replica's places are given back.
pub(crate) const LEASE: Duration = Duration::from_secs(30);

/// A server or cluster that replicas share. It connects when it is first used, from each runtime
/// that uses it.
///
/// Needs a Tokio runtime with I/O and time.
pub struct Redis {
    settings: RedisSettings,
    server: Server,
    connections: Connections,
    late: AtomicU32,
    pub(crate) clock: ServerClock,
    replica: String,
    replicas: AtomicU32,
    first_try: OnceCell<()>,
    was_warned: AtomicBool,
    has_told_refusal: AtomicBool,
    counts: Counts,
    members: Mutex<Vec<Weak<dyn Member>>>,
}

/// A part that tells Redis something in the background.
#[async_trait]
pub(crate) trait Member: Send + Sync {
    /// Tells again what must not be forgotten: places that are held.
    fn renew(&self);

    /// Sends everything that is not told yet.
    async fn flush(&self);
}

#[derive(Debug, Default)]
struct Counts {
    asked: AtomicU64,
    failed: AtomicU64,
    micros: AtomicU64,
}

/// How the connection is doing.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
#[non_exhaustive]
pub struct Health {
    /// Whether Redis answers.
    pub connected: bool,
    /// How many replicas have been seen within the last minute, this one included.
    pub replicas: u32,
    /// How often Redis was asked.
    pub round_trips: u64,
    /// How often it did not answer in time, or with an error.
    pub failures: u64,
    /// How long its answers took, all together.
    pub waited: Duration,
}

/// Redis did not answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Away {
    /// Whether it was asked, so that it may have acted.
    pub(crate) was_asked: bool,
}

impl Redis {
    /// Where this is. Nothing is sent yet.
    ///
    /// # Errors
    /// [`SettingsError`] if the client cannot use the settings.
    pub fn new(settings: RedisSettings) -> Result<Arc<Self>, SettingsError> {
        let server = Server::new(&settings)?;
        Ok(Arc::new(Self {
            settings,
            server,
            connections: Connections::default(),
            late: AtomicU32::new(0),
            clock: ServerClock::default(),
            replica: format!("{:016x}", fastrand::u64(..)),
            replicas: AtomicU32::new(1),
            first_try: OnceCell::new(),
            was_warned: AtomicBool::new(false),
            has_told_refusal: AtomicBool::new(false),
            counts: Counts::default(),
            members: Mutex::default(),
        }))
    }

    /// The settings.
    #[must_use]
    pub fn settings(&self) -> &RedisSettings {
        &self.settings
    }

    /// How the connection is doing.
    #[must_use]
    pub fn health(&self) -> Health {
        Health {
            connected: self.is_connected(),
            replicas: self.replicas(),
            round_trips: self.counts.asked.load(Relaxed),
            failures: self.counts.failed.load(Relaxed),
            waited: Duration::from_micros(self.counts.micros.load(Relaxed)),
        }
    }

    /// Connects now, if that has not been tried before. Returns whether Redis answers.
    pub async fn connect(self: &Arc<Self>) -> bool {
        self.ready(CONNECT_LIMIT).await.is_ok()
    }

    /// Sends what is not told yet: at the end of a process.
    pub async fn flush(&self) {
        for member in self.members() {
            member.flush().await;
        }
    }

    /// The name of this process among the replicas.
    pub(crate) fn replica(&self) -> &str {
        &self.replica
    }

    pub(crate) fn replicas(&self) -> u32 {
        self.replicas.load(Relaxed).max(1)
    }

    pub(crate) fn add_member(&self, member: Weak<dyn Member>) {
        self.members.lock().unwrap_or_else(PoisonError::into_inner).push(member);
    }

    fn members(&self) -> Vec<Arc<dyn Member>> {
        let mut members = self.members.lock().unwrap_or_else(PoisonError::into_inner);
        members.retain(|member| member.strong_count() > 0);
        members.iter().filter_map(Weak::upgrade).collect()
    }

    /// Whether Redis answers, as far as is known.
    pub(crate) fn is_connected(&self) -> bool {
        self.connections.are_there()
    }

    /// Whether Redis answers, or it is not known yet.
    pub(crate) fn may_answer(&self) -> bool {
        !self.first_try.initialized() || self.is_connected()
    }

    /// Asks a script. The answer has the server's time as `now`, and only `late` if it was asked
    /// too late.
    pub(crate) async fn ask<R: DeserializeOwned>(
        &self,
        script: &'static Script,
        keys: &[String],
        question: &impl Serialize,
        limit: Duration,
    ) -> Result<R, Away> {
        let question = serde_json::to_string(question).map_err(|_| Away { was_asked: false })?;
        let mut invocation = script.prepare_invoke();
        invocation.key(keys).arg(question);
        let text = self.invoke::<String>(invocation, limit).await?;
        self.judged(text.and_then(|text| self.read(&text)))
    }

    /// Runs a script that answers with nothing of interest.
    pub(crate) async fn run(&self, invocation: ScriptInvocation<'static>, limit: Duration) -> Result<(), Away> {
        let answer = self.invoke::<redis::Value>(invocation, limit).await?;
        self.judged(answer.map(drop))
    }

    async fn invoke<R: FromRedisValue + Send + 'static>(
        &self,
        invocation: ScriptInvocation<'static>,
        limit: Duration,
    ) -> Result<Result<R, Failure>, Away> {
        let mut connection = self.connections.here().ok_or(Away { was_asked: false })?;
        Ok(self.counted(limit, async move { invocation.invoke_async::<R>(&mut connection).await }).await)
    }

    /// Sends a command.
    pub(crate) async fn send<R: FromRedisValue + Send + 'static>(
        &self,
        command: Cmd,
        limit: Duration,
    ) -> Result<R, Away> {
        let mut connection = self.connections.here().ok_or(Away { was_asked: false })?;
        let answer = self.counted(limit, async move { command.query_async::<R>(&mut connection).await }).await;
        self.judged(answer)
    }

    /// An answer, with what it took counted.
    async fn counted<T: Send + 'static>(
        &self,
        limit: Duration,
        asking: impl Future<Output = Result<T, RedisError>> + Send + 'static,
    ) -> Result<T, Failure> {
        let started = Instant::now();
        let answer = self.within(limit, asking).await;
        self.counts.asked.fetch_add(1, Relaxed);
        self.counts.micros.fetch_add(u64::try_from(started.elapsed().as_micros()).unwrap_or(u64::MAX), Relaxed);
        answer
    }

    /// Opens the circuit if the answer shows that Redis is away.
    fn judged<T>(&self, answer: Result<T, Failure>) -> Result<T, Away> {
        match answer {
            Ok(answer) => {
                self.late.store(0, Relaxed);
                Ok(answer)
            }
            Err(failure) if failure.is_refusal() => {
                self.counts.failed.fetch_add(1, Relaxed);
                if self.has_told_refusal.swap(true, Relaxed) {
                    tracing::debug!(target: "sagewire::redis", reason = %failure, "Redis refuses a command");
                } else {
                    let address = self.settings.address();
                    tracing::warn!(
                        target: "sagewire::redis",
                        address,
                        reason = %failure,
                        "Redis answers and refuses a command; is it full, or holds a key another value?"
                    );
                }
                Err(Away { was_asked: true })
            }
            Err(failure) => {
                self.failed(&failure);
                Err(Away { was_asked: true })
            }
        }
    }

    fn read<R: DeserializeOwned>(&self, text: &str) -> Result<R, Failure> {
        let answer: Value = serde_json::from_str(text).map_err(|_| Failure::Unreadable)?;
        if let Some(now) = answer.get("now").and_then(Value::as_u64) {
            self.clock_shows(now);
        }
        if answer.get("late").is_some() {
            return Err(Failure::Late);
        }
        serde_json::from_value(answer).map_err(|_| Failure::Unreadable)
    }

    async fn within<T>(
        &self,
        limit: Duration,
        answer: impl Future<Output = Result<T, RedisError>> + Send + 'static,
    ) -> Result<T, Failure>
    where
        T: Send + 'static,
    {
        #[cfg(feature = "testing")]
        if let Some(paused) = &self.settings.paused {
            return paused.io.spawn(answer).await.map_err(|_| Failure::Late)?.map_err(Failure::Redis);
        }
        match tokio::time::timeout(limit, answer).await {
            Ok(answer) => answer.map_err(Failure::Redis),
            Err(_) => Err(Failure::Late),
        }
    }

    fn clock_shows(&self, millis: u64) {
        #[cfg(feature = "testing")]
        if let Some(paused) = &self.settings.paused {
            const BEGINNING: u64 = 1_800_000_000_000;
            let since = crate::clock::millis(paused.began.elapsed());
            return self.clock.shows(BEGINNING + since);
        }
        self.clock.shows(millis);
    }

    /// The time that a script goes by in place of the server's.
    pub(crate) fn time_of_tests(&self) -> Option<u64> {
        self.clock.now().filter(|_| self.settings.is_paused())
    }

    /// Until when the server may act on a question, by its own clock: later on nobody waits for the
    /// answer.
    pub(crate) fn deadline(&self, limit: Duration) -> Option<u64> {
        let now = self.clock.now()?;
        Some(now.saturating_add(millis(limit)))
    }
}

impl fmt::Debug for Redis {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Redis")
            .field("settings", &self.settings)
            .field("health", &self.health())
            .finish_non_exhaustive()
    }
}
