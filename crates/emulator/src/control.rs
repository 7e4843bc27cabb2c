//! The control port: scripts, faults, settings and the log of requests over HTTP, for programs in any language.
//!
//! Owns who may use it and the table of its routes. It is off unless the builder turns it on, and closed to browsers: a page that a
//! developer visits must not reach it.

use std::{fmt, sync::Arc, time::Duration};

use bytes::Bytes;
use http::{
    HeaderMap, HeaderValue, Method, Response, StatusCode,
    header::{AUTHORIZATION, CONTENT_TYPE, HOST, ORIGIN},
    request::Parts,
};
use serde_json::{Value, json};

use self::{
    bodies::{ChaosBody, CredentialsBody, EndpointBody, FaultsBody, RepliesBody, SettingsBody},
    error::ControlError,
};
use crate::{
    body::{Body, whole},
    container::Container,
    form::Form,
    state::State,
};

mod apply;
mod bodies;
mod error;
mod log;
mod openapi;

/// Where all of its paths begin.
pub(crate) const PREFIX: &str = "/_sagewire/";

/// Who may use the control port.
#[derive(Clone, Default)]
pub(crate) enum Access {
    /// Nobody: its paths are unknown.
    #[default]
    Off,
    /// Every program on this machine.
    ThisMachine,
    /// Who sends this token.
    Token(String),
}

impl fmt::Debug for Access {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Off => "Off",
            Self::ThisMachine => "ThisMachine",
            Self::Token(_) => "Token(..)",
        })
    }
}

/// What the control port works on.
pub(crate) struct Control {
    access: Access,
    /// What was behind the endpoints at the start, for `reset`.
    initial: Vec<(String, Arc<dyn Container>)>,
    latency: Duration,
}

/// A request to the control port.
struct Asked<'a> {
    state: &'a State,
    /// What stands for `{name}` in the path.
    name: &'a str,
    query: Form,
    body: &'a Bytes,
}

/// How a route is called, documented and answered.
struct Route {
    method: Method,
    /// Behind [`PREFIX`]. `{name}` stands for one segment.
    path: &'static str,
    summary: &'static str,
    /// The schema of its body.
    schema: Option<fn() -> schemars::Schema>,
    answer: fn(&Control, &Asked<'_>) -> Result<Value, ControlError>,
}

const ROUTES: [Route; 13] = [
    Route {
        method: Method::POST,
        path: "replies",
        summary: "Scripted answers to the next requests of an endpoint or operation, in this order",
        schema: Some(schema_of::<RepliesBody>),
        answer: |_, asked| apply::replies(asked.state, asked.json()?),
    },
    Route {
        method: Method::POST,
        path: "faults",
        summary: "A fault of the next accepted requests of an endpoint or operation",
        schema: Some(schema_of::<FaultsBody>),
        answer: |_, asked| apply::faults(asked.state, asked.json()?),
    },
    Route {
        method: Method::PUT,
        path: "chaos",
        summary: "Faults for a share of all requests from now on; an empty list ends them",
        schema: Some(schema_of::<ChaosBody>),
        answer: |_, asked| apply::chaos(asked.state, asked.json()?),
    },
    Route {
        method: Method::PATCH,
        path: "settings",
        summary: "The wait before each answer, and by how much the clock is wrong",
        schema: Some(schema_of::<SettingsBody>),
        answer: |_, asked| apply::settings(asked.state, asked.json()?),
    },
    Route {
        method: Method::GET,
        path: "endpoints",
        summary: "The names of the endpoints",
        schema: None,
        answer: |_, asked| Ok(json!({"endpoints": asked.state.endpoints.names()})),
    },
    Route {
        method: Method::PUT,
        path: "endpoints/{name}",
        summary: "Puts a container behind an endpoint, which need not exist yet",
        schema: Some(schema_of::<EndpointBody>),
        answer: |_, asked| apply::put_endpoint(asked.state, asked.name, asked.json()?),
    },
    Route {
        method: Method::DELETE,
        path: "endpoints/{name}",
        summary: "Deletes an endpoint",
        schema: None,
        answer: |_, asked| apply::delete_endpoint(asked.state, asked.name),
    },
    Route {
        method: Method::PUT,
        path: "credentials/{name}",
        summary: "Accepts signatures of this access key id",
        schema: Some(schema_of::<CredentialsBody>),
        answer: |_, asked| apply::put_credentials(asked.state, asked.name, asked.json()?),
    },
    Route {
        method: Method::DELETE,
        path: "credentials/{name}",
        summary: "Revokes an access key id",
        schema: None,
        answer: |_, asked| {
            asked.state.keys.revoke(asked.name);
            Ok(json!({}))
        },
    },
    Route {
        method: Method::POST,
        path: "sessions/expire",
        summary: "Ends all temporary credentials now",
        schema: None,
        answer: |_, asked| {
            asked.state.keys.expire_sessions(asked.state.now());
            Ok(json!({}))
        },
    },
    Route {
        method: Method::GET,
        path: "requests",
        summary: "What was received, oldest first; `?endpoint=` names one endpoint",
        schema: None,
        answer: |_, asked| Ok(log::requests(asked.state, asked.query.get("endpoint"))),
    },
    Route {
        method: Method::DELETE,
        path: "requests",
        summary: "Forgets what was received",
        schema: None,
        answer: |_, asked| {
            asked.state.log.clear();
            Ok(json!({}))
        },
    },
    Route {
        method: Method::POST,
        path: "reset",
        summary: "Forgets scripts, faults, settings and requests; the endpoints are those of the start",
        schema: None,
        answer: |control, asked| Ok(control.reset(asked.state)),
    },
];

impl Control {
    pub(crate) fn new(access: Access, state: &State) -> Self {
        let endpoint = |name: String| Some((name.clone(), state.endpoints.get(&name)?));
        Self {
            access,
            initial: state.endpoints.names().into_iter().filter_map(endpoint).collect(),
            latency: state.latency(),
        }
    }

