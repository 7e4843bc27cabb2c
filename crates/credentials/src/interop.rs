//! Conversions from and to the official AWS SDK for Rust: its credentials and its trait for
//! providers. Feature `aws-interop`.

use async_trait::async_trait;
use aws_credential_types::provider::error::CredentialsError as SdkError;
use aws_credential_types::provider::{ProvideCredentials as SdkProvideCredentials, future};

use crate::{Credentials, CredentialsError, ErrorKind, ProvideCredentials, SharedCredentialsProvider};

/// The name of these credentials in the official SDK.
const NAME: &str = "sagewire";

impl From<Credentials> for aws_credential_types::Credentials {
    fn from(credentials: Credentials) -> Self {
        let mut converted = Self::builder()
            .access_key_id(credentials.access_key_id())
            .secret_access_key(credentials.secret_access_key())
            .provider_name(NAME);
        converted.set_session_token(credentials.session_token().map(str::to_owned));
        converted.set_expiry(credentials.expiry());
        converted.set_account_id(credentials.account_id().map(Into::into));
        converted.build()
    }
}

impl From<aws_credential_types::Credentials> for Credentials {
    fn from(credentials: aws_credential_types::Credentials) -> Self {
        let mut converted =
            Self::new(credentials.access_key_id(), credentials.secret_access_key()).with_source("AwsSdk");
        if let Some(token) = credentials.session_token() {
            converted = converted.with_session_token(token);
        }
        if let Some(expiry) = credentials.expiry() {
            converted = converted.with_expiry(expiry);
        }
        if let Some(account) = credentials.account_id() {
            converted = converted.with_account_id(account.as_str());
        }
        converted
    }
}

impl From<CredentialsError> for SdkError {
    fn from(error: CredentialsError) -> Self {
        match error.kind() {
            ErrorKind::NotConfigured => Self::not_loaded(error),
            ErrorKind::InvalidConfiguration => Self::invalid_configuration(error),
            // The SDK's variant for timeouts has no room for the sources that were tried.
            ErrorKind::Provider | ErrorKind::Timeout => Self::provider_error(error),
        }
    }
}

/// A provider of this crate as one of the official SDK, for `credentials_provider` of a client's
/// configuration.
///
/// ```no_run
/// use std::sync::Arc;
/// use sagewire_credentials::interop::IntoAwsSdk;
/// use sagewire_credentials::seam::World;
/// use sagewire_credentials::{CachedProvider, DefaultChain};
///
/// let world = World::system();
/// let provider = IntoAwsSdk::new(Arc::new(CachedProvider::new(&world, Arc::new(DefaultChain::new(&world)))));
/// let config = aws_sdk_sts::Config::builder().credentials_provider(provider);
/// ```
#[derive(Clone, Debug)]
pub struct IntoAwsSdk(SharedCredentialsProvider);

impl IntoAwsSdk {
    /// Gives what `provider` gives.
    #[must_use]
    pub fn new(provider: SharedCredentialsProvider) -> Self {
        Self(provider)
    }
}

impl SdkProvideCredentials for IntoAwsSdk {
    fn provide_credentials<'a>(&'a self) -> future::ProvideCredentials<'a>
    where
        Self: 'a,
    {
        future::ProvideCredentials::new(async { Ok(self.0.provide_credentials().await?.into()) })
    }
}

/// A provider of the official SDK as one of this crate. Put a
/// [`CachedProvider`](crate::CachedProvider) over one that has no cache.
///
/// ```no_run
/// use std::sync::Arc;
/// use sagewire_credentials::interop::FromAwsSdk;
/// use sagewire_credentials::seam::World;
/// use sagewire_credentials::CachedProvider;
///
/// let provider = FromAwsSdk::new(aws_config::environment::EnvironmentVariableCredentialsProvider::new());
/// let cached = CachedProvider::new(&World::system(), Arc::new(provider));
/// ```
#[derive(Clone, Debug)]
pub struct FromAwsSdk<P>(P);

impl<P: SdkProvideCredentials> FromAwsSdk<P> {
    /// Gives what `provider` gives.
    #[must_use]
    pub fn new(provider: P) -> Self {
        Self(provider)
    }
}

#[async_trait]
impl<P: SdkProvideCredentials> ProvideCredentials for FromAwsSdk<P> {
    async fn provide_credentials(&self) -> Result<Credentials, CredentialsError> {
        let error = match self.0.provide_credentials().await {
            Ok(credentials) => return Ok(credentials.into()),
            Err(error) => error,
        };
        let message = "the credentials provider of the AWS SDK gave none";
        Err(match &error {
            SdkError::CredentialsNotLoaded(_) => CredentialsError::not_configured(message),
            SdkError::InvalidConfiguration(_) => CredentialsError::invalid_configuration(message),
            SdkError::ProviderTimedOut(_) => CredentialsError::timeout(message),
            _ => CredentialsError::provider(message),
        }
        .with_cause(error)
        .with_provider("AwsSdk"))
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;
    use std::time::{Duration, UNIX_EPOCH};

    use aws_credential_types::provider::ProvideCredentials as _;
    use aws_credential_types::provider::error::CredentialsError as SdkError;

    use super::{FromAwsSdk, IntoAwsSdk};
    use crate::seam::World;
    use crate::{Credentials, DefaultChain, EnvironmentCredentials, ErrorKind, ProvideCredentials, StaticCredentials};

    fn keys() -> Credentials {
        Credentials::new("id", "secret")
            .with_session_token("token")
            .with_account_id("123456789012")
            .with_expiry(UNIX_EPOCH + Duration::from_secs(5))
    }

    #[tokio::test]
    async fn there_and_back_nothing_is_lost() {
        let there = IntoAwsSdk::new(Arc::new(StaticCredentials::new(keys())));
        let back = FromAwsSdk::new(there).provide_credentials().await.unwrap();
        assert_eq!(back, keys().with_source("AwsSdk"));
    }

    #[tokio::test]
    async fn what_is_not_configured_stays_so() {
        let none = World::builder().build();
        let there = IntoAwsSdk::new(Arc::new(EnvironmentCredentials::new(&none)));
        let error = there.provide_credentials().await.unwrap_err();
        assert!(matches!(error, SdkError::CredentialsNotLoaded(_)), "{error:?}");
        let error = FromAwsSdk::new(there).provide_credentials().await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::NotConfigured);
        assert!(crate::error::describe(&error).contains("AWS_ACCESS_KEY_ID"), "{error:?}");
    }

    #[tokio::test]
    async fn debug_shows_no_secret() {
        let provider = IntoAwsSdk::new(Arc::new(StaticCredentials::new(keys())));
        assert!(!format!("{provider:?} {:?}", FromAwsSdk::new(provider.clone())).contains("secret\""));
        assert!(!format!("{:?}", DefaultChain::new(&World::builder().build())).is_empty());
    }
}
