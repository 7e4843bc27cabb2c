//! LiteLLM's `config.yaml`, read into typed settings.
//!
//! Owns the file's form and its check. What the settings do is the server's and the wiring's. Values of the file stand in no
//! error, warning or `Debug` output, for any of them may be a secret.
//!
//! <https://docs.litellm.ai/docs/proxy/config_settings>

use std::path::Path as FilePath;

use indexmap::IndexMap;

pub use caller_keys::CallerKey;
pub use documentation::key_tables;
pub use litellm_params::Parameters;
pub use model_list::{DeploymentConfig, Mode};
pub use problem::{ConfigError, Problem, Warning};
pub use sagewire_settings::{HealthCheckSettings, OtlpSection, ProxySettings, TlsFiles};
pub use schema::json_schema;
pub use settings::{Alias, GeneralSettings, LitellmSettings, RouterSettings, Strategy};

use self::{
    environment::{Environment, Path},
    keys::FILE,
    node::Node,
    problem::Report,
};

mod caller_keys;
mod changes;
mod credential_list;
mod documentation;
mod environment;
mod failure_policy;
pub(crate) mod include;
mod keys;
mod litellm_params;
mod model_list;
mod nearest;
mod node;
mod problem;
mod references;
mod sagewire_settings;
mod schema;
mod settings;
mod summary;
mod table;

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
    /// Reads a configuration from text. `env` gives the value of an environment variable.
    ///
    /// # Errors
    /// [`ConfigError::Yaml`] where the text is no YAML, [`ConfigError::Invalid`] with every other problem there is.
    pub fn from_yaml(text: &str, env: &dyn Fn(&str) -> Option<String>) -> Result<(Self, Vec<Warning>), ConfigError> {
        let mut report = Report::default();
        let file = parse(text, None)?;
        include::refuse(&file, &mut report);
        Self::from_tree(file, env, report)
    }

    fn from_tree(
        mut file: Node,
        env: &dyn Fn(&str) -> Option<String>,
        mut report: Report,
    ) -> Result<(Self, Vec<Warning>), ConfigError> {
        let own = settings::environment_variables(&file, env, &mut report);
        Environment { own: &own, process: env }.resolve(&mut file, &Path::default(), &mut report);
        credential_list::apply(&mut file, &mut report);

        let top = Path::default();
        let section = FILE.read(&file, &top, &mut report);
        let deployments = model_list::read(&section, &mut report);
        let litellm_settings = settings::litellm(&section, &mut report);
        let general_settings = settings::general(&section, &mut report);
        let router_settings = settings::router(&section, &litellm_settings, &mut report);
        let sagewire_settings = sagewire_settings::read(&section, &mut report);
        references::check(&deployments, &router_settings, &section, &mut report);

        let warnings = report.finish()?;
        let config = Self {
            deployments,
            litellm_settings,
            general_settings,
            router_settings,
            sagewire_settings,
            environment_variables: EnvironmentVariables(own),
        };
        Ok((config, warnings))
    }

    /// Reads a configuration from a file and those that it includes, with the text's own rules.
    ///
    /// # Errors
    /// [`ConfigError::Read`] where the file cannot be read; else as [`from_yaml`](Self::from_yaml). An included file that cannot be read is one of
    /// the problems.
    pub fn from_file(
        path: impl AsRef<FilePath>,
        env: &dyn Fn(&str) -> Option<String>,
    ) -> Result<(Self, Vec<Warning>), ConfigError> {
        let mut report = Report::default();
        let file = include::read(path.as_ref(), &mut report)?;
        Self::from_tree(file, env, report)
    }
}

fn parse(text: &str, included: Option<&FilePath>) -> Result<Node, ConfigError> {
    serde_saphyr::from_str_with_options::<Option<Node>>(text, limits())
        .map(|node| node.unwrap_or_else(Node::empty))
        .map_err(|error| {
            let place = error.location().map(node::Place::from).unwrap_or_default();
            let file = included.map(FilePath::to_owned);
            ConfigError::Yaml { file, line: place.line, column: place.column, reason: reason(&error) }
        })
}

/// How deep a file may be nested. The deepest key of ours stands six levels deep; a container's parameters may be nested further.
const MAX_DEPTH: usize = 24;

/// How many values a file may have: thousands of deployments.
const MAX_NODES: usize = 100_000;

/// How many values aliases may repeat, each time counted.
const MAX_REPEATED: usize = 20_000;

/// A file that multiplies itself by aliases, or that would take the whole stack, is refused before it has cost anything.
fn limits() -> serde_saphyr::Options {
    serde_saphyr::options! {
        budget: serde_saphyr::budget! { max_depth: MAX_DEPTH, max_nodes: MAX_NODES },
        alias_limits: serde_saphyr::alias_limits! { max_total_replayed_events: MAX_REPEATED, max_replay_stack_depth: MAX_DEPTH },
    }
}

/// The parser's words without the excerpt of the file, which may hold a secret, and without the place, which stands before them.
fn reason(error: &serde_saphyr::Error) -> String {
    let error = error.without_snippet();
    if let serde_saphyr::Error::DuplicateMappingKey { key: Some(key), .. } = error {
        return format!("the key `{key}` stands here a second time: remove one of them");
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
