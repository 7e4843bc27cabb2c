//! `model_list`: the deployments.
//!
//! Owns their typed form. What the parameters mean to a provider is the wiring's.

use std::{
    collections::{HashMap, HashSet},
    time::Duration,
};

use sagewire::{Error, SageMaker, sagemaker::parameters::RoutingParams};
use sagewire_router::seconds::{self, Seconds};
use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::{Map, Value};

use super::{
    environment::Path,
    file::Deployment,
    general_settings::Text,
    litellm_params::{self, Parameters},
    nearest::nearest,
    node::{Node, Place},
    problem::{Position, Problem, Report, Warning},
    reader,
};

/// One deployment: an entry of `model_list`.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct DeploymentConfig {
    /// What tells it from every other: `model_info.id`, or its name and place.
    pub id: String,
    /// What callers ask for; `sagemaker/*` matches every name with that prefix.
    pub model_name: String,
    /// What the provider is asked for: `sagemaker/my-endpoint`.
    pub model: String,
    /// What the model does, if its configuration says so.
    pub mode: Option<Mode>,
    /// `litellm_params` without those of the router: the provider's settings, the defaults of
    /// requests and the parameters of the container, in the file's order.
    pub parameters: Parameters,
    /// The longest prompt its model takes, in tokens.
    pub max_input_tokens: Option<u64>,
    /// `model_info`, as `/model/info` shows it.
    pub model_info: Map<String, Value>,
    /// What the router acts on.
    pub routing: RoutingParams,
    /// Whether a value of it was left out because of a problem that is reported.
    pub(crate) is_broken: bool,
    /// Where its parameters are in the file; its own place under the empty name.
    places: Vec<(String, Position)>,
}

impl DeploymentConfig {
    /// A deployment that no file has.
    ///
    /// # Errors
    /// `Configuration`, naming the parameter, for a value of the wrong kind.
    pub(crate) fn found(
        id: String,
        model_name: String,
        mut params: Map<String, Value>,
        mode: Mode,
        model_info: Map<String, Value>,
    ) -> Result<Self, Error> {
        let mut routing = RoutingParams::take_from(&mut params)?;
        let model = routing.model.take().unwrap_or_default();
        Ok(Self {
            id,
            model_name,
            model,
            mode: Some(mode),
            parameters: Parameters::from(params),
            max_input_tokens: None,
            model_info,
            routing,
            is_broken: false,
            places: Vec::new(),
        })
    }

    /// A problem that was found after the file was read, at the place of this parameter.
    pub(crate) fn problem(&self, parameter: Option<&str>, message: String) -> Problem {
        self.place(parameter.unwrap_or_default()).problem(message)
    }

    /// The same for what may be a mistake, at the place of the deployment.
    pub(crate) fn warning(&self, key: &str, message: String) -> Warning {
        self.warning_at(None, key, message)
    }

    /// The same at the place of this parameter.
    pub(crate) fn warning_at(&self, parameter: Option<&str>, key: &str, message: String) -> Warning {
        self.place(parameter.unwrap_or_default()).warning(key, message)
    }

    fn place(&self, parameter: &str) -> Position {
        let place = |name: &str| self.places.iter().find(|(known, _)| known == name).map(|(_, place)| place.clone());
        place(parameter).or_else(|| place("")).unwrap_or_default()
    }
}

/// The deployments of a file, and the models whose every deployment was left out.
#[derive(Debug, Default)]
pub(super) struct ModelList {
    pub(super) deployments: Vec<DeploymentConfig>,
    pub(super) left_out: HashSet<String>,
}

/// Names without a prefix that LiteLLM knows as other providers' models begin so.
const OTHER_FAMILIES: &[&str] = &[
    "gpt-",
    "chatgpt-",
    "o1",
    "o3",
    "o4",
    "text-embedding-",
    "dall-e",
    "whisper-",
    "tts-",
    "claude-",
    "gemini-",
    "command-",
];

/// The provider that a model is of, if it is not SageMaker and not a misspelt prefix of it.
fn other_provider(model: &str) -> Option<&str> {
    match model.split_once('/') {
        Some((prefix, _)) => {
            let is_ours = SageMaker::PREFIXES.contains(&prefix) || nearest(prefix, SageMaker::PREFIXES).is_some();
            (!is_ours).then_some(prefix)
        }
        None => OTHER_FAMILIES.iter().any(|family| model.starts_with(family)).then_some(model),
    }
}

