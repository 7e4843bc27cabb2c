//! Names in the file that mean a model of the file.
//!
//! Owns the check that each of them exists, at its place.

use std::{collections::HashSet, fmt};

use sagewire_router::{ModelNames, RouterSettings, names};

use super::{
    caller_keys::CallerKey,
    model_list::DeploymentConfig,
    nearest::nearest,
    node::{Node, Place, Yaml},
    problem::Report,
};

/// A name in `router_settings` of a model that is left out.
#[derive(Debug)]
pub(super) struct Dropped {
    key: &'static str,
    name: String,
}

impl Dropped {
    /// The key, with its path.
    pub(super) fn path(&self) -> String {
        format!("router_settings.{}", self.key)
    }

    /// Where the name is in the file.
    pub(super) fn place(&self, file: &Node) -> Place {
        place_of(file.value("router_settings").and_then(|section| section.value(self.key)), &self.name, file)
    }
}

impl fmt::Display for Dropped {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "`{}` names `{}`, which is left out", self.key, self.name)
    }
}

/// Takes models that are left out of the fallbacks, policies and aliases.
pub(super) fn drop_left_out(router: &mut RouterSettings, left_out: &HashSet<String>) -> Vec<Dropped> {
    let mut dropped = Vec::new();
    if left_out.is_empty() {
        return dropped;
    }
    let mut keep = |key: &'static str, name: &String| {
        let keeps = !left_out.contains(name);
        if !keeps {
            dropped.push(Dropped { key, name: name.clone() });
        }
        keeps
    };
    router.default_fallbacks.retain(|name| keep("default_fallbacks", name));
    for (key, fallbacks) in
        [("fallbacks", &mut router.fallbacks), ("context_window_fallbacks", &mut router.context_window_fallbacks)]
    {
        fallbacks.retain(|model, next| {
            next.retain(|name| keep(key, name));
            keep(key, model) && !next.is_empty()
        });
    }
    router.model_group_retry_policy.retain(|model, _| keep("model_group_retry_policy", model));
    router.model_group_alias.retain(|_, alias| keep("model_group_alias", &alias.model_name));
    dropped
}

pub(super) fn check(
    deployments: &[DeploymentConfig],
    router: &RouterSettings,
    keys: &[CallerKey],
    file: &Node,
    report: &mut Report,
) {
    if deployments.is_empty() {
        return;
    }
    let deployed = deployments.iter().map(|deployment| deployment.model_name.as_str());
    let names =
        ModelNames::new(deployed.chain(router.model_group_alias.keys().map(String::as_str)).map(|name| (name, ())));
    let served = |name: &str| names.contains(name) || names.find(name).is_some();
    let mut check = |name: &str, key: &str, place: Place, exists: bool| {
        if !exists {
            let hint = nearest(name, deployments.iter().map(|deployment| deployment.model_name.as_str()))
                .map_or_else(String::new, |near| format!(": did you mean `{near}`?"));
            report.problem(
                place,
                format!("`{key}` names the model `{name}`, but no entry of `model_list` has this `model_name`{hint}"),
            );
        }
    };
    let section = |name: &str| file.value("router_settings").and_then(|section| section.value(name));
    for (key, fallbacks) in
        [("fallbacks", &router.fallbacks), ("context_window_fallbacks", &router.context_window_fallbacks)]
    {
        let node = section(key);
        for (model, next) in fallbacks {
            if model != "*" {
                check(model, key, place_of(node, model, file), served(model));
            }
            next.iter().for_each(|name| check(name, key, place_of(node, name, file), served(name)));
        }
    }
    for model in router.model_group_retry_policy.keys() {
        let key = "model_group_retry_policy";
        check(model, key, place_of(section(key), model, file), served(model));
    }
    for name in &router.default_fallbacks {
        check(name, "default_fallbacks", place_of(section("default_fallbacks"), name, file), served(name));
    }
    for alias in router.model_group_alias.values() {
        let (key, name) = ("model_group_alias", &alias.model_name);
        check(name, key, place_of(section(key), name, file), served(name));
    }
    let lists = file.value("sagewire_settings").and_then(|section| section.value("keys"));
    for (index, key) in keys.iter().enumerate() {
        let node = lists.and_then(Node::items).and_then(|items| items.get(index)).and_then(|key| key.value("models"));
        // A pattern may be for models that a reload brings.
        for name in key.models.iter().flatten().filter(|name| !names::is_pattern(name)) {
            check(name, &format!("sagewire_settings.keys[{index}].models"), place_of(node, name, file), served(name));
        }
    }
}

/// Where a name stands in a value, as a key or as a text.
fn place_of(node: Option<&Node>, name: &str, file: &Node) -> Place {
    fn find(node: &Node, name: &str) -> Option<Place> {
        match &node.yaml {
            Yaml::List(items) => items.iter().find_map(|item| find(item, name)),
            Yaml::Map(entries) => entries
                .iter()
                .find_map(|entry| if entry.key == name { Some(entry.place) } else { find(&entry.node, name) }),
            _ => (node.as_text().as_deref() == Some(name)).then_some(node.place),
        }
    }
    node.map_or(file.place, |node| find(node, name).unwrap_or(node.place))
}
