//! `model_list`: the deployments.
//!
//! Owns their typed form. What the parameters mean to a provider is the wiring's.

use std::{collections::HashSet, fmt, time::Duration};

use serde_json::{Map, Value};
use zeroize::Zeroize;

use super::{
    environment::Path,
    keys::{DEPLOYMENT, LITELLM_PARAMS, MODEL_INFO, SECRET_PARAMETERS},
    node::Node,
    problem::Report,
    table::Section,
};

/// One deployment: an entry of `model_list`.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct DeploymentConfig {
    /// What tells it from every other: `model_info.id`, or its name and place.
    pub id: String,
    /// What callers ask for; `sagemaker/*` stands for every name that begins so.
    pub model_name: String,
    /// What the provider is asked for: `sagemaker/my-endpoint`.
    pub model: String,
    /// What the model does.
    pub mode: Mode,
    /// `litellm_params` without what stands in the other fields: the provider's settings, the defaults of calls and the
    /// parameters of the container, in the file's order.
    pub parameters: Parameters,
    /// The longest prompt its model takes, in tokens.
    pub max_input_tokens: Option<u64>,
    /// `model_info`, as `/model/info` shows it.
    pub model_info: Map<String, Value>,
    /// Its share among the deployments of its name.
    pub weight: Option<f64>,
    /// Deployments of a lower order are used first.
    pub order: Option<u64>,
    /// Requests a minute.
    pub rpm: Option<u64>,
    /// Tokens a minute.
    pub tpm: Option<u64>,
    /// Requests at once.
    pub max_parallel_requests: Option<u64>,
    /// How long a whole answer may take.
    pub timeout: Option<Duration>,
    /// How long a stream may take to its first piece.
    pub stream_timeout: Option<Duration>,
    /// How often a call is tried again once this deployment has failed it.
    pub num_retries: Option<u64>,
    /// How many failures in a row it may have.
    pub allowed_fails: Option<u64>,
    /// How long it rests after failures.
    pub cooldown_time: Option<Duration>,
    /// Which of the operator's keys a caller may set in a request's body.
    pub configurable_clientside_auth_params: Vec<String>,
}

/// What a model does: how it is probed, and which routes are its own.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum Mode {
    /// It answers conversations.
    #[default]
    Chat,
    /// It continues raw prompts.
    Completion,
    /// It embeds texts.
    Embedding,
}

impl Mode {
    /// The mode as `model_info.mode` writes it.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Chat => "chat",
            Self::Completion => "completion",
            Self::Embedding => "embedding",
        }
    }
}

/// Parameters of a deployment, in the file's order. Their values are not shown, and wiped when dropped.
#[derive(Clone, Default, PartialEq)]
pub struct Parameters(Map<String, Value>);

impl Parameters {
    /// The value of this parameter.
    #[must_use]
    pub fn get(&self, name: &str) -> Option<&Value> {
        self.0.get(name)
    }

    pub(crate) fn to_map(&self) -> Map<String, Value> {
        self.0.clone()
    }

    /// Names and values, in the file's order.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &Value)> {
        self.0.iter().map(|(name, value)| (name.as_str(), value))
    }

    /// Whether no page, log or message may show this parameter's value.
    #[must_use]
    pub fn is_secret(name: &str) -> bool {
        SECRET_PARAMETERS.contains(&name)
    }
}

impl fmt::Debug for Parameters {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_set().entries(self.0.keys()).finish()
    }
}

impl Drop for Parameters {
    fn drop(&mut self) {
        self.0.values_mut().for_each(wipe);
    }
}

fn wipe(value: &mut Value) {
    match value {
        Value::String(text) => text.zeroize(),
        Value::Array(items) => items.iter_mut().for_each(wipe),
        Value::Object(map) => map.values_mut().for_each(wipe),
        Value::Null | Value::Bool(_) | Value::Number(_) => {}
    }
}

/// Keys of `litellm_params` that the router or the proxy acts on; every other is a parameter.
const OWN_FIELDS: &[&str] = &[
    "allowed_fails",
    "configurable_clientside_auth_params",
    "cooldown_time",
    "litellm_credential_name",
    "max_parallel_requests",
    "max_retries",
    "model",
    "num_retries",
    "order",
    "rpm",
    "stream_timeout",
    "timeout",
    "tpm",
    "weight",
];

pub(super) fn read(file: &Section<'_>, report: &mut Report) -> Vec<DeploymentConfig> {
    let Some(list) = file.node("model_list").and_then(Node::items) else {
        report.problem(
            file.place,
            "`model_list` is missing or empty, so there is nothing to serve: add a deployment with `model_name` and `litellm_params`",
        );
        return Vec::new();
    };
    let mut taken = HashSet::new();
    list.iter().enumerate().filter_map(|(index, node)| deployment(index, node, &mut taken, report)).collect()
}

