//! What a table of known keys looks like, and reading a mapping by one.
//!
//! Owns the check of names and types. The tables themselves are in `keys`: they are the one source for this check, for the JSON
//! schema and for the documentation.

use std::time::Duration;

use super::{
    environment::Path,
    nearest::nearest,
    node::{Entry, Node, Place},
    problem::Report,
};

/// The keys of one mapping of the file.
#[derive(Debug)]
pub(super) struct Table {
    /// What the mapping is for, as the schema and the documentation say it.
    pub(super) meaning: &'static str,
    pub(super) keys: &'static [Key],
    /// Keys that LiteLLM knows and that have no effect here: the reason, and the names.
    pub(super) ignored: &'static [(&'static str, &'static [&'static str])],
    /// What becomes of a key that nobody knows.
    pub(super) unknown: Unknown,
}

/// A key that has an effect.
#[derive(Debug)]
pub(super) struct Key {
    pub(super) name: &'static str,
    pub(super) kind: Kind,
    pub(super) meaning: &'static str,
}

pub(super) const fn key(name: &'static str, kind: Kind, meaning: &'static str) -> Key {
    Key { name, kind, meaning }
}

/// What a value must be.
#[derive(Clone, Copy, Debug)]
pub(super) enum Kind {
    Text,
    /// A text that no message, log or page may show.
    Secret,
    Flag,
    /// A whole number from 0.
    Count,
    Number,
    /// A length of time in seconds; a fraction is fine.
    Seconds,
    Texts,
    Choice(&'static [&'static str]),
    /// A mapping whose keys are the user's.
    Mapping,
    Any,
    /// The mapping of `litellm_params`, which has its own table.
    Parameters,
    One(&'static Table),
    Many(&'static Table),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Unknown {
    /// It is an error.
    Refused,
    /// It is the user's own.
    Kept,
}

impl Table {
    pub(super) fn find(&self, name: &str) -> Option<&'static Key> {
        self.keys.iter().find(|key| key.name == name)
    }

    fn reason_ignored(&self, name: &str) -> Option<&'static str> {
        self.ignored.iter().find(|(_, names)| names.contains(&name)).map(|(reason, _)| *reason)
    }

    fn names(&self) -> impl Iterator<Item = &'static str> {
        self.keys.iter().map(|key| key.name).chain(self.ignored.iter().flat_map(|(_, names)| names.iter().copied()))
    }

    /// Reads this mapping: its names and types are checked here, so that taking a value out cannot fail.
    pub(super) fn read<'a>(&'static self, node: &'a Node, path: &Path, report: &mut Report) -> Section<'a> {
        let mut section = Section { values: Vec::new(), others: Vec::new(), place: node.place };
        if node.is_null() {
            return section;
        }
        let Some(entries) = node.entries() else {
            report.problem(node.place, format!("{path} must be a mapping of keys to values, not {}", node.kind()));
            return section;
        };
        for entry in entries {
            self.read_entry(entry, path, report, &mut section);
        }
        section
    }

    fn read_entry<'a>(&'static self, entry: &'a Entry, path: &Path, report: &mut Report, section: &mut Section<'a>) {
        let path = path.key(&entry.key);
        if let Some(key) = self.find(&entry.key) {
            if entry.node.is_null() {
                return;
            }
            match key.kind.check(&entry.node) {
                Ok(()) => section.values.push((key.name, &entry.node)),
                Err(wanted) => {
                    report.problem(entry.node.place, format!("{path} must be {wanted}, not {}", entry.node.kind()));
                }
            }
        } else if let Some(reason) = self.reason_ignored(&entry.key) {
            report.warning(entry.place, path.keys(), format!("{path} has no effect: {reason}"));
        } else {
            match self.unknown {
                Unknown::Refused => {
                    let hint = match nearest(&entry.key, self.names()) {
                        _ if entry.key.starts_with('-') => {
                            "write a space after the `-`, and indent what belongs to the item".to_owned()
                        }
                        Some(known) => format!("did you mean `{known}`?"),
                        None => "remove it, or see docs/configuration.md for the known keys".to_owned(),
                    };
                    report.problem(entry.place, format!("{path} is not a known key: {hint}"));
                }
                Unknown::Kept => section.others.push(entry),
            }
        }
    }
}

impl Kind {
    fn check(self, node: &Node) -> Result<(), String> {
        let fits = match self {
            Self::Text | Self::Secret => node.as_text().is_some(),
            Self::Flag => node.as_flag().is_some(),
            Self::Count => node.as_count().is_some(),
            Self::Number => node.as_number().is_some(),
            Self::Seconds => node.as_number().is_some_and(|seconds| Duration::try_from_secs_f64(seconds).is_ok()),
            Self::Texts => node.items().is_some_and(|items| items.iter().all(|item| item.as_text().is_some())),
            Self::Choice(names) => node.text().is_some_and(|text| names.contains(&text)),
            Self::Mapping | Self::Parameters | Self::One(_) => node.entries().is_some(),
            Self::Many(_) => node.items().is_some(),
            Self::Any => true,
        };
        if fits { Ok(()) } else { Err(self.wanted()) }
    }

    /// What the value must be, as a message and the documentation say it.
    pub(super) fn wanted(self) -> String {
        match self {
            Self::Text | Self::Secret => "a text".to_owned(),
            Self::Flag => "`true` or `false`".to_owned(),
            Self::Count => "a whole number from 0".to_owned(),
            Self::Number => "a number".to_owned(),
            Self::Seconds => "a number of seconds".to_owned(),
            Self::Texts => "a list of texts".to_owned(),
            Self::Choice(names) => format!("one of `{}`", names.join("`, `")),
            Self::Mapping | Self::Parameters | Self::One(_) => "a mapping".to_owned(),
            Self::Many(_) => "a list of mappings".to_owned(),
            Self::Any => "anything".to_owned(),
        }
    }
}

/// A mapping whose names and types are right. What was wrong is in the report and missing here.
#[derive(Debug, Default)]
pub(super) struct Section<'a> {
    values: Vec<(&'static str, &'a Node)>,
    /// The keys that the table does not name, in their order.
    pub(super) others: Vec<&'a Entry>,
    pub(super) place: Place,
}

impl<'a> Section<'a> {
    pub(super) fn node(&self, name: &str) -> Option<&'a Node> {
        self.values.iter().find(|(key, _)| *key == name).map(|(_, node)| *node)
    }

    pub(super) fn place_of(&self, name: &str) -> Place {
        self.node(name).map_or(self.place, |node| node.place)
    }

    pub(super) fn text(&self, name: &str) -> Option<String> {
        self.node(name)?.as_text()
    }

    pub(super) fn flag(&self, name: &str) -> Option<bool> {
        self.node(name)?.as_flag()
    }

    pub(super) fn count(&self, name: &str) -> Option<u64> {
        self.node(name)?.as_count()
    }

    pub(super) fn size(&self, name: &str) -> Option<usize> {
        self.count(name).map(|count| usize::try_from(count).unwrap_or(usize::MAX))
    }

    pub(super) fn number(&self, name: &str) -> Option<f64> {
        self.node(name)?.as_number()
    }

    pub(super) fn seconds(&self, name: &str) -> Option<Duration> {
        Duration::try_from_secs_f64(self.number(name)?).ok()
    }

    pub(super) fn texts(&self, name: &str) -> Option<Vec<String>> {
        Some(self.node(name)?.items()?.iter().filter_map(Node::as_text).collect())
    }
}
