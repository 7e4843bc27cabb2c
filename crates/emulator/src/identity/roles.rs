//! The roles that may be assumed, and by whom.
//!
//! Owns [`Role`], and AWS's words where one is refused.

use std::{fmt, time::Duration};

use crate::aws_error::AwsError;

/// What AWS allows where a role does not say.
const DEFAULT_MAX_SESSION: Duration = Duration::from_secs(3_600);

/// An IAM role of the emulated account.
///
/// Where an emulator is given roles, only these can be assumed; where it is given none, every role
/// can.
///
/// ```
/// use sagewire_emulator::Role;
///
/// let role = Role::new("arn:aws:iam::123456789012:role/app").external_id("team-1");
/// # let _ = role;
/// ```
#[derive(Clone)]
pub struct Role {
    pub(super) arn: String,
    external_id: Option<String>,
    web_identity_tokens: Vec<String>,
    denied: bool,
    pub(super) max_session: Duration,
}

impl Role {
    /// A role that the account's users may assume for up to one hour, and the bearer of any web
    /// identity token.
    #[must_use]
    pub fn new(arn: impl Into<String>) -> Self {
        Self {
            arn: arn.into(),
            external_id: None,
            web_identity_tokens: Vec::new(),
            denied: false,
            max_session: DEFAULT_MAX_SESSION,
        }
    }

    /// Only a caller that gives this external id may assume it.
    #[must_use]
    pub fn external_id(mut self, external_id: impl Into<String>) -> Self {
        self.external_id = Some(external_id.into());
        self
    }

    /// Only the bearer of this web identity token may assume it with one; of several, any.
    #[must_use]
    pub fn web_identity_token(mut self, token: impl Into<String>) -> Self {
        self.web_identity_tokens.push(token.into());
        self
    }

    /// No one may assume it: `AccessDenied`.
    #[must_use]
    pub const fn denied(mut self) -> Self {
        self.denied = true;
        self
    }

    /// The longest session (`MaxSessionDuration`); one hour where it is not set.
    #[must_use]
    pub const fn max_session(mut self, duration: Duration) -> Self {
        self.max_session = duration;
        self
    }

    /// May this caller assume it?
    pub(super) fn allows(&self, caller: &str, external_id: Option<&str>) -> Result<(), AwsError> {
        if self.denied || self.external_id.as_deref().is_some_and(|wanted| external_id != Some(wanted)) {
            return Err(not_authorized(caller, "sts:AssumeRole", &self.arn));
        }
        Ok(())
    }

    /// May the bearer of this token assume it?
    pub(super) fn allows_token(&self, token: &str) -> Result<(), AwsError> {
        if self.denied {
            return Err(AwsError::access_denied("Not authorized to perform sts:AssumeRoleWithWebIdentity"));
        }
        if self.web_identity_tokens.is_empty() || self.web_identity_tokens.iter().any(|known| known == token) {
            return Ok(());
        }
        Err(AwsError::modelled(
            "InvalidIdentityToken",
            400,
            "Couldn't retrieve verification key from your identity provider",
        ))
    }
}

/// `AccessDenied`, in IAM's words.
pub(super) fn not_authorized(caller: &str, action: &str, resource: &str) -> AwsError {
    AwsError::access_denied(format!("User: {caller} is not authorized to perform: {action} on resource: {resource}"))
}

impl fmt::Debug for Role {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // External ids are no secret to AWS, but people treat them as one.
        f.debug_struct("Role")
            .field("arn", &self.arn)
            .field("denied", &self.denied)
            .field("max_session", &self.max_session)
            .finish_non_exhaustive()
    }
}
