//! A call that its key's limits are asked about.
//!
//! Owns asking at the same time as the router asks for a deployment's place, so that both take one
//! round trip to a store that replicas share.

use std::fmt;

use futures_util::future::{BoxFuture, FutureExt, Shared};
use sagewire_types::Extension;

use super::{KeyRefusal, Reservation};

/// The answer of a [`Ledger`](super::Ledger) to a call of a key, which may be on its way still. As
/// an extension of a [`CallContext`](sagewire_types::CallContext), a router asks no deployment
/// before it has come.
#[derive(Clone)]
pub struct KeyAdmission(Shared<BoxFuture<'static, Answered>>);

type Answered = Result<Reservation, KeyRefusal>;

impl Extension for KeyAdmission {}

impl KeyAdmission {
    /// The admission that this future, a call of [`Ledger::begin`](super::Ledger::begin), brings.
    /// The ledger is asked when somebody first waits for its [`outcome`](Self::outcome).
    pub fn new(begin: impl Future<Output = Answered> + Send + 'static) -> Self {
        Self(begin.boxed().shared())
    }

    /// Waits for the answer.
    ///
    /// # Errors
    /// [`KeyRefusal`] if the call must not be made.
    pub async fn outcome(&self) -> Answered {
        self.0.clone().await
    }

    /// The answer, if it has come.
    #[must_use]
    pub fn known(&self) -> Option<Answered> {
        self.0.peek().copied()
    }
}

impl fmt::Debug for KeyAdmission {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("KeyAdmission").field(&self.known()).finish()
    }
}
