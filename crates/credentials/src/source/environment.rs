//! Keys in environment variables.

use async_trait::async_trait;

use crate::env_vars::{AWS_ACCESS_KEY_ID, AWS_ACCOUNT_ID, AWS_SECRET_ACCESS_KEY, AWS_SESSION_TOKEN, SECRET_ACCESS_KEY};
use crate::seam::World;
use crate::{Credentials, CredentialsError, ProvideCredentials};

const NAME: &str = "Environment";

/// Reads `AWS_ACCESS_KEY_ID`, `AWS_SECRET_ACCESS_KEY` (or `SECRET_ACCESS_KEY`, as AWS's Rust SDK
/// does), `AWS_SESSION_TOKEN` and `AWS_ACCOUNT_ID`. A blank variable counts as unset. One key
/// without the other is an error.
///
/// See [AWS access
/// keys](https://docs.aws.amazon.com/sdkref/latest/guide/feature-static-credentials.html).
///
/// ```
/// use sagewire_credentials::seam::{MapEnv, World};
/// use sagewire_credentials::{EnvironmentCredentials, ProvideCredentials};
///
/// # tokio::runtime::Builder::new_current_thread().build()?.block_on(async {
/// let env = MapEnv::from([("AWS_ACCESS_KEY_ID", "id"), ("AWS_SECRET_ACCESS_KEY", "secret")]);
/// let source = EnvironmentCredentials::new(&World::builder().with_env(env).build());
/// assert_eq!(source.provide_credentials().await?.access_key_id(), "id");
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// # })?;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug)]
pub struct EnvironmentCredentials {
    world: World,
}

impl EnvironmentCredentials {
    /// Reads the variables of `world`, at each call.
    #[must_use]
    pub fn new(world: &World) -> Self {
        Self { world: world.clone() }
    }

    fn read(&self) -> Result<Credentials, CredentialsError> {
        let world = &self.world;
        let key_id = world.var(AWS_ACCESS_KEY_ID);
        let secret = world.var(AWS_SECRET_ACCESS_KEY).or_else(|| world.var(SECRET_ACCESS_KEY));
        let (key_id, secret) = match (key_id, secret) {
            (Some(key_id), Some(secret)) => (key_id, secret),
            (None, None) => {
                return Err(CredentialsError::not_configured(
                    "neither `AWS_ACCESS_KEY_ID` nor `AWS_SECRET_ACCESS_KEY` is set",
                ));
            }
            (Some(_), None) => return Err(half(AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY)),
            (None, Some(_)) => return Err(half(AWS_SECRET_ACCESS_KEY, AWS_ACCESS_KEY_ID)),
        };
        let mut credentials = Credentials::new(key_id, secret).with_source(NAME);
        if let Some(token) = world.var(AWS_SESSION_TOKEN) {
            credentials = credentials.with_session_token(token);
        }
        if let Some(account) = world.var(AWS_ACCOUNT_ID) {
            credentials = credentials.with_account_id(account);
        }
        Ok(credentials)
    }
}

fn half(set: &str, unset: &str) -> CredentialsError {
    CredentialsError::invalid_configuration(format!("`{set}` is set but `{unset}` is not; set both or neither"))
}

#[async_trait]
impl ProvideCredentials for EnvironmentCredentials {
    async fn provide_credentials(&self) -> Result<Credentials, CredentialsError> {
        self.read().map_err(|error| error.with_provider(NAME))
    }
}

#[cfg(test)]
mod tests {
    use super::EnvironmentCredentials;
    use crate::seam::{MapEnv, World};
    use crate::{Credentials, CredentialsError, ErrorKind, ProvideCredentials};

    async fn read<const N: usize>(variables: [(&str, &str); N]) -> Result<Credentials, CredentialsError> {
        let world = World::builder().with_env(MapEnv::from(variables)).build();
        EnvironmentCredentials::new(&world).provide_credentials().await
    }

    #[tokio::test]
    async fn reads_all_variables() {
        let keys = read([
            ("AWS_ACCESS_KEY_ID", " id "),
            ("AWS_SECRET_ACCESS_KEY", "secret"),
            ("AWS_SESSION_TOKEN", "token"),
            ("AWS_ACCOUNT_ID", "123456789012"),
        ]);
        let expected = Credentials::new("id", "secret")
            .with_session_token("token")
            .with_account_id("123456789012")
            .with_source("Environment");
        assert_eq!(keys.await.unwrap(), expected);
    }

    #[tokio::test]
    async fn accepts_the_short_name_of_the_secret() {
        let keys = read([("AWS_ACCESS_KEY_ID", "id"), ("SECRET_ACCESS_KEY", "short")]).await.unwrap();
        assert_eq!(keys.secret_access_key(), "short");
    }

    #[tokio::test]
    async fn blank_variables_are_not_configured() {
        let error = read([("AWS_ACCESS_KEY_ID", " "), ("AWS_SECRET_ACCESS_KEY", "")]).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::NotConfigured);
    }

    #[tokio::test]
    async fn half_a_pair_is_an_error_that_names_the_other_half() {
        let error = read([("AWS_ACCESS_KEY_ID", "id")]).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::InvalidConfiguration);
        assert!(error.to_string().contains("`AWS_SECRET_ACCESS_KEY` is not"), "{error}");
        let error = read([("AWS_SECRET_ACCESS_KEY", "hidden")]).await.unwrap_err();
        assert!(error.to_string().contains("`AWS_ACCESS_KEY_ID` is not"), "{error}");
        assert!(!format!("{error:?}").contains("hidden"));
    }
}
