//! What a file holds that is passed over: nothing fails, but its author will wonder.

use std::fmt;

use super::section::Origin;

/// Something in a file that has no effect, and why. Its text holds no value and no property's name: either may be a secret.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Warning {
    pub(super) origin: Origin,
    pub(super) kind: WarningKind,
}

impl Warning {
    /// The line in question.
    #[must_use]
    pub fn origin(&self) -> &Origin {
        &self.origin
    }

    /// What is the matter.
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

/// Why a section or a property is passed over.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum WarningKind {
    /// The section's name holds a character that names may not have, or is empty.
    InvalidSectionName,
    /// A configuration file's section with neither `profile` nor another known word before its name.
    UnprefixedProfile {
        /// The name in the brackets.
        name: String,
    },
    /// A section that only a configuration file may hold, in a credentials file.
    ConfigSectionInCredentials,
    /// A section whose first word is none that is known, such as a mistyped `sso-session`.
    UnknownSectionType {
        /// The first word in the brackets.
        word: String,
    },
    /// `[default]` in a configuration file that has a `[profile default]` too.
    ShadowedDefault,
    /// The property's name holds a character that names may not have.
    InvalidPropertyName,
}

impl fmt::Display for WarningKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::InvalidSectionName => {
                f.write_str("this section is ignored: its name may hold only letters, digits and - _ / . % @ : +")
            }
            Self::UnprefixedProfile { name } => {
                write!(f, "this section is ignored: in a config file write [profile {name}]")
            }
            Self::ConfigSectionInCredentials => f.write_str(
                "this section is ignored: a credentials file holds profiles alone, by their bare name; \
                 move the section to the config file or remove the word before the name",
            ),
            Self::UnknownSectionType { word } => {
                write!(f, "this section is ignored: `{word}` is none of profile, sso-session and services")
            }
            Self::ShadowedDefault => {
                f.write_str("[default] is ignored, because the file has a [profile default] too; merge the two")
            }
            Self::InvalidPropertyName => {
                f.write_str("this property is ignored: its name may hold only letters, digits and - _ / . % @ : +")
            }
        }
    }
}
