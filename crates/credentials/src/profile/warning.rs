//! Lines of the shared files that have no effect. They fail nothing, but their author should know.

use std::fmt;

use super::section::Origin;

/// A line that is ignored, and why. Its text contains no value and no property name, since either
/// may be a secret.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Warning {
    pub(super) origin: Origin,
    pub(super) kind: WarningKind,
}

impl Warning {
    /// The ignored line.
    #[must_use]
    pub fn origin(&self) -> &Origin {
        &self.origin
    }

    /// Why it is ignored.
    #[must_use]
    pub fn kind(&self) -> &WarningKind {
        &self.kind
    }
}

impl fmt::Display for Warning {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.origin, self.kind)
    }
}

/// Why a section or a property is ignored.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum WarningKind {
    /// The header does not have exactly one name, or the name contains a control character.
    InvalidSectionName,
    /// A section of a config file without `profile` or another known word before its name.
    UnprefixedProfile {
        /// The name in the brackets.
        name: String,
    },
    /// A section in a credentials file that only a config file may have.
    ConfigSectionInCredentials,
    /// A section whose first word is unknown, such as a mistyped `sso-session`.
    UnknownSectionType {
        /// The first word in the brackets.
        word: String,
    },
    /// `[default]` in a config file that also has `[profile default]`.
    ShadowedDefault,
    /// The property's name contains a character that is not allowed.
    InvalidPropertyName,
}

impl fmt::Display for WarningKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::InvalidSectionName => f.write_str(
                "section ignored: expected one name after the first word; \
                 quote a name that contains blanks, as in [profile 'my profile']",
            ),
            Self::UnprefixedProfile { name } if name.contains(char::is_whitespace) => {
                write!(f, "section ignored: write [profile '{name}'] in a config file")
            }
            Self::UnprefixedProfile { name } => {
                write!(f, "section ignored: write [profile {name}] in a config file")
            }
            Self::ConfigSectionInCredentials => f.write_str(
                "section ignored: a credentials file contains only profiles, without a word before their name; \
                 move the section to the config file or remove the word",
            ),
            Self::UnknownSectionType { word } => {
                write!(f, "section ignored: unknown type `{word}`; expected profile, sso-session or services")
            }
            Self::ShadowedDefault => {
                f.write_str("[default] ignored: the file also has [profile default]; merge the two")
            }
            Self::InvalidPropertyName => {
                f.write_str("property ignored: its name may contain only letters, digits and - _ / . % @ +")
            }
        }
    }
}