fn deployment(index: usize, node: &Node, taken: &mut HashSet<String>, report: &mut Report) -> Option<DeploymentConfig> {
    let in_list = Path::default().key(&format!("model_list[{index}]"));
    let entry = DEPLOYMENT.read(node, &in_list, report);
    node.entries()?;
    let Some(model_name) = entry.text("model_name").filter(|name| !name.is_empty()) else {
        report.problem(node.place, format!("{in_list} has no `model_name`: add the name that callers shall ask for"));
        return None;
    };
    let path = Path::deployment(&model_name);
    let Some(params_node) = entry.node("litellm_params") else {
        report.problem(node.place, format!("{path} has no `litellm_params`: add at least `model`"));
        return None;
    };
    let params = LITELLM_PARAMS.read(params_node, &path.key("litellm_params"), report);
    let Some(model) = params.text("model").filter(|model| !model.is_empty()) else {
        report.problem(
            params_node.place,
            format!("{path} has no `litellm_params.model`: add one such as `sagemaker/my-endpoint`"),
        );
        return None;
    };
    check_wildcard(&model_name, &model, &params, &path, report);

    let info_node = entry.node("model_info");
    let info = info_node.map(|node| MODEL_INFO.read(node, &path.key("model_info"), report));
    let id = take_id(info.as_ref(), &model_name, taken, &path, report);
    let mode = match info.as_ref().and_then(|info| info.text("mode")).as_deref() {
        Some("embedding") => Mode::Embedding,
        Some("completion") => Mode::Completion,
        Some(_) => Mode::Chat,
        None if params.node("embedding_dialect").is_some() => Mode::Embedding,
        None => Mode::Chat,
    };
    let max_input_tokens = info.as_ref().and_then(|info| info.count("max_input_tokens"));
    let info_count = |name: &str| info.as_ref().and_then(|info| info.count(name));
    let info_seconds = |name: &str| info.as_ref().and_then(|info| info.seconds(name));
    let model_info = match info_node.map(Node::to_json) {
        Some(Value::Object(map)) => map,
        _ => Map::new(),
    };
    Some(DeploymentConfig {
        id,
        mode,
        parameters: parameters(params_node),
        max_input_tokens,
        model_info,
        weight: params.number("weight"),
        order: params.count("order"),
        rpm: params.count("rpm"),
        tpm: params.count("tpm"),
        max_parallel_requests: params.count("max_parallel_requests"),
        timeout: params.seconds("timeout"),
        stream_timeout: params.seconds("stream_timeout"),
        num_retries: params.count("num_retries").or(params.count("max_retries")),
        allowed_fails: params.count("allowed_fails").or(info_count("allowed_fails")),
        cooldown_time: params.seconds("cooldown_time").or(info_seconds("cooldown_time")),
        configurable_clientside_auth_params: params.texts("configurable_clientside_auth_params").unwrap_or_default(),
        model_name,
        model,
    })
}

fn check_wildcard(model_name: &str, model: &str, params: &Section<'_>, path: &Path, report: &mut Report) {
    let only_at_end = |name: &str| !name.strip_suffix('*').unwrap_or(name).contains('*');
    if !only_at_end(model_name) || !only_at_end(model) {
        report.problem(params.place, format!("{path} has a `*` that is not at the end of its name: put it there"));
    } else if model.ends_with('*') && !model_name.ends_with('*') {
        report.problem(
            params.place_of("model"),
            format!(
                "{path} does not say which endpoint it means: its `model_name` must end in `*`, or its `model` must not"
            ),
        );
    }
}

fn take_id(
    info: Option<&Section<'_>>,
    model_name: &str,
    taken: &mut HashSet<String>,
    path: &Path,
    report: &mut Report,
) -> String {
    if let Some((id, place)) = info.and_then(|info| Some((info.text("id")?, info.place_of("id")))) {
        if !taken.insert(id.clone()) {
            report.problem(place, format!("{path} has the `model_info.id` of another deployment: ids must differ"));
        }
        return id;
    }
    let mut id = model_name.to_owned();
    let mut place = 2_usize;
    while !taken.insert(id.clone()) {
        id = format!("{model_name}-{place}");
        place += 1;
    }
    id
}

fn parameters(params: &Node) -> Parameters {
    let entries = params.entries().unwrap_or_default().iter();
    Parameters(
        entries
            .filter(|entry| !OWN_FIELDS.contains(&entry.key.as_str()) && !entry.node.is_null())
            .filter(|entry| !LITELLM_PARAMS.ignores(&entry.key))
            .map(|entry| (entry.key.clone(), typed(&entry.key, &entry.node)))
            .collect(),
    )
}

/// A value from the environment is text; where the table wants a number or a flag, it becomes one.
fn typed(key: &str, node: &Node) -> Value {
    LITELLM_PARAMS.find(key).and_then(|known| known.kind.typed(node)).unwrap_or_else(|| node.to_json())
}
