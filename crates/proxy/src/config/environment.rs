//! `os.environ/NAME`: values that stand in the environment.
//!
//! Owns the replacement, anywhere in the file, and the error for a variable that is not set. It reads no environment itself.

use std::fmt;

use indexmap::IndexMap;

use super::{
    node::{Entry, Node, Yaml},
    problem::Report,
};

const PREFIX: &str = "os.environ/";

/// Looks names up: first in the file's own `environment_variables`, then in the process's environment.
pub(super) struct Environment<'a> {
    pub(super) own: &'a IndexMap<String, String>,
    pub(super) process: &'a dyn Fn(&str) -> Option<String>,
}

impl Environment<'_> {
    fn get(&self, name: &str) -> Option<String> {
        self.own.get(name).cloned().or_else(|| (self.process)(name))
    }

    /// Puts the variables' values in the place of their names, in this value and all inside it.
    pub(super) fn resolve(&self, node: &mut Node, path: &Path, report: &mut Report) {
        match &mut node.yaml {
            Yaml::Text(text) => {
                let Some(name) = text.strip_prefix(PREFIX) else { return };
                match self.get(name) {
                    Some(value) => {
                        *text = value;
                        node.from_environment = true;
                    }
                    None => report.problem(
                        node.place,
                        format!("the environment variable `{name}` is not set, but {path} needs it: set it before you start the proxy"),
                    ),
                }
            }
            Yaml::List(items) => {
                for (index, item) in items.iter_mut().enumerate() {
                    self.resolve(item, &path.item(index, item.entries()), report);
                }
            }
            Yaml::Map(entries) => {
                for entry in entries {
                    self.resolve(&mut entry.node, &path.key(&entry.key), report);
                }
            }
            Yaml::Null | Yaml::Flag(_) | Yaml::Number(_) => {}
        }
    }
}

/// Where in the file a value stands, as a message says it: `` `litellm_params.model` of the deployment `m` ``.
#[derive(Clone, Debug, Default)]
pub(super) struct Path {
    keys: String,
    deployment: Option<String>,
}

impl Path {
    pub(super) fn key(&self, key: &str) -> Self {
        let keys = if self.keys.is_empty() { key.to_owned() } else { format!("{}.{key}", self.keys) };
        Self { keys, deployment: self.deployment.clone() }
    }

    /// An item of a list; one of `model_list` is called by its name.
    fn item(&self, index: usize, entries: Option<&[Entry]>) -> Self {
        let name = entries.and_then(|entries| entries.iter().find(|entry| entry.key == "model_name"));
        match name.and_then(|entry| entry.node.as_text()) {
            Some(name) if self.keys == "model_list" => Self::deployment(&name),
            _ => Self { keys: format!("{}[{index}]", self.keys), deployment: self.deployment.clone() },
        }
    }

    pub(super) fn deployment(name: &str) -> Self {
        Self { keys: String::new(), deployment: Some(name.to_owned()) }
    }

    /// The keys alone, for a warning's `key`.
    pub(super) fn keys(&self) -> &str {
        &self.keys
    }
}

impl fmt::Display for Path {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (&self.deployment, self.keys.is_empty()) {
            (None, true) => f.write_str("the file"),
            (None, false) => write!(f, "`{}`", self.keys),
            (Some(deployment), true) => write!(f, "the deployment `{deployment}`"),
            (Some(deployment), false) => write!(f, "`{}` of the deployment `{deployment}`", self.keys),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn variables_are_replaced_wherever_they_stand_and_the_missing_are_named() {
        let yaml = "model_list:\n  - model_name: m\n    litellm_params: {a: os.environ/SET, b: [os.environ/UNSET]}\nother: os.environ/OWN\n";
        let mut node: Node = serde_saphyr::from_str(yaml).unwrap();
        let own = IndexMap::from([("OWN".to_owned(), "mine".to_owned())]);
        let process = |name: &str| (name == "SET").then(|| "value".to_owned());
        let mut report = Report::default();
        Environment { own: &own, process: &process }.resolve(&mut node, &Path::default(), &mut report);
        let json = node.to_json();
        assert_eq!(json["model_list"][0]["litellm_params"]["a"], "value");
        assert_eq!(json["other"], "mine");
        let [problem] = &report.problems[..] else { panic!("{report:?}") };
        assert_eq!((problem.line, problem.column), (3, 45));
        assert!(problem.message.contains("`UNSET`"), "{problem}");
        assert!(problem.message.contains("`litellm_params.b[0]` of the deployment `m`"), "{problem}");
    }
}
