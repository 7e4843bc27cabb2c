//! Deployments that are found in the AWS account, beside those of the file.
//!
//! Owns looking for them as `sagewire_settings.discover` says, what was found last, and what has
//! changed. When it is looked is the [`Discoverer`](crate::Discoverer)'s.

use std::{
    collections::HashSet,
    sync::{Arc, PoisonError},
};

use futures_util::FutureExt;
use sagewire::{Error, credentials::seam::World};
use sagewire_discovery::{Account, Deployment, Filter, Found as Named, read};
use serde_json::{Map, Value};

use super::Wiring;
use crate::{
    App, Config, ServerError, ServerHandle, WiringError,
    config::{DeploymentConfig, DiscoverSettings, EnvironmentVariables, Mode},
};

/// What came of a look at the account.
#[derive(Debug, Default)]
#[non_exhaustive]
pub struct Look {
    /// The names of models that are new.
    pub added: Vec<String>,
    /// The names of models that are gone.
    pub removed: Vec<String>,
    /// The names of models that are called in another way now, or of which something else is known.
    pub changed: Vec<String>,
    /// The regions that were read.
    pub read: Vec<String>,
    /// The regions that could not be read, and why: what was found there before stays.
    pub failed: Vec<(String, Error)>,
}

impl Look {
    /// Whether something has changed.
    #[must_use]
    pub fn has_changes(&self) -> bool {
        !(self.added.is_empty() && self.removed.is_empty() && self.changed.is_empty())
    }
}

/// What decides where is looked, and for what.
#[derive(Clone, Debug, Default, PartialEq)]
struct Scope {
    settings: DiscoverSettings,
    variables: EnvironmentVariables,
}

impl Scope {
    fn of(config: &Config) -> Option<Self> {
        let settings = config.sagewire_settings.discover.clone()?;
        Some(Self { settings, variables: config.environment_variables.clone() })
    }

    /// Whether it is that of another configuration, too. When is looked does not matter, nor for whom.
    fn is_of(&self, other: &Self) -> bool {
        let DiscoverSettings { regions, name_contains, tag, .. } = &self.settings;
        let others = &other.settings;
        (regions, name_contains, tag, &self.variables)
            == (&others.regions, &others.name_contains, &others.tag, &other.variables)
    }
}

/// What was found last, and where was looked.
#[derive(Debug, Default)]
pub(super) struct Found {
    scope: Option<Scope>,
    deployments: Vec<DeploymentConfig>,
}

impl Found {
    /// What was found, if it was looked for as this configuration says.
    pub(super) fn of(&self, config: &Config) -> Option<&[DeploymentConfig]> {
        let wanted = Scope::of(config)?;
        let is_known = self.scope.as_ref().is_some_and(|scope| scope.is_of(&wanted));
        Some(if is_known { &self.deployments } else { &[] })
    }
}

/// The deployments of the file and those that were found, each with whether it was found. A name or
/// id of the file is the file's alone.
pub(super) fn with_found(config: &Config, found: Option<&[DeploymentConfig]>) -> Vec<(DeploymentConfig, bool)> {
    let own = config.deployments.iter();
    let mut taken: HashSet<&str> = own.flat_map(|own| [own.model_name.as_str(), own.id.as_str()]).collect();
    taken.extend(config.router_settings.model_group_alias.keys().map(String::as_str));
    let is_free =
        |found: &&DeploymentConfig| !taken.contains(found.model_name.as_str()) && !taken.contains(found.id.as_str());
    let found = found.unwrap_or_default().iter().filter(is_free);
    config.deployments.iter().map(|own| (own.clone(), false)).chain(found.map(|found| (found.clone(), true))).collect()
}

/// The accounts of a scope's regions, and what was found in each last.
#[derive(Debug)]
pub(super) struct Search {
    scope: Scope,
    regions: Vec<(Account, Vec<Deployment>)>,
}

impl Search {
    async fn new(scope: Scope, world: &World) -> Result<Self, Error> {
        let accounts = Account::of_regions(world, None, &scope.settings.regions).await?;
        Ok(Self { scope, regions: accounts.into_iter().map(|account| (account, Vec::new())).collect() })
    }

    /// Looks in every region.
    async fn look(&mut self, look: &mut Look) {
        let DiscoverSettings { name_contains, tag, .. } = &self.scope.settings;
        let filter = name_contains.iter().filter(|part| !part.is_empty());
        let filter = filter.fold(Filter::default(), Filter::with_name_contains);
        let filter = tag.iter().fold(filter, |filter, tag| filter.with_tag(tag));
        for (account, found) in &mut self.regions {
            let region = account.region().to_owned();
            match account.endpoints(&filter, &|_, _| {}).boxed().await {
                Ok(facts) => {
                    *found = facts.iter().flat_map(|facts| read(facts)).collect();
                    look.read.push(region);
                }
                Err(error) => look.failed.push((region, error)),
            }
        }
    }

    /// What can be called.
    fn deployments(&self) -> Vec<DeploymentConfig> {
        let found = self.regions.iter().flat_map(|(account, found)| {
            let region = account.region();
            found.iter().map(move |deployment| (region.to_owned(), deployment.clone()))
        });
        Named::named(found).iter().filter(|found| found.is_callable()).filter_map(deployment).collect()
    }
}

