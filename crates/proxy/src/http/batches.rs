//! `POST /batches`, `GET /batches`, `GET /batches/{id}`, `POST /batches/{id}/cancel`.
//!
//! Owns the form of the request. <https://platform.openai.com/docs/api-reference/batch>

use http::Response;
use sagewire_batch::{Batch, Endpoint, Input, NewBatch};
use serde::Deserialize;
use serde_json::{Map, Value, json};

use super::{
    Exchange, body,
    error::ApiError,
    files::{Mine, anchor_schema, check_anchor, failed, lifetime, lifetime_schema, listed, object, page},
    openapi::schema,
    response::Body,
    route::{Access, Answer, Paths, Route, Verb},
};

pub(super) const CREATE: Route = Route {
    name: "batches",
    method: Verb::Post,
    paths: Paths::Versioned("/batches"),
    access: Access::Key,
    operation: None,
    summary: "Creates a batch of the requests in an uploaded file.",
    request: Some(request_schema),
    answer: Answer::Json(schema::object),
    handler: |exchange| Box::pin(create(exchange)),
};

pub(super) const LIST: Route = Route {
    name: "batches",
    method: Verb::Get,
    paths: Paths::Versioned("/batches"),
    access: Access::Key,
    operation: None,
    summary: "The batches of the key, the newest first.",
    request: None,
    answer: Answer::Json(schema::object),
    handler: |exchange| Box::pin(list(exchange)),
};

pub(super) const ONE: Route = Route {
    name: "batches",
    method: Verb::Get,
    paths: Paths::Versioned("/batches/{id}"),
    access: Access::Key,
    operation: None,
    summary: "A batch of the key.",
    request: None,
    answer: Answer::Json(schema::object),
    handler: |exchange| Box::pin(one(exchange)),
};

pub(super) const CANCEL: Route = Route {
    name: "batches",
    method: Verb::Post,
    paths: Paths::Versioned("/batches/{id}/cancel"),
    access: Access::Key,
    operation: None,
    summary: "Cancels a batch of the key.",
    request: None,
    answer: Answer::Json(schema::object),
    handler: |exchange| Box::pin(cancel(exchange)),
};

/// How many batches a page has if the caller does not say, and the most.
const PAGE: (usize, usize) = (20, 100);

/// The longest time that a batch may take, in hours.
const LONGEST_WINDOW: u64 = 14 * 24;

#[derive(Deserialize)]
struct Request {
    input_file_id: String,
    endpoint: String,
    completion_window: String,
    #[serde(default)]
    metadata: Option<Map<String, Value>>,
    #[serde(default)]
    output_expires_after: Option<ExpiresAfter>,
}

#[derive(Deserialize)]
struct ExpiresAfter {
    anchor: Option<String>,
    seconds: u64,
}

async fn create(exchange: &mut Exchange) -> Result<Response<Body>, ApiError> {
    let mine = Mine::of(exchange)?;
    let body = exchange.take_body();
    let bytes = body::read(&exchange.head.headers, body, &exchange.state.limits).await?;
    let request: Request = body::parse(&bytes, &exchange.state.limits)?;
    let endpoint: Endpoint = request
        .endpoint
        .parse()
        .map_err(|error| ApiError::invalid(Some("endpoint"), format!("invalid value for `endpoint`: {error}")))?;
    let hours = hours(&request.completion_window).ok_or_else(|| {
        let message = format!("invalid value for `completion_window`: expected `24h`, or up to `{LONGEST_WINDOW}h`");
        ApiError::invalid(Some("completion_window"), message)
    })?;
    let settings = mine.settings();
    let longest = settings.lifetime.as_secs();
    let mut new = NewBatch::new(Input::File(request.input_file_id));
    new.endpoint = Some(endpoint);
    new.window = Some((request.completion_window, hours * 3600));
    new.metadata = request.metadata;
    new.most_lines = Some(settings.max_requests);
    new.quota = Some(settings.quota_bytes);
    let lifetime = match &request.output_expires_after {
        Some(ExpiresAfter { anchor, seconds }) => {
            anchor.as_ref().map_or(Ok(()), |anchor| check_anchor("output_expires_after", anchor))?;
            lifetime("output_expires_after", Some(*seconds))?
        }
        None => longest,
    };
    new.results_lifetime = Some(lifetime.min(longest));
    let batch = mine.store().await?.create(&mine.owner, new).await.map_err(|error| failed(&error))?;
    mine.batches.announce();
    object(&batch)
}

/// The hours of `24h` and its like.
fn hours(window: &str) -> Option<u64> {
    let digits = window.strip_suffix('h').filter(|digits| digits.bytes().all(|byte| byte.is_ascii_digit()))?;
    digits.parse().ok().filter(|hours| (1..=LONGEST_WINDOW).contains(hours))
}

async fn list(exchange: &mut Exchange) -> Result<Response<Body>, ApiError> {
    let mine = Mine::of(exchange)?;
    let page = page(exchange, PAGE)?;
    let found = mine.store().await?.batches(&mine.owner, &page).await;
    Ok(listed(&found.map_err(|error| failed(&error))?, |batch: &Batch| &batch.id))
}

async fn one(exchange: &mut Exchange) -> Result<Response<Body>, ApiError> {
    let mine = Mine::of(exchange)?;
    let batch = mine.store().await?.batch(&mine.owner, exchange.parameter.as_deref().unwrap_or_default()).await;
    object(&batch.map_err(|error| failed(&error))?)
}

async fn cancel(exchange: &mut Exchange) -> Result<Response<Body>, ApiError> {
    let mine = Mine::of(exchange)?;
    let batch = mine.store().await?.cancel(&mine.owner, exchange.parameter.as_deref().unwrap_or_default()).await;
    object(&batch.map_err(|error| failed(&error))?)
}

fn request_schema() -> Value {
    let endpoints = Endpoint::ALL.map(Endpoint::as_str);
    json!({
        "type": "object",
        "required": ["input_file_id", "endpoint", "completion_window"],
        "properties": {
            "input_file_id": schema::text(), "endpoint": { "enum": endpoints }, "completion_window": schema::text(),
            "metadata": { "type": ["object", "null"], "additionalProperties": schema::text() },
            "output_expires_after": {
                "type": ["object", "null"], "required": ["seconds"],
                "properties": { "anchor": anchor_schema(), "seconds": lifetime_schema() },
            },
        },
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_window_is_a_number_of_hours() {
        assert_eq!(hours("24h"), Some(24));
        for wrong in ["", "h", "24", "0h", "-1h", "+1h", "1.5h", "999h", "24H", "99999999999999999999h"] {
            assert_eq!(hours(wrong), None, "{wrong}");
        }
    }
}
