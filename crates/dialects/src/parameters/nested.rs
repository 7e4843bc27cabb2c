//! Paths in `additional_drop_params`: `tools[*].function.strict`.
//!
//! Owns their form and what they remove, as LiteLLM does it: fields alone, never an item of a list,
//! and nothing where the path leads nowhere.
//!
//! <https://docs.litellm.ai/docs/completion/drop_params>

use serde_json::Value;

/// One step of a path.
#[derive(Clone, Debug, PartialEq, Eq)]
enum PathStep {
    Field(String),
    EveryItem,
    Item(usize),
    /// Brackets around anything else: they lead nowhere.
    Nowhere,
}

/// A path to a field inside of a parameter.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Path {
    /// The parameter's name.
    pub(super) parameter: String,
    inside: Vec<PathStep>,
}

impl Path {
    /// A name with a dot or a bracket in it is a path.
    pub(super) fn parse(text: &str) -> Option<Self> {
        if !text.contains(['.', '[']) {
            return None;
        }
        let mut steps = steps(text).into_iter();
        match steps.next()? {
            PathStep::Field(parameter) => Some(Self { parameter, inside: steps.collect() }),
            _ => None,
        }
    }

    /// Removes what the path leads to from the parameter's value.
    pub(super) fn remove_from(&self, value: &mut Value) {
        remove(value, &self.inside);
    }
}

fn steps(mut text: &str) -> Vec<PathStep> {
    let mut steps = Vec::new();
    while !text.is_empty() {
        if let Some(rest) = text.strip_prefix('[') {
            let (inner, rest) = rest.split_once(']').unwrap_or((rest, ""));
            steps.push(match inner {
                "*" => PathStep::EveryItem,
                index => index.parse().map_or(PathStep::Nowhere, PathStep::Item),
            });
            text = rest;
        } else {
            let end = text.find(['.', '[']).unwrap_or(text.len());
            let (field, rest) = text.split_at(end);
            if !field.is_empty() {
                steps.push(PathStep::Field(field.to_owned()));
            }
            text = rest.strip_prefix('.').unwrap_or(rest);
        }
    }
    steps
}

fn remove(value: &mut Value, steps: &[PathStep]) {
    match (steps, value) {
        ([PathStep::Field(name)], Value::Object(map)) => {
            map.shift_remove(name);
        }
        ([PathStep::Field(name), rest @ ..], Value::Object(map)) => {
            if let Some(inner) = map.get_mut(name) {
                remove(inner, rest);
            }
        }
        ([PathStep::EveryItem, rest @ ..], Value::Array(items)) => items.iter_mut().for_each(|item| remove(item, rest)),
        ([PathStep::Item(index), rest @ ..], Value::Array(items)) => {
            if let Some(item) = items.get_mut(*index) {
                remove(item, rest);
            }
        }
        _ => {}
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_path_removes_a_field_wherever_it_leads() {
        let tools =
            json!([{"function": {"name": "f", "strict": true}}, {"function": {"name": "g", "strict": false}}, 7]);
        for (path, expected) in [
            ("tools[*].function.strict", json!([{"function": {"name": "f"}}, {"function": {"name": "g"}}, 7])),
            (
                "tools[1].function.strict",
                json!([{"function": {"name": "f", "strict": true}}, {"function": {"name": "g"}}, 7]),
            ),
            ("tools[*]", tools.clone()),
            ("tools[0]", tools.clone()),
            ("tools[9].function", tools.clone()),
            ("tools[x].function", tools.clone()),
            ("tools.function", tools.clone()),
            ("tools[", tools.clone()),
        ] {
            let mut value = tools.clone();
            let parsed = Path::parse(path).unwrap();
            assert_eq!(parsed.parameter, "tools", "{path}");
            parsed.remove_from(&mut value);
            assert_eq!(value, expected, "{path}");
        }
    }

    #[test]
    fn a_name_is_no_path() {
        for name in ["temperature", "", "[0].a", "[*]"] {
            assert_eq!(Path::parse(name), None, "{name}");
        }
    }
}
