//! LiteLLM's `config.yaml`, read into typed settings.
//!
//! Owns the file's form and its check. What the settings do is the server's and the wiring's.
//! Values of the file stand in no error, warning or `Debug` output, for any of them may be a
//! secret.
//!
//! <https://docs.litellm.ai/docs/proxy/config_settings>

use std::{collections::HashSet, path::Path as FilePath};

use indexmap::IndexMap;
use sagewire_router::RouterSettings;

pub use self::{
    answer_cache::{CacheMode, CacheParams, CacheScope},
    batches::{BatchPlace, BatchSettings},
    caller_keys::CallerKey,
    coordination_redis::{CoordinationRedis, RedisNode},
    discover::DiscoverSettings,
    documentation::key_tables,
    general_settings::GeneralSettings,
    litellm_params::Parameters,
    litellm_settings::LitellmSettings,
    model_list::{DeploymentConfig, Mode},
    problem::{ConfigError, Problem, Warning},
    reading::Reading,
    sagewire_settings::{
        CorsSettings, HealthCheckSettings, OtlpSection, ProxySettings, ResponseStoreSettings, TlsFiles,
    },
    schema::json_schema,
};
use self::{
    environment::Path,
    node::{Entry, Node, Yaml},
    problem::{Position, Report},
};

mod answer_cache;
mod batches;
mod caller_keys;
mod changes;
mod coordination_redis;
mod credential_list;
mod discover;
mod documentation;
mod environment;
mod file;
mod general_settings;
pub(crate) mod include;
mod litellm_params;
mod litellm_settings;
mod model_list;
mod nearest;
mod node;
mod problem;
mod reader;
mod reading;
mod references;
mod sagewire_settings;
mod scalar;
mod schema;
mod summary;
mod unused;

/// A whole configuration, checked.
///
/// ```
/// use sagewire_proxy::Config;
///
/// let yaml = "
/// model_list:
///   - model_name: jumpstart-model
///     litellm_params:
///       model: sagemaker/jumpstart-dft-hf-textgeneration1-mp-20240815-185614
///       aws_region_name: os.environ/CUSTOM_AWS_REGION_NAME
/// ";
/// let (config, warnings) = Config::from_yaml(yaml, &|name| {
///     (name == "CUSTOM_AWS_REGION_NAME").then(|| "eu-west-1".to_owned())
/// })?;
/// assert_eq!(config.deployments[0].model_name, "jumpstart-model");
/// assert!(warnings.is_empty());
/// # Ok::<(), sagewire_proxy::ConfigError>(())
/// ```
#[derive(Clone, Debug, Default)]
#[non_exhaustive]
pub struct Config {
    /// `model_list`, in the file's order.
    pub deployments: Vec<DeploymentConfig>,
    /// `litellm_settings`.
    pub litellm_settings: LitellmSettings,
    /// `general_settings`.
    pub general_settings: GeneralSettings,
    /// `router_settings`, with what `litellm_settings` says where they say nothing.
    pub router_settings: RouterSettings,
    /// `sagewire_settings`.
    pub sagewire_settings: ProxySettings,
    /// `environment_variables`: they stand before the process's own.
    pub environment_variables: EnvironmentVariables,
    place: Position,
}

/// Variables that the file sets. Their values are not shown.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct EnvironmentVariables(IndexMap<String, String>);

impl EnvironmentVariables {
    /// The value of this variable, where the file sets it.
    #[must_use]
    pub fn get(&self, name: &str) -> Option<&str> {
        self.0.get(name).map(String::as_str)
    }
}

impl std::fmt::Debug for EnvironmentVariables {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_set().entries(self.0.keys()).finish()
    }
}

impl Config {
    /// A problem of the whole file that was found after it was read.
    pub(crate) fn problem(&self, message: String) -> Problem {
        self.place.problem(message)
    }

    /// Reads a configuration from text. `env` gives the value of an environment variable.
    ///
    /// # Errors
    /// [`ConfigError::Yaml`] if the text is not YAML, [`ConfigError::Invalid`] with every other
    /// problem there is.
    pub fn from_yaml(text: &str, env: &dyn Fn(&str) -> Option<String>) -> Result<(Self, Vec<Warning>), ConfigError> {
        Reading::of_yaml(text, env)?.finish()
    }

    /// Reads a configuration from a file and those that it includes, with the text's own rules.
    ///
    /// # Errors
    /// [`ConfigError::Read`] where the file cannot be read; else as [`from_yaml`](Self::from_yaml).
    /// An included file that cannot be read is one of the problems.
    pub fn from_file(
        path: impl AsRef<FilePath>,
        env: &dyn Fn(&str) -> Option<String>,
    ) -> Result<(Self, Vec<Warning>), ConfigError> {
        Reading::of_file(path, env)?.finish()
    }

