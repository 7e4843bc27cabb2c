//! [`Account`]: the endpoints of one region, read again and again at little cost.
//!
//! Owns what is asked of the control plane for a whole region and what is kept: descriptions are
//! read anew only if the endpoint or one of its components has changed since.

use std::{
    collections::{BTreeMap, HashMap},
    sync::{Arc, Mutex, PoisonError},
};

use futures_util::{StreamExt, TryStreamExt, stream};
use sagewire_types::{Error, ErrorKind};

use crate::{
    control_plane::ControlPlane,
    description::{Component, ComponentSummary, EndpointSummary, Model, Tag},
    facts::EndpointFacts,
};

/// How many endpoints are worked on at the same time. The control plane has a limit of its own for
/// calls.
const ENDPOINTS_AT_ONCE: usize = 16;

/// Which endpoints are meant: those that pass every part that is set.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Filter {
    /// Exactly these.
    pub names: Vec<String>,
    /// Those whose names contain this.
    pub name_contains: Option<String>,
    /// Those with a tag of this key and, where it is given, this value.
    pub tag: Option<(String, Option<String>)>,
}

impl Filter {
    /// Those whose names contain this.
    #[must_use]
    pub fn with_name_contains(mut self, part: impl Into<String>) -> Self {
        self.name_contains = Some(part.into());
        self
    }

    /// This one, and others that are named so.
    #[must_use]
    pub fn with_name(mut self, name: impl Into<String>) -> Self {
        self.names.push(name.into());
        self
    }

    /// Those with this tag: `key` or `key=value`.
    #[must_use]
    pub fn with_tag(mut self, tag: &str) -> Self {
        self.tag = Some(match tag.split_once('=') {
            Some((key, value)) => (key.to_owned(), Some(value.to_owned())),
            None => (tag.to_owned(), None),
        });
        self
    }

    fn passes_name(&self, name: &str) -> bool {
        self.names.is_empty() || self.names.iter().any(|wanted| wanted == name)
    }

    fn passes_tags(&self, tags: &[Tag]) -> bool {
        self.tag.as_ref().is_none_or(|(key, value)| {
            tags.iter().any(|tag| tag.key == *key && value.as_ref().is_none_or(|value| tag.value == *value))
        })
    }
}

/// The endpoints of one region.
#[derive(Debug)]
pub struct Account {
    plane: ControlPlane,
    kept: Mutex<HashMap<String, Kept>>,
}

/// An endpoint as it was read, and what would have changed if it had to be read again.
#[derive(Clone, Debug)]
struct Kept {
    state: ListedState,
    facts: Arc<EndpointFacts>,
    passes_tag: bool,
}

/// What the lists say of an endpoint and its components.
#[derive(Clone, Debug, PartialEq)]
struct ListedState {
    endpoint: EndpointSummary,
    components: Vec<ComponentSummary>,
    /// Why the components could not be listed.
    components_unread: Option<String>,
}

impl Account {
    /// The endpoints that this control plane knows.
    #[must_use]
    pub fn new(plane: ControlPlane) -> Self {
        Self { plane, kept: Mutex::default() }
    }

    /// The region.
    #[must_use]
    pub fn region(&self) -> &str {
        self.plane.region().as_str()
    }

    /// Reads the endpoints that pass `filter`, by name. `progress` is told how many of how many
    /// have been read.
    ///
    /// Endpoints and components are listed; only those that have changed since the last time are
    /// described. What the caller may not read, or what was deleted meanwhile, is named in the
    /// facts. A tag that changes alone is noticed only when the endpoint itself changes.
    ///
    /// # Errors
    /// `Permission` if the endpoints may not be listed, and failures of AWS and of reaching it.
    pub async fn endpoints(
        &self,
        filter: &Filter,
        progress: &(dyn Fn(usize, usize) + Sync),
    ) -> Result<Vec<Arc<EndpointFacts>>, Error> {
        let listed = self.listed(filter).await?;
        let total = listed.len();
        progress(0, total);
        let read = stream::iter(listed.into_iter().map(|state| self.kept_or_read(state, filter)))
            .buffered(ENDPOINTS_AT_ONCE)
            .enumerate()
            .map(|(done, kept)| {
                progress(done + 1, total);
                kept
            })
            .try_collect::<Vec<_>>()
            .await?;
        let facts = read.iter().filter(|kept| kept.passes_tag).map(|kept| Arc::clone(&kept.facts)).collect();
        let by_name = read.into_iter().map(|kept| (kept.state.endpoint.endpoint_name.clone(), kept)).collect();
        *self.kept.lock().unwrap_or_else(PoisonError::into_inner) = by_name;
        Ok(facts)
    }

