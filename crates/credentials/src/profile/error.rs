//! How reading the shared files, or following a profile, can fail.
//!
//! No text here holds a value from a file: any of them may be a secret pasted in the wrong place. Names of profiles and
//! sections do appear.

use std::fmt;

use super::section::Origin;

/// A file that does not follow the grammar. Nothing of it is used.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{origin}: {kind}")]
pub struct SyntaxError {
    pub(super) origin: Origin,
    pub(super) kind: SyntaxErrorKind,
}

impl SyntaxError {
    /// The line in question.
    #[must_use]
    pub fn origin(&self) -> &Origin {
        &self.origin
    }

    /// Which rule is broken.
    #[must_use]
    pub fn kind(&self) -> SyntaxErrorKind {
        self.kind
    }
}

/// Which rule of the grammar a file breaks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum SyntaxErrorKind {
    /// A line that opens with `[` and does not close with `]`.
    UnclosedSection,
    /// A line before the first section that is neither blank nor a comment.
    OutsideSection,
    /// An indented line right after a section's header, where there is no property to continue.
    ContinuationWithoutProperty,
    /// A line with no `=`.
    MissingEquals,
    /// Nothing before the `=`.
    EmptyName,
    /// An indented line with no `=`, below a property with no value of its own.
    NestedMissingEquals,
    /// Nothing before the `=` of a nested property.
    NestedEmptyName,
    /// Bytes that are no UTF-8.
    NotUtf8,
}

impl fmt::Display for SyntaxErrorKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::UnclosedSection => "a section's header must end with `]`; write [profile name] or [name] and nothing but a comment after it",
            Self::OutsideSection => "this line belongs to no section; put a header such as [default] above it",
            Self::ContinuationWithoutProperty => {
                "this line is indented, but there is no property above it to continue; begin it in the first column"
            }
            Self::MissingEquals => "this line is no property, since it has no `=`; write name = value, or start the line with # to make it a comment",
            Self::EmptyName => "this property has no name before its `=`; write name = value",
            Self::NestedMissingEquals => {
                "this indented line has no `=`; below a property with an empty value every indented line must be name = value"
            }
            Self::NestedEmptyName => "this nested property has no name before its `=`; write name = value",
            Self::NotUtf8 => "this line is not UTF-8 text; save the file again as UTF-8",
        })
    }
}

