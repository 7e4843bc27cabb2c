//! What Redis is told in the background, and what becomes of questions that are given up half-way.

use std::sync::Arc;

use async_trait::async_trait;
use futures_util::future;
use tokio::time::Instant;

use super::{FORGOTTEN_AFTER, Inner, changes::Place};
use crate::redis::{Member, WRITE_LIMIT};

#[async_trait]
impl Member for Inner {
    fn renew(&self) {
        let now = Instant::now();
        let mut records = self.lock();
        records.retain(|_, record| {
            let is_idle = record.held.is_empty() && record.outbox.is_empty();
            !is_idle || now.duration_since(record.used_last) < FORGOTTEN_AFTER
        });
        for record in records.values_mut() {
            for (id, held) in &mut record.held {
                held.place.may_be_known = true;
                record.outbox.changes.hold(*id, &held.place);
            }
        }
        drop(records);
        self.told.notify_one();
    }

    async fn flush(&self) {
        let _turn = self.telling.lock().await;
        loop {
            let ready: Vec<Arc<str>> = {
                let records = self.lock();
                records.iter().filter(|(_, record)| record.outbox.is_ready()).map(|(id, _)| Arc::clone(id)).collect()
            };
            if ready.is_empty() {
                return;
            }
            let told = future::join_all(ready.iter().map(|id| self.exchange(id, None, WRITE_LIMIT))).await;
            if told.iter().any(Result::is_err) {
                return;
            }
        }
    }
}

/// A batch on its way. If it is dropped before an answer has come, its arrival stays unknown.
pub(super) struct Sent<'i> {
    pub(super) inner: &'i Inner,
    pub(super) deployment: &'i Arc<str>,
    pub(super) is_unknown: bool,
}

impl Drop for Sent<'_> {
    fn drop(&mut self) {
        if self.is_unknown {
            self.inner.with_record(self.deployment, |record| record.outbox.lost());
        }
    }
}

/// A place that was asked for. If it is dropped before it is settled who holds it, Redis is told to give it back.
pub(super) struct Unsettled<'i> {
    pub(super) inner: &'i Inner,
    pub(super) deployment: &'i Arc<str>,
    pub(super) place: Option<&'i Place>,
}

impl Unsettled<'_> {
    pub(super) fn settle(&mut self) {
        self.place = None;
    }
}

impl Drop for Unsettled<'_> {
    fn drop(&mut self) {
        if let Some(place) = self.place {
            self.inner.with_record(self.deployment, |record| record.outbox.changes.give_back(place));
            self.inner.told.notify_one();
        }
    }
}
