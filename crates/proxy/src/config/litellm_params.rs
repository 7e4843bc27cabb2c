//! `litellm_params`: what a deployment is given.
//!
//! Owns holding a deployment's parameters against the table of parameters, each at its place in the
//! file. The table is `sagewire_sagemaker::parameters`.

use std::fmt;

use sagewire::sagemaker::parameters::{self, CONTAINER_PARAMETERS, InRequest, Kind, RoutingParams};
use serde_json::{Map, Value, json};
use zeroize::Zeroize;

use super::{
    environment::Path,
    nearest::slip,
    node::{Entry, Node},
    problem::Report,
};

/// What the mapping is for, as the schema and the documentation say it.
pub(super) const MEANING: &str = "Where the model is and how it is called. A key that is not listed here is a parameter of the model's container and is sent to it (`top_k: 40`).";

/// Parameters of a deployment, in the file's order. Their values are not shown, and wiped when
/// dropped.
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
        parameters::is_secret(name)
    }
}

impl From<Map<String, Value>> for Parameters {
    fn from(parameters: Map<String, Value>) -> Self {
        Self(parameters)
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

/// The parameters of a deployment: those of the router, and all others. What was wrong is in the
/// report and missing here.
pub(super) fn read(node: &Node, path: &Path, report: &mut Report) -> (RoutingParams, Parameters) {
    let mut all = Map::new();
    if !node.is_null() && node.entries().is_none() {
        report.problem(node.place, format!("{path} {}", node.rejection(&"a mapping of keys to values")));
    }
    for entry in node.entries().unwrap_or_default() {
        if let Some(value) = value(entry, &path.key(&entry.key), report) {
            all.insert(entry.key.clone(), value);
        }
    }
    // Each value has been held against its kind, so nothing is left to be wrong.
    let routing = RoutingParams::take_from(&mut all).unwrap_or_default();
    if let Some(listed) = node.value("configurable_clientside_auth_params") {
        check_listed(listed, &path.key("configurable_clientside_auth_params"), report);
    }
    (routing, Parameters(all))
}

/// The value of a parameter in its own type, if it has an effect.
fn value(entry: &Entry, path: &Path, report: &mut Report) -> Option<Value> {
    let parameter = parameters::find(&entry.key);
    // A variable that is not looked up is null, too.
    if parameter.is_none()
        && (!entry.node.is_null() || entry.node.from_environment)
        && let Some(reason) = parameters::without_effect(&entry.key)
    {
        report.warning(entry.place, path.keys(), format!("{path} has no effect: {reason}"));
        return None;
    }
    if entry.node.is_null() {
        return None;
    }
    if entry.node.unset().is_some() {
        report.problem(entry.node.place, format!("{path} {}", entry.node.rejection(&"")));
        return None;
    }
    if let Some(parameter) = parameter {
        let (kind, value) = (parameter.kind(), as_written(parameter.kind(), &entry.node));
        if !kind.accepts(&value) {
            report.problem(entry.node.place, format!("{path} {}", entry.node.rejection(&kind)));
            return None;
        }
        return Some(kind.typed(value));
    }
    let value = entry.node.to_json();
    if parameters::in_request(&entry.key, &value) != InRequest::Passed {
        let hint = parameters::nearest(&entry.key)
            .map_or_else(|| "remove it".to_owned(), |known| format!("did you mean `{known}`?"));
        report.problem(entry.place, format!("{path} is not a known parameter: {hint}"));
        return None;
    }
    if !CONTAINER_PARAMETERS.contains(&entry.key.as_str())
        && let Some(known) = slip(&entry.key, known_names())
    {
        report.warning(
            entry.place,
            path.keys(),
            format!("{path} is sent to the model because it is not a known parameter: did you mean `{known}`?"),
        );
    }
    Some(value)
}

/// The value as JSON, with the own text of each scalar where texts are wanted.
fn as_written(kind: Kind, node: &Node) -> Value {
    let text = |node: &Node| node.as_text().map_or_else(|| node.to_json(), Value::from);
    match (kind, node.items()) {
        (Kind::Text | Kind::Choice(_), _) => text(node),
        (Kind::Texts | Kind::Choices(_), Some(items)) => items.iter().map(text).collect(),
        _ => node.to_json(),
    }
}

/// The schema of each parameter and of its aliases.
pub(super) fn schema() -> Map<String, Value> {
    let mut properties = Map::new();
    for parameter in parameters::all() {
        let mut schema = match parameter.kind() {
            Kind::Text => json!({ "type": "string" }),
            Kind::Choice(names) => json!({ "type": "string", "enum": with_flags(names()) }),
            Kind::Choices(names) => json!({ "type": "array", "items": { "type": "string", "enum": names() } }),
            Kind::Flag => json!({ "type": "boolean" }),
            Kind::Count => json!({ "type": "integer", "minimum": 0 }),
            Kind::Positive => json!({ "type": "integer", "minimum": 1 }),
            Kind::Number => json!({ "type": "number" }),
            Kind::Seconds => json!({ "type": "number", "minimum": 0 }),
            Kind::Timeout => json!({ "type": "number", "exclusiveMinimum": 0 }),
            Kind::Texts => json!({ "type": "array", "items": { "type": "string" } }),
            Kind::Mapping => json!({ "type": "object" }),
            _ => json!({}),
        };
        for name in parameter.aliases().iter().chain([&parameter.name()]) {
            let meaning = if *name == parameter.name() {
                parameter.meaning().to_owned()
            } else {
                format!("The same as `{}`, which takes precedence.", parameter.name())
            };
            if let Value::Object(schema) = &mut schema {
                schema.insert("description".to_owned(), meaning.into());
            }
            properties.insert((*name).to_owned(), schema.clone());
        }
    }
    for group in parameters::groups() {
        for name in group.names.iter().filter(|name| !name.contains('*')) {
            let description = format!("Has no effect: {}.", group.reason);
            properties.insert((*name).to_owned(), json!({ "deprecated": true, "description": description }));
        }
    }
    properties
}

/// The names, and each flag among them in its own type too.
fn with_flags(names: Vec<&str>) -> Vec<Value> {
    let flags = names.iter().filter_map(|name| name.parse::<bool>().ok()).map(Value::from).collect::<Vec<_>>();
    names.into_iter().map(Value::from).chain(flags).collect()
}

fn known_names() -> impl Iterator<Item = &'static str> {
    let ours =
        parameters::all().iter().flat_map(|parameter| parameter.aliases().iter().copied().chain([parameter.name()]));
    let without_effect = parameters::groups().iter().flat_map(|group| group.names.iter().copied());
    ours.chain(without_effect).chain(CONTAINER_PARAMETERS.iter().copied())
}

/// Warns about names that callers may set anyway, or never.
fn check_listed(node: &Node, path: &Path, report: &mut Report) {
    for item in node.items().unwrap_or_default() {
        let Some(name) = item.as_text() else { continue };
        let reason = match parameters::in_request(&name, &Value::Null) {
            InRequest::Listed => continue,
            InRequest::Caller | InRequest::Passed => "callers may set it without being listed here",
            InRequest::Dropped(reason) => reason,
            _ => "only the operator may set it",
        };
        report.warning(item.place, path.keys(), format!("`{name}` in {path} has no effect: {reason}"));
    }
}
