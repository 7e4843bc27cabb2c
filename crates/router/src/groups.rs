//! Which deployments a model name stands for.
//!
//! Owns the model groups, their aliases, and the one `*` that a name may hold. Which deployment of a group is asked is decided elsewhere.

use std::{
    collections::{BTreeMap, HashMap},
    sync::Arc,
};

use tokio::sync::Mutex;

use crate::{Deployment, settings::ModelGroupAlias, state::Limits};

/// The models that a router serves.
#[derive(Debug)]
pub(crate) struct Groups {
    /// In the order in which their first deployments were added.
    groups: Vec<Group>,
    /// The groups without a `*`, by name.
    exact: HashMap<String, usize>,
    /// The groups with a `*`, those that say most first.
    wildcards: Vec<usize>,
    aliases: BTreeMap<String, ModelGroupAlias>,
}

/// The deployments of one model name.
#[derive(Debug)]
pub(crate) struct Group {
    pub(crate) name: String,
    pub(crate) members: Vec<Member>,
    /// The members' ids, in the same order.
    pub(crate) ids: Vec<Arc<str>>,
    /// Whether a member has a limit that is worth waiting for.
    pub(crate) has_places: bool,
    /// Held by the first of those that wait for a place; the others wait for it in their order.
    pub(crate) queue: Mutex<()>,
}

/// A deployment in its group.
#[derive(Debug)]
pub(crate) struct Member {
    pub(crate) deployment: Deployment,
    pub(crate) id: Arc<str>,
    pub(crate) limits: Limits,
}

/// A group, and how it was asked for.
#[derive(Clone, Debug)]
pub(crate) struct Target<'r> {
    pub(crate) group: &'r Group,
    /// The name as it was given: an alias, a name, or a text that a `*` matches.
    pub(crate) asked: &'r str,
    /// The name that an alias stands for; else the same.
    pub(crate) name: &'r str,
    /// What the group's `*` stands for.
    captured: Option<&'r str>,
}

impl Groups {
    pub(crate) fn new(members: Vec<Member>, aliases: BTreeMap<String, ModelGroupAlias>) -> Self {
        let mut groups: Vec<Group> = Vec::new();
        let mut places: HashMap<String, usize> = HashMap::new();
        for member in members {
            let name = &member.deployment.model_name;
            let place = *places.entry(name.clone()).or_insert(groups.len());
            if place == groups.len() {
                groups.push(Group::new(name.clone()));
            }
            if let Some(group) = groups.get_mut(place) {
                group.add(member);
            }
        }
        let mut wildcards: Vec<usize> = Vec::new();
        for (index, group) in groups.iter().enumerate().filter(|(_, group)| group.is_wildcard()) {
            places.remove(&group.name);
            wildcards.push(index);
        }
        wildcards.sort_by_key(|index| std::cmp::Reverse(groups.get(*index).map_or(0, |group| group.name.len())));
        Self { groups, exact: places, wildcards, aliases }
    }

    pub(crate) fn iter(&self) -> impl Iterator<Item = &Group> {
        self.groups.iter()
    }

    pub(crate) fn aliases(&self) -> impl Iterator<Item = (&String, &ModelGroupAlias)> {
        self.aliases.iter()
    }

    /// The names that may be shown: groups, then aliases that are not hidden.
    pub(crate) fn names(&self) -> impl Iterator<Item = &str> {
        let aliases = self.aliases.iter().filter(|(_, alias)| !alias.hidden).map(|(name, _)| name.as_str());
        let shadowed = |name: &&str| !self.aliases.contains_key(*name);
        self.groups.iter().map(|group| group.name.as_str()).filter(shadowed).chain(aliases)
    }

    /// The group that serves a model of this name. An alias wins over a group, and a whole name over one with a `*`.
    pub(crate) fn resolve<'r>(&'r self, asked: &'r str) -> Option<Target<'r>> {
        let name = self.aliases.get(asked).map_or(asked, |alias| alias.model_name.as_str());
        if let Some(group) = self.exact.get(name).and_then(|index| self.groups.get(*index)) {
            return Some(Target { group, asked, name, captured: None });
        }
        self.wildcards.iter().filter_map(|index| self.groups.get(*index)).find_map(|group| {
            let captured = captured(&group.name, name)?;
            Some(Target { group, asked, name, captured: Some(captured) })
        })
    }
}

impl Group {
    fn new(name: String) -> Self {
        Self { name, members: Vec::new(), ids: Vec::new(), has_places: false, queue: Mutex::new(()) }
    }

    fn add(&mut self, member: Member) {
        self.ids.push(Arc::clone(&member.id));
        self.has_places |= member.limits.max_parallel_requests.is_some();
        self.members.push(member);
    }

    /// Whether one deployment of this group stands for many models.
    pub(crate) fn is_wildcard(&self) -> bool {
        self.name.contains('*')
    }
}

impl Target<'_> {
    /// What this member's provider is asked for.
    pub(crate) fn model_for(&self, member: &Member) -> String {
        let model = &member.deployment.model;
        match self.captured {
            Some(captured) => model.replacen('*', captured, 1),
            None => model.clone(),
        }
    }

    /// Whether both stand for the same models.
    pub(crate) fn is_same(&self, other: &Self) -> bool {
        std::ptr::eq(self.group, other.group) && self.captured == other.captured
    }

    /// What is listed under any of the target's names.
    pub(crate) fn listed<'m, T>(&self, lists: &'m BTreeMap<String, T>) -> Option<&'m T> {
        [self.asked, self.name, &self.group.name].iter().find_map(|name| lists.get(*name))
    }
}

/// What the `*` of the pattern stands for in this name.
fn captured<'n>(pattern: &str, name: &'n str) -> Option<&'n str> {
    let (before, after) = pattern.split_once('*')?;
    name.strip_prefix(before)?.strip_suffix(after).filter(|captured| !captured.is_empty())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_star_stands_for_some_text() {
        assert_eq!(captured("sagemaker/*", "sagemaker/ep/1"), Some("ep/1"));
        assert_eq!(captured("*", "any"), Some("any"));
        assert_eq!(captured("a-*-b", "a-x-b"), Some("x"));
        for other in ["sagemaker/", "sagemaker", "sagemaker_chat/ep"] {
            assert_eq!(captured("sagemaker/*", other), None, "{other}");
        }
    }
}
