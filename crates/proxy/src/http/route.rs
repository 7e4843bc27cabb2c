//! What a route is.
//!
//! Owns the form of an entry in the list of routes and the paths that it is found at. The list is
//! `http`'s.

use std::{collections::BTreeMap, fmt};

use axum::routing::MethodFilter;
use futures_util::future::BoxFuture;
use http::{Method, Response};
use serde_json::Value;

use super::Exchange;
// What the file of a route needs beside the route itself.
pub(super) use super::{error::ApiError, openapi::schema, response::Body};

/// What stands before the model in a path that names it: OpenAI's old form, and Azure's.
pub(super) const MODEL_PREFIXES: [&str; 2] = ["/engines", "/openai/deployments"];

/// One route: where it is found, who may ask, what answers, and how it is described.
pub(crate) struct Route {
    /// The name in logs and metrics.
    pub(crate) name: &'static str,
    pub(super) method: Verb,
    pub(super) paths: Paths,
    pub(super) access: Access,
    /// The operation as [OpenTelemetry](https://opentelemetry.io/docs/specs/semconv/registry/attributes/gen-ai/) names it, if the route asks
    /// a model. Such a request needs a place at work and counts against its key's limits.
    pub(crate) operation: Option<&'static str>,
    /// One sentence for `/openapi.json`.
    pub(super) summary: &'static str,
    /// The schema of the body that it takes.
    pub(super) request: Option<fn() -> Value>,
    pub(super) answer: Answer,
    pub(super) handler: Handler,
}

/// Answers a request of a route.
pub(super) type Handler = for<'a> fn(&'a mut Exchange) -> BoxFuture<'a, Answered>;

/// What a route answers.
pub(super) type Answered = Result<Response<Body>, ApiError>;

/// The method that a route takes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Verb {
    /// GET, and with it HEAD.
    Get,
    Post,
    Delete,
}

/// Where a route is found. Every path may end with a slash.
#[derive(Clone, Copy, Debug)]
pub(super) enum Paths {
    /// At these paths alone; `{name}` stands for one part of the path, and `{*name}` at the end for
    /// all that follows.
    Fixed(&'static [&'static str]),
    /// At this path, and below `/v1`.
    Versioned(&'static str),
    /// The same, and behind a model: `/engines/{model}/...`, `/openai/deployments/{model}/...`.
    OfModel(&'static str),
}

/// Who may ask.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Access {
    /// Anyone, without a key.
    Anyone,
    /// Those who have a key, if the proxy asks for keys.
    Key,
    /// The same if `require_auth_for_metrics_endpoint` is set, else anyone.
    Metrics,
}

/// What a route answers with, for its description.
pub(super) enum Answer {
    /// JSON of this schema.
    Json(fn() -> Value),
    /// The same, or an event stream of these chunks.
    JsonOrStream(fn() -> Value, fn() -> Value),
    /// The same, or an event stream of these events, which end as the Responses API says.
    Responses(fn() -> Value, fn() -> Value),
    /// JSON of this schema in the form of Anthropic's API, failures too; or an event stream of
    /// these events.
    Anthropic(fn() -> Value, Option<fn() -> Value>),
    /// Text.
    Text,
    /// The bytes of a sound or a file, as they come.
    Bytes,
    /// JSON of this schema; an HTML page for browsers.
    JsonOrPage(fn() -> Value),
    /// Text of these media types.
    Files(&'static [&'static str]),
    /// JSON of this schema or a text, for an upload; or an event stream of OpenAI's events.
    Transcript(fn() -> Value),
}

impl fmt::Debug for Route {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Route").field("name", &self.name).field("method", &self.method).finish_non_exhaustive()
    }
}

impl Verb {
    pub(super) fn as_str(self) -> &'static str {
        match self {
            Self::Get => "GET",
            Self::Post => "POST",
            Self::Delete => "DELETE",
        }
    }

    pub(super) fn filter(self) -> MethodFilter {
        match self {
            Self::Get => MethodFilter::GET,
            Self::Post => MethodFilter::POST,
            Self::Delete => MethodFilter::DELETE,
        }
    }

    pub(super) fn is(self, method: &Method) -> bool {
        match self {
            Self::Get => method == Method::GET || method == Method::HEAD,
            Self::Post => method == Method::POST,
            Self::Delete => method == Method::DELETE,
        }
    }
}

impl Route {
    /// The path as it is usually written.
    pub(crate) fn path(&self) -> &'static str {
        match self.paths {
            Paths::Fixed(paths) => paths.first().copied().unwrap_or_default(),
            Paths::Versioned(path) | Paths::OfModel(path) => path,
        }
    }

    /// The end of a path that names a model, if the route has such a form.
    pub(super) fn after_model(&self) -> Option<&'static str> {
        match self.paths {
            Paths::OfModel(path) => Some(path),
            Paths::Fixed(_) | Paths::Versioned(_) => None,
        }
    }

    /// The paths without a model in front.
    pub(super) fn plain_paths(&self) -> Vec<String> {
        match self.paths {
            Paths::Fixed(paths) => paths.iter().map(|&path| path.to_owned()).collect(),
            Paths::Versioned(path) | Paths::OfModel(path) => vec![path.to_owned(), format!("/v1{path}")],
        }
    }
}

/// The routes of each path, with and without a slash at its end.
pub(super) fn by_form(routes: &[&'static Route]) -> BTreeMap<String, Vec<&'static Route>> {
    let mut forms: BTreeMap<String, Vec<&'static Route>> = BTreeMap::new();
    for &route in routes {
        for path in route.plain_paths() {
            // What `{*name}` takes may end with a slash itself.
            if !path.ends_with('/') && !path.contains("{*") {
                forms.entry(format!("{path}/")).or_default().push(route);
            }
            forms.entry(path).or_default().push(route);
        }
    }
    forms
}

/// What stands in the path of a request in place of the parameter of this form of a path.
pub(super) fn parameter<'p>(form: &str, path: &'p str) -> Option<&'p str> {
    let (start, rest) = form.split_once('{')?;
    let (_, end) = rest.split_once('}')?;
    path.strip_prefix(start)?.strip_suffix(end)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_parameter_stands_at_the_end_or_inside() {
        assert_eq!(parameter("/models/{*id}", "/models/a/b"), Some("a/b"));
        assert_eq!(parameter("/r/{id}/items", "/r/a/items"), Some("a"));
        assert_eq!(parameter("/models", "/models"), None);
    }
}
