//! Which chat template a call's prompt is made with.
//!
//! Owns the order of the places and the cache of what was found; reading the disk and asking the Hub are files of their own.
//!
//! The order: a template given with the call or the deployment; one registered for the endpoint, then for the model's name; a file or folder;
//! with a model's name, Hugging Face's cache on disk, the built-in catalog, and the Hub where that is allowed; without one, what the
//! endpoint's name tells. Where all of these are silent the contents are joined, as LiteLLM does. An endpoint's name is never sent to anyone.

use std::{
    collections::HashMap,
    path::PathBuf,
    sync::{Arc, Mutex, PoisonError, RwLock},
    time::Duration,
};

use sagewire_chat_template::{ChatTemplate, ConfigError, TemplateError, catalog, model_files::HubModel};
use sagewire_credentials::seam::World;
use sagewire_types::{Error, ErrorKind, ModelId};
use tokio::time::Instant;

use crate::settings::Settings;

mod disk;
mod hub;

/// How long it is remembered that nothing was found for a model.
const REMEMBER_NOTHING: Duration = Duration::from_secs(300);

/// A chat template of the operator's choice.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub enum TemplateChoice {
    /// This one.
    Template(ChatTemplate),
    /// The one in this file (`tokenizer_config.json`, or Jinja) or model folder, read at the first call.
    Path(PathBuf),
}

/// The templates of a provider: those registered by name, and those found before.
#[derive(Debug, Default)]
pub(crate) struct Templates {
    registered: HashMap<String, ChatTemplate>,
    found: RwLock<HashMap<Key, Found>>,
    searches: Mutex<HashMap<Key, Arc<tokio::sync::Mutex<()>>>>,
}

/// What a search depends on.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
enum Key {
    Path(PathBuf),
    Model { name: String, revision: String, hub: bool },
}

#[derive(Clone, Debug)]
enum Found {
    Template(ChatTemplate),
    Nothing { until: Instant },
}

impl Templates {
    pub(crate) fn new(registered: HashMap<String, ChatTemplate>) -> Self {
        Self { registered, ..Self::default() }
    }

    /// The template for this model and these settings. Only the first call for a model or path touches disk or network.
    ///
    /// # Errors
    /// `Configuration` for a template that is there and cannot be used: it is never passed over.
    pub(crate) async fn find(
        &self,
        world: &World,
        settings: &Settings,
        model: &ModelId,
    ) -> Result<ChatTemplate, Error> {
        if let Some(TemplateChoice::Template(template)) = &settings.template {
            return Ok(template.clone());
        }
        let hf_model_name = settings.hf_model_name.as_deref();
        let registered =
            [Some(model.name()), hf_model_name].into_iter().flatten().find_map(|name| self.registered.get(name));
        if let Some(template) = registered {
            return Ok(template.clone());
        }
        if let Some(TemplateChoice::Path(path)) = &settings.template {
            let key = Key::Path(path.clone());
            let missing = || {
                Error::new(
                    ErrorKind::Configuration,
                    format!(
                        "no chat template is at `{}`: name a Jinja file, a `tokenizer_config.json`, or a model's folder",
                        path.display()
                    ),
                )
            };
            return self.once(key, async || disk::from_path(world, path).await).await?.ok_or_else(missing);
        }
        let Some(name) = hf_model_name else {
            return Ok(by_endpoint(model.name()));
        };
        let key = Key::Model {
            name: name.to_owned(),
            revision: settings.hub_revision().to_owned(),
            hub: settings.hub_access == Some(true),
        };
        let found = self.once(key, async || search(world, settings, name).await).await?;
        Ok(found.unwrap_or_else(ChatTemplate::plain_join))
    }

