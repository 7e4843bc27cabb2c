//! [`EndpointFacts`]: everything that the control plane tells of one endpoint, gathered.

use std::{collections::BTreeMap, sync::Arc};

use serde::Deserialize;

use crate::description::{Component, Endpoint, EndpointConfig, Model, ModelPackage};

/// An endpoint, and all that it refers to. What could not be read is named in
/// [`unread`](Self::unread).
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(default, rename_all = "snake_case")]
#[non_exhaustive]
pub struct EndpointFacts {
    /// The endpoint.
    pub endpoint: Endpoint,
    /// Its configuration.
    pub config: Option<Arc<EndpointConfig>>,
    /// The models that configuration and components name, by name.
    pub models: BTreeMap<String, Arc<Model>>,
    /// The model packages that the models name, by the name or ARN that they use.
    pub packages: BTreeMap<String, Arc<ModelPackage>>,
    /// The inference components that it hosts.
    pub components: Vec<Component>,
    /// What could not be read, and why: a sentence each.
    pub unread: Vec<String>,
}
