//! Credentials by the parameters they come from.
//!
//! Owns sharing them: deployments with the same `aws_*` parameters assume a role once, and a reload
//! does not assume it anew.

use std::sync::{Arc, Mutex, PoisonError};

use async_trait::async_trait;
use sagewire::{
    Error, ErrorKind, Settings,
    credentials::{
        AwsParams, Credentials, CredentialsError, ProvideCredentials, SharedCredentialsProvider, seam::World,
    },
};
use serde_json::{Map, Value};
use tokio::time::Instant;

/// Settings by the `aws_*` parameters that they were made from.
#[derive(Debug, Default)]
pub(super) struct CredentialShelf {
    items: Vec<(AwsPart, Settings, Arc<Aged>)>,
}

/// Parameters whose values are not shown.
#[derive(Clone, PartialEq)]
struct AwsPart(Map<String, Value>);

impl std::fmt::Debug for AwsPart {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_set().entries(self.0.keys()).finish()
    }
}

impl CredentialShelf {
    /// The settings of these parameters: from here, else from the shelf before the reload, else
    /// new.
    pub(super) fn settings(
        &mut self,
        deployment: &str,
        params: Map<String, Value>,
        world: &World,
        before: &Self,
    ) -> Result<Settings, Error> {
        let part = AwsPart(params);
        if let Some((_, settings, aged)) = self.items.iter().find(|(known, ..)| *known == part) {
            aged.serves(deployment);
            return Ok(settings.clone());
        }
        let (settings, aged) = match before.items.iter().find(|(known, ..)| *known == part) {
            Some((_, settings, aged)) => (settings.clone(), Arc::clone(aged)),
            None => make(&part.0, world)?,
        };
        aged.serves(deployment);
        self.items.push((part, settings.clone(), aged));
        Ok(settings)
    }

    /// How old each deployment's credentials are.
    pub(super) fn ages(&self) -> Vec<Arc<Aged>> {
        self.items.iter().map(|(.., aged)| Arc::clone(aged)).collect()
    }
}

fn make(params: &Map<String, Value>, world: &World) -> Result<(Settings, Arc<Aged>), Error> {
    let mut settings = Settings::from_litellm_params(params.clone(), world)?;
    let inner = match settings.credentials.take() {
        Some(provider) => provider,
        // Every parameter falls back to its variable, as for LiteLLM: `AWS_ROLE_NAME` alone is enough.
        None => AwsParams::default()
            .provider(world)
            .map_err(|error| Error::new(ErrorKind::Configuration, error.to_string()).with_source(error))?,
    };
    let aged = Arc::new(Aged { inner, seen: Mutex::default(), deployments: Mutex::default() });
    settings.credentials = Some(Arc::clone(&aged) as SharedCredentialsProvider);
    Ok((settings, aged))
}

/// Credentials of which is known since when they are in use.
#[derive(Debug)]
pub(super) struct Aged {
    inner: SharedCredentialsProvider,
    seen: Mutex<Option<(Credentials, Instant)>>,
    deployments: Mutex<Vec<String>>,
}

impl Aged {
    fn serves(&self, deployment: &str) {
        let mut deployments = self.deployments.lock().unwrap_or_else(PoisonError::into_inner);
        if !deployments.iter().any(|known| known == deployment) {
            deployments.push(deployment.to_owned());
        }
    }

    /// The deployments that sign with these credentials, and for how many seconds.
    pub(super) fn age(&self) -> Option<(Vec<String>, f64)> {
        let since = self.seen.lock().unwrap_or_else(PoisonError::into_inner).as_ref().map(|(_, since)| *since)?;
        let deployments = self.deployments.lock().unwrap_or_else(PoisonError::into_inner).clone();
        Some((deployments, since.elapsed().as_secs_f64()))
    }
}

#[async_trait]
impl ProvideCredentials for Aged {
    async fn provide_credentials(&self) -> Result<Credentials, CredentialsError> {
        let credentials = self.inner.provide_credentials().await?;
        let mut seen = self.seen.lock().unwrap_or_else(PoisonError::into_inner);
        if !seen.as_ref().is_some_and(|(known, _)| known.same_keys(&credentials)) {
            *seen = Some((credentials.clone(), Instant::now()));
        }
        Ok(credentials)
    }

    fn invalidate(&self, credentials: &Credentials) {
        self.inner.invalidate(credentials);
    }
}
