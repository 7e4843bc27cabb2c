//! The errors of reading the shared files and of following a profile to its credentials.
//!
//! Messages contain names of profiles and sections and never a value from a file, which may be a
//! misplaced secret.

use std::fmt;

use super::section::Origin;

/// A file that breaks the grammar.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{origin}: {kind}")]
pub struct SyntaxError {
    pub(super) origin: Origin,
    pub(super) kind: SyntaxErrorKind,
}

impl SyntaxError {
    /// The line of the error.
    #[must_use]
    pub fn origin(&self) -> &Origin {
        &self.origin
    }

    /// The rule that the line breaks.
    #[must_use]
    pub fn kind(&self) -> SyntaxErrorKind {
        self.kind
    }
}

/// The rule of the grammar that a line breaks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum SyntaxErrorKind {
    /// A line that begins with `[` and has no `]`.
    UnclosedSection,
    /// A property before the first section.
    OutsideSection,
    /// A line with neither `=` nor `:`.
    MissingSeparator,
    /// A property without a name.
    EmptyName,
    /// An indented line without `=` below a property that has no value of its own.
    NestedMissingEquals,
    /// A nested property without a name.
    NestedEmptyName,
    /// Bytes that are not UTF-8.
    NotUtf8,
}

impl fmt::Display for SyntaxErrorKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::UnclosedSection => "missing `]` after the section name; write `[profile name]` or `[name]`",
            Self::OutsideSection => "property before the first section; add a header such as `[default]` above it",
            Self::MissingSeparator => "expected `name = value`; begin the line with `#` if it is a comment",
            Self::EmptyName => "missing name before the separator; write `name = value`",
            Self::NestedMissingEquals => {
                "expected `name = value`, because the property above this indented line has no value"
            }
            Self::NestedEmptyName => "missing name of a nested property; write `name = value`",
            Self::NotUtf8 => "invalid UTF-8; save the file as UTF-8",
        })
    }
}

