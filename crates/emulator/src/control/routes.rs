//! The table of the control port's routes: how each is called, documented and answered.

use http::Method;
use serde_json::{Value, json};

use super::{
    Control, ControlRequest, apply,
    bodies::{ChaosBody, CredentialsBody, EndpointBody, FaultsBody, RepliesBody, SettingsBody},
    error::ControlError,
    log,
};

/// How a route is called, documented and answered.
pub(super) struct ControlRoute {
    pub(super) method: Method,
    /// Behind [`PREFIX`](super::PREFIX). `{name}` stands for one segment.
    pub(super) path: &'static str,
    pub(super) summary: &'static str,
    /// The parameter of its query, and what it does.
    pub(super) query: Option<(&'static str, &'static str)>,
    /// The schema of its body.
    pub(super) schema: Option<fn() -> schemars::Schema>,
    pub(super) answer: fn(&Control, &ControlRequest<'_>) -> Result<Value, ControlError>,
}

pub(super) const ROUTES: [ControlRoute; 13] = [
    ControlRoute {
        method: Method::POST,
        path: "replies",
        summary: "Scripted answers to the next requests of an endpoint or operation, in this order",
        query: None,
        schema: Some(schema_of::<RepliesBody>),
        answer: |_, asked| apply::replies(asked.state, asked.json()?),
    },
    ControlRoute {
        method: Method::POST,
        path: "faults",
        summary: "A fault of the next accepted requests of an endpoint or operation",
        query: None,
        schema: Some(schema_of::<FaultsBody>),
        answer: |_, asked| apply::faults(asked.state, asked.json()?),
    },
    ControlRoute {
        method: Method::PUT,
        path: "chaos",
        summary: "Faults for a share of all requests from now on; an empty list ends them",
        query: None,
        schema: Some(schema_of::<ChaosBody>),
        answer: |_, asked| apply::chaos(asked.state, asked.json()?),
    },
    ControlRoute {
        method: Method::PATCH,
        path: "settings",
        summary: "The wait before each answer, and by how much the clock is wrong",
        query: None,
        schema: Some(schema_of::<SettingsBody>),
        answer: |_, asked| apply::settings(asked.state, asked.json()?),
    },
    ControlRoute {
        method: Method::GET,
        path: "endpoints",
        summary: "The names of the endpoints",
        query: None,
        schema: None,
        answer: |_, asked| Ok(json!({"endpoints": asked.state.endpoints.names()})),
    },
    ControlRoute {
        method: Method::PUT,
        path: "endpoints/{name}",
        summary: "Puts a container behind an endpoint, which need not exist yet",
        query: None,
        schema: Some(schema_of::<EndpointBody>),
        answer: |_, asked| apply::put_endpoint(asked.state, asked.name, asked.json()?),
    },
    ControlRoute {
        method: Method::DELETE,
        path: "endpoints/{name}",
        summary: "Deletes an endpoint",
        query: None,
        schema: None,
        answer: |_, asked| apply::delete_endpoint(asked.state, asked.name),
    },
    ControlRoute {
        method: Method::PUT,
        path: "credentials/{name}",
        summary: "Accepts signatures of this access key id",
        query: None,
        schema: Some(schema_of::<CredentialsBody>),
        answer: |_, asked| apply::put_credentials(asked.state, asked.name, asked.json()?),
    },
    ControlRoute {
        method: Method::DELETE,
        path: "credentials/{name}",
        summary: "Revokes an access key id",
        query: None,
        schema: None,
        answer: |_, asked| {
            let is_known = asked.state.keys.revoke(asked.name);
            if is_known { Ok(json!({})) } else { Err(ControlError::NoKey(asked.name.to_owned())) }
        },
    },
    ControlRoute {
        method: Method::POST,
        path: "sessions/expire",
        summary: "Ends all temporary credentials now",
        query: None,
        schema: None,
        answer: |_, asked| {
            asked.state.keys.expire_sessions(asked.state.now());
            Ok(json!({}))
        },
    },
    ControlRoute {
        method: Method::GET,
        path: "requests",
        summary: "What was received, oldest first",
        query: Some(("endpoint", "Only the requests to this endpoint")),
        schema: None,
        answer: |_, asked| Ok(log::requests(asked.state, asked.query.get("endpoint"))),
    },
    ControlRoute {
        method: Method::DELETE,
        path: "requests",
        summary: "Forgets what was received",
        query: None,
        schema: None,
        answer: |_, asked| {
            asked.state.log.clear();
            Ok(json!({}))
        },
    },
    ControlRoute {
        method: Method::POST,
        path: "reset",
        summary: "Forgets scripts, faults, settings and requests; the endpoints are those of the start",
        query: None,
        schema: None,
        answer: |control, asked| Ok(control.reset(asked.state)),
    },
];

/// Without references: each body is a document of its own inside the whole.
fn schema_of<T: schemars::JsonSchema>() -> schemars::Schema {
    // Generators of clients read a schema `true` as no schema.
    let mut objects = schemars::transform::ReplaceBoolSchemas::default();
    objects.skip_additional_properties = true;
    let settings = schemars::generate::SchemaSettings::draft2020_12()
        .with(|settings| settings.inline_subschemas = true)
        .with_transform(objects);
    settings.into_generator().into_root_schema_for::<T>()
}