    async fn listed(&self, filter: &Filter) -> Result<Vec<ListedState>, Error> {
        let mut endpoints = self.plane.list_endpoints(filter.name_contains.as_deref()).await?;
        endpoints.retain(|endpoint| filter.passes_name(&endpoint.endpoint_name));
        if endpoints.is_empty() {
            return Ok(Vec::new());
        }
        let mut components_unread = Vec::new();
        let listed = self.plane.list_inference_components().await;
        let components = told(listed, "the inference components", &mut components_unread)?.unwrap_or_default();
        let mut by_endpoint: HashMap<String, Vec<ComponentSummary>> = HashMap::new();
        for component in components {
            by_endpoint.entry(component.endpoint_name.clone()).or_default().push(component);
        }
        let state = |endpoint: EndpointSummary| ListedState {
            components: by_endpoint.remove(&endpoint.endpoint_name).unwrap_or_default(),
            endpoint,
            components_unread: components_unread.first().cloned(),
        };
        Ok(endpoints.into_iter().map(state).collect())
    }

    /// What was read of an endpoint, if it is as it was.
    fn kept(&self, state: &ListedState) -> Option<Kept> {
        let kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        kept.get(&state.endpoint.endpoint_name).filter(|kept| kept.state == *state).cloned()
    }

    async fn kept_or_read(&self, state: ListedState, filter: &Filter) -> Result<Kept, Error> {
        if let Some(kept) = self.kept(&state) {
            return Ok(kept);
        }
        let mut facts = EndpointFacts::default();
        if filter.tag.is_some() {
            let tags = self.plane.list_tags(&state.endpoint.endpoint_arn).await?;
            if !filter.passes_tags(&tags) {
                return Ok(Kept { state, facts: Arc::new(facts), passes_tag: false });
            }
        }
        self.describe(&state, &mut facts).await?;
        Ok(Kept { state, facts: Arc::new(facts), passes_tag: true })
    }

    async fn describe(&self, state: &ListedState, facts: &mut EndpointFacts) -> Result<(), Error> {
        let (plane, unread) = (&self.plane, &mut facts.unread);
        let name = &state.endpoint.endpoint_name;
        if let Some(endpoint) = told(plane.describe_endpoint(name).await, "the endpoint", unread)? {
            facts.endpoint = endpoint;
        }
        facts.endpoint.endpoint_name.clone_from(name);
        facts.endpoint.endpoint_status.clone_from(&state.endpoint.endpoint_status);
        if let Some(config) = &facts.endpoint.endpoint_config_name {
            let config = plane.describe_endpoint_config(config).await;
            facts.config = told(config, "the endpoint configuration", unread)?.map(Arc::new);
        }
        let components = stream::iter(&state.components)
            .map(|component| plane.describe_inference_component(&component.inference_component_name))
            .buffered(ENDPOINTS_AT_ONCE)
            .collect::<Vec<_>>()
            .await;
        for (component, summary) in components.into_iter().zip(&state.components) {
            let what = format!("the inference component `{}`", summary.inference_component_name);
            facts.components.extend(told(component, &what, unread)?);
        }
        let of_variants = facts.config.iter().flat_map(|config| &config.production_variants);
        let of_components = facts.components.iter().filter_map(Component::runs);
        let mut models: Vec<String> = of_variants
            .filter_map(|variant| variant.model_name.clone())
            .chain(of_components.filter_map(|runs| runs.model_name.clone()))
            .collect();
        models.sort();
        models.dedup();
        let hosts_components = facts
            .config
            .as_ref()
            .is_some_and(|config| config.production_variants.iter().any(|variant| variant.model_name.is_none()));
        if hosts_components {
            unread.extend(state.components_unread.clone());
        }
        let mut described: BTreeMap<String, Arc<Model>> = BTreeMap::new();
        for name in models {
            let model = told(plane.describe_model(&name).await, &format!("the model `{name}`"), unread)?;
            described.extend(model.map(|model| (name, Arc::new(model))));
        }
        let mut packages: Vec<&String> = described
            .values()
            .flat_map(|model| model.all_containers())
            .filter_map(|c| c.model_package_name.as_ref())
            .collect();
        packages.dedup();
        for name in packages {
            let package = told(plane.describe_model_package(name).await, "the model package", unread)?;
            facts.packages.extend(package.map(|package| (name.clone(), Arc::new(package))));
        }
        facts.models = described;
        Ok(())
    }
}

/// What was read. What may not be read, or is gone, is noted; other failures end the whole reading,
/// since the next time may succeed.
fn told<T>(answer: Result<T, Error>, what: &str, unread: &mut Vec<String>) -> Result<Option<T>, Error> {
    match answer {
        Ok(value) => Ok(Some(value)),
        Err(error) if matches!(error.kind(), ErrorKind::Permission | ErrorKind::NotFound) => {
            unread.push(format!("{what} could not be read: {error}"));
            Ok(None)
        }
        Err(error) => Err(error),
    }
}