/// A deployment as the file would have it.
fn deployment(found: &Named) -> Option<DeploymentConfig> {
    let mode = found.deployment.serves.mode().and_then(Mode::named)?;
    let id = format!("{}/{}", found.region, found.name);
    let params = found.deployment.litellm_params(&found.region);
    let deployment = DeploymentConfig::found(id, found.name.clone(), params, mode, info(found, mode));
    deployment.inspect_err(|error| tracing::warn!(target: "sagewire::proxy", endpoint = found.deployment.endpoint, %error, "an endpoint is left out")).ok()
}

/// What is known of a deployment, and from what.
fn info(found: &Named, mode: Mode) -> Map<String, Value> {
    let Deployment { container, model_name, adapter_of, hosting, asleep, asynchronous, certainty, reasons, .. } =
        &found.deployment;
    let known = [
        ("mode", Some(mode.as_str().into())),
        ("region", Some(found.region.as_str().into())),
        ("container", container.map(Value::from)),
        ("base_model", model_name.as_deref().map(Value::from)),
        ("adapter_of", adapter_of.as_deref().map(Value::from)),
        ("hosting", Some(hosting.to_string().into())),
        ("asleep", Some((*asleep).into())),
        ("asynchronous", asynchronous.then_some(true.into())),
        ("certainty", Some(certainty.to_string().into())),
        ("reasons", Some(reasons.as_slice().into())),
    ];
    known.into_iter().filter_map(|(name, value)| Some((name.to_owned(), value?))).collect()
}

impl Wiring {
    /// Looks for endpoints of the account, as a configuration says. The next app serves what was
    /// found; the one that is served now keeps what it serves until it is replaced.
    ///
    /// # Errors
    /// `Configuration` if there is no region, or the settings give no credentials. What failed in
    /// one region is in the [`Look`].
    pub async fn discover(&self, config: &Config) -> Result<Look, Error> {
        let mut search = self.search.lock().await;
        let Some(scope) = Scope::of(config) else {
            *search = None;
            return Ok(self.found(None, Vec::new(), Look::default()));
        };
        // It stays where it is while it looks: what was read is kept if the future is dropped.
        let current = match &mut *search {
            Some(search) if search.scope.is_of(&scope) => search,
            other => other.insert(Search::new(scope, &self.world_of(config)).await?),
        };
        let mut look = Look::default();
        current.look(&mut look).await;
        Ok(self.found(Some(current.scope.clone()), current.deployments(), look))
    }

    /// Keeps what was found, and says how it differs from what was found before.
    fn found(&self, scope: Option<Scope>, deployments: Vec<DeploymentConfig>, mut look: Look) -> Look {
        let mut kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        let before = std::mem::replace(&mut kept.found, Found { scope, deployments });
        let of_id = |list: &[DeploymentConfig], id: &str| list.iter().position(|deployment| deployment.id == id);
        for new in &kept.found.deployments {
            match of_id(&before.deployments, &new.id).and_then(|place| before.deployments.get(place)) {
                None => look.added.push(new.model_name.clone()),
                Some(old) if old != new => look.changed.push(new.model_name.clone()),
                Some(_) => {}
            }
        }
        let gone = before.deployments.into_iter().filter(|old| of_id(&kept.found.deployments, &old.id).is_none());
        look.removed.extend(gone.map(|old| old.model_name));
        look
    }

    /// Whether was looked as this configuration says.
    pub(crate) fn knows_account_of(&self, config: &Config) -> bool {
        let kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        match Scope::of(config) {
            Some(wanted) => kept.found.scope.as_ref().is_some_and(|scope| scope.is_of(&wanted)),
            None => true,
        }
    }

    /// Gives a server an app of the configuration of its last one and of what was found since.
    ///
    /// # Errors
    /// [`WiringError`] and [`ServerError`]; then nothing has changed.
    pub(crate) fn take_found(&self, handle: &ServerHandle) -> Result<(), TakeError> {
        let Some(config) = self.config() else { return Ok(()) };
        self.replace(handle, &config, ServerHandle::replace)
    }

    /// Gives a server the app of a configuration by `give`.
    pub(crate) fn replace<E>(
        &self,
        handle: &ServerHandle,
        config: &Config,
        give: impl FnOnce(&ServerHandle, App) -> Result<(), ServerError>,
    ) -> Result<(), E>
    where
        E: From<WiringError> + From<ServerError>,
    {
        let _turn = self.turn.lock().unwrap_or_else(PoisonError::into_inner);
        let before = self.config();
        let app = self.app(config, Some(&handle.app()))?;
        let given = give(handle, app);
        if given.is_err() {
            self.kept.lock().unwrap_or_else(PoisonError::into_inner).config = before;
        }
        Ok(given?)
    }

    /// The configuration of the last app.
    pub(crate) fn config(&self) -> Option<Arc<Config>> {
        self.kept.lock().unwrap_or_else(PoisonError::into_inner).config.clone()
    }
}

/// Why what was found cannot be served.
#[derive(Debug, thiserror::Error)]
pub(crate) enum TakeError {
    #[error(transparent)]
    Wiring(#[from] WiringError),
    #[error(transparent)]
    Server(#[from] ServerError),
}
