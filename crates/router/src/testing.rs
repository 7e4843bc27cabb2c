//! One suite of tests for every [`RouterState`](crate::RouterState), every
//! [`Ledger`](crate::ledger::Ledger) and, with the feature `cache`, every `AnswerCache`, behind the
//! feature `testing`.
//!
//! Each case gets fresh [`Replicas`] in a Tokio runtime whose clock is paused, and panics if they
//! do not act as one. The implementations must go by that clock.

use std::{fmt, sync::Arc};

use async_trait::async_trait;
use futures_util::future::BoxFuture;

#[cfg(feature = "cache")]
pub use caches::caches;
pub use ledgers::ledgers;
pub use states::states;

#[cfg(feature = "cache")]
mod caches;
mod ledgers;
mod random;
mod states;

/// Replicas over one store that nothing has been counted in yet.
#[async_trait]
pub trait Replicas<T: ?Sized>: Send + Sync {
    /// One more replica.
    fn replica(&self) -> Arc<T>;

    /// Waits until every replica sees what the others have counted.
    async fn settle(&self);
}

/// One case of a suite.
pub struct Case<T: ?Sized + 'static> {
    /// What it shows.
    pub name: &'static str,
    run: for<'r> fn(&'r dyn Replicas<T>) -> BoxFuture<'r, ()>,
}

impl<T: ?Sized> Case<T> {
    /// Runs the case.
    ///
    /// # Panics
    /// If the replicas do not do what it expects.
    pub async fn run(&self, replicas: &dyn Replicas<T>) {
        (self.run)(replicas).await;
    }
}

impl<T: ?Sized> fmt::Debug for Case<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Case").field(&self.name).finish()
    }
}

/// Cases by the names of their functions.
macro_rules! cases {
    ($($name:ident),* $(,)?) => {
        vec![$(Case { name: stringify!($name), run: |replicas| Box::pin($name(replicas)) }),*]
    };
}
use cases;
