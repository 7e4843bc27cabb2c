//! The tables of keys as Markdown.
//!
//! Owns `docs/configuration.md`, which is made from the schema and the table of parameters, so that
//! it cannot fall behind them.

use std::fmt::Write as _;

use sagewire::sagemaker::parameters::{self, InRequest};
use serde_json::{Map, Value};

use super::{litellm_params, schema, unused};

const INTRODUCTION: &str = "# Every key of the configuration

This page is generated from the code. The guide is [The proxy](proxy.md); the JSON schema for editors is `docs/config.schema.json`.

A value `os.environ/NAME`, anywhere, is taken from the environment; an unset variable is an error at the start. A key that LiteLLM knows and that
has no effect here is a warning. An unknown key is an error, except inside `litellm_params`, where it is a parameter of the model's container.
Values are typed as PyYAML types them (`yes` is a flag, `1e5` a text), and quoted numbers and flags are read as if they were not quoted.

";

/// The path of the table that parameters have.
const PARAMETERS: &str = "model_list[].litellm_params";

/// Every key of the file, as the Markdown of `docs/configuration.md`.
#[must_use]
pub fn key_tables() -> String {
    let mut text = INTRODUCTION.to_owned();
    table(&mut text, "The file", "", &schema::plain());
    text.truncate(text.trim_end().len());
    text.push('\n');
    text
}

fn table(text: &mut String, title: &str, path: &str, schema: &Value) {
    let description = schema.get("description").and_then(Value::as_str).unwrap_or_default();
    let empty = Map::new();
    let properties = schema.get("properties").and_then(Value::as_object).unwrap_or(&empty);
    if path == PARAMETERS {
        parameters(text, title);
        return;
    }
    // Writing to a `String` cannot fail.
    let _ = write!(text, "## {title}\n\n{description}\n\n| key | value | meaning |\n|---|---|---|\n");
    for (name, property) in properties {
        let meaning = property.get("description").and_then(Value::as_str).unwrap_or_default();
        let _ = writeln!(text, "| `{name}` | {} | {meaning} |", kind(property));
    }
    text.push('\n');
    let mut reasons: Vec<(&str, Vec<&str>)> = Vec::new();
    for (name, reason) in unused::all(path).filter(|(name, _)| !properties.contains_key(*name)) {
        match reasons.iter_mut().find(|(known, _)| *known == reason) {
            Some((_, names)) => names.push(name),
            None => reasons.push((reason, vec![name])),
        }
    }
    if !reasons.is_empty() {
        text.push_str("Keys of LiteLLM that have no effect here, each with a warning:\n\n");
        for (reason, names) in reasons {
            let _ = writeln!(text, "- `{}`: {reason}.", names.join("`, `"));
        }
        text.push('\n');
    }
    for (name, property) in properties {
        let (inner, suffix) = match property.get("items") {
            Some(items) => (items, "[]"),
            None => (property, ""),
        };
        if inner.get("properties").is_some() {
            let path = if path.is_empty() { format!("{name}{suffix}") } else { format!("{path}.{name}{suffix}") };
            table(text, &format!("`{path}`"), &path, inner);
        }
    }
}

/// What a value must be.
fn kind(schema: &Value) -> String {
    let name = |schema: &Value| schema.get("type").and_then(Value::as_str).map(str::to_owned);
    if let Some(Value::Array(names)) = schema.get("enum") {
        let names: Vec<_> = names.iter().filter_map(Value::as_str).collect();
        return format!("one of `{}`", names.join("`, `"));
    }
    match name(schema).as_deref() {
        Some("string") => "a string",
        Some("boolean") => "`true` or `false`",
        Some("integer") => "a non-negative integer",
        Some("number") if schema.get("format").is_some_and(|format| format == "seconds") => "a number of seconds",
        Some("number") => "a number",
        Some("array") if schema.pointer("/items/type").is_some_and(|items| items == "object") => "a list of mappings",
        Some("array") => "a list of strings",
        Some("object") => "a mapping",
        // A text, for which a number may be written.
        _ if schema.get("type").is_some() => "a string",
        _ => "any value",
    }
    .to_owned()
}

/// The parameters of a deployment, and who may set them.
fn parameters(text: &mut String, title: &str) {
    let _ = write!(
        text,
        "## {title}\n\n{}\n\nIn a request's body, a *caller* may set what says so; what is *listed* only if the deployment's \
         `configurable_clientside_auth_params` has it; what is the *operator*'s is refused by name.\n\n\
         | key | value | set by | meaning |\n|---|---|---|---|\n",
        litellm_params::MEANING
    );
    for parameter in parameters::all() {
        let set_by = match parameter.in_request() {
            InRequest::Passed | InRequest::Caller => "caller",
            InRequest::Listed => "operator; listed",
            _ => "operator",
        };
        let names = parameter
            .aliases()
            .iter()
            .fold(format!("`{}`", parameter.name()), |names, alias| format!("{names}, `{alias}`"));
        let _ = writeln!(text, "| {names} | {} | {set_by} | {} |", parameter.kind(), parameter.meaning());
    }
    text.push_str(
        "\nParameters of LiteLLM that have no effect here, each with a warning. `*` stands for any text.\n\n",
    );
    for group in parameters::groups() {
        let _ = writeln!(text, "- `{}`: {}.", group.names.join("`, `"), group.reason);
    }
    text.push_str(
        "- Every other parameter of LiteLLM's own: it belongs to a service of LiteLLM that sagewire does not have.\n\n",
    );
}
