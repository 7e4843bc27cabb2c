//! Making a router, and refusing one that could not do what its settings say.
//!
//! Owns the checks: what is built needs no further ones.

use std::{collections::HashSet, sync::Arc, time::Duration};

use sagewire_types::{Error, ErrorKind};

use crate::{
    Deployment, MemoryState, Router, RouterSettings, RouterState,
    groups::{Groups, Member},
};

/// Collects what a [`Router`] is made of.
#[derive(Debug, Default)]
#[must_use = "a builder does nothing until it builds"]
pub struct RouterBuilder {
    deployments: Vec<Deployment>,
    settings: RouterSettings,
    state: Option<Arc<dyn RouterState>>,
    seed: Option<u64>,
    may_be_empty: bool,
}

impl RouterBuilder {
    pub(crate) fn new() -> Self {
        Self::default()
    }

    /// Adds a deployment. Those of the same `model_name` share its calls.
    pub fn deployment(mut self, deployment: Deployment) -> Self {
        self.deployments.push(deployment);
        self
    }

    /// Adds deployments.
    pub fn deployments(mut self, deployments: impl IntoIterator<Item = Deployment>) -> Self {
        self.deployments.extend(deployments);
        self
    }

    /// Sets how the router decides.
    pub fn settings(mut self, settings: RouterSettings) -> Self {
        self.settings = settings;
        self
    }

    /// Sets where counters and cooldowns are kept. Default: a [`MemoryState`] of its own. Give a
    /// new router the old one's, and it knows what the old one knew about deployments with the
    /// same ids.
    pub fn state(mut self, state: Arc<dyn RouterState>) -> Self {
        self.state = Some(state);
        self
    }

    /// Makes every choice that chance decides the same from run to run, for tests.
    pub fn seed(mut self, seed: u64) -> Self {
        self.seed = Some(seed);
        self
    }

    /// Takes a router without deployments, which knows no model.
    pub fn allow_no_deployments(mut self) -> Self {
        self.may_be_empty = true;
        self
    }

    /// Makes the router.
    ///
    /// # Errors
    /// [`BuildError`] where there is no deployment, one cannot work, or a setting names a model
    /// that no deployment serves.
    pub fn build(self) -> Result<Router, BuildError> {
        let settings = self.settings;
        let mut deployments = Vec::with_capacity(self.deployments.len());
        for deployment in self.deployments {
            match check(&deployment) {
                Ok(()) => deployments.push(deployment),
                Err(error) if settings.ignore_invalid_deployments => {
                    tracing::warn!(target: "sagewire::router", %error, "a deployment is left out");
                }
                Err(error) => return Err(error),
            }
        }
        if deployments.is_empty() && !self.may_be_empty {
            return Err(BuildError::NoDeployments);
        }
        for deployment in &mut deployments {
            let most = &mut deployment.max_parallel_requests;
            *most = most.or(settings.default_max_parallel_requests);
            if settings.disable_cooldowns {
                deployment.cooldown_time = Some(Duration::ZERO);
            }
        }
        let members = with_ids(deployments)?;
        let groups = Groups::new(members, settings.model_group_alias.clone());
        check_names(&settings, &groups)?;
        let state = self.state.unwrap_or_else(|| Arc::new(MemoryState::new()));
        let rng = self.seed.map_or_else(fastrand::Rng::new, fastrand::Rng::with_seed);
        Ok(Router::new(groups, settings, state, rng))
    }
}

/// Why a router could not be made.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum BuildError {
    /// There is nothing to route to.
    #[error("a router needs at least one deployment: add one")]
    NoDeployments,
    /// A deployment has no name for callers, or none for its provider.
    #[error("a deployment needs a `model_name` and a `model`; one of `{model_name}` has an empty one")]
    NoModel {
        /// The name that callers use.
        model_name: String,
    },
    /// Two deployments have the same id, so that they would share their state.
    #[error("two deployments have the id `{id}`: give each its own")]
    DuplicateId {
        /// The id.
        id: String,
    },
    /// A `*` that stands for nothing, or for more than one text.
    #[error(
        "`{name}` cannot be matched: a `model_name` may hold one `*`, and a `model` one only where its `model_name` has one"
    )]
    Pattern {
        /// The name at fault.
        name: String,
    },
    /// A weight that is no share.
    #[error("the weight of a deployment of `{model_name}` must be 0 or a positive number")]
    Weight {
        /// The name that callers use.
        model_name: String,
    },
    /// A limit or time of zero, under which the deployment could never answer.
    #[error("`{limit}` of a deployment of `{model_name}` is 0, so it could never answer: raise it, or leave it out")]
    Zero {
        /// The name that callers use.
        model_name: String,
        /// Which limit.
        limit: &'static str,
    },
    /// A setting names a model that no deployment serves.
    #[error("`{setting}` names `{name}`, which no deployment serves; fix the name or add a deployment")]
    UnknownModel {
        /// Which setting.
        setting: &'static str,
        /// The model's name.
        name: String,
    },
}

