//! What a model's name stands for.
//!
//! Owns the rule: an alias first, then a whole name, then the longest name with a `*`, which stands
//! for some text.

use std::{cmp::Reverse, collections::HashMap};

/// The entries that names of models stand for, such as the groups of a router.
///
/// ```
/// use sagewire_router::ModelNames;
///
/// let names = ModelNames::new([("sagemaker/*", 1), ("llama", 2)]).with_aliases([("gpt-4", "sagemaker/big")]);
/// let found = names.find("gpt-4").expect("`sagemaker/*` matches");
/// assert_eq!((*found.entry, found.name, found.fill("sagemaker_chat/*").as_str()), (1, "sagemaker/big", "sagemaker_chat/big"));
/// assert!(names.find("other").is_none());
/// ```
#[derive(Clone, Debug)]
pub struct ModelNames<T> {
    /// In the order in which they were added.
    entries: Vec<(String, T)>,
    /// Those without a `*`.
    exact: HashMap<String, usize>,
    /// Those with a `*`, the longest first.
    patterns: Vec<usize>,
    aliases: HashMap<String, String>,
}

/// The entry that a name stands for.
#[derive(Debug)]
#[non_exhaustive]
pub struct NamedEntry<'n, T> {
    /// The entry.
    pub entry: &'n T,
    /// The name that an alias stands for; else the name that was looked up.
    pub name: &'n str,
    /// What the `*` of the entry's name stands for.
    pub captured: Option<&'n str>,
}

impl<T> ModelNames<T> {
    /// Entries by their names. Of two entries with one name the later counts.
    pub fn new<N: Into<String>>(entries: impl IntoIterator<Item = (N, T)>) -> Self {
        let entries: Vec<_> = entries.into_iter().map(|(name, entry)| (name.into(), entry)).collect();
        let mut exact = HashMap::new();
        let mut patterns = Vec::new();
        for (index, (name, _)) in entries.iter().enumerate() {
            if is_pattern(name) {
                patterns.push((Reverse(name.len()), index));
            } else {
                exact.insert(name.clone(), index);
            }
        }
        patterns.sort_unstable();
        Self {
            entries,
            exact,
            patterns: patterns.into_iter().map(|(_, index)| index).collect(),
            aliases: HashMap::new(),
        }
    }

    /// Adds aliases with the names that they stand for.
    #[must_use]
    pub fn with_aliases<A: Into<String>, N: Into<String>>(mut self, aliases: impl IntoIterator<Item = (A, N)>) -> Self {
        self.aliases.extend(aliases.into_iter().map(|(alias, name)| (alias.into(), name.into())));
        self
    }

    /// What a model of this name is.
    #[must_use]
    pub fn find<'n>(&'n self, asked: &'n str) -> Option<NamedEntry<'n, T>> {
        let name = self.aliases.get(asked).map_or(asked, String::as_str);
        if let Some((_, entry)) = self.exact.get(name).and_then(|index| self.entries.get(*index)) {
            return Some(NamedEntry { entry, name, captured: None });
        }
        self.patterns.iter().filter_map(|index| self.entries.get(*index)).find_map(|(pattern, entry)| {
            let captured = captured(pattern, name)?;
            Some(NamedEntry { entry, name, captured: Some(captured) })
        })
    }

    /// Whether an entry has this very name, which may hold a `*`.
    #[must_use]
    pub fn contains(&self, name: &str) -> bool {
        self.entries.iter().any(|(known, _)| known == name)
    }

    /// The entries in the order in which they were added.
    pub fn iter(&self) -> impl Iterator<Item = &T> {
        self.entries.iter().map(|(_, entry)| entry)
    }
}

impl<T> Default for ModelNames<T> {
    fn default() -> Self {
        Self { entries: Vec::new(), exact: HashMap::new(), patterns: Vec::new(), aliases: HashMap::new() }
    }
}

impl<T> Clone for NamedEntry<'_, T> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<T> Copy for NamedEntry<'_, T> {}

impl<T> NamedEntry<'_, T> {
    /// This name with what the entry's `*` stands for in place of its own `*`.
    #[must_use]
    pub fn fill(&self, name: &str) -> String {
        match self.captured {
            Some(captured) => name.replacen('*', captured, 1),
            None => name.to_owned(),
        }
    }
}

/// Whether a name stands for many models.
#[must_use]
pub fn is_pattern(name: &str) -> bool {
    name.contains('*')
}

/// Whether a model of this name is meant by a name that may hold a `*`.
#[must_use]
pub fn matches(pattern: &str, name: &str) -> bool {
    pattern == name || captured(pattern, name).is_some()
}

/// What the `*` of the pattern stands for in this name. A pattern does not match itself.
fn captured<'n>(pattern: &str, name: &'n str) -> Option<&'n str> {
    let (before, after) = pattern.split_once('*')?;
    name.strip_prefix(before)?.strip_suffix(after).filter(|captured| !matches!(*captured, "" | "*"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_star_stands_for_some_text() {
        assert_eq!(captured("sagemaker/*", "sagemaker/ep/1"), Some("ep/1"));
        assert_eq!(captured("*", "any"), Some("any"));
        assert_eq!(captured("a-*-b", "a-x-b"), Some("x"));
        for other in ["sagemaker/", "sagemaker/*", "sagemaker", "sagemaker_chat/ep"] {
            assert_eq!(captured("sagemaker/*", other), None, "{other}");
        }
        assert!(matches("sagemaker/*", "sagemaker/*") && matches("sagemaker/*", "sagemaker/e") && !matches("a", "b"));
    }

    #[test]
    fn a_whole_name_comes_first_and_then_the_longest_pattern() {
        let all = ["sagemaker/*", "sagemaker/special-*", "sagemaker/one"];
        let names = ModelNames::new(all.map(|name| (name, name))).with_aliases([("alias", "sagemaker/special-x")]);
        let found = |name| names.find(name).map(|found| *found.entry);
        assert_eq!(found("sagemaker/one"), Some("sagemaker/one"));
        assert_eq!(found("sagemaker/special-x"), Some("sagemaker/special-*"));
        assert_eq!(found("alias"), Some("sagemaker/special-*"));
        assert_eq!(found("sagemaker/other"), Some("sagemaker/*"));
        for none in ["sagemaker/", "sagemaker/*", "sagemaker", "", "other"] {
            assert_eq!(found(none), None, "{none}");
        }
        assert!(names.contains("sagemaker/*") && !names.contains("alias"));
    }
}
