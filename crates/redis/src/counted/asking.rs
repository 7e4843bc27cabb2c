//! Asking Redis of what is counted.
//!
//! Owns that requests for places of one deployment or key, which come to a runtime while it asks
//! Redis for others, are asked together, and what becomes of a question that is given up half-way.

use std::{collections::hash_map::Entry, sync::Arc, time::Duration};

use serde::{Deserialize, Serialize};
use serde_json::Value;
use tokio::{runtime::Handle, sync::oneshot, time::Instant};

use super::{Counted, Kind};
use crate::{
    clock::millis,
    outbox::Place,
    redis::{Away, LEASE},
};

/// The most places that are asked for in one question.
const MOST_TOGETHER: usize = 128;

/// How long a question is waited for before the next one is asked: an answer that takes longer holds
/// nobody up.
const WAITED_FOR: Duration = Duration::from_millis(2);

/// What a script is asked.
#[derive(Serialize)]
struct Question<'q, K: Kind> {
    #[serde(skip_serializing_if = "Option::is_none")]
    now: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    deadline: Option<u64>,
    lease: u64,
    #[serde(skip_serializing_if = "Option::is_none")]
    batch: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    changes: Option<&'q Value>,
    terms: K::Terms,
    wanted: &'q [K::Wanted],
}

/// What a script says to one request for a place.
#[derive(Debug, Deserialize)]
#[serde(untagged)]
pub(crate) enum Decision<S> {
    Granted(Grant),
    /// Refused, as things stood.
    Refused(S),
}

/// How a place is granted.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Grant {
    Granted,
    /// As the trial of a deployment that was cooling down.
    Trial,
}

/// The answer to a request for a place.
pub(crate) struct Answered<K: Kind> {
    /// The answer to all that were asked for together.
    pub(crate) answer: Arc<K::Answer>,
    /// Which of them it is, from 0.
    pub(crate) index: usize,
}

/// A request for a place that is to be asked for.
pub(super) struct Request<K: Kind> {
    wanted: K::Wanted,
    place: Place,
    since: Instant,
    answer: oneshot::Sender<Result<Answered<K>, Away>>,
}

impl<K: Kind> Counted<K> {
    /// Asks for a place, together with what else is asked for at the same time. The answer has come
    /// within the time limit.
    pub(crate) async fn ask_for(
        self: &Arc<Self>,
        name: &str,
        wanted: K::Wanted,
        place: &Place,
    ) -> Result<Answered<K>, Away> {
        self.redis.ready(self.redis.settings().time_limit).await?;
        let (answer, answered) = oneshot::channel();
        let request = Request { wanted, place: place.clone(), since: Instant::now(), answer };
        let is_served = self.with_record(name, |record| {
            let waiting = record.waiting.entry(Handle::current().id());
            let is_served = matches!(waiting, Entry::Occupied(_));
            waiting.or_default().push(request);
            is_served
        });
        if !is_served {
            // A task of its own: the caller that begins it may go away.
            tokio::spawn(Arc::clone(self).serve_waiting(Arc::from(name)));
        }
        answered.await.unwrap_or(Err(Away { was_asked: true }))
    }

    /// Asks for all places that are waited for, until there are none.
    async fn serve_waiting(self: Arc<Self>, name: Arc<str>) {
        loop {
            let requests: Vec<Request<K>> = self.with_record(&name, |record| {
                let Entry::Occupied(mut waiting) = record.waiting.entry(Handle::current().id()) else {
                    return Vec::new();
                };
                if waiting.get().is_empty() {
                    return waiting.remove();
                }
                let together = waiting.get().len().min(MOST_TOGETHER);
                waiting.get_mut().drain(..together).collect()
            });
            if requests.is_empty() {
                return;
            }
            let asking = tokio::spawn(Arc::clone(&self).ask_together(Arc::clone(&name), requests));
            if self.redis.settings().is_paused() {
                let _ = asking.await;
            } else {
                // One that fails has told those who wait for it.
                let _ = tokio::time::timeout(WAITED_FOR, asking).await;
            }
        }
    }

    async fn ask_together(self: Arc<Self>, name: Arc<str>, mut requests: Vec<Request<K>>) {
        requests.retain(|request| !request.answer.is_closed());
        let Some(since) = requests.first().map(|request| request.since) else { return };
        let limit = self.redis.settings().time_limit.saturating_sub(since.elapsed());
        let (wanted, askers): (Vec<_>, Vec<_>) =
            requests.into_iter().map(|request| (request.wanted, (request.place, request.answer))).unzip();
        let answer = self.exchange(&name, &wanted, limit).await;
        for (index, (place, asker)) in askers.into_iter().enumerate() {
            let answered = answer.as_ref().map(|answer| Answered { answer: Arc::clone(answer), index });
            if asker.send(answered.map_err(|away| *away)).is_err() {
                // Nobody waits for it any more, and Redis may have granted it.
                self.with_record(&name, |record| record.outbox.changes.give_up(&place));
                self.wake();
            }
        }
    }

    /// Tells Redis what there is to tell of one, and asks how it is doing.
    pub(crate) async fn ask(&self, name: &str, limit: Duration) -> Result<Arc<K::Answer>, Away> {
        self.redis.ready(limit).await?;
        self.exchange(name, &[], limit).await
    }

    /// Tells Redis what there is to tell of one, and asks for places. A question that wants some is
    /// not acted on when it comes too late.
    async fn exchange(&self, name: &str, wanted: &[K::Wanted], limit: Duration) -> Result<Arc<K::Answer>, Away> {
        let (keys, batch, terms) = self.with_record(name, |record| {
            record.used_last = Instant::now();
            (record.keys.clone(), record.outbox.take(&self.redis.clock), K::terms(record))
        });
        let mut sent = Sent { counted: self, name, is_unknown: batch.is_some() };
        let question = Question::<K> {
            now: self.redis.time_of_tests(),
            deadline: if wanted.is_empty() { None } else { self.redis.deadline(limit) },
            lease: millis(LEASE),
            batch: batch.as_ref().map(|batch| batch.number),
            changes: batch.as_ref().map(|batch| &*batch.changes),
            terms,
            wanted,
        };
        let answer: K::Answer = self.redis.ask(K::script(), &keys, &question, limit).await?;
        let has_arrived = std::mem::take(&mut sent.is_unknown);
        let has_more = self.with_record(name, |record| {
            if has_arrived {
                record.outbox.arrived();
            }
            record.outbox.is_ready()
        });
        if has_more {
            self.wake();
        }
        K::note(self, name, &answer);
        Ok(Arc::new(answer))
    }
}

/// A batch on its way. If it is dropped before an answer has come, its arrival stays unknown.
struct Sent<'c, K: Kind> {
    counted: &'c Counted<K>,
    name: &'c str,
    is_unknown: bool,
}

impl<K: Kind> Drop for Sent<'_, K> {
    fn drop(&mut self) {
        if self.is_unknown {
            self.counted.with_record(self.name, |record| record.outbox.lost());
        }
    }
}