    /// What was found for this key before, or what the search finds; one search at a time, whoever asks.
    async fn once(
        &self,
        key: Key,
        search: impl AsyncFnOnce() -> Result<Option<ChatTemplate>, Error>,
    ) -> Result<Option<ChatTemplate>, Error> {
        if let Some(known) = self.known(&key) {
            return Ok(known);
        }
        let gate =
            Arc::clone(self.searches.lock().unwrap_or_else(PoisonError::into_inner).entry(key.clone()).or_default());
        let _searching = gate.lock().await;
        if let Some(known) = self.known(&key) {
            return Ok(known);
        }
        let result = search().await;
        if let Ok(found) = &result {
            let found = match found {
                Some(template) => Found::Template(template.clone()),
                None => Found::Nothing { until: Instant::now() + REMEMBER_NOTHING },
            };
            self.found.write().unwrap_or_else(PoisonError::into_inner).insert(key.clone(), found);
        }
        self.searches.lock().unwrap_or_else(PoisonError::into_inner).remove(&key);
        result
    }

    #[expect(clippy::option_option, reason = "known to be nothing is not the same as not known")]
    fn known(&self, key: &Key) -> Option<Option<ChatTemplate>> {
        match self.found.read().unwrap_or_else(PoisonError::into_inner).get(key)? {
            Found::Template(template) => Some(Some(template.clone())),
            Found::Nothing { until } => (Instant::now() < *until).then_some(None),
        }
    }
}

/// Disk, catalog, Hub.
async fn search(world: &World, settings: &Settings, name: &str) -> Result<Option<ChatTemplate>, Error> {
    let hub_model = HubModel::parse(name);
    if let Some(model) = &hub_model
        && let Some(template) = disk::from_hub_cache(world, model, settings.hub_revision()).await?
    {
        tracing::debug!(target: "sagewire::template", model = name, from = "Hugging Face's cache on disk", "chat template chosen");
        return Ok(Some(template));
    }
    if let Some(entry) = catalog::by_model(name) {
        tracing::debug!(target: "sagewire::template", model = name, from = "the built-in catalog", family = entry.name(), "chat template chosen");
        return Ok(Some(entry.template()));
    }
    let allowed = settings.hub_access == Some(true);
    if let Some(model) = hub_model.filter(|_| allowed)
        && let Some(template) = hub::fetch(world, &model, settings.hub_revision()).await?
    {
        tracing::debug!(target: "sagewire::template", model = name, from = "the Hub", "chat template chosen");
        return Ok(Some(template));
    }
    tracing::warn!(
        target: "sagewire::template",
        model = name,
        hub = if allowed { "has none" } else { "was not asked (hub_access is off)" },
        "no chat template is known for the model: the messages are joined. Neither Hugging Face's cache on disk nor the catalog has one"
    );
    Ok(None)
}

fn by_endpoint(endpoint: &str) -> ChatTemplate {
    match catalog::by_endpoint(endpoint) {
        Some(entry) => {
            tracing::debug!(target: "sagewire::template", endpoint, from = "the endpoint's name", family = entry.name(), "chat template chosen");
            entry.template()
        }
        None => ChatTemplate::plain_join(),
    }
}

/// A template from a model's files; nothing where they hold none.
fn from_files(config: Option<&[u8]>, jinja: Option<&str>, place: &str) -> Result<Option<ChatTemplate>, Error> {
    let parsed = match (config, jinja) {
        (Some(config), jinja) => ChatTemplate::from_tokenizer_config(config, jinja),
        (None, Some(jinja)) => ChatTemplate::from_jinja(jinja, sagewire_chat_template::SpecialTokens::new()),
        (None, None) => return Ok(None),
    };
    match parsed {
        // What a model's own files hold is made for messages of one form: others are fitted to it.
        Ok(template) => Ok(Some(template.adapting())),
        Err(TemplateError::Config(ConfigError::NoTemplate)) => Ok(None),
        Err(error) => {
            Err(Error::new(ErrorKind::Configuration, format!("the chat template of {place} cannot be used: {error}"))
                .with_source(error))
        }
    }
}

#[cfg(test)]
mod tests;
