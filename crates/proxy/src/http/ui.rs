//! The page for browsers: `GET /`, `/docs` and `/ui/...`.
//!
//! Owns its files and the headers that they are sent with. The page is made of plain modules in
//! `crates/proxy/ui`; it signs in with a key and calls the same routes as any other client, so that
//! it can do nothing that its key cannot do.

use bytes::Bytes;
use http::{HeaderMap, HeaderName, HeaderValue, Response, StatusCode, header};
use serde_json::{Value, json};

use super::{
    Exchange,
    openapi::schema,
    response::{Body, json_response, typed_response},
    route::{Access, Answer, ApiError, Paths, Route, Verb},
};

pub(super) const HOME: Route = Route {
    name: "home",
    method: Verb::Get,
    paths: Paths::Fixed(&["/"]),
    access: Access::Anyone,
    operation: None,
    summary: "The proxy's name and version; a page for browsers.",
    request: None,
    answer: Answer::JsonOrPage(home_schema),
    handler: |exchange| Box::pin(std::future::ready(Ok(home(exchange)))),
};

pub(super) const DOCS: Route = Route {
    name: "docs",
    method: Verb::Get,
    paths: Paths::Fixed(&["/docs"]),
    access: Access::Anyone,
    operation: None,
    summary: "The page for browsers, at its reference of the routes.",
    request: None,
    answer: Answer::Files(&["text/html"]),
    handler: |exchange| Box::pin(std::future::ready(file(exchange, INDEX))),
};

pub(super) const FILES: Route = Route {
    name: "ui",
    method: Verb::Get,
    paths: Paths::Fixed(&["/ui/{*file}"]),
    access: Access::Anyone,
    operation: None,
    summary: "The files of the page for browsers.",
    request: None,
    answer: Answer::Files(&["text/css", "text/javascript", "image/svg+xml"]),
    handler: |exchange| {
        let name = exchange.parameter.clone().unwrap_or_default();
        Box::pin(std::future::ready(file(exchange, &name)))
    },
};

const INDEX: &str = "index.html";

/// A file of the page, as it is in the program.
struct PageFile {
    name: &'static str,
    media_type: &'static str,
    content: &'static str,
}

macro_rules! files {
    ($($media_type:literal: [$($name:literal),+ $(,)?]),+ $(,)?) => {
        &[$($(PageFile {
            name: $name,
            media_type: $media_type,
            content: include_str!(concat!(env!("CARGO_MANIFEST_DIR"), "/ui/", $name)),
        },)+)+]
    };
}

static PAGE: &[PageFile] = files! {
    "text/html; charset=utf-8": ["index.html"],
    "text/css; charset=utf-8": ["style.css"],
    "image/svg+xml": ["icon.svg"],
    "text/javascript; charset=utf-8": [
        "main.js",
        "api.js",
        "charts.js",
        "chat.js",
        "elements.js",
        "embeddings.js",
        "events.js",
        "failures.js",
        "figures.js",
        "models.js",
        "playground.js",
        "reference.js",
        "rerank.js",
        "session.js",
        "snippets.js",
        "theme.js",
        "usage.js",
    ],
};

/// What the page may do: load its own files and call its own origin. No page may frame it, and no
/// text becomes markup or a script.
const POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; \
                      base-uri 'none'; form-action 'none'; frame-ancestors 'none'; require-trusted-types-for 'script'; trusted-types 'none'";

fn home(exchange: &Exchange) -> Response<Body> {
    if prefers_page(&exchange.head.headers)
        && let Ok(page) = file(exchange, INDEX)
    {
        return page;
    }
    let body = json!({
        "name": "sagewire",
        "version": env!("CARGO_PKG_VERSION"),
        "openapi": "/openapi.json",
        "needs_key": !exchange.state.keyring.is_empty(),
    });
    let mut response = json_response(StatusCode::OK, body.to_string().into());
    response.headers_mut().insert(header::VARY, HeaderValue::from_static("accept"));
    response
}

/// Browsers name `text/html` when they open a page; other clients name JSON, anything or nothing.
fn prefers_page(headers: &HeaderMap) -> bool {
    let accepted = headers.get_all(header::ACCEPT).iter().filter_map(|value| value.to_str().ok());
    let media_types = accepted.flat_map(|value| value.split(','));
    let mut names = media_types.map(|range| range.split(';').next().unwrap_or_default().trim());
    let first =
        names.find(|name| ["text/html", "application/json"].iter().any(|known| name.eq_ignore_ascii_case(known)));
    first.is_some_and(|name| name.eq_ignore_ascii_case("text/html"))
}

fn file(exchange: &Exchange, name: &str) -> Result<Response<Body>, ApiError> {
    let found = PAGE.iter().find(|file| file.name == name && exchange.state.settings.ui);
    let Some(file) = found else { return Err(ApiError::unknown_path(exchange.head.uri.path())) };
    let mut response = typed_response(StatusCode::OK, file.media_type, Bytes::from_static(file.content.as_bytes()));
    let headers = response.headers_mut();
    for (name, value) in [
        (header::CONTENT_SECURITY_POLICY, POLICY),
        (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
        (header::X_FRAME_OPTIONS, "DENY"),
        (header::REFERRER_POLICY, "no-referrer"),
        (HeaderName::from_static("cross-origin-opener-policy"), "same-origin"),
        (HeaderName::from_static("cross-origin-resource-policy"), "same-origin"),
        // The files change with the program alone, and are small.
        (header::CACHE_CONTROL, "no-cache"),
        (header::VARY, "accept"),
    ] {
        headers.insert(name, HeaderValue::from_static(value));
    }
    Ok(response)
}

fn home_schema() -> Value {
    json!({
        "type": "object",
        "required": ["name", "version", "openapi", "needs_key"],
        "properties": {
            "name": schema::text(), "version": schema::text(), "openapi": schema::text(), "needs_key": { "type": "boolean" },
        },
    })
}

#[cfg(test)]
mod tests;
