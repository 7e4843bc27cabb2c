//! The control port: scripts, faults, settings and the log of requests over HTTP, for programs in
//! any language.
//!
//! Owns who may use it, and the way to its routes. It is off unless the builder turns it on, and
//! closed to browsers: a page that a developer visits must not reach it.

use std::{fmt, sync::Arc, time::Duration};

use bytes::Bytes;
use http::{
    HeaderMap, HeaderValue, Method, Response, StatusCode,
    header::{AUTHORIZATION, CONTENT_TYPE, HOST, ORIGIN},
    request::Parts,
};
use serde_json::{Value, json};

use self::{error::ControlError, routes::ROUTES};
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
mod routes;

/// Where all of its paths begin.
pub(crate) const PREFIX: &str = "/_sagewire/";

/// The longest error in characters: it may repeat what was sent.
const LONGEST_ERROR: usize = 2_000;

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
struct ControlRequest<'a> {
    state: &'a State,
    /// What stands for `{name}` in the path.
    name: &'a str,
    query: Form,
    body: &'a Bytes,
}

impl Control {
    pub(crate) fn new(access: Access, state: &State) -> Self {
        let endpoint = |name: String| Some((name.clone(), state.endpoints.get(&name)?));
        Self {
            access,
            initial: state.endpoints.names().into_iter().filter_map(endpoint).collect(),
            latency: state.latency(),
        }
    }

    /// The answer to a request for this path behind [`PREFIX`]; `None` if the control port is off.
    pub(crate) fn answer(
        &self,
        state: &State,
        path: &str,
        parts: &Parts,
        body: &Bytes,
        too_large: bool,
    ) -> Option<Response<Body>> {
        if matches!(self.access, Access::Off) {
            return None;
        }
        let answer = self.permit(&parts.headers).and_then(|()| {
            if too_large { Err(ControlError::TooLarge) } else { self.dispatch(state, path, parts, body) }
        });
        Some(match answer {
            Ok(value) => response(StatusCode::OK, &value),
            Err(error) => response(
                error.status(),
                &json!({"error": error.to_string().chars().take(LONGEST_ERROR).collect::<String>()}),
            ),
        })
    }

    /// A browser says where a request comes from. A foreign name of this machine in `host` is DNS
    /// rebinding.
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
            Access::ThisMachine if is_for_this_machine(headers) => Ok(()),
            Access::ThisMachine | Access::Off => Err(ControlError::Host),
        }
    }

    fn dispatch(&self, state: &State, path: &str, parts: &Parts, body: &Bytes) -> Result<Value, ControlError> {
        // The server leaves out the body of an answer to HEAD.
        let method = if parts.method == Method::HEAD { &Method::GET } else { &parts.method };
        if path == "openapi.json" {
            return if method == Method::GET {
                Ok(openapi::document())
            } else {
                Err(ControlError::Method("GET".to_owned()))
            };
        }
        let here: Vec<_> = ROUTES.iter().filter_map(|route| Some((route, name_in(route.path, path)?))).collect();
        let Some((route, name)) = here.iter().find(|(route, _)| route.method == *method) else {
            let methods: Vec<_> = here.iter().map(|(route, _)| route.method.as_str()).collect();
            return Err(if methods.is_empty() { ControlError::Path } else { ControlError::Method(methods.join(", ")) });
        };
        if route.schema.is_some() && !parts.headers.get(CONTENT_TYPE).is_some_and(is_json) {
            return Err(ControlError::ContentType);
        }
        let query = Form::parse(parts.uri.query().unwrap_or_default());
        let known = route.query.map(|(known, _)| known);
        if let Some(unknown) = query.names().find(|name| Some(*name) != known) {
            return Err(ControlError::Query(unknown.chars().take(64).collect()));
        }
        (route.answer)(self, &ControlRequest { state, name, query, body })
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

impl ControlRequest<'_> {
    fn json<T: serde::de::DeserializeOwned>(&self) -> Result<T, ControlError> {
        serde_json::from_slice(self.body).map_err(ControlError::Body)
    }
}

/// Whether a path is this one, and what stands for `{name}` in it.
fn name_in<'a>(pattern: &str, path: &'a str) -> Option<&'a str> {
    match pattern.strip_suffix("{name}") {
        Some(before) => path.strip_prefix(before).filter(|name| !name.is_empty() && !name.contains('/')),
        None => (pattern == path).then_some(""),
    }
}

/// One `host`, which is this machine's.
fn is_for_this_machine(headers: &HeaderMap) -> bool {
    headers.get_all(HOST).iter().count() == 1 && headers.get(HOST).is_some_and(is_this_machine)
}

/// `localhost`, `127.0.0.1` or `[::1]`, with or without a port.
fn is_this_machine(host: &HeaderValue) -> bool {
    let Ok(authority) = host.to_str().unwrap_or_default().parse::<http::uri::Authority>() else { return false };
    let host = authority.host();
    if authority.as_str().contains('@') {
        return false;
    }
    host == "localhost"
        || host == "[::1]"
        || host.parse::<std::net::Ipv4Addr>().is_ok_and(|address| address.is_loopback())
}

/// `application/json`, with or without parameters.
fn is_json(content_type: &HeaderValue) -> bool {
    let media_type = content_type.as_bytes().split(|byte| *byte == b';').next().unwrap_or_default();
    media_type.trim_ascii().eq_ignore_ascii_case(b"application/json")
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
            ("me@127.0.0.1", false),
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
