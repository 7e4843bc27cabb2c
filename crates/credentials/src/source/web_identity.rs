//! A role that is assumed with a token of another identity provider: `AssumeRoleWithWebIdentity`.
//! The token is read again at each call, because the writer of the file (EKS, a CI system) replaces
//! it.

use std::path::{Path, PathBuf};
use std::time::Duration;

use async_trait::async_trait;
use zeroize::Zeroizing;

use crate::env_vars::{AWS_ROLE_ARN, AWS_ROLE_SESSION_NAME, AWS_WEB_IDENTITY_TOKEN_FILE};
use crate::error::ReadError;
use crate::seam::World;
use crate::sts::{RoleParams, StsTarget, sts_setters};
use crate::{Credentials, CredentialsError, ProvideCredentials, Secret};

const NAME: &str = "WebIdentityToken";

/// STS accepts tokens of up to 20,000 characters; a file may add blanks.
const TOKEN_LIMIT: u64 = 64 * 1024;

/// Where the token of a web identity is.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum WebIdentityToken {
    /// The token itself.
    Literal(Secret),
    /// A file that contains it.
    File(PathBuf),
    /// An environment variable that contains it.
    EnvVar(String),
    /// An environment variable that contains the path of a file that contains it.
    EnvPath(String),
}

impl WebIdentityToken {
    /// Reads LiteLLM's `aws_web_identity_token`: a JWT, `oidc/file/<path>` (an absolute path has a
    /// second slash: `oidc/file//var/run/token`), `oidc/env/<VARIABLE>` or
    /// `oidc/env_path/<VARIABLE>`.
    ///
    /// ```
    /// use sagewire_credentials::WebIdentityToken;
    ///
    /// let token = WebIdentityToken::parse("oidc/file//var/run/token")?;
    /// assert_eq!(token, WebIdentityToken::File("/var/run/token".into()));
    /// # Ok::<(), sagewire_credentials::CredentialsError>(())
    /// ```
    ///
    /// # Errors
    /// [`InvalidConfiguration`](crate::ErrorKind::InvalidConfiguration) for any other form. The
    /// value is not shown, since it may be a token.
    pub fn parse(reference: &str) -> Result<Self, CredentialsError> {
        let reference = reference.trim();
        if let Some(form) = reference.strip_prefix("oidc/") {
            return match form.split_once('/') {
                Some(("file", path)) if !path.is_empty() => Ok(Self::File(path.into())),
                Some(("env", name)) if !name.is_empty() => Ok(Self::EnvVar(name.to_owned())),
                Some(("env_path", name)) if !name.is_empty() => Ok(Self::EnvPath(name.to_owned())),
                _ => Err(CredentialsError::invalid_configuration(
                    "invalid `aws_web_identity_token`: expected oidc/file/<path>, oidc/env/<VARIABLE>, \
                     oidc/env_path/<VARIABLE> or a JWT; put the token of another issuer into a file or a variable",
                )),
            };
        }
        if is_jwt(reference) {
            return Ok(Self::Literal(Secret::new(reference)));
        }
        Err(CredentialsError::invalid_configuration(
            "invalid `aws_web_identity_token`: expected a JWT, oidc/file/<path> (with a second slash for an absolute path), \
             oidc/env/<VARIABLE> or oidc/env_path/<VARIABLE>",
        ))
    }

    async fn read(&self, world: &World) -> Result<Zeroizing<String>, CredentialsError> {
        let token = match self {
            Self::Literal(token) => Zeroizing::new(token.expose().to_owned()),
            Self::EnvVar(name) => Zeroizing::new(variable(world, name)?),
            Self::File(path) => read_file(world, path).await?,
            Self::EnvPath(name) => read_file(world, Path::new(&variable(world, name)?)).await?,
        };
        if token.chars().any(|character| !character.is_ascii_graphic()) {
            return Err(CredentialsError::invalid_configuration(
                "invalid web identity token: it contains blanks or other characters that tokens do not have; check the file",
            ));
        }
        Ok(token)
    }
}

fn is_jwt(text: &str) -> bool {
    let parts: Vec<_> = text.split('.').collect();
    let is_base64url = |part: &&str| {
        !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'='))
    };
    parts.len() == 3 && parts.iter().all(is_base64url)
}

fn variable(world: &World, name: &str) -> Result<String, CredentialsError> {
    world.var(name).ok_or_else(|| {
        let message = format!("`aws_web_identity_token` names the variable `{name}`, which is not set");
        CredentialsError::invalid_configuration(message)
    })
}