/// A profile that does not say where its credentials come from.
///
/// Only the kinds for which [`ProfileError::is_not_configured`] holds mean that profiles are not in use; every other one is a
/// mistake that its author wants to hear about, and no reason to look for credentials elsewhere.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ProfileError {
    /// There is no profile at all, or the default one was asked for and there is none.
    #[error("no profiles are defined: there is no config or credentials file with the profile in it")]
    NoProfiles,
    /// The profile asked for does not exist.
    #[error("there is no profile `{name}`; {}", names(.known))]
    NotFound {
        /// The name asked for.
        name: String,
        /// Names that do exist, some of them where there are many.
        known: Vec<String>,
    },
    /// A `source_profile` that does not exist.
    #[error("profile `{from}` names `{name}` as its source_profile, and there is no such profile; {}", names(.known))]
    SourceNotFound {
        /// The name in `source_profile`.
        name: String,
        /// The profile that refers to it.
        from: String,
        /// Names that do exist, some of them where there are many.
        known: Vec<String>,
    },
    /// The profile asked for has settings but no credentials.
    #[error(
        "profile `{name}` says nothing about credentials; add keys, role_arn, sso_session or credential_process to it"
    )]
    NoCredentials {
        /// The profile's name.
        name: String,
    },
    /// A `source_profile` that has no credentials.
    #[error(
        "profile `{from}` takes its credentials from `{name}`, which has none; add keys, sso_session or credential_process to `{name}`"
    )]
    SourceWithoutCredentials {
        /// The profile without credentials.
        name: String,
        /// The profile that refers to it.
        from: String,
    },
    /// Profiles that name each other as `source_profile` without end.
    #[error("source_profile leads in a circle: {}; let one of them have credentials of its own", .path.join(" -> "))]
    Loop {
        /// The names in the order followed; the last one is in the list twice.
        path: Vec<String>,
    },
    /// A profile that names itself as `source_profile` and has no keys.
    #[error(
        "profile `{name}` names itself as source_profile, which needs keys in it; add aws_access_key_id and aws_secret_access_key"
    )]
    SelfSourceWithoutKeys {
        /// The profile's name.
        name: String,
    },
    /// `role_arn` with nothing to assume the role with.
    #[error(
        "profile `{name}` has role_arn and nothing to assume the role with; add source_profile, credential_source or web_identity_token_file"
    )]
    MissingSource {
        /// The profile's name.
        name: String,
    },
    /// `source_profile` and `credential_source` together.
    #[error("profile `{name}` has both source_profile and credential_source; keep one of them")]
    BothSources {
        /// The profile's name.
        name: String,
    },
    /// A `credential_source` that does not exist.
    #[error("{origin}: credential_source in profile `{name}` must be Environment, Ec2InstanceMetadata or EcsContainer")]
    UnknownCredentialSource {
        /// The profile's name.
        name: String,
        /// The line in question.
        origin: Origin,
    },
    /// One of the two keys without the other.
    #[error("{origin}: profile `{name}` has {present} without {missing}; add it or remove both")]
    PartialKeys {
        /// The profile's name.
        name: String,
        /// The key that is there.
        present: &'static str,
        /// The key that is not.
        missing: &'static str,
        /// The line of the key that is there.
        origin: Origin,
    },
    /// `web_identity_token_file` without `role_arn`.
    #[error("profile `{name}` has web_identity_token_file without role_arn; add the ARN of the role to assume")]
    MissingRoleArn {
        /// The profile's name.
        name: String,
    },
    /// A role that asks for a one-time code, which nobody is there to type.
    #[error(
        "{origin}: profile `{name}` asks for a code from an MFA device (mfa_serial), which is not supported; get a session's keys with \
         `aws sts get-session-token --serial-number ... --token-code ...`, put them in a profile of their own, and remove mfa_serial"
    )]
    MfaUnsupported {
        /// The profile's name.
        name: String,
        /// The line of `mfa_serial`.
        origin: Origin,
    },
    /// `duration_seconds` that is no whole number.
    #[error("{origin}: duration_seconds in profile `{name}` must be a whole number of seconds, from 900 to 43200")]
    InvalidDuration {
        /// The profile's name.
        name: String,
        /// The line in question.
        origin: Origin,
    },
    /// An SSO setting without another that it needs.
    #[error("profile `{name}` has {present} without {missing}; run `aws configure sso`, or add it")]
    IncompleteSso {
        /// The profile's name.
        name: String,
        /// The key that is there.
        present: &'static str,
        /// The key that is not.
        missing: &'static str,
    },
    /// An `sso-session` section without a key that it needs.
    #[error("[sso-session {session}], which profile `{name}` uses, has no {missing}; add it there")]
    IncompleteSsoSession {
        /// The profile's name.
        name: String,
        /// The section's name.
        session: String,
        /// The key that is not there.
        missing: &'static str,
    },
    /// `sso_session` that names no section.
    #[error("profile `{name}` uses [sso-session {session}], which does not exist; add it or run `aws configure sso`")]
    SsoSessionNotFound {
        /// The profile's name.
        name: String,
        /// The name in `sso_session`.
        session: String,
    },
    /// A profile with `sso_session` that says otherwise than its session.
    #[error(
        "{origin}: profile `{name}` has a {key} that is not the one of [sso-session {session}]; remove it from the profile"
    )]
    SsoConflict {
        /// The profile's name.
        name: String,
        /// The name in `sso_session`.
        session: String,
        /// The key that both may hold.
        key: &'static str,
        /// The profile's line.
        origin: Origin,
    },
}

impl ProfileError {
    /// Whether this means only that profiles hold no credentials, so that a chain of sources may go on to the next.
    #[must_use]
    pub fn is_not_configured(&self) -> bool {
        matches!(self, Self::NoProfiles | Self::NoCredentials { .. })
    }
}

fn names(names: &[String]) -> String {
    if names.is_empty() {
        return "no profile is defined".to_owned();
    }
    format!("the files define {}", names.join(", "))
}
