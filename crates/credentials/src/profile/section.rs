//! One section of a file: names, values, and the place of each value.
//!
//! Files are read in `grammar` and merged in `set`.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;

use super::grammar;
use crate::secret::Secret;

/// A place: a file's name, as it is given to the parser, and a line. The first line is 1.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Origin {
    pub(super) file: Arc<str>,
    pub(super) line: u32,
}

impl Origin {
    /// The file's name, as it is given to the parser.
    #[must_use]
    pub fn file(&self) -> &str {
        &self.file
    }

    /// The line's number; the first line of a file is 1.
    #[must_use]
    pub fn line(&self) -> u32 {
        self.line
    }
}

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", self.file, self.line)
    }
}

/// The value of one key and its place. The value is wiped from memory on drop, and `Debug` hides
/// it.
#[derive(Debug, Clone)]
pub struct Property {
    pub(super) value: Secret,
    pub(super) origin: Origin,
}

impl Property {
    /// The value, trimmed, with a line feed before each continuation line.
    #[must_use]
    pub fn value(&self) -> &str {
        self.value.expose()
    }

    /// The line of the value.
    #[must_use]
    pub fn origin(&self) -> &Origin {
        &self.origin
    }
}

/// A section whose keys are a profile's settings.
///
/// The same type as an `sso-session` or a `services` section: all three are a name and its
/// properties.
pub type Profile = Section;

/// One section: its name and its properties, merged from all the places that define it.
///
/// `Debug` shows neither keys nor values, since a token that is pasted over several lines looks
/// like both.
#[derive(Clone)]
pub struct Section {
    pub(super) name: String,
    pub(super) origin: Origin,
    pub(super) properties: BTreeMap<String, Property>,
}

impl Section {
    pub(super) fn new(name: &str, origin: Origin) -> Self {
        Self { name: name.to_owned(), origin, properties: BTreeMap::new() }
    }

    /// The section's name, without `profile`, `sso-session` or `services` before it.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The line of the section's first `[header]`.
    #[must_use]
    pub fn origin(&self) -> &Origin {
        &self.origin
    }

    /// The value of `key`, in any case of letters. It may be empty: see [`Section::setting`].
    #[must_use]
    pub fn get(&self, key: &str) -> Option<&str> {
        self.property(key).map(Property::value)
    }

    /// The value of `key`, unless it is missing or blank.
    #[must_use]
    pub fn setting(&self, key: &str) -> Option<&str> {
        self.get(key).filter(|value| !value.trim().is_empty())
    }

    /// The value of `key` with the place it came from.
    #[must_use]
    pub fn property(&self, key: &str) -> Option<&Property> {
        if key.bytes().any(|byte| byte.is_ascii_uppercase()) {
            return self.properties.get(&key.to_ascii_lowercase());
        }
        self.properties.get(key)
    }

    /// The value of `subkey` nested under `key`, as `endpoint_url` is here under `sts`. The last of
    /// several wins.
    ///
    /// ```text
    /// sts =
    ///   endpoint_url = https://sts.example.com
    /// ```
    #[must_use]
    pub fn sub(&self, key: &str, subkey: &str) -> Option<&str> {
        let nested = grammar::nested(self.get(key)?);
        nested.rev().find(|(name, _)| name.eq_ignore_ascii_case(subkey)).map(|(_, value)| value)
    }

    /// All keys, in lower case and in order, with their values.
    pub fn properties(&self) -> impl Iterator<Item = (&str, &Property)> {
        self.properties.iter().map(|(key, property)| (key.as_str(), property))
    }
}

impl fmt::Debug for Section {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Section")
            .field("name", &self.name)
            .field("origin", &self.origin)
            .field("properties", &self.properties.len())
            .finish()
    }
}
