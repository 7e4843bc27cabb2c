//! Which chat template a call's prompt is made with.
//!
//! Owns the order of what is asked for it; how each place is looked at, and what is remembered, are
//! files of their own.
//!
//! The order: a template given with the call or the deployment; one registered for the endpoint,
//! then for the model's name; a file or folder; with a model's name, Hugging Face's cache on disk,
//! the built-in catalog, and the Hub where that is allowed; without one, what the endpoint's name
//! tells. Where all of these are silent the contents are joined, as LiteLLM does. An endpoint's
//! name is never sent to anyone.

use std::{collections::HashMap, fmt, sync::Arc};

use sagewire_chat_template::ChatTemplate;
use sagewire_credentials::seam::World;
use sagewire_types::{Error, ErrorKind};

pub use self::choice::{TemplateChoice, TemplateSource};
pub use self::warning::TemplateWarning;
use self::{
    error::LookupError,
    memory::{Memory, Query},
    search::{Outcome, Search},
};
use crate::{prompt::Renderings, settings::Settings};

mod choice;
mod disk;
mod error;
mod hub;
mod memory;
mod model_files;
mod search;
mod store;
mod warning;

/// The templates of a provider: those registered by name, and those found before.
#[derive(Debug)]
pub(crate) struct Templates {
    registered: HashMap<String, ChatTemplate>,
    plain_join: ChatTemplate,
    memory: Arc<Memory>,
    pub(crate) renderings: Renderings,
}

/// The template of a deployment, and what its operator should know about it.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct ChosenTemplate {
    /// The template.
    pub template: ChatTemplate,
    /// Why its prompts may not have the model's format.
    pub warning: Option<TemplateWarning>,
}

/// The template that the provider would make the prompts of an endpoint with: what `check` and the
/// command line show.
///
/// # Errors
/// As a call's: `Configuration` for a template that is there and cannot be used, `Connection` for a
/// Hub that does not answer. A warning is an error if
/// [`strict_chat_templates`](Settings::strict_chat_templates) is on.
pub async fn chosen_template(world: &World, settings: &Settings, endpoint: &str) -> Result<ChosenTemplate, Error> {
    Templates::new(HashMap::new()).find(world, settings, endpoint).await
}

/// Fails for a warning where the operator wants none.
fn permitted(settings: &Settings, warning: &TemplateWarning) -> Result<(), Error> {
    if settings.strict_chat_templates != Some(true) {
        return Ok(());
    }
    Err(Error::new(ErrorKind::Configuration, warning.to_string()).with_param("strict_chat_templates"))
}

/// A template, and where it is from.
#[derive(Clone, Debug)]
struct Found {
    template: ChatTemplate,
    origin: Origin,
}

/// Where a template is from, for traces.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Origin {
    Given,
    RegisteredForEndpoint,
    RegisteredForModel,
    Path,
    HuggingFaceCache,
    Catalog,
    Hub,
    EndpointName,
    Nowhere,
}

impl Templates {
    pub(crate) fn new(registered: HashMap<String, ChatTemplate>) -> Self {
        Self {
            registered,
            plain_join: ChatTemplate::plain_join(),
            memory: Arc::default(),
            renderings: Renderings::default(),
        }
    }

    /// The template for this endpoint and these settings. Only the first call for a model or path
    /// touches disk or network.
    ///
    /// # Errors
    /// `Configuration` for a template that is there and cannot be used: it is never passed over.
    /// `Connection` where the Hub is to be asked and does not answer.
    pub(crate) async fn find(
        &self,
        world: &World,
        settings: &Settings,
        endpoint: &str,
    ) -> Result<ChosenTemplate, Error> {
        let (Found { template, origin }, warning) = self.choose(world, settings, endpoint).await?;
        warning.as_ref().map_or(Ok(()), |warning| permitted(settings, warning))?;
        tracing::debug!(target: "sagewire::template", endpoint, template = template.name(), from = %origin, "chat template chosen");
        Ok(ChosenTemplate { template, warning })
    }

    async fn choose(
        &self,
        world: &World,
        settings: &Settings,
        endpoint: &str,
    ) -> Result<(Found, Option<TemplateWarning>), LookupError> {
        let given = |template: &ChatTemplate, origin| Ok((Found { template: template.clone(), origin }, None));
        if let Some(TemplateChoice::Template(template)) = &settings.template {
            return given(template, Origin::Given);
        }
        if let Some(template) = self.registered.get(endpoint) {
            return given(template, Origin::RegisteredForEndpoint);
        }
        let name = settings.hf_model_name.as_deref();
        if let Some(template) = name.and_then(|name| self.registered.get(name)) {
            return given(template, Origin::RegisteredForModel);
        }
        let known = if let Some(TemplateChoice::Path(path)) = &settings.template {
            let look_up = || {
                let (world, path) = (world.clone(), path.clone());
                async move {
                    let template = disk::from_path(&world, &path).await?;
                    Ok(Outcome::Found(Found { template, origin: Origin::Path }))
                }
            };
            self.memory.get(Query::Path(path), look_up).await?
        } else if let Some(name) = name {
            let (revision, sources) = (settings.hub_revision(), settings.template_sources());
            let hub_access = settings.hub_access == Some(true);
            let look_up = || {
                let (name, revision, sources) = (name.to_owned(), revision.to_owned(), sources.to_vec());
                Search { world: world.clone(), name, revision, sources, hub_access }.run()
            };
            self.memory.get(Query::Model { name, revision, sources, hub_access }, look_up).await?
        } else {
            let sources = settings.template_sources();
            let known = sources.contains(&TemplateSource::Catalog).then(|| self.memory.of_endpoint(endpoint));
            let (template, warning) = known
                .unwrap_or_else(|| (None, Some(TemplateWarning::UnknownEndpoint { endpoint: endpoint.to_owned() })));
            return Ok(match template {
                Some(template) => (Found { template, origin: Origin::EndpointName }, warning),
                None => (self.nothing(), warning),
            });
        };
        let unknown = || name.map(|name| TemplateWarning::UnknownModel { model: name.to_owned() });
        Ok(known.map_or_else(|| (self.nothing(), unknown()), |found| (found, None)))
    }

    /// What is used where no place has a template.
    fn nothing(&self) -> Found {
        Found { template: self.plain_join.clone(), origin: Origin::Nowhere }
    }
}

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Given => "the settings",
            Self::RegisteredForEndpoint => "the builder, for the endpoint",
            Self::RegisteredForModel => "the builder, for the model",
            Self::Path => "the file or folder of the settings",
            Self::HuggingFaceCache => "Hugging Face's cache on disk",
            Self::Catalog => "the built-in catalog",
            Self::Hub => "the Hub",
            Self::EndpointName => "the endpoint's name",
            Self::Nowhere => "nowhere: the messages' texts are joined",
        })
    }
}

#[cfg(test)]
mod tests;
