//! All profiles, sessions and services of the shared files, merged into one set.
//!
//! This file decides what a section's header means and which of several values is used. The grammar
//! is in `grammar`, and following a profile to its credentials is in `role_chain`.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::sync::Arc;

use super::error::{SyntaxError, SyntaxErrorKind};
use super::grammar::{Item, Items};
use super::location::SelectedProfile;
use super::section::{Origin, Profile, Property, Section};
use super::warning::{Warning, WarningKind};

/// The number of warnings that one set keeps, so that a large broken file does not fill the memory.
const MAX_WARNINGS: usize = 100;

/// The profile that is used if none is named.
pub(super) const DEFAULT: &str = "default";

/// The words that may come before a name in a config file.
const PREFIXES: [&str; 3] = ["profile", "sso-session", "services"];

/// Sections that the AWS CLI alone reads. They need no warning.
const FOREIGN_SECTIONS: [&str; 2] = ["plugins", "preview"];

/// The kind of a shared file. The two kinds name profiles differently, and values of the
/// credentials file win.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FileKind {
    /// `~/.aws/config`: `[profile name]`, `[default]`, `[sso-session name]`, `[services name]`.
    Config,
    /// `~/.aws/credentials`: `[name]`.
    Credentials,
}

/// A file's contents and its name in errors and explanations.
#[derive(Clone, Copy)]
pub struct ProfileFile<'a> {
    kind: FileKind,
    name: &'a str,
    contents: &'a [u8],
}

impl<'a> ProfileFile<'a> {
    /// A file of this kind. `name` is its path as errors show it.
    #[must_use]
    pub fn new(kind: FileKind, name: &'a str, contents: &'a [u8]) -> Self {
        Self { kind, name, contents }
    }

