//! Keeping the connections: when they are made, when Redis counts as away, and what shows the other
//! replicas that this one is there.

use std::{
    sync::{Arc, Weak, atomic::Ordering::Relaxed},
    time::Duration,
};

use super::{Away, Failure, Redis, WRITE_LIMIT};
use crate::{clock::millis, keys};

/// How often a server that is away is tried again, and how often replicas show that they are there.
const TICK: Duration = Duration::from_secs(1);

/// How long a connection may take in the background.
pub(super) const CONNECT_LIMIT: Duration = Duration::from_secs(1);

/// How many answers in a row may be late before the server counts as away.
const LATE_IN_A_ROW: u32 = 3;

/// Every so many ticks leases are prolonged.
const TICKS_OF_RENEWAL: u64 = 10;

/// How long a replica counts after its last sign of life.
const REPLICA_SEEN_FOR: Duration = Duration::from_secs(60);

impl Redis {
    /// Connects when it is first used, and keeps the connection from then on.
    pub(crate) async fn ready(self: &Arc<Self>, limit: Duration) -> Result<(), Away> {
        self.first_try
            .get_or_init(|| async {
                self.try_to_connect(limit).await;
                if !self.settings.is_paused() {
                    tokio::spawn(keep(Arc::downgrade(self)));
                }
            })
            .await;
        if !self.is_connected() {
            return Err(Away { was_asked: false });
        }
        if self.connections.begin_here() {
            tokio::spawn(Arc::clone(self).connect_here());
        }
        Ok(())
    }

    /// Gives this runtime a connection of its own. Until then, and if there is none to be had, it
    /// asks through the first one.
    async fn connect_here(self: Arc<Self>) {
        let server = self.server.clone();
        match self.within(CONNECT_LIMIT, async move { server.connect(CONNECT_LIMIT).await }).await {
            Ok(connection) => self.connections.add(connection),
            Err(failure) => {
                tracing::debug!(target: "sagewire::redis", reason = %failure, "a thread shares another's connection");
            }
        }
    }

    /// Whether Redis answers now.
    async fn try_to_connect(&self, limit: Duration) -> bool {
        let server = self.server.clone();
        let connecting = async move {
            let mut connection = server.connect(limit).await?;
            let (seconds, micros): (u64, u64) = redis::cmd("TIME").query_async(&mut connection).await?;
            Ok((connection, seconds.saturating_mul(1000).saturating_add(micros / 1000)))
        };
        match self.within(limit, connecting).await {
            Ok((connection, now)) => {
                self.clock_shows(now);
                self.late.store(0, Relaxed);
                self.connections.begin(connection);
                if self.was_warned.swap(false, Relaxed) {
                    tracing::info!(target: "sagewire::redis", address = self.settings.address(), "Redis answers again");
                }
                true
            }
            Err(failure) => {
                self.warn(&failure);
                false
            }
        }
    }

    pub(super) fn failed(&self, failure: &Failure) {
        self.counts.failed.fetch_add(1, Relaxed);
        if matches!(failure, Failure::Late) && self.late.fetch_add(1, Relaxed) + 1 < LATE_IN_A_ROW {
            return;
        }
        self.connections.clear();
        self.warn(failure);
    }

    /// Says once that Redis is away.
    fn warn(&self, failure: &Failure) {
        if self.was_warned.swap(true, Relaxed) {
            return;
        }
        let until = if self.settings.fails_closed {
            "limited requests are refused"
        } else {
            "each replica applies its share of the limits"
        };
        tracing::warn!(
            target: "sagewire::redis",
            address = self.settings.address(),
            reason = %failure,
            "Redis does not answer; {until} until it does"
        );
    }

    /// Shows that this replica is there, and counts the others.
    async fn show_presence(&self) {
        let Some(mut connection) = self.connections.first() else { return };
        let Some(now) = self.clock.now() else { return };
        let key = keys::replicas(&self.settings.namespace);
        let gone = now.saturating_sub(millis(REPLICA_SEEN_FOR));
        let mut pipeline = redis::pipe();
        pipeline
            .zadd(&key, &self.replica, now)
            .ignore()
            .zrembyscore(&key, "-inf", gone)
            .ignore()
            .pexpire(&key, i64::try_from(millis(REPLICA_SEEN_FOR)).unwrap_or(i64::MAX))
            .ignore()
            .zcard(&key);
        let counted = async move { pipeline.query_async::<(u32,)>(&mut connection).await };
        match self.within(WRITE_LIMIT, counted).await {
            Ok((replicas,)) => self.replicas.store(replicas, Relaxed),
            Err(failure) => self.failed(&failure),
        }
    }

    /// Uses the connections of the other runtimes: servers close those that are idle.
    async fn keep_others(&self) {
        for (runtime, mut connection) in self.connections.others() {
            let pinged = async move { redis::cmd("PING").query_async::<()>(&mut connection).await };
            if self.within(WRITE_LIMIT, pinged).await.is_err() {
                self.connections.forget(runtime);
            }
        }
    }
}

/// Connects again, shows that the replica is there, and prolongs leases, for as long as anyone uses
/// it.
async fn keep(redis: Weak<Redis>) {
    let mut ticks = 0;
    loop {
        let Some(redis) = redis.upgrade() else { return };
        let is_back = !redis.is_connected() && redis.try_to_connect(CONNECT_LIMIT).await;
        if ticks % TICKS_OF_RENEWAL == 0 || is_back {
            redis.show_presence().await;
            redis.keep_others().await;
            for member in redis.members() {
                member.renew();
            }
        }
        ticks += 1;
        drop(redis);
        tokio::time::sleep(TICK).await;
    }
}
