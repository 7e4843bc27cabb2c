//! [`Account`]: the endpoints of one region, read again and again at little cost.
//!
//! Owns what is asked of the control plane for a whole region and what is kept: descriptions are
//! read anew only if the endpoint or one of its components has changed since, and those of
//! configurations and models once.

use std::{
    collections::{HashMap, HashSet},
    future::ready,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use futures_util::{StreamExt, TryStreamExt, stream};
use sagewire_credentials::{AwsParams, Region, RegionError, SharedConfig, resolve_region, seam::World};
use sagewire_types::{Error, ErrorKind};
use tokio::sync::OnceCell;

use crate::{
    control_plane::ControlPlane,
    description::{Component, ComponentSummary, Endpoint, EndpointConfig, EndpointSummary, Model, Tag},
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
    kept: Mutex<Descriptions>,
}

/// What was described. Configurations and models never change: they are kept by their names, as
/// long as an endpoint uses them.
#[derive(Debug, Default)]
struct Descriptions {
    endpoints: HashMap<String, Kept>,
    configs: HashMap<String, Arc<EndpointConfig>>,
    models: HashMap<String, Arc<Model>>,
}

/// An endpoint as it was read, and what would have changed if it had to be read again.
#[derive(Clone, Debug)]
struct Kept {
    summary: EndpointSummary,
    /// The tag that was looked for.
    tag: Option<(String, Option<String>)>,
    /// The endpoint and its configuration. None if the tag is missing.
    base: Option<Base>,
    components: Vec<ComponentSummary>,
    facts: Arc<EndpointFacts>,
}

/// What is read of an endpoint before its components are known.
#[derive(Clone, Debug)]
struct Base {
    endpoint: Endpoint,
    config: Option<Arc<EndpointConfig>>,
    unread: Vec<String>,
}

impl Base {
    /// Whether inference components may run on it: no model stands in its configuration.
    fn hosts_components(&self) -> bool {
        self.config
            .as_ref()
            .is_none_or(|config| config.production_variants.iter().any(|variant| variant.model_name.is_none()))
    }
}

/// The components of a region by their endpoints, or why they could not be listed.
type Components = Result<HashMap<String, Vec<ComponentSummary>>, String>;

impl Account {
    /// The endpoints that this control plane knows.
    #[must_use]
    pub fn new(plane: ControlPlane) -> Self {
        Self { plane, kept: Mutex::default() }
    }

    /// The accounts of these regions, with the credentials and settings of a profile or, without
    /// one, those that calls have. Without regions it is the one that calls go to.
    ///
    /// # Errors
    /// `Configuration` if there is no region, or one is misspelt, or the settings give no
    /// credentials or URL.
    pub async fn of_regions(world: &World, profile: Option<&str>, regions: &[String]) -> Result<Vec<Self>, Error> {
        let aws = AwsParams { aws_profile_name: profile.map(str::to_owned), ..AwsParams::default() };
        let profile = aws.profile_name(world);
        let credentials = aws
            .provider(world)
            .map_err(|error| Error::new(ErrorKind::Configuration, error.to_string()).with_source(error))?;
        let config = SharedConfig::load(world, profile.as_deref()).await;
        let found: Vec<Region> = if regions.is_empty() {
            vec![resolve_region(world, None, profile.as_deref()).await.map_err(no_region)?]
        } else {
            regions.iter().map(|region| Region::new(region).map_err(no_region)).collect::<Result<_, _>>()?
        };
        let account = |region| ControlPlane::new(&config, region, None, Arc::clone(&credentials)).map(Self::new);
        found.into_iter().map(account).collect()
    }

    /// The region.
    #[must_use]
    pub fn region(&self) -> &str {
        self.plane.region().as_str()
    }

    /// Reads the endpoints that pass `filter`, by name. `progress` is told how many of how many
    /// have been read.
    ///
    /// Endpoints are listed and, if one of them hosts inference components, these; only those that
    /// have changed since the last time are described, and configurations and models by another
    /// name than before. What was described before a failure is not asked for again. What the
    /// caller may not read, or what was deleted meanwhile, is named in the facts. A tag that
    /// changes alone is noticed only when the endpoint itself changes.
    ///
    /// # Errors
    /// `Permission` if the endpoints may not be listed, and failures of AWS and of reaching it.
    pub async fn endpoints(
        &self,
        filter: &Filter,
        progress: &(dyn Fn(usize, usize) + Sync),
    ) -> Result<Vec<Arc<EndpointFacts>>, Error> {
        let mut listed = self.plane.list_endpoints(filter.name_contains.as_deref()).await?;
        listed.retain(|endpoint| filter.passes_name(&endpoint.endpoint_name));
        let total = listed.len();
        progress(0, total);
        let components = OnceCell::new();
        let readings: Vec<_> = listed.iter().map(|summary| self.facts(summary, filter, &components)).collect();
        let facts = stream::iter(readings)
            .buffered(ENDPOINTS_AT_ONCE)
            .enumerate()
            .map(|(done, facts)| {
                progress(done + 1, total);
                facts
            })
            .try_filter_map(|facts| ready(Ok(facts)))
            .try_collect::<Vec<_>>()
            .await?;
        self.kept().retain(&listed);
        Ok(facts)
    }

    fn kept(&self) -> MutexGuard<'_, Descriptions> {
        // Each description is put in whole.
        self.kept.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// What is known of an endpoint; `None` if it does not have the filter's tag.
    async fn facts(
        &self,
        summary: &EndpointSummary,
        filter: &Filter,
        components: &OnceCell<Components>,
    ) -> Result<Option<Arc<EndpointFacts>>, Error> {
        let is_as_it_was = |kept: &&Kept| kept.summary == *summary && kept.tag == filter.tag;
        let kept = self.kept().endpoints.get(&summary.endpoint_name).filter(is_as_it_was).cloned();
        let base = match &kept {
            Some(kept) => kept.base.clone(),
            None => self.base(summary, filter).await?,
        };
        let (mut own, mut unlisted) = (Vec::new(), None);
        if base.as_ref().is_some_and(Base::hosts_components) {
            match components.get_or_try_init(|| self.components()).await? {
                Ok(listed) => own = listed.get(&summary.endpoint_name).cloned().unwrap_or_default(),
                Err(reason) => unlisted = Some(reason.clone()),
            }
        }
        if let Some(kept) = kept
            && kept.components == own
        {
            return Ok(kept.base.is_some().then_some(kept.facts));
        }
        let facts = match base.clone() {
            Some(base) => Some(Arc::new(self.describe(base, &own, unlisted).await?)),
            None => None,
        };
        let kept = Kept {
            summary: summary.clone(),
            tag: filter.tag.clone(),
            base,
            components: own,
            facts: facts.clone().unwrap_or_default(),
        };
        self.kept().endpoints.insert(summary.endpoint_name.clone(), kept);
        Ok(facts)
    }

    /// All inference components of the region.
    async fn components(&self) -> Result<Components, Error> {
        let mut unread = Vec::new();
        let listed = self.plane.list_inference_components().await;
        let Some(listed) = told(listed, "the inference components", &mut unread)? else {
            return Ok(Err(unread.pop().unwrap_or_default()));
        };
        let mut by_endpoint: HashMap<String, Vec<ComponentSummary>> = HashMap::new();
        for component in listed {
            by_endpoint.entry(component.endpoint_name.clone()).or_default().push(component);
        }
        Ok(Ok(by_endpoint))
    }

    async fn base(&self, summary: &EndpointSummary, filter: &Filter) -> Result<Option<Base>, Error> {
        if filter.tag.is_some() {
            let tags = self.plane.list_tags(&summary.endpoint_arn).await?;
            if !filter.passes_tags(&tags) {
                return Ok(None);
            }
        }
        let (name, mut unread) = (&summary.endpoint_name, Vec::new());
        let endpoint = self.plane.describe_endpoint(name).await;
        let mut endpoint = told(endpoint, "the endpoint", &mut unread)?.unwrap_or_default();
        endpoint.endpoint_name.clone_from(name);
        endpoint.endpoint_status.clone_from(&summary.endpoint_status);
        let config = match &endpoint.endpoint_config_name {
            Some(config) => self.config(config, &mut unread).await?,
            None => None,
        };
        Ok(Some(Base { endpoint, config, unread }))
    }

    async fn config(&self, name: &str, unread: &mut Vec<String>) -> Result<Option<Arc<EndpointConfig>>, Error> {
        if let Some(config) = self.kept().configs.get(name) {
            return Ok(Some(Arc::clone(config)));
        }
        let config = self.plane.describe_endpoint_config(name).await;
        let config = told(config, "the endpoint configuration", unread)?.map(Arc::new);
        if let Some(config) = &config {
            self.kept().configs.insert(name.to_owned(), Arc::clone(config));
        }
        Ok(config)
    }

    async fn model(&self, name: &str, unread: &mut Vec<String>) -> Result<Option<Arc<Model>>, Error> {
        if let Some(model) = self.kept().models.get(name) {
            return Ok(Some(Arc::clone(model)));
        }
        let model = self.plane.describe_model(name).await;
        let model = told(model, &format!("the model `{name}`"), unread)?.map(Arc::new);
        if let Some(model) = &model {
            self.kept().models.insert(name.to_owned(), Arc::clone(model));
        }
        Ok(model)
    }

    async fn describe(
        &self,
        base: Base,
        listed: &[ComponentSummary],
        unlisted: Option<String>,
    ) -> Result<EndpointFacts, Error> {
        let plane = &self.plane;
        let Base { endpoint, config, unread } = base;
        let mut facts = EndpointFacts { endpoint, config, unread, ..EndpointFacts::default() };
        let unread = &mut facts.unread;
        let names = listed.iter().map(|component| &component.inference_component_name);
        let descriptions: Vec<_> = names.map(|name| plane.describe_inference_component(name)).collect();
        let components = stream::iter(descriptions).buffered(ENDPOINTS_AT_ONCE).collect::<Vec<_>>().await;
        for (component, summary) in components.into_iter().zip(listed) {
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
        unread.extend(unlisted);
        for name in models {
            let model = self.model(&name, unread).await?;
            facts.models.extend(model.map(|model| (name, model)));
        }
        let containers = facts.models.values().flat_map(|model| model.all_containers());
        let mut packages: Vec<&String> = containers.filter_map(|c| c.model_package_name.as_ref()).collect();
        packages.dedup();
        for name in packages {
            let package = told(plane.describe_model_package(name).await, "the model package", unread)?;
            facts.packages.extend(package.map(|package| (name.clone(), Arc::new(package))));
        }
        Ok(facts)
    }
}

impl Descriptions {
    /// Forgets what no endpoint of this list has.
    fn retain(&mut self, listed: &[EndpointSummary]) {
        let names: HashSet<&str> = listed.iter().map(|endpoint| endpoint.endpoint_name.as_str()).collect();
        self.endpoints.retain(|name, _| names.contains(name.as_str()));
        let facts = || self.endpoints.values().map(|kept| &kept.facts);
        let configs: HashSet<&String> =
            facts().filter_map(|facts| facts.endpoint.endpoint_config_name.as_ref()).collect();
        let models: HashSet<&String> = facts().flat_map(|facts| facts.models.keys()).collect();
        self.configs.retain(|name, _| configs.contains(name));
        self.models.retain(|name, _| models.contains(name));
    }
}

fn no_region(error: RegionError) -> Error {
    Error::new(ErrorKind::Configuration, error.to_string()).with_param("aws_region_name").with_source(error)
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
