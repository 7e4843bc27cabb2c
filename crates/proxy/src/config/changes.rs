//! What differs between two configurations, for the log line of a reload.
//!
//! Owns how a difference is named. It compares [summaries](Config::summary), which hold no secret:
//! a changed key is not among the differences.

use std::collections::BTreeSet;

use serde_json::{Map, Value};

use super::Config;

impl Config {
    /// How it differs from the configuration with this summary, such as `+m2`, `-m1`, `m3: rpm,
    /// timeout` or `router.timeout`.
    pub(crate) fn changes_since(&self, before: &Value) -> Vec<String> {
        changes(before, &self.summary())
    }
}

/// The places at which two summaries differ. Deployments go by their ids.
fn changes(before: &Value, after: &Value) -> Vec<String> {
    let (Some(before), Some(after)) = (before.as_object(), after.as_object()) else { return Vec::new() };
    let mut changes = Vec::new();
    let (old, new) = (by_id(before), by_id(after));
    for id in old.keys().chain(new.keys()).collect::<BTreeSet<_>>() {
        match (old.get(id), new.get(id)) {
            (None, _) => changes.push(format!("+{id}")),
            (_, None) => changes.push(format!("-{id}")),
            (Some(old), Some(new)) => {
                let fields = different(old, new);
                if !fields.is_empty() {
                    changes.push(format!("{id}: {}", fields.join(", ")));
                }
            }
        }
    }
    for section in different_keys(before, after).into_iter().filter(|name| *name != "deployments") {
        match (before.get(section), after.get(section)) {
            (Some(old @ Value::Object(_)), Some(new @ Value::Object(_))) => {
                changes.extend(different(old, new).into_iter().map(|name| format!("{section}.{name}")));
            }
            _ => changes.push(section.to_owned()),
        }
    }
    changes
}

fn by_id(summary: &Map<String, Value>) -> Map<String, Value> {
    let deployments = summary.get("deployments").and_then(Value::as_array).into_iter().flatten();
    deployments
        .filter_map(|deployment| Some((deployment.get("id")?.as_str()?.to_owned(), deployment.clone())))
        .collect()
}

/// The names of the fields that differ; below `parameters`, those of the parameters.
fn different(before: &Value, after: &Value) -> Vec<String> {
    let (Some(before), Some(after)) = (before.as_object(), after.as_object()) else { return Vec::new() };
    let mut names = Vec::new();
    for name in different_keys(before, after) {
        match (before.get(name), after.get(name)) {
            (Some(old), Some(new)) if name == "parameters" => names.extend(different(old, new)),
            _ => names.push(name.to_owned()),
        }
    }
    names
}

fn different_keys<'a>(before: &'a Map<String, Value>, after: &'a Map<String, Value>) -> Vec<&'a str> {
    let names: BTreeSet<&str> = before.keys().chain(after.keys()).map(String::as_str).collect();
    names.into_iter().filter(|name| before.get(*name) != after.get(*name)).collect()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn deployments_are_told_by_their_ids_and_settings_by_their_names() {
        let before = json!({
            "deployments": [
                {"id": "a", "rpm": 1, "parameters": {"top_k": 1, "model_id": "x"}},
                {"id": "gone"},
                {"id": "same", "rpm": 5},
            ],
            "router": {"timeout": 5, "num_retries": 2},
            "keys": [{"name": "team"}],
        });
        let after = json!({
            "deployments": [
                {"id": "same", "rpm": 5},
                {"id": "a", "timeout": 9, "parameters": {"top_k": 2, "model_id": "x"}},
                {"id": "new"},
            ],
            "router": {"timeout": 6, "num_retries": 2},
            "keys": [{"name": "other"}],
            "tls": true,
        });
        assert_eq!(
            changes(&before, &after),
            ["a: top_k, rpm, timeout", "-gone", "+new", "keys", "router.timeout", "tls"]
        );
        assert_eq!(changes(&before, &before), [""; 0]);
    }
}
