//! Responses that a gateway stores for all its replicas.
//!
//! Owns the trait. What is stored of a response, and for whom, is the gateway's business.

use std::{error::Error, time::Duration};

use async_trait::async_trait;

/// Why the store gave no answer.
pub type StoreError = Box<dyn Error + Send + Sync>;

/// Stores texts, each under its owner and its id. Nobody but the owner finds it.
#[async_trait]
pub trait SharedResponses: std::fmt::Debug + Send + Sync {
    /// The owner's text with this id.
    ///
    /// # Errors
    /// If the store does not answer.
    async fn get(&self, owner: &str, id: &str) -> Result<Option<String>, StoreError>;

    /// Stores a text until its lifetime ends.
    ///
    /// # Errors
    /// If the store does not answer.
    async fn put(&self, owner: &str, id: &str, text: &str, lifetime: Duration) -> Result<(), StoreError>;

    /// Removes a text. Returns whether there was one.
    ///
    /// # Errors
    /// If the store does not answer.
    async fn remove(&self, owner: &str, id: &str) -> Result<bool, StoreError>;
}
