//! The IAM Identity Center settings of a profile, with and without an `sso-session` section.
//!
//! It reads no token and calls no service. Defined by the [IAM Identity Center
//! page](https://docs.aws.amazon.com/sdkref/latest/guide/feature-sso-credentials.html).

use super::error::ProfileError;
use super::section::{Profile, Section};
use super::set::ProfileSet;
use super::source::setting;

const SESSION: &str = "sso_session";
const START_URL: &str = "sso_start_url";
const REGION: &str = "sso_region";
const ACCOUNT_ID: &str = "sso_account_id";
const ROLE_NAME: &str = "sso_role_name";

/// The source of the credentials of a signed-in user.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct SsoSource {
    /// The name of the `sso-session` section, whose token can be refreshed. `None` for the older
    /// form, whose token cannot be refreshed.
    pub session: Option<String>,
    /// `sso_start_url`.
    pub start_url: String,
    /// `sso_region`: the region of the sign-in and portal services, which may differ from
    /// that of other services.
    pub region: String,
    /// `sso_account_id` and `sso_role_name`; a profile with a session but neither of them has
    /// a token and no credentials.
    pub role: Option<SsoRole>,
}

/// The account and the role of the credentials.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct SsoRole {
    /// `sso_account_id`.
    pub account_id: String,
    /// `sso_role_name`.
    pub role_name: String,
}

/// The source, if the profile has any SSO setting.
pub(super) fn source(profiles: &ProfileSet, profile: &Profile) -> Result<Option<SsoSource>, ProfileError> {
    let keys = [SESSION, START_URL, REGION, ACCOUNT_ID, ROLE_NAME];
    let Some(present) = keys.into_iter().find(|key| profile.setting(key).is_some()) else { return Ok(None) };
    let role = role(profile)?;
    if let Some(session) = profile.setting(SESSION) {
        return from_session(profiles, profile, session, role).map(Some);
    }
    let required = |key| match profile.setting(key) {
        Some(value) => Ok(value.to_owned()),
        None => Err(incomplete(profile, present, key)),
    };
    let (start_url, region) = (required(START_URL)?, required(REGION)?);
    if role.is_none() {
        return Err(incomplete(profile, START_URL, ACCOUNT_ID));
    }
    Ok(Some(SsoSource { session: None, start_url, region, role }))
}

fn from_session(
    profiles: &ProfileSet,
    profile: &Profile,
    name: &str,
    role: Option<SsoRole>,
) -> Result<SsoSource, ProfileError> {
    let Some(session) = profiles.sso_session(name) else {
        return Err(ProfileError::SsoSessionNotFound { name: profile.name().to_owned(), session: name.to_owned() });
    };
    Ok(SsoSource {
        session: Some(name.to_owned()),
        start_url: shared(profile, session, START_URL)?,
        region: shared(profile, session, REGION)?,
        role,
    })
}

/// A value of the session, which the profile may repeat but not change.
fn shared(profile: &Profile, session: &Section, key: &'static str) -> Result<String, ProfileError> {
    let Some(value) = session.setting(key) else {
        return Err(ProfileError::IncompleteSsoSession {
            name: profile.name().to_owned(),
            session: session.name().to_owned(),
            missing: key,
        });
    };
    match setting(profile, key) {
        Some((own, origin)) if own != value => Err(ProfileError::SsoConflict {
            name: profile.name().to_owned(),
            session: session.name().to_owned(),
            key,
            origin,
        }),
        _ => Ok(value.to_owned()),
    }
}

fn role(profile: &Profile) -> Result<Option<SsoRole>, ProfileError> {
    match (profile.setting(ACCOUNT_ID), profile.setting(ROLE_NAME)) {
        (Some(account_id), Some(role_name)) => {
            Ok(Some(SsoRole { account_id: account_id.to_owned(), role_name: role_name.to_owned() }))
        }
        (Some(_), None) => Err(incomplete(profile, ACCOUNT_ID, ROLE_NAME)),
        (None, Some(_)) => Err(incomplete(profile, ROLE_NAME, ACCOUNT_ID)),
        (None, None) => Ok(None),
    }
}

fn incomplete(profile: &Profile, present: &'static str, missing: &'static str) -> ProfileError {
    ProfileError::IncompleteSso { name: profile.name().to_owned(), present, missing }
}