/// A profile whose source of credentials cannot be determined.
///
/// Only the kinds for which [`ProfileError::is_not_configured`] is true mean that profiles are not
/// in use. The others are configuration mistakes, after which credentials must not be taken from
/// elsewhere.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ProfileError {
    /// The files define no profile, or not the default one, which was asked for.
    #[error("no profile is defined in the AWS config and credentials files")]
    NoProfiles,
    /// The requested profile does not exist.
    #[error("unknown profile `{name}`; {}", names(.known))]
    NotFound {
        /// The requested name.
        name: String,
        /// Some of the names that exist.
        known: Vec<String>,
    },
    /// A `source_profile` that does not exist.
    #[error("`source_profile` of profile `{from}` is the unknown profile `{name}`; {}", names(.known))]
    SourceNotFound {
        /// The name in `source_profile`.
        name: String,
        /// The profile that refers to it.
        from: String,
        /// Some of the names that exist.
        known: Vec<String>,
    },
    /// The requested profile has settings but no credentials.
    #[error("profile `{name}` has no credentials; add access keys, `role_arn`, `sso_session` or `credential_process`")]
    NoCredentials {
        /// The profile's name.
        name: String,
    },
    /// A `source_profile` that has no credentials.
    #[error(
        "`source_profile` of profile `{from}` is `{name}`, which has no credentials; \
         add access keys, `sso_session` or `credential_process` to `{name}`"
    )]
    SourceWithoutCredentials {
        /// The profile without credentials.
        name: String,
        /// The profile that refers to it.
        from: String,
    },
    /// Profiles that name each other as `source_profile`.
    #[error("`source_profile` forms a loop: {}; give one of these profiles its own credentials", .path.join(" -> "))]
    Loop {
        /// The names in the order followed. The last one occurs twice.
        path: Vec<String>,
    },
    /// A profile that names itself as `source_profile` and has no keys.
    #[error(
        "profile `{name}` is its own `source_profile` and has no access keys; \
         add `aws_access_key_id` and `aws_secret_access_key`"
    )]
    SelfSourceWithoutKeys {
        /// The profile's name.
        name: String,
    },
    /// `role_arn` without credentials to assume the role with.
    #[error(
        "profile `{name}` has `role_arn` but no credentials to assume the role with; \
         add `source_profile`, `credential_source` or `web_identity_token_file`"
    )]
    MissingSource {
        /// The profile's name.
        name: String,
    },
    /// `source_profile` and `credential_source` together.
    #[error("profile `{name}` has both `source_profile` and `credential_source`; remove one of them")]
    BothSources {
        /// The profile's name.
        name: String,
    },
    /// A `credential_source` that does not exist.
    #[error(
        "{origin}: invalid `credential_source` in profile `{name}`: \
         expected Environment, Ec2InstanceMetadata or EcsContainer"
    )]
    UnknownCredentialSource {
        /// The profile's name.
        name: String,
        /// The line of the setting.
        origin: Origin,
    },
    /// One of the two keys without the other.
    #[error("{origin}: profile `{name}` has `{present}` without `{missing}`; add it or remove both")]
    PartialKeys {
        /// The profile's name.
        name: String,
        /// The key that is there.
        present: &'static str,
        /// The key that is missing.
        missing: &'static str,
        /// The line of the key that is there.
        origin: Origin,
    },
    /// `web_identity_token_file` without `role_arn`.
    #[error("profile `{name}` has `web_identity_token_file` without `role_arn`; add the ARN of the role to assume")]
    MissingRoleArn {
        /// The profile's name.
        name: String,
    },
    /// A role that requires a one-time code, which a service cannot ask for.
    #[error(
        "{origin}: profile `{name}` requires an MFA code (`mfa_serial`), which is not supported; run \
         `aws sts get-session-token --serial-number ... --token-code ...`, put the keys it prints into another \
         profile, and use that one"
    )]
    MfaUnsupported {
        /// The profile's name.
        name: String,
        /// The line of `mfa_serial`.
        origin: Origin,
    },
    /// `duration_seconds` that is not a whole number in its range.
    #[error("{origin}: invalid `duration_seconds` in profile `{name}`: expected a whole number from 900 to 43200")]
    InvalidDuration {
        /// The profile's name.
        name: String,
        /// The line of the setting.
        origin: Origin,
    },
    /// An SSO setting without another one that it needs.
    #[error("profile `{name}` has `{present}` without `{missing}`; add it or run `aws configure sso`")]
    IncompleteSso {
        /// The profile's name.
        name: String,
        /// The key that is there.
        present: &'static str,
        /// The key that is missing.
        missing: &'static str,
    },
    /// An `sso-session` section without a key that it needs.
    #[error("missing `{missing}` in [sso-session {session}], which profile `{name}` uses; add it")]
    IncompleteSsoSession {
        /// The profile's name.
        name: String,
        /// The section's name.
        session: String,
        /// The key that is missing.
        missing: &'static str,
    },
    /// `sso_session` that names a section that does not exist.
    #[error("profile `{name}` uses [sso-session {session}], which does not exist; add it or run `aws configure sso`")]
    SsoSessionNotFound {
        /// The profile's name.
        name: String,
        /// The name in `sso_session`.
        session: String,
    },
    /// A profile with `sso_session` and a setting that contradicts the session's.
    #[error("{origin}: `{key}` in profile `{name}` differs from [sso-session {session}]; remove it from the profile")]
    SsoConflict {
        /// The profile's name.
        name: String,
        /// The name in `sso_session`.
        session: String,
        /// The key that both have.
        key: &'static str,
        /// The line in the profile.
        origin: Origin,
    },
}

impl ProfileError {
    /// Whether the error only means that profiles have no credentials, so that a chain may try its
    /// next source.
    #[must_use]
    pub fn is_not_configured(&self) -> bool {
        matches!(self, Self::NoProfiles | Self::NoCredentials { .. })
    }
}

fn names(names: &[String]) -> String {
    if names.is_empty() {
        return "no profile is defined".to_owned();
    }
    format!("defined profiles: {}", names.join(", "))
}