    /// The answer to a request for this path behind [`PREFIX`]; nothing where the control port is off. Whether the emulator runs is told
    /// to everybody.
    pub(crate) fn answer(
        &self,
        state: &State,
        path: &str,
        parts: &Parts,
        body: &Bytes,
        too_large: bool,
    ) -> Option<Response<Body>> {
        if path == "health" && parts.method == Method::GET {
            return Some(response(StatusCode::OK, &json!({"status": "ok"})));
        }
        if matches!(self.access, Access::Off) {
            return None;
        }
        let answer = self.permit(&parts.headers).and_then(|()| {
            if too_large { Err(ControlError::TooLarge) } else { self.dispatch(state, path, parts, body) }
        });
        Some(match answer {
            Ok(value) => response(StatusCode::OK, &value),
            Err(error) => response(error.status(), &json!({"error": error.to_string()})),
        })
    }

    /// A browser says where a request comes from. A foreign name of this machine in `host` is DNS rebinding.
    fn permit(&self, headers: &HeaderMap) -> Result<(), ControlError> {
        if headers.contains_key(ORIGIN) || headers.contains_key("sec-fetch-site") {
            return Err(ControlError::Browser);
        }
        match &self.access {
            Access::Token(token) => {
                let sent = headers.get(AUTHORIZATION).and_then(|value| value.as_bytes().strip_prefix(b"Bearer "));
                // Compared as a whole, so that the time tells nothing of where they differ.
                let differs = |sent: &[u8]| sent.iter().zip(token.as_bytes()).fold(0, |sum, (a, b)| sum | (a ^ b)) != 0;
                match sent {
                    Some(sent) if sent.len() == token.len() && !differs(sent) => Ok(()),
                    _ => Err(ControlError::Token),
                }
            }
            Access::ThisMachine if headers.get(HOST).is_some_and(is_this_machine) => Ok(()),
            Access::ThisMachine | Access::Off => Err(ControlError::Host),
        }
    }

