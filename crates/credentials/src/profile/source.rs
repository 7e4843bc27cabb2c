//! The source of credentials in one profile, before a role is assumed with them.
//!
//! A profile can name a source in several ways, whose order is defined here. `role_chain` follows
//! the references between profiles.

use super::error::ProfileError;
use super::section::{Origin, Profile};
use super::set::ProfileSet;
use super::sso::{self, SsoSource};
use crate::credentials::Credentials;
use crate::secret::Secret;

/// The name of the source of keys in a profile.
const KEYS_SOURCE: &str = "Profile";

/// The source of the first credentials of a chain of profiles.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum BaseSource {
    /// Keys in the profile itself.
    Keys(Credentials),
    /// `credential_source`: a source outside the files.
    Named(NamedSource),
    /// `web_identity_token_file`: a role that is assumed with a token from a file.
    WebIdentity(WebIdentitySource),
    /// IAM Identity Center.
    Sso(SsoSource),
    /// `login_session`: the sign-in of `aws login`.
    Login {
        /// The identity's ARN, which names the cache file.
        session: String,
    },
    /// `credential_process`: a program that prints credentials.
    Process(ProcessSource),
}

/// The values of `credential_source`, which are read in any case of letters.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum NamedSource {
    /// `Environment`: the key variables.
    Environment,
    /// `Ec2InstanceMetadata`: the instance's role.
    Ec2InstanceMetadata,
    /// `EcsContainer`: the container's role.
    EcsContainer,
}

impl NamedSource {
    /// The value as AWS writes it.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Environment => "Environment",
            Self::Ec2InstanceMetadata => "Ec2InstanceMetadata",
            Self::EcsContainer => "EcsContainer",
        }
    }

    fn parse(value: &str) -> Option<Self> {
        let all = [Self::Environment, Self::Ec2InstanceMetadata, Self::EcsContainer];
        all.into_iter().find(|source| source.as_str().eq_ignore_ascii_case(value))
    }
}

/// A role taken on with a token that an identity provider keeps in a file.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct WebIdentitySource {
    /// `role_arn`.
    pub role_arn: String,
    /// `web_identity_token_file`: the path as written.
    pub token_file: String,
    /// `role_session_name`.
    pub session_name: Option<String>,
}

/// A program that prints credentials. `Debug` hides the command, whose arguments may hold secrets.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ProcessSource {
    command: Secret,
    account_id: Option<String>,
    origin: Origin,
}

impl ProcessSource {
    /// `credential_process`: the whole command line.
    #[must_use]
    pub fn command(&self) -> &str {
        self.command.expose()
    }

    /// `aws_account_id`, for a program that does not print one.
    #[must_use]
    pub fn account_id(&self) -> Option<&str> {
        self.account_id.as_deref()
    }

    /// The line of `credential_process`.
    #[must_use]
    pub fn origin(&self) -> &Origin {
        &self.origin
    }
}

/// The source that a profile states, in the order of AWS's Rust SDK, or none.
pub(super) fn base_source(profiles: &ProfileSet, profile: &Profile) -> Result<Option<BaseSource>, ProfileError> {
    if let Some(source) = named_source(profile)? {
        return Ok(Some(BaseSource::Named(source)));
    }
    if let Some(token_file) = profile.setting("web_identity_token_file") {
        return web_identity(profile, token_file).map(Some);
    }
    if let Some(source) = sso::source(profiles, profile)? {
        return Ok(Some(BaseSource::Sso(source)));
    }
    if let Some(session) = profile.setting("login_session") {
        return Ok(Some(BaseSource::Login { session: session.to_owned() }));
    }
    if let Some(source) = process(profile) {
        return Ok(Some(BaseSource::Process(source)));
    }
    static_keys(profile)
}

/// What `credential_source` names, if the profile has one.
pub(super) fn named_source(profile: &Profile) -> Result<Option<NamedSource>, ProfileError> {
    let Some((value, origin)) = setting(profile, "credential_source") else { return Ok(None) };
    match NamedSource::parse(value) {
        Some(source) => Ok(Some(source)),
        None => Err(ProfileError::UnknownCredentialSource { name: profile.name().to_owned(), origin }),
    }
}

/// The keys of a profile, if it has any.
pub(super) fn static_keys(profile: &Profile) -> Result<Option<BaseSource>, ProfileError> {
    const ID: &str = "aws_access_key_id";
    const SECRET: &str = "aws_secret_access_key";
    let partial = |present, missing, origin| {
        Err(ProfileError::PartialKeys { name: profile.name().to_owned(), present, missing, origin })
    };
    match (setting(profile, ID), setting(profile, SECRET)) {
        (Some((id, _)), Some((secret, _))) => {
            let mut keys = Credentials::new(id, secret).with_source(KEYS_SOURCE);
            if let Some(token) = profile.setting("aws_session_token") {
                keys = keys.with_session_token(token);
            }
            if let Some(account_id) = account_id(profile) {
                keys = keys.with_account_id(account_id);
            }
            Ok(Some(BaseSource::Keys(keys)))
        }
        (Some((_, origin)), None) => partial(ID, SECRET, origin),
        (None, Some((_, origin))) => partial(SECRET, ID, origin),
        (None, None) => Ok(None),
    }
}

fn web_identity(profile: &Profile, token_file: &str) -> Result<BaseSource, ProfileError> {
    let Some(role_arn) = profile.setting("role_arn") else {
        return Err(ProfileError::MissingRoleArn { name: profile.name().to_owned() });
    };
    Ok(BaseSource::WebIdentity(WebIdentitySource {
        role_arn: role_arn.to_owned(),
        token_file: token_file.to_owned(),
        session_name: profile.setting("role_session_name").map(str::to_owned),
    }))
}

fn process(profile: &Profile) -> Option<ProcessSource> {
    let (command, origin) = setting(profile, "credential_process")?;
    Some(ProcessSource { command: command.into(), account_id: account_id(profile), origin })
}

fn account_id(profile: &Profile) -> Option<String> {
    profile.setting("aws_account_id").map(str::to_owned)
}

/// A value that is not blank, and its place.
pub(super) fn setting<'p>(profile: &'p Profile, key: &str) -> Option<(&'p str, Origin)> {
    let value = profile.setting(key)?;
    Some((value, profile.property(key)?.origin().clone()))
}