/// What a model does: how it is probed, and which routes are its own.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Mode {
    /// It answers conversations.
    #[default]
    Chat,
    /// It continues raw prompts.
    Completion,
    /// It embeds texts.
    Embedding,
    /// It ranks documents.
    Rerank,
    /// It transcribes audio.
    AudioTranscription,
    /// It speaks texts.
    AudioSpeech,
    /// It makes images.
    ImageGeneration,
}

impl Mode {
    const ALL: [Self; 7] = [
        Self::Chat,
        Self::Completion,
        Self::Embedding,
        Self::Rerank,
        Self::AudioTranscription,
        Self::AudioSpeech,
        Self::ImageGeneration,
    ];

    /// The mode that `model_info.mode` writes so.
    #[must_use]
    pub(crate) fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|mode| mode.as_str() == name)
    }

    /// The mode as `model_info.mode` writes it.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Chat => "chat",
            Self::Completion => "completion",
            Self::Embedding => "embedding",
            Self::Rerank => "rerank",
            Self::AudioTranscription => "audio_transcription",
            Self::AudioSpeech => "audio_speech",
            Self::ImageGeneration => "image_generation",
        }
    }
}

/// `model_info`: what is known about the model.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(default)]
pub(super) struct ModelInfo {
    /// The deployment's id in headers, logs and metrics. Default: its `model_name` and its place.
    #[schemars(with = "Text")]
    id: Option<String>,
    /// What the model does; `/health` probes it accordingly, and a request for something else is
    /// refused. Default: `embedding` if `embedding_dialect` is set, `rerank` if `rerank_dialect` is
    /// set, `audio_transcription` if `transcription_dialect` is set; else it is taken for `chat`, and nothing is refused.
    #[schemars(schema_with = "modes")]
    mode: Option<Mode>,
    /// The same as in `litellm_params`, which takes precedence.
    allowed_fails: Option<u64>,
    /// The same as in `litellm_params`, which takes precedence.
    #[serde(deserialize_with = "seconds::optional")]
    #[schemars(with = "Seconds")]
    cooldown_time: Option<Duration>,
    /// The length of the longest prompt that the model accepts, in tokens; used with
    /// `enable_pre_call_checks`.
    max_input_tokens: Option<u64>,
}

fn modes(_: &mut schemars::SchemaGenerator) -> schemars::Schema {
    schemars::json_schema!({ "type": "string", "enum": Mode::ALL.map(Mode::as_str) })
}

/// Reads the deployments. There must be one unless some are found elsewhere.
pub(super) fn read(file: &Node, may_be_empty: bool, report: &mut Report) -> ModelList {
    let Some(list) = file.value("model_list").filter(|list| !list.is_null()) else {
        if may_be_empty {
            return ModelList::default();
        }
        report.problem(
            file.place,
            "`model_list` is missing or empty, so there is nothing to serve: add a deployment with `model_name` and `litellm_params`",
        );
        return ModelList::default();
    };
    let Some(items) = list.items() else {
        report.problem(list.place, format!("`model_list` {}", list.rejection(&"a list of mappings")));
        return ModelList::default();
    };
    let (mut taken, mut list) = (Ids::default(), ModelList::default());
    for (index, node) in items.iter().enumerate() {
        let known = report.problems.len();
        let deployment = deployment(index, node, &mut taken, &mut list.left_out, report);
        let is_broken = report.problems.len() > known;
        list.deployments.extend(deployment.map(|deployment| DeploymentConfig { is_broken, ..deployment }));
    }
    if !items.is_empty() && list.deployments.is_empty() && report.problems.is_empty() && !list.left_out.is_empty() {
        report.problem(
            file.value("model_list").map_or(file.place, |list| list.place),
            "every entry of `model_list` is of another provider: add one with a model such as `sagemaker/my-endpoint`",
        );
    }
    let ModelList { deployments, left_out } = &mut list;
    left_out.retain(|name| deployments.iter().all(|deployment| deployment.model_name != *name));
    list
}

