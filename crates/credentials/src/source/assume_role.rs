//! A role assumed with the credentials of another provider: `AssumeRole`.

use std::time::Duration;

use async_trait::async_trait;

use crate::seam::World;
use crate::sts::{RoleParams, SessionTag, StsTarget, sts_setters};
use crate::{Credentials, CredentialsError, ErrorKind, ProvideCredentials, ServiceError, SharedCredentialsProvider};

const NAME: &str = "AssumeRole";

/// Assumes a role with the credentials of another provider. No session policy is sent.
///
/// See [the API](https://docs.aws.amazon.com/STS/latest/APIReference/API_AssumeRole.html).
///
/// ```
/// use std::sync::Arc;
/// use std::time::Duration;
/// use sagewire_credentials::seam::World;
/// use sagewire_credentials::{AssumeRoleCredentials, EnvironmentCredentials};
///
/// # let world = World::builder().build();
/// let source = Arc::new(EnvironmentCredentials::new(&world));
/// let role = AssumeRoleCredentials::new(&world, "arn:aws:iam::123456789012:role/app", source)
///     .with_session_name("gateway")
///     .with_duration(Duration::from_secs(3600));
/// ```
#[derive(Clone, Debug)]
pub struct AssumeRoleCredentials {
    role: RoleParams,
    source: SharedCredentialsProvider,
    sts: StsTarget,
    keep_own_role: bool,
}

impl AssumeRoleCredentials {
    /// Assumes `role_arn` with the credentials of `source`.
    #[must_use]
    pub fn new(world: &World, role_arn: impl Into<String>, source: SharedCredentialsProvider) -> Self {
        Self { role: RoleParams::new(role_arn), source, sts: StsTarget::new(world), keep_own_role: false }
    }

    /// Names the session in CloudTrail and in the resulting ARN. Default: a generated name.
    #[must_use]
    pub fn with_session_name(mut self, name: impl Into<String>) -> Self {
        self.role.session_name = Some(name.into());
        self
    }

    /// Sends the external id that the role's trust policy requires.
    #[must_use]
    pub fn with_external_id(mut self, id: impl Into<String>) -> Self {
        self.role.external_id = Some(id.into());
        self
    }

    /// Requests credentials for this long, from 15 minutes to 12 hours. Default: one hour, which is
    /// also the limit if the role is assumed with the credentials of another role.
    #[must_use]
    pub fn with_duration(mut self, duration: Duration) -> Self {
        self.role.duration = Some(duration);
        self
    }

    /// Tags the session. The role's trust policy must allow `sts:TagSession`.
    #[must_use]
    pub fn with_tags(mut self, tags: Vec<SessionTag>) -> Self {
        self.role.tags = tags;
        self
    }

    sts_setters!();

    /// If STS denies the role and the source's credentials are those of that same role, gives the
    /// source's credentials. A machine that is configured to assume its own role then needs no
    /// trust policy that allows it.
    #[must_use]
    pub fn keep_own_role(mut self) -> Self {
        self.keep_own_role = true;
        self
    }

    async fn assume(&self) -> Result<Credentials, CredentialsError> {
        self.role.check()?;
        let source = self.source.provide_credentials().await.map_err(unusable_source)?;
        let sts = self.sts.connect().await?;
        let denied = match sts.assume_role(&source, &self.role).await {
            Err(error) if self.keep_own_role && is_denial(&error) => error,
            outcome => return outcome.map(|credentials| credentials.with_source(NAME)),
        };
        match sts.get_caller_identity(&source).await {
            Ok(identity) if is_session_of(&identity.arn, &self.role.role_arn) => {
                tracing::debug!(role = self.role.role_arn, "the source's credentials are the role's own");
                Ok(source)
            }
            // The denial is the error to report, even if the identity is unknown.
            _ => Err(denied),
        }
    }
}

/// The error of the credentials to assume a role with. A chain must not skip a configured role.
pub(super) fn unusable_source(error: CredentialsError) -> CredentialsError {
    let kind = match error.kind() {
        ErrorKind::NotConfigured => ErrorKind::Provider,
        kind => kind,
    };
    CredentialsError::new(kind, "cannot load the credentials to assume the role with").with_cause(error)
}

fn is_denial(error: &CredentialsError) -> bool {
    error.find_cause::<ServiceError>().is_some_and(|refusal| refusal.code.as_deref() == Some("AccessDenied"))
}

/// Whether `session`, the ARN of a caller, is a session of `role`, the ARN of a role. A session's
/// ARN lacks the role's path.
fn is_session_of(session: &str, role: &str) -> bool {
    let parts = |arn: &str| -> Option<(String, String, String)> {
        let mut fields = arn.splitn(6, ':').skip(1);
        let (partition, _, _, account, resource) =
            (fields.next()?, fields.next()?, fields.next()?, fields.next()?, fields.next()?);
        let name = match resource.split_once('/')? {
            ("assumed-role", rest) => rest.split_once('/')?.0,
            ("role", rest) => rest.rsplit('/').next()?,
            _ => return None,
        };
        Some((partition.to_owned(), account.to_owned(), name.to_owned()))
    };
    parts(session).is_some_and(|session| parts(role) == Some(session))
}

#[async_trait]
impl ProvideCredentials for AssumeRoleCredentials {
    async fn provide_credentials(&self) -> Result<Credentials, CredentialsError> {
        self.assume().await.map_err(|error| error.with_provider(NAME))
    }

    fn invalidate(&self, credentials: &Credentials) {
        self.source.invalidate(credentials);
    }
}

#[cfg(test)]
mod tests;
