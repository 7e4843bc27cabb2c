//! All profiles, sessions and services of the shared files, merged into one set.
//!
//! Owns what a section's header means and which value wins. The text's grammar is in `grammar`; following a profile to its
//! credentials is in `role_chain`.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::error::{SyntaxError, SyntaxErrorKind};
use super::grammar::{Item, Items};
use super::location::SelectedProfile;
use super::section::{Origin, Profile, Property, Section};
use super::warning::{Warning, WarningKind};

/// Warnings kept for one set. A file of any size full of mistakes must not fill the memory with complaints.
const MAX_WARNINGS: usize = 100;

/// The profile used where none is named.
pub(super) const DEFAULT: &str = "default";

/// The words that stand before a name in a config file.
const PREFIXES: [&str; 3] = ["profile", "sso-session", "services"];

/// Sections of the AWS CLI's own that are in a config file for good reason, and are nothing to us.
const FOREIGN_SECTIONS: [&str; 2] = ["plugins", "preview"];

/// Which of the two shared files a text is: they name profiles differently, and the credentials file wins.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FileKind {
    /// `~/.aws/config`: `[profile name]`, `[default]`, `[sso-session name]`, `[services name]`.
    Config,
    /// `~/.aws/credentials`: `[name]`.
    Credentials,
}

/// A file's contents and the name that errors and explanations use for it.
#[derive(Clone, Copy)]
pub struct ProfileFile<'a> {
    kind: FileKind,
    name: &'a str,
    contents: &'a [u8],
}

impl<'a> ProfileFile<'a> {
    /// A file of this kind; `name` is its path as people know it.
    #[must_use]
    pub fn new(kind: FileKind, name: &'a str, contents: &'a [u8]) -> Self {
        Self { kind, name, contents }
    }
}

impl std::fmt::Debug for ProfileFile<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("ProfileFile")
            .field("kind", &self.kind)
            .field("name", &self.name)
            .field("bytes", &self.contents.len())
            .finish()
    }
}

/// What the shared files hold, and which profile is selected.
#[derive(Debug, Clone)]
pub struct ProfileSet {
    selected: SelectedProfile,
    sections: Sections,
    warnings: Warnings,
}

impl ProfileSet {
    /// A set with nothing in it, as when there are no files.
    #[must_use]
    pub fn empty(selected: SelectedProfile) -> Self {
        Self { selected, sections: Sections::default(), warnings: Warnings::default() }
    }

    /// Reads and merges files. Within a file the last value of a key wins; between files, the credentials file's.
    ///
    /// A section or property with an invalid name is passed over: see [`ProfileSet::warnings`].
    ///
    /// # Errors
    /// [`SyntaxError`] with the file and the line where a file breaks the grammar or is no UTF-8. Then nothing is usable: a
    /// file that is half understood could yield the wrong account's keys.
    pub fn parse(selected: SelectedProfile, files: &[ProfileFile<'_>]) -> Result<Self, SyntaxError> {
        let mut set = Self::empty(selected);
        for kind in [FileKind::Config, FileKind::Credentials] {
            for file in files.iter().filter(|file| file.kind == kind) {
                set.read(file)?;
            }
        }
        Ok(set)
    }

    fn read(&mut self, file: &ProfileFile<'_>) -> Result<(), SyntaxError> {
        let name: Arc<str> = file.name.into();
        let at = |line| Origin { file: Arc::clone(&name), line };
        let text =
            utf8(file.contents).map_err(|line| SyntaxError { origin: at(line), kind: SyntaxErrorKind::NotUtf8 })?;

        let mut bare_default = None;
        let mut current: Option<&mut Section> = None;
        for item in Items::new(text) {
            match item.map_err(|(line, kind)| SyntaxError { origin: at(line), kind })? {
                Item::Section { header, line } => {
                    current = match Header::read(file.kind, header) {
                        Header::Profile(name) => Some(open(&mut self.sections.profiles, name, at(line))),
                        Header::SsoSession(name) => Some(open(&mut self.sections.sso_sessions, name, at(line))),
                        Header::Services(name) => Some(open(&mut self.sections.services, name, at(line))),
                        Header::BareDefault => {
                            Some(bare_default.get_or_insert_with(|| Section::new(DEFAULT, at(line))))
                        }
                        Header::Foreign => None,
                        Header::Ignored(kind) => {
                            self.warnings.add(|| Warning { origin: at(line), kind });
                            None
                        }
                    };
                }
                Item::Property { name, value, line } => {
                    let Some(section) = current.as_mut() else { continue };
                    if is_name(name) {
                        section.properties.insert(name.to_ascii_lowercase(), Property { value, origin: at(line) });
                    } else {
                        self.warnings.add(|| Warning { origin: at(line), kind: WarningKind::InvalidPropertyName });
                    }
                }
            }
        }
        if let Some(section) = bare_default {
            self.adopt_bare_default(section);
        }
        Ok(())
    }

    /// `[default]` counts only where the file has no `[profile default]`.
    fn adopt_bare_default(&mut self, section: Section) {
        if self.sections.profiles.contains_key(DEFAULT) {
            self.warnings.add(|| Warning { origin: section.origin, kind: WarningKind::ShadowedDefault });
        } else {
            self.sections.profiles.insert(DEFAULT.to_owned(), section);
        }
    }

    /// The profile of this name.
    #[must_use]
    pub fn get(&self, name: &str) -> Option<&Profile> {
        self.sections.profiles.get(name)
    }

    /// The section `[sso-session name]`.
    #[must_use]
    pub fn sso_session(&self, name: &str) -> Option<&Section> {
        self.sections.sso_sessions.get(name)
    }

    /// The section `[services name]`.
    #[must_use]
    pub fn services(&self, name: &str) -> Option<&Section> {
        self.sections.services.get(name)
    }

    /// The selected profile, if the files define it.
    #[must_use]
    pub fn selected(&self) -> Option<&Profile> {
        self.get(self.selected_name())
    }

    /// The selected profile's name, whether or not it exists.
    #[must_use]
    pub fn selected_name(&self) -> &str {
        self.selected.name()
    }

    /// Who selected the profile.
    #[must_use]
    pub fn selection(&self) -> &SelectedProfile {
        &self.selected
    }

    /// Whether there is no profile at all.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.sections.profiles.is_empty()
    }

