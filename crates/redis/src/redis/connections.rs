//! The connections of this process: one for each runtime, so that neither a question nor its answer
//! wakes another thread.

use std::{
    collections::HashMap,
    sync::{Mutex, MutexGuard, PoisonError},
};

use tokio::runtime::{Handle, Id};

use crate::connection::Connection;

#[derive(Default)]
pub(super) struct Connections(Mutex<Made>);

#[derive(Default)]
struct Made {
    /// The one that showed that Redis answers. While it is there, Redis counts as there.
    first: Option<(Id, Connection)>,
    /// Each other runtime's own: `None` while it is being made, or if it could not be.
    others: HashMap<Id, Option<Connection>>,
}

impl Connections {
    fn lock(&self) -> MutexGuard<'_, Made> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Redis answers, through this connection of this runtime.
    pub(super) fn begin(&self, connection: Connection) {
        *self.lock() = Made { first: Some((Handle::current().id(), connection)), ..Made::default() };
    }

    /// Redis is away.
    pub(super) fn clear(&self) {
        *self.lock() = Made::default();
    }

    pub(super) fn are_there(&self) -> bool {
        self.lock().first.is_some()
    }

    /// This runtime's connection, or the first one where it has none.
    pub(super) fn here(&self) -> Option<Connection> {
        let made = self.lock();
        let (_, first) = made.first.as_ref()?;
        let own = made.others.get(&Handle::current().id()).and_then(Option::as_ref);
        Some(own.unwrap_or(first).clone())
    }

    pub(super) fn first(&self) -> Option<Connection> {
        self.lock().first.as_ref().map(|(_, connection)| connection.clone())
    }

    /// Those of the other runtimes.
    pub(super) fn others(&self) -> Vec<(Id, Connection)> {
        self.lock().others.iter().filter_map(|(id, other)| Some((*id, other.clone()?))).collect()
    }

    /// Forgets what this runtime had: it may have ended.
    pub(super) fn forget(&self, runtime: Id) {
        self.lock().others.remove(&runtime);
    }

    /// Notes that this runtime connects. Returns false if it has done so before, or if Redis is away.
    pub(super) fn begin_here(&self) -> bool {
        let mut made = self.lock();
        let here = Handle::current().id();
        let has_one = made.first.as_ref().is_none_or(|(first, _)| *first == here) || made.others.contains_key(&here);
        if !has_one {
            made.others.insert(here, None);
        }
        !has_one
    }

    /// Adds the connection of this runtime, if Redis has not been away since it was asked to
    /// connect.
    pub(super) fn add(&self, connection: Connection) {
        if let Some(own) = self.lock().others.get_mut(&Handle::current().id()) {
            *own = Some(connection);
        }
    }
}
