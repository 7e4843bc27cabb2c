//! The router: a provider over several deployments.
//!
//! Owns what all calls share, and what may be asked about it. How one call goes is in [`call`].

use std::{
    fmt,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use async_trait::async_trait;
use fastrand::Rng;
use sagewire_types::{Answer, Call, CallContext, Error, ErrorKind, Provider};

use crate::{
    Deployment, RouterBuilder, RouterSettings, RouterState, call,
    groups::{Group, Groups},
    state::{DeploymentState, Measure},
    strategy::{self, Candidate},
};

/// A [`Provider`] over several deployments: a request's `model` is a model name, and one of that
/// model's deployments answers it.
///
/// Needs a Tokio runtime with time enabled. See the [crate's page](crate) for an example and for
/// what it does when deployments fail.
pub struct Router {
    pub(crate) groups: Groups,
    pub(crate) settings: RouterSettings,
    pub(crate) state: Arc<dyn RouterState>,
    rng: Mutex<Rng>,
}

impl Router {
    /// Begins a router.
    pub fn builder() -> RouterBuilder {
        RouterBuilder::new()
    }

    pub(crate) fn new(groups: Groups, settings: RouterSettings, state: Arc<dyn RouterState>, rng: Rng) -> Self {
        Self { groups, settings, state, rng: Mutex::new(rng) }
    }

    /// The names that callers may ask for: model names in the order in which they were added, then
    /// aliases that are not hidden.
    pub fn models(&self) -> impl Iterator<Item = &str> {
        self.groups.names()
    }

    /// The deployments that serve a model, an alias or what a `*` matches; none where nobody serves
    /// it.
    pub fn deployments<'r>(&'r self, model: &'r str) -> impl Iterator<Item = &'r Deployment> {
        let group = self.groups.resolve(model).map(|target| target.group());
        group.into_iter().flat_map(|group| &group.members).map(|member| &member.deployment)
    }

    /// How every deployment is doing, in the order of the models.
    pub async fn health(&self) -> Vec<DeploymentStatus> {
        let mut all = Vec::new();
        for group in self.groups.iter() {
            let states = self.read(group).await;
            all.extend(group.members.iter().zip(states).map(|(member, state)| DeploymentStatus {
                id: member.deployment.id.clone(),
                model_name: group.name.clone(),
                state,
            }));
        }
        all
    }

    /// Where the counters and cooldowns are: give it to the next router, and that knows what this
    /// one knew.
    #[must_use]
    pub fn state(&self) -> &Arc<dyn RouterState> {
        &self.state
    }

    /// How the router decides.
    #[must_use]
    pub fn settings(&self) -> &RouterSettings {
        &self.settings
    }

    /// How a group's deployments are doing, one for each: those that the state leaves out are at
    /// rest.
    pub(crate) async fn read(&self, group: &Group) -> Vec<DeploymentState> {
        one_each(group, self.state.read(&group.ids).await)
    }

    /// The same as far as it is known, for choosing among them.
    pub(crate) async fn glance(&self, group: &Group) -> Vec<DeploymentState> {
        one_each(group, self.state.glance(&group.ids).await)
    }

    /// The strategy's choice.
    pub(crate) fn pick(&self, candidates: &[impl AsRef<Candidate>], measure: Measure) -> Option<usize> {
        self.with_rng(|rng| strategy::choose(self.settings.strategy, candidates, measure, rng))
    }

    /// How long to wait before repeat number `repeat`, from 0, of a call at the same deployment.
    pub(crate) fn pause(&self, repeat: u32, least: Duration) -> Duration {
        let random = self.with_rng(Rng::f64);
        // Which kind the failure was of makes no difference here.
        self.settings.retry.delay(ErrorKind::Overloaded, repeat.saturating_add(1), None, random).max(least)
    }

    fn with_rng<T>(&self, draw: impl FnOnce(&mut Rng) -> T) -> T {
        draw(&mut self.rng.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

fn one_each(group: &Group, mut states: Vec<DeploymentState>) -> Vec<DeploymentState> {
    states.resize_with(group.ids.len(), DeploymentState::default);
    states
}

impl fmt::Debug for Router {
    /// Shows the models and the deployments' ids.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut models = f.debug_map();
        for group in self.groups.iter() {
            models.entry(&group.name, &group.ids);
        }
        models.finish()
    }
}

/// How one deployment is doing.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct DeploymentStatus {
    /// Its id.
    pub id: String,
    /// The name under which callers ask for it.
    pub model_name: String,
    /// Its counters and its cooldown.
    pub state: DeploymentState,
}

#[async_trait]
impl Provider for Router {
    async fn call(&self, call: Call, context: &CallContext) -> Result<Answer, Error> {
        call::run(self, call, context).await
    }
}
