//! [`ProvideCredentials`]: the one trait every source, chain and cache implements.

use std::sync::Arc;

use async_trait::async_trait;

use crate::credentials::Credentials;
use crate::error::CredentialsError;

/// Anything that can give AWS credentials: one source, a chain of sources, a cache over either, or
/// a program's own.
///
/// A source fetches anew at each call; [`CachedProvider`](crate::CachedProvider) keeps what it
/// gave. `Debug` must show no secret.
#[async_trait]
pub trait ProvideCredentials: Send + Sync + std::fmt::Debug {
    /// Credentials that are valid now.
    ///
    /// # Errors
    /// [`ErrorKind::NotConfigured`](crate::ErrorKind::NotConfigured) where nothing tells this
    /// source to give any, so that a chain moves on; any other kind where it was told to and could
    /// not.
    async fn provide_credentials(&self) -> Result<Credentials, CredentialsError>;

    /// Told that AWS refused `credentials` as expired or revoked: whoever keeps them must forget
    /// them. Does nothing by default.
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