    fn dispatch(&self, state: &State, path: &str, parts: &Parts, body: &Bytes) -> Result<Value, ControlError> {
        if path == "openapi.json" && parts.method == Method::GET {
            return Ok(openapi::document());
        }
        let here: Vec<_> = ROUTES.iter().filter_map(|route| Some((route, name_in(route.path, path)?))).collect();
        let Some((route, name)) = here.iter().find(|(route, _)| route.method == parts.method) else {
            let methods: Vec<_> = here.iter().map(|(route, _)| route.method.as_str()).collect();
            return Err(if methods.is_empty() { ControlError::Path } else { ControlError::Method(methods.join(", ")) });
        };
        let content_type = parts.headers.get(CONTENT_TYPE).map_or(b"".as_slice(), HeaderValue::as_bytes);
        if route.schema.is_some() && !content_type.starts_with(b"application/json") {
            return Err(ControlError::ContentType);
        }
        let query = Form::parse(parts.uri.query().unwrap_or_default());
        (route.answer)(self, &Asked { state, name, query, body })
    }

    fn reset(&self, state: &State) -> Value {
        apply::forget(state, self.latency);
        for name in state.endpoints.names() {
            state.endpoints.remove(&name);
        }
        for (name, container) in &self.initial {
            state.endpoints.insert(name.clone(), Arc::clone(container));
        }
        json!({})
    }
}

impl fmt::Debug for Control {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Control").field("access", &self.access).finish_non_exhaustive()
    }
}

impl Asked<'_> {
    fn json<T: serde::de::DeserializeOwned>(&self) -> Result<T, ControlError> {
        serde_json::from_slice(self.body).map_err(ControlError::Body)
    }
}

/// Without references: each body is a document of its own inside the whole.
fn schema_of<T: schemars::JsonSchema>() -> schemars::Schema {
    let settings =
        schemars::generate::SchemaSettings::draft2020_12().with(|settings| settings.inline_subschemas = true);
    settings.into_generator().into_root_schema_for::<T>()
}

/// Whether a path is this one, and what stands for `{name}` in it.
fn name_in<'a>(pattern: &str, path: &'a str) -> Option<&'a str> {
    match pattern.strip_suffix("{name}") {
        Some(before) => path.strip_prefix(before).filter(|name| !name.is_empty() && !name.contains('/')),
        None => (pattern == path).then_some(""),
    }
}

/// `localhost`, `127.0.0.1` or `[::1]`, with or without a port.
fn is_this_machine(host: &HeaderValue) -> bool {
    let Ok(authority) = host.to_str().unwrap_or_default().parse::<http::uri::Authority>() else { return false };
    let host = authority.host();
    host == "localhost"
        || host == "[::1]"
        || host.parse::<std::net::Ipv4Addr>().is_ok_and(|address| address.is_loopback())
}

fn response(status: StatusCode, value: &Value) -> Response<Body> {
    let mut response = Response::new(whole(value.to_string()));
    *response.status_mut() = status;
    response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
    response
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_names_of_this_machine_are_taken() {
        for (host, expected) in [
            ("localhost", true),
            ("localhost:8080", true),
            ("127.0.0.1:8080", true),
            ("127.8.0.1", true),
            ("[::1]:8080", true),
            ("127.0.0.1.example.com", false),
            ("example.com", false),
            ("10.0.0.1", false),
            ("", false),
        ] {
            assert_eq!(is_this_machine(&HeaderValue::from_static(host)), expected, "{host}");
        }
    }

    #[test]
    fn a_name_is_one_segment() {
        assert_eq!(name_in("endpoints/{name}", "endpoints/tgi"), Some("tgi"));
        for path in ["endpoints/", "endpoints", "endpoints/a/b", "requests"] {
            assert_eq!(name_in("endpoints/{name}", path), None, "{path}");
        }
        assert_eq!(name_in("requests", "requests"), Some(""));
    }

    #[test]
    fn the_token_is_not_printed() {
        assert!(!format!("{:?}", Access::Token("hush".to_owned())).contains("hush"));
    }
}