    /// All profiles, by name.
    pub fn profiles(&self) -> impl Iterator<Item = &Profile> {
        self.sections.profiles.values()
    }

    /// All `sso-session` sections, by name.
    pub fn sso_sessions(&self) -> impl Iterator<Item = &Section> {
        self.sections.sso_sessions.values()
    }

    /// What was passed over, in the order of the files: the first hundred such lines.
    #[must_use]
    pub fn warnings(&self) -> &[Warning] {
        &self.warnings.kept
    }

    /// How many more warnings there were than [`ProfileSet::warnings`] holds.
    #[must_use]
    pub fn more_warnings(&self) -> usize {
        self.warnings.more
    }
}

#[derive(Debug, Clone, Default)]
struct Sections {
    profiles: BTreeMap<String, Section>,
    sso_sessions: BTreeMap<String, Section>,
    services: BTreeMap<String, Section>,
}

#[derive(Debug, Clone, Default)]
struct Warnings {
    kept: Vec<Warning>,
    more: usize,
}

impl Warnings {
    fn add(&mut self, warning: impl FnOnce() -> Warning) {
        if self.kept.len() < MAX_WARNINGS {
            self.kept.push(warning());
        } else {
            self.more = self.more.saturating_add(1);
        }
    }
}

/// What a header's text asks for.
enum Header<'t> {
    Profile(&'t str),
    SsoSession(&'t str),
    Services(&'t str),
    /// `[default]` of a config file.
    BareDefault,
    /// Another program's section: no warning.
    Foreign,
    Ignored(WarningKind),
}

impl<'t> Header<'t> {
    fn read(kind: FileKind, header: &'t str) -> Self {
        let (word, name) = match header.split_once([' ', '\t']) {
            Some((word, name)) => (word, Some(name.trim_matches([' ', '\t']))),
            None => (header, None),
        };
        match (kind, name) {
            (FileKind::Credentials, None) if is_name(word) => Self::Profile(word),
            (FileKind::Credentials, Some(_)) if PREFIXES.contains(&word) => {
                Self::Ignored(WarningKind::ConfigSectionInCredentials)
            }
            (FileKind::Config, None) if word == DEFAULT => Self::BareDefault,
            (FileKind::Config, None) if FOREIGN_SECTIONS.contains(&word) => Self::Foreign,
            (FileKind::Config, None) if is_name(word) && !PREFIXES.contains(&word) => {
                Self::Ignored(WarningKind::UnprefixedProfile { name: word.to_owned() })
            }
            (FileKind::Config, Some(name)) => Self::with_prefix(word, name),
            _ => Self::Ignored(WarningKind::InvalidSectionName),
        }
    }

    fn with_prefix(word: &str, name: &'t str) -> Self {
        let section = match word {
            "profile" => Self::Profile(name),
            "sso-session" => Self::SsoSession(name),
            "services" => Self::Services(name),
            _ => return Self::Ignored(WarningKind::UnknownSectionType { word: word.to_owned() }),
        };
        if is_name(name) { section } else { Self::Ignored(WarningKind::InvalidSectionName) }
    }
}

/// Names of sections and of properties: letters, digits and a few marks.
fn is_name(name: &str) -> bool {
    !name.is_empty() && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-_/.%@:+".contains(&byte))
}

/// The section of this name, new or as it already is.
fn open<'s>(sections: &'s mut BTreeMap<String, Section>, name: &str, origin: Origin) -> &'s mut Section {
    sections.entry(name.to_owned()).or_insert_with(|| Section::new(name, origin))
}

/// The text, or the line of the first byte that is no UTF-8.
fn utf8(contents: &[u8]) -> Result<&str, u32> {
    std::str::from_utf8(contents).map_err(|error| {
        let before = contents.iter().take(error.valid_up_to());
        let feeds = before.filter(|byte| **byte == b'\n').count();
        u32::try_from(feeds).unwrap_or(u32::MAX).saturating_add(1)
    })
}

#[cfg(test)]
mod tests;