async fn read_file(world: &World, path: &Path) -> Result<Zeroizing<String>, CredentialsError> {
    let content = world.files().read(path, TOKEN_LIMIT).await.map_err(|source| {
        let hint = if path.is_absolute() { "" } else { " (the path is relative)" };
        CredentialsError::invalid_configuration(format!(
            "cannot read the web identity token{hint}; check that the file is mounted and readable"
        ))
        .with_cause(ReadError { path: path.to_owned(), source })
    })?;
    let text = std::str::from_utf8(&content).map(str::trim).unwrap_or_default();
    if text.is_empty() {
        let message = format!("the web identity token file `{}` is empty or not text", path.display());
        return Err(CredentialsError::invalid_configuration(message));
    }
    Ok(Zeroizing::new(text.to_owned()))
}

/// Assumes a role with the token of a web identity, as for [IAM roles for service
/// accounts](https://docs.aws.amazon.com/eks/latest/userguide/iam-roles-for-service-accounts.html)
/// and GitHub Actions. The request is not signed and needs no AWS keys. No session policy is sent.
#[derive(Clone, Debug)]
pub struct WebIdentityCredentials {
    /// The role's ARN and the token. Default: those of the environment.
    role: Option<(String, WebIdentityToken)>,
    session_name: Option<String>,
    duration: Option<Duration>,
    sts: StsTarget,
}

impl WebIdentityCredentials {
    /// Reads `AWS_ROLE_ARN`, `AWS_WEB_IDENTITY_TOKEN_FILE` and `AWS_ROLE_SESSION_NAME` at each
    /// call.
    #[must_use]
    pub fn from_env(world: &World) -> Self {
        Self { role: None, session_name: None, duration: None, sts: StsTarget::new(world) }
    }

    /// Assumes the role `role_arn` with `token`.
    #[must_use]
    pub fn new(world: &World, role_arn: impl Into<String>, token: WebIdentityToken) -> Self {
        Self { role: Some((role_arn.into(), token)), ..Self::from_env(world) }
    }

    /// Names the session in CloudTrail and in the resulting ARN. Default: a generated name.
    #[must_use]
    pub fn with_session_name(mut self, name: impl Into<String>) -> Self {
        self.session_name = Some(name.into());
        self
    }

    /// Requests credentials for this long, from 15 minutes to 12 hours. Default: one hour.
    #[must_use]
    pub fn with_duration(mut self, duration: Duration) -> Self {
        self.duration = Some(duration);
        self
    }

    sts_setters!();

    /// Uses the same STS as a profile.
    pub(super) fn with_target(mut self, sts: StsTarget) -> Self {
        self.sts = sts;
        self
    }

    fn role(&self) -> Result<(RoleParams, WebIdentityToken), CredentialsError> {
        let world = &self.sts.world;
        let (mut role, token) = if let Some((arn, token)) = &self.role {
            (RoleParams::new(arn), token.clone())
        } else {
            let file = world
                .var(AWS_WEB_IDENTITY_TOKEN_FILE)
                .ok_or_else(|| CredentialsError::not_configured("`AWS_WEB_IDENTITY_TOKEN_FILE` is not set"))?;
            let arn = world.var(AWS_ROLE_ARN).ok_or_else(|| {
                CredentialsError::invalid_configuration(
                    "`AWS_WEB_IDENTITY_TOKEN_FILE` is set but `AWS_ROLE_ARN` is not; set it to the role to assume",
                )
            })?;
            let mut role = RoleParams::new(arn);
            role.session_name = world.var(AWS_ROLE_SESSION_NAME);
            (role, WebIdentityToken::File(file.into()))
        };
        role.duration = self.duration;
        role.session_name = self.session_name.clone().or(role.session_name);
        Ok((role, token))
    }

    async fn assume(&self) -> Result<Credentials, CredentialsError> {
        let (role, token) = self.role()?;
        role.check()?;
        let token = token.read(&self.sts.world).await?;
        let sts = self.sts.connect().await?;
        sts.assume_role_with_web_identity(&role, &token).await
    }
}

#[async_trait]
impl ProvideCredentials for WebIdentityCredentials {
    async fn provide_credentials(&self) -> Result<Credentials, CredentialsError> {
        let credentials = self.assume().await.map_err(|error| error.with_provider(NAME))?;
        Ok(credentials.with_source(NAME))
    }
}

#[cfg(test)]
mod tests;