impl From<BuildError> for Error {
    fn from(error: BuildError) -> Self {
        Self::new(ErrorKind::Configuration, error.to_string()).with_source(error)
    }
}

fn check(deployment: &Deployment) -> Result<(), BuildError> {
    let Deployment { model_name, model, .. } = deployment;
    let model_name = || model_name.clone();
    if deployment.model_name.is_empty() || model.is_empty() {
        return Err(BuildError::NoModel { model_name: model_name() });
    }
    let stars = |name: &str| name.matches('*').count();
    if stars(&deployment.model_name) > 1 {
        return Err(BuildError::Pattern { name: model_name() });
    }
    if stars(model) > stars(&deployment.model_name) {
        return Err(BuildError::Pattern { name: model.clone() });
    }
    if deployment.weight.is_some_and(|weight| !weight.is_finite() || weight < 0.0) {
        return Err(BuildError::Weight { model_name: model_name() });
    }
    let zero = [
        ("rpm", deployment.rpm == Some(0)),
        ("tpm", deployment.tpm == Some(0)),
        ("max_parallel_requests", deployment.max_parallel_requests == Some(0)),
        ("timeout", deployment.timeout.is_some_and(|timeout| timeout.is_zero())),
        ("stream_timeout", deployment.stream_timeout.is_some_and(|timeout| timeout.is_zero())),
    ];
    match zero.into_iter().find(|(_, is_zero)| *is_zero) {
        Some((limit, _)) => Err(BuildError::Zero { model_name: model_name(), limit }),
        None => Ok(()),
    }
}

/// Gives every deployment without an id one, and makes sure that no two have the same.
fn with_ids(deployments: Vec<Deployment>) -> Result<Vec<Member>, BuildError> {
    let mut ids: HashSet<String> = HashSet::new();
    for deployment in deployments.iter().filter(|deployment| !deployment.id.is_empty()) {
        if !ids.insert(deployment.id.clone()) {
            return Err(BuildError::DuplicateId { id: deployment.id.clone() });
        }
    }
    let mut places: std::collections::HashMap<String, u32> = std::collections::HashMap::new();
    let mut members = Vec::with_capacity(deployments.len());
    for mut deployment in deployments {
        let place = places.entry(deployment.model_name.clone()).or_default();
        *place += 1;
        if deployment.id.is_empty() {
            let id = format!("{}-{place}", deployment.model_name);
            if !ids.insert(id.clone()) {
                return Err(BuildError::DuplicateId { id });
            }
            deployment.id = id;
        }
        members.push(Member { id: Arc::from(deployment.id.as_str()), limits: deployment.limits(), deployment });
    }
    Ok(members)
}

/// Makes sure that every name in the settings is served.
fn check_names(settings: &RouterSettings, groups: &Groups) -> Result<(), BuildError> {
    let served = |setting: &'static str, name: &String| match groups.resolve(name) {
        Some(_) => Ok(()),
        None => Err(BuildError::UnknownModel { setting, name: name.clone() }),
    };
    groups.aliases().try_for_each(|(_, alias)| served("model_group_alias", &alias.model_name))?;
    for (setting, lists) in
        [("fallbacks", &settings.fallbacks), ("context_window_fallbacks", &settings.context_window_fallbacks)]
    {
        for (model, fallbacks) in lists {
            // A pattern is the name of its group, and no text that it matches itself.
            if !groups.contains(model) {
                served(setting, model)?;
            }
            fallbacks.iter().try_for_each(|name| served(setting, name))?;
        }
    }
    for model in settings.model_group_retry_policy.keys() {
        if !groups.contains(model) {
            served("model_group_retry_policy", model)?;
        }
    }
    settings.default_fallbacks.iter().try_for_each(|name| served("default_fallbacks", name))
}
