//! [`ProvideCredentials`]: the trait of every source, chain and cache.

use std::sync::Arc;

use async_trait::async_trait;

use crate::credentials::Credentials;
use crate::error::CredentialsError;

/// A provider of AWS credentials: a source, a chain of sources, a cache over either, or a program's
/// own.
///
/// A source fetches credentials at each call; [`CachedProvider`](crate::CachedProvider) keeps
/// them. `Debug` must show no secret.
#[async_trait]
pub trait ProvideCredentials: Send + Sync + std::fmt::Debug {
    /// Credentials that are valid now.
    ///
    /// # Errors
    /// [`ErrorKind::NotConfigured`](crate::ErrorKind::NotConfigured) if the source is not
    /// configured, so that a chain tries the next one, and another kind if it failed.
    async fn provide_credentials(&self) -> Result<Credentials, CredentialsError>;

    /// Reports that AWS refused `credentials` as expired or revoked. A provider that keeps them
    /// must forget them. Does nothing by default.
    fn invalidate(&self, credentials: &Credentials) {
        let _ = credentials;
    }
}

/// A provider that several tasks share.
pub type SharedCredentialsProvider = Arc<dyn ProvideCredentials>;

#[async_trait]
impl<P: ProvideCredentials + ?Sized> ProvideCredentials for Arc<P> {
    async fn provide_credentials(&self) -> Result<Credentials, CredentialsError> {
        (**self).provide_credentials().await
    }

    fn invalidate(&self, credentials: &Credentials) {
        (**self).invalidate(credentials);
    }
}
