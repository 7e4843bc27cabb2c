//! [`CachedProvider`]: keeps credentials and renews them before they expire. It decides when to ask
//! its provider and who waits for the answer.

mod policy;
mod renewal;
mod state;

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use async_trait::async_trait;

pub use self::policy::CachePolicy;
use self::renewal::Renewal;
use self::state::{Decision, State};
use crate::seam::World;
use crate::{Credentials, CredentialsError, ProvideCredentials};

/// The number of renewals that one call begins or joins if they end without an outcome.
const RENEWALS_PER_CALL: u32 = 3;

/// Keeps the credentials of another provider until shortly before they expire. Clones share them.
///
/// - Credentials are renewed in the background before they expire, at a random time, so that many
///   programs do not ask at once. A caller waits only if there are none or if they are about to
///   expire.
/// - However many callers wait, there is one renewal. It continues when its caller gives up, for
///   the benefit of the next.
/// - If a renewal fails, credentials that are still valid stay in use. The time to the next attempt
///   doubles.
/// - Credentials without expiry are kept until [`invalidate`](ProvideCredentials::invalidate)
///   reports that AWS refused them.
///
/// Requires a tokio runtime.
///
/// ```
/// use std::sync::Arc;
/// use sagewire_credentials::seam::{MapEnv, World};
/// use sagewire_credentials::{CachedProvider, DefaultChain, ProvideCredentials};
///
/// # tokio::runtime::Builder::new_current_thread().enable_time().build()?.block_on(async {
/// let env = MapEnv::from([("AWS_ACCESS_KEY_ID", "id"), ("AWS_SECRET_ACCESS_KEY", "secret")]);
/// let world = World::builder().with_env(env).build();
/// let provider = CachedProvider::new(&world, Arc::new(DefaultChain::new(&world)));
/// let first = provider.provide_credentials().await?;
/// let second = provider.provide_credentials().await?;
/// assert_eq!(first, second);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// # })?;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone)]
pub struct CachedProvider {
    shared: Arc<Shared>,
}

struct Shared {
    inner: Arc<dyn ProvideCredentials>,
    world: World,
    policy: CachePolicy,
    state: Mutex<State>,
}

impl CachedProvider {
    /// A cache over `inner` with the default policy and the clock of `world`.
    #[must_use]
    pub fn new(world: &World, inner: Arc<dyn ProvideCredentials>) -> Self {
        Self::with_policy(world, inner, CachePolicy::default())
    }

    /// A cache over `inner` with the given policy.
    #[must_use]
    pub fn with_policy(world: &World, inner: Arc<dyn ProvideCredentials>, policy: CachePolicy) -> Self {
        let state = Mutex::new(State::default());
        Self { shared: Arc::new(Shared { inner, world: world.clone(), policy, state }) }
    }

    /// Begins a renewal, which continues when its caller is dropped.
    fn begin_renewal(&self, state: &mut State) -> Renewal {
        let (renewal, sender) = state.begin_renewal();
        let shared = Arc::clone(&self.shared);
        tokio::spawn(async move {
            let asked = tokio::time::timeout(shared.policy.load_timeout, shared.inner.provide_credentials()).await;
            let outcome = asked.unwrap_or_else(|_| Err(shared.too_slow())).and_then(|keys| shared.still_valid(keys));
            if let Err(error) = &outcome {
                tracing::warn!(%error, "cannot renew the AWS credentials");
            }
            shared.state().end_renewal(sender.id(), &outcome, shared.world.now(), &shared.policy);
            sender.send(outcome);
        });
        renewal
    }
}

impl Shared {
    fn state(&self) -> MutexGuard<'_, State> {
        // A thread that panicked left the state consistent: every change to it is one assignment.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn too_slow(&self) -> CredentialsError {
        let seconds = self.policy.load_timeout.as_secs();
        CredentialsError::timeout(format!("no AWS credentials within {seconds} seconds"))
    }

    fn still_valid(&self, credentials: Credentials) -> Result<Credentials, CredentialsError> {
        let now = self.world.now();
        match credentials.expiry() {
            Some(expiry) if expiry <= now => Err(CredentialsError::provider(format!(
                "{} gave AWS credentials that expired at {}, and this machine's clock shows {}; renew them or correct the \
                 clock",
                credentials.source(),
                crate::timestamp::format_rfc3339(expiry),
                crate::timestamp::format_rfc3339(now),
            ))),
            _ => Ok(credentials),
        }
    }
}

#[async_trait]
impl ProvideCredentials for CachedProvider {
    async fn provide_credentials(&self) -> Result<Credentials, CredentialsError> {
        for _ in 0..RENEWALS_PER_CALL {
            let renewal = {
                let mut state = self.shared.state();
                match state.decide(self.shared.world.now()) {
                    Decision::Use(credentials) => return Ok(credentials),
                    Decision::UseAndRenew(credentials) => {
                        self.begin_renewal(&mut state);
                        return Ok(credentials);
                    }
                    Decision::Fail(error) => return Err(error),
                    Decision::Wait(renewal) => renewal,
                    Decision::Renew => self.begin_renewal(&mut state),
                }
            };
            match renewal.outcome().await {
                Some(Ok(credentials)) => return Ok(credentials),
                Some(Err(error)) => {
                    // Credentials that are still valid are used although their renewal failed.
                    return self.shared.state().valid_at(self.shared.world.now()).ok_or(error);
                }
                // The runtime of the renewal has ended, or the provider panicked: ask again on this
                // runtime.
                None => self.shared.state().abandon(renewal.id()),
            }
        }
        Err(CredentialsError::provider("the AWS credentials provider ended without an answer; it may have panicked"))
    }

    fn invalidate(&self, credentials: &Credentials) {
        self.shared.inner.invalidate(credentials);
        self.shared.state().forget(credentials);
    }
}

impl std::fmt::Debug for CachedProvider {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("CachedProvider")
            .field("inner", &self.shared.inner)
            .field("policy", &self.shared.policy)
            .finish_non_exhaustive()
    }
}

/// A random part of `of`.
fn random_part(of: Duration) -> Duration {
    of.mul_f64(fastrand::f64())
}

#[cfg(test)]
mod tests;
