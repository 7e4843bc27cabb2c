//! `model_list`: the deployments.
//!
//! Owns their typed form. What the parameters mean to a provider is the wiring's.

use std::collections::HashSet;

use sagewire::sagemaker::parameters::RoutingParams;
use serde_json::{Map, Value};

use super::{
    environment::Path,
    keys::{DEPLOYMENT, MODEL_INFO},
    litellm_params::{self, Parameters},
    node::{Node, Place},
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
    /// `litellm_params` without those of the router: the provider's settings, the defaults of requests and the parameters of the
    /// container, in the file's order.
    pub parameters: Parameters,
    /// The longest prompt its model takes, in tokens.
    pub max_input_tokens: Option<u64>,
    /// `model_info`, as `/model/info` shows it.
    pub model_info: Map<String, Value>,
    /// What the router acts on.
    pub routing: RoutingParams,
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
    let (mut routing, parameters) = litellm_params::read(params_node, &path.key("litellm_params"), report);
    let Some(model) = routing.model.take().filter(|model| !model.is_empty()) else {
        report.problem(
            params_node.place,
            format!("{path} has no `litellm_params.model`: add one such as `sagemaker/my-endpoint`"),
        );
        return None;
    };
    let place = params_node.value("model").map_or(params_node.place, |node| node.place);
    check_wildcard(&model_name, &model, place, &path, report);

    let info_node = entry.node("model_info");
    let info = info_node.map(|node| MODEL_INFO.read(node, &path.key("model_info"), report));
    let id = take_id(info.as_ref(), &model_name, taken, &path, report);
    let mode = match info.as_ref().and_then(|info| info.text("mode")).as_deref() {
        Some("embedding") => Mode::Embedding,
        Some("completion") => Mode::Completion,
        Some(_) => Mode::Chat,
        None if parameters.get("embedding_dialect").is_some() => Mode::Embedding,
        None => Mode::Chat,
    };
    let max_input_tokens = info.as_ref().and_then(|info| info.count("max_input_tokens"));
    let info_count = |name: &str| info.as_ref().and_then(|info| info.count(name));
    let info_seconds = |name: &str| info.as_ref().and_then(|info| info.seconds(name));
    let model_info = match info_node.map(Node::to_json) {
        Some(Value::Object(map)) => map,
        _ => Map::new(),
    };
    routing.allowed_fails = routing.allowed_fails.or(info_count("allowed_fails"));
    routing.cooldown_time = routing.cooldown_time.or(info_seconds("cooldown_time"));
    Some(DeploymentConfig { id, model_name, model, mode, parameters, max_input_tokens, model_info, routing })
}

fn check_wildcard(model_name: &str, model: &str, place: Place, path: &Path, report: &mut Report) {
    let only_at_end = |name: &str| !name.strip_suffix('*').unwrap_or(name).contains('*');
    if !only_at_end(model_name) || !only_at_end(model) {
        report.problem(place, format!("{path} has a `*` that is not at the end of its name: move it there"));
    } else if model.ends_with('*') && !model_name.ends_with('*') {
        report.problem(
            place,
            format!(
                "{path} does not say which endpoint is meant: end its `model_name` in `*`, or its `model` without one"
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
