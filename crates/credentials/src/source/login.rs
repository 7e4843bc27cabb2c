//! The sign-in that `aws login` keeps on disk. It is read but not renewed: a renewal needs another
//! key, which the AWS CLI has.

use std::path::PathBuf;

use async_trait::async_trait;
use serde::Deserialize;
use sha2::{Digest, Sha256};

use crate::config::SharedConfig;
use crate::env_vars::AWS_LOGIN_CACHE_DIRECTORY;
use crate::error::ReadError;
use crate::seam::World;
use crate::timestamp::{format_rfc3339, parse_rfc3339};
use crate::{Credentials, CredentialsError, ProvideCredentials, Secret};

const NAME: &str = "Login";
const FILE_LIMIT: u64 = 1024 * 1024;

/// Gives the credentials that [`aws
/// login`](https://docs.aws.amazon.com/cli/latest/reference/login/index.html) saved in
/// `~/.aws/login/cache` (or `AWS_LOGIN_CACHE_DIRECTORY`), while they are valid.
#[derive(Clone, Debug)]
pub struct LoginCredentials {
    world: World,
    session: String,
}

impl LoginCredentials {
    /// Reads the cache of `session`: the profile's `login_session`, an ARN.
    #[must_use]
    pub fn new(world: &World, session: impl Into<String>) -> Self {
        Self { world: world.clone(), session: session.into() }
    }

    async fn read(&self) -> Result<Credentials, CredentialsError> {
        let path = self.path()?;
        let shown = path.display().to_string();
        let content = self.world.files().read(&path, FILE_LIMIT).await.map_err(|source| {
            CredentialsError::provider("not signed in; run `aws login`").with_cause(ReadError { path, source })
        })?;
        let broken =
            |what: &str| CredentialsError::provider(format!("the sign-in in `{shown}` {what}; run `aws login`"));
        let Cache { access_token: token } = serde_json::from_slice(&content).map_err(|_| broken("is invalid"))?;
        let expiry = parse_rfc3339(&token.expires_at).ok_or_else(|| broken("has an invalid `expiresAt`"))?;
        if expiry <= self.world.now() {
            return Err(broken(&format!("expired at {}", format_rfc3339(expiry))));
        }
        let credentials = Credentials::new(token.access_key_id, token.secret_access_key.expose())
            .with_session_token(token.session_token.expose())
            .with_expiry(expiry);
        Ok(match token.account_id {
            Some(account) => credentials.with_account_id(account),
            None => credentials,
        })
    }

    fn path(&self) -> Result<PathBuf, CredentialsError> {
        let folder = match self.world.var(AWS_LOGIN_CACHE_DIRECTORY) {
            Some(folder) => PathBuf::from(folder),
            None => SharedConfig::home(&self.world)?.join(".aws/login/cache"),
        };
        Ok(folder.join(format!("{}.json", super::hex(&Sha256::digest(self.session.trim())))))
    }
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Cache {
    access_token: CachedKeys,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct CachedKeys {
    access_key_id: String,
    secret_access_key: Secret,
    session_token: Secret,
    account_id: Option<String>,
    expires_at: String,
}

#[async_trait]
impl ProvideCredentials for LoginCredentials {
    async fn provide_credentials(&self) -> Result<Credentials, CredentialsError> {
        let credentials = self.read().await.map_err(|error| error.with_provider(NAME))?;
        Ok(credentials.with_source(NAME))
    }
}

#[cfg(test)]
mod tests;