    /// The file's name in errors and explanations.
    pub(crate) fn name(&self) -> &str {
        self.name
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

/// The contents of the shared files and the selected profile.
#[derive(Debug, Clone)]
pub struct ProfileSet {
    selected: SelectedProfile,
    sections: Sections,
    warnings: Warnings,
}

impl ProfileSet {
    /// An empty set, as if there were no files.
    #[must_use]
    pub fn empty(selected: SelectedProfile) -> Self {
        Self { selected, sections: Sections::default(), warnings: Warnings::default() }
    }

    /// Reads and merges files. The last value of a key in a file wins, and the credentials file
    /// wins over the config file.
    ///
    /// A section or property with an invalid name is ignored: see [`ProfileSet::warnings`].
    ///
    /// # Errors
    /// [`SyntaxError`] with file and line if a file breaks the grammar or is not UTF-8. Nothing of
    /// that file is used then, because a file that is understood in part could give the keys of the
    /// wrong account.
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
                        Header::Profile(name) => Some(open(&mut self.sections.profiles, &name, at(line))),
                        Header::SsoSession(name) => Some(open(&mut self.sections.sso_sessions, &name, at(line))),
                        Header::Services(name) => Some(open(&mut self.sections.services, &name, at(line))),
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
                    if is_property_name(name) {
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

    /// `[default]` is used only if the file has no `[profile default]`.
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

    /// How the profile was selected.
    #[must_use]
    pub fn selection(&self) -> &SelectedProfile {
        &self.selected
    }

    /// Whether there are no profiles.
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

    /// The lines that are ignored, in the order of the files. At most a hundred are kept.
    #[must_use]
    pub fn warnings(&self) -> &[Warning] {
        &self.warnings.kept
    }

    /// The number of warnings beyond those in [`ProfileSet::warnings`].
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

/// The meaning of a section's header.
enum Header<'t> {
    Profile(Cow<'t, str>),
    SsoSession(Cow<'t, str>),
    Services(Cow<'t, str>),
    /// `[default]` of a config file.
    BareDefault,
    /// A section of another program, ignored without a warning.
    Foreign,
    Ignored(WarningKind),
}

impl<'t> Header<'t> {
    fn read(kind: FileKind, header: &'t str) -> Self {
        if header.is_empty() || header.chars().any(|character| character.is_control() && character != '\t') {
            return Self::Ignored(WarningKind::InvalidSectionName);
        }
        match kind {
            FileKind::Config => Self::in_config(header),
            FileKind::Credentials => Self::in_credentials(header),
        }
    }

    /// The whole header is a profile's name: the AWS CLI neither splits nor unquotes it.
    fn in_credentials(header: &'t str) -> Self {
        match header.split_once(char::is_whitespace) {
            Some((word, _)) if PREFIXES.contains(&word) => Self::Ignored(WarningKind::ConfigSectionInCredentials),
            _ => Self::Profile(header.into()),
        }
    }

    /// The header is words as in a shell, so that a quoted name may contain blanks.
    fn in_config(header: &'t str) -> Self {
        let Some(mut words) = words(header) else { return Self::Ignored(WarningKind::InvalidSectionName) };
        let name = words.pop().unwrap_or_default();
        match words.as_slice() {
            [] if name == DEFAULT => Self::BareDefault,
            [] if FOREIGN_SECTIONS.contains(&&*name) => Self::Foreign,
            [] if name.is_empty() || PREFIXES.contains(&&*name) => Self::Ignored(WarningKind::InvalidSectionName),
            [] => Self::Ignored(WarningKind::UnprefixedProfile { name: name.into_owned() }),
            [word, ..] if !PREFIXES.contains(&&**word) => {
                Self::Ignored(WarningKind::UnknownSectionType { word: word.clone().into_owned() })
            }
            [word] if !name.is_empty() => match &**word {
                "profile" => Self::Profile(name),
                "sso-session" => Self::SsoSession(name),
                _ => Self::Services(name),
            },
            _ => Self::Ignored(WarningKind::InvalidSectionName),
        }
    }
}

/// The words of a header, split and unquoted as a POSIX shell does, as Python's `shlex` does for
/// the AWS CLI. `None` if a quote is not closed or a backslash ends the text.
fn words(text: &str) -> Option<Vec<Cow<'_, str>>> {
    if !text.contains(['\'', '"', '\\']) {
        return Some(text.split_whitespace().map(Cow::Borrowed).collect());
    }
    let mut words = Vec::new();
    // An empty word in quotes is a word.
    let mut word: Option<String> = None;
    let mut quote = None;
    let mut characters = text.chars();
    while let Some(character) = characters.next() {
        match (quote, character) {
            (None, blank) if blank.is_whitespace() => words.extend(word.take().map(Cow::Owned)),
            (None, '\'' | '"') => {
                quote = Some(character);
                word = Some(word.unwrap_or_default());
            }
            (Some(open), close) if open == close => quote = None,
            (None, '\\') => word.get_or_insert_default().push(characters.next()?),
            (Some('"'), '\\') => match characters.next()? {
                escaped @ ('"' | '\\') => word.get_or_insert_default().push(escaped),
                other => word.get_or_insert_default().extend(['\\', other]),
            },
            (_, other) => word.get_or_insert_default().push(other),
        }
    }
    if quote.is_some() {
        return None;
    }
    words.extend(word.map(Cow::Owned));
    Some(words)
}

/// Whether a property has a name that AWS's reference allows: letters, digits and a few marks.
fn is_property_name(name: &str) -> bool {
    !name.is_empty() && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-_/.%@+".contains(&byte))
}

/// The section of this name, which is created if it does not exist.
fn open<'s>(sections: &'s mut BTreeMap<String, Section>, name: &str, origin: Origin) -> &'s mut Section {
    sections.entry(name.to_owned()).or_insert_with(|| Section::new(name, origin))
}

/// The text, or the line of the first byte that is not UTF-8.
fn utf8(contents: &[u8]) -> Result<&str, u32> {
    std::str::from_utf8(contents).map_err(|error| {
        let before = contents.iter().take(error.valid_up_to());
        let feeds = before.filter(|byte| **byte == b'\n').count();
        u32::try_from(feeds).unwrap_or(u32::MAX).saturating_add(1)
    })
}

#[cfg(test)]
mod tests;
