//! The deployments of each model name.
//!
//! Owns the model groups and their aliases. What a name stands for is in `names`; which deployment
//! of a group is asked is decided elsewhere.

use std::{
    collections::{BTreeMap, HashMap},
    sync::Arc,
};

use tokio::sync::Mutex;

use crate::{
    Deployment,
    names::{self, ModelNames, NamedEntry},
    settings::ModelGroupAlias,
    state::Limits,
};

/// The models that a router serves.
#[derive(Debug)]
pub(crate) struct Groups {
    names: ModelNames<Group>,
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
    pub(crate) found: NamedEntry<'r, Group>,
    /// The name as it was given: an alias, a name, or a text that a `*` matches.
    pub(crate) asked: &'r str,
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
        let named = groups.into_iter().map(|group| (group.name.clone(), group));
        let targets = aliases.iter().map(|(alias, target)| (alias, &target.model_name));
        Self { names: ModelNames::new(named).with_aliases(targets), aliases }
    }

    pub(crate) fn iter(&self) -> impl Iterator<Item = &Group> {
        self.names.iter()
    }

    pub(crate) fn aliases(&self) -> impl Iterator<Item = (&String, &ModelGroupAlias)> {
        self.aliases.iter()
    }

    /// The names that may be shown: groups, then aliases that are not hidden.
    pub(crate) fn names(&self) -> impl Iterator<Item = &str> {
        let aliases = self.aliases.iter().filter(|(_, alias)| !alias.hidden).map(|(name, _)| name.as_str());
        let shadowed = |name: &&str| !self.aliases.contains_key(*name);
        self.iter().map(|group| group.name.as_str()).filter(shadowed).chain(aliases)
    }

    /// Whether a group has this very name, which may hold a `*`.
    pub(crate) fn contains(&self, name: &str) -> bool {
        self.names.contains(name)
    }

    /// The group that serves a model of this name.
    pub(crate) fn resolve<'r>(&'r self, asked: &'r str) -> Option<Target<'r>> {
        self.names.find(asked).map(|found| Target { found, asked })
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
        names::is_pattern(&self.name)
    }
}

impl<'r> Target<'r> {
    pub(crate) fn group(&self) -> &'r Group {
        self.found.entry
    }

    /// What this member's provider is asked for.
    pub(crate) fn model_for(&self, member: &Member) -> String {
        self.found.fill(&member.deployment.model)
    }

    /// Whether both stand for the same models.
    pub(crate) fn is_same(&self, other: &Self) -> bool {
        std::ptr::eq(self.group(), other.group()) && self.found.captured == other.found.captured
    }

    /// What is listed under any of the target's names.
    pub(crate) fn listed<'m, T>(&self, lists: &'m BTreeMap<String, T>) -> Option<&'m T> {
        [self.asked, self.found.name, &self.group().name].iter().find_map(|name| lists.get(*name))
    }
}