fn deployment(
    index: usize,
    node: &Node,
    taken: &mut Ids,
    left_out: &mut HashSet<String>,
    report: &mut Report,
) -> Option<DeploymentConfig> {
    let in_list = Path::default().key(&format!("model_list[{index}]"));
    let Deployment { model_name, .. } = reader::read(node, &in_list, report);
    node.entries()?;
    if model_name.is_empty() {
        report.problem(node.place, format!("{in_list} has no `model_name`: add the name that callers ask for"));
        return None;
    }
    let path = Path::deployment(&model_name);
    let Some(params_node) = node.value("litellm_params") else {
        report.problem(node.place, format!("{path} has no `litellm_params`: add at least `model`"));
        return None;
    };
    let model_node = params_node.value("model");
    let named = |key: &str| params_node.value(key).and_then(Node::as_text);
    let other = named("custom_llm_provider")
        .filter(|provider| !SageMaker::PREFIXES.contains(&provider.as_str()))
        .or_else(|| named("model").and_then(|model| other_provider(&model).map(str::to_owned)));
    if let Some(provider) = other {
        report.warning(
            model_node.map_or(params_node.place, |node| node.place),
            path.keys(),
            format!(
                "{path} is left out: `{provider}` is another provider, and sagewire serves SageMaker endpoints only"
            ),
        );
        left_out.insert(model_name);
        return None;
    }
    let (mut routing, parameters) = litellm_params::read(params_node, &path.key("litellm_params"), report);
    let place = model_node.map_or(params_node.place, |node| node.place);
    let Some(model) = routing.model.take().filter(|model| !model.is_empty()) else {
        // A variable that is not looked up may hold any name.
        if !model_node.is_some_and(|node| node.from_environment) {
            report.problem(
                params_node.place,
                format!("{path} has no `litellm_params.model`: add one such as `sagemaker/my-endpoint`"),
            );
        }
        return None;
    };
    check_wildcard(&model_name, &model, place, &path, report);

    let info_node = node.value("model_info");
    let info: ModelInfo = info_node.map(|node| reader::read(node, &path.key("model_info"), report)).unwrap_or_default();
    let id = take_id(info.id, info_node, &model_name, taken, &path, report);
    let by_parameter = [
        ("embedding_dialect", Mode::Embedding),
        ("rerank_dialect", Mode::Rerank),
        ("transcription_dialect", Mode::AudioTranscription),
    ];
    let mut named = by_parameter.into_iter().filter(|(name, _)| parameters.get(name).is_some());
    // A container with two dialects does both.
    let by_parameter = match (named.next(), named.next()) {
        (Some((_, mode)), None) => Some(mode),
        _ => None,
    };
    let mode = info.mode.or(by_parameter);
    let model_info = match info_node.map(Node::to_json) {
        Some(Value::Object(map)) => map,
        _ => Map::new(),
    };
    routing.allowed_fails = routing.allowed_fails.or(info.allowed_fails);
    routing.cooldown_time = routing.cooldown_time.or(info.cooldown_time);
    let max_input_tokens = info.max_input_tokens;
    let mut places = vec![(String::new(), report.position(node.place))];
    let entries = params_node.entries().unwrap_or_default().iter();
    places.extend(entries.map(|entry| (entry.key.clone(), report.position(entry.node.place))));
    Some(DeploymentConfig {
        id,
        model_name,
        model,
        mode,
        parameters,
        max_input_tokens,
        model_info,
        routing,
        is_broken: false,
        places,
    })
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
    id: Option<String>,
    info: Option<&Node>,
    model_name: &str,
    taken: &mut Ids,
    path: &Path,
    report: &mut Report,
) -> String {
    if let Some(id) = id {
        if !taken.take(&id)
            && let Some(node) = info.and_then(|info| info.value("id"))
        {
            report
                .problem(node.place, format!("{path} has the `model_info.id` of another deployment: ids must differ"));
        }
        return id;
    }
    taken.free(model_name)
}

/// The ids of the deployments so far.
#[derive(Debug, Default)]
struct Ids {
    taken: HashSet<String>,
    /// The number that the next deployment of a name gets, which is looked for once.
    next: HashMap<String, usize>,
}

impl Ids {
    /// Takes an id, unless another deployment has it.
    fn take(&mut self, id: &str) -> bool {
        self.taken.insert(id.to_owned())
    }

    /// Takes an id that no other deployment has: the name, or the name and a number.
    fn free(&mut self, model_name: &str) -> String {
        if self.take(model_name) {
            return model_name.to_owned();
        }
        let mut number = self.next.get(model_name).copied().unwrap_or(2);
        let id = loop {
            let id = format!("{model_name}-{number}");
            number += 1;
            if self.take(&id) {
                break id;
            }
        };
        self.next.insert(model_name.to_owned(), number);
        id
    }
}