    /// Takes deployments out, and the fallbacks, aliases and policies of models that have none
    /// left. Returns a warning for each of the latter.
    pub(crate) fn leave_out(&mut self, ids: &HashSet<String>) -> Vec<Warning> {
        let (gone, left) = std::mem::take(&mut self.deployments).into_iter().partition(|one| ids.contains(&one.id));
        self.deployments = left;
        let gone: Vec<DeploymentConfig> = gone;
        let mut names: HashSet<String> = gone.into_iter().map(|deployment| deployment.model_name).collect();
        names.retain(|name| self.deployments.iter().all(|deployment| deployment.model_name != *name));
        let dropped = references::drop_left_out(&mut self.router_settings, &names);
        dropped.into_iter().map(|dropped| self.place.warning(&dropped.path(), dropped.to_string())).collect()
    }
}

fn section<T: serde::de::DeserializeOwned + Default>(file: &Node, name: &str, report: &mut Report) -> T {
    file.value(name)
        .filter(|node| !node.is_null())
        .map(|node| reader::read(node, &Path::default().key(name), report))
        .unwrap_or_default()
}

/// Other names of keys: the section, the other name, and the name, which takes precedence.
const ALIASES: [(&str, &str, &str); 2] = [
    ("router_settings", "max_retries", "num_retries"),
    ("general_settings", "max_parallel_requests", "global_max_parallel_requests"),
];

/// Gives each key its own name, and puts the keys that two sections share into the section that
/// acts on them. What that one says itself wins.
fn share_keys(file: &mut Node, report: &mut Report) {
    for (section, alias, name) in ALIASES {
        let Some(section) = file.value_mut(section) else { continue };
        if section.value(name).is_some_and(|node| !node.is_null()) {
            section.take(alias);
        }
        if let Yaml::Map(entries) = &mut section.yaml {
            entries.iter_mut().filter(|entry| entry.key == alias).for_each(|entry| name.clone_into(&mut entry.key));
        }
    }
    move_keys(file, "litellm_settings", "router_settings", litellm_settings::OF_THE_ROUTER, report);
    move_keys(file, "router_settings", "litellm_settings", &["set_verbose"], report);
    coordination_redis::gather(file, report);
}

fn move_keys(file: &mut Node, from: &str, to: &str, keys: &[&str], report: &mut Report) {
    let Some(source) = file.value_mut(from) else { return };
    let moved: Vec<Entry> = keys.iter().filter_map(|key| source.take(key)).collect();
    if moved.is_empty() {
        return;
    }
    let Some(Yaml::Map(entries)) = file.mapping(to).map(|node| &mut node.yaml) else { return };
    for entry in moved {
        if entries.iter().any(|known| known.key == entry.key && !known.node.is_null()) {
            report.warning(
                entry.place,
                format!("{from}.{}", entry.key),
                format!("`{from}.{key}` has no effect: `{to}.{key}` is set too and takes precedence", key = entry.key),
            );
        } else {
            entries.push(entry);
        }
    }
}

fn parse(text: &str, included: Option<&FilePath>) -> Result<Node, ConfigError> {
    serde_saphyr::from_str_with_options::<Option<Node>>(text, limits())
        .map(|node| {
            let mut node = node.unwrap_or_else(Node::empty);
            node.retype(text);
            node
        })
        .map_err(|error| {
            let place = error.location().map(node::Place::from).unwrap_or_default();
            let file = included.map(FilePath::to_owned);
            ConfigError::Yaml { file, line: place.line, column: place.column, reason: reason(&error) }
        })
}

/// How deep a file may be nested. The deepest key of ours stands six levels deep; a container's
/// parameters may be nested further.
const MAX_DEPTH: usize = 24;

/// How many values a file may have: thousands of deployments.
const MAX_NODES: usize = 100_000;

/// How many values aliases may repeat, each time counted.
const MAX_REPEATED: usize = 20_000;

/// A file that multiplies itself by aliases, or that would take the whole stack, is refused before
/// it has cost anything.
fn limits() -> serde_saphyr::Options {
    serde_saphyr::options! {
        budget: serde_saphyr::budget! { max_depth: MAX_DEPTH, max_nodes: MAX_NODES },
        alias_limits: serde_saphyr::alias_limits! { max_total_replayed_events: MAX_REPEATED, max_replay_stack_depth: MAX_DEPTH },
    }
}

/// The parser's words without the excerpt of the file, which may hold a secret, and without the
/// place, which stands before them.
fn reason(error: &serde_saphyr::Error) -> String {
    let error = error.without_snippet();
    if let serde_saphyr::Error::DuplicateMappingKey { key: Some(key), .. } = error {
        return format!("duplicate key `{key}`: remove one");
    }
    let text = error.to_string();
    let line = text.lines().next().unwrap_or_default();
    if line.starts_with("budget breached: Depth") {
        return format!("the file is nested deeper than {MAX_DEPTH} levels here: flatten it");
    }
    if line.starts_with("budget breached") {
        return format!("the file holds more than {MAX_NODES} values: split it");
    }
    if line.starts_with("alias replay") {
        return format!("aliases repeat more than {MAX_REPEATED} values: write them out, or repeat less");
    }
    line.rsplit_once(" at line ").map_or(line, |(reason, _)| reason).to_owned()
}
