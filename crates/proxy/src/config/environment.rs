//! `os.environ/NAME`: values that stand in the environment.
//!
//! Owns the replacement, anywhere in the file, and the section `environment_variables`. A variable
//! that is not set is an error where its value is read: a key without effect needs none. It reads
//! no environment itself.

use std::fmt;

use indexmap::IndexMap;

use super::{
    node::{Entry, Node, Yaml},
    problem::Report,
};

const PREFIX: &str = "os.environ/";

/// Parameters of AWS depend on each other, as a key on its secret and a token on its role: if the
/// value of one is not known, nothing can be said about the others. The region stands alone.
fn is_of_credentials(key: &str) -> bool {
    key.starts_with("aws_") && key != "aws_region_name"
}

/// Where variables are looked up.
#[derive(Clone, Copy)]
pub(super) enum Process<'a> {
    /// In this environment.
    Environment(&'a dyn Fn(&str) -> Option<String>),
    /// Nowhere: a variable counts as a value that is right. For checking a file without its
    /// secrets.
    Unknown,
}

/// Looks names up: first in the file's own `environment_variables`, then in the process's
/// environment.
pub(super) struct Environment<'a> {
    pub(super) own: &'a IndexMap<String, String>,
    pub(super) process: Process<'a>,
}

impl Environment<'_> {
    fn get(&self, name: &str) -> Option<String> {
        self.own.get(name).cloned().or_else(|| match self.process {
            Process::Environment(env) => env(name),
            Process::Unknown => None,
        })
    }

    /// Puts the variables' values in the place of their names, in this value and all inside it.
    pub(super) fn resolve(&self, node: &mut Node) {
        match &mut node.yaml {
            Yaml::Text(text) => {
                let Some(name) = text.strip_prefix(PREFIX) else { return };
                node.from_environment = true;
                node.yaml = match (self.get(name), self.process) {
                    (Some(value), _) => Yaml::Text(value),
                    (None, Process::Environment(_)) => Yaml::Unset(name.to_owned()),
                    (None, Process::Unknown) => Yaml::Null,
                };
            }
            Yaml::List(items) => items.iter_mut().for_each(|item| self.resolve(item)),
            Yaml::Map(entries) => {
                entries.iter_mut().for_each(|entry| self.resolve(&mut entry.node));
                let is_unknown = |entry: &Entry| entry.node.from_environment && entry.node.is_null();
                if entries.iter().any(|entry| is_of_credentials(&entry.key) && is_unknown(entry)) {
                    let dependent = entries.iter_mut().filter(|entry| is_of_credentials(&entry.key));
                    dependent.for_each(|entry| entry.node.yaml = Yaml::Null);
                }
            }
            Yaml::Null | Yaml::Flag(_) | Yaml::Number(..) | Yaml::Unset(_) => {}
        }
    }
}

/// Variables that are read when the process's connections are set up, in either case of letters.
const PROXIES: [&str; 4] = ["HTTPS_PROXY", "HTTP_PROXY", "ALL_PROXY", "NO_PROXY"];

/// The section `environment_variables`.
pub(super) fn variables(file: &Node, process: Process<'_>, report: &mut Report) -> IndexMap<String, String> {
    let Some(mut node) = file.value("environment_variables").cloned() else { return IndexMap::new() };
    let path = Path::default().key("environment_variables");
    Environment { own: &IndexMap::new(), process }.resolve(&mut node);
    let mut variables = IndexMap::new();
    for entry in node.entries().unwrap_or_default() {
        let path = path.key(&entry.key);
        let value = match &entry.node.yaml {
            Yaml::Flag(flag) => Some(flag.to_string()),
            _ => entry.node.as_text(),
        };
        match value {
            Some(value) => {
                if PROXIES.iter().any(|name| name.eq_ignore_ascii_case(&entry.key)) {
                    let hint = "set it for the process itself, whose connections it is about";
                    report.warning(entry.place, path.keys(), format!("{path} has no effect: {hint}"));
                }
                variables.insert(entry.key.clone(), value);
            }
            None if entry.node.is_null() && entry.node.from_environment => {}
            None => report.problem(entry.node.place, format!("{path} {}", entry.node.rejection(&"a string"))),
        }
    }
    variables
}

/// Where in the file a value stands, as a message says it: `` `litellm_params.model` of the
/// deployment `m` ``.
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

    /// An item of a list.
    pub(super) fn index(&self, index: usize) -> Self {
        Self { keys: format!("{}[{index}]", self.keys), deployment: self.deployment.clone() }
    }

    pub(super) fn deployment(name: &str) -> Self {
        Self { keys: String::new(), deployment: Some(name.to_owned()) }
    }

    /// The section that a key of this path is in, with `[]` for any item: `model_list[]`.
    pub(super) fn section(&self) -> String {
        let section = self.keys.rsplit_once('.').map_or("", |(section, _)| section);
        let mut parts = section.split(['[', ']']);
        let mut whole = parts.next().unwrap_or_default().to_owned();
        for part in parts {
            match part.parse::<usize>() {
                Ok(_) => whole.push_str("[]"),
                Err(_) => whole.push_str(part),
            }
        }
        whole
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
    fn variables_are_replaced_wherever_they_stand() {
        let yaml = "model_list:\n  - model_name: m\n    litellm_params: {a: os.environ/SET, b: [os.environ/UNSET]}\nother: os.environ/OWN\n";
        let node: Node = serde_saphyr::from_str(yaml).unwrap();
        let own = IndexMap::from([("OWN".to_owned(), "mine".to_owned())]);
        let env = |name: &str| (name == "SET").then(|| "value".to_owned());
        let resolved = |process| {
            let mut node = node.clone();
            Environment { own: &own, process }.resolve(&mut node);
            node
        };
        let node = resolved(Process::Environment(&env));
        let json = node.to_json();
        assert_eq!(json["model_list"][0]["litellm_params"]["a"], "value");
        assert_eq!(json["other"], "mine");
        assert_eq!(node.unset(), Some("UNSET"));
        assert_eq!(resolved(Process::Unknown).unset(), None);
    }
}
