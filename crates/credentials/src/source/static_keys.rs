//! Keys that a program already holds. Nothing is looked up.

use async_trait::async_trait;

use crate::{Credentials, CredentialsError, ProvideCredentials};

/// Gives the same credentials each time.
#[derive(Clone, Debug)]
pub struct StaticCredentials(Credentials);

impl StaticCredentials {
    /// Gives `credentials`.
    #[must_use]
    pub fn new(credentials: Credentials) -> Self {
        Self(credentials)
    }
}

#[async_trait]
impl ProvideCredentials for StaticCredentials {
    async fn provide_credentials(&self) -> Result<Credentials, CredentialsError> {
        Ok(self.0.clone())
    }
}

#[cfg(test)]
mod tests {
    use super::StaticCredentials;
    use crate::{Credentials, ProvideCredentials};

    #[tokio::test]
    async fn gives_what_it_was_given() {
        let keys = Credentials::new("id", "secret");
        assert_eq!(StaticCredentials::new(keys.clone()).provide_credentials().await.unwrap(), keys);
    }
}
