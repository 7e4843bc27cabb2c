//! The models of an app, as they are put in.

use std::{fmt, sync::Arc};

use sagewire::sagemaker::IdSource;
use sagewire_types::{CallContext, Provider};
use serde_json::{Map, Value};

use crate::config::Mode;

/// A model that callers may ask for.
#[derive(Clone, Debug)]
pub struct ServedModel {
    pub(crate) name: String,
    pub(crate) mode: Option<Mode>,
    pub(crate) hidden: bool,
    pub(crate) is_alias: bool,
    pub(crate) is_found: bool,
    pub(crate) needs_listing: bool,
    pub(crate) caller_parameters: Vec<String>,
    pub(crate) deployments: Vec<ServedDeployment>,
}

impl ServedModel {
    /// A chat model of this name; `sagemaker/*` matches every name with that prefix.
    #[must_use]
    pub fn new(name: impl Into<String>) -> Self {
        Self {
            name: name.into(),
            mode: None,
            hidden: false,
            is_alias: false,
            is_found: false,
            needs_listing: false,
            caller_parameters: Vec::new(),
            deployments: Vec::new(),
        }
    }

    /// Sets what the model does: it is refused what it does not do. By default it may be asked
    /// anything, and `/model/info` takes it for a chat model.
    #[must_use]
    pub fn with_mode(mut self, mode: impl Into<Option<Mode>>) -> Self {
        self.mode = mode.into();
        self
    }

    /// Leaves the model out of `/models`; it can be asked for all the same.
    #[must_use]
    pub fn with_hidden(mut self, hidden: bool) -> Self {
        self.hidden = hidden;
        self
    }

    /// Marks a model that was found in the account. What is known of it is in `/v1/models`; keys
    /// without a list of models may use it only if it is open to all.
    #[must_use]
    pub fn found(mut self, open_to_all_keys: bool) -> Self {
        self.is_found = true;
        self.needs_listing = !open_to_all_keys;
        self
    }

    /// Another name for this model. `/health` and `/model/info` show its deployments once only.
    #[must_use]
    pub fn alias(&self, name: impl Into<String>) -> Self {
        Self { name: name.into(), is_alias: true, ..self.clone() }
    }

    /// Lets callers set this one of the operator's parameters, such as `aws_region_name`.
    #[must_use]
    pub fn with_caller_parameter(mut self, name: impl Into<String>) -> Self {
        self.caller_parameters.push(name.into());
        self
    }

    /// Adds a deployment that serves the model.
    #[must_use]
    pub fn with_deployment(mut self, deployment: ServedDeployment) -> Self {
        self.deployments.push(deployment);
        self
    }
}

/// One of the deployments behind a model: what `/model/info` and `/health` say of it, and the real
/// name that callers do not see.
#[derive(Clone)]
pub struct ServedDeployment {
    pub(crate) id: String,
    pub(crate) model: String,
    pub(crate) mode: Option<Mode>,
    pub(crate) info: Map<String, Value>,
    pub(crate) parameters: Map<String, Value>,
    pub(crate) native_routes: Vec<String>,
    pub(crate) max_upload_bytes: Option<u64>,
    pub(crate) id_sources: Vec<IdSource>,
    pub(crate) revision: String,
    pub(crate) probe: Option<Probe>,
}

impl ServedDeployment {
    /// A deployment with this id, whose real name is `model`.
    #[must_use]
    pub fn new(id: impl Into<String>, model: impl Into<String>) -> Self {
        Self {
            id: id.into(),
            model: model.into(),
            mode: None,
            info: Map::new(),
            parameters: Map::new(),
            native_routes: Vec::new(),
            max_upload_bytes: None,
            id_sources: Vec::new(),
            revision: String::new(),
            probe: None,
        }
    }

    /// Sets what decides its answers beside its model and parameters, as any text: kept answers of
    /// another revision are not taken for its own.
    #[must_use]
    pub fn with_revision(mut self, revision: impl Into<String>) -> Self {
        self.revision = revision.into();
        self
    }

    /// Sets what it does, and so how it is probed. By default it is probed as a chat model.
    #[must_use]
    pub fn with_mode(mut self, mode: impl Into<Option<Mode>>) -> Self {
        self.mode = mode.into();
        self
    }

    /// Sets what `/model/info` shows as `model_info`.
    #[must_use]
    pub fn with_info(mut self, info: Map<String, Value>) -> Self {
        self.info = info;
        self
    }

    /// Sets what `/model/info` shows as `litellm_params`. Put no secret in.
    #[must_use]
    pub fn with_parameters(mut self, parameters: Map<String, Value>) -> Self {
        self.parameters = parameters;
        self
    }

    /// Sets the paths of the routes of its own that the container has, such as `/v1/responses`:
    /// requests to them are passed on.
    #[must_use]
    pub fn with_native_routes<P: Into<String>>(mut self, paths: impl IntoIterator<Item = P>) -> Self {
        self.native_routes = paths.into_iter().map(Into::into).collect();
        self
    }

    /// Sets the largest upload that it is sent, in bytes. By default it is the most that AWS
    /// documents for a request.
    #[must_use]
    pub fn with_max_upload_bytes(mut self, bytes: impl Into<Option<u64>>) -> Self {
        self.max_upload_bytes = bytes.into();
        self
    }

    /// Sets what of a caller it derives ids from: it is told this of every caller.
    #[must_use]
    pub fn with_id_sources(mut self, sources: impl IntoIterator<Item = IdSource>) -> Self {
        self.id_sources = sources.into_iter().collect();
        self
    }

    /// Sets how `/health` reaches this very deployment.
    #[must_use]
    pub fn with_probe(mut self, probe: Probe) -> Self {
        self.probe = Some(probe);
        self
    }
}

impl fmt::Debug for ServedDeployment {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // A configuration's parameters hold keys and tokens: their names are enough.
        f.debug_struct("ServedDeployment")
            .field("id", &self.id)
            .field("model", &self.model)
            .field("mode", &self.mode)
            .field("info", &self.info.keys().collect::<Vec<_>>())
            .field("parameters", &self.parameters.keys().collect::<Vec<_>>())
            .field("probe", &self.probe.is_some())
            .finish()
    }
}

/// A way to one deployment, past the router.
#[derive(Clone, Debug)]
pub struct Probe {
    pub(crate) provider: Arc<dyn Provider>,
    pub(crate) context: CallContext,
}

impl Probe {
    /// Asks this provider, with the deployment's own context.
    #[must_use]
    pub fn new(provider: Arc<dyn Provider>, context: CallContext) -> Self {
        Self { provider, context }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn debug_shows_no_parameters_value() {
        let parameters = Map::from_iter([("aws_secret_access_key".to_owned(), Value::from("hush-hush"))]);
        let deployment = ServedDeployment::new("a", "sagemaker/e").with_parameters(parameters);
        let model = ServedModel::new("m").with_deployment(deployment);
        for text in [format!("{model:?}"), format!("{model:#?}")] {
            assert!(!text.contains("hush-hush") && text.contains("aws_secret_access_key"), "{text}");
        }
    }
}
